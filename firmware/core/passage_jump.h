/* passage_jump: has another vehicle taken over a track?
 *
 * Part of passage.  Where only the strongest target is told, the next vehicle of a platoon shows
 * when the one before it leaves the beam, nearly as fast and in the same track: what gives it away
 * is a jump in speed and magnitude that one vehicle never makes.
 * Guarded by tests/core/passage_test.c and tests/sim/radar_test.c.  Pure.  Memory: none. */
#ifndef MOORWATCH_PASSAGE_JUMP_H
#define MOORWATCH_PASSAGE_JUMP_H

#include "passage.h"

enum {
    PASSAGE_JUMP_AFTER = 4,         /* hits of the next vehicle that it takes to be sure */
    PASSAGE_RATE_MAX_MM_S2 = 12000, /* v^2 sin^2 / R at the near edge of the beam, 70 mph */
};

/* The index of the first kept hit of the next vehicle (> 0), or 0: there is none. */
unsigned passage_jump(const struct passage_track *t);

#endif
