/* The report layer: counts that shrink to the density of their neighbourhood. */
#include "hotspots_own.h"
#include "kernel.h"
#include "rate.h"
#include <math.h>
#include <stdlib.h>

static const double DAY_MS = 86400000;
static const double MONTH_DAYS = 30.4375;

/* The study area as a raster. */
struct area {
    int32_t col0;
    int32_t row0;
    size_t cols;
    size_t rows;
    uint8_t *inside;
    double *prior; /* expected per month without the square's own weight on its count */
    double *count; /* weighted */
    const struct tally_square **events;
    size_t squares; /* inside */
};

struct box {
    int64_t col0, row0, col1, row1;
};

static struct box box_of(const struct tally *t) {
    struct box b = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
    for (size_t i = 0; i < t->squares; i++) {
        int64_t col = t->square[i].col, row = t->square[i].row;
        b.col0 = col < b.col0 ? col : b.col0;
        b.col1 = col > b.col1 ? col : b.col1;
        b.row0 = row < b.row0 ? row : b.row0;
        b.row1 = row > b.row1 ? row : b.row1;
    }
    return b;
}

static size_t area_at(const struct area *a, const struct tally_square *s) {
    return (size_t)((int64_t)s->row - a->row0) * a->cols + (size_t)((int64_t)s->col - a->col0);
}

static int area_size(const struct hotspots_job *job, struct area *a) {
    int given = job->study.squares > 0;
    struct box b = box_of(given ? &job->study : &job->events);
    /* Without a study area, what lies within three bandwidths of a report may be hot too. */
    int64_t pad = given ? 0 : (int64_t)ceil(3 * job->options->bandwidth_m / job->options->cell_m);
    int64_t cols = b.col1 - b.col0 + 1 + 2 * pad, rows = b.row1 - b.row0 + 1 + 2 * pad;
    if (cols > HOTSPOTS_CELLS_MAX || rows > HOTSPOTS_CELLS_MAX / cols)
        return ERR_OVERFLOW;
    a->col0 = (int32_t)(b.col0 - pad);
    a->row0 = (int32_t)(b.row0 - pad);
    a->cols = (size_t)cols;
    a->rows = (size_t)rows;
    return 0;
}

static void area_close(struct area *a) {
    free(a->inside);
    free(a->prior);
    free(a->count);
    free(a->events);
}

static void mark_inside(const struct hotspots_job *job, struct area *a) {
    size_t n = a->cols * a->rows;
    if (job->study.squares == 0) {
        for (size_t i = 0; i < n; i++)
            a->inside[i] = 1;
        a->squares = n;
        return;
    }
    for (size_t i = 0; i < job->study.squares; i++)
        a->inside[area_at(a, &job->study.square[i])] = 1;
    a->squares = job->study.squares;
}

static int contains(const struct area *a, const struct tally_square *s) {
    int64_t col = (int64_t)s->col - a->col0, row = (int64_t)s->row - a->row0;
    return col >= 0 && row >= 0 && (size_t)col < a->cols && (size_t)row < a->rows &&
           a->inside[area_at(a, s)];
}

static int area_open(const struct hotspots_job *job, struct area *a, size_t *left_out) {
    int err = area_size(job, a);
    if (err < 0)
        return err;
    size_t n = a->cols * a->rows;
    a->inside = calloc(n, 1);
    a->prior = calloc(n, sizeof *a->prior);
    a->count = calloc(n, sizeof *a->count);
    a->events = calloc(n, sizeof(const struct tally_square *));
    if (a->inside == NULL || a->prior == NULL || a->count == NULL || a->events == NULL)
        return ERR_NOMEM;
    mark_inside(job, a);
    for (size_t i = 0; i < job->events.squares; i++) {
        const struct tally_square *s = &job->events.square[i];
        if (!contains(a, s)) {
            *left_out += s->count;
            continue;
        }
        a->count[area_at(a, s)] = s->weight;
        a->events[area_at(a, s)] = s;
    }
    return 0;
}

/* Weighted months: the integral of 2^(-age / half-life) from now back to the first day. */
static double months(const struct hotspots_job *job) {
    const struct hotspots_options *o = job->options;
    double days = (double)o->window_days;
    for (size_t i = 0; o->window_days == 0 && i < job->events.rows; i++)
        days = fmax(days, (double)(o->now_ms - job->events.row[i].at_ms) / DAY_MS);
    days = fmax(days, MONTH_DAYS);
    double decayed = -expm1(-M_LN2 * days / o->half_life_days);
    return o->half_life_days / M_LN2 * decayed / MONTH_DAYS;
}

