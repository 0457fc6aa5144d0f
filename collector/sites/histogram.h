/* histogram: the speeds of one site, hour and direction, exactly, to 0.1 mph.
 *
 * Nothing is lost against the list of speeds but their order: every figure of speeds.h comes out
 * the same (tests/collector/histogram_test.c compares them; tests/fuzz/histogram_fuzz.c).  In
 * memory a plain array of counts (10 kB); stored as a compact blob, about two bytes per different
 * speed.  Corrections are removals; sums of sites and hours are merges, in any order with the same
 * result.
 *
 * Blob: version (1), number of different speeds, then for each, ascending: its distance to the one
 * before (the first: to -1), its count; all as shortest-form LEB128 varints.  Decoding is strict.
 *
 * Memory: the caller's; {0} is a valid empty one.  Threads: the owner's.
 * Units: dmph, tenths of a mile per hour.  On failure the object is as before. */
#ifndef MOORWATCH_HISTOGRAM_H
#define MOORWATCH_HISTOGRAM_H

#include "err.h"
#include "speeds.h"
#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_DMPH_MAX = 2550,
    HISTOGRAM_BINS = HISTOGRAM_DMPH_MAX + 1,
    HISTOGRAM_BLOB_MAX = 1 + 2 + HISTOGRAM_BINS * (1 + 5) + 1,
};

struct histogram {
    uint64_t n;                     /* look, don't touch */
    uint32_t count[HISTOGRAM_BINS]; /* look, don't touch */
};

/* ERR_RANGE: a speed outside 0 to HISTOGRAM_DMPH_MAX.  ERR_OVERFLOW: 2^32 of one speed. */
MUST int histogram_add(struct histogram *h, int dmph);
/* ERR_NOENT: no such speed was counted. */
MUST int histogram_remove(struct histogram *h, int dmph);
MUST int histogram_merge(struct histogram *h, const struct histogram *from);

/* Bytes written; ERR_OVERFLOW if cap is too small (HISTOGRAM_BLOB_MAX always suffices). */
MUST int histogram_encode(const struct histogram *h, uint8_t *buf, size_t cap);
/* ERR_VERSION, ERR_BADMSG. */
MUST int histogram_decode(const uint8_t *buf, size_t len, struct histogram *ret_h);

/* A stored blob, used without unpacking it into 10 kB: the work is that of its different speeds.
 * Errors as histogram_decode and histogram_merge. */
MUST int histogram_merge_blob(struct histogram *h, const uint8_t *buf, size_t len);
/* The same with every speed times `factor`, floored to 0.1 mph; the fastest stay in range. */
MUST int histogram_merge_blob_scaled(struct histogram *h, const uint8_t *buf, size_t len,
                                     double factor);
MUST int histogram_blob_at_or_over(const uint8_t *buf, size_t len, int dmph, uint64_t *ret_n);

/* How many are faster than, or at least, a speed. */
uint64_t histogram_over(const struct histogram *h, int dmph);
uint64_t histogram_at_or_over(const struct histogram *h, int dmph);
/* The k-th smallest speed in dmph, k from 0 to n - 1. */
int histogram_rank(const struct histogram *h, uint64_t k);

/* ERR_INVAL for an empty one. */
MUST int histogram_describe(const struct histogram *h, int limit_mph, int threshold_mph,
                            struct speeds_stats *ret_stats);

#endif
