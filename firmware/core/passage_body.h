/* passage_body: one body or two?
 *
 * Part of passage.  A long vehicle returns several echoes: the cab's and the trailer's speeds
 * differ near the sensor, where the angles do, and the part that is seen best changes.  Parts of
 * one body pass the sensor within the time that its length takes; vehicles keep a distance.  So
 * tracks of one direction that leave (outbound: enter) the beam near the sensor within that time,
 * and whose speeds do not contradict it, are one vehicle. Guarded by tests/core/passage_test.c and
 * tests/sim/radar_test.c.  Pure.  Memory: none. */
#ifndef MOORWATCH_PASSAGE_BODY_H
#define MOORWATCH_PASSAGE_BODY_H

#include "passage.h"

/* True if `next`, with its first hits, goes on where the ended track was lost for a while, far from
 * the sensor. */
bool passage_body_resumes(const struct passage_track *ended, const struct passage_track *next);
/* True if an ended track still waits for one that is not: `live` may turn out to be its body. */
bool passage_body_waits(const struct passage_track *ended, const struct passage_track *live);
/* From here on nothing that begins can be of its body. */
int64_t passage_body_until_ns(const struct passage_track *ended);
/* True if two ended tracks are one body. */
bool passage_body_same(const struct passage_track *a, const struct passage_track *b);
/* True if `a` stands for both. */
bool passage_body_main(const struct passage_track *a, const struct passage_track *b);

#endif
