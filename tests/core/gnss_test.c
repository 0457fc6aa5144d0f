/* gnss: what is believed of a receiver, written out by hand; then hours of a receiver that lies at
 * random moments.  Replay: MOORWATCH_SEED=N. */
#include "gnss.h"
#include "random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define S INT64_C(1000000000)
#define NOON INT64_C(1795348800000) /* 2026-11-22 12:00 UTC */

/* Roseberry Topping, standing still; each fix arrives 300 ms after its second. */
static struct gnss_fix fix_at(int64_t second) {
    return (struct gnss_fix){.t_ns = second * S + 3 * S / 10,
                             .mode = 3,
                             .unix_ms = NOON + second * 1000,
                             .latitude_e7 = 545050000,
                             .longitude_e7 = -11070000,
                             .error_m = 4,
                             .hdop = 0.9};
}

static void a_good_fix_gives_place_and_time(void **state) {
    (void)state;
    struct gnss g = {0};
    struct gnss_spot spot;
    int64_t unix_ms;
    uint32_t error_ms;
    assert_false(gnss_position(&g, 0, &spot));
    assert_false(gnss_time(&g, 0, &unix_ms, &error_ms));
    struct gnss_fix f = fix_at(10);
    assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    assert_true(gnss_position(&g, 11 * S, &spot));
    assert_int_equal(spot.latitude_e7, 545050000);
    assert_true(gnss_time(&g, 20 * S, &unix_ms, &error_ms));
    int64_t off = NOON + 20000 - unix_ms; /* late by the delay, which the error covers */
    assert_true(off >= 0 && off <= error_ms);
    assert_false(gnss_position(&g, 10 * S + (GNSS_POSITION_S + 1) * S, &spot));
    assert_false(gnss_time(&g, 10 * S + (GNSS_TIME_S + 1) * S, &unix_ms, &error_ms));
}

static void a_pulse_is_better_than_an_arrival(void **state) {
    (void)state;
    struct gnss g = {0};
    int64_t unix_ms;
    uint32_t error_ms;
    struct gnss_fix f = fix_at(10);
    assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    struct gnss_fix pulse = {.t_ns = 11 * S, .pps = true, .unix_ms = NOON + 11000};
    assert_int_equal(gnss_fix(&g, &pulse), GNSS_GOOD);
    assert_true(gnss_time(&g, 12 * S, &unix_ms, &error_ms));
    assert_true(unix_ms == NOON + 12000 && error_ms < 10);
    pulse.unix_ms += 5000; /* a pulse of another second than the receiver's */
    pulse.t_ns = 12 * S;
    assert_int_equal(gnss_fix(&g, &pulse), GNSS_TIME_JUMPED);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    static const struct {
        enum gnss_verdict verdict;
        int mode;
        int64_t add_ms;
        int32_t latitude_e7, longitude_e7;
        double error_m, hdop;
    } BAD[] = {
        {GNSS_NO_FIX, 1, 0, 545050000, -11070000, 4, 1},
        {GNSS_NO_FIX, 0, 0, 0, 0, 0, 0},
        {GNSS_NOWHERE, 3, 0, 0, 0, 4, 1},
        {GNSS_NOWHERE, 3, 0, 12, -7, 4, 1},
        {GNSS_NOWHERE, 3, 0, 910000000, 0, 4, 1},
        {GNSS_NOWHERE, 3, 0, 540000000, 1810000000, 4, 1},
        {GNSS_VAGUE, 3, 0, 545050000, -11070000, 900, 1},
        {GNSS_VAGUE, 3, 0, 545050000, -11070000, 4, 99.9},
        {GNSS_VAGUE, 3, 0, 545050000, -11070000, NAN, 1},
        {GNSS_JUMPED, 3, 0, 545500000, -11070000, 4, 1}, /* five kilometres in a second */
        {GNSS_ROLLOVER, 3, -INT64_C(1024) * 7 * 86400000, 545050000, -11070000, 4, 1},
        {GNSS_ROLLOVER, 3, -INT64_C(2048) * 7 * 86400000, 545050000, -11070000, 4, 1},
        {GNSS_DATE, 3, -NOON + 5000, 545050000, -11070000, 4, 1}, /* 1970 */
        {GNSS_DATE, 3, INT64_C(3) << 41, 545050000, -11070000, 4, 1},
        {GNSS_TIME_JUMPED, 3, 3600000, 545050000, -11070000, 4, 1},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct gnss g = {0};
        struct gnss_spot spot;
        int64_t unix_ms;
        uint32_t error_ms;
        struct gnss_fix f = fix_at(1);
        assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
        f = fix_at(2);
        f.mode = BAD[i].mode;
        f.unix_ms += BAD[i].add_ms;
        f.latitude_e7 = BAD[i].latitude_e7;
        f.longitude_e7 = BAD[i].longitude_e7;
        f.error_m = BAD[i].error_m;
        f.hdop = BAD[i].hdop;
        assert_int_equal(gnss_fix(&g, &f), BAD[i].verdict);
        assert_int_equal(g.refused, BAD[i].verdict == GNSS_NO_FIX ? 0 : 1);
        assert_true(gnss_position(&g, 3 * S, &spot));
        assert_int_equal(spot.latitude_e7, 545050000);
        assert_true(gnss_time(&g, 3 * S, &unix_ms, &error_ms));
        assert_true(llabs(unix_ms - (NOON + 3000)) <= error_ms);
    }
}

