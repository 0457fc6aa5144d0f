/* yield: how many vehicles at or over the threshold a site may be expected to show in an hour.
 *
 * λ_jw = θ_j φ_w ε_jw.  φ_w, the hour of the week, is pooled over all sites; θ_j, the site, over
 * all hours; each is Gamma with a prior by maximum likelihood (rate.h; with fewer than three to
 * learn from, a wide one around 5 vehicles a session, the mean of 60 published sessions).  Four
 * rounds of one after the other settle both.  ε, how far a site's hours stray from its profile, is
 * Gamma(c, c), c by maximum likelihood between 1/2 and 200.
 * A cell's posterior is Gamma(k + s, T + s / (θ φ)), where θ is that of the site's *other* hours
 * (so that nothing counts twice) and s joins what is not known of each: 1/s = (1 + 1/c)(1 + 1/A)(1
 * + 1/B) - 1 with the shapes A of θ's posterior and B of φ's.
 *
 * Guarded by tests/collector/tasking_test.c (recovers a simulated truth; its intervals cover).
 * Memory: yield_fit takes, yield_free gives back.  Threads: any. */
#ifndef MOORWATCH_YIELD_H
#define MOORWATCH_YIELD_H

#include "hourweek.h"
#include "rate.h"
#include "tasking.h"

struct yield_site {
    struct rate_gamma theta; /* posterior */
    double expected;         /* Σ T φ: the exposure behind it */
    double vehicles;
    double hours;
};

struct yield {
    size_t sites;
    struct yield_site *site;
    struct rate_seen *cell;                /* sites x HOURWEEK_COUNT */
    struct rate_gamma phi[HOURWEEK_COUNT]; /* vehicles an hour at a site with θ = 1 */
    struct rate_gamma prior;               /* of θ */
    double c;
};

/* ERR_RANGE: an index or number that makes no sense.  ERR_NOMEM. */
MUST int yield_fit(const struct tasking_seen *seen, size_t seens, size_t sites,
                   struct yield *ret_yield);
void yield_free(struct yield *yield);

/* Vehicles per hour at a site in an hour of the week. */
struct rate_gamma yield_cell(const struct yield *yield, size_t site, int hourweek);

#endif
