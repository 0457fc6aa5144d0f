/* threshold: from which speed a passing vehicle counts as a matter for Community Speedwatch.
 *
 * The figure is a force's policy, so it is data: the default is 10 % + 2 mph, *at or above*
 * (24, 35, 46, 57, 68, 79 for limits 20 to 70), by integers only, because 50 x 1.1 + 2 is
 * 57.00000000000001 in floating point.  A fraction of a mile per hour rounds up.
 * A table row for a limit goes before the rule.  `version` is stamped on what was counted by it.
 *
 * Guarded by tests/collector/speeds_test.c (thresholds).  Memory: none.  Threads: any.
 * Units: whole miles per hour. */
#ifndef MOORWATCH_THRESHOLD_H
#define MOORWATCH_THRESHOLD_H

#include "err.h"

enum { THRESHOLD_ROWS_MAX = 12, THRESHOLD_LIMIT_MIN = 5, THRESHOLD_LIMIT_MAX = 100 };

struct threshold_row {
    int limit_mph;
    int threshold_mph;
};

struct threshold_policy {
    int percent;  /* of the limit, 0 to 100 */
    int plus_mph; /* 0 to 50; "absolute" over the limit when percent is 0 */
    int rows;     /* exceptions, and a whole table of its own if a force has one */
    struct threshold_row row[THRESHOLD_ROWS_MAX];
    int version;
};

/* 10 % + 2 mph, version 1. */
extern const struct threshold_policy THRESHOLD_DEFAULT;

/* ERR_RANGE if a number is outside the limits above, or a row's threshold is under its limit. */
MUST int threshold_check(const struct threshold_policy *policy);

/* The lowest whole mph that is at the threshold; ERR_RANGE for a limit outside the bounds. */
MUST int threshold_mph(const struct threshold_policy *policy, int limit_mph);

#endif
