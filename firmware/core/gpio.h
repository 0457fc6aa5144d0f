/* gpio: the seam between the daemons and wires.  The header lives with its user.
 *
 * A bank is the set of lines that one kit uses on one board.  Inputs are reported as edges with the
 * kernel's monotonic time; after every drain the level is read again and is the truth, not the last
 * edge.  "Active" is what the kit file calls active: polarity is settled below this seam.
 * Outputs take their safe state in the request itself and again on close.
 *
 * Implementations: firmware/port/gpio_host.c (driven by scripts), gpio_v1.c and gpio_v2.c
 * (libgpiod). Contract: tests/port/gpio_contract.h, which gpio_host_test runs anywhere and
 * gpio_chip_test where there is gpio-sim (tools/vm-test).  Threads: the loop's.  Memory: taken at
 * open. */
#ifndef MOORWATCH_GPIO_H
#define MOORWATCH_GPIO_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>

enum { GPIO_LINES_MAX = 32 };

enum gpio_bias { GPIO_BIAS_AS_IS, GPIO_BIAS_PULL_UP, GPIO_BIAS_PULL_DOWN, GPIO_BIAS_NONE };

struct gpio_line {
    const char *role;    /* "loop-1", "siren": the kit's word for it */
    const char *chip;    /* label of the chip, matched whole */
    unsigned offset;     /* on that chip */
    unsigned chip_lines; /* a chip with fewer is another than was meant; 0: any will do */
    const char
        *names; /* names the board accepts for it, '|' between; a stranger's name is warned of */
    bool output;
    bool active_low;
    bool safe_active; /* outputs: the state at request and after close */
    bool rest_active; /* inputs: what the host board shows until it is told otherwise */
    enum gpio_bias bias;
    uint32_t debounce_us;
};

struct gpio_edge {
    int64_t t_ns;  /* CLOCK_MONOTONIC, the kernel's stamp */
    unsigned line; /* index into the lines given at open */
    bool active;   /* the level after the edge */
    bool gap;      /* edges were lost before this one; where nobody can say, about here */
};

struct gpio {
    void *ctx;
    /* True: edges of a line with debounce_us come only when its level has stood for that long, and
     * t_ns is when it began to stand.  False: every bounce comes, debounce above this seam. */
    bool debounces;
    unsigned stranger;    /* 1 + the first line whose name the board does not accept; 0: none */
    int (*fd)(void *ctx); /* one pollable descriptor: readable while edges wait */
    /* Up to cap edges that wait, in order of time within one call, a line's always; 0 when none.
     * Never blocks. */
    int (*read)(void *ctx, struct gpio_edge *edges, unsigned cap);
    int (*level)(void *ctx, unsigned line); /* 1 active, 0 not, < 0 an enum err */
    int (*set)(void *ctx, unsigned line, bool active);
    void (*close)(void *ctx); /* outputs to their safe state first */
};

#endif
