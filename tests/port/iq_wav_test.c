/* Recordings, their bytes written out here: every format that is taken, and every reason to refuse.
 */
#include "iq_wav.h"
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

enum { SAMPLES = 1000 };

static char path[64];

struct format {
    unsigned tag, bits; /* 1: integers, 3: float */
    unsigned channels, rate;
};

static void put(FILE *f, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        fputc((int)(value >> (8 * i) & 0xff), f);
}

/* Sample n of channel c, in 1/4096 of full scale. */
static int wanted(unsigned n, unsigned c) {
    return (int)(n * 7 + c * 1000) % 8000 - 4000;
}

static void put_sample(FILE *f, const struct format *w, int value) {
    float x = (float)value / 4096;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (w->tag == 3)
        put(f, bits, 4);
    else
        put(f, (uint64_t)(int64_t)value << (w->bits - 13), w->bits / 8);
}

/* Writes the file; the header promises `told` frames. */
static void write_wav(const struct format *w, unsigned frames, unsigned told) {
    FILE *f = fopen(path, "wb");
    unsigned frame = w->channels * w->bits / 8;
    assert_non_null(f);
    fwrite("RIFF", 1, 4, f);
    put(f, 36 + (uint64_t)told * frame, 4);
    fwrite("WAVEfmt ", 1, 8, f);
    put(f, 16, 4);
    put(f, w->tag, 2);
    put(f, w->channels, 2);
    put(f, w->rate, 4);
    put(f, (uint64_t)w->rate * frame, 4);
    put(f, frame, 2);
    put(f, w->bits, 2);
    fwrite("data", 1, 4, f);
    put(f, (uint64_t)told * frame, 4);
    for (unsigned n = 0; n < frames; n++)
        for (unsigned c = 0; c < w->channels; c++)
            put_sample(f, w, wanted(n, c));
    assert_int_equal(fclose(f), 0);
}

static unsigned read_all(struct iq_source *s) {
    struct doppler_iq iq[300];
    unsigned total = 0;
    int64_t t_ns;
    int n;
    while ((n = s->read(s->ctx, 0, iq, 300, &t_ns)) > 0) {
        assert_int_equal(t_ns, (int64_t)total * 1000000000 / s->rate_hz);
        for (int i = 0; i < n; i++, total++) {
            assert_true(fabs((double)iq[i].i * 4096 - wanted(total, 0)) < 0.01);
            assert_true(fabs((double)iq[i].q * 4096 - wanted(total, 1)) < 0.01);
        }
    }
    assert_int_equal(n, ERR_NOENT);
    s->close(s->ctx);
    return total;
}

static void test_formats(void **state) {
    static const struct format GOOD[] = {
        {1, 16, 2, 48000}, {1, 24, 2, 48000}, {1, 32, 2, 96000},
        {3, 32, 2, 44100}, {1, 16, 2, 16000}, {1, 16, 2, 192000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        struct iq_source s;
        const char *why = NULL;
        write_wav(&GOOD[i], SAMPLES, SAMPLES);
        assert_true(iq_wav_is(path));
        assert_int_equal(iq_wav_open_fast(path, &s, &why), 0);
        assert_int_equal(s.rate_hz, GOOD[i].rate);
        assert_false(iq_wav_cut_short(&s));
        assert_int_equal(s.fd(s.ctx), -1);
        assert_int_equal(read_all(&s), SAMPLES);
    }
}

static void test_refused(void **state) {
    static const struct {
        struct format format;
        const char *says;
    } BAD[] = {
        {{1, 16, 1, 48000}, "stereo"},
        {{1, 16, 4, 48000}, "two channels"},
        {{1, 16, 2, 8000}, "48 kHz"},
        {{1, 16, 2, 384000}, "192 kHz"},
    };
    struct iq_source s;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        why = NULL;
        write_wav(&BAD[i].format, SAMPLES, SAMPLES);
        assert_int_equal(iq_wav_open_fast(path, &s, &why), ERR_INVAL);
        assert_non_null(strstr(why, BAD[i].says));
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("1.0\t12.3\n", f);
    fclose(f);
    assert_false(iq_wav_is(path));
    assert_int_equal(iq_wav_open_fast(path, &s, &why), ERR_BADMSG);
    assert_non_null(strstr(why, "WAV"));
    assert_int_equal(iq_wav_open_fast("/nowhere/x.wav", &s, &why), ERR_NOENT);
    assert_false(iq_wav_is("/nowhere/x.wav"));
}

/* A recorder that lost its supply leaves a header of more than there is. */
static void test_cut_short(void **state) {
    static const struct format W = {1, 16, 2, 48000};
    struct iq_source s;
    const char *why = NULL;
    (void)state;
    write_wav(&W, SAMPLES / 2, SAMPLES);
    assert_int_equal(iq_wav_open_fast(path, &s, &why), 0);
    assert_true(iq_wav_cut_short(&s));
    assert_int_equal(read_all(&s), SAMPLES / 2);
    for (unsigned bytes = 0; bytes < 44; bytes += 4) {
        assert_int_equal(truncate(path, 44 - (off_t)bytes), 0);
        if (iq_wav_open_fast(path, &s, &why) == 0)
            assert_int_equal(read_all(&s), 0);
    }
}

static void test_paced(void **state) {
    static const struct format W = {1, 16, 2, 48000};
    static struct doppler_iq iq[SAMPLES];
    struct iq_source s;
    const char *why = NULL;
    int64_t t_ns = 0, start = INT64_C(5000000000);
    (void)state;
    write_wav(&W, SAMPLES, SAMPLES);
    assert_int_equal(iq_wav_open(path, &s, &why), 0);
    assert_int_equal(s.read(s.ctx, start, iq, SAMPLES, &t_ns), 0);
    assert_int_equal(s.read(s.ctx, start + 10000000, iq, SAMPLES, &t_ns), 480);
    assert_int_equal(t_ns, start);
    assert_int_equal(s.read(s.ctx, start + 10000000, iq, SAMPLES, &t_ns), 0);
    assert_int_equal(s.read(s.ctx, start + 15000000, iq, SAMPLES, &t_ns), 240);
    assert_int_equal(t_ns, start + 10000000);
    assert_int_equal(s.read(s.ctx, start + 90000000, iq, SAMPLES, &t_ns), 280);
    assert_int_equal(s.read(s.ctx, start + 90000000, iq, SAMPLES, &t_ns), ERR_NOENT);
    s.close(s.ctx);
}

int main(void) {
    snprintf(path, sizeof path, "/tmp/iq_wav_test.XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_paced),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
