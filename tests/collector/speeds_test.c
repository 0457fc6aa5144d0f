/* Speeds, thresholds and intervals against R's figures, Newcombe's table and brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data.h"
#include "random.h"
#include "speeds.h"
#include "threshold.h"
#include <math.h>
#include <string.h>

static void thresholds_are_whole_numbers(void **state) {
    (void)state;
    static const int WANT[][2] = {{20, 24}, {30, 35}, {40, 46}, {50, 57}, {60, 68}, {70, 79}};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++)
        assert_int_equal(threshold_mph(&THRESHOLD_DEFAULT, WANT[i][0]), WANT[i][1]);
    for (int limit = THRESHOLD_LIMIT_MIN; limit <= THRESHOLD_LIMIT_MAX; limit++)
        assert_int_equal(threshold_mph(&THRESHOLD_DEFAULT, limit), (11 * limit + 20 + 9) / 10);
    assert_int_equal(threshold_mph(&THRESHOLD_DEFAULT, 4), ERR_RANGE);
    assert_int_equal(threshold_mph(&THRESHOLD_DEFAULT, 101), ERR_RANGE);
}

static void other_policies_are_data(void **state) {
    (void)state;
    struct threshold_policy somerset = {.percent = 10, .plus_mph = 3};
    assert_int_equal(threshold_mph(&somerset, 20), 25);
    assert_int_equal(threshold_mph(&somerset, 30), 36);
    assert_int_equal(threshold_mph(&somerset, 40), 47);
    struct threshold_policy table = {.percent = 10, .plus_mph = 2, .rows = 1, .row = {{30, 36}}};
    assert_int_equal(threshold_mph(&table, 30), 36);
    assert_int_equal(threshold_mph(&table, 40), 46);
    table.row[0].threshold_mph = 29;
    assert_int_equal(threshold_check(&table), ERR_RANGE);
    assert_int_equal(threshold_mph(&table, 30), ERR_RANGE);
}

static void wilson_is_newcombes(void **state) {
    (void)state;
    static const double WANT[][4] = {{81, 263, .255288519878274, .3662095769828},
                                     {15, 148, .0623863995307363, .160487241723308},
                                     {0, 20, 0, .161125158052819},
                                     {1, 29, .00611321429276265, .171755218793203},
                                     {8, 10, .490162471536642, .943317848545625},
                                     {33, 100, .24563122734128, .426946562049095}};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        struct interval got = interval_wilson((uint64_t)WANT[i][0], (uint64_t)WANT[i][1]);
        assert_true(fabs(got.low - WANT[i][2]) < 1e-12);
        assert_true(fabs(got.high - WANT[i][3]) < 1e-12);
    }
    assert_true(interval_wilson(0, 7).low == 0 && interval_wilson(7, 7).high == 1);
    assert_true(interval_wilson(0, 0).low == 0 && interval_wilson(0, 0).high == 1);
}

static void ranks_are_those_of_R(void **state) {
    (void)state;
    static const uint64_t WANT[][3] = {{10, 6, 11},   {15, 10, 16},   {20, 14, 21}, {25, 17, 25},
                                       {30, 21, 30},  {40, 29, 39},   {50, 37, 48}, {60, 45, 57},
                                       {100, 78, 93}, {200, 160, 181}};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        struct ranks got = interval_ranks(WANT[i][0], .85);
        assert_int_equal(got.low, WANT[i][1]);
        assert_int_equal(got.high, WANT[i][2]);
    }
    assert_int_equal(interval_ranks(22, .85).high, 23);
    assert_int_equal(interval_ranks(23, .85).high, 23);
}

/* P(X <= k) by the definition, in long double; for small n only. */
static long double binomial_below(uint64_t k, uint64_t n, long double q) {
    long double sum = 0;
    for (uint64_t i = 0; i <= k; i++)
        sum += expl(lgammal((long double)n + 1) - lgammal((long double)i + 1) -
                    lgammal((long double)(n - i) + 1) + (long double)i * logl(q) +
                    (long double)(n - i) * log1pl(-q));
    return sum;
}

static void binomial_quantiles_hold_by_definition(void **state) {
    (void)state;
    for (uint64_t n = 1; n <= 400; n++) {
        for (double p = .025; p < 1; p += .95) {
            uint64_t k = interval_binomial_quantile(p, n, .85);
            assert_true(binomial_below(k, n, .85L) >= p);
            assert_true(k == 0 || binomial_below(k - 1, n, .85L) < p);
        }
    }
    /* A day of a motorway for a century: near the normal approximation, and quick. */
    uint64_t big = interval_binomial_quantile(.975, 1000000000, .85);
    assert_true(fabs((double)big - 850000000 - 1.959964 * sqrt(1e9 * .85 * .15)) < 3);
}

