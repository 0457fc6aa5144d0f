#include "unit.h"
#include "board_boot.h"
#include "board_explain.h"
#include "gpio_chip.h"
#include "health.h"
#include "log.h"
#include "notify.h"
#include "topic.h"
#include "unit_bank.h"
#include "unit_battery.h"
#include "unit_clock.h"
#include "unit_gnss.h"
#include "unit_measure.h"
#include "unit_store.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <systemd/sd-event.h>

static const char MODULE[] = "unit";

enum { EXIT_CONFIG = 78 };

struct unit {
    const struct unit_app *app;
    struct unit_board board;
    struct unit_bank bank;
    struct unit_store store;
    struct unit_clock clock;
    struct unit_battery battery;
    struct unit_gnss gnss;
    struct health_rate rate;
    struct notify notify;
    sd_event *loop;
    sd_event_source *timer;
    int watch; /* epoll: everything that waits */
    bool started;
    uint64_t silent[2]; /* sensors, a bit per address */
    uint32_t faults;    /* 1 << enum fault_code */
    int32_t lines;      /* detail of the FAULT_GPIO that stands */
    uint32_t boots;
    int64_t heartbeat_ns;
};

static struct unit the_unit; /* about 1 MiB: not for the stack, and no heap after start */

static int64_t now_of(const struct unit *u) {
    return u->clock.clock.boot_ns(u->clock.clock.ctx);
}

/* --- for apps ------------------------------------------------------------------------------- */

void unit_tell(struct unit *u, struct event *event, int64_t t_ns) {
    event->t_ms = t_ns / 1000000;
    if (event->kind == EVENT_SESSION)
        unit_gnss_stamp(&u->gnss, t_ns, &event->session);
    int err = u->store.open ? sender_accept(&u->store.sender, event, now_of(u)) : ERR_NODEV;
    if (err < 0 && u->store.events_lost++ == 0)
        log_error(MODULE, "a %s could not be recorded: %s; counting from here",
                  event_kind_name((enum event_kind)event->kind), err_text(err));
}

void unit_fault(struct unit *u, enum fault_code code, bool active, int32_t detail) {
    uint32_t bit = UINT32_C(1) << code;
    if (((u->faults & bit) != 0) == active)
        return;
    u->faults = active ? u->faults | bit : u->faults & ~bit;
    struct event e = {.kind = EVENT_FAULT,
                      .fault = {.code = (uint8_t)code, .active = active, .detail = detail}};
    if (active)
        log_warn(MODULE, "fault: %s", fault_code_name(code));
    else
        log_info(MODULE, "fault cleared: %s", fault_code_name(code));
    unit_tell(u, &e, now_of(u));
}

void unit_sensor_fault(struct unit *u, uint8_t address, bool active) {
    uint64_t *word = &u->silent[address / 64 % 2], bit = UINT64_C(1) << address % 64;
    if (((*word & bit) != 0) == active)
        return;
    *word ^= bit;
    bool any = u->silent[0] != 0 || u->silent[1] != 0;
    if (active || !any) {
        u->faults &= ~(active ? UINT32_C(1) << FAULT_SENSOR : 0); /* the next one is told too */
        unit_fault(u, FAULT_SENSOR, active, address);
    }
}

bool unit_faulty(const struct unit *u, unsigned codes) {
    return (u->faults & codes) != 0 || !u->store.open || sender_storage_fault(&u->store.sender);
}

int unit_line(const struct unit *u, const char *role) {
    for (unsigned i = 0; i < u->board.count; i++)
        if (strcmp(u->board.lines[i].role, role) == 0)
            return (int)i;
    return ERR_NOENT;
}

unsigned unit_lines(const struct unit *u) {
    return u->board.count;
}

bool unit_level(const struct unit *u, unsigned line) {
    return unit_bank_level(&u->bank, line);
}

void unit_set(struct unit *u, int line, bool active) {
    if (line >= 0 && unit_bank_level(&u->bank, (unsigned)line) != active)
        unit_bank_set(&u->bank, (unsigned)line, active, now_of(u));
}

void unit_watch(struct unit *u, int fd) {
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= 0 && epoll_ctl(u->watch, EPOLL_CTL_ADD, fd, &e) != 0 && errno != EEXIST)
        log_error(MODULE, "cannot wait for a descriptor: %s", strerror(errno));
}

void unit_progress(struct unit *u, unsigned parts) {
    notify_progress(&u->notify, parts);
}

const struct unit_board *unit_board(const struct unit *u) {
    return &u->board;
}

