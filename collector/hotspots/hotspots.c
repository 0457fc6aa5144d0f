#include "hotspots_own.h"
#include "rate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double DAY_MS = 86400000;

enum { METRES_MAX = 10000000 };

struct hotspots_options hotspots_defaults(enum hotspots_layer layer, int64_t now_ms) {
    return (struct hotspots_options){
        .layer = layer,
        .cell_m = 250,
        .half_life_days = layer == HOTSPOTS_SENSORS ? 28 : 91,
        .now_ms = now_ms,
        .bandwidth_m = 200,
    };
}

static int metres_ok(int32_t m) {
    return m >= -METRES_MAX && m <= METRES_MAX;
}

static int options_check(const struct hotspots_options *o) {
    int ok = (o->layer == HOTSPOTS_SENSORS || o->layer == HOTSPOTS_REPORTS) && o->cell_m >= 10 &&
             o->cell_m <= 10000 && o->half_life_days >= 1 && o->half_life_days <= 36500 &&
             o->bandwidth_m >= 20 && o->bandwidth_m <= 5000 && o->bandwidth_m <= 100 * o->cell_m &&
             o->window_days >= 0 && o->window_days <= 36500 && metres_ok(o->origin_e_m) &&
             metres_ok(o->origin_n_m);
    return ok ? 0 : ERR_RANGE;
}

static int32_t floor_div(int32_t a, int32_t b) {
    return a / b - (a % b < 0);
}

int32_t hotspots_easting(const struct hotspots_options *options, int32_t col) {
    return col * options->cell_m + options->origin_e_m;
}

int32_t hotspots_northing(const struct hotspots_options *options, int32_t row) {
    return row * options->cell_m + options->origin_n_m;
}

static int place(const struct hotspots_options *o, int32_t easting_m, int32_t northing_m,
                 struct tally_row *row) {
    if (!metres_ok(easting_m) || !metres_ok(northing_m))
        return ERR_RANGE;
    row->col = floor_div(easting_m - o->origin_e_m, o->cell_m);
    row->row = floor_div(northing_m - o->origin_n_m, o->cell_m);
    return 0;
}

/* 1 with the weight of that moment, 0 if it does not count. */
static int recency(const struct hotspots_options *o, int64_t at_ms, double *ret_weight) {
    double days = ((double)o->now_ms - (double)at_ms) / DAY_MS;
    if (days < 0 || (o->window_days > 0 && days > (double)o->window_days))
        return 0;
    *ret_weight = exp2(-days / o->half_life_days);
    return 1;
}

static struct tally_row *rows_new(size_t n) {
    return malloc((n + 1) * sizeof(struct tally_row));
}

static int take_event(const struct hotspots_input *in, const struct hotspots_options *o, size_t i,
                      struct tally_row *row) {
    const struct hotspots_event *e = &in->event[i];
    double weight;
    *row = (struct tally_row){.at_ms = e->occurred_ms, .raw = 1, .index = (uint32_t)i};
    if (!(e->weight >= 0 && e->weight <= 1) || place(o, e->easting_m, e->northing_m, row) < 0)
        return ERR_RANGE;
    if (!recency(o, e->occurred_ms, &weight))
        return 0;
    row->weight = e->weight * weight;
    return 1;
}

static int take_exposure(const struct hotspots_input *in, const struct hotspots_options *o,
                         size_t i, struct tally_row *row) {
    const struct hotspots_exposure *x = &in->exposure[i];
    double weight;
    *row = (struct tally_row){.at_ms = x->at_ms, .raw = x->hours, .index = (uint32_t)i};
    if (!(x->hours >= 0 && x->hours <= 1e9) || place(o, x->easting_m, x->northing_m, row) < 0)
        return ERR_RANGE;
    if (x->hours <= 0 || !recency(o, x->at_ms, &weight))
        return 0;
    row->weight = x->hours * weight;
    return 1;
}

static int take_study(const struct hotspots_input *in, const struct hotspots_options *o, size_t i,
                      struct tally_row *row) {
    *row = (struct tally_row){.weight = 1, .raw = 1, .index = (uint32_t)i};
    int err = place(o, in->study[i].easting_m, in->study[i].northing_m, row);
    return err < 0 ? err : 1;
}

