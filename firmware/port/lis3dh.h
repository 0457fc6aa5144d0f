/* lis3dh: ST's accelerometer behind the seam of core/motion_sensor.h.
 *
 * 8 g, normal mode (10 bit): the high-resolution mode would pass a ninth of the rate instead of
 * half (AN3308, table 9), and the buzz of a tool with it.  Stream FIFO; interrupt 1 latched on a
 * change of any axis over wake_mg behind the chip's own high-pass.  Registers: DocID17530 rev 2.
 * Guarded by tests/port/lis3dh_test.c.  Memory: the struct.  Threads: one at a time. */
#ifndef MOORWATCH_LIS3DH_H
#define MOORWATCH_LIS3DH_H

#include "i2c.h"
#include "motion_sensor.h"

struct lis3dh {
    const struct i2c_bus *bus;
    uint8_t address;  /* 0x18, 0x19 */
    unsigned rate_hz; /* 100, 200, 400 */
    unsigned wake_mg;
};

struct motion_sensor lis3dh_sensor(struct lis3dh *chip);

#endif
