/* kissfft behind core's FFT, against a sum written out. */
#include "../sim/random.h"
#include "iq_fft.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#define PI 3.14159265358979323846

static double uniform(uint64_t *seed) {
    return (double)(random_next(seed) >> 11) / 4503599627370496.0 - 1;
}

static void test_like_the_sum(void **state) {
    static struct doppler_iq in[2048], out[2048];
    uint64_t seed = 3;
    (void)state;
    for (uint32_t bins = 256; bins <= 2048; bins *= 2) {
        struct doppler_fft fft = {0};
        assert_int_equal(iq_fft_open(bins, &fft), 0);
        for (uint32_t n = 0; n < bins; n++)
            in[n] = (struct doppler_iq){(float)uniform(&seed), (float)uniform(&seed)};
        fft.run(fft.ctx, in, out);
        for (uint32_t i = 0; i < 24; i++) {
            uint32_t k = random_below(&seed, bins);
            double r = 0, q = 0;
            for (uint32_t n = 0; n < bins; n++) {
                double a = -2 * PI * (double)((uint64_t)k * n % bins) / bins;
                r += (double)in[n].i * cos(a) - (double)in[n].q * sin(a);
                q += (double)in[n].i * sin(a) + (double)in[n].q * cos(a);
            }
            assert_true(hypot(r - (double)out[k].i, q - (double)out[k].q) < 1e-4 * sqrt(bins));
        }
        iq_fft_close(&fft);
        iq_fft_close(&fft);
    }
}

static void test_refuses(void **state) {
    struct doppler_fft fft;
    (void)state;
    assert_int_equal(iq_fft_open(1000, &fft), ERR_RANGE);
    assert_int_equal(iq_fft_open(128, &fft), ERR_RANGE);
    assert_int_equal(iq_fft_open(16384, &fft), ERR_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_the_sum),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
