#include "yield.h"
#include <math.h>
#include <stdlib.h>

static const struct rate_gamma USUAL_THETA = {.5, .5}, USUAL_PHI = {1, .2};

static const struct rate_seen *cell_at(const struct yield *y, size_t site, int hourweek) {
    return &y->cell[site * HOURWEEK_COUNT + (size_t)hourweek];
}

static int take(struct yield *y, const struct tasking_seen *seen) {
    int ok = seen->site < y->sites && seen->hourweek >= 0 && seen->hourweek < HOURWEEK_COUNT &&
             seen->vehicles >= 0 && seen->vehicles <= 1e9 && seen->hours >= 0 && seen->hours <= 1e7;
    if (!ok)
        return ERR_RANGE;
    struct rate_seen *cell = &y->cell[seen->site * HOURWEEK_COUNT + (size_t)seen->hourweek];
    if (seen->hours <= 0)
        return 0; /* vehicles without watching cannot be: the hours are unknown */
    cell->events += seen->vehicles;
    cell->hours += seen->hours;
    y->site[seen->site].vehicles += seen->vehicles;
    y->site[seen->site].hours += seen->hours;
    return 0;
}

/* Two are no distribution. */
static struct rate_gamma prior_of(const struct rate_seen *seen, size_t n, struct rate_gamma usual) {
    size_t watched = 0;
    struct rate_fit fit;
    for (size_t i = 0; i < n; i++)
        watched += seen[i].hours > 0;
    return watched >= 3 && rate_fit(seen, n, &fit) == 0 ? fit.prior : usual;
}

static void fit_phi(struct yield *y) {
    struct rate_seen seen[HOURWEEK_COUNT] = {0};
    for (size_t j = 0; j < y->sites; j++) {
        double theta = rate_mean(y->site[j].theta);
        for (int w = 0; w < HOURWEEK_COUNT; w++) {
            seen[w].events += cell_at(y, j, w)->events;
            seen[w].hours += theta * cell_at(y, j, w)->hours;
        }
    }
    struct rate_gamma prior = prior_of(seen, HOURWEEK_COUNT, USUAL_PHI);
    for (int w = 0; w < HOURWEEK_COUNT; w++)
        y->phi[w] = rate_posterior(prior, seen[w]);
}

static int fit_theta(struct yield *y) {
    struct rate_seen *seen = calloc(y->sites + 1, sizeof *seen);
    if (seen == NULL)
        return ERR_NOMEM;
    for (size_t j = 0; j < y->sites; j++) {
        struct yield_site *site = &y->site[j];
        site->expected = 0;
        for (int w = 0; w < HOURWEEK_COUNT; w++)
            site->expected += cell_at(y, j, w)->hours * rate_mean(y->phi[w]);
        seen[j] = (struct rate_seen){site->vehicles, site->expected};
    }
    y->prior = prior_of(seen, y->sites, USUAL_THETA);
    for (size_t j = 0; j < y->sites; j++)
        y->site[j].theta = rate_posterior(y->prior, seen[j]);
    free(seen);
    return 0;
}

static double minus_log_likelihood(const struct yield *y, double c) {
    double sum = 0;
    for (size_t j = 0; j < y->sites; j++)
        for (int w = 0; w < HOURWEEK_COUNT; w++) {
            const struct rate_seen *cell = cell_at(y, j, w);
            double mean = cell->hours * rate_mean(y->site[j].theta) * rate_mean(y->phi[w]);
            if (mean <= 0)
                continue;
            sum += lgamma_r(cell->events + c, &(int){0}) - lgamma_r(c, &(int){0}) -
                   c * log1p(mean / c) + cell->events * log(mean / (c + mean));
        }
    return -sum;
}

/* On a grid of factors of 1.1: finer than the data can tell. */
static double fit_c(const struct yield *y) {
    double best = 6, least = HUGE_VAL;
    for (double c = .5; c <= 200; c *= 1.1) {
        double f = minus_log_likelihood(y, c);
        if (f < least - 1e-9) {
            least = f;
            best = c;
        }
    }
    return least < 0 || least > 0 ? best : 6;
}

static int settle(struct yield *y) {
    for (size_t j = 0; j < y->sites; j++)
        y->site[j].theta = (struct rate_gamma){1, 1};
    for (int round = 0; round < 4; round++) {
        fit_phi(y);
        int err = fit_theta(y);
        if (err < 0)
            return err;
    }
    y->c = fit_c(y);
    return 0;
}

int yield_fit(const struct tasking_seen *seen, size_t seens, size_t sites,
              struct yield *ret_yield) {
    struct yield y = {.sites = sites};
    y.site = calloc(sites + 1, sizeof *y.site);
    y.cell = calloc((sites + 1) * HOURWEEK_COUNT, sizeof *y.cell);
    int err = y.site == NULL || y.cell == NULL ? ERR_NOMEM : 0;
    for (size_t i = 0; i < seens && err == 0; i++)
        err = take(&y, &seen[i]);
    if (err == 0)
        err = settle(&y);
    if (err < 0)
        yield_free(&y);
    else
        *ret_yield = y;
    return err;
}

void yield_free(struct yield *yield) {
    free(yield->site);
    free(yield->cell);
    *yield = (struct yield){0};
}

struct rate_gamma yield_cell(const struct yield *yield, size_t site, int hourweek) {
    const struct yield_site *s = &yield->site[site];
    const struct rate_seen *cell = cell_at(yield, site, hourweek);
    struct rate_gamma phi = yield->phi[hourweek];
    struct rate_seen others = {fmax(0, s->vehicles - cell->events),
                               fmax(0, s->expected - cell->hours * rate_mean(phi))};
    struct rate_gamma theta = rate_posterior(yield->prior, others);
    double spread = (1 + 1 / yield->c) * (1 + 1 / theta.a) * (1 + 1 / phi.a) - 1;
    double mean = rate_mean(theta) * rate_mean(phi);
    return rate_posterior((struct rate_gamma){1 / spread, 1 / (spread * mean)}, *cell);
}
