/* rate: events per hour of watching, when both are few.
 *
 * k events in T hours awake are Poisson(λT); over the places λ is Gamma(a, rate b), so one place's
 * posterior is Gamma(a + k, b + T) with mean (a + k) / (b + T).  Empirical Bayes: a and b are those
 * that make all the places' counts most likely, Σ log NB(k_i; size a, prob b / (b + T_i)), found by
 * Nelder and Mead on (log a, log b).  Where that has no inside maximum (no more spread than
 * Poisson), Marshall (1991) by moments: μ = Σk/ΣT, s² = max(0, ΣT(r-μ)²/ΣT - μ/T̄);
 * the prior is then never worth more hours than all that were watched.
 * k and T may carry recency weights 2^(-age/half-life), on both alike.
 *
 * Deterministic: no randomness, and the fit depends on the order of places by rounding only (sort
 * them first for equal bytes).  Guarded by tests/collector/hotspots_test.c: R's oracles for the
 * fit, the posterior means, Marshall's rates, gamma quantiles.
 * Memory: none.  Threads: any.  Units: hours. */
#ifndef MOORWATCH_RATE_H
#define MOORWATCH_RATE_H

#include "err.h"
#include <stddef.h>

struct rate_seen {
    double events; /* k >= 0 */
    double hours;  /* T >= 0; 0: never watched, tells nothing */
};

/* Gamma with shape a and rate b hours: mean a/b, worth b hours of watching. */
struct rate_gamma {
    double a;
    double b;
};

struct rate_fit {
    struct rate_gamma prior;
    double minus_log_likelihood; /* by maximum likelihood only, else 0 */
    int by_moments;              /* 1: Marshall's fallback */
};

/* ERR_INVAL: no place with exposure, or no event at all, or a negative or infinite number. */
MUST int rate_fit(const struct rate_seen *seen, size_t n, struct rate_fit *ret_fit);

struct rate_gamma rate_posterior(struct rate_gamma prior, struct rate_seen seen);
double rate_mean(struct rate_gamma g);
/* 0 < p < 1; relative error under 1e-9. */
double rate_quantile(struct rate_gamma g, double p);
/* How likely at least one event is in so many hours: 1 - (b / (b + h))^a. */
double rate_chance(struct rate_gamma g, double hours);

/* Smallest k with P(X <= k) >= p, X the number of events in so many hours (negative binomial). */
double rate_count_quantile(struct rate_gamma g, double hours, double p);

/* The minimiser of f by Nelder and Mead in two dimensions, from (x, y); for fits of this kind. */
void rate_minimise(double (*f)(const void *ctx, const double xy[2]), const void *ctx, double xy[2]);

#endif
