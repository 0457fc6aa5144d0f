/* speedwatch: the roadside speed unit.
 *
 * Radar lines -> frames -> passage (core) -> while a session is on -> the spool.  One button starts
 * and stops a session, another checks the radar against a fork or a known speed.  A fixed unit may
 * start its session by itself.  Guarded by tests/system/daemon_test.py. */
#include "log.h"
#include "notify.h"
#include "passage.h"
#include "radar_watch.h"
#include "serial.h"
#include "session.h"
#include "unit.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char MODULE[] = "speedwatch";

enum { FRAMES = 16 };

struct speedwatch_conf {
    struct unit_conf unit; /* first: unit_main fills it */
    char site[EVENT_SITE_MAX + 1];
    uint16_t limit_mph;
    bool autostart;
    int64_t max_ns, check_ns;
    uint16_t check_mph10, tolerance_mph10;
    char check_fork[16];
    struct radar_watch_conf radar;
};

#define AT(member) CONF_AT(struct speedwatch_conf, member)

static const struct conf_key KEYS[] = {
    {"site", "id", CONF_STR, AT(site), 1, 0, NULL, NULL, NULL,
     "The approved site, as in the collector's register."},
    {"site", "limit", CONF_U16, AT(limit_mph), 5, 70, NULL, NULL, "mph",
     "Speed limit of that site."},
    {"session", "autostart", CONF_BOOL, AT(autostart), 0, 0, "no", NULL, NULL,
     "Begin a session at start, without the button: for fixed units."},
    {"session", "max", CONF_DURATION, AT(max_ns), 60000, 2592000000, "2 h", NULL, NULL,
     "A session ends itself after so long; with autostart the next one begins."},
    {"session", "check", CONF_DURATION, AT(check_ns), 1000, 60000, "5 s", NULL, NULL,
     "A check of the radar listens for so long."},
    {"session", "check_fork", CONF_STR, AT(check_fork), 0, 15, "", NULL, NULL,
     "The tuning fork of a check, as \"1024 Hz\"; empty: a driver at check_speed."},
    {"session", "check_speed", CONF_U16, AT(check_mph10), 10, 1500, "350", NULL, "tenths of a mph",
     "What the driver of a check keeps to."},
    {"session", "check_tolerance", CONF_U16, AT(tolerance_mph10), 0, 100, "0", NULL,
     "tenths of a mph", "A check passes within it; 0: half a percent."},
    {"radar", "device", CONF_PATH, AT(radar.device), 0, 0, "", NULL, NULL,
     "Serial device of the OPS243-A (a * at its end stands for 0 to 15), or ALSA device of a "
     "Doppler module; empty: as board and kit say."},
    {"radar", "baud", CONF_U32, AT(radar.baud), 0, 230400, "0", NULL, NULL,
     "Of a UART; 0: find it.  USB does not care."},
    {"radar", "min_speed", CONF_I32, AT(radar.min_speed_mm_s), 0, 30000, "2000", NULL, "mm/s",
     "Slower targets are not reported by the sensor."},
    {"radar", "min_magnitude", CONF_U32, AT(radar.min_magnitude), 0, 10000, "0", NULL, NULL,
     "Weaker targets are not reported by the sensor; 0: its default."},
    {"radar", "rawlog", CONF_PATH, AT(radar.rawlog), 0, 0, "", NULL, NULL,
     "Keeps every line of the sensor in this file and, before that, in FILE.1; empty: none."},
    {"radar", "rawlog_limit", CONF_U32, AT(radar.rawlog_mib), 1, 4096, "16", NULL, "MiB",
     "Both files together hold no more."},
    {"radar", "carrier", CONF_U32, AT(radar.carrier_mhz), 9000, 130000, "24125", NULL, "MHz",
     "Of a Doppler module on a sound card: its frequency."},
    {"radar", "swap", CONF_BOOL, AT(radar.swapped), 0, 0, "no", NULL, NULL,
     "Of a Doppler module: I and Q have changed places, approaching reads as leaving."},
};

struct speedwatch {
    struct speedwatch_conf conf;
    struct radar_watch radar;
    struct passage passage;
    struct session session;
    int64_t session_next_ns, alive_next_ns;
    int button_line, check_line, ready_line, recording_line, fault_line;
};

/* --- sessions ------------------------------------------------------------------------------- */

static const int64_t SECOND_NS = 1000000000, ALIVE_NS = INT64_C(60000000000);

