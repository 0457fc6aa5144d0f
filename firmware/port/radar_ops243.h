/* radar_ops243: an OPS243-A on a serial line, behind core/radar.h.
 *
 * Opens the path exclusively and raw, drains what a sensor in full flow left, finds the baud rate
 * (a real UART only; USB and pseudo-terminals do not care), sets what it needs and nothing that is
 * written to flash (never A! or AX), reads it back, and only then lets it measure.  A sensor that
 * falls silent, starts anew (with its banner or without), turns to garbage or is unplugged is
 * found, told of in the status and brought back: configured again, probed again, opened again by
 * its path with growing pauses.  A path that ends in * stands for the numbers 0 to 15: a sensor
 * that comes back under another of these names is found there, and a modem under one of them is
 * passed over. Its clock is used for nothing but telling apart the frames that were read in one go.
 *
 * Frames are stamped when their line arrives, less half the capture.  Lines of one frame that come
 * one by one are joined.
 *
 * Promises (tests/port/ops243_test.c, against a sensor played on a pseudo-terminal): step never
 * blocks; memory is taken at open and none after; no byte string upsets it.
 * Threads: the loop's.  Time: given; now_ns never steps back. */
#ifndef MOORWATCH_RADAR_OPS243_H
#define MOORWATCH_RADAR_OPS243_H

#include "radar.h"
#include <stddef.h>

struct radar_ops243_conf {
    const char *path;       /* "/dev/moorwatch-radar", "/dev/ttyACM*" */
    unsigned baud;          /* 0: find it */
    int32_t min_speed_mm_s; /* the sensor's own filter, whole m/s; 0: its default */
    uint32_t min_magnitude; /* likewise; 0: 20 */
    /* Sees each line as received, without its end; t_ns is what its frame is stamped with,
     * measured: it was read as a measurement.  May be NULL. */
    void (*tap)(void *ctx, const char *line, size_t len, int64_t t_ns, bool measured);
    void *tap_ctx;
};

/* A path that is not there now is waited for (RADAR_GONE).  ERR_INVAL (no path, or a baud rate
 * that the sensor does not have), ERR_TOOLONG, ERR_NOMEM. */
MUST int radar_ops243_open(const struct radar_ops243_conf *conf, struct radar *ret_radar);

#endif
