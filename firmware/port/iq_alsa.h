/* iq_alsa: I/Q samples from a sound card: two channels, 32 or 16 bits, 48 kHz or what the card has
 * nearest, read without blocking, never resampled or mixed by ALSA.
 *
 * I is the left channel, Q the right.  Automatic gain must be off (firmware/core/DOPPLER.md): what
 * the mixer does before the samples come is not seen here.
 *
 * Promises (tests/port/iq_alsa_test.c, through alsa-lib's own file plugin): a device with one
 * channel is refused with words that say what to do; an overrun is told as ERR_OVERFLOW and capture
 * goes on; a device that is unplugged is ERR_NODEV.
 * Memory: alsa-lib's, at open; a device that comes back takes it again.  Threads: the loop's. */
#ifndef MOORWATCH_IQ_ALSA_H
#define MOORWATCH_IQ_ALSA_H

#include "iq_source.h"

/* name: "hw:1", "hw:CARD=Device".  ERR_NODEV (not there), ERR_BUSY, ERR_ACCESS, ERR_INVAL (mono, or
 * no format that can be used), ERR_NOMEM. */
MUST int iq_alsa_open(const char *name, struct iq_source *ret_source, const char **ret_why);

#endif
