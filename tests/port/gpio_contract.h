/* The contract of struct gpio, as a function that every implementation's test calls: gpio_host_test
 * anywhere, gpio_chip_test on simulated chips of a real kernel (tools/vm-test).
 *
 * The caller opens a bank of GPIO_CONTRACT_LINES and gives a way to move the inputs from outside
 * and to see the outputs.  Guards the promises of firmware/core/gpio.h. */
#ifndef MOORWATCH_GPIO_CONTRACT_H
#define MOORWATCH_GPIO_CONTRACT_H

#include "gpio.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    CONTRACT_LOOP,  /* at rest active */
    CONTRACT_KNOCK, /* at rest not */
    CONTRACT_REED,  /* at rest not; debounced by CONTRACT_DEBOUNCE_US */
    CONTRACT_SIREN, /* safe: off */
    CONTRACT_LAMP,  /* safe: on */
    CONTRACT_LINES
};
enum { CONTRACT_DEBOUNCE_US = 100000 };

struct gpio_contract {
    struct gpio *gpio;
    void *world;
    void (*move)(void *world, unsigned line, bool active); /* an input, from outside */
    /* So many moves of it to and fro, from its rest on, while nobody reads. */
    void (*burst)(void *world, unsigned line, unsigned moves);
    int (*output)(void *world, unsigned line); /* as the world sees it: 0, 1 */
    unsigned queue;                            /* unread edges of a line that are kept */
    unsigned pace_ms; /* between two moves: so far apart no edge swallows another */
};

/* Closes the bank at its end. */
void gpio_contract_run(const struct gpio_contract *c);

/* For what only one implementation has. */
int64_t contract_now(void);
bool contract_readable(const struct gpio *g, int ms);
/* Reads until `want` edges are there or none come any more. */
unsigned contract_collect(const struct gpio *g, struct gpio_edge *edges, unsigned want);

#endif