static void the_vector_of_twenty(void **state) {
    (void)state;
    double mph[20];
    for (int i = 0; i < 20; i++)
        mph[i] = 40 - i;
    struct speeds_stats s;
    assert_int_equal(speeds_of_array(mph, 20, 30, 35, &s), 0);
    assert_int_equal(s.n, 20);
    assert_true(s.mean == 30.5 && s.p50 == 30.5 && s.max == 40);
    assert_true(fabs(s.p85 - 37.15) < 1e-12); /* type 7; by nearest rank it would be 37 */
    assert_int_equal(s.over_limit.count, 10);
    assert_int_equal(s.at_or_over_threshold.count, 6);
    assert_true(s.over_limit.share == .5 && s.at_or_over_threshold.share == .3);
    assert_true(s.p85_low_known && !s.p85_high_known && s.p85_low == 34);
    assert_int_equal(s.trust, SPEEDS_TOO_FEW);
}

static void few_and_wrong_speeds(void **state) {
    (void)state;
    struct speeds_stats s;
    double one = 33.3, bad[] = {30, -1};
    assert_int_equal(speeds_of_array(&one, 0, 30, 35, &s), ERR_INVAL);
    assert_int_equal(speeds_of_array(bad, 2, 30, 35, &s), ERR_RANGE);
    bad[1] = NAN;
    assert_int_equal(speeds_of_array(bad, 2, 30, 35, &s), ERR_RANGE);
    assert_int_equal(speeds_of_array(&one, 1, 30, 35, &s), 0);
    assert_true(s.p50 == 33.3 && s.p85 == 33.3 && s.max == 33.3);
    assert_true(!s.p85_low_known && !s.p85_high_known);
    assert_int_equal(speeds_trust(22), SPEEDS_TOO_FEW);
    assert_int_equal(speeds_trust(23), SPEEDS_ROUGH);
    assert_int_equal(speeds_trust(100), SPEEDS_COMPARABLE);
}

/* Boundary: 35.0 is at the threshold of 35, 30.0 is not over a limit of 30. */
static void at_and_over(void **state) {
    (void)state;
    double mph[] = {30, 30.1, 34.9, 35, 35.1};
    struct speeds_stats s;
    assert_int_equal(speeds_of_array(mph, 5, 30, 35, &s), 0);
    assert_int_equal(s.over_limit.count, 4);
    assert_int_equal(s.at_or_over_threshold.count, 2);
}

/* Simulated: the interval covers the true percentile at least 95 times in 100. */
static void the_interval_covers(void **state) {
    (void)state;
    random_seed(20261121);
    int covered = 0;
    for (int round = 0; round < 2000; round++) {
        double mph[60];
        for (int i = 0; i < 60; i++)
            mph[i] = random_below(1000001) / 10000.0;
        struct speeds_stats s;
        assert_int_equal(speeds_of_array(mph, 60, 30, 35, &s), 0);
        covered += s.p85_low <= 85 && s.p85_high >= 85;
    }
    print_message("covered %d of 2000 (exact: 1931)\n", covered);
    assert_in_range(covered, 1895, 1965);
}

/* Site pair 1 with the warning sign, periods 1 to 3: boot::amis, figures by R. */
static void real_speeds(void **state) {
    (void)state;
    static const double WANT[3][2] = {{39, .12}, {41.15, .18}, {41, .16}};
    FILE *f = data_open("speeds/amis_cambridgeshire.csv", NULL);
    if (f == NULL)
        skip();
    double mph[3][200];
    size_t n[3] = {0};
    char line[80];
    int speed, period, warning, pair;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%d,%d,%d,%d", &speed, &period, &warning, &pair) == 4 && pair == 1 &&
            warning == 1)
            mph[period - 1][n[period - 1]++] = speed;
    fclose(f);
    for (int p = 0; p < 3; p++) {
        struct speeds_stats s;
        assert_int_equal(n[p], 100);
        assert_int_equal(speeds_of_array(mph[p], n[p], 40, 46, &s), 0);
        print_message("period %d: q85 %.4f, over 40: %.3f\n", p + 1, s.p85, s.over_limit.share);
        assert_true(fabs(s.p85 - WANT[p][0]) < 1e-9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_are_whole_numbers),
        cmocka_unit_test(other_policies_are_data),
        cmocka_unit_test(wilson_is_newcombes),
        cmocka_unit_test(ranks_are_those_of_R),
        cmocka_unit_test(binomial_quantiles_hold_by_definition),
        cmocka_unit_test(the_vector_of_twenty),
        cmocka_unit_test(few_and_wrong_speeds),
        cmocka_unit_test(at_and_over),
        cmocka_unit_test(the_interval_covers),
        cmocka_unit_test(real_speeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