typedef int take_fn(const struct hotspots_input *in, const struct hotspots_options *o, size_t i,
                    struct tally_row *row);

/* The tally of those of n rows that `take` gives 1 for. */
static int tally_of(const struct hotspots_input *in, const struct hotspots_options *o, size_t n,
                    take_fn *take, struct tally *ret_tally) {
    struct tally_row *row = rows_new(n);
    if (row == NULL)
        return ERR_NOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        int taken = take(in, o, i, &row[kept]);
        if (taken < 0) {
            free(row);
            return taken;
        }
        kept += (size_t)taken;
    }
    return tally_make(row, kept, ret_tally);
}

static int by_score(const void *left, const void *right) {
    const struct hotspots_cell *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->northing_m != b->northing_m)
        return a->northing_m < b->northing_m ? -1 : 1;
    return (a->easting_m > b->easting_m) - (a->easting_m < b->easting_m);
}

/* The events behind the squares that are shown, square by square. */
static int attach_events(const struct hotspots_job *job, struct hotspots_result *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->cells; i++)
        n += r->cell[i].events;
    r->behind = malloc((n + 1) * sizeof *r->behind);
    if (r->behind == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->cells; i++) {
        struct hotspots_cell *c = &r->cell[i];
        const struct tally_row *row = c->events > 0 ? &job->events.row[c->first_event] : NULL;
        c->first_event = (uint32_t)r->behinds;
        for (uint32_t e = 0; e < c->events; e++)
            r->behind[r->behinds++] = (struct hotspots_behind){row[e].index, row[e].weight};
        hotspots_say(c, row != NULL ? row->at_ms : 0, job->options->now_ms);
    }
    return 0;
}

/* The interval of a report square costs far more than its score: only those shown get one. */
static void add_intervals(struct hotspots_result *r) {
    for (size_t i = 0; i < r->cells; i++) {
        struct hotspots_cell *c = &r->cell[i];
        if (c->layer != HOTSPOTS_REPORTS)
            continue;
        struct rate_gamma g = {c->weighted + r->prior_a, c->exposure + r->prior_a / c->prior};
        c->low = rate_quantile(g, .05);
        c->high = rate_quantile(g, .95);
    }
}

static int rank(const struct hotspots_job *job, struct hotspots_result *r) {
    if (r->cells > 0)
        qsort(r->cell, r->cells, sizeof *r->cell, by_score);
    if (job->options->top > 0 && r->cells > job->options->top)
        r->cells = job->options->top;
    add_intervals(r);
    return attach_events(job, r);
}

static int gather(const struct hotspots_input *in, struct hotspots_job *job) {
    const struct hotspots_options *o = job->options;
    int sensors = o->layer == HOTSPOTS_SENSORS;
    int err = tally_of(in, o, in->events, take_event, &job->events);
    if (err == 0)
        err = tally_of(in, o, sensors ? in->exposures : 0, take_exposure, &job->exposure);
    if (err == 0)
        err = tally_of(in, o, sensors ? 0 : in->squares, take_study, &job->study);
    return err;
}

static int compute(const struct hotspots_job *job, struct hotspots_result *result) {
    int err = job->options->layer == HOTSPOTS_SENSORS ? hotspots_score_sensors(job, result)
                                                      : hotspots_score_reports(job, result);
    return err < 0 ? err : rank(job, result);
}

int hotspots_compute(const struct hotspots_input *input, const struct hotspots_options *options,
                     struct hotspots_result *ret_result) {
    if (input->events > HOTSPOTS_EVENTS_MAX || input->exposures > HOTSPOTS_EVENTS_MAX ||
        input->squares > HOTSPOTS_CELLS_MAX)
        return ERR_OVERFLOW;
    if (options_check(options) < 0)
        return ERR_RANGE;
    struct hotspots_job job = {.options = options};
    struct hotspots_result result = {0};
    int err = gather(input, &job);
    if (err == 0) {
        result.left_out = input->events - job.events.rows;
        err = compute(&job, &result);
    }
    tally_free(&job.events);
    tally_free(&job.exposure);
    tally_free(&job.study);
    if (err < 0)
        hotspots_free(&result);
    else
        *ret_result = result;
    return err;
}

void hotspots_free(struct hotspots_result *result) {
    free(result->cell);
    free(result->behind);
    *result = (struct hotspots_result){0};
}
