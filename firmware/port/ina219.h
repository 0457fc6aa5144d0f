/* ina219: the current and voltage gauge in a battery's lead (Texas Instruments SBOS448G).
 *
 * Averages 128 samples of each (136 ms), so that one reading a minute is a fair one.  The chip
 * forgets its settings when its supply dips: they are read back before each reading and written
 * again.  Current is positive when it flows from IN+ to IN-: the battery on IN+.
 * Guarded by tests/port/ina219_test.c, with MOORWATCH_I2C=/dev/i2c-N also on that bus (an i2c-stub
 * with a chip at 0x40).
 * Memory: the struct.  Threads: one at a time.  Time: none; each call lasts as the bus does. */
#ifndef MOORWATCH_INA219_H
#define MOORWATCH_INA219_H

#include "i2c.h"

struct ina219 {
    const struct i2c_bus *bus; /* lives longer than this */
    uint8_t address;
    uint32_t shunt_mohm; /* > 0 */
};

/* Millivolts at the battery, milliamperes drawn from it.  ERR_AGAIN: it had to be set up (anew);
 * ask again in a second.  ERR_PROTO: what answers is no INA219.  ERR_RANGE: the shunt shows more
 * than it can measure.  Else the bus's error. */
MUST int ina219_read(const struct ina219 *gauge, uint16_t *ret_mv, int32_t *ret_ma);

#endif
