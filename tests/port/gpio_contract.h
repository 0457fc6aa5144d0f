/* The contract of struct gpio, as a function that every implementation's test calls.
 *
 * The caller opens a bank of CONTRACT_LINES lines (gpio_contract_lines) and gives a way to move
 * the inputs from outside.  Guards the promises of firmware/core/gpio.h. */
#ifndef MOORWATCH_GPIO_CONTRACT_H
#define MOORWATCH_GPIO_CONTRACT_H

#include "gpio.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

enum { CONTRACT_LOOP, CONTRACT_KNOCK, CONTRACT_SIREN, CONTRACT_LINES };

struct gpio_contract {
    struct gpio *gpio;
    void *world;
    void (*move)(void *world, const char *role, bool active); /* an input, from outside */
    int (*output)(void *world, const char *role);             /* as the world sees it: 0, 1 */
};

static inline int64_t contract_now(void) {
    struct timespec ts = {0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline bool contract_readable(const struct gpio *g, int ms) {
    struct pollfd p = {.fd = g->fd(g->ctx), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static inline void contract_edge(const struct gpio_contract *c, unsigned line, const char *role,
                                 bool active) {
    struct gpio *g = c->gpio;
    struct gpio_edge edges[8];
    int64_t before = contract_now();
    c->move(c->world, role, active);
    assert_true(contract_readable(g, 2000));
    assert_int_equal(1, g->read(g->ctx, edges, 8));
    assert_int_equal(line, edges[0].line);
    assert_int_equal(active, edges[0].active);
    assert_false(edges[0].gap);
    assert_true(edges[0].t_ns >= before && edges[0].t_ns <= contract_now());
    assert_int_equal(active, g->level(g->ctx, line));
}

static inline void gpio_contract_run(const struct gpio_contract *c) {
    struct gpio *g = c->gpio;
    struct gpio_edge edges[8];
    /* Nothing waits, and asking does not block. */
    assert_false(contract_readable(g, 0));
    assert_int_equal(0, g->read(g->ctx, edges, 8));
    /* At rest the loop is whole, the output safe. */
    assert_int_equal(1, g->level(g->ctx, CONTRACT_LOOP));
    assert_int_equal(0, g->level(g->ctx, CONTRACT_KNOCK));
    assert_int_equal(0, c->output(c->world, "siren"));
    /* Edges come once, on their line, with their level and the monotonic time. */
    contract_edge(c, CONTRACT_LOOP, "loop-1", false);
    contract_edge(c, CONTRACT_KNOCK, "impact-1", true);
    contract_edge(c, CONTRACT_LOOP, "loop-1", true);
    assert_false(contract_readable(g, 0));
    /* What waits is given out in pieces, in order. */
    c->move(c->world, "loop-1", false);
    c->move(c->world, "loop-1", true);
    c->move(c->world, "loop-1", false);
    assert_true(contract_readable(g, 2000));
    assert_int_equal(1, g->read(g->ctx, edges, 1));
    assert_false(edges[0].active);
    assert_int_equal(2, g->read(g->ctx, edges, 8));
    assert_true(edges[0].active);
    assert_false(edges[1].active);
    /* Outputs do as they are told; inputs and strangers are refused. */
    assert_int_equal(0, g->set(g->ctx, CONTRACT_SIREN, true));
    assert_int_equal(1, c->output(c->world, "siren"));
    assert_true(g->set(g->ctx, CONTRACT_LOOP, true) < 0);
    assert_true(g->set(g->ctx, CONTRACT_LINES, true) < 0);
    assert_true(g->level(g->ctx, CONTRACT_LINES) < 0);
    /* Closing makes safe. */
    assert_int_equal(0, g->set(g->ctx, CONTRACT_SIREN, true));
    g->close(g->ctx);
    assert_int_equal(0, c->output(c->world, "siren"));
}

#endif
