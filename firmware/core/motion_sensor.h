/* motion_sensor: the seam to an accelerometer: a FIFO to be emptied and a threshold that wakes.
 *
 * The sensor measures by itself, keeps the newest samples and moves its interrupt line when a
 * threshold is passed (that line is one of the kit's inputs); so nothing runs while nothing moves.
 * A call may wait for the bus: it belongs on a thread that may (firmware/port/i2c_worker.h).
 *
 * Implementations: firmware/port/lis3dh.c, adxl345.c.  Contract: tests/port/lis3dh_test.c, run on
 * both.  Memory: the driver's struct.  Threads: one at a time.  Units: mg. */
#ifndef MOORWATCH_MOTION_SENSOR_H
#define MOORWATCH_MOTION_SENSOR_H

#include "err.h"
#include "motion.h"

enum { MOTION_SENSOR_FIFO = 32 };

struct motion_sensor {
    void *ctx;
    /* Makes sure who answers and sets everything.  0; ERR_PROTO: another chip answers; or what the
     * bus says. */
    int (*start)(void *ctx);
    /* Empties the FIFO, oldest first, and lets the interrupt go.  How many samples; ERR_STALE: it
     * has lost its settings (start it again); or what the bus says.  *ret_lost: the FIFO was full.
     */
    int (*read)(void *ctx, struct motion_sample samples[MOTION_SENSOR_FIFO], bool *ret_lost);
};

#endif
