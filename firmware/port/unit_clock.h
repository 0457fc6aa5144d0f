/* unit_clock: when the wall clock became better or was set, for anchors.
 *
 * Private to unit.c.  A timerfd on CLOCK_REALTIME with TFD_TIMER_CANCEL_ON_SET wakes the loop when
 * somebody sets the clock.  Guarded by tests/port/unit_clock_test.c.  Memory: the struct. */
#ifndef MOORWATCH_UNIT_CLOCK_H
#define MOORWATCH_UNIT_CLOCK_H

#include "clock.h"
#include "event.h"

struct unit_clock {
    struct clock clock;
    int fd;    /* readable: the clock was set; < 0: not to be had */
    bool told; /* an anchor was given out */
    enum clock_quality quality;
    int64_t offset_ms; /* wall minus boot, as last given out */
    int64_t next_ns;
};

void unit_clock_init(struct unit_clock *c);
/* True if there is news: an anchor to be told.  *ret_refresh: an anchor for new batches, told or
 * not (a clock that is only slewed moves by little). */
bool unit_clock_step(struct unit_clock *c, int64_t now_ns, struct event_anchor *ret_anchor,
                     bool *ret_refresh);
void unit_clock_close(struct unit_clock *c);

#endif
