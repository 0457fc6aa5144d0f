#include "sensors.h"
#include "ads1115.h"
#include "i2c_dev.h"
#include "i2c_sim.h"
#include "log.h"
#include <stdio.h>
#include <string.h>

static const char MODULE[] = "sensors";
static const int64_t SECOND_NS = 1000000000;
enum {
    FAILURES_FAULT = 3, /* in a row: told as a fault */
    PAUSES = 5,         /* 1, 2, 4, 8, 16 s, then */
    PAUSE_MAX_S = 30,
    RETRY_S = 30,
    HUNG_S = 1, /* one transfer lasts so long: the kernel's driver hangs */
    DEV_PATH = 5,
    MEMORY_NAME = 24,
};

/* --- on the worker's thread ----------------------------------------------------------------- */

static int read_motion(void *ctx) {
    struct sensors_motion *m = ctx;
    int err = m->started ? 0 : m->sensor.start(m->sensor.ctx);
    m->started = err >= 0;
    if (err >= 0)
        err = m->sensor.read(m->sensor.ctx, m->samples, &m->lost);
    m->started = err >= 0;
    return err;
}

static int read_loop(void *ctx) {
    struct sensors_loop *l = ctx;
    return ads1115_read_mv(l->bus, l->health.address, l->channel, &l->mv);
}

/* --- opening -------------------------------------------------------------------------------- */

static int add_chips(const struct sensors *s, struct i2c_sim *sim) {
    int err = 0;
    for (unsigned i = 0; err >= 0 && i < s->kit->motion_count; i++)
        err =
            i2c_sim_add(sim, s->kit->motions[i].address,
                        s->kit->motions[i].driver == KIT_LIS3DH ? I2C_SIM_LIS3DH : I2C_SIM_ADXL345);
    for (unsigned i = 0; err >= 0 && i < s->kit->loop_count; i++) {
        err = i2c_sim_add(sim, s->kit->loops[i].address, I2C_SIM_ADS1115);
        err = err == ERR_EXIST ? 0 : err; /* four channels are one chip */
        char text[48];
        snprintf(text, sizeof text, "0x%02x mv %u %u", s->kit->loops[i].address,
                 s->kit->loops[i].channel, s->kit->loops[i].rest_mv);
        err = err >= 0 ? i2c_sim_command(sim, text) : err;
    }
    return err;
}

static int open_bus(struct sensors *s) {
    struct i2c_sim *sim = NULL;
    bool real = strncmp(s->path, "/dev/", DEV_PATH) == 0;
    int err = real ? i2c_dev_open(s->path, &s->bus) : i2c_sim_open(s->path, &sim, &s->bus);
    if (err < 0)
        return err;
    if (sim != NULL)
        err = add_chips(s, sim);
    if (err >= 0)
        err = i2c_worker_open(&s->worker);
    if (err < 0)
        s->bus.close(s->bus.ctx);
    return err;
}

static void each_fault(struct sensors *s, struct unit *u, bool active) {
    for (unsigned i = 0; i < s->kit->motion_count; i++)
        unit_sensor_fault(u, s->motions[i].health.address, active);
    for (unsigned i = 0; i < s->kit->loop_count; i++)
        unit_sensor_fault(u, s->loops[i].health.address, active);
}

static void try_open(struct sensors *s, struct unit *u, int64_t now_ns) {
    int err = open_bus(s);
    s->bus_open = err >= 0;
    s->retry_ns = now_ns + RETRY_S * SECOND_NS;
    if (err >= 0 && s->said)
        log_info(MODULE, "%s is there", s->path);
    else if (err < 0 && !s->said)
        log_warn(MODULE,
                 "I2C bus %s: %s; is I2C switched on (padlock --explain-board)? All else "
                 "guards; trying again every %d s",
                 s->path, err_text(err), RETRY_S);
    s->said = err < 0;
    each_fault(s, u, err < 0);
}

static void init_motion(struct sensors *s, unsigned i) {
    const struct kit_motion *k = &s->kit->motions[i];
    struct sensors_motion *m = &s->motions[i];
    m->health.address = k->address;
    m->lock = (int)k->lock - 1;
    if (k->driver == KIT_LIS3DH) {
        m->chip.lis3dh = (struct lis3dh){&s->bus, k->address, s->conf.rate_hz, s->conf.wake_mg};
        m->sensor = lis3dh_sensor(&m->chip.lis3dh);
    } else {
        m->chip.adxl345 = (struct adxl345){&s->bus, k->address, s->conf.rate_hz, s->conf.wake_mg};
        m->sensor = adxl345_sensor(&m->chip.adxl345);
    }
    m->job = (struct i2c_job){.run = read_motion, .ctx = m};
    m->slept = true;
    double factor = s->conf.factor[m->lock < 0 ? 0 : m->lock];
    motion_init(&m->motion, &(struct motion_conf){s->conf.rate_hz, factor});
}

