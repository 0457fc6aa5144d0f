/* doppler: the I/Q samples of a Doppler module to radar frames.
 *
 * Windows that overlap by half (about 43 ms: 2048 samples at 48 kHz) lose their mean, get a Hann
 * window and a complex FFT; the two channels' unequal gain and phase are learnt from strong targets
 * and taken out; a peak that stands over its neighbours (cfar.h) and over what its cell has been
 * like in the last seconds (hum, fans and lamps are that way learnt and left out) becomes a target,
 * its speed from a parabola through the logarithms of three cells; mirror images and side lobes are
 * dropped; the strongest are told.  Method, sources and figures: firmware/core/DOPPLER.md.
 *
 * speed = f c / (2 f0); positive, towards the sensor, is the positive frequency of I + jQ, or the
 * negative one when `swapped`.  Magnitudes are amplitudes over the slow noise of the whole band,
 * scaled so that what is just seen has 20, the least that passage hears.
 *
 * The FFT is the caller's (firmware/port/iq_fft.c: kissfft).
 * Promises (tests/core/doppler_test.c, tests/fuzz/doppler_fuzz.c): pure; any samples, NaN too, give
 * targets within the limits; the frames do not depend on how samples were grouped into calls.
 * Memory: the struct, no heap.  Threads: the owner's.  Time: counted in samples. */
#ifndef MOORWATCH_DOPPLER_H
#define MOORWATCH_DOPPLER_H

#include "doppler_level.h"
#include "err.h"
#include "radar.h"
#include <stddef.h>

enum {
    DOPPLER_BINS_MAX = 8192,
    DOPPLER_BINS_MIN = 256,
    DOPPLER_RATE_MIN_HZ = 16000, /* +-49 m/s, 111 mph */
    DOPPLER_RATE_MAX_HZ = 192000,
};

/* A forward transform of `bins` points, unscaled, in the usual order (0, +f .. -f). */
struct doppler_fft {
    void *ctx;
    void (*run)(void *ctx, const struct doppler_iq *in, struct doppler_iq *out);
};

struct doppler_conf {
    uint32_t rate_hz;
    unsigned looks;     /* windows whose power is averaged into a frame */
    uint32_t bins;      /* doppler_bins(rate_hz), or another power of two */
    double carrier_hz;  /* f0 */
    bool swapped;       /* I and Q have changed places */
    unsigned targets;   /* at most so many a frame */
    double false_alarm; /* chance per cell */
    int32_t min_speed_mm_s, max_speed_mm_s;
};

extern const struct doppler_conf DOPPLER_DEFAULTS; /* 48 kHz, 24.125 GHz */

struct doppler {
    struct doppler_conf conf;
    struct doppler_fft fft;
    struct doppler_level level;
    double mm_s_per_cell;
    unsigned low, high;     /* cells from zero that can hold a vehicle */
    float factor;           /* of the CFAR */
    float rise, settle;     /* of the floor, per frame; of the first frames */
    float noise;            /* of the whole band, slow */
    float image_r, image_i; /* what Q's and I's difference leaks to the mirrored cell */
    double learnt_r, learnt_i, learnt_weight;
    uint64_t taken, frames; /* samples, frames since the start */
    float median;           /* of a noise cell over its mean */
    unsigned looked;        /* windows in `power` */
    unsigned filled, full;  /* samples in `held`; of them at full scale (not exact) */
    float window[DOPPLER_BINS_MAX];
    struct doppler_iq held[DOPPLER_BINS_MAX], work[DOPPLER_BINS_MAX], out[DOPPLER_BINS_MAX];
    float power[DOPPLER_BINS_MAX]; /* from the most negative frequency on */
    float floor[DOPPLER_BINS_MAX]; /* the median of each, as learnt */
};

/* The window for that rate: the power of two nearest to 43 ms. */
uint32_t doppler_bins(uint32_t rate_hz);
/* ERR_RANGE: a rate, size, carrier or speed outside the limits. */
MUST int doppler_init(struct doppler *d, const struct doppler_conf *conf,
                      const struct doppler_fft *fft);
/* Takes samples until a frame is whole or they are used up; returns how many it took.  ret_frame:
 * t_ns counts from the first sample; untouched if *ret_whole is false. */
size_t doppler_take(struct doppler *d, const struct doppler_iq *iq, size_t n,
                    struct radar_frame *ret_frame, bool *ret_whole);
/* Samples are missing here: no frame reaches across, and time goes on without them. */
void doppler_gap(struct doppler *d);

#endif
