/* speedwatch: the roadside speed unit.
 *
 * Radar lines -> frames -> passage (core) -> while a session is on -> the spool.  One button starts
 * and stops a session, another checks the radar against a fork or a known speed.  A fixed unit may
 * start its session by itself.  Guarded by tests/system/daemon_test.py. */
#include "log.h"
#include "notify.h"
#include "passage.h"
#include "radar_ops243.h"
#include "session.h"
#include "unit.h"
#include <inttypes.h>
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
    char radar[UNIT_PATH_MAX + 1];
    uint32_t baud;
    int32_t min_speed_mm_s;
    uint32_t min_magnitude;
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
    {"session", "check_speed", CONF_U16, AT(check_mph10), 10, 1500, "350", NULL, "tenths of a mph",
     "What the fork or the driver stands for."},
    {"session", "check_tolerance", CONF_U16, AT(tolerance_mph10), 0, 100, "10", NULL,
     "tenths of a mph", "A check passes within it."},
    {"radar", "device", CONF_PATH, AT(radar), 0, 0, "", NULL, NULL,
     "Serial device of the OPS243-A; empty: as board and kit say."},
    {"radar", "baud", CONF_U32, AT(baud), 0, 230400, "0", NULL, NULL,
     "Of a UART; 0: find it.  USB does not care."},
    {"radar", "min_speed", CONF_I32, AT(min_speed_mm_s), 0, 30000, "2000", NULL, "mm/s",
     "Slower targets are not reported by the sensor."},
    {"radar", "min_magnitude", CONF_U32, AT(min_magnitude), 0, 10000, "0", NULL, NULL,
     "Weaker targets are not reported by the sensor; 0: its default."},
};

struct speedwatch {
    struct speedwatch_conf conf;
    struct radar radar;
    bool has_radar;
    struct radar_status status;
    struct passage passage;
    struct session session;
    int64_t session_next_ns;
    int button_line, check_line, ready_line, recording_line, fault_line;
};

/* --- sessions ------------------------------------------------------------------------------- */

/* The number and whether it is open, in one number, so that one write keeps both. */
static void remember(struct speedwatch *s, struct unit *u) {
    unit_remember(u, "session", (uint64_t)s->session.number * 2 + s->session.on);
}

