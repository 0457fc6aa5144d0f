/* A sound card without hardware: alsa-lib's own `file` plugin plays a file as a capture device, so
 * that opening, formats and reading run through the real library. */
#include "iq_alsa.h"
#include "radar_iq.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PI 3.14159265358979323846

enum { SAMPLES = 48000 * 3 };

static char dir[64], path[96];

static const char *in_dir(const char *name) {
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* A vehicle at 13.4 m/s, 32 bits. */
static void write_samples(void) {
    FILE *f = fopen(in_dir("in.raw"), "wb");
    assert_non_null(f);
    for (unsigned n = 0; n < SAMPLES; n++) {
        double phase = 2 * PI * fmod(13.4 * 160.944 * n / 48000, 1);
        int32_t v[2] = {(int32_t)(2e8 * cos(phase)), (int32_t)(2e8 * sin(phase))};
        fwrite(v, sizeof v, 1, f);
    }
    assert_int_equal(fclose(f), 0);
}

/* nul: takes anything; card: plays the file; mono: one channel; odd: floats only. */
static int set_up(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/iq_alsa_test.XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    write_samples();
    char raw[96];
    snprintf(raw, sizeof raw, "%s", in_dir("in.raw"));
    FILE *f = fopen(in_dir("asound.conf"), "w");
    if (f == NULL)
        return -1;
    fprintf(f,
            "pcm.nul { type null }\n"
            "pcm.card { type file slave.pcm nul file /dev/null infile \"%s\" format raw }\n"
            "pcm.mono { type multi slaves.a { pcm nul channels 1 }\n"
            "           bindings.0 { slave a channel 0 } }\n"
            "pcm.odd { type lfloat slave { pcm nul format S16_LE } }\n",
            raw);
    fclose(f);
    return setenv("ALSA_CONFIG_PATH", in_dir("asound.conf"), 1);
}

static int tear_down(void **state) {
    (void)state;
    unlink(in_dir("in.raw"));
    unlink(in_dir("asound.conf"));
    return rmdir(dir);
}

static void test_reads(void **state) {
    struct iq_source s;
    struct doppler_iq iq[1024];
    const char *why = NULL;
    int64_t t_ns, now = INT64_C(10000000000);
    (void)state;
    assert_int_equal(iq_alsa_open("card", &s, &why), 0);
    assert_int_equal(s.rate_hz, 48000);
    unsigned total = 0;
    while (total < SAMPLES) {
        int n = s.read(s.ctx, now, iq, 1024, &t_ns);
        assert_true(n > 0 && n <= 1024);
        assert_true(t_ns <= now && t_ns > now - INT64_C(2000000000));
        for (int i = 0; i < n && total < SAMPLES; i++, total++) {
            double phase = 2 * PI * fmod(13.4 * 160.944 * total / 48000, 1);
            assert_true(fabs((double)iq[i].i - 2e8 * cos(phase) / 2147483648.0) < 1e-6);
            assert_true(fabs((double)iq[i].q - 2e8 * sin(phase) / 2147483648.0) < 1e-6);
        }
    }
    s.close(s.ctx);
}

static void test_refused(void **state) {
    static const struct {
        const char *device;
        int error;
        const char *says;
    } BAD[] = {
        {"mono", ERR_VERSION, "stereo line input"},
        {"odd", ERR_INVAL, "arecord --dump-hw-params"},
        {"none", ERR_NODEV, "arecord -l"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct iq_source s;
        const char *why = NULL;
        assert_int_equal(iq_alsa_open(BAD[i].device, &s, &why), BAD[i].error);
        assert_non_null(why);
        assert_non_null(strstr(why, BAD[i].says));
    }
}

/* The whole driver on it, and the card is closed and opened again. */
static void test_radar(void **state) {
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        struct radar radar;
        struct radar_status status;
        struct radar_frame f[16];
        int64_t now = INT64_C(10000000000);
        unsigned right = 0;
        assert_int_equal(radar_iq_open(&(struct radar_iq_conf){.device = "card"}, &radar), 0);
        for (unsigned i = 0; i < 12; i++, now += 250000000) {
            int n = radar.step(radar.ctx, now, f, 16);
            for (int k = 0; k < n; k++)
                right += f[k].count >= 1 && abs(f[k].targets[0].speed_mm_s - 13400) < 20;
        }
        radar.status(radar.ctx, &status);
        assert_int_equal(status.state, RADAR_READY);
        assert_true(right >= 10);
        radar.close(radar.ctx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_radar),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
