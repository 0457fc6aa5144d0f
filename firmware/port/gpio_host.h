/* gpio_host: lines without wires, for any machine: tests, demonstrations, the kit simulator.
 *
 * Inputs are driven by lines of text, each a role (or the line's number), a level and perhaps a
 * time after which it goes back: "loop-1 0", "impact-1 pulse 20" (= "impact-1 1 20"),
 * "shackle-2 0 1500" (milliseconds).  They come as datagrams to a Unix socket, one or more lines
 * each, or from a script of "seconds role level [ms]", counted from the opening.  Levels are
 * logical: 1 is active.  Lines that make no sense are logged and passed over.
 * Outputs are written to a file, one line "role level" each, at a fixed place.
 *
 * Edges carry the monotonic time at which they were applied.  When more than GPIO_HOST_QUEUE edges
 * wait, the newest are lost, as by the kernel's old interface, and the last one kept says so.
 * Contract: tests/port/gpio_contract.h; guarded by tests/port/gpio_host_test.c.
 * Memory: one block, taken at open.  Threads: the loop's. */
#ifndef MOORWATCH_GPIO_HOST_H
#define MOORWATCH_GPIO_HOST_H

#include "gpio.h"

enum { GPIO_HOST_QUEUE = 64, GPIO_HOST_LATER = 256 };

/* Each may be NULL or empty: not wanted. */
struct gpio_host_conf {
    const char *socket_path; /* made; one left by a dead daemon is replaced */
    const char *script_path; /* read whole at open, at most GPIO_HOST_LATER lines */
    const char *state_path;  /* of the outputs; made */
};

/* The lines are copied, their strings are kept.  ERR_INVAL (a script that does not parse, logged),
 * or what the system says of a path. */
MUST int gpio_host_open(const struct gpio_host_conf *conf, const struct gpio_line *lines,
                        unsigned count, struct gpio *ret_gpio);

#endif
