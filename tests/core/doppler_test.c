/* The chain on signals made from sines, its FFT a sum written out: nothing is shared with what is
 * tested.  Speeds are held against the frequency put in, and against the peak of a fine DFT. */
#include "../sim/random.h"
#include "doppler.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { RATE = 16000, BINS = 512, HOP = BINS / 2 };

/* ---- a slow transform ---- */

static float turn_cos[BINS], turn_sin[BINS];

static void dft(void *ctx, const struct doppler_iq *in, struct doppler_iq *out) {
    (void)ctx;
    for (unsigned k = 0; k < BINS; k++) {
        float r = 0, i = 0;
        for (unsigned n = 0; n < BINS; n++) {
            float c = turn_cos[k * n % BINS], s = turn_sin[k * n % BINS];
            r += in[n].i * c + in[n].q * s;
            i += in[n].q * c - in[n].i * s;
        }
        out[k] = (struct doppler_iq){r, i};
    }
}

static struct doppler d;

static struct doppler_conf conf(void) {
    struct doppler_conf c = DOPPLER_DEFAULTS;
    c.rate_hz = RATE;
    c.bins = BINS;
    c.max_speed_mm_s = 45000;
    c.false_alarm = 1e-7; /* what is counted here is what was put in */
    return c;
}

static void begin(const struct doppler_conf *c) {
    const struct doppler_fft fft = {NULL, dft};
    for (unsigned k = 0; k < BINS; k++) {
        turn_cos[k] = (float)cos(2 * PI * k / BINS);
        turn_sin[k] = (float)sin(2 * PI * k / BINS);
    }
    assert_int_equal(doppler_init(&d, c, &fft), 0);
}

/* ---- signals ---- */

struct tone {
    double m_s, amplitude, accel_m_s2;
};

static uint64_t seed;
static double now_s, noise_amplitude, gain, skew; /* of the channel Q */

static double normal(void) {
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(&seed) >> 11) / 9007199254740992.0;
    return sum - 6;
}

static struct doppler_iq signal_at(const struct tone *tones, unsigned count) {
    double i = 0, q = 0;
    for (unsigned k = 0; k < count; k++) {
        double metres = tones[k].m_s * now_s + tones[k].accel_m_s2 * now_s * now_s / 2;
        double turns = metres * 2 * 24.125e9 / 299792458.0;
        double phase = 2 * PI * (turns - floor(turns)) + k;
        i += tones[k].amplitude * cos(phase);
        q += tones[k].amplitude * sin(phase);
    }
    q = gain * (q * cos(skew) + i * sin(skew));
    now_s += 1.0 / RATE;
    return (struct doppler_iq){(float)(i + noise_amplitude * normal()),
                               (float)(q + noise_amplitude * normal())};
}

static void quiet_world(void) {
    seed = 12345;
    now_s = 0;
    noise_amplitude = 1e-3;
    gain = 1;
    skew = 0;
}

/* Plays so long; returns the number of frames and keeps the last. */
static unsigned play(const struct tone *tones, unsigned count, double seconds,
                     struct radar_frame *ret_last) {
    unsigned frames = 0;
    for (unsigned k = 0; k < seconds * RATE; k++) {
        struct doppler_iq iq = signal_at(tones, count);
        bool whole;
        assert_int_equal(doppler_take(&d, &iq, 1, ret_last, &whole), 1);
        frames += whole;
    }
    return frames;
}

static void settle(void) {
    struct radar_frame f;
    play(NULL, 0, 2, &f);
}

static void begin_settled(void) {
    struct doppler_conf c = conf();
    quiet_world();
    begin(&c);
    settle();
}

static const struct radar_target *near(const struct radar_frame *f, double m_s) {
    for (unsigned i = 0; i < f->count; i++)
        if (fabs(f->targets[i].speed_mm_s / 1000.0 - m_s) < 0.3)
            return &f->targets[i];
    return NULL;
}

/* ---- tests ---- */

