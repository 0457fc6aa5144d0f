/* doppler_level: is there a usable signal on both channels of a sound card?
 *
 * Judged over spans of five seconds: a channel below -84 dB of full scale is dead (two steps of a
 * 16-bit converter: a module's own noise behind its amplifier is well above), one sample in two
 * hundred at full scale clips, and channels that differ by less than a hundredth of their strength
 * are one channel told twice (a mono input).
 *
 * Promises (tests/core/doppler_level_test.c): pure; any samples, NaN too, give a verdict; a span of
 * good signal clears it.
 * Memory: the struct.  Threads: the owner's.  Units: full scale is 1. */
#ifndef MOORWATCH_DOPPLER_LEVEL_H
#define MOORWATCH_DOPPLER_LEVEL_H

#include "radar.h"

struct doppler_iq {
    float i, q;
};

struct doppler_level {
    enum radar_level level; /* of the last whole span; GOOD before the first */
    uint32_t span;          /* samples */
    uint32_t n, clipped;
    double sum_i, sum_q, sum_ii, sum_qq, sum_iq;
    double rms_i, rms_q; /* of the last whole span */
};

void doppler_level_init(struct doppler_level *l, uint32_t rate_hz);
/* Makes a sample fit for computing (NaN and infinity are 0, beyond full scale is full scale) and
 * weighs it.  Returns true if it is at full scale. */
bool doppler_level_sample(struct doppler_level *l, struct doppler_iq *iq);

#endif
