/* unit_clock: when the wall clock became better or was set, for anchors.
 *
 * Private to unit.c.  A timerfd on CLOCK_REALTIME with TFD_TIMER_CANCEL_ON_SET wakes the loop when
 * somebody sets the clock.  While satellites tell the time, anchors carry theirs, whatever the
 * system's clock shows; without them, its own.  A clock that is first set to a better time is news;
 * one that jumps by more than UNIT_CLOCK_STEP_MS without having become better is a fault.
 * Guarded by tests/port/unit_clock_test.c.  Memory: the struct. */
#ifndef MOORWATCH_UNIT_CLOCK_H
#define MOORWATCH_UNIT_CLOCK_H

#include "clock.h"
#include "event.h"

enum { UNIT_CLOCK_STEP_MS = 2000 };

/* The time by satellites, as offered last. */
struct unit_clock_offer {
    int64_t offset_ms; /* unix minus boot */
    uint32_t error_ms;
    int64_t until_ns;
};

struct unit_clock {
    struct clock clock;
    int fd;    /* readable: the clock was set; < 0: not to be had */
    bool told; /* an anchor was given out */
    enum clock_quality quality;
    int64_t offset_ms; /* wall minus boot, as last given out */
    struct unit_clock_offer offer;
    enum clock_quality own_quality; /* of the system's clock, at the last look */
    int64_t own_offset_ms;
    int64_t jump_ms; /* by which it jumped since then; 0: it did not */
    int64_t next_ns;
};

void unit_clock_init(struct unit_clock *c);
/* Satellites say what time it is at now_ns; holds until until_ns. */
void unit_clock_offer(struct unit_clock *c, int64_t now_ns, int64_t unix_ms, uint32_t error_ms,
                      int64_t until_ns);
/* True if there is news: an anchor to be told.  *ret_refresh: an anchor for new batches, told or
 * not (a clock that is only slewed moves by little); then jump_ms is of this look. */
bool unit_clock_step(struct unit_clock *c, int64_t now_ns, struct event_anchor *ret_anchor,
                     bool *ret_refresh);
void unit_clock_close(struct unit_clock *c);

#endif
