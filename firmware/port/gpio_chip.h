/* gpio_chip: the lines of real chips, through libgpiod: gpio_v2.c where libgpiod is 2.x, gpio_v1.c
 * where it is 1.x; CMake chooses by pkg-config's word.
 *
 * Chips are found by their label, matched whole, never by number: exactly one chip must bear it,
 * and it must have as many lines as the board file says.  Lines go by offset, and a line whose name
 * is not among those that the board file accepts is used all the same, warned of and reported.  A
 * line in use is refused and its consumer named.  Outputs of a chip are requested together and take
 * their safe level in the request itself, and again on close.
 *
 *                       libgpiod 1.x (kernel's first interface)   libgpiod 2.x (its second)
 *   inputs              a request and a queue per line, joined    one request per chip, outputs too
 *                       in one epoll descriptor
 *   debounce            above the seam                            in the kernel
 *   unread edges kept   16 a line, the newest are dropped         512 a chip, the oldest are
 * dropped a gap is known by   two equal edges in a row, a full queue    the kernel's sequence
 * numbers time of an edge     monotonic since Linux 5.7, wall clock     monotonic, asked for
 *                       before: told apart and turned round
 *
 * Contract: tests/port/gpio_contract.h, run by gpio_chip_test where there is gpio-sim
 * (tools/vm-test).
 * Memory: one block and the library's own, taken at open.  Threads: the loop's. */
#ifndef MOORWATCH_GPIO_CHIP_H
#define MOORWATCH_GPIO_CHIP_H

#include "gpio.h"
#include <stddef.h>

enum { GPIO_CHIPS_MAX = 4, GPIO_WHY_BYTES = 240, GPIO_LABEL_MAX = 31, GPIO_PATH_BYTES = 280 };

/* `why` (GPIO_WHY_BYTES) gets words for people on failure.  ERR_NODEV (no chip of that label, or
 * one with too few lines), ERR_EXIST (several), ERR_RANGE (offset), ERR_BUSY, ERR_ACCESS, ERR_INVAL
 * (too many chips or lines). */
MUST int gpio_chip_open(const struct gpio_line *lines, unsigned count, const char *consumer,
                        char why[GPIO_WHY_BYTES], struct gpio *ret_gpio);
/* "libgpiod 1.6.3": which library this build speaks to. */
const char *gpio_chip_library(void);
/* How many unread edges of one line are kept. */
unsigned gpio_chip_queue(void);

/* What gpio_v1.c and gpio_v2.c have in common. --------------------------------------------------
 */

/* 1 if `name` is one of the '|'-separated `names` (or names is empty or the line has no name). */
int gpio_chip_accepts(const char *names, const char *name);
/* True if the line's name is not accepted; warns. */
bool gpio_chip_strange(const struct gpio_line *line, const char *name);

/* Opens the chip at `path`, copies its label, closes it.  0, or an enum err. */
typedef int gpio_label_of(const char *path, char ret_label[GPIO_LABEL_MAX + 1]);
/* The one chip below /dev with the line's label; links to chips are passed over.  Fills `why`. */
MUST int gpio_chip_find(const struct gpio_line *line, gpio_label_of *label_of,
                        char why[GPIO_WHY_BYTES], char ret_path[GPIO_PATH_BYTES]);
/* Words for a chip with too few lines (ERR_NODEV or ERR_RANGE), else 0. */
MUST int gpio_chip_fits(const struct gpio_line *line, unsigned chip_lines,
                        char why[GPIO_WHY_BYTES]);
/* Words for a line that somebody holds; holder NULL or empty: the kernel.  ERR_BUSY. */
MUST int gpio_chip_busy(const struct gpio_line *line, const char *holder, char why[GPIO_WHY_BYTES]);

/* The monotonic time of an edge that the kernel stamped `stamp_ns` with either clock, both read
 * after the edge: nothing can come from the future, so such a stamp is the wall clock's. */
int64_t gpio_chip_time_ns(int64_t stamp_ns, int64_t monotonic_ns, int64_t wall_ns);
/* Both clocks now. */
void gpio_chip_clocks(int64_t *ret_monotonic_ns, int64_t *ret_wall_ns);
/* By time; edges of the same time, and so of one line, keep their order. */
void gpio_chip_sort(struct gpio_edge *edges, unsigned count);

#endif
