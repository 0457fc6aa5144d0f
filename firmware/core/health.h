/* health: gathers what the parts have counted into the heartbeat event.
 *
 * Promises (tests/core/health_test.c): pure; a counter shown is the sum of its parts and saturates
 * at UINT32_MAX instead of beginning anew; what was not measured says so.
 * Memory: none.  Threads: the loop's. */
#ifndef MOORWATCH_HEALTH_H
#define MOORWATCH_HEALTH_H

#include "sender.h"

/* What only the daemon knows. */
struct health_parts {
    uint32_t boots;
    uint32_t period_s;       /* the next heartbeat comes within this */
    uint16_t battery_mv;     /* 0: not measured */
    int16_t temperature_c10; /* INT16_MIN: not measured */
    int16_t signal_dbm;      /* 0: not measured */
    uint32_t radar_lines, radar_refused, radar_resets;
    uint32_t gpio_gaps;
    uint32_t queue_refused;
};

/* The heartbeat of this moment.  `sender` and the spools it was given are only read. */
void health_event(const struct health_parts *parts, const struct sender *sender, int64_t now_ns,
                  struct event *ret_event);

#endif
