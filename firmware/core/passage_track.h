/* passage_track: hits to a track.
 *
 * Part of passage: a filter of speed and slope, the scatter of single hits, and as many hits as
 * fit. Guarded by tests/core/passage_test.c.  Pure.  Memory: none. */
#ifndef MOORWATCH_PASSAGE_TRACK_H
#define MOORWATCH_PASSAGE_TRACK_H

#include "passage.h"

#define PASSAGE_S INT64_C(1000000000)

enum {
    PASSAGE_NOISE_LOG_BEGIN = 100,
    PASSAGE_PREDICT_MAX_MS = 800,
};

void passage_track_begin(struct passage_track *t, int sign, const struct passage_hit *hit);
void passage_track_hit(struct passage_track *t, const struct passage_hit *hit, uint32_t magnitude);
int32_t passage_track_predict(const struct passage_track *t, int64_t now_ns);
/* Rebuilds both halves from the kept hits: `t` keeps those before `at`, `next` gets the rest. */
void passage_track_split(struct passage_track *t, unsigned at, struct passage_track *next);

/* log2 in 1/256, straight between the powers of two; at least 1, for 0 means untold. */
int32_t passage_log(uint32_t magnitude);
uint32_t passage_magnitude(int32_t log_mag);
/* How far the middle of three lies from the line between its neighbours. */
int32_t passage_bend(const struct passage_hit *h, bool log);
/* What a rate per second amounts to in dt_ns. */
int32_t passage_grown(int32_t rate_mm_s2, int64_t dt_ns);

#endif
