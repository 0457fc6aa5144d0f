/* gpio_chip: the lines of real chips, through libgpiod: gpio_v2.c where libgpiod is 2.x, gpio_v1.c
 * where it is 1.x; CMake chooses by pkg-config's word.
 *
 * Chips are found by their label, matched whole, never by number; lines by offset, and a line whose
 * name is not among those that the board file accepts is warned of.  A line in use is refused and
 * its consumer named.  Outputs take their safe level in the request itself, and again on close.
 * With libgpiod 1.x the kernel keeps 16 edges a line and drops the newest without a word: two equal
 * edges in a row are then reported as a gap.  With 2.x its sequence numbers tell.
 *
 * Contract: tests/port/gpio_contract.h (skips where there is no chip).
 * Memory: one block and the library's own, taken at open.  Threads: the loop's. */
#ifndef MOORWATCH_GPIO_CHIP_H
#define MOORWATCH_GPIO_CHIP_H

#include "gpio.h"

enum { GPIO_CHIPS_MAX = 4, GPIO_WHY_BYTES = 200 };

/* `why` (GPIO_WHY_BYTES) gets words for people on failure.  ERR_NODEV (no chip of that label),
 * ERR_RANGE (offset), ERR_BUSY, ERR_ACCESS, ERR_INVAL (too many chips or lines). */
MUST int gpio_chip_open(const struct gpio_line *lines, unsigned count, const char *consumer,
                        char why[GPIO_WHY_BYTES], struct gpio *ret_gpio);
/* "libgpiod 1.6.3": which library this build speaks to. */
const char *gpio_chip_library(void);

/* For gpio_v1.c and gpio_v2.c: 1 if `name` is one of the '|'-separated `names` (or names is empty
 * or the line has no name). */
int gpio_name_accepted(const char *names, const char *name);

#endif
