/* unit_measure: small figures that the kernel shows as text: hwmon, thermal zones, wireless.
 *
 * Private to unit.c.  Promises (tests/port/unit_measure_test.c): what is not there, not understood
 * or not possible reads as "not measured"; nothing is opened for an empty path.
 * Memory: none.  Threads: any. */
#ifndef MOORWATCH_UNIT_MEASURE_H
#define MOORWATCH_UNIT_MEASURE_H

#include <stdint.h>

/* A whole number of millivolts; 0: not measured. */
uint16_t unit_measure_battery_mv(const char *path);
/* Thousandths of a degree C, rounded down to 0.1 degrees; INT16_MIN: not measured. */
int16_t unit_measure_temperature_c10(const char *path);
/* The level in dBm of the first interface of a file like /proc/net/wireless (proc(5), wireless.h of
 * Linux: a level over 0 there is relative, no dBm), or a file of a plain number, as a modem's
 * script writes it; 0: not measured. */
int16_t unit_measure_signal_dbm(const char *path);
/* Bits of enum health_power from the hexadecimal number of a Raspberry Pi's firmware
 * (get_throttled: under-voltage, cap, throttled, soft limit: bits 0 to 3 now, 16 to 19 since boot);
 * 0: nothing, or not measured. */
uint8_t unit_measure_power(const char *path);
/* What the file system of a directory has left for us; < 0: not measured. */
int64_t unit_measure_free_mib(const char *directory);

#endif
