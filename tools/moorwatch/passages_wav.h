/* passages_wav: a recording of a low-cost radar (core/doppler.h), to the frames in it.
 *
 * Guarded by tests/tools/passages_wav_test.sh.  Memory: the heap, given back.  Threads: one. */
#ifndef MOORWATCH_PASSAGES_WAV_H
#define MOORWATCH_PASSAGES_WAV_H

#include "err.h"
#include "radar.h"

struct passages_wav_conf {
    double carrier_hz; /* 0: 24.125 GHz */
    bool swapped;
};

/* Tells every frame to `tell`, in order of time, until it returns an error.  0, or an error after
 * words on standard error; what is worth knowing of a good recording is said there too. */
MUST int passages_wav_read(const char *path, const struct passages_wav_conf *conf,
                           int (*tell)(void *ctx, const struct radar_frame *frame), void *ctx);

#endif
