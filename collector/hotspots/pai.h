/* pai: how well a ranking of squares foretold where the next events fell.
 *
 * Prediction accuracy index (Chainey, Tompson, Uhlig 2008) = (n/N) / (a/A): the share of the next
 * events that fell into the best-ranked share of the area, over that share of the area.  Squares
 * with equal scores at the edge of the hot area share the remaining places (the expectation over
 * all orders), so the figure does not depend on the sort.
 *
 * Guarded by tests/collector/hotspots_test.c: five published rankings of a real data set.
 * Memory: malloc'd while computing.  Threads: any. */
#ifndef MOORWATCH_PAI_H
#define MOORWATCH_PAI_H

#include "err.h"
#include <stddef.h>

struct pai {
    double hit; /* n/N */
    double pai;
    size_t hot; /* squares in the hot area: the share of n, rounded, at least one */
};

/* ERR_INVAL: no squares, no later events, or a share outside 0 to 1.  ERR_NOMEM. */
MUST int pai_of(const double *score, const double *later, size_t n, double share,
                struct pai *ret_pai);

#endif
