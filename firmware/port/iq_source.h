/* iq_source: the seam between the low-cost radar and where its samples come from.
 *
 * Implementations: iq_alsa.c (a sound card), iq_wav.c (a recording); tests bring their own.
 * Guarded by tests/port/radar_iq_test.c.  Memory: taken at open.  Threads: the loop's.
 * Time: given, monotonic. */
#ifndef MOORWATCH_IQ_SOURCE_H
#define MOORWATCH_IQ_SOURCE_H

#include "doppler.h"

struct iq_source {
    void *ctx;
    uint32_t rate_hz;
    int (*fd)(void *ctx); /* pollable, or -1: ask by the clock */
    /* Samples that are there, at most cap; 0: none now.  *ret_t_ns: when the first of them was
     * taken.  ERR_OVERFLOW: samples before the next read are lost; ERR_NODEV: the device is gone,
     * ERR_NOENT: the recording has ended: close. */
    int (*read)(void *ctx, int64_t now_ns, struct doppler_iq *iq, unsigned cap, int64_t *ret_t_ns);
    void (*close)(void *ctx);
};

/* How to open one.  ERR_INVAL: unfit; ERR_VERSION: unfit, for it has one channel only.  ret_why:
 * what is wrong and what to do, static text, set when it fails. */
struct iq_source_kind {
    int (*open)(const char *name, struct iq_source *ret_source, const char **ret_why);
};

#endif
