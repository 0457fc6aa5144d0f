/* A past is made of valid events, in order, and has the size that was asked for. */
#include "story.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t MONDAY_S = 1761523200; /* 2025-10-27 */
static const struct story_span SPAN = {MONDAY_S, 4, MONDAY_S + 28 * 86400};
static struct story_site sites[2];

static int load(void **state) {
    (void)state;
    const char *folder = SOURCE_DIR "/tools/kitsim/data/";
    char speeds[512], hours[512];
    snprintf(speeds, sizeof speeds, "%sspeeds.csv", folder);
    snprintf(hours, sizeof hours, "%shours.csv", folder);
    for (unsigned i = 0; i < 2; i++) {
        sites[i].limit_mph = 30;
        snprintf(sites[i].id, sizeof sites[i].id, "site-%u", i);
        if (traffic_load_speeds(&sites[i].traffic, speeds, i + 1) < 0 ||
            traffic_load_hours(&sites[i].traffic, hours) < 0)
            return -1;
        sites[i].traffic.per_day = 3000;
        sites[i].traffic.scale = 1;
    }
    return 0;
}

static void check_order(const struct story *s) {
    for (size_t i = 0; i < s->count; i++) {
        const struct story_event *e = &s->events[i];
        assert_true(event_valid(&e->event));
        assert_true(e->event.t_ms >= 0);
        assert_true(e->unix_ms < 1000 * SPAN.until_unix_s);
        if (i > 0 && e->boot == e[-1].boot)
            assert_true(e->event.t_ms >= e[-1].event.t_ms);
        else if (i > 0)
            assert_int_equal(e->boot, e[-1].boot + 1);
    }
}

static unsigned count(const struct story *s, enum event_kind kind) {
    unsigned n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->events[i].event.kind == kind;
    return n;
}

static void kit_has_sessions(void **state) {
    (void)state;
    struct story s = {0};
    struct chance c;
    chance_init(&c, 5);
    assert_int_equal(story_kit(&s, &c, &SPAN, sites, 2, 4), 0);
    check_order(&s);
    assert_in_range(s.sessions, 8, 26);
    assert_int_equal(count(&s, EVENT_SESSION), 3 * s.sessions);
    unsigned vehicles = count(&s, EVENT_PASSAGE);
    assert_in_range(vehicles, 50 * s.sessions, 300 * s.sessions);
    story_free(&s);
}

static void stops_tell_the_count(void **state) {
    (void)state;
    struct story s = {0};
    struct chance c;
    chance_init(&c, 6);
    assert_int_equal(story_kit(&s, &c, &SPAN, sites, 1, 4), 0);
    uint32_t seen = 0;
    for (size_t i = 0; i < s.count; i++) {
        const struct event *e = &s.events[i].event;
        seen += e->kind == EVENT_PASSAGE;
        if (e->kind == EVENT_SESSION && e->session.what == SESSION_STOP) {
            assert_int_equal(e->session.vehicles, seen);
            seen = 0;
        }
    }
    story_free(&s);
}

static void hub_has_its_incidents(void **state) {
    (void)state;
    for (unsigned incidents = 0; incidents < 12; incidents += 4) {
        struct story s = {0};
        struct chance c;
        chance_init(&c, 7 + incidents);
        assert_int_equal(story_hub(&s, &c, &SPAN, 3, incidents), 0);
        check_order(&s);
        unsigned alarms = 0;
        for (size_t i = 0; i < s.count; i++)
            alarms +=
                s.events[i].event.kind == EVENT_LOCK && s.events[i].event.lock.what == LOCK_ALARM;
        assert_int_equal(alarms, incidents);
        assert_int_equal(count(&s, EVENT_HEALTH), 28 * 24);
        assert_int_equal(s.boots, 4);
        story_free(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kit_has_sessions),
        cmocka_unit_test(stops_tell_the_count),
        cmocka_unit_test(hub_has_its_incidents),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
