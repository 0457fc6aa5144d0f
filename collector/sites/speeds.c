#include "speeds.h"
#include <math.h>
#include <stdlib.h>

enum speeds_trust speeds_trust(uint64_t n) {
    if (n < SPEEDS_N_ROUGH)
        return SPEEDS_TOO_FEW;
    return n < SPEEDS_N_COMPARABLE ? SPEEDS_ROUGH : SPEEDS_COMPARABLE;
}

double speeds_quantile(const struct speeds_sample *sample, unsigned percent) {
    /* In whole hundredths: (n-1) x 0.85 in floating point may fall just below an integer. */
    uint64_t hundredths = (sample->n - 1) * percent;
    uint64_t k = hundredths / 100, rest = hundredths % 100;
    double low = sample->at(sample->ctx, k);
    if (rest == 0)
        return low;
    return low + (sample->at(sample->ctx, k + 1) - low) * (double)rest / 100;
}

static struct speeds_share share_of(uint64_t count, uint64_t n) {
    return (struct speeds_share){count, (double)count / (double)n, interval_wilson(count, n)};
}

int speeds_describe(const struct speeds_sample *sample, struct speeds_stats *ret_stats) {
    uint64_t n = sample->n;
    if (n == 0)
        return ERR_INVAL;
    struct ranks ranks = interval_ranks(n, .85);
    bool low = ranks.low >= 1, high = ranks.high <= n;
    *ret_stats = (struct speeds_stats){
        .n = n,
        .trust = speeds_trust(n),
        .mean = sample->mean,
        .p50 = speeds_quantile(sample, 50),
        .p85 = speeds_quantile(sample, 85),
        .p85_low_known = low,
        .p85_high_known = high,
        .p85_low = low ? sample->at(sample->ctx, ranks.low - 1) : 0,
        .p85_high = high ? sample->at(sample->ctx, ranks.high - 1) : 0,
        .max = sample->at(sample->ctx, n - 1),
        .over_limit = share_of(sample->over_limit, n),
        .at_or_over_threshold = share_of(sample->at_or_over_threshold, n),
    };
    return 0;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double array_at(const void *ctx, uint64_t k) {
    return ((const double *)ctx)[k];
}

int speeds_of_array(double *mph, size_t n, int limit_mph, int threshold_mph,
                    struct speeds_stats *ret_stats) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(mph[i]) || mph[i] < 0)
            return ERR_RANGE;
    if (n > 0)
        qsort(mph, n, sizeof mph[0], ascending);
    struct speeds_sample sample = {.ctx = mph, .at = array_at, .n = n};
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += mph[i];
        sample.over_limit += mph[i] > limit_mph;
        sample.at_or_over_threshold += mph[i] >= threshold_mph;
    }
    sample.mean = n > 0 ? sum / (double)n : 0;
    return speeds_describe(&sample, ret_stats);
}
