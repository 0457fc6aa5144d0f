/* iq: what a K-LC class module puts on a stereo line while a scene of physics_scene.h goes by.
 *
 * Every body is five points along its side; the phase of each is 4 pi R / wavelength, exactly, so
 * that speed, its change, and the flicker where points beat against each other follow from the
 * motion alone and from nothing that the receiver assumes.  Added: white and 1/f noise, mains hum
 * with forty harmonics, rain as drops with speeds of their own, fans; then the module's unequal
 * gain and phase, an offset, the amplifier's clipping and the converter's 16 bits.
 * Our own model: trust rankings, not digits.
 *
 * Guarded by tests/tools/iq_test.c.  Memory: the struct.  Threads: one each.  Randomness: seeded.
 * Units: full scale is 1. */
#ifndef KITSIM_IQ_H
#define KITSIM_IQ_H

#include "doppler.h"
#include "physics_scene.h"

enum { IQ_BLOCK_MAX = 1920, IQ_DROPS_MAX = 64, IQ_HUM_STEPS = 4096 };

struct iq_conf {
    uint32_t rate_hz;
    double carrier_hz;
    double level;      /* amplitude of a car at 20 m */
    double snr_db;     /* its power over the noise in one cell of 23.4 Hz, Hann window */
    double flicker_hz; /* where 1/f noise is as strong as white; 0: none */
    double hum;        /* amplitude of 50 Hz */
    double gain_db;    /* of Q over I */
    double phase_deg;  /* of Q beyond 90 degrees */
    double offset;     /* of I; -offset of Q */
    bool swapped;      /* channels exchanged */
    bool mono;         /* both channels carry I */
};

extern const struct iq_conf IQ_DEFAULTS;

struct iq_drop {
    double from_s, to_s, m_s, amplitude, phase;
};

struct iq_scene {
    struct iq_conf conf;
    struct physics_drive drive;
    struct chance chance;
    uint64_t sample;
    uint64_t clipped;
    double sigma, hum_hz;
    double flicker[2][3];
    struct iq_drop drop[IQ_DROPS_MAX];
    double tone_phase[PHYSICS_TONES_MAX];
    float hum[2][IQ_HUM_STEPS]; /* one period */
};

/* Same seed, same signal.  The site is the scene's own; s->drive.physics.conf may be changed before
 * the first sample. */
void iq_scene_init(struct iq_scene *s, const struct iq_conf *conf, enum physics_scene scene,
                   uint64_t seed, double seconds);
/* The next samples, at most IQ_BLOCK_MAX (a hundredth of a second); 0 at the end.  The truth grows
 * in s->drive. */
unsigned iq_scene_next(struct iq_scene *s, struct doppler_iq ret_iq[IQ_BLOCK_MAX]);

#endif
