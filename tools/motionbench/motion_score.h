/* motion_score: traces of known origin through firmware/core/motion, counted.
 *
 * The sensor sleeps as it does on a lock: its own threshold wakes it, the 32 samples of its FIFO
 * come first, and it sleeps again when motion_busy says so; every 20 s the FIFO is looked into, for
 * what is moved too slowly to wake it.
 * Guarded by tests/core/motion_test.c.  Memory: the structs.  Threads: one each. */
#ifndef MOTION_SCORE_H
#define MOTION_SCORE_H

#include "motion.h"
#include "vibration.h"

struct motion_score {
    unsigned traces, alarms, doubts;  /* doubts: traces with a pre-alarm and no alarm */
    double awake_s, seconds, first_s; /* first_s: sum of the times to the alarm */
};

/* One trace, added to the score. */
void motion_score_run(struct motion_score *s, enum vibration_kind kind, enum vibration_set set,
                      unsigned rate_hz, double factor, uint64_t seed);
void motion_score_add(struct motion_score *sum, const struct motion_score *s);
/* Share of traces with an alarm, and its 95 % interval (Wilson 1927). */
double motion_score_share(const struct motion_score *s, double *ret_low, double *ret_high);

#endif
