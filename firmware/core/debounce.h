/* debounce: one input line, from the bouncing of its contact to what it means.
 *
 * Above the GPIO seam, so that every back end behaves alike (libgpiod 1.6 has no kernel debounce).
 * DEBOUNCE_STABLE believes a level that has stood for the period: for loops, reeds and keys, where
 * a spike must not ring.  DEBOUNCE_FIRST believes the first edge at once and then looks away for
 * the period: for knocks and buttons, where a short pulse must not be missed.  Either way the level
 * believed in the end is the line's own.  The time given is that of the edge that is believed.
 *
 * Promises (tests/core/debounce_test.c): a line quiet for a period is believed as it is; reports
 * alternate; two reports are at least a period apart (FIRST), a level shorter than the period is
 * not reported (STABLE).
 * Memory: the struct.  Threads: the loop's.  Time: given. */
#ifndef MOORWATCH_DEBOUNCE_H
#define MOORWATCH_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

enum debounce_mode { DEBOUNCE_STABLE, DEBOUNCE_FIRST };

/* Look, don't touch. */
struct debounce {
    enum debounce_mode mode;
    int64_t period_ns;
    bool level;       /* believed */
    bool raw;         /* the line's own */
    int64_t raw_ns;   /* since when */
    int64_t quiet_ns; /* FIRST: looks away until then */
};

void debounce_init(struct debounce *d, enum debounce_mode mode, int64_t period_ns, bool level);
/* An edge, or the level read again.  True: the believed level changed, to d->level, at *ret_ns. */
bool debounce_edge(struct debounce *d, bool raw, int64_t now_ns, int64_t *ret_ns);
/* Lets time pass. */
bool debounce_tick(struct debounce *d, int64_t now_ns, int64_t *ret_ns);
/* Call debounce_tick by then; INT64_MAX: never. */
int64_t debounce_next(const struct debounce *d);

#endif
