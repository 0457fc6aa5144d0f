/* Any samples, as floats that may be no numbers or as 16-bit steps: no target is absurd, and what
 * was learnt stays a number. */
#include "cfar.h"
#include "doppler.h"
#include "iq_fft.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct doppler_iq sample(const uint8_t *data, size_t size, size_t n, bool floats) {
    struct doppler_iq iq;
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = data[(n * 8 + i) % size];
    int16_t steps[2];
    memcpy(&iq, bytes, sizeof iq);
    memcpy(steps, bytes, sizeof steps);
    return floats ? iq : (struct doppler_iq){steps[0] / 32768.0f, steps[1] / 32768.0f};
}

static void look(const struct doppler *d, const struct radar_frame *f) {
    assert(f->count <= d->conf.targets && f->t_ns > 0);
    for (unsigned i = 0; i < f->count; i++) {
        int32_t v = abs(f->targets[i].speed_mm_s);
        assert(v >= d->conf.min_speed_mm_s - 200 && v <= d->conf.max_speed_mm_s + 200);
        assert(f->targets[i].magnitude >= 20 && f->targets[i].magnitude <= 1000000);
    }
    assert(isfinite(d->noise) && isfinite(d->image_r) && isfinite(d->image_i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct doppler d;
    static struct doppler_fft fft;
    struct doppler_conf conf = DOPPLER_DEFAULTS;
    if (size < 2)
        return 0;
    if (fft.ctx == NULL && iq_fft_open(DOPPLER_BINS_MIN, &fft) < 0)
        abort();
    conf.rate_hz = DOPPLER_RATE_MIN_HZ;
    conf.bins = DOPPLER_BINS_MIN;
    conf.looks = 1 + data[0] % CFAR_LOOKS_MAX;
    conf.swapped = data[0] & 16;
    conf.targets = 1 + data[0] / 16;
    assert(doppler_init(&d, &conf, &fft) == 0);
    for (size_t n = 0; n < SAMPLES; n++) {
        struct doppler_iq iq = sample(data + 1, size - 1, n, data[0] & 8);
        struct radar_frame f;
        bool whole;
        assert(doppler_take(&d, &iq, 1, &f, &whole) == 1);
        if (whole)
            look(&d, &f);
        if (n % 999 == 998)
            doppler_gap(&d);
    }
    return 0;
}
