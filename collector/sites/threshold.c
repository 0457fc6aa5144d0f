#include "threshold.h"
#include <stdbool.h>

const struct threshold_policy THRESHOLD_DEFAULT = {.percent = 10, .plus_mph = 2, .version = 1};

static bool limit_ok(int limit_mph) {
    return limit_mph >= THRESHOLD_LIMIT_MIN && limit_mph <= THRESHOLD_LIMIT_MAX;
}

int threshold_check(const struct threshold_policy *policy) {
    if (policy->percent < 0 || policy->percent > 100 || policy->plus_mph < 0 ||
        policy->plus_mph > 50 || policy->rows < 0 || policy->rows > THRESHOLD_ROWS_MAX)
        return ERR_RANGE;
    for (int i = 0; i < policy->rows; i++) {
        const struct threshold_row *row = &policy->row[i];
        if (!limit_ok(row->limit_mph) || row->threshold_mph < row->limit_mph ||
            row->threshold_mph > 2 * THRESHOLD_LIMIT_MAX)
            return ERR_RANGE;
    }
    return 0;
}

int threshold_mph(const struct threshold_policy *policy, int limit_mph) {
    if (!limit_ok(limit_mph) || threshold_check(policy) < 0)
        return ERR_RANGE;
    for (int i = 0; i < policy->rows; i++)
        if (policy->row[i].limit_mph == limit_mph)
            return policy->row[i].threshold_mph;
    return ((100 + policy->percent) * limit_mph + 100 * policy->plus_mph + 99) / 100;
}
