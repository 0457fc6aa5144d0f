/* ads1115: TI's ADC, one channel at a time: what end-of-line loops are read with.
 *
 * Single shots at 4.096 V full scale and 128 a second: some 8 ms, during which the caller's thread
 * waits.  Registers: SBAS444.
 * Guarded by tests/port/ads1115_test.c.  Memory: none.  Threads: one at a time. */
#ifndef MOORWATCH_ADS1115_H
#define MOORWATCH_ADS1115_H

#include "i2c.h"

/* channel: 0 .. 3, against ground.  0; ERR_TIMEDOUT: it never finishes; ERR_INVAL; or what the bus
 * says. */
MUST int ads1115_read_mv(const struct i2c_bus *bus, uint8_t address, unsigned channel,
                         int32_t *ret_mv);

#endif
