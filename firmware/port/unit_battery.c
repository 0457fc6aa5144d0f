#include "unit_battery.h"
#include "i2c_dev.h"
#include "i2c_sim.h"
#include "log.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

static const char MODULE[] = "battery";
static const int64_t SECOND_NS = 1000000000;
static const int64_t EVERY_S = 60, AGAIN_S = 300, READY_S = 1, HANGS_S = 3, SAVE_S = 3600;

enum { DEV_PATHS = 5 /* "/dev/" */ };

/* --- the worker's side ---------------------------------------------------------------------- */

static int open_bus(struct unit_battery *b) {
    struct i2c_sim *sim = NULL;
    if (b->reading.bus_open)
        return 0;
    bool real = strncmp(b->bus_path, "/dev/", DEV_PATHS) == 0;
    int err = real ? i2c_dev_open(b->bus_path, &b->bus) : i2c_sim_open(b->bus_path, &sim, &b->bus);
    b->reading.bus_open = err >= 0;
    return err >= 0 && sim != NULL ? i2c_sim_add(sim, b->gauge.address, I2C_SIM_WORDS) : err;
}

static int read_gauge(void *ctx) {
    struct unit_battery *b = ctx;
    int err = open_bus(b);
    return err < 0 ? err : ina219_read(&b->gauge, &b->reading.mv, &b->reading.ma);
}

/* --- the loop's side ------------------------------------------------------------------------ */

void unit_battery_init(struct unit_battery *b, const struct unit_conf *conf,
                       const struct unit_board *board) {
    const struct kit_battery *kit = &board->kit.battery;
    *b = (struct unit_battery){.conf = conf, .fitted = kit->driver == KIT_INA219};
    unsigned kind = conf->battery_kind > 0 ? conf->battery_kind - 1 : kit->kind;
    uint32_t nominal = conf->battery_nominal_mv > 0 ? conf->battery_nominal_mv : kit->nominal_mv;
    uint32_t capacity =
        conf->battery_capacity_mah > 0 ? conf->battery_capacity_mah : kit->capacity_mah;
    const struct battery_conf size = {
        .kind = (enum battery_kind)kind,
        .cells = battery_cells((enum battery_kind)kind, nominal),
        .capacity_mah = capacity,
    };
    battery_init(&b->battery, &size);
    b->job = (struct i2c_job){.run = read_gauge, .ctx = b};
    b->gauge = (struct ina219){&b->bus, kit->address, kit->shunt_mohm};
    snprintf(b->bus_path, sizeof b->bus_path, "%s",
             conf->battery_bus[0] != '\0' ? conf->battery_bus
                                          : board_i2c_device(&board->board, &board->kit));
}

static const char *why(const struct unit_battery *b, int err, char *buf, size_t cap) {
    if (err == ERR_PROTO)
        return "another chip than an INA219 answers";
    if (err != ERR_RANGE || b->mv == 0)
        return err_text(err);
    snprintf(buf, cap, "%u mV is no voltage of %u cells: [health] battery_kind, battery_nominal?",
             b->mv, b->battery.conf.cells);
    return buf;
}

static void tell(struct unit_battery *b, int err) {
    char text[96];
    if (err >= 0 && b->said)
        log_info(MODULE, "the gauge answers again");
    else if (err < 0 && !b->said)
        log_warn(MODULE, "gauge 0x%02x on %s: %s; asking again every 5 min", b->gauge.address,
                 b->bus_path, why(b, err, text, sizeof text));
    b->said = b->fault = err < 0;
}

static int day_of_year(const struct clock *clock) {
    if (clock->quality(clock->ctx) == CLOCK_UNKNOWN)
        return 0;
    time_t now = (time_t)(clock->wall_ms(clock->ctx) / 1000);
    struct tm tm = {0};
    return gmtime_r(&now, &tm) != NULL ? tm.tm_yday + 1 : 0;
}

static int take(struct unit_battery *b, const struct clock *clock, int64_t now_ns) {
    const struct battery_sample sample = {now_ns, b->reading.mv, b->reading.ma, day_of_year(clock)};
    unsigned refused = b->battery.refused;
    b->mv = sample.mv;
    b->ma = sample.ma;
    battery_sample(&b->battery, &sample);
    return b->battery.refused == refused ? 0 : ERR_RANGE;
}

static void judge(struct unit_battery *b, int err) {
    tell(b, err);
    if (err < 0) {
        b->errors++;
        b->mv = 0;
        b->ma = 0;
    }
    battery_look(&b->battery, &b->view);
}

