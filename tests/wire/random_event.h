/* random_event: valid events of every kind from a seed, and a stream of passages like a village
 * road's.  For tests only; splitmix64, so that a seed means the same everywhere. */
#ifndef MOORWATCH_RANDOM_EVENT_H
#define MOORWATCH_RANDOM_EVENT_H

#include "event.h"
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* The seed of this run: the environment's SEED, else `fallback`.  Printed, so that a failure can be
 * played again. */
struct random random_start(uint64_t fallback);
uint64_t random_next(struct random *r);
/* 0 .. bound - 1 */
uint64_t random_below(struct random *r, uint64_t bound);
/* Standard normal. */
double random_normal(struct random *r);

/* Any valid event of the kind; extremes are frequent. */
struct event random_event(struct random *r, enum event_kind kind);
/* Some kind that travels in the class. */
enum event_kind random_kind(struct random *r, enum event_class cls);
/* Passages at 200 an hour: exponential gaps, speeds lognormal about 30 mph (sigma 0.15), direction
 * 55 % out, 35 m of view with lognormal length (0.25), loudness normal (38, 5) dB. */
void random_traffic(struct random *r, struct event *events, size_t count);

#endif
