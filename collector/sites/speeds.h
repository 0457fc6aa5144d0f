/* speeds: what is said about the speeds of many vehicles at one site.
 *
 * Mean; median and 85th percentile as quantile type 7 (R's default: (n-1)q between two neighbours);
 * the 95 % interval of the 85th percentile from order statistics, shares with Wilson's interval
 * (both in interval.h).  Over the limit means faster than the limit; the threshold counts *at or
 * over*.  The ranks are integer arithmetic, so equal speeds give equal figures on every machine.
 *
 * No percentile from too few vehicles: below SPEEDS_ROUGH (23, the first n whose interval has an
 * upper end) `trust` is SPEEDS_TOO_FEW, and a page shows "not enough vehicles" in place of the
 * percentiles; from SPEEDS_COMPARABLE (100) two sites may be compared.
 *
 * Guarded by tests/collector/speeds_test.c: R's oracles cars100 and amis, Newcombe's rows, and a
 * second computation by brute force.  Memory: the caller's.  Threads: any.  Units: mph. */
#ifndef MOORWATCH_SPEEDS_H
#define MOORWATCH_SPEEDS_H

#include "err.h"
#include "interval.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEEDS_N_ROUGH = 23, SPEEDS_N_COMPARABLE = 100 };
enum speeds_trust { SPEEDS_TOO_FEW, SPEEDS_ROUGH, SPEEDS_COMPARABLE };

struct speeds_share {
    uint64_t count;
    double share;
    struct interval interval; /* Wilson 95 % */
};

struct speeds_stats {
    uint64_t n;
    enum speeds_trust trust;
    double mean;
    double p50;
    double p85;
    bool p85_low_known;  /* otherwise p85_low is 0 and means nothing */
    bool p85_high_known; /* otherwise p85_high is 0 and means nothing */
    double p85_low;
    double p85_high;
    double max;
    struct speeds_share over_limit;
    struct speeds_share at_or_over_threshold;
};

/* A sample that can tell its k-th smallest speed, k from 0 to n - 1. */
struct speeds_sample {
    const void *ctx;
    double (*at)(const void *ctx, uint64_t k);
    uint64_t n;
    double mean;
    uint64_t over_limit;
    uint64_t at_or_over_threshold;
};

/* ERR_INVAL for n = 0: there is nothing to say. */
MUST int speeds_describe(const struct speeds_sample *sample, struct speeds_stats *ret_stats);

/* The same of an array in mph, which is sorted on return.  ERR_RANGE if one is not a number,
 * negative or infinite. */
MUST int speeds_of_array(double *mph, size_t n, int limit_mph, int threshold_mph,
                         struct speeds_stats *ret_stats);

enum speeds_trust speeds_trust(uint64_t n);

/* Quantile type 7 at percent / 100 of a sample of n >= 1. */
double speeds_quantile(const struct speeds_sample *sample, unsigned percent);

#endif
