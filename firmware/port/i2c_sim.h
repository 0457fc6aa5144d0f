/* i2c_sim: a bus without wires: the register files of the chips that the kits know, for the host
 * board, the kit simulator and tests.
 *
 * Chips behave as their data sheets have it where drivers depend on it: LIS3DH (ST DocID17530: the
 * top bit of a register's number makes it count up, reading the outputs takes a sample from the
 * FIFO, which in stream mode drops the oldest), ADXL345 (Analog Devices, rev. G: likewise, a sample
 * for each read of DATAX0), ADS1115 (TI SBAS444: a conversion for each start), and plain 16-bit
 * registers for anything else (INA219).
 *
 * Driven by lines of text as datagrams to a Unix socket, which are heard at the next transfer:
 *   "0x18 sample X Y Z [X Y Z]..."   what an accelerometer measures, in mg, oldest first
 *   "0x48 mv CHANNEL MILLIVOLTS"     what is on an ADC's input
 *   "0x40 word REGISTER VALUE"       a 16-bit register
 *   "0x18 silent", "0x18 hang", "0x18 stuck MS", "0x18 stranger", "0x18 answer"
 * hang: every call ends in time with ERR_TIMEDOUT; stuck: the kernel's driver does not keep to its
 * time either; stranger: another chip answers there.
 * Guarded by tests/port/i2c_test.c.  Memory: one block at open.  Threads: one at a time. */
#ifndef MOORWATCH_I2C_SIM_H
#define MOORWATCH_I2C_SIM_H

#include "i2c.h"

enum i2c_sim_chip { I2C_SIM_LIS3DH, I2C_SIM_ADXL345, I2C_SIM_ADS1115, I2C_SIM_WORDS };
enum { I2C_SIM_CHIPS_MAX = 16 };

struct i2c_sim;

/* socket_path may be NULL or empty: driven by i2c_sim_command alone.  *ret_sim is the bus's ctx and
 * closed with it. */
MUST int i2c_sim_open(const char *socket_path, struct i2c_sim **ret_sim, struct i2c_bus *ret_bus);
/* ERR_OVERFLOW, ERR_EXIST. */
MUST int i2c_sim_add(struct i2c_sim *sim, uint8_t address, enum i2c_sim_chip chip);
/* One line of text; ERR_INVAL if it makes no sense. */
MUST int i2c_sim_command(struct i2c_sim *sim, const char *line);

#endif