static void test_speed_and_sign(void **state) {
    (void)state;
    begin_settled();
    double worst = 0;
    for (unsigned i = 0; i < 40; i++) {
        double v = 2.3 + 42 * (double)random_below(&seed, 1000) / 1000;
        struct tone t = {random_below(&seed, 2) ? v : -v, 0.05, 0};
        struct radar_frame f;
        play(&t, 1, 0.3, &f);
        assert_true(f.count >= 1);
        double off = fabs(f.targets[0].speed_mm_s / 1000.0 - t.m_s);
        worst = off > worst ? off : worst;
    }
    print_message("worst error %.3f m/s in cells of %.3f\n", worst, d.mm_s_per_cell / 1000);
    assert_true(worst < d.mm_s_per_cell / 1000 / 20);
}

/* The finest peak of the same samples, looked for in steps of 2 mm/s. */
static double fine_peak(const struct doppler_iq *x, unsigned n, double from, double to) {
    double best = 0, best_power = 0;
    for (double v = from; v < to; v += 0.002) {
        double r = 0, i = 0, turn = 2 * PI * v * 2 * 24.125e9 / 299792458.0 / RATE;
        for (unsigned k = 0; k < n; k++) {
            double w = 1 - cos(2 * PI * k / n);
            r += w * ((double)x[k].i * cos(turn * k) + (double)x[k].q * sin(turn * k));
            i += w * ((double)x[k].q * cos(turn * k) - (double)x[k].i * sin(turn * k));
        }
        if (r * r + i * i > best_power) {
            best_power = r * r + i * i;
            best = v;
        }
    }
    return best;
}

static void test_like_a_fine_dft(void **state) {
    struct doppler_conf c = conf();
    (void)state;
    c.looks = 1;
    quiet_world();
    begin(&c);
    settle();
    while (d.filled != HOP) /* to the edge of a window */
        play(NULL, 0, 1.0 / RATE, &(struct radar_frame){0});
    for (unsigned i = 0; i < 8; i++) {
        struct tone t = {9 + i * 1.37, 0.05, -2.5};
        static struct doppler_iq x[BINS];
        struct radar_frame f = {0};
        bool whole = false;
        now_s = 0;
        doppler_gap(&d);
        for (unsigned k = 0; k < BINS; k++) {
            x[k] = signal_at(&t, 1);
            assert_int_equal(doppler_take(&d, &x[k], 1, &f, &whole), 1);
        }
        assert_true(whole && f.count >= 1);
        double want = fine_peak(x, BINS, t.m_s - 1, t.m_s + 1);
        assert_true(fabs(f.targets[0].speed_mm_s / 1000.0 - want) < 0.02);
    }
}

static void test_swapped_channels(void **state) {
    struct doppler_conf c = conf();
    (void)state;
    c.swapped = true;
    quiet_world();
    begin(&c);
    settle();
    struct tone t = {13.4, 0.05, 0};
    struct radar_frame f;
    play(&t, 1, 0.5, &f);
    assert_int_equal(f.count, 1);
    assert_true(near(&f, -13.4) != NULL);
}

static void test_two_vehicles(void **state) {
    static const struct {
        struct tone a, b;
    } PAIRS[] = {
        {{13, 0.05, 0}, {-17, 0.01, 0}},   /* both ways */
        {{13, 0.05, 0}, {-13.6, 0.02, 0}}, /* both ways, nearly as fast */
        {{13, 0.05, 0}, {15, 0.005, 0}},   /* one behind the other, ten times weaker */
        {{13, 0.02, 0}, {14.5, 0.02, 0}},  /* as strong, near in speed */
    };
    (void)state;
    for (unsigned i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        struct tone both[] = {PAIRS[i].a, PAIRS[i].b};
        struct radar_frame f;
        begin_settled();
        play(both, 2, 0.5, &f);
        assert_int_equal(f.count, 2);
        assert_true(near(&f, both[0].m_s) && near(&f, both[1].m_s));
        assert_true(f.targets[0].magnitude >= f.targets[1].magnitude);
    }
}

/* Points of one body are one target; twice as strong is twice the magnitude. */
static void test_one_body(void **state) {
    (void)state;
    begin_settled();
    struct tone body[] = {{13, 0.02, 0}, {13.85, 0.015, 0}};
    struct radar_frame f, g;
    play(body, 2, 0.5, &f);
    assert_int_equal(f.count, 1);
    assert_in_range(f.targets[0].speed_mm_s, 13100, 13700);
    begin_settled();
    struct tone weak = {20, 0.01, 0}, strong = {20, 0.02, 0};
    play(&weak, 1, 0.5, &f);
    play(&strong, 1, 0.5, &g);
    double ratio = (double)g.targets[0].magnitude / f.targets[0].magnitude;
    assert_true(ratio > 1.9 && ratio < 2.1);
    assert_true(f.targets[0].magnitude >= 20);
}