static void init_loop(struct sensors *s, unsigned i) {
    const struct kit_loop *k = &s->kit->loops[i];
    struct sensors_loop *l = &s->loops[i];
    l->health.address = k->address;
    l->lock = (int)k->lock - 1;
    l->bus = &s->bus;
    l->channel = k->channel;
    l->job = (struct i2c_job){.run = read_loop, .ctx = l};
    eol_init(&l->eol, (int32_t)k->rest_mv, (int32_t)k->tolerance_mv);
}

/* --- learning ------------------------------------------------------------------------------- */

static void memory_name(char name[MEMORY_NAME], unsigned lock) {
    snprintf(name, MEMORY_NAME, "learn-%u", lock + 1);
}

static void apply_factor(struct sensors *s, unsigned lock) {
    for (unsigned i = 0; i < s->kit->motion_count; i++)
        if (s->motions[i].lock < 0 ? lock == 0 : s->motions[i].lock == (int)lock)
            motion_set_factor(&s->motions[i].motion,
                              s->conf.factor[lock] * learn_factor(&s->learn[lock]));
}

static void init_learning(struct sensors *s, struct unit *u, int64_t now_ns) {
    char name[MEMORY_NAME];
    for (unsigned i = 0; s->conf.learn && i < s->kit->motion_count; i++) {
        unsigned lock = s->motions[i].lock < 0 ? 0 : (unsigned)s->motions[i].lock;
        memory_name(name, lock);
        s->learns[lock] = true;
        learn_init(&s->learn[lock], unit_recall(u, name, 0), now_ns);
        apply_factor(s, lock);
    }
}

static void step_learning(struct sensors *s, struct unit *u, int64_t now_ns) {
    char name[MEMORY_NAME];
    if (now_ns < s->learn_ns)
        return;
    s->learn_ns = INT64_MAX;
    for (unsigned lock = 0; lock < EVENT_LOCKS_MAX; lock++) {
        int64_t next;
        if (!s->learns[lock])
            continue;
        if (learn_tick(&s->learn[lock], now_ns, &next)) {
            memory_name(name, lock);
            unit_remember(u, name, learn_save(&s->learn[lock]));
            apply_factor(s, lock);
        }
        s->learn_ns = next < s->learn_ns ? next : s->learn_ns;
    }
}

bool sensors_learning(const struct sensors *s, unsigned lock) {
    return s->learns[lock] && !learn_done(&s->learn[lock]);
}

/* --- what came back ------------------------------------------------------------------------- */

/* Counts a result.  True: it is good. */
static bool settle_health(struct sensors *s, struct sensors_health *h, struct unit *u, int err,
                          int64_t now_ns) {
    h->hung = false;
    if (err >= 0) {
        if (h->faulty)
            log_info(MODULE, "0x%02x answers again", h->address);
        h->failures = 0;
        h->faulty = false;
        unit_sensor_fault(u, h->address, false);
        return true;
    }
    s->errors++;
    h->failures++;
    if (h->failures >= FAILURES_FAULT && (!h->faulty || err != h->why)) {
        h->faulty = true;
        h->why = err;
        log_warn(MODULE, "0x%02x on %s: %s; all else guards, trying again", h->address, s->path,
                 err == ERR_PROTO ? "another chip than the kit says" : err_text(err));
        unit_sensor_fault(u, h->address, true);
    }
    unsigned over = h->failures < FAILURES_FAULT ? 0 : h->failures - FAILURES_FAULT + 1;
    int64_t pause_s = over > PAUSES ? PAUSE_MAX_S : INT64_C(1) << over >> 1;
    h->due_ns = now_ns + (pause_s > 0 ? pause_s * SECOND_NS : SECOND_NS / 10);
    return false;
}

static void judge(struct sensors *s, struct sensors_motion *m, enum motion_verdict verdict,
                  int64_t now_ns) {
    unsigned lock = m->lock < 0 ? 0 : (unsigned)m->lock;
    if (verdict == MOTION_NUISANCE || verdict == MOTION_DOUBT)
        learn_heard(&s->learn[lock], motion_share(&m->motion));
    if (verdict == MOTION_NUISANCE)
        s->ignored++;
    else if (verdict != MOTION_QUIET)
        s->sink.motion(s->sink.ctx, m->lock, verdict, now_ns);
}

static void take_motion(struct sensors *s, struct sensors_motion *m, struct unit *u,
                        int64_t now_ns) {
    int n = m->job.result;
    if (!settle_health(s, &m->health, u, n, now_ns)) {
        m->slept = true;
        return;
    }
    if (m->slept || m->lost)
        motion_skip(&m->motion);
    for (int i = 0; i < n; i++)
        judge(s, m, motion_feed(&m->motion, &m->samples[i]), now_ns);
    bool busy = motion_busy(&m->motion);
    m->slept = !busy;
    /* In time with the samples: some two thirds of the FIFO. */
    m->health.due_ns =
        now_ns + (busy ? SECOND_NS * MOTION_SENSOR_FIFO * 2 / 3 / (int64_t)s->conf.rate_hz
                       : s->conf.look_ns);
}

