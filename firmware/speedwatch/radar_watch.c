#include "radar_watch.h"
#include "kit.h"
#include "log.h"
#include "notify.h"
#include "radar_iq.h"
#include "radar_ops243.h"
#include <assert.h>
#include <string.h>

static const char MODULE[] = "radar";

/* ---- faults ---- */

static const struct trouble {
    enum radar_state state;
    enum fault_code code;
    const char *what; /* behind the name of the device */
} TROUBLES[] = {
    {RADAR_GONE, FAULT_RADAR_SILENT,
     "is not there: plug the radar in, or say in [radar] device under which name it is"},
    {RADAR_SILENT, FAULT_RADAR_SILENT,
     "says nothing: see that the radar has power and its cable is whole; on a UART, that RxD and "
     "TxD "
     "are crossed"},
    {RADAR_GARBAGE, FAULT_RADAR_GARBAGE,
     "sends what means nothing: another device, or a baud rate in [radar] baud that is not the "
     "sensor's (0 finds it)"},
    {RADAR_MISSET, FAULT_RADAR_CONFIG,
     "answers but does not take a setting: take its power away for ten seconds; if that does not "
     "help, the sensor is defective"},
    {RADAR_WRONG, FAULT_RADAR_WRONG,
     "answers like a modem or a receiver, not like an OPS243: say in [radar] device under which "
     "name "
     "the radar is"},
};
enum { TROUBLES_COUNT = sizeof TROUBLES / sizeof *TROUBLES };

static const struct trouble *trouble_of(enum radar_state state) {
    for (unsigned i = 0; i < TROUBLES_COUNT; i++)
        if (TROUBLES[i].state == state)
            return &TROUBLES[i];
    return NULL;
}

static int32_t detail_of(const struct radar_status *s) {
    if (s->state == RADAR_WRONG)
        return s->mono ? WRONG_MONO : s->sound ? WRONG_INPUT : WRONG_TALKS;
    return s->state == RADAR_GONE ? ERR_NODEV : s->state == RADAR_MISSET ? (int32_t)s->misset : 0;
}

static void say(const struct radar_status *now, const struct trouble *t) {
    if (now->advice != NULL)
        log_warn(MODULE, "%s: %s", now->device, now->advice);
    else if (t != NULL && now->state == RADAR_MISSET)
        log_warn(MODULE, "%s %s (%s)", now->device, t->what, now->misset_name);
    else if (t != NULL)
        log_warn(MODULE, "%s %s", now->device, t->what);
    else if (now->state == RADAR_READY)
        log_info(MODULE, "%s %s on %s, up to %d mm/s", now->product, now->firmware, now->device,
                 now->max_speed_mm_s);
}

static void tell(struct unit *u, const struct radar_status *now, const struct trouble *t) {
    /* Starting is neither well nor ill: what was the matter still is. */
    if (t == NULL && now->state != RADAR_READY)
        return;
    for (unsigned i = 0; i < TROUBLES_COUNT; i++)
        if (t == NULL || TROUBLES[i].code != t->code)
            unit_fault(u, TROUBLES[i].code, false, 0);
    if (t != NULL)
        unit_fault(u, t->code, true, detail_of(now));
    unit_fault(u, FAULT_RADAR_LEVEL, t == NULL && now->level != RADAR_LEVEL_GOOD,
               (int32_t)now->level);
}

static void tell_resets(const struct radar_watch *w, struct unit *u,
                        const struct radar_status *now) {
    if (now->resets == w->status.resets)
        return;
    log_warn(MODULE,
             "%s started anew (%u times so far): if that happens often, its supply is too "
             "weak",
             now->device, now->resets);
    unit_fault(u, FAULT_RADAR_RESET, true, (int32_t)now->resets);
    unit_fault(u, FAULT_RADAR_RESET, false, (int32_t)now->resets);
}

bool radar_watch_faults(struct radar_watch *w, struct unit *u, int64_t now_ns) {
    struct radar_status now;
    w->radar.status(w->radar.ctx, &now);
    const struct trouble *t = trouble_of(now.state);
    bool lost = w->status.state == RADAR_READY && now.state != RADAR_READY;
    tell(u, &now, t);
    if (now.state != w->status.state || now.advice != w->status.advice)
        say(&now, t);
    tell_resets(w, u, &now);
    if (w->logging)
        ops243_rawlog_max_speed(&w->rawlog, now.max_speed_mm_s);
    if (lost)
        radar_watch_cut(w, now_ns, -1);
    w->status = now;
    return lost;
}

