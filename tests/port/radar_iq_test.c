/* The low-cost radar on a source played by the test: speeds, times, and everything that sound cards
 * do besides giving samples. */
#include "../sim/random.h"
#include "radar_iq.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)
#define PI 3.14159265358979323846

/* ---- a sound card ---- */

static struct {
    int open_error;
    const char *why;
    uint32_t rate_hz;
    double ppm;       /* its clock against ours */
    double m_s;       /* what it sees */
    double amplitude; /* of that */
    bool mono, stuck, gone, ended;
    int64_t lost_ns; /* to be dropped at the next read */
    int64_t read_ns; /* given up to here */
    uint64_t sample;
    unsigned opens, closes;
} card;

static int card_fd(void *ctx) {
    (void)ctx;
    return 7;
}

static double noise(void) {
    static uint64_t seed = 11;
    return 1e-3 * ((double)(random_next(&seed) >> 11) / 4503599627370496.0 - 1);
}

static struct doppler_iq card_sample(void) {
    double t = (double)card.sample++ / card.rate_hz;
    double phase = 2 * PI * fmod(card.m_s * 160.944 * t, 1);
    double i = card.amplitude * cos(phase) + noise(), q = card.amplitude * sin(phase) + noise();
    return (struct doppler_iq){(float)i, (float)(card.mono ? i : q)};
}

static int card_read(void *ctx, int64_t now_ns, struct doppler_iq *iq, unsigned cap,
                     int64_t *ret_t_ns) {
    (void)ctx;
    if (card.gone)
        return ERR_NODEV;
    if (card.ended)
        return ERR_NOENT;
    if (card.lost_ns > 0) {
        card.read_ns += card.lost_ns;
        card.lost_ns = 0;
        return ERR_OVERFLOW;
    }
    double step_ns = 1e9 / (card.rate_hz * (1 + card.ppm * 1e-6));
    unsigned n = 0;
    *ret_t_ns = card.read_ns;
    if (card.stuck)
        return 0;
    while (n < cap && card.read_ns + (int64_t)(n * step_ns) < now_ns)
        iq[n++] = card_sample();
    card.read_ns += (int64_t)(n * step_ns);
    return (int)n;
}

static void card_close(void *ctx) {
    (void)ctx;
    card.closes++;
}

static int64_t now;

static int card_open(const char *name, struct iq_source *ret_source, const char **ret_why) {
    assert_string_equal(name, "hw:1");
    if (card.open_error < 0) {
        *ret_why = card.why;
        return card.open_error;
    }
    card.opens++;
    card.read_ns = now;
    *ret_source = (struct iq_source){NULL, card.rate_hz, card_fd, card_read, card_close};
    return 0;
}

static const struct iq_source_kind KIND = {card_open};

/* ---- a loop ---- */

static struct radar radar;
static struct radar_status status;
static struct radar_frame last;
static unsigned frames;

static int set_up(void **state) {
    (void)state;
    memset(&card, 0, sizeof card);
    card.rate_hz = 48000;
    card.m_s = 13.4;
    card.amplitude = 0.1;
    now = 100 * S;
    frames = 0;
    last = (struct radar_frame){0};
    const struct radar_iq_conf conf = {.device = "hw:1", .source = &KIND};
    return radar_iq_open(&conf, &radar);
}

static int tear_down(void **state) {
    (void)state;
    radar.close(radar.ctx);
    return card.opens == card.closes ? 0 : -1;
}

static void run(int64_t for_ns) {
    struct radar_frame got[4];
    for (int64_t end = now + for_ns; now < end; now += 21 * MS) {
        int n;
        do {
            n = radar.step(radar.ctx, now, got, 4);
            for (int i = 0; i < n; i++) {
                assert_true(got[i].t_ns > last.t_ns);
                last = got[i];
                frames++;
            }
        } while (n == 4);
    }
    radar.status(radar.ctx, &status);
}

/* The strongest is what the card sees; a false alarm may stand behind it. */
static void assert_seen(void) {
    assert_true(last.count >= 1 && abs(last.targets[0].speed_mm_s - 13400) < 20);
}

/* ---- tests ---- */

static void test_frames(void **state) {
    (void)state;
    run(4 * S);
    assert_int_equal(status.state, RADAR_READY);
    assert_int_equal(status.level, RADAR_LEVEL_GOOD);
    assert_null(status.advice);
    assert_seen();
    /* 48000 / (1024 * 4) a second; each stamped at the middle of what it heard, 53 ms before */
    assert_in_range(frames, 44, 47);
    assert_int_equal(status.lines, frames);
    assert_true(now - last.t_ns > 50 * MS && now - last.t_ns < 170 * MS);
    assert_true(status.max_speed_mm_s > 60000 && status.max_speed_mm_s < 62300);
    assert_int_equal(radar.fd(radar.ctx), 7);
}

