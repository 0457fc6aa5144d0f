/* Verdicts on the signal of a sound card. */
#include "../sim/random.h"
#include "doppler_level.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

enum { RATE = 16000 };

static float noise(uint64_t *seed, double amplitude) {
    return (float)(amplitude * ((double)(random_next(seed) >> 11) / 4503599627370496.0 - 1));
}

static enum radar_level heard(struct doppler_level *l, double i, double q, double offset) {
    uint64_t seed = 99;
    for (unsigned k = 0; k < RATE * 5; k++) {
        struct doppler_iq iq = {(float)offset + noise(&seed, i), noise(&seed, q)};
        doppler_level_sample(l, &iq);
    }
    return l->level;
}

static void test_dead_and_back(void **state) {
    struct doppler_level l;
    (void)state;
    doppler_level_init(&l, RATE);
    assert_int_equal(l.level, RADAR_LEVEL_GOOD);
    assert_int_equal(heard(&l, 0, 0, 0), RADAR_LEVEL_DEAD);
    assert_int_equal(heard(&l, 0.01, 0.01, 0.3), RADAR_LEVEL_GOOD);
    assert_true(fabs(l.rms_i - 0.01 / sqrt(3)) < 1e-4);
    /* An offset is no signal; one channel is not enough. */
    assert_int_equal(heard(&l, 2e-5, 0.01, 0.3), RADAR_LEVEL_DEAD);
    assert_int_equal(heard(&l, 0.01, 2e-5, 0), RADAR_LEVEL_DEAD);
}

static void test_clips(void **state) {
    struct doppler_level l;
    (void)state;
    doppler_level_init(&l, RATE);
    assert_int_equal(heard(&l, 0.99, 0.99, 0), RADAR_LEVEL_GOOD);
    assert_int_equal(heard(&l, 1.02, 0.5, 0), RADAR_LEVEL_CLIPS);
    struct doppler_iq most = {32767.0f / 32768, 0}, near = {0.99f, -0.99f};
    assert_true(doppler_level_sample(&l, &most));
    assert_false(doppler_level_sample(&l, &near));
}

static void test_mono(void **state) {
    struct doppler_level l;
    uint64_t seed = 5;
    (void)state;
    doppler_level_init(&l, RATE);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (unsigned k = 0; k < RATE * 5; k++) {
            float x = noise(&seed, 0.2);
            struct doppler_iq iq = {x, (float)sign * x + 0.1f};
            doppler_level_sample(&l, &iq);
        }
        assert_int_equal(l.level, RADAR_LEVEL_MONO);
    }
    /* A car by itself is two channels a quarter of a turn apart. */
    for (unsigned k = 0; k < RATE * 5; k++) {
        struct doppler_iq iq = {0.2f * (float)cos(k * 0.7), 0.2f * (float)sin(k * 0.7)};
        doppler_level_sample(&l, &iq);
    }
    assert_int_equal(l.level, RADAR_LEVEL_GOOD);
}

static void test_what_is_no_number(void **state) {
    struct doppler_level l;
    (void)state;
    doppler_level_init(&l, RATE);
    struct doppler_iq odd[] = {{NAN, INFINITY}, {-INFINITY, 3}, {1e30f, -7}};
    assert_false(doppler_level_sample(&l, &odd[0]));
    assert_true(odd[0].i == 0 && odd[0].q == 0);
    assert_true(doppler_level_sample(&l, &odd[1]));
    assert_true(odd[1].i == 0 && odd[1].q == 1);
    assert_true(doppler_level_sample(&l, &odd[2]));
    assert_true(odd[2].i == 1 && odd[2].q == -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_and_back),
        cmocka_unit_test(test_clips),
        cmocka_unit_test(test_mono),
        cmocka_unit_test(test_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
