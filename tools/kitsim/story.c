#include "story.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_S = 86400, HEARTBEAT_MS = 15 * MINUTE_MS };

static int add(struct story *s, int64_t unix_ms, const struct event *event) {
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 1024 : 2 * s->cap;
        struct story_event *grown = realloc(s->events, cap * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        s->events = grown;
        s->cap = cap;
    }
    struct story_event *to = &s->events[s->count++];
    *to = (struct story_event){s->boots - 1, unix_ms, *event};
    to->event.t_ms = unix_ms - s->boot_unix_ms;
    return 0;
}

static void boot(struct story *s, int64_t unix_ms) {
    s->boots++;
    s->boot_unix_ms = unix_ms;
}

static int by_boot_and_time(const void *a, const void *b) {
    const struct story_event *x = a, *y = b;
    if (x->boot != y->boot)
        return x->boot < y->boot ? -1 : 1;
    return (x->unix_ms > y->unix_ms) - (x->unix_ms < y->unix_ms);
}

static int add_health(struct story *s, struct chance *c, int64_t unix_ms, uint32_t period_s) {
    struct event e = {.kind = EVENT_HEALTH};
    e.health = (struct event_health){
        .uptime_s = (uint32_t)((unix_ms - s->boot_unix_ms) / 1000),
        .battery_mv = (uint16_t)chance_between(c, 12100, 12900),
        .temperature_c10 = (int16_t)chance_normal(c, 110, 40),
        .signal_dbm = (int16_t)chance_between(c, -100, -70),
        .period_s = period_s,
    };
    e.health.counters[HEALTH_BOOTS] = s->boots;
    return add(s, unix_ms, &e);
}

/* ---- a kit ---------------------------------------------------------------------------------- */

static struct event session_event(enum session_what what, const struct story *s,
                                  const struct story_site *site) {
    struct event e = {.kind = EVENT_SESSION};
    e.session = (struct event_session){
        .what = (uint8_t)what, .session = s->sessions, .limit_mph = site->limit_mph};
    memcpy(e.session.site, site->id, sizeof e.session.site);
    return e;
}

static int add_vehicle(struct story *s, struct chance *c, const struct story_site *site,
                       int64_t unix_ms) {
    double mph = traffic_speed_mph(&site->traffic, c);
    double seconds = 35.0 * exp(chance_normal(c, 0, 0.25)) / (mph * 0.44704);
    struct event e = {.kind = EVENT_PASSAGE};
    e.passage = (struct event_passage){
        .direction = chance_unit(c) < 0.55 ? DIRECTION_IN : DIRECTION_OUT,
        .speed_mph10 = (uint16_t)(mph * 10),
        .duration_ms = 100 * (uint32_t)ceil(10 * seconds),
        .magnitude_db = (int16_t)chance_normal(c, 38, 5),
        .quality = chance_unit(c) < 0.85 ? QUALITY_A : QUALITY_B,
    };
    return add(s, unix_ms / 10 * 10, &e);
}

static int add_vehicles(struct story *s, struct chance *c, const struct story_site *site,
                        int64_t from_ms, int64_t to_ms, uint32_t *ret_vehicles) {
    int r = 0;
    int64_t t = from_ms, beat = from_ms + HEARTBEAT_MS;
    while (r == 0) {
        t += 600 + (int64_t)(1000 * traffic_gap_s(&site->traffic, c, t / 1000));
        for (; r == 0 && beat < t && beat < to_ms; beat += HEARTBEAT_MS)
            r = add_health(s, c, beat, HEARTBEAT_MS / 1000);
        if (r < 0 || t >= to_ms)
            break;
        r = add_vehicle(s, c, site, t);
        ++*ret_vehicles;
    }
    return r;
}

static int add_check(struct story *s, struct chance *c, const struct story_site *site,
                     int64_t unix_ms) {
    struct event e = session_event(SESSION_CHECK, s, site);
    e.session.expected_mph10 = STORY_CHECK_MPH10;
    e.session.measured_mph10 = (uint16_t)(STORY_CHECK_MPH10 - chance_below(c, 3));
    e.session.passed = true;
    return add(s, unix_ms, &e);
}

static int add_session(struct story *s, struct chance *c, const struct story_site *site,
                       int64_t start_ms) {
    uint32_t vehicles = 0;
    int64_t stop_ms = start_ms + (int64_t)(chance_between(c, 35, 55) * MINUTE_MS);
    boot(s, start_ms - 2 * MINUTE_MS);
    s->sessions++;
    int r = add_health(s, c, start_ms - MINUTE_MS, HEARTBEAT_MS / 1000);
    if (r == 0)
        r = add_check(s, c, site, start_ms - 20000);
    struct event e = session_event(SESSION_START, s, site);
    if (r == 0)
        r = add(s, start_ms, &e);
    if (r == 0)
        r = add_vehicles(s, c, site, start_ms, stop_ms, &vehicles);
    e = session_event(SESSION_STOP, s, site);
    e.session.end = SESSION_END_BUTTON;
    e.session.vehicles = vehicles;
    if (r == 0)
        r = add(s, stop_ms, &e);
    return r == 0 ? add_health(s, c, stop_ms + MINUTE_MS, HEARTBEAT_MS / 1000) : r;
}

