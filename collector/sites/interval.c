#include "interval.h"
#include <math.h>

static const double Z95 = 1.959963984540054;

struct interval interval_wilson(uint64_t hits, uint64_t n) {
    if (n == 0)
        return (struct interval){0, 1};
    double count = (double)n;
    double p = (double)hits / count;
    double z2 = Z95 * Z95;
    double middle = p + z2 / (2 * count);
    double half = Z95 * sqrt(p * (1 - p) / count + z2 / (4 * count * count));
    double scale = 1 + z2 / count;
    /* The ends are 0 and 1 by algebra, and 1e-17 off by arithmetic. */
    return (struct interval){hits == 0 ? 0 : fmax(0, (middle - half) / scale),
                             hits == n ? 1 : fmin(1, (middle + half) / scale)};
}

/* P(X = k+1) / P(X = k) */
static double step_up(uint64_t k, uint64_t n, double odds) {
    return (double)(n - k) / (double)(k + 1) * odds;
}

/* Terms relative to that of the mode, so that nothing needs a logarithm or a factorial; those too
 * small for a double cannot move the sum. */
struct walk {
    uint64_t first; /* lowest k whose term is above zero */
    double term;    /* of `first` */
    double total;
};

static struct walk walk_all(uint64_t mode, uint64_t n, double odds) {
    struct walk w = {.first = mode, .term = 1, .total = 0};
    double term = 1;
    for (uint64_t k = mode; term > 1e-280; k--) {
        w.first = k;
        w.term = term;
        w.total += term;
        if (k == 0)
            break;
        term /= step_up(k - 1, n, odds);
    }
    term = 1;
    for (uint64_t k = mode; k < n && term > 1e-280; k++) {
        term *= step_up(k, n, odds);
        w.total += term;
    }
    return w;
}

uint64_t interval_binomial_quantile(double p, uint64_t n, double q) {
    double odds = q / (1 - q);
    uint64_t mode = (uint64_t)((double)n * q);
    struct walk w = walk_all(mode, n, odds);
    double sum = w.term, term = w.term;
    uint64_t k = w.first;
    while (k < n && sum < p * w.total) {
        term *= step_up(k, n, odds);
        sum += term;
        k++;
    }
    return k;
}

struct ranks interval_ranks(uint64_t n, double q) {
    if (n == 0)
        return (struct ranks){0, 1};
    return (struct ranks){interval_binomial_quantile(.025, n, q),
                          interval_binomial_quantile(.975, n, q) + 1};
}