/* Begin and now, in seconds since boot, for a restart after a crash; autostart needs none. */
static void remember_alive(struct speedwatch *s, struct unit *u, int64_t now_ns) {
    s->alive_next_ns = now_ns + ALIVE_NS;
    if (s->conf.autostart)
        return;
    unit_remember(u, "session-boot", unit_boot_id(u));
    unit_remember(u, "session-alive",
                  (uint64_t)(s->session.start_ns / SECOND_NS) << 32 |
                      (uint64_t)(now_ns / SECOND_NS));
}

/* The number and whether it is open, in one number, so that one write keeps both. */
static void remember(struct speedwatch *s, struct unit *u, int64_t now_ns) {
    if (s->session.on)
        remember_alive(s, u, now_ns);
    unit_remember(u, "session", (uint64_t)s->session.number * 2 + s->session.on);
}

static void say_check(const struct speedwatch *s, const struct event_session *e) {
    const struct session *c = &s->session;
    char measured[64] = "nothing heard: hold the ringing fork to the radar's front";
    if (c->check_mean_mm_s > 0)
        snprintf(measured, sizeof measured, "%d.%03d m/s over %u reports",
                 (int)(c->check_mean_mm_s / 1000), (int)(c->check_mean_mm_s % 1000), c->check_n);
    log_info(
        MODULE, "session %" PRIu32 " at %s: check %s (%d.%03d m/s within %d mm/s expected; %s)",
        e->session, e->site, e->passed ? "passed" : "NOT passed", (int)(c->conf.check_mm_s / 1000),
        (int)(c->conf.check_mm_s % 1000), (int)c->conf.check_tolerance_mm_s, measured);
}

/* Said once it is written: what the journal says has happened outlives a power cut. */
static void tell_session(struct speedwatch *s, struct unit *u, const struct session_out *out,
                         int64_t t_ns) {
    static const char *const WORDS[] = {"", "started", "stopped"};
    s->session_next_ns = out->next_ns;
    for (unsigned i = 0; i < out->tells; i++) {
        struct event e = {.kind = EVENT_SESSION, .session = out->tell[i]};
        unit_tell(u, &e, t_ns);
        if (out->tell[i].what != SESSION_CHECK)
            radar_watch_cut(&s->radar, t_ns,
                            out->tell[i].what == SESSION_START ? out->tell[i].session : 0);
    }
    if (out->tells > 0)
        remember(s, u, t_ns);
    for (unsigned i = 0; i < out->tells; i++) {
        const struct event_session *e = &out->tell[i];
        if (e->what == SESSION_CHECK)
            say_check(s, e);
        else
            log_info(MODULE, "session %" PRIu32 " at %s: %s", e->session, e->site, WORDS[e->what]);
    }
}

static void tell_vehicles(struct speedwatch *s, struct unit *u,
                          const struct passage_vehicle *vehicles, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct event e = {0};
        if (!session_vehicle(&s->session))
            continue;
        passage_event(&vehicles[i], &e);
        unit_tell(u, &e, e.t_ms * 1000000);
    }
}

/* Who is in view when a session ends has been seen in it. */
static void flush(struct speedwatch *s, struct unit *u) {
    struct passage_vehicle vehicles[PASSAGE_TRACKS];
    tell_vehicles(s, u, vehicles, passage_flush(&s->passage, vehicles));
}

static void press(struct speedwatch *s, struct unit *u, int64_t t_ns) {
    struct session_out out;
    flush(s, u);
    session_button(&s->session, t_ns, &out);
    tell_session(s, u, &out, t_ns);
}

static void edge(void *ctx, struct unit *u, unsigned line, bool active, int64_t t_ns) {
    struct speedwatch *s = ctx;
    struct session_out out;
    if (active && (int)line == s->button_line) {
        press(s, u, t_ns);
    } else if (active && (int)line == s->check_line) {
        session_check_begin(&s->session, t_ns, &out);
        tell_session(s, u, &out, t_ns);
    }
}

static void step_session(struct speedwatch *s, struct unit *u, int64_t now_ns) {
    struct session_out out;
    if (s->session.on && now_ns >= s->alive_next_ns)
        remember_alive(s, u, now_ns);
    if (now_ns < s->session_next_ns)
        return;
    flush(s, u);
    session_tick(&s->session, now_ns, &out);
    tell_session(s, u, &out, now_ns);
    if (s->conf.autostart && !s->session.on)
        press(s, u, now_ns);
}

/* --- radar ---------------------------------------------------------------------------------- */

