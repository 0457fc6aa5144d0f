/* adxl345: Analog Devices' accelerometer behind the seam of core/motion_sensor.h.
 *
 * 16 g at full resolution (1/256 g a step), stream FIFO, activity interrupt (any axis, against
 * where it was) over wake_mg.  Registers: ADXL345 rev. G.
 * Guarded by tests/port/lis3dh_test.c, which runs one contract on both.  Memory: the struct.
 * Threads: one at a time. */
#ifndef MOORWATCH_ADXL345_H
#define MOORWATCH_ADXL345_H

#include "i2c.h"
#include "motion_sensor.h"

struct adxl345 {
    const struct i2c_bus *bus;
    uint8_t address;  /* 0x53, 0x1d */
    unsigned rate_hz; /* 100, 200, 400 */
    unsigned wake_mg;
};

struct motion_sensor adxl345_sensor(struct adxl345 *chip);

#endif