int story_kit(struct story *story, struct chance *c, const struct story_span *span,
              const struct story_site *sites, unsigned sites_count, double sessions_a_week) {
    int r = 0;
    unsigned turn = chance_below(c, sites_count);
    for (int64_t day = 0; r == 0 && day < 7 * (int64_t)span->weeks; day++) {
        int64_t start_s = span->from_unix_s + day * DAY_S;
        start_s += (int64_t)(3600 * chance_between(c, 7.5, 17.0));
        if (chance_unit(c) >= sessions_a_week / 7.0 || start_s + 3600 >= span->until_unix_s)
            continue;
        r = add_session(story, c, &sites[turn++ % sites_count], 1000 * start_s);
    }
    return r;
}

/* ---- a hub of locks ------------------------------------------------------------------------- */

struct beat {
    int64_t after_ms;
    enum lock_what what;
};

static const struct beat OWNER[] = {
    {0, LOCK_UNSET}, {4000, LOCK_OPENED}, {HOUR_MS, LOCK_CLOSED}, {30000, LOCK_SET}};
static const struct beat WIND[] = {{0, LOCK_PREALARM}, {60000, LOCK_RESTORED}};
static const struct beat KNOCKED[] = {{0, LOCK_PREALARM},
                                      {2100, LOCK_ALARM},
                                      {1, LOCK_SIREN_ON},
                                      {180000, LOCK_SIREN_OFF},
                                      {60000, LOCK_RESTORED}};
static const struct beat CUT[] = {{0, LOCK_PREALARM},       {1700, LOCK_ALARM},
                                  {1, LOCK_SIREN_ON},       {9000, LOCK_TAMPER},
                                  {171000, LOCK_SIREN_OFF}, {9 * HOUR_MS, LOCK_RESTORED}};

static int add_beats(struct story *s, int64_t unix_ms, unsigned lock, const struct beat *beats,
                     size_t count) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        unix_ms += beats[i].after_ms;
        struct event e = {.kind = EVENT_LOCK};
        e.lock = (struct event_lock){.lock = (uint8_t)lock, .what = (uint8_t)beats[i].what};
        r = add(s, unix_ms, &e);
    }
    return r;
}
#define ADD_BEATS(s, unix_ms, lock, beats)                                                         \
    add_beats(s, unix_ms, lock, beats, sizeof(beats) / sizeof *(beats))

static int64_t at_hour(struct chance *c, int64_t day_s, double from, double to) {
    return 1000 * (day_s + (int64_t)(3600 * chance_between(c, from, to)));
}

static int add_day(struct story *s, struct chance *c, int64_t day_s, unsigned locks) {
    int r = 0;
    for (unsigned hour = 0; r == 0 && hour < 24; hour++)
        r = add_health(s, c, 1000 * day_s + hour * HOUR_MS + MINUTE_MS, HOUR_MS / 1000);
    for (unsigned lock = 0; r == 0 && lock < locks; lock++) {
        if (chance_unit(c) < 0.45)
            r = ADD_BEATS(s, at_hour(c, day_s, 8, 16), lock, OWNER);
        if (r == 0 && chance_unit(c) < 0.12)
            r = ADD_BEATS(s, at_hour(c, day_s, 18, 23), lock, WIND);
    }
    return r;
}

static int add_incident(struct story *s, struct chance *c, int64_t day_s, unsigned locks) {
    int64_t when = at_hour(c, day_s, 0.2, 4.5);
    unsigned lock = chance_below(c, locks);
    return chance_unit(c) < 0.5 ? ADD_BEATS(s, when, lock, KNOCKED) : ADD_BEATS(s, when, lock, CUT);
}

/* Which day of the span each incident falls on: nights of Friday to Sunday twice as likely. */
static unsigned incident_day(struct chance *c, unsigned weeks) {
    unsigned day = chance_below(c, 10);
    return 7 * chance_below(c, weeks) + (day < 7 ? day : day - 3);
}

int story_hub(struct story *story, struct chance *c, const struct story_span *span, unsigned locks,
              unsigned incidents) {
    int r = 0;
    unsigned days = 7 * span->weeks, nights[366] = {0};
    for (unsigned i = 0; i < incidents; i++)
        nights[incident_day(c, span->weeks) % 366]++;
    for (unsigned day = 0; r == 0 && day < days; day++) {
        int64_t day_s = span->from_unix_s + day * DAY_S;
        if (day_s + DAY_S > span->until_unix_s)
            break;
        if (day % 7 == 0)
            boot(story, 1000 * day_s);
        r = add_day(story, c, day_s, locks);
        for (unsigned i = 0; r == 0 && i < nights[day % 366]; i++)
            r = add_incident(story, c, day_s, locks);
    }
    if (r == 0 && story->count > 0)
        qsort(story->events, story->count, sizeof *story->events, by_boot_and_time);
    return r;
}

void story_free(struct story *story) {
    free(story->events);
    *story = (struct story){0};
}