static void see(struct speedwatch *s, struct unit *u, const struct radar_frame *frame) {
    struct passage_vehicle vehicles[PASSAGE_TRACKS];
    for (unsigned i = 0; i < frame->count; i++)
        session_check_sample(&s->session, frame->targets[i].speed_mm_s);
    tell_vehicles(s, u, vehicles, passage_frame(&s->passage, frame, vehicles));
}

static int64_t step_radar(struct speedwatch *s, struct unit *u, int64_t now_ns) {
    struct radar_frame frames[FRAMES];
    struct passage_vehicle vehicles[PASSAGE_TRACKS];
    int n = FRAMES;
    while (n == FRAMES) {
        n = radar_watch_step(&s->radar, now_ns, frames, FRAMES);
        for (int i = 0; i < n; i++)
            see(s, u, &frames[i]);
    }
    tell_vehicles(s, u, vehicles, passage_tick(&s->passage, now_ns, vehicles));
    if (radar_watch_faults(&s->radar, u, now_ns))
        flush(s, u);
    if (s->radar.status.max_speed_mm_s > 0)
        s->passage.conf.max_speed_mm_s = s->radar.status.max_speed_mm_s;
    return radar_watch_next(&s->radar, u, now_ns);
}

/* --- the daemon ----------------------------------------------------------------------------- */

/* These are for whoever looks after the kit: a session records all the same. */
static const unsigned NOT_IN_THE_WAY = 1u << FAULT_BATTERY_LOW | 1u << FAULT_BATTERY_SOON |
                                       1u << FAULT_POWER | 1u << FAULT_SENSOR | 1u << FAULT_GNSS |
                                       1u << FAULT_DISK_LOW | 1u << FAULT_CLOCK_STEP;

static void show(struct speedwatch *s, struct unit *u) {
    enum session_lamp lamp = session_lamp(&s->session, unit_faulty(u, ~NOT_IN_THE_WAY));
    unit_set(u, s->ready_line, lamp == LAMP_READY || lamp == LAMP_CHECKING);
    unit_set(u, s->recording_line, lamp == LAMP_RECORDING || lamp == LAMP_CHECKING);
    unit_set(u, s->fault_line, lamp == LAMP_FAULT);
}

/* Passages close by themselves: look again soon while a vehicle is in view. */
static int64_t passage_next(const struct speedwatch *s, int64_t now_ns) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (s->passage.tracks[i].used)
            return now_ns + INT64_C(100000000);
    return INT64_MAX;
}

static int64_t step(void *ctx, struct unit *u, int64_t now_ns) {
    struct speedwatch *s = ctx;
    int64_t next = step_radar(s, u, now_ns), other = passage_next(s, now_ns);
    step_session(s, u, now_ns);
    show(s, u);
    next = other < next ? other : next;
    return s->session_next_ns < next ? s->session_next_ns : next;
}

/* What a crash left open is ended; with the kit still in its place the next session begins. */
static void begin_sessions(struct speedwatch *s, struct unit *u, const struct session_conf *conf,
                           int64_t now_ns) {
    struct session_out out;
    uint64_t last = unit_recall(u, "session", 0), alive = unit_recall(u, "session-alive", 0);
    bool unfinished = last % 2 == 1;
    const struct session_left left = {
        .boot_id = unit_recall(u, "session-boot", 0),
        .start_ns = (int64_t)(alive >> 32) * SECOND_NS,
        .alive_ns = (int64_t)(alive & UINT32_MAX) * SECOND_NS,
    };
    session_init(&s->session, conf, (uint32_t)(last / 2), unfinished, &out);
    tell_session(s, u, &out, now_ns);
    if (s->conf.autostart) {
        press(s, u, now_ns);
    } else if (unfinished) {
        session_resume(&s->session, &left, unit_boot_id(u), now_ns, &out);
        tell_session(s, u, &out, now_ns);
    }
}

static const char *radar_device(const struct speedwatch *s, const struct unit_board *board) {
    if (s->conf.radar.device[0] != '\0')
        return s->conf.radar.device;
    return board->lost ? "(unknown without a kit)" : board_radar_device(&board->board, &board->kit);
}

/* mm/s of a tuning fork: its frequency times half the wavelength at 24.125 GHz, 6.21330 mm.
 * ERR_INVAL if the text is no frequency that a sensor hears. */
