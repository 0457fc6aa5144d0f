/* session: every way that it begins and ends, told by hand. */
#include "session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static const struct session_conf CONF = {
    .site = "great-ayton-1",
    .limit_mph = 30,
    .max_ns = 7200 * S,
    .check_ns = 5 * S,
    .check_mm_s = 15646, /* 35 mph */
    .check_tolerance_mm_s = 447,
};

static void a_button_starts_and_stops(void **state) {
    (void)state;
    struct session s;
    struct session_out out;
    session_init(&s, &CONF, 41, false, &out);
    assert_int_equal(0, out.tells);
    assert_false(session_vehicle(&s));
    session_button(&s, 100 * S, &out);
    assert_int_equal(1, out.tells);
    assert_int_equal(SESSION_START, out.tell[0].what);
    assert_int_equal(42, out.tell[0].session);
    assert_int_equal(30, out.tell[0].limit_mph);
    assert_string_equal("great-ayton-1", out.tell[0].site);
    assert_true(out.next_ns == 7300 * S);
    for (int i = 0; i < 17; i++)
        assert_true(session_vehicle(&s));
    assert_int_equal(LAMP_RECORDING, session_lamp(&s, false));
    assert_int_equal(LAMP_FAULT, session_lamp(&s, true));
    session_button(&s, 200 * S, &out);
    assert_int_equal(SESSION_STOP, out.tell[0].what);
    assert_int_equal(SESSION_END_BUTTON, out.tell[0].end);
    assert_int_equal(42, out.tell[0].session);
    assert_int_equal(17, out.tell[0].vehicles);
    assert_false(session_vehicle(&s));
    session_button(&s, 300 * S, &out);
    assert_int_equal(43, out.tell[0].session);
    assert_int_equal(0, s.vehicles);
}

static void it_ends_itself(void **state) {
    (void)state;
    struct session s;
    struct session_out out;
    session_init(&s, &CONF, 0, false, &out);
    session_button(&s, 0, &out);
    session_tick(&s, 7200 * S - 1, &out);
    assert_int_equal(0, out.tells);
    session_tick(&s, 7200 * S, &out);
    assert_int_equal(SESSION_END_LIMIT, out.tell[0].end);
    assert_true(out.next_ns == INT64_MAX);
    session_button(&s, 8000 * S, &out);
    session_button(&s, 20000 * S, &out); /* the loop slept past the limit: stopped, then started */
    assert_int_equal(2, out.tells);
    assert_int_equal(SESSION_END_LIMIT, out.tell[0].end);
    assert_int_equal(SESSION_START, out.tell[1].what);
    assert_int_equal(3, out.tell[1].session);
}

static void a_restart_stops_what_was_left(void **state) {
    (void)state;
    struct session s;
    struct session_out out;
    session_init(&s, &CONF, 9, true, &out);
    assert_int_equal(1, out.tells);
    assert_int_equal(SESSION_STOP, out.tell[0].what);
    assert_int_equal(SESSION_END_RESTART, out.tell[0].end);
    assert_int_equal(9, out.tell[0].session);
    assert_int_equal(LAMP_READY, session_lamp(&s, false));
}

/* Forty minutes in, the daemon dies; only at once and in the same boot does counting go on. */
static void a_crash_does_not_end_the_counting(void **state) {
    (void)state;
    static const struct {
        uint64_t boot_id;
        int64_t alive_s, now_s;
        bool resumed;
    } CASES[] = {
        {7, 2500, 2510, true},  {7, 2500, 2800, true},  {7, 2500, 2801, false},
        {8, 2500, 2510, false}, {0, 2500, 2510, false}, {7, 2500, 2499, false},
        {7, 7290, 7299, true},  {7, 7290, 7300, false}, {7, 99, 110, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct session s;
        struct session_out out;
        const struct session_left left = {CASES[i].boot_id, 100 * S, CASES[i].alive_s * S};
        session_init(&s, &CONF, 9, true, &out);
        assert_int_equal(SESSION_END_RESTART, out.tell[0].end);
        session_resume(&s, &left, 7, CASES[i].now_s * S, &out);
        assert_int_equal(CASES[i].resumed, s.on);
        assert_int_equal(CASES[i].resumed, out.tells);
        assert_true(out.next_ns == (CASES[i].resumed ? 7300 * S : INT64_MAX));
        if (!CASES[i].resumed)
            continue;
        assert_int_equal(SESSION_START, out.tell[0].what);
        assert_int_equal(10, out.tell[0].session);
        assert_string_equal("great-ayton-1", out.tell[0].site);
    }
}

static void check_with(int32_t mm_s, uint16_t want_mph10, bool want_passed) {
    struct session s;
    struct session_out out;
    session_init(&s, &CONF, 9, false, &out);
    session_check_begin(&s, 0, &out);
    assert_true(out.next_ns == 5 * S);
    assert_int_equal(LAMP_CHECKING, session_lamp(&s, false));
    if (mm_s != 0)
        for (int i = 0; i < 50; i++)
            session_check_sample(&s, i % 2 == 0 ? mm_s : -mm_s);
    session_tick(&s, 5 * S, &out);
    assert_int_equal(SESSION_CHECK, out.tell[0].what);
    assert_int_equal(10, out.tell[0].session);
    assert_int_equal(350, out.tell[0].expected_mph10);
    assert_int_equal(want_mph10, out.tell[0].measured_mph10);
    assert_int_equal(want_passed, out.tell[0].passed);
}

static void a_check_judges_the_radar(void **state) {
    (void)state;
    check_with(15646, 350, true);  /* 35.0 mph */
    check_with(16093, 360, true);  /* 36.0: just within */
    check_with(16154, 361, false); /* 36.1 */
    check_with(15154, 339, false); /* 33.9 */
    check_with(0, 0, false);       /* nothing seen is no pass */
    check_with(19000, 0, false);   /* nor is traffic */
}

/* A fork of 1024 Hz beside traffic: its mean within half a percent, whatever passes; too little of
 * it is nothing heard. */
static void a_fork_is_heard_beside_traffic(void **state) {
    (void)state;
    static const struct {
        int32_t mm_s;
        int n;
        bool passed;
        uint16_t told;
    } CASES[] = {{6362, 50, true, 142},  {6380, 50, true, 143}, {6400, 50, false, 143},
                 {6330, 50, false, 142}, {6362, 7, false, 0},   {6362, 8, true, 142}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct session s;
        struct session_out out;
        struct session_conf conf = CONF;
        conf.check_mm_s = 6362;
        conf.check_tolerance_mm_s = 31;
        session_init(&s, &conf, 9, false, &out);
        session_check_sample(&s, 6000); /* before it */
        session_check_begin(&s, 0, &out);
        for (int k = 0; k < CASES[i].n; k++) {
            session_check_sample(&s, k % 2 == 0 ? CASES[i].mm_s : -CASES[i].mm_s);
            session_check_sample(&s, -13400);
        }
        session_tick(&s, 5 * S, &out);
        assert_int_equal(CASES[i].passed, out.tell[0].passed);
        assert_int_equal(CASES[i].told, out.tell[0].measured_mph10);
        assert_int_equal(142, out.tell[0].expected_mph10);
        assert_int_equal(CASES[i].n, s.check_others);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_button_starts_and_stops),
        cmocka_unit_test(it_ends_itself),
        cmocka_unit_test(a_restart_stops_what_was_left),
        cmocka_unit_test(a_crash_does_not_end_the_counting),
        cmocka_unit_test(a_check_judges_the_radar),
        cmocka_unit_test(a_fork_is_heard_beside_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