/* The neighbourhood's density as expected reports per month, never quite 0. */
static int fill_prior(const struct hotspots_job *job, struct area *a, double weight) {
    size_t n = a->cols * a->rows;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        a->prior[i] = a->count[i];
        total += a->count[i];
    }
    struct kernel kernel = {a->cols, a->rows, job->options->cell_m, job->options->bandwidth_m,
                            a->inside};
    int err = kernel_smooth(&kernel, a->prior);
    for (size_t i = 0; i < n; i++)
        a->prior[i] = (a->prior[i] + 1e-4 * total / (double)a->squares) / weight;
    return err;
}

struct likelihood {
    const struct area *area;
    double weight;
};

/* -Σ log NB(count; size a, mean m W), without what does not depend on a. */
static double minus_log_likelihood(const struct likelihood *l, double a) {
    double sum = 0, log_gamma_a = lgamma_r(a, &(int){0});
    for (size_t i = 0; i < l->area->cols * l->area->rows; i++) {
        if (!l->area->inside[i])
            continue;
        double k = l->area->count[i], mean = l->area->prior[i] * l->weight;
        sum -= a * log1p(mean / a);
        if (k > 0)
            sum += lgamma_r(k + a, &(int){0}) - log_gamma_a + k * log(mean / (a + mean));
    }
    return -sum;
}

/* Golden section on log a from 1/1000 to 1000. */
static double fit_shape(const struct likelihood *l) {
    const double golden = .6180339887498949;
    double low = log(1e-3), high = log(1e3);
    double x = high - golden * (high - low), y = low + golden * (high - low);
    double fx = minus_log_likelihood(l, exp(x)), fy = minus_log_likelihood(l, exp(y));
    while (high - low > 1e-6) {
        if (fx <= fy) {
            high = y;
            y = x;
            fy = fx;
            x = high - golden * (high - low);
            fx = minus_log_likelihood(l, exp(x));
        } else {
            low = x;
            x = y;
            fx = fy;
            y = low + golden * (high - low);
            fy = minus_log_likelihood(l, exp(y));
        }
    }
    return exp((low + high) / 2);
}

static struct hotspots_cell cell_of(const struct hotspots_job *job, const struct area *area,
                                    size_t at, double shape, double weight) {
    const struct tally_square *events = area->events[at];
    double prior = area->prior[at];
    struct rate_gamma g = {area->count[at] + shape, weight + shape / prior};
    return (struct hotspots_cell){
        .easting_m = hotspots_easting(job->options, area->col0 + (int32_t)(at % area->cols)),
        .northing_m = hotspots_northing(job->options, area->row0 + (int32_t)(at / area->cols)),
        .layer = HOTSPOTS_REPORTS,
        .score = rate_mean(g),
        .prior = prior,
        .weighted = area->count[at],
        .exposure = weight,
        .events = events != NULL ? events->count : 0,
        .first_event = events != NULL ? events->first : 0,
    };
}

static int score(const struct hotspots_job *job, struct area *area,
                 struct hotspots_result *result) {
    double weight = months(job);
    int err = fill_prior(job, area, weight);
    struct hotspots_cell *cell = err == 0 ? calloc(area->squares + 1, sizeof *cell) : NULL;
    if (cell == NULL)
        return ERR_NOMEM;
    double shape = fit_shape(&(struct likelihood){area, weight});
    size_t n = 0;
    for (size_t i = 0; i < area->cols * area->rows; i++)
        if (area->inside[i])
            cell[n++] = cell_of(job, area, i, shape, weight);
    result->cell = cell;
    result->cells = n;
    result->prior_a = shape;
    return 0;
}

int hotspots_score_reports(const struct hotspots_job *job, struct hotspots_result *result) {
    if (job->events.squares == 0)
        return 0;
    struct area area = {0};
    size_t left_out = 0;
    int err = area_open(job, &area, &left_out);
    if (err == 0 && left_out < job->events.rows)
        err = score(job, &area, result);
    area_close(&area);
    if (err == 0)
        result->left_out += left_out;
    return err;
}
