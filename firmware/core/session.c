#include "session.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const int64_t NEVER_NS = INT64_MAX;
enum { CHECK_NEAR_PERCENT = 15 };

/* 1 mph is 447.04 mm/s; to the nearest tenth, since a check judges both sides alike. */
static uint16_t mph10_nearest(int64_t mm_s) {
    return (uint16_t)((mm_s * 1000 + 22352) / 44704);
}

static struct event_session *tell(const struct session *s, enum session_what what,
                                  struct session_out *out) {
    assert(out->tells < SESSION_TELLS_MAX);
    struct event_session *e = &out->tell[out->tells++];
    *e = (struct event_session){.what = (uint8_t)what, .limit_mph = s->conf.limit_mph};
    e->session = s->on || what != SESSION_CHECK ? s->number : s->number + 1;
    memcpy(e->site, s->conf.site, sizeof e->site);
    return e;
}

static void stop(struct session *s, enum session_end end, struct session_out *out) {
    struct event_session *e = tell(s, SESSION_STOP, out);
    e->end = (uint8_t)end;
    e->vehicles = s->vehicles;
    s->on = false;
}

static void begin(struct session *s, int64_t start_ns, struct session_out *out) {
    s->on = true;
    s->number++;
    s->vehicles = 0;
    s->start_ns = start_ns;
    tell(s, SESSION_START, out);
}

static void check_end(struct session *s, struct session_out *out) {
    struct event_session *e = tell(s, SESSION_CHECK, out);
    bool heard = s->check_n >= SESSION_CHECK_LEAST;
    s->check_mean_mm_s = heard ? (int32_t)(s->check_sum_mm_s / s->check_n) : 0;
    e->expected_mph10 = mph10_nearest(s->conf.check_mm_s);
    e->measured_mph10 = mph10_nearest(s->check_mean_mm_s);
    e->passed =
        heard && abs(s->check_mean_mm_s - s->conf.check_mm_s) <= s->conf.check_tolerance_mm_s;
    s->checking = false;
}

static int64_t next_due(const struct session *s) {
    int64_t due = s->on ? s->start_ns + s->conf.max_ns : NEVER_NS;
    if (s->checking && s->check_start_ns + s->conf.check_ns < due)
        due = s->check_start_ns + s->conf.check_ns;
    return due;
}

static void advance(struct session *s, int64_t now_ns, struct session_out *out) {
    for (int64_t due = next_due(s); due <= now_ns; due = next_due(s)) {
        if (s->checking && s->check_start_ns + s->conf.check_ns == due)
            check_end(s, out);
        else
            stop(s, SESSION_END_LIMIT, out);
    }
}

void session_init(struct session *s, const struct session_conf *conf, uint32_t last,
                  bool unfinished, struct session_out *ret_out) {
    *ret_out = (struct session_out){.next_ns = NEVER_NS};
    *s = (struct session){.conf = *conf, .number = last};
    if (unfinished)
        stop(s, SESSION_END_RESTART, ret_out);
}

void session_resume(struct session *s, const struct session_left *left, uint64_t boot_id,
                    int64_t now_ns, struct session_out *ret_out) {
    *ret_out = (struct session_out){0};
    if (!s->on && left->boot_id == boot_id && left->start_ns <= left->alive_ns &&
        left->alive_ns <= now_ns && now_ns - left->alive_ns <= SESSION_RESUME_NS &&
        now_ns < left->start_ns + s->conf.max_ns)
        begin(s, left->start_ns, ret_out);
    ret_out->next_ns = next_due(s);
}

void session_button(struct session *s, int64_t now_ns, struct session_out *ret_out) {
    *ret_out = (struct session_out){0};
    advance(s, now_ns, ret_out);
    if (s->on) {
        stop(s, SESSION_END_BUTTON, ret_out);
    } else {
        begin(s, now_ns, ret_out);
    }
    ret_out->next_ns = next_due(s);
}

void session_stop(struct session *s, enum session_end why, int64_t now_ns,
                  struct session_out *ret_out) {
    session_tick(s, now_ns, ret_out);
    if (s->on)
        stop(s, why, ret_out);
    ret_out->next_ns = next_due(s);
}

void session_check_begin(struct session *s, int64_t now_ns, struct session_out *ret_out) {
    session_tick(s, now_ns, ret_out);
    if (!s->checking) {
        s->checking = true;
        s->check_start_ns = now_ns;
        s->check_sum_mm_s = 0;
        s->check_n = s->check_others = 0;
    }
    ret_out->next_ns = next_due(s);
}

void session_check_sample(struct session *s, int32_t speed_mm_s) {
    if (!s->checking)
        return;
    int32_t size = speed_mm_s < 0 ? -speed_mm_s : speed_mm_s;
    if (abs(size - s->conf.check_mm_s) > s->conf.check_mm_s / 100 * CHECK_NEAR_PERCENT) {
        s->check_others++;
        return;
    }
    s->check_sum_mm_s += size;
    s->check_n++;
}

void session_tick(struct session *s, int64_t now_ns, struct session_out *ret_out) {
    *ret_out = (struct session_out){0};
    advance(s, now_ns, ret_out);
    ret_out->next_ns = next_due(s);
}

bool session_vehicle(struct session *s) {
    if (!s->on)
        return false;
    s->vehicles++;
    return true;
}

enum session_lamp session_lamp(const struct session *s, bool fault) {
    if (fault)
        return LAMP_FAULT;
    if (s->checking)
        return LAMP_CHECKING;
    return s->on ? LAMP_RECORDING : LAMP_READY;
}