static void test_own_rate(void **state) {
    (void)state;
    card.rate_hz = 44100;
    run(4 * S);
    assert_seen();
    assert_string_equal(status.firmware, "44100 Hz");
}

/* A card's clock that is off by two parts in a thousand, twenty times worse than they are: after
 * two minutes that would be a quarter of a second. */
static void test_clock_of_its_own(void **state) {
    (void)state;
    card.ppm = 2000;
    run(10 * S);
    int64_t before = now - last.t_ns;
    run(120 * S);
    assert_true(llabs(now - last.t_ns - before) < 100 * MS);
    assert_int_equal(status.lost, 0);
}

static void test_overrun(void **state) {
    (void)state;
    run(4 * S);
    card.lost_ns = S;
    unsigned before = frames;
    run(2 * S);
    assert_in_range(status.lost, 10, 13);
    assert_in_range(frames - before, 8, 13);
    assert_true(now - last.t_ns < 170 * MS);
    assert_int_equal(status.state, RADAR_READY);
}

static void test_unplugged_and_back(void **state) {
    (void)state;
    run(2 * S);
    card.gone = true;
    card.open_error = ERR_NODEV;
    card.why = "not there";
    run(S);
    assert_int_equal(status.state, RADAR_GONE);
    assert_string_equal(status.advice, "not there");
    assert_int_equal(radar.fd(radar.ctx), -1);
    run(60 * S);
    assert_true(radar.next_ns(radar.ctx) - now <= 8 * S);
    card.gone = false;
    card.open_error = 0;
    run(10 * S);
    assert_int_equal(status.state, RADAR_READY);
    assert_null(status.advice);
    assert_seen();
    assert_true(now - last.t_ns < 170 * MS);
}

static void test_unfit_card(void **state) {
    (void)state;
    card.open_error = ERR_INVAL;
    card.why = "mono";
    run(S);
    assert_int_equal(status.state, RADAR_WRONG);
    assert_string_equal(status.advice, "mono");
    assert_true(status.sound && !status.mono);
    card.open_error = ERR_VERSION;
    run(120 * S);
    assert_true(status.state == RADAR_WRONG && status.mono);
    card.open_error = 0; /* exchanged for a better one */
    run(10 * S);
    assert_int_equal(status.state, RADAR_READY);
}

static void test_silent_card(void **state) {
    (void)state;
    run(2 * S);
    card.stuck = true;
    run(3 * S);
    assert_int_equal(status.state, RADAR_SILENT);
    assert_non_null(status.advice);
    card.stuck = false;
    run(10 * S);
    assert_int_equal(status.state, RADAR_READY);
}

static void test_level(void **state) {
    (void)state;
    card.mono = true;
    run(6 * S);
    assert_int_equal(status.level, RADAR_LEVEL_MONO);
    assert_non_null(strstr(status.advice, "stereo"));
    card.mono = false;
    card.amplitude = 1.3;
    run(10 * S);
    assert_int_equal(status.level, RADAR_LEVEL_CLIPS);
    assert_non_null(strstr(status.advice, "gain"));
    card.amplitude = 0.1;
    run(10 * S);
    assert_int_equal(status.level, RADAR_LEVEL_GOOD);
    assert_null(status.advice);
    assert_int_equal(status.state, RADAR_READY);
}

static void test_recording_ends(void **state) {
    (void)state;
    run(2 * S);
    card.ended = true;
    run(20 * S);
    assert_int_equal(status.state, RADAR_GONE);
    assert_string_equal(status.advice, "the recording has ended");
    assert_int_equal(card.opens, 1);
}

static void test_refuses(void **state) {
    struct radar r;
    char long_name[200];
    (void)state;
    memset(long_name, 'a', sizeof long_name);
    long_name[199] = '\0';
    assert_int_equal(radar_iq_open(&(struct radar_iq_conf){.device = ""}, &r), ERR_INVAL);
    assert_int_equal(radar_iq_open(&(struct radar_iq_conf){.device = long_name}, &r), ERR_TOOLONG);
    assert_int_equal(
        radar_iq_open(&(struct radar_iq_conf){.device = "hw:1", .carrier_hz = 24.125}, &r),
        ERR_RANGE);
    run(21 * MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clock_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overrun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unplugged_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unfit_card, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_card, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recording_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
