/* barrier: London time against the C library's, then stories of gates written out by hand. */
#include "barrier.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MIN INT64_C(60000000000)

static void london_as_the_c_library_has_it(void **state) {
    (void)state;
    /* The rule in force since 1996, in a form that needs no zone files. */
    setenv("TZ", "GMT0BST,M3.5.0/1,M10.5.0/2", 1);
    tzset();
    for (time_t t = 820454400; t < 3000000000; t += 7 * 1800 + 60) {
        struct tm tm;
        localtime_r(&t, &tm);
        if (barrier_london_minute((int64_t)t * 1000 + 999) !=
            (unsigned)(tm.tm_hour * 60 + tm.tm_min))
            fail_msg("at %ld: %u", (long)t, barrier_london_minute((int64_t)t * 1000));
    }
    for (time_t t = 1774746000 - 7200; t < 1774746000 + 7200; t += 60) { /* 29 March 2026, 01:00 */
        struct tm tm;
        localtime_r(&t, &tm);
        assert_int_equal(tm.tm_hour * 60 + tm.tm_min, barrier_london_minute((int64_t)t * 1000));
    }
}

static void hours_as_they_are_written(void **state) {
    (void)state;
    static const char *const BAD[] = {"6:00-21:00",  "06:00",       "06:00-21:0x",  "25:00-26:00",
                                      "06:60-07:00", "06.00-21.00", "06:00-21:00 ", "24:01-01:00"};
    struct barrier_hours h = {1, 2};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(ERR_INVAL, barrier_hours_parse(BAD[i], &h));
    assert_int_equal(1, h.from_min);                                               /* untouched */
    const int64_t noon = INT64_C(1768478400000), night = noon + INT64_C(39600000); /* January */
    assert_int_equal(0, barrier_hours_parse("06:00-21:00", &h));
    assert_true(barrier_allowed(&h, noon));
    assert_false(barrier_allowed(&h, night));
    assert_int_equal(0, barrier_hours_parse("21:00-06:00", &h));
    assert_false(barrier_allowed(&h, noon));
    assert_true(barrier_allowed(&h, night));
    assert_int_equal(0, barrier_hours_parse("", &h));
    assert_true(barrier_allowed(&h, noon) && barrier_allowed(&h, night));
    assert_int_equal(0, barrier_hours_parse("00:00-24:00", &h));
    assert_true(barrier_allowed(&h, noon) && barrier_allowed(&h, night));
}

/* 15 July 2026, 20:00 in London = 19:00 UTC. */
static const int64_t EVENING_MS = INT64_C(1784142000000);

struct look {
    int minute; /* after 20:00 */
    bool open, known;
    const char *says;
};

static void story(const char *hours, int limit_min, const struct look *looks) {
    struct barrier_conf conf = {.open_limit_ns = limit_min * MIN};
    struct barrier b;
    struct barrier_out out;
    char got[64];
    assert_int_equal(0, barrier_hours_parse(hours, &conf.hours));
    barrier_init(&b, &conf);
    for (; looks->says != NULL; looks++) {
        barrier_step(&b, looks->open, looks->minute * MIN, looks->known,
                     EVENING_MS + looks->minute * 60000, &out);
        got[0] = '\0';
        for (unsigned i = 0; i < out.tells; i++) {
            strcat(got, i > 0 ? " " : "");
            strcat(got, out.tell[i] == LOCK_LEFT_OPEN ? "left" : "found");
            strcat(got, out.causes[i] == LOCK_CAUSE_HOURS ? "-hours" : "-long");
        }
        if (strcmp(got, looks->says) != 0)
            fail_msg("minute %d: \"%s\", expected \"%s\"", looks->minute, got, looks->says);
        assert_true(out.next_ns > looks->minute * MIN);
        assert_true(out.next_ns < INT64_MAX || !looks->open ||
                    (strcmp(hours, "") == 0 && (limit_min == 0 || b.told_long)));
    }
}

static void stories(void **state) {
    (void)state;
    static const struct look ends[] = {
        {0, false, true, ""},
        {30, true, true, ""},
        {59, true, true, ""},
        {60, true, true, "left-hours"},
        {61, true, true, ""},
        {200, false, true, ""},
        {210, true, true, "left-hours"}, /* opened at night: at once */
        {600, true, true, ""},           /* six in the morning: allowed again */
        {1500, true, true, "left-hours"},
        {0, false, false, NULL},
    };
    story("06:00-21:00", 0, ends);
    static const struct look found[] = {
        {100, true, true, "found-hours"}, {101, true, true, ""}, {0, false, false, NULL}};
    story("06:00-21:00", 0, found);
    /* A clock from 1970 accuses nobody; once it is known, what stands open was found so. */
    static const struct look unknown[] = {{100, true, false, ""},
                                          {160, true, false, ""},
                                          {161, true, true, "found-hours"},
                                          {0, false, false, NULL}};
    story("06:00-21:00", 0, unknown);
    static const struct look longer[] = {
        {0, true, false, ""},
        {29, true, false, ""},
        {30, true, false, "left-long"},
        {90, true, false, ""},
        {91, false, false, ""},
        {92, true, false, ""},
        {200, true, false, "left-long"},
        {0, false, false, NULL},
    };
    story("", 30, longer);
    static const struct look both[] = {
        {10, true, true, ""}, {70, true, true, "left-hours left-long"}, {0, false, false, NULL}};
    story("06:00-21:00", 60, both);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(london_as_the_c_library_has_it),
        cmocka_unit_test(hours_as_they_are_written),
        cmocka_unit_test(stories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