/* Asks, takes the answer, or says that none comes; a job that hangs is not asked twice. */
static int64_t turn(struct unit_battery *b, const struct clock *clock, int64_t now_ns) {
    const struct i2c_job *done = b->worker != NULL ? i2c_worker_done(b->worker) : NULL;
    if (done == NULL && b->job.asked) {
        int64_t late_ns = b->asked_ns + HANGS_S * SECOND_NS;
        if (now_ns < late_ns)
            return late_ns;
        if (!b->fault)
            judge(b, ERR_TIMEDOUT);
        return now_ns + AGAIN_S * SECOND_NS;
    }
    if (done != NULL) {
        int err = done->result == 0 ? take(b, clock, now_ns) : done->result;
        if (err == ERR_AGAIN)
            return now_ns + READY_S * SECOND_NS;
        judge(b, err);
        return now_ns + (err < 0 ? AGAIN_S : EVERY_S) * SECOND_NS;
    }
    b->asked_ns = now_ns;
    if (b->worker == NULL || !i2c_worker_ask(b->worker, &b->job))
        return now_ns + AGAIN_S * SECOND_NS;
    return now_ns + HANGS_S * SECOND_NS;
}

/* --- over restarts -------------------------------------------------------------------------- */

static const char STATE[] = "battery";
enum { STAMP_MAX = 64 };

/* Boot, its seconds, the date if it is known; then the text of core/battery. */
static void save(struct unit_battery *b, struct unit_store *store, const struct clock *clock,
                 int64_t now_ns) {
    char text[STAMP_MAX + BATTERY_TEXT_MAX];
    bool dated = clock->quality(clock->ctx) != CLOCK_UNKNOWN;
    int n = snprintf(text, STAMP_MAX, "%" PRIu64 " %" PRId64 " %" PRId64 " ", clock->boot_id,
                     now_ns / SECOND_NS, dated ? clock->wall_ms(clock->ctx) / 1000 : 0);
    if (b->battery.known && battery_save(&b->battery, text + n, sizeof text - (size_t)n) > 0)
        unit_store_remember_text(store, STATE, text);
    b->save_ns = now_ns + SAVE_S * SECOND_NS;
}

static int64_t off_for_s(const struct clock *clock, uint64_t boot_id, int64_t boot_s,
                         int64_t unix_s) {
    int64_t off = -1;
    if (boot_id == clock->boot_id)
        off = clock->boot_ns(clock->ctx) / SECOND_NS - boot_s;
    else if (unix_s > 0 && clock->quality(clock->ctx) >= CLOCK_NTP)
        off = clock->wall_ms(clock->ctx) / 1000 - unix_s;
    return off;
}

static void load(struct unit_battery *b, struct unit_store *store, const struct clock *clock) {
    char text[STAMP_MAX + BATTERY_TEXT_MAX];
    uint64_t boot_id;
    int64_t boot_s, unix_s;
    int used = 0, n = unit_store_recall_text(store, STATE, text, sizeof text);
    b->loaded = true;
    b->save_ns = clock->boot_ns(clock->ctx) + SAVE_S * SECOND_NS;
    if (n <= 0 || sscanf(text, "%" SCNu64 " %" SCNd64 " %" SCNd64 " %n", &boot_id, &boot_s, &unix_s,
                         &used) != 3)
        return;
    if (battery_load(&b->battery, text + used, off_for_s(clock, boot_id, boot_s, unix_s)) < 0)
        log_warn(MODULE, "what was kept is of another battery or damaged: it is measured anew");
}

int64_t unit_battery_step(struct unit_battery *b, struct unit_store *store,
                          const struct clock *clock) {
    int64_t now_ns = clock->boot_ns(clock->ctx);
    if (!b->fitted)
        return INT64_MAX;
    if (!b->loaded && store->open)
        load(b, store, clock);
    int err = b->worker == NULL && now_ns >= b->next_ns ? i2c_worker_open(&b->worker) : 0;
    if (err < 0)
        judge(b, err); /* turn() sets the time of the next try */
    if (now_ns >= b->next_ns || b->job.asked)
        b->next_ns = turn(b, clock, now_ns);
    if (b->loaded && now_ns >= b->save_ns)
        save(b, store, clock, now_ns);
    return b->next_ns;
}

void unit_battery_close(struct unit_battery *b, struct unit_store *store,
                        const struct clock *clock) {
    if (b->loaded && store->open)
        save(b, store, clock, clock->boot_ns(clock->ctx));
    if (b->worker != NULL && i2c_worker_close(b->worker) && b->reading.bus_open)
        b->bus.close(b->bus.ctx);
    b->worker = NULL;
}

int unit_battery_fd(const struct unit_battery *b) {
    return b->worker != NULL ? i2c_worker_fd(b->worker) : -1;
}
