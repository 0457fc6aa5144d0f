/* i2c_dev: a bus of the kernel's, /dev/i2c-N.
 *
 * Plain I2C messages where the adapter has them, else SMBus block transfers of 32 bytes (i2c-stub
 * and some PC chipsets).  The adapter is told to wait I2C_PATIENCE_MS and not to try again: what
 * tries again is ours.  The only user of linux/i2c-dev.h.
 * Guarded by tests/port/i2c_test.c (with MOORWATCH_I2C=/dev/i2c-N on a real or stub bus).
 * Memory: one block at open.  Threads: one at a time. */
#ifndef MOORWATCH_I2C_DEV_H
#define MOORWATCH_I2C_DEV_H

#include "i2c.h"

/* 0, or what the system says of the path; ERR_VERSION if the adapter can do neither. */
MUST int i2c_dev_open(const char *path, struct i2c_bus *ret_bus);

#endif