/* The power at the mirrored speed of the strongest target, over its own. */
static double mirrored_share(const struct radar_frame *f) {
    int cell = (int)lround(f->targets[0].speed_mm_s / d.mm_s_per_cell);
    return (double)d.power[BINS / 2 - cell] / (double)d.power[BINS / 2 + cell];
}

static void test_image_is_dropped_and_learnt(void **state) {
    (void)state;
    begin_settled();
    gain = 1.15; /* 1.2 dB and 6 degrees: an image 21 dB weaker */
    skew = 6 * PI / 180;
    struct tone strong = {14, 0.3, 0.5};
    struct radar_frame f;
    play(&strong, 1, 0.3, &f);
    assert_int_equal(f.count, 1);
    play(&strong, 1, 3, &f);
    assert_true(mirrored_share(&f) < 0.0074 / 8); /* it was |n / m|^2 */
    /* Now that it is known, a weak vehicle where the image was is seen beside the strong one. */
    double v = strong.m_s + strong.accel_m_s2 * now_s;
    struct tone both[] = {strong, {-v + 0.5, 0.008, -0.5}};
    play(both, 2, 0.4, &f);
    assert_int_equal(f.count, 2);
    assert_true(f.targets[0].speed_mm_s > 0 && f.targets[1].speed_mm_s < 0);
    /* n / m* of that gain and skew. */
    double r = (1 - gain * cos(skew)) / 2, i = gain * sin(skew) / 2;
    double mr = (1 + gain * cos(skew)) / 2, mi = gain * sin(skew) / 2;
    double power = mr * mr + mi * mi;
    double want_r = (r * mr - i * mi) / power, want_i = (r * mi + i * mr) / power;
    print_message("image learnt %.4f %+.4fi, is %.4f %+.4fi\n", (double)d.image_r,
                  (double)d.image_i, want_r, want_i);
    assert_true(hypot((double)d.image_r - want_r, (double)d.image_i - want_i) < 0.03);
}

/* A fork has two equal sides: both are told, and nothing is learnt from it. */
static void test_fork(void **state) {
    (void)state;
    begin_settled();
    struct tone fork[] = {{6.36, 0.05, 0}, {-6.36, 0.05, 0}};
    struct radar_frame f;
    play(fork, 2, 1, &f);
    assert_int_equal(f.count, 2);
    assert_true(near(&f, 6.36) && near(&f, -6.36));
    assert_true(d.image_r == 0 && d.image_i == 0);
}

static void test_constant_tones_fade(void **state) {
    (void)state;
    begin_settled();
    struct tone tones[] = {{6.5, 0.004, 0}, {-6.5, 0.004, 0}, {17, 0.02, 0}};
    struct radar_frame f;
    play(tones, 2, 2, &f);
    assert_int_equal(f.count, 2);
    play(tones, 2, 13, &f);
    assert_int_equal(f.count, 0);
    play(tones, 3, 0.5, &f);
    assert_int_equal(f.count, 1);
    assert_true(near(&f, 17) != NULL);
    /* and when it has gone for as long, it is forgotten */
    play(NULL, 0, 13, &f);
    play(tones, 1, 0.5, &f);
    assert_int_equal(f.count, 1);
}

static void test_false_alarms(void **state) {
    struct doppler_conf c = conf();
    (void)state;
    c.false_alarm = DOPPLER_DEFAULTS.false_alarm;
    quiet_world();
    begin(&c);
    settle();
    unsigned targets = 0, frames = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct radar_frame f;
        for (unsigned k = 0; k < RATE / 2; k++) {
            struct doppler_iq iq = signal_at(NULL, 0);
            bool whole;
            assert_int_equal(doppler_take(&d, &iq, 1, &f, &whole), 1);
            targets += whole ? f.count : 0;
            frames += whole;
        }
    }
    double cells = 2.0 * (d.high - d.low + 1), expected = cells * frames * d.conf.false_alarm;
    print_message("%u false targets in %u frames, the formula says %.1f\n", targets, frames,
                  expected);
    assert_true(targets < 5 * expected + 5);
}