/* Said once it is written: what the journal says has happened outlives a power cut. */
static void tell_session(struct speedwatch *s, struct unit *u, const struct session_out *out,
                         int64_t t_ns) {
    static const char *const WORDS[] = {"", "started", "stopped", "check"};
    s->session_next_ns = out->next_ns;
    for (unsigned i = 0; i < out->tells; i++) {
        struct event e = {.kind = EVENT_SESSION, .session = out->tell[i]};
        unit_tell(u, &e, t_ns);
    }
    if (out->tells > 0)
        remember(s, u);
    for (unsigned i = 0; i < out->tells; i++) {
        const struct event_session *e = &out->tell[i];
        log_info(MODULE, "session %" PRIu32 " at %s: %s%s", e->session, e->site, WORDS[e->what],
                 e->what != SESSION_CHECK ? ""
                 : e->passed              ? " passed"
                                          : " NOT passed");
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
    if (frame->count > 0)
        session_check_sample(&s->session, frame->targets[0].speed_mm_s);
    tell_vehicles(s, u, vehicles, passage_frame(&s->passage, frame, vehicles));
}

static void note_status(struct speedwatch *s, struct unit *u) {
    struct radar_status now;
    s->radar.status(s->radar.ctx, &now);
    bool silent = now.state == RADAR_SILENT || now.state == RADAR_GONE;
    bool garbage = now.state == RADAR_GARBAGE, ready = now.state == RADAR_READY;
    /* A sensor that is being started again has not come back yet. */
    if (silent || ready)
        unit_fault(u, FAULT_RADAR_SILENT, silent, now.state == RADAR_GONE ? ERR_NODEV : 0);
    if (garbage || ready)
        unit_fault(u, FAULT_RADAR_GARBAGE, garbage, 0);
    if (now.resets != s->status.resets) {
        unit_fault(u, FAULT_RADAR_RESET, true, (int32_t)now.resets);
        unit_fault(u, FAULT_RADAR_RESET, false, (int32_t)now.resets);
    }
    if (ready && s->status.state != RADAR_READY)
        log_info("radar", "%s %s, up to %d mm/s", now.product, now.firmware, now.max_speed_mm_s);
    if (now.max_speed_mm_s > 0)
        s->passage.conf.max_speed_mm_s = now.max_speed_mm_s;
    s->status = now;
}

static int64_t step_radar(struct speedwatch *s, struct unit *u, int64_t now_ns) {
    struct radar_frame frames[FRAMES];
    struct passage_vehicle vehicles[PASSAGE_TRACKS];
    int n = FRAMES;
    while (n == FRAMES) {
        n = s->radar.step(s->radar.ctx, now_ns, frames, FRAMES);
        for (int i = 0; i < n; i++)
            see(s, u, &frames[i]);
    }
    tell_vehicles(s, u, vehicles, passage_tick(&s->passage, now_ns, vehicles));
    note_status(s, u);
    unit_watch(u, s->radar.fd(s->radar.ctx));
    unit_progress(u, NOTIFY_RADAR);
    return s->radar.next_ns(s->radar.ctx);
}

/* --- the daemon ----------------------------------------------------------------------------- */

static void show(struct speedwatch *s, struct unit *u) {
    enum session_lamp lamp = session_lamp(&s->session, unit_faulty(u, ~(1u << FAULT_BATTERY_LOW)));
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

static const char *radar_device(const struct speedwatch *s, const struct unit_board *board) {
    return s->conf.radar[0] != '\0' ? s->conf.radar
                                    : board_radar_device(&board->board, &board->kit);
}

static int check(void *ctx, const struct unit_board *board) {
    if (radar_device(ctx, board)[0] != '\0')
        return 0;
    fprintf(stderr, "kit %s has no radar: name it in [radar] device\n", board->kit.id);
    return ERR_INVAL;
}

static int open_radar(struct speedwatch *s, const char *device) {
    const struct radar_ops243_conf conf = {
        .path = device,
        .baud = s->conf.baud,
        .min_speed_mm_s = s->conf.min_speed_mm_s,
        .min_magnitude = s->conf.min_magnitude,
    };
    int err = radar_ops243_open(&conf, &s->radar);
    s->has_radar = err == 0;
    if (err < 0)
        log_error("radar", "%s: %s (baud rates: 9600 to 230400, 0 finds it)", device,
                  err_text(err));
    return err;
}

static int start(void *ctx, struct unit *u, int64_t now_ns) {
    struct speedwatch *s = ctx;
    struct session_conf conf = {
        .limit_mph = s->conf.limit_mph,
        .max_ns = s->conf.max_ns,
        .check_ns = s->conf.check_ns,
        .check_mph10 = s->conf.check_mph10,
        .check_tolerance_mph10 = s->conf.tolerance_mph10,
    };
    struct session_out out;
    memcpy(conf.site, s->conf.site, sizeof conf.site);
    s->button_line = unit_line(u, "session-button");
    s->check_line = unit_line(u, "check-button");
    s->ready_line = unit_line(u, "lamp-ready");
    s->recording_line = unit_line(u, "lamp-recording");
    s->fault_line = unit_line(u, "lamp-fault");
    passage_init(&s->passage, &PASSAGE_DEFAULTS);
    uint64_t last = unit_recall(u, "session", 0);
    session_init(&s->session, &conf, (uint32_t)(last / 2), last % 2 == 1, &out);
    tell_session(s, u, &out, now_ns);
    if (s->conf.autostart)
        press(s, u, now_ns);
    return open_radar(s, radar_device(s, unit_board(u)));
}

static void health(void *ctx, struct event_health *health) {
    const struct speedwatch *s = ctx;
    health->counters[HEALTH_RADAR_LINES] = s->status.lines;
    health->counters[HEALTH_RADAR_REFUSED] = s->status.refused;
    health->counters[HEALTH_RADAR_RESETS] = s->status.resets;
}

static void stop(void *ctx, struct unit *u, int64_t now_ns) {
    struct speedwatch *s = ctx;
    struct session_out out;
    flush(s, u);
    session_stop(&s->session, SESSION_END_RESTART, now_ns, &out);
    tell_session(s, u, &out, now_ns);
    if (s->has_radar)
        s->radar.close(s->radar.ctx);
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
        .start = start,
        .edge = edge,
        .step = step,
        .health = health,
        .stop = stop,
    };
    return unit_main(&app, argc, argv);
}
