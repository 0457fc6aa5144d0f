/* passage_judge: was a track a vehicle, and what is told of it?
 *
 * Part of passage: tones (fans, wires), twins, images and scatter (rain) are refused.
 * Guarded by tests/core/passage_test.c and tests/sim/radar_test.c.  Pure.  Memory: none. */
#ifndef MOORWATCH_PASSAGE_JUDGE_H
#define MOORWATCH_PASSAGE_JUDGE_H

#include "passage.h"

/* True if it was one: *ret_vehicle.  Remembers tones and counts refusals in `p`. */
bool passage_judge(struct passage *p, struct passage_track *t, struct passage_vehicle *ret_vehicle);

#endif