/* The first fix ever may be a lie too: nothing to compare with, but it does not last. */
static void a_unit_that_was_carried_is_believed_in_the_end(void **state) {
    (void)state;
    struct gnss g = {0};
    struct gnss_spot spot;
    struct gnss_fix f = fix_at(0);
    f.latitude_e7 += 50000000; /* five degrees north: the lie, or yesterday's place */
    assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    for (int i = 1; i < GNSS_MOVED_FIXES; i++) {
        f = fix_at(i);
        assert_int_equal(gnss_fix(&g, &f), GNSS_JUMPED);
    }
    f = fix_at(GNSS_MOVED_FIXES);
    assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    assert_true(gnss_position(&g, f.t_ns, &spot));
    assert_int_equal(spot.latitude_e7, 545050000);
    /* In a van at 30 m/s no fix is a jump. */
    for (int i = 1; i < 600; i++) {
        f = fix_at(GNSS_MOVED_FIXES + i);
        f.latitude_e7 += i * 2700;
        assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    }
}

static void a_run_of_refusals_is_a_fault(void **state) {
    (void)state;
    struct gnss g = {0};
    struct gnss_fix f = fix_at(0);
    assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    for (int i = 1; i <= GNSS_FAULT_FIXES; i++) {
        assert_false(g.fault);
        f = fix_at(i);
        f.latitude_e7 = f.longitude_e7 = 0;
        assert_int_equal(gnss_fix(&g, &f), GNSS_NOWHERE);
        f.mode = 0; /* silence between is neither */
        assert_int_equal(gnss_fix(&g, &f), GNSS_NO_FIX);
    }
    assert_true(g.fault);
    for (int i = 0; i < GNSS_CLEAR_FIXES; i++) {
        assert_true(g.fault);
        f = fix_at(20 + i);
        assert_int_equal(gnss_fix(&g, &f), GNSS_GOOD);
    }
    assert_false(g.fault);
}

/* Great circles by hand: a degree of latitude; Middlesbrough to Durham as the maps say. */
static void distances(void **state) {
    (void)state;
    assert_true(fabs(gnss_distance_m(540000000, 0, 550000000, 0) - 111195) < 1);
    assert_true(fabs(gnss_distance_m(545742000, -12350000, 547761000, -15733000) - 31270) < 300);
    assert_true(fabs(gnss_distance_m(0, 1799999000, 0, -1799999000) - 22.2) < 0.3);
}

/* A receiver that lies in one fix of five, each time otherwise: never believed. */
static void random_lies(void **state) {
    (void)state;
    const char *given = getenv("MOORWATCH_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 11, random = seed;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct gnss g = {0};
    struct gnss_spot spot;
    uint32_t lies = 0;
    for (int64_t second = 0; second < 20000; second++) {
        struct gnss_fix f = fix_at(second);
        f.t_ns += (int64_t)random_below(&random, 350) * 1000000;
        f.latitude_e7 += (int32_t)random_below(&random, 400) - 200;
        bool lie = second > 0 && random_permille(&random, 200);
        uint32_t kind = random_below(&random, 4);
        if (lie && kind == 0)
            f.latitude_e7 = (int32_t)random_below(&random, 1600000000) - 800000000;
        else if (lie && kind == 1)
            f.unix_ms += (random_permille(&random, 500) ? 1 : -1) *
                         (int64_t)(10000 + random_below(&random, 2000000000));
        else if (lie && kind == 2)
            f.error_m = 201 + random_below(&random, 100000);
        else if (lie)
            f.hdop = 21 + random_below(&random, 100);
        enum gnss_verdict v = gnss_fix(&g, &f);
        /* A random place may be near by chance: then it is no lie worth the name. */
        bool near = kind == 0 &&
                    gnss_distance_m(f.latitude_e7, f.longitude_e7, 545050000, -11070000) < 1000;
        if (!near) {
            assert_int_equal(v != GNSS_GOOD, lie);
            lies += lie;
        }
        int64_t unix_ms, now_ns = f.t_ns + S / 10;
        uint32_t error_ms;
        assert_true(gnss_position(&g, now_ns, &spot));
        assert_true(gnss_distance_m(spot.latitude_e7, spot.longitude_e7, 545050000, -11070000) <
                    1000);
        assert_true(gnss_time(&g, now_ns, &unix_ms, &error_ms));
        if (second > 100)
            assert_true(llabs(unix_ms - (NOON + now_ns / 1000000)) <= error_ms);
    }
    assert_true(lies > 3000 && g.refused >= lies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_fix_gives_place_and_time),
        cmocka_unit_test(a_pulse_is_better_than_an_arrival),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_unit_that_was_carried_is_believed_in_the_end),
        cmocka_unit_test(a_run_of_refusals_is_a_fault),
        cmocka_unit_test(distances),
        cmocka_unit_test(random_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
