/* i2c: the seam between sensor drivers and the bus they hang on: registers read and written.
 *
 * A call lasts I2C_PATIENCE_MS at most where the kernel's driver keeps to it; callers that must
 * never wait use i2c_worker.  A device that does not answer is ERR_NODEV, a bus that hangs
 * ERR_TIMEDOUT, anything else ERR_IO or what the system says; the next call may do better.
 *
 * Implementations: i2c_dev (Linux, /dev/i2c-N), i2c_sim (simulated chips, for the host board).
 * Guarded by tests/port/i2c_test.c.  Memory: taken at open.  Threads: one at a time. */
#ifndef MOORWATCH_I2C_H
#define MOORWATCH_I2C_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum { I2C_PATIENCE_MS = 50, I2C_TRANSFER_MAX = 192 };

struct i2c_bus {
    void *ctx;
    size_t transfer_max; /* most bytes of one read; at least 30 */
    /* `count` bytes from register `reg` on, in one transfer: no other master comes between. */
    int (*read)(void *ctx, uint8_t address, uint8_t reg, uint8_t *bytes, size_t count);
    int (*write)(void *ctx, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t count);
    void (*close)(void *ctx);
};

MUST int i2c_read(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t *bytes,
                  size_t count);
MUST int i2c_read_8(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t *ret_value);
MUST int i2c_write_8(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t value);
/* Most significant byte first, as ADCs and gauges have it. */
MUST int i2c_read_16(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint16_t *ret_value);
MUST int i2c_write_16(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint16_t value);

#endif