static void test_clipping_tells_one(void **state) {
    (void)state;
    begin_settled();
    struct tone both[] = {{5, 1.6, 0}, {-9, 0.2, 0}};
    struct radar_frame f;
    play(both, 2, 0.5, &f);
    assert_int_equal(f.count, 1);
    assert_true(near(&f, 5) != NULL);
}

static uint64_t digest(const struct radar_frame *f, uint64_t sum) {
    sum = sum * 1099511628211u + (uint64_t)f->t_ns;
    for (unsigned i = 0; i < f->count; i++)
        sum = (sum * 31 + (uint64_t)(uint32_t)f->targets[i].speed_mm_s) * 31 +
              f->targets[i].magnitude;
    return sum;
}

static void test_grouping_does_not_matter(void **state) {
    enum { COUNT = RATE * 4 };
    static struct doppler_iq x[COUNT];
    uint64_t sums[3] = {0};
    struct doppler_conf c = conf();
    (void)state;
    quiet_world();
    struct tone two[] = {{12, 0.02, 0.3}, {-8, 0.02, -0.2}};
    for (unsigned k = 0; k < COUNT; k++)
        x[k] = signal_at(two, 2);
    for (unsigned round = 0; round < 3; round++) {
        begin(&c);
        for (size_t at = 0; at < COUNT;) {
            size_t n = round == 0 ? COUNT : round == 1 ? 1 : 1 + random_below(&seed, 700);
            struct radar_frame f;
            bool whole;
            n = n < COUNT - at ? n : COUNT - at;
            at += doppler_take(&d, x + at, n, &f, &whole);
            if (whole)
                sums[round] = digest(&f, sums[round]);
        }
    }
    assert_true(sums[0] == sums[1] && sums[1] == sums[2] && sums[0] != 0);
}

/* A frame is timed at the middle of what it heard, and none reaches across a gap. */
static void test_times_and_gaps(void **state) {
    struct doppler_conf c = conf();
    static struct doppler_iq x[RATE];
    struct radar_frame f;
    bool whole;
    (void)state;
    begin(&c);
    size_t span = HOP * (c.looks + 1);
    assert_int_equal(doppler_take(&d, x, RATE, &f, &whole), span);
    assert_true(whole);
    assert_int_equal(f.t_ns, (int64_t)(span / 2) * 1000000000 / RATE);
    assert_int_equal(doppler_take(&d, x, 100, &f, &whole), 100);
    doppler_gap(&d);
    assert_int_equal(doppler_take(&d, x, RATE, &f, &whole), span);
    assert_int_equal(f.t_ns, (int64_t)(span + 100 + span / 2) * 1000000000 / RATE);
}

static void test_refuses(void **state) {
    const struct doppler_fft fft = {NULL, dft};
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        struct doppler_conf c = conf();
        if (i == 0)
            c.rate_hz = 8000;
        if (i == 1)
            c.rate_hz = 384000;
        if (i == 2)
            c.bins = 500;
        if (i == 3)
            c.bins = 16384;
        if (i == 4)
            c.carrier_hz = 24.125;
        if (i == 5)
            c.targets = 0;
        if (i == 6)
            c.looks = 9;
        if (i == 7)
            c.false_alarm = 1;
        if (i == 8)
            c.max_speed_mm_s = c.min_speed_mm_s;
        assert_int_equal(doppler_init(&d, &c, &fft), ERR_RANGE);
    }
    assert_int_equal(doppler_bins(48000), 2048);
    assert_int_equal(doppler_bins(44100), 2048);
    assert_int_equal(doppler_bins(96000), 4096);
    assert_int_equal(doppler_bins(192000), 8192);
    assert_int_equal(doppler_bins(16000), 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speed_and_sign),
        cmocka_unit_test(test_like_a_fine_dft),
        cmocka_unit_test(test_swapped_channels),
        cmocka_unit_test(test_two_vehicles),
        cmocka_unit_test(test_one_body),
        cmocka_unit_test(test_image_is_dropped_and_learnt),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_constant_tones_fade),
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_clipping_tells_one),
        cmocka_unit_test(test_grouping_does_not_matter),
        cmocka_unit_test(test_times_and_gaps),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
