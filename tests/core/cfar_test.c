/* The CFAR against the formula as printed, against counted noise, and against a plain sort. */
#include "../sim/random.h"
#include "cfar.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

static double uniform(uint64_t *seed) {
    return ((double)(random_next(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* Rohling 1983, eq. 37. */
static void test_one_look_is_the_printed_product(void **state) {
    (void)state;
    for (double t = 1; t < 60; t *= 1.3) {
        double p = 1;
        for (int i = 0; i < 12; i++)
            p *= (16.0 - i) / (16.0 - i + t);
        assert_true(fabs(cfar_chance(t, 1) / p - 1) < 0.01);
    }
}

static void test_factor_is_the_inverse(void **state) {
    (void)state;
    for (unsigned looks = 1; looks <= CFAR_LOOKS_MAX; looks++)
        for (double p = 1e-2; p > 1e-7; p /= 10)
            assert_true(fabs(cfar_chance(cfar_factor(p, looks), looks) / p - 1) < 0.001);
    assert_true(cfar_factor(1e-4, 4) < cfar_factor(1e-4, 1));
}

static float noise(uint64_t *seed, unsigned looks) {
    double sum = 0;
    for (unsigned i = 0; i < looks; i++)
        sum -= log(uniform(seed));
    return (float)(sum / looks);
}

/* Independent cells, counted. */
static void test_counted_false_alarms(void **state) {
    (void)state;
    enum { CELLS = 21, TRIALS = 100000 };
    uint64_t seed = 4711;
    for (unsigned looks = 1; looks <= 4; looks += 3) {
        double factor = cfar_factor(0.01, looks);
        unsigned alarms = 0;
        for (unsigned i = 0; i < TRIALS; i++) {
            float power[CELLS];
            for (unsigned k = 0; k < CELLS; k++)
                power[k] = noise(&seed, looks);
            alarms += (double)power[10] > factor * (double)cfar_noise(power, CELLS, 10);
        }
        print_message("%u looks: %u alarms of %u expected\n", looks, alarms, TRIALS / 100);
        assert_in_range(alarms, 900, 1100);
    }
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_noise_is_the_twelfth_of_sixteen(void **state) {
    (void)state;
    enum { CELLS = 64 };
    uint64_t seed = 7;
    float power[CELLS], around[16];
    for (unsigned round = 0; round < 500; round++) {
        for (unsigned k = 0; k < CELLS; k++)
            power[k] = noise(&seed, 1);
        unsigned at = random_below(&seed, CELLS), n = 0;
        for (int away = -10; away <= 10; away++)
            if (abs(away) > 2)
                around[n++] = power[((int)at + away + CELLS) % CELLS];
        qsort(around, 16, sizeof *around, by_value);
        assert_true(cfar_noise(power, CELLS, at) == around[11]);
    }
}

/* What averaging would not do: another vehicle's four cells do not raise the threshold. */
static void test_another_vehicle_does_not_mask(void **state) {
    (void)state;
    float power[64];
    for (unsigned k = 0; k < 64; k++)
        power[k] = 1;
    for (unsigned k = 35; k < 39; k++)
        power[k] = 1e6f;
    assert_true(cfar_noise(power, 64, 30) == 1);
    power[39] = 1e6f;
    assert_true(cfar_noise(power, 64, 30) > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_look_is_the_printed_product),
        cmocka_unit_test(test_factor_is_the_inverse),
        cmocka_unit_test(test_counted_false_alarms),
        cmocka_unit_test(test_noise_is_the_twelfth_of_sixteen),
        cmocka_unit_test(test_another_vehicle_does_not_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
