#include "random_event.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct random random_start(uint64_t fallback) {
    const char *seed = getenv("SEED");
    struct random r = {seed != NULL ? strtoull(seed, NULL, 0) : fallback};
    printf("SEED=%llu\n", (unsigned long long)r.state);
    return r;
}

uint64_t random_next(struct random *r) {
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t random_below(struct random *r, uint64_t bound) {
    return random_next(r) % bound;
}

static double uniform(struct random *r) {
    return ((double)(random_next(r) >> 11) + 0.5) / 9007199254740992.0;
}

double random_normal(struct random *r) {
    return sqrt(-2.0 * log(uniform(r))) * cos(6.283185307179586 * uniform(r));
}

/* 0, the largest, something small, or anything up to the largest. */
static uint64_t skewed(struct random *r, uint64_t max) {
    uint64_t of_width = random_next(r) >> random_below(r, 64);
    uint64_t pick = random_below(r, 8);
    return pick == 0 ? 0 : pick == 1 ? max : of_width <= max ? of_width : of_width % (max + 1);
}

static void passage(struct random *r, struct event *e) {
    e->t_ms -= e->t_ms % 10;
    e->passage = (struct event_passage){
        .direction = (uint8_t)random_below(r, 2),
        .speed_mph10 = (uint16_t)skewed(r, UINT16_MAX),
        .duration_ms = 100 * (uint32_t)skewed(r, 864000),
        .magnitude_db = (int16_t)((int)random_below(r, 601) - 300),
        .quality = (uint8_t)random_below(r, 4),
        .flags = (uint8_t)random_below(r, 16),
    };
}

static void session(struct random *r, struct event *e) {
    e->session = (struct event_session){
        .what = (uint8_t)(1 + random_below(r, 3)),
        .end = (uint8_t)random_below(r, 4),
        .session = (uint32_t)skewed(r, UINT32_MAX),
        .limit_mph = (uint16_t)skewed(r, UINT16_MAX),
        .expected_mph10 = (uint16_t)skewed(r, UINT16_MAX),
        .measured_mph10 = (uint16_t)skewed(r, UINT16_MAX),
        .passed = random_below(r, 2) != 0,
        .vehicles = (uint32_t)skewed(r, UINT32_MAX),
        .latitude_e7 = (int32_t)skewed(r, 1800000000) - 900000000,
        .longitude_e7 = (int32_t)((int64_t)skewed(r, 3600000000) - 1800000000),
        .position_error_m = (uint16_t)skewed(r, UINT16_MAX),
    };
    for (size_t i = (size_t)random_below(r, EVENT_SITE_MAX + 1); i > 0; i--)
        e->session.site[i - 1] = (char)(' ' + random_below(r, '~' - ' ' + 1));
}

static void lock(struct random *r, struct event *e) {
    e->lock = (struct event_lock){(uint8_t)random_below(r, EVENT_LOCKS_MAX),
                                  (uint8_t)(1 + random_below(r, LOCK_LEARNED)),
                                  (uint8_t)random_below(r, 2 * LOCK_CAUSE_HOURS)};
}

static void health(struct random *r, struct event *e) {
    e->health = (struct event_health){
        .uptime_s = (uint32_t)skewed(r, UINT32_MAX),
        .battery_mv = (uint16_t)skewed(r, UINT16_MAX),
        .temperature_c10 = (int16_t)((int)skewed(r, UINT16_MAX) + INT16_MIN),
        .signal_dbm = (int16_t)((int)skewed(r, UINT16_MAX) + INT16_MIN),
        .period_s = (uint32_t)skewed(r, UINT32_MAX),
        .disk_free_mib = (uint32_t)skewed(r, UINT32_MAX),
        .spool_days = (uint16_t)skewed(r, UINT16_MAX),
        .battery_days = (uint16_t)skewed(r, UINT16_MAX),
        .battery_ma = (int16_t)((int)skewed(r, UINT16_MAX) + INT16_MIN),
        .power_flags = (uint8_t)random_below(r, 256),
        .clock_quality = (uint8_t)random_below(r, 4),
    };
    for (int i = 0; i < CLASS_COUNT; i++)
        e->health.spool_pending[i] = (uint32_t)skewed(r, UINT32_MAX);
    for (int i = 0; i < HEALTH_COUNTERS; i++)
        e->health.counters[i] = (uint32_t)skewed(r, UINT32_MAX);
}

static void anchor(struct random *r, struct event *e) {
    e->anchor.unix_ms = (int64_t)skewed(r, EVENT_UNIX_MAX);
    e->anchor.quality = (uint8_t)random_below(r, 4);
    e->anchor.error_ms = (uint32_t)skewed(r, UINT32_MAX);
}

static void gap(struct random *r, struct event *e) {
    uint64_t to = skewed(r, INT64_MAX - 1);
    e->gap = (struct event_gap){
        .dropped_class = (uint8_t)random_below(r, CLASS_COUNT),
        .reason = (uint8_t)(1 + random_below(r, GAP_QUEUE_FULL)),
        .spool_high = (uint32_t)skewed(r, UINT32_MAX),
        .spool_low = (uint32_t)skewed(r, UINT32_MAX),
        .from_seq = skewed(r, to + 1),
        .to_seq = to,
        .events = (uint32_t)skewed(r, UINT32_MAX),
    };
}

static void fault(struct random *r, struct event *e) {
    e->fault.code = (uint8_t)(1 + random_below(r, FAULT_DISK_LOW));
    e->fault.active = random_below(r, 2) != 0;
    e->fault.detail = (int32_t)((int64_t)skewed(r, UINT32_MAX) + INT32_MIN);
}

struct event random_event(struct random *r, enum event_kind kind) {
    static void (*const FILL[])(struct random *, struct event *) = {
        [EVENT_PASSAGE] = passage, [EVENT_SESSION] = session, [EVENT_LOCK] = lock,
        [EVENT_HEALTH] = health,   [EVENT_ANCHOR] = anchor,   [EVENT_GAP] = gap,
        [EVENT_FAULT] = fault,
    };
    struct event e;
    memset(&e, 0, sizeof e);
    e.kind = (uint8_t)kind;
    e.t_ms = (int64_t)skewed(r, EVENT_TIME_MAX);
    FILL[kind](r, &e);
    return e;
}

enum event_kind random_kind(struct random *r, enum event_class cls) {
    for (;;) {
        enum event_kind kind = (enum event_kind)(1 + random_below(r, EVENT_FAULT));
        if (event_class_of(kind) == cls)
            return kind;
    }
}

void random_traffic(struct random *r, struct event *events, size_t count) {
    double t_ms = 1000.0 * (double)random_below(r, 100000);
    for (size_t i = 0; i < count; i++) {
        memset(&events[i], 0, sizeof events[i]);
        t_ms += -18000.0 * log(uniform(r));
        double mph = 30.0 * exp(0.15 * random_normal(r));
        double view_s = 35.0 / (mph * 0.44704) * exp(0.25 * random_normal(r));
        events[i].t_ms = (int64_t)(t_ms / 10.0) * 10;
        events[i].kind = EVENT_PASSAGE;
        events[i].passage.direction = uniform(r) < 0.55;
        events[i].passage.speed_mph10 = (uint16_t)lround(10.0 * mph);
        events[i].passage.duration_ms = 100 * (uint32_t)lround(10.0 * view_s);
        events[i].passage.magnitude_db = (int16_t)lround(38.0 + 5.0 * random_normal(r));
        events[i].passage.quality = QUALITY_A;
    }
}
