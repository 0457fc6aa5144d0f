#include "rate.h"
#include <assert.h>
#include <math.h>
#include <stdbool.h>

/* lgamma() writes the global signgam; the reentrant form does not. */
static double log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/* ---- Nelder and Mead ---- */

struct vertex {
    double xy[2];
    double f;
};

struct simplex {
    double (*f)(const void *ctx, const double xy[2]);
    const void *ctx;
    struct vertex v[3]; /* best first */
};

static struct vertex vertex_at(const struct simplex *s, double x, double y) {
    struct vertex v = {{x, y}, 0};
    v.f = s->f(s->ctx, v.xy);
    return v;
}

/* The worst vertex mirrored in the middle of the others: 1 reflects, 2 expands, ±.5 contracts. */
static struct vertex vertex_move(const struct simplex *s, double by) {
    double to[2];
    for (int i = 0; i < 2; i++) {
        double middle = (s->v[0].xy[i] + s->v[1].xy[i]) / 2;
        to[i] = middle + by * (middle - s->v[2].xy[i]);
    }
    return vertex_at(s, to[0], to[1]);
}

static void simplex_sort(struct simplex *s) {
    for (int i = 1; i < 3; i++)
        for (int j = i; j > 0 && s->v[j].f < s->v[j - 1].f; j--) {
            struct vertex t = s->v[j];
            s->v[j] = s->v[j - 1];
            s->v[j - 1] = t;
        }
}

static void simplex_shrink(struct simplex *s) {
    for (int j = 1; j < 3; j++)
        s->v[j] =
            vertex_at(s, (s->v[0].xy[0] + s->v[j].xy[0]) / 2, (s->v[0].xy[1] + s->v[j].xy[1]) / 2);
}

static void simplex_step(struct simplex *s) {
    struct vertex mirror = vertex_move(s, 1);
    if (mirror.f < s->v[0].f) {
        struct vertex far = vertex_move(s, 2);
        s->v[2] = far.f < mirror.f ? far : mirror;
    } else if (mirror.f < s->v[1].f) {
        s->v[2] = mirror;
    } else {
        struct vertex near = vertex_move(s, mirror.f < s->v[2].f ? .5 : -.5);
        if (near.f < fmin(mirror.f, s->v[2].f))
            s->v[2] = near;
        else
            simplex_shrink(s);
    }
    simplex_sort(s);
}

static bool simplex_done(const struct simplex *s) {
    double size = 0;
    for (int j = 1; j < 3; j++)
        for (int i = 0; i < 2; i++)
            size = fmax(size, fabs(s->v[j].xy[i] - s->v[0].xy[i]));
    return size < 1e-10;
}

void rate_minimise(double (*f)(const void *ctx, const double xy[2]), const void *ctx,
                   double xy[2]) {
    /* The second round starts afresh around the first's answer, against a collapsed simplex. */
    for (int round = 0; round < 2; round++) {
        struct simplex s = {.f = f, .ctx = ctx};
        s.v[0] = vertex_at(&s, xy[0], xy[1]);
        s.v[1] = vertex_at(&s, xy[0] + .5, xy[1]);
        s.v[2] = vertex_at(&s, xy[0], xy[1] + .5);
        simplex_sort(&s);
        for (int i = 0; i < 1000 && !simplex_done(&s); i++)
            simplex_step(&s);
        xy[0] = s.v[0].xy[0];
        xy[1] = s.v[0].xy[1];
    }
}

/* ---- the fit ---- */

struct places {
    const struct rate_seen *seen;
    size_t n;
};

static double minus_log_likelihood(const void *ctx, const double log_ab[2]) {
    const struct places *places = ctx;
    double a = exp(log_ab[0]), b = exp(log_ab[1]);
    if (!isfinite(a) || !isfinite(b) || a <= 0 || b <= 0)
        return HUGE_VAL;
    double sum = 0, log_gamma_a = log_gamma(a);
    for (size_t i = 0; i < places->n; i++) {
        double k = places->seen[i].events, t = places->seen[i].hours;
        if (t <= 0)
            continue;
        sum += log_gamma(k + a) - log_gamma(k + 1) - log_gamma_a - a * log1p(t / b) +
               (k > 0 ? k * log(t / (b + t)) : 0);
    }
    return -sum;
}

struct moments {
    double events;
    double hours;
    double places;
    double mean;     /* μ */
    double variance; /* s² of the places' true rates */
};

