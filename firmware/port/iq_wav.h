/* iq_wav: I/Q samples from a recording: what libsndfile reads, two channels, 16 to 192 kHz, any
 * sample format (WAV of 16, 24, 32 bits or float; FLAC).  At its own rate, never resampled.
 *
 * Promises (tests/port/iq_wav_test.c, tests/fuzz/iq_wav_fuzz.c): what cannot be used is refused
 * with words that say what to do; a recording that was cut short is read as far as it goes and
 * told. Memory: libsndfile's, at open.  Threads: one. */
#ifndef MOORWATCH_IQ_WAV_H
#define MOORWATCH_IQ_WAV_H

#include "iq_source.h"
#include <stdbool.h>

/* Opens a recording that plays as it was made, from the first read on.  ERR_NOENT, ERR_ACCESS,
 * ERR_BADMSG (no recording, or cut off within its header), ERR_INVAL (one channel, more than two,
 * a rate outside the limits). */
MUST int iq_wav_open(const char *path, struct iq_source *ret_source, const char **ret_why);
/* The same, to be read at once. */
MUST int iq_wav_open_fast(const char *path, struct iq_source *ret_source, const char **ret_why);
/* True if its header promises more samples than the file holds. */
bool iq_wav_cut_short(const struct iq_source *source);
/* True if the file begins like a recording. */
bool iq_wav_is(const char *path);

#endif