uint64_t unit_recall(struct unit *u, const char *name, uint64_t def) {
    return unit_store_recall(&u->store, name, def);
}

void unit_remember(struct unit *u, const char *name, uint64_t value) {
    unit_store_remember(&u->store, name, value);
}

uint64_t unit_boot_id(const struct unit *u) {
    return u->clock.clock.boot_id;
}

/* --- heartbeats and anchors ----------------------------------------------------------------- */

static struct health_parts measure(struct unit *u, int64_t now_ns) {
    const struct unit_conf *c = u->app->conf;
    const struct unit_battery *b = &u->battery;
    return (struct health_parts){
        .boots = u->boots,
        .period_s = (uint32_t)((c->heartbeat_ns + 999999999) / 1000000000),
        .battery_mv = b->fitted ? b->mv : unit_measure_battery_mv(c->battery_file),
        .battery_ma = b->ma,
        .battery_days = (uint16_t)b->view.days_low,
        .temperature_c10 = unit_measure_temperature_c10(c->temperature_file),
        .signal_dbm = unit_measure_signal_dbm(c->signal_file),
        .power_flags = unit_measure_power(c->power_file),
        .clock_quality = (uint8_t)u->clock.quality,
        .disk_free_mib = unit_measure_free_mib(c->state),
        .spool_days = health_spool_days(&u->rate, &u->store.sender, now_ns),
        .gpio_gaps = u->bank.gaps,
        .queue_refused = unit_store_refused(&u->store),
        .sensor_errors = b->errors,
        .gnss_refused = u->gnss.gnss.refused,
    };
}

/* The faults that the figures of a heartbeat decide. */
static void judge(struct unit *u, const struct event_health *health) {
    const struct unit_conf *c = u->app->conf;
    const struct health_limits limits = {c->battery_low_mv, c->disk_low_mib};
    unsigned stand = health_faults(u->faults, health, &limits);
    for (unsigned code = 0; HEALTH_FAULTS >> code != 0; code++)
        if ((HEALTH_FAULTS >> code & 1) != 0)
            unit_fault(u, (enum fault_code)code, (stand >> code & 1) != 0,
                       health_fault_detail((enum fault_code)code, health));
}

static int64_t step_heartbeat(struct unit *u, int64_t now_ns) {
    if (!u->store.open || now_ns < u->heartbeat_ns)
        return u->heartbeat_ns;
    struct event e;
    const struct health_parts parts = measure(u, now_ns);
    health_event(&parts, &u->store.sender, now_ns, &e);
    u->app->health(u->app->ctx, &e.health);
    e.health.counters[HEALTH_EVENTS_DROPPED] += u->store.events_lost;
    judge(u, &e.health);
    unit_tell(u, &e, now_ns);
    u->heartbeat_ns = now_ns + u->app->conf->heartbeat_ns;
    return u->heartbeat_ns;
}

static int64_t step_battery(struct unit *u) {
    struct unit_battery *b = &u->battery;
    int64_t next = unit_battery_step(b, &u->store, &u->clock.clock);
    unit_watch(u, unit_battery_fd(b));
    if (b->fitted) {
        unit_sensor_fault(u, b->gauge.address, b->fault);
        unit_fault(u, FAULT_BATTERY_SOON, b->view.soon, (int32_t)b->view.days_low);
    }
    return next;
}

static int64_t step_gnss(struct unit *u, int64_t now_ns) {
    int64_t next = unit_gnss_step(&u->gnss, &u->clock, now_ns);
    unit_watch(u, unit_gnss_fd(&u->gnss));
    unit_fault(u, FAULT_GNSS, u->gnss.gnss.fault, (int32_t)u->gnss.gnss.last);
    return next;
}

static void tell_jump(struct unit *u, int64_t jump_ms) {
    int32_t detail = (int32_t)(jump_ms > INT32_MAX   ? INT32_MAX
                               : jump_ms < INT32_MIN ? INT32_MIN
                                                     : jump_ms);
    unit_fault(u, FAULT_CLOCK_STEP, true, detail);
    unit_fault(u, FAULT_CLOCK_STEP, false, detail);
}

static int64_t step_clock(struct unit *u, int64_t now_ns) {
    struct event e = {.kind = EVENT_ANCHOR};
    bool refresh, news = unit_clock_step(&u->clock, now_ns, &e.anchor, &refresh);
    if (refresh)
        sender_anchor(&u->store.sender, &e.anchor, now_ns / 1000000);
    if (news)
        unit_tell(u, &e, now_ns);
    if (refresh && u->clock.jump_ms != 0)
        tell_jump(u, u->clock.jump_ms);
    return u->clock.next_ns;
}

