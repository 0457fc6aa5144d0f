/* interval: how sure a count or a percentile is.  Exact where it can be, never a normal guess.
 *
 * Wilson (1927) for shares: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.959964.
 * Order statistics for a percentile: x_(r) and x_(s) with r = qbinom(.025, n, q) and
 * s = qbinom(.975, n, q) + 1; on real speeds they cover 97 to 99 %, where mean ± 1.24 sd/sqrt(n)
 * covers 76 to 87 %.  A rank of 0 or above n does not exist: there is no finite bound then (for the
 * 85th percentile there is a lower one from n = 2 and an upper one from n = 23).
 *
 * Guarded by tests/collector/speeds_test.c (Newcombe's Wilson rows, R's ranks).
 * Memory: none.  Threads: any.  Errors: none; n = 0 gives the whole range. */
#ifndef MOORWATCH_INTERVAL_H
#define MOORWATCH_INTERVAL_H

#include <stdint.h>

struct interval {
    double low;
    double high;
};

/* 95 %, both within 0 to 1. */
struct interval interval_wilson(uint64_t hits, uint64_t n);

/* The smallest k with P(X <= k) >= p for X ~ Binomial(n, q); 0 < p < 1, 0 < q < 1.
 * Work grows with sqrt(n). */
uint64_t interval_binomial_quantile(double p, uint64_t n, double q);

struct ranks {
    uint64_t low;  /* from 1; 0: no such order statistic */
    uint64_t high; /* from 1; above n: no such order statistic */
};
/* The ranks that bound the quantile q with 95 % confidence. */
struct ranks interval_ranks(uint64_t n, double q);

#endif