static int moments_of(const struct rate_seen *seen, size_t n, struct moments *ret_m) {
    struct moments m = {0};
    for (size_t i = 0; i < n; i++) {
        double k = seen[i].events, t = seen[i].hours;
        if (!isfinite(k) || !isfinite(t) || k < 0 || t < 0)
            return ERR_INVAL;
        m.places += t > 0;
        m.events += t > 0 ? k : 0;
        m.hours += t;
    }
    if (m.places < 1 || m.events <= 0)
        return ERR_INVAL;
    m.mean = m.events / m.hours;
    double spread = 0;
    for (size_t i = 0; i < n; i++) {
        double t = seen[i].hours;
        double off = t > 0 ? seen[i].events / t - m.mean : 0;
        spread += t * off * off;
    }
    m.variance = fmax(0, spread / m.hours - m.mean / (m.hours / m.places));
    *ret_m = m;
    return 0;
}

/* Marshall's shrinkage s²/(s² + μ/T) is that of Gamma(μ²/s², μ/s²).  No spread would be an infinite
 * shape: a prior is never worth more than all that was watched. */
static struct rate_gamma moments_prior(const struct moments *m) {
    double b = m->variance > 0 ? fmin(m->mean / m->variance, m->hours) : m->hours;
    return (struct rate_gamma){m->mean * b, b};
}

int rate_fit(const struct rate_seen *seen, size_t n, struct rate_fit *ret_fit) {
    struct moments m;
    int err = moments_of(seen, n, &m);
    if (err < 0)
        return err;
    struct rate_fit fit = {.prior = moments_prior(&m), .by_moments = 1};
    struct places places = {seen, n};
    double log_ab[2] = {log(fit.prior.a), log(fit.prior.b)};
    rate_minimise(minus_log_likelihood, &places, log_ab);
    struct rate_gamma likely = {exp(log_ab[0]), exp(log_ab[1])};
    bool inside = isfinite(likely.a) && likely.a > 1e-6 && likely.b > 0 && likely.b < m.hours;
    if (m.places >= 3 && inside) {
        fit.prior = likely;
        fit.minus_log_likelihood = minus_log_likelihood(&places, log_ab);
        fit.by_moments = 0;
    }
    *ret_fit = fit;
    return 0;
}

struct rate_gamma rate_posterior(struct rate_gamma prior, struct rate_seen seen) {
    return (struct rate_gamma){prior.a + seen.events, prior.b + seen.hours};
}

double rate_mean(struct rate_gamma g) {
    return g.a / g.b;
}

double rate_chance(struct rate_gamma g, double hours) {
    return -expm1(-g.a * log1p(hours / g.b));
}

/* ---- quantiles ---- */

static double series_lower(double a, double x) {
    double term = 1 / a, sum = term;
    for (double k = 1; term > sum * 1e-17; k++) {
        term *= x / (a + k);
        sum += term;
    }
    return sum * exp(a * log(x) - x - log_gamma(a));
}

/* Lentz's continued fraction for the upper part; Numerical Recipes 6.2. */
static double fraction_upper(double a, double x) {
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (double i = 1; i < 1e6; i++) {
        double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        d = fabs(d) < 1e-300 ? 1e-300 : d;
        c = b + an / c;
        c = fabs(c) < 1e-300 ? 1e-300 : c;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return h * exp(a * log(x) - x - log_gamma(a));
}

/* P(X <= x) for X ~ Gamma(a, 1) */
static double gamma_below(double a, double x) {
    if (x <= 0)
        return 0;
    return x < a + 1 ? series_lower(a, x) : 1 - fraction_upper(a, x);
}

double rate_quantile(struct rate_gamma g, double p) {
    assert(p > 0 && p < 1 && g.a > 0 && g.b > 0);
    double high = g.a + 1;
    while (gamma_below(g.a, high) < p)
        high *= 2;
    double low = high;
    while (low > 1e-290 && gamma_below(g.a, low) >= p) {
        high = low;
        low /= 2;
    }
    for (int i = 0; i < 200 && high - low > 1e-13 * high; i++) {
        double middle = (low + high) / 2;
        if (gamma_below(g.a, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2 / g.b;
}

/* Terms of the negative binomial relative to the mode's: P(k+1)/P(k) = (k+a)/(k+1) h/(b+h). */
double rate_count_quantile(struct rate_gamma g, double hours, double p) {
    double step = hours / (g.b + hours);
    double mode = fmax(0, floor((g.a - 1) * hours / g.b));
    double below = 0, term = 1, first = mode, first_term = 1;
    for (double k = mode; k > 0 && term > 1e-18; k--) {
        term /= (k - 1 + g.a) / k * step;
        below += term;
        first = k - 1;
        first_term = term;
    }
    double total = below;
    term = 1;
    for (double k = mode; term > 1e-18; k++) {
        total += term;
        term *= (k + g.a) / (k + 1) * step;
    }
    double k = first, sum = first_term;
    for (term = first_term; sum < p * total && term > 0; k++) {
        term *= (k + g.a) / (k + 1) * step;
        sum += term;
    }
    return k;
}