static void take_loop(struct sensors *s, struct sensors_loop *l, struct unit *u, int64_t now_ns) {
    if (!settle_health(s, &l->health, u, l->job.result, now_ns))
        return;
    l->health.due_ns = now_ns + s->conf.loop_every_ns;
    if (eol_reading(&l->eol, l->mv))
        s->sink.loop(s->sink.ctx, l->lock, l->eol.state, now_ns);
}

static void take_done(struct sensors *s, struct unit *u, int64_t now_ns) {
    for (struct i2c_job *job; (job = i2c_worker_done(s->worker)) != NULL;) {
        for (unsigned i = 0; i < s->kit->motion_count; i++)
            if (job == &s->motions[i].job)
                take_motion(s, &s->motions[i], u, now_ns);
        for (unsigned i = 0; i < s->kit->loop_count; i++)
            if (job == &s->loops[i].job)
                take_loop(s, &s->loops[i], u, now_ns);
    }
}

/* A job that does not come back: its sensor is silent for as long as it hangs. */
static void watch_hung(struct sensors *s, struct unit *u, int64_t now_ns) {
    int64_t since_ns;
    const struct i2c_job *job = i2c_worker_running(s->worker, &since_ns);
    if (job == NULL || now_ns - since_ns < HUNG_S * SECOND_NS)
        return;
    struct sensors_health *h = NULL;
    for (unsigned i = 0; i < s->kit->motion_count; i++)
        h = job == &s->motions[i].job ? &s->motions[i].health : h;
    for (unsigned i = 0; i < s->kit->loop_count; i++)
        h = job == &s->loops[i].job ? &s->loops[i].health : h;
    if (h == NULL || h->hung)
        return;
    h->hung = h->faulty = true;
    s->errors++;
    log_warn(MODULE, "0x%02x: the bus %s hangs; all else guards", h->address, s->path);
    unit_sensor_fault(u, h->address, true);
}

/* --- the loop's ----------------------------------------------------------------------------- */

void sensors_init(struct sensors *s, const struct sensors_conf *conf,
                  const struct sensors_sink *sink, struct unit *u, int64_t now_ns) {
    const struct unit_board *board = unit_board(u);
    memset(s, 0, sizeof *s);
    s->conf = *conf;
    s->sink = *sink;
    s->kit = &board->kit;
    snprintf(s->path, sizeof s->path, "%s",
             conf->bus[0] != '\0' ? conf->bus : board_i2c_device(&board->board, &board->kit));
    for (unsigned i = 0; i < s->kit->motion_count; i++)
        init_motion(s, i);
    for (unsigned i = 0; i < s->kit->loop_count; i++)
        init_loop(s, i);
    init_learning(s, u, now_ns);
}

void sensors_wake(struct sensors *s, unsigned motion, int64_t now_ns) {
    struct sensors_motion *m = &s->motions[motion];
    if (!m->health.faulty && m->health.due_ns > now_ns)
        m->health.due_ns = now_ns;
}

void sensors_placed(struct sensors *s, unsigned lock) {
    for (unsigned i = 0; i < s->kit->motion_count; i++)
        if (s->motions[i].lock < 0 || s->motions[i].lock == (int)lock)
            motion_rest(&s->motions[i].motion);
}

static int64_t ask(struct sensors *s, struct i2c_job *job, const struct sensors_health *h,
                   int64_t now_ns) {
    if (job->asked)
        return now_ns + HUNG_S * SECOND_NS;
    if (h->due_ns > now_ns)
        return h->due_ns;
    return i2c_worker_ask(s->worker, job) ? now_ns + HUNG_S * SECOND_NS : now_ns + SECOND_NS;
}

int64_t sensors_step(struct sensors *s, struct unit *u, int64_t now_ns) {
    int64_t next = INT64_MAX;
    if (s->kit->motion_count + s->kit->loop_count == 0)
        return next;
    if (!s->bus_open && now_ns >= s->retry_ns)
        try_open(s, u, now_ns);
    if (!s->bus_open)
        return s->retry_ns;
    unit_watch(u, i2c_worker_fd(s->worker));
    take_done(s, u, now_ns);
    watch_hung(s, u, now_ns);
    step_learning(s, u, now_ns);
    for (unsigned i = 0; i < s->kit->motion_count; i++) {
        int64_t due = ask(s, &s->motions[i].job, &s->motions[i].health, now_ns);
        next = due < next ? due : next;
    }
    for (unsigned i = 0; i < s->kit->loop_count; i++) {
        int64_t due = ask(s, &s->loops[i].job, &s->loops[i].health, now_ns);
        next = due < next ? due : next;
    }
    return s->learn_ns < next ? s->learn_ns : next;
}

void sensors_close(struct sensors *s) {
    if (s->bus_open && i2c_worker_close(s->worker))
        s->bus.close(s->bus.ctx);
    s->bus_open = false;
}