/* --- the loop ------------------------------------------------------------------------------- */

static void moved(void *ctx, unsigned line, bool active, int64_t t_ns) {
    struct unit *u = ctx;
    u->app->edge(u->app->ctx, u, line, active, t_ns);
}

/* A line with a strange name must not hide that the lines failed later: each is told. */
static void tell_lines(struct unit *u) {
    bool faulty = unit_bank_faulty(&u->bank);
    int32_t why = u->board.lost ? ERR_INVAL : unit_bank_detail(&u->bank), detail = faulty ? why : 0;
    if (faulty && detail != u->lines && (detail > 0 || u->lines >= 0))
        u->faults &= ~(UINT32_C(1) << FAULT_GPIO);
    u->lines = detail;
    unit_fault(u, FAULT_GPIO, faulty, detail);
}

static void show_status(struct unit *u) {
    char text[160];
    uint32_t waiting = 0;
    for (int c = 0; u->store.open && c < CLASS_COUNT; c++)
        waiting += spool_unacked(&u->store.spools[c]) + (spool_unsealed(&u->store.spools[c]) > 0);
    snprintf(text, sizeof text, "%s%s%s", u->store.up == 1 ? "connected" : "not connected",
             waiting > 0 ? ", records wait to be delivered" : ", all delivered",
             u->faults != 0 ? ", faults" : "");
    notify_status(&u->notify, text);
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Opens what is not open; starts the app when the spools are there, or it is clear that they will
 * not be soon: a siren needs no disk. */
static void open_parts(struct unit *u, int64_t now_ns) {
    bool was_open = u->store.open;
    unit_bank_open(&u->bank, now_ns);
    if (unit_store_open(&u->store, u->clock.clock.boot_id, now_ns) && !was_open) {
        u->boots = (uint32_t)unit_store_recall(&u->store, "boots", 0) + 1;
        unit_store_remember(&u->store, "boots", u->boots);
        u->clock.next_ns = INT64_MIN; /* the anchor comes first */
        u->clock.told = false;
    }
    if (u->bank.open)
        unit_watch(u, u->bank.gpio.fd(u->bank.gpio.ctx));
}

/* The collector was told of what a board that could not be used brought: when that is over, it
 * hears that too, though another start of the daemon saw it. */
static void recall_lost(struct unit *u) {
    if (!u->board.lost && unit_recall(u, "board-lost", 0) == 0)
        return;
    if (!u->board.lost)
        u->faults |=
            1u << FAULT_GPIO | ((u->app->parts & NOTIFY_RADAR) != 0 ? 1u << FAULT_RADAR_SILENT : 0);
    unit_remember(u, "board-lost", u->board.lost);
}

static int64_t step(struct unit *u) {
    int64_t now = now_of(u), next = now + INT64_C(60) * 1000000000;
    open_parts(u, now);
    next = earlier(next, step_gnss(u, now));
    if (now >= u->heartbeat_ns)
        u->clock.next_ns = now; /* a heartbeat says what the clock is worth now */
    if (u->store.open)
        next = earlier(next, step_clock(u, now));
    next = earlier(next, step_battery(u));
    if (!u->started) {
        u->started = true;
        recall_lost(u);
        if (u->app->start(u->app->ctx, u, now) < 0) {
            sd_event_exit(u->loop, EXIT_CONFIG);
            return INT64_MAX; /* what has not started has no step */
        }
        tell_lines(u);
    }
    next = earlier(next, unit_bank_step(&u->bank, now, moved, u));
    notify_progress(&u->notify, NOTIFY_GPIO);
    tell_lines(u);
    next = earlier(next, u->app->step(u->app->ctx, u, now));
    next = earlier(next, unit_bank_due(&u->bank));
    next = earlier(next, step_heartbeat(u, now));
    next = earlier(next, unit_store_step(&u->store, now));
    notify_progress(&u->notify, NOTIFY_SPOOL);
    if (u->store.link_open)
        unit_watch(u, u->store.link.fd(u->store.link.ctx));
    notify_progress(&u->notify, NOTIFY_LOOP);
    show_status(u);
    return earlier(next, notify_step(&u->notify, now));
}

static void turn(struct unit *u) {
    int64_t next = step(u), now = now_of(u);
    if (next < now)
        next = now;
    sd_event_source_set_time(u->timer, (uint64_t)(next / 1000 + 1));
    sd_event_source_set_enabled(u->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx) {
    (void)source;
    (void)usec;
    turn(ctx);
    return 0;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *ctx) {
    struct epoll_event ready[8];
    (void)source;
    (void)events;
    /* Their owners read them; this only empties what epoll has to say. */
    if (epoll_wait(fd, ready, 8, 0) < 0 && errno != EINTR)
        return -errno;
    turn(ctx);
    return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx) {
    struct unit *u = ctx;
    (void)source;
    log_info(MODULE, "stopping (%s)", strsignal((int)info->ssi_signo));
    return sd_event_exit(u->loop, 0);
}

static int make_loop(struct unit *u) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a full disk, not the end */
    u->watch = epoll_create1(EPOLL_CLOEXEC);
    int err = u->watch < 0 ? -errno : sd_event_new(&u->loop);
    if (err >= 0)
        err = sd_event_add_io(u->loop, NULL, u->watch, EPOLLIN, on_ready, u);
    if (err >= 0)
        err = sd_event_add_time(u->loop, &u->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, u);
    if (err >= 0)
        err = sd_event_add_signal(u->loop, NULL, SIGTERM, on_stop, u);
    if (err >= 0)
        err = sd_event_add_signal(u->loop, NULL, SIGINT, on_stop, u);
    if (err < 0)
        log_error(MODULE, "the event loop: %s", strerror(-err));
    return err;
}

/* The device tree lists the board's own names, each ended by a zero. */
static void check_compatible(const struct board *board) {
    char text[512];
    int fd = board->compatible[0] != '\0'
                 ? open("/proc/device-tree/compatible", O_RDONLY | O_CLOEXEC)
                 : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (const char *p = text; p < text + n; p += strlen(p) + 1)
        if (strcmp(p, board->compatible) == 0)
            return;
    log_warn(MODULE, "this is a %s, the board file is for %s: is [unit] board right?", text,
             board->compatible);
}

static int run(struct unit *u) {
    const struct unit_app *app = u->app;
    unit_clock_init(&u->clock);
    unit_bank_init(&u->bank, app->conf, &u->board, app->name);
    unit_battery_init(&u->battery, app->conf, &u->board);
    unit_gnss_init(&u->gnss, app->conf, &u->board);
    notify_init(&u->notify, NOTIFY_LOOP | NOTIFY_SPOOL | NOTIFY_GPIO | app->parts);
    if (unit_store_init(&u->store, app->conf) < 0)
        return EXIT_CONFIG;
    if (make_loop(u) < 0)
        return EXIT_FAILURE;
    unit_watch(u, u->clock.fd);
    log_info(MODULE, "%s %s, board %s, kit %s, %s", app->name, MOORWATCH_VERSION, u->board.board.id,
             u->board.kit.id, gpio_chip_library());
    check_compatible(&u->board.board);
    turn(u);
    notify_ready(&u->notify);
    int status = sd_event_loop(u->loop);
    notify_stopping();
    int64_t now = now_of(u);
    app->stop(app->ctx, u, now);
    unit_bank_close(&u->bank);
    unit_gnss_close(&u->gnss);
    unit_battery_close(&u->battery, &u->store, &u->clock.clock);
    unit_store_close(&u->store, now);
    unit_clock_close(&u->clock);
    sd_event_source_unref(u->timer);
    sd_event_unref(u->loop);
    close(u->watch);
    return status < 0 ? EXIT_FAILURE : status;
}

/* --- options -------------------------------------------------------------------------------- */

struct options {
    const char *config;
    bool check, defaults, explain, outputs_off;
};

static void usage(const struct unit_app *app, FILE *out) {
    fprintf(out,
            "usage: %s [-c FILE] [-n | --explain-board | --outputs-off]\n"
            "       %s --defaults | --help | --version\n\n%s\n\n"
            "  -c, --config FILE   configuration (default: /etc/moorwatch/%s.conf)\n"
            "  -n, --check         check the configuration, board and kit, then exit\n"
            "      --defaults      print a commented configuration with all defaults\n"
            "      --explain-board print which pin is which, and what the boot files must say\n"
            "      --outputs-off   set every output to its safe level, then exit\n"
            "  -h, --help          this\n"
            "  -V, --version       the version\n\nSee %s(8).\n",
            app->name, app->name, app->purpose, app->name, app->name);
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(const struct unit_app *app, int argc, char **argv,
                         struct options *ret_options) {
    enum { DEFAULTS = 256, EXPLAIN, OUTPUTS_OFF };
    static const struct option LONG[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'n'},
        {"defaults", no_argument, NULL, DEFAULTS},
        {"explain-board", no_argument, NULL, EXPLAIN},
        {"outputs-off", no_argument, NULL, OUTPUTS_OFF},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "c:nhV", LONG, NULL)) != -1;) {
        switch (c) {
        case 'c':
            ret_options->config = optarg;
            break;
        case 'n':
            ret_options->check = true;
            break;
        case DEFAULTS:
            ret_options->defaults = true;
            break;
        case EXPLAIN:
            ret_options->explain = true;
            break;
        case OUTPUTS_OFF:
            ret_options->outputs_off = true;
            break;
        case 'h':
            usage(app, stdout);
            return EXIT_SUCCESS;
        case 'V':
            printf("%s %s\n", app->name, MOORWATCH_VERSION);
            return EXIT_SUCCESS;
        default:
            usage(app, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected word: %s\n", app->name, argv[optind]);
        return 2;
    }
    return -1;
}

/* --- configuration -------------------------------------------------------------------------- */

static struct conf_key keys[CONF_KEYS_MAX];
static size_t key_count;
static char default_state[64];

/* The common keys, then the app's; each daemon has a state directory of its own. */
static void join_keys(const struct unit_app *app) {
    snprintf(default_state, sizeof default_state, "/var/lib/moorwatch/%s", app->name);
    for (size_t i = 0; i < UNIT_KEYS_COUNT; i++) {
        keys[key_count] = UNIT_KEYS[i];
        if (strcmp(UNIT_KEYS[i].name, "state") == 0)
            keys[key_count].def = default_state;
        key_count++;
    }
    for (size_t i = 0; i < app->key_count && key_count < CONF_KEYS_MAX; i++)
        keys[key_count++] = app->keys[i];
}

static int load_conf(const struct unit_app *app, const char *path) {
    static const enum log_level LEVELS[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                                            LOG_LEVEL_DEBUG};
    static struct conf_errors errors;
    int err = conf_load(keys, key_count, app->conf, path, &errors);
    if (err == 0 && !topic_device_valid(app->conf->device)) {
        conf_error(&errors, 0, "device", "\"%s\": use a-z, 0-9 and '-', beginning with a letter",
                   app->conf->device);
        err = ERR_INVAL;
    }
    conf_errors_print(&errors, stderr);
    if (err == 0)
        err = app->check(app->ctx);
    log_set_level(LEVELS[app->conf->log_level]);
    return err;
}

static int load_board(const struct unit_app *app, struct unit_board *board) {
    int err = unit_board_load(app->conf, board);
    return err == 0 ? app->fit(app->ctx, board) : err;
}

/* For ExecStopPost: whatever the daemon left behind is requested and made safe. */
static int outputs_off(struct unit *u, bool fits) {
    unsigned left_out = fits ? 0 : unit_board_load_outputs(u->app->conf, &u->board);
    int err = unit_bank_make_safe(u->app->conf, &u->board, u->app->name);
    return err == 0 && left_out == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Half of a board or a kit would be guessed at. */
static void lose_board(struct unit *u) {
    memset(&u->board, 0, sizeof u->board);
    u->board.lost = true;
    log_error(MODULE,
              "board %s, kit %s: not usable, see above: running without lines; mend the "
              "files and restart",
              u->app->conf->board, u->app->conf->kit);
}

static void explain(const struct unit_board *board) {
    board_explain(&board->board, &board->kit, board->lines, board->count, stdout);
    board_boot_check(&board->board, kit_uses(&board->kit), "", stdout);
}

int unit_main(const struct unit_app *app, int argc, char **argv) {
    struct options o = {0};
    char path[64];
    struct unit *u = &the_unit;
    log_init();
    join_keys(app);
    int status = parse_options(app, argc, argv, &o);
    if (status >= 0)
        return status;
    if (o.defaults) {
        snprintf(path, sizeof path, "%s.conf: defaults of %s %s", app->name, app->name,
                 MOORWATCH_VERSION);
        conf_print_defaults(keys, key_count, path, stdout);
        return EXIT_SUCCESS;
    }
    snprintf(path, sizeof path, "/etc/moorwatch/%s.conf", app->name);
    u->app = app;
    if (load_conf(app, o.config != NULL ? o.config : path) < 0)
        return EXIT_CONFIG;
    bool fits = load_board(app, &u->board) == 0;
    if (o.outputs_off)
        return outputs_off(u, fits);
    if (!fits && (o.explain || o.check))
        return EXIT_CONFIG;
    if (!fits)
        lose_board(u);
    if (o.explain)
        explain(&u->board);
    else if (o.check)
        puts("configuration OK");
    else
        return run(u);
    return EXIT_SUCCESS;
}
