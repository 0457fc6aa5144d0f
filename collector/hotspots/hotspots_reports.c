/* The report layer: counts that shrink to the density of their neighbourhood. */
#include "hotspots_own.h"
#include "kernel.h"
#include "rate.h"
#include <math.h>
#include <stdlib.h>

static const double DAY_MS = 86400000;
static const double MONTH_DAYS = 30.4375;

enum { SIDE_MAX = 900, PAD_MAX = 49 }; /* squares: with both, under HOTSPOTS_CELLS_MAX */

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

struct pile {
    int32_t at; /* a column or a row */
    uint32_t events;
};

static int ascending(const void *a, const void *b) {
    int32_t x = ((const struct pile *)a)->at, y = ((const struct pile *)b)->at;
    return (x > y) - (x < y);
}

/* Where half of the events lie on either side. */
static int32_t middle(struct pile *pile, size_t n, size_t events) {
    qsort(pile, n, sizeof *pile, ascending);
    size_t i = 0;
    for (size_t seen = pile[0].events; 2 * seen < events; seen += pile[i].events)
        i++;
    return pile[i].at;
}

/* One mistyped position must not stretch the map over the whole country: what is further than half
 * SIDE_MAX squares from the middle of all, by column or row, is left out. */
static int clip(const struct tally *t, struct box *b) {
    struct pile *pile = malloc(t->squares * sizeof *pile);
    if (pile == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->squares; i++)
        pile[i] = (struct pile){t->square[i].col, t->square[i].count};
    int64_t col = middle(pile, t->squares, t->rows), half = SIDE_MAX / 2;
    for (size_t i = 0; i < t->squares; i++)
        pile[i] = (struct pile){t->square[i].row, t->square[i].count};
    int64_t row = middle(pile, t->squares, t->rows);
    free(pile);
    *b = (struct box){.col0 = b->col0 > col - half ? b->col0 : col - half,
                      .row0 = b->row0 > row - half ? b->row0 : row - half,
                      .col1 = b->col1 < col + half ? b->col1 : col + half,
                      .row1 = b->row1 < row + half ? b->row1 : row + half};
    return 0;
}

/* Without a study area, what lies within three bandwidths of a report may be hot too. */
static int area_box(const struct hotspots_job *job, struct box *ret_box) {
    if (job->study.squares > 0) {
        *ret_box = box_of(&job->study);
        return 0;
    }
    struct box b = box_of(&job->events);
    int err = clip(&job->events, &b);
    if (err < 0)
        return err;
    int64_t pad = (int64_t)ceil(3 * job->options->bandwidth_m / job->options->cell_m);
    pad = pad < PAD_MAX ? pad : PAD_MAX;
    *ret_box = (struct box){b.col0 - pad, b.row0 - pad, b.col1 + pad, b.row1 + pad};
    return 0;
}

static int area_size(const struct hotspots_job *job, struct area *a) {
    struct box b;
    int err = area_box(job, &b);
    if (err < 0)
        return err;
    int64_t cols = b.col1 - b.col0 + 1, rows = b.row1 - b.row0 + 1;
    if (cols > HOTSPOTS_CELLS_MAX || rows > HOTSPOTS_CELLS_MAX / cols)
        return ERR_OVERFLOW;
    a->col0 = (int32_t)b.col0;
    a->row0 = (int32_t)b.row0;
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

struct scored {
    double score;
    size_t at;
};

static int by_score(const void *left, const void *right) {
    const struct scored *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

static void score_all(const struct area *area, double shape, double weight, struct scored *to) {
    for (size_t i = 0; i < area->cols * area->rows; i++)
        if (area->inside[i])
            *to++ =
                (struct scored){(area->count[i] + shape) / (weight + shape / area->prior[i]), i};
}

/* Only what is asked for becomes a cell with words: of a million squares the best fifty. */
static int keep_best(const struct hotspots_job *job, const struct area *area, double weight,
                     struct hotspots_result *result) {
    size_t n = area->squares, top = job->options->top;
    struct scored *scored = malloc(n * sizeof *scored);
    if (scored == NULL)
        return ERR_NOMEM;
    score_all(area, result->prior_a, weight, scored);
    qsort(scored, n, sizeof *scored, by_score);
    size_t keep = top > 0 && top < n ? top : n;
    result->cell = calloc(keep, sizeof *result->cell);
    for (size_t i = 0; result->cell != NULL && i < keep; i++)
        result->cell[i] = cell_of(job, area, scored[i].at, result->prior_a, weight);
    free(scored);
    if (result->cell == NULL)
        return ERR_NOMEM;
    result->cells = keep;
    return 0;
}

static int score(const struct hotspots_job *job, struct area *area,
                 struct hotspots_result *result) {
    double weight = months(job);
    int err = fill_prior(job, area, weight);
    if (err < 0)
        return err;
    result->prior_a = fit_shape(&(struct likelihood){area, weight});
    return keep_best(job, area, weight, result);
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