/* ---- the raw log ---- */

static void tap(void *ctx, const char *line, size_t len, int64_t t_ns, bool measured) {
    ops243_rawlog_line(ctx, line, len, t_ns, measured);
}

static void open_rawlog(struct radar_watch *w, const struct radar_watch_conf *conf) {
    if (conf->rawlog[0] == '\0')
        return;
    w->clock = clock_system();
    int err =
        ops243_rawlog_open(&w->rawlog, conf->rawlog, (uint64_t)conf->rawlog_mib << 20, &w->clock);
    w->logging = err == 0;
    if (err < 0)
        log_error(MODULE, "%s: %s; no raw log", conf->rawlog, err_text(err));
    else
        log_info(MODULE, "raw log in %s, at most %u MiB", conf->rawlog, conf->rawlog_mib);
}

static int64_t step_rawlog(struct radar_watch *w, int64_t now_ns) {
    if (!w->logging)
        return INT64_MAX;
    int64_t next = ops243_rawlog_step(&w->rawlog, now_ns);
    if (w->rawlog.err != w->rawlog_err) {
        w->rawlog_err = w->rawlog.err;
        if (w->rawlog_err < 0)
            log_warn(MODULE,
                     "raw log %s: %s; make room or name another file in [radar] rawlog. "
                     "Passages are recorded all the same",
                     w->rawlog.path, err_text(w->rawlog_err));
        else
            log_info(MODULE, "raw log %s is written again", w->rawlog.path);
    }
    return next;
}

void radar_watch_cut(struct radar_watch *w, int64_t t_ns, int64_t session) {
    if (w->logging)
        ops243_rawlog_cut(&w->rawlog, t_ns, session);
}

/* ---- the driver ---- */

static int open_ops243(struct radar_watch *w, const struct radar_watch_conf *conf,
                       const char *device) {
    open_rawlog(w, conf);
    const struct radar_ops243_conf ops243 = {
        .path = device,
        .baud = conf->baud,
        .min_speed_mm_s = conf->min_speed_mm_s,
        .min_magnitude = conf->min_magnitude,
        .tap = w->logging ? tap : NULL,
        .tap_ctx = &w->rawlog,
    };
    int err = radar_ops243_open(&ops243, &w->radar);
    if (err < 0)
        log_error(MODULE, "%s: %s (baud rates: 9600, 19200, 57600, 115200 or 230400; 0 finds it)",
                  device, err_text(err));
    return err;
}

static int open_iq(struct radar_watch *w, const struct radar_watch_conf *conf, const char *device) {
    const struct radar_iq_conf iq = {
        .device = device,
        .carrier_hz = conf->carrier_mhz * 1e6,
        .swapped = conf->swapped,
        .min_speed_mm_s = conf->min_speed_mm_s,
    };
    if (conf->rawlog[0] != '\0')
        log_warn(MODULE, "a sound card has no lines for a raw log; record it with arecord instead");
    int err = radar_iq_open(&iq, &w->radar);
    if (err < 0)
        log_error(MODULE, "%s: %s ([radar] device is an ALSA device like hw:1, carrier in MHz)",
                  device, err_text(err));
    return err;
}

int radar_watch_open(struct radar_watch *w, const struct radar_watch_conf *conf, unsigned driver,
                     const char *device) {
    static int (*const OPEN[])(struct radar_watch * w, const struct radar_watch_conf *conf,
                               const char *device) = {
        [KIT_OPS243A] = open_ops243,
        [KIT_IQ] = open_iq,
    };
    assert(driver < sizeof OPEN / sizeof *OPEN);
    int err = OPEN[driver](w, conf, device);
    w->open = err == 0;
    return err;
}

int radar_watch_step(struct radar_watch *w, int64_t now_ns, struct radar_frame *frames,
                     unsigned cap) {
    return w->radar.step(w->radar.ctx, now_ns, frames, cap);
}

int64_t radar_watch_next(struct radar_watch *w, struct unit *u, int64_t now_ns) {
    int64_t log_ns = step_rawlog(w, now_ns), radar_ns = w->radar.next_ns(w->radar.ctx);
    unit_watch(u, w->radar.fd(w->radar.ctx));
    unit_progress(u, NOTIFY_RADAR);
    return log_ns < radar_ns ? log_ns : radar_ns;
}

void radar_watch_close(struct radar_watch *w) {
    if (w->logging)
        ops243_rawlog_close(&w->rawlog);
    if (w->open)
        w->radar.close(w->radar.ctx);
}
