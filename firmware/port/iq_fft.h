/* iq_fft: kissfft behind the FFT that core/doppler.h asks for.
 *
 * Guarded by tests/port/iq_fft_test.c (against a sum written out) and tests/core/doppler_test.c.
 * Memory: one block at open, the caller's pointer to free; none while it runs.  Threads: one. */
#ifndef MOORWATCH_IQ_FFT_H
#define MOORWATCH_IQ_FFT_H

#include "doppler.h"

/* A transform of `bins` points.  ERR_RANGE (not a power of two in doppler's limits), ERR_NOMEM. */
MUST int iq_fft_open(uint32_t bins, struct doppler_fft *ret_fft);
/* Takes a zeroed struct, and twice. */
void iq_fft_close(struct doppler_fft *fft);

#endif
