/* learn: how rough a place is, learnt in a lock's first LEARN_HOURS hours.
 *
 * Each hour that the lock has run says one word: its greatest harmless motion, as a share of the
 * alarm's threshold.  When the hours are over the threshold is raised so that nine hours in ten lie
 * under half of it, and never by more than LEARN_FACTOR_MAX: so nobody can teach a lock to be
 * deaf.  One rough hour counts as one hour whatever is done in it; motions judged an attack teach
 * nothing.  Floor of sensitivity: what is LEARN_FACTOR_MAX times the threshold of motion.h still
 * rings in the roughest place.
 *
 * Promises (tests/core/learn_test.c): pure; the state is one number, so that it outlives a restart
 * (at most the hour under way is lost); the factor is 1 .. LEARN_FACTOR_MAX whatever was heard.
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_LEARN_H
#define MOORWATCH_LEARN_H

#include <stdbool.h>
#include <stdint.h>

enum { LEARN_HOURS = 48, LEARN_STEPS = 8 };
#define LEARN_FACTOR_MAX 2.0

/* Look, don't touch. */
struct learn {
    uint8_t hours;              /* heard so far; LEARN_HOURS: learnt */
    uint8_t steps[LEARN_STEPS]; /* how many of them were how rough */
    double worst;               /* of the hour under way, share of the threshold */
    int64_t hour_ns;            /* when it ends */
};

/* `saved` is what learn_save gave, 0: nothing yet. */
void learn_init(struct learn *l, uint64_t saved, int64_t now_ns);
uint64_t learn_save(const struct learn *l);
bool learn_done(const struct learn *l);
/* A motion that was no attack: its strength as a share of the (unraised) threshold. */
void learn_heard(struct learn *l, double share);
/* True: an hour is over (save it).  *ret_next_ns: call again by then; INT64_MAX: never. */
bool learn_tick(struct learn *l, int64_t now_ns, int64_t *ret_next_ns);
/* What thresholds are multiplied by: 1 until all is learnt. */
double learn_factor(const struct learn *l);

#endif