static int32_t fork_mm_s(const char *text) {
    char *end;
    double hz = strtod(text, &end);
    while (*end == ' ')
        end++;
    if (end == text || (*end != '\0' && strcmp(end, "Hz") != 0) || !(hz >= 350 && hz <= 9000))
        return ERR_INVAL;
    return (int32_t)(hz * 6.21330 + 0.5);
}

/* What a table of limits cannot say, so that -n finds it and not the roadside. */
static int check_radar(const struct speedwatch_conf *c) {
    const struct radar_watch_conf *r = &c->radar;
    if (r->baud != 0 && !serial_baud_known(r->baud)) {
        fprintf(stderr,
                "[radar] baud = %" PRIu32
                ": the sensor has 9600, 19200, 57600, 115200 or 230400; 0 finds it\n",
                r->baud);
        return ERR_INVAL;
    }
    return 0;
}

static int check(void *ctx) {
    const struct speedwatch *s = ctx;
    if (check_radar(&s->conf) < 0)
        return ERR_INVAL;
    if (s->conf.check_fork[0] != '\0' && fork_mm_s(s->conf.check_fork) < 0) {
        fprintf(stderr, "[session] check_fork = %s: say the fork's frequency, 350 Hz to 9000 Hz\n",
                s->conf.check_fork);
        return ERR_INVAL;
    }
    return 0;
}

static int fit(void *ctx, const struct unit_board *board) {
    if (radar_device(ctx, board)[0] != '\0')
        return 0;
    fprintf(stderr, "kit %s has no radar: name it in [radar] device\n", board->kit.id);
    return ERR_INVAL;
}

/* What a check expects; 1 mph is 447.04 mm/s. */
static void set_check(const struct speedwatch_conf *c, struct session_conf *ret_conf) {
    ret_conf->check_ns = c->check_ns;
    ret_conf->check_mm_s =
        c->check_fork[0] != '\0' ? fork_mm_s(c->check_fork) : (c->check_mph10 * 44704 + 500) / 1000;
    ret_conf->check_tolerance_mm_s =
        c->tolerance_mph10 > 0 ? c->tolerance_mph10 * 44704 / 1000 : ret_conf->check_mm_s / 200;
}

static int start(void *ctx, struct unit *u, int64_t now_ns) {
    struct speedwatch *s = ctx;
    struct session_conf conf = {
        .limit_mph = s->conf.limit_mph,
        .max_ns = s->conf.max_ns,
    };
    set_check(&s->conf, &conf);
    memcpy(conf.site, s->conf.site, sizeof conf.site);
    s->button_line = unit_line(u, "session-button");
    s->check_line = unit_line(u, "check-button");
    s->ready_line = unit_line(u, "lamp-ready");
    s->recording_line = unit_line(u, "lamp-recording");
    s->fault_line = unit_line(u, "lamp-fault");
    passage_init(&s->passage, &PASSAGE_DEFAULTS);
    int err = radar_watch_open(&s->radar, &s->conf.radar, unit_board(u)->kit.radar.driver,
                               radar_device(s, unit_board(u)));
    if (err < 0)
        return err;
    begin_sessions(s, u, &conf, now_ns);
    return 0;
}

static void health(void *ctx, struct event_health *health) {
    const struct speedwatch *s = ctx;
    const struct radar_status *r = &s->radar.status;
    health->counters[HEALTH_RADAR_LINES] = r->lines;
    health->counters[HEALTH_RADAR_REFUSED] = r->refused;
    health->counters[HEALTH_RADAR_RESETS] = r->resets;
    health->counters[HEALTH_FRAMES_LOST] = r->lost;
}

static void stop(void *ctx, struct unit *u, int64_t now_ns) {
    struct speedwatch *s = ctx;
    struct session_out out;
    flush(s, u);
    session_stop(&s->session, SESSION_END_RESTART, now_ns, &out);
    tell_session(s, u, &out, now_ns);
    radar_watch_close(&s->radar);
}

int main(int argc, char **argv) {
    static struct speedwatch speedwatch;
    const struct unit_app app = {
        .name = "speedwatch",
        .purpose = "Counts vehicles and their speeds at one approved site, in sessions.",
        .keys = KEYS,
        .key_count = sizeof KEYS / sizeof KEYS[0],
        .conf = &speedwatch.conf.unit,
        .parts = NOTIFY_RADAR,
        .ctx = &speedwatch,
        .check = check,
        .fit = fit,
        .start = start,
        .edge = edge,
        .step = step,
        .health = health,
        .stop = stop,
    };
    return unit_main(&app, argc, argv);
}
