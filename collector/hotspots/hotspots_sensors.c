/* The sensor layer: events per awake hour. */
#include "hotspots_own.h"
#include "rate.h"
#include <stdlib.h>

static int before(const struct tally_square *a, const struct tally_square *b) {
    return a->row < b->row || (a->row == b->row && a->col < b->col);
}

/* The events of each watched square, or none; events where nothing was awake are left out. */
static size_t join(const struct hotspots_job *job, const struct tally_square **ret_events) {
    const struct tally *events = &job->events, *awake = &job->exposure;
    size_t e = 0, left_out = 0;
    for (size_t i = 0; i < awake->squares; i++) {
        const struct tally_square *here = &awake->square[i];
        for (; e < events->squares && before(&events->square[e], here); e++)
            left_out += events->square[e].count;
        int same = e < events->squares && !before(here, &events->square[e]);
        ret_events[i] = same ? &events->square[e++] : NULL;
    }
    for (; e < events->squares; e++)
        left_out += events->square[e].count;
    return left_out;
}

static struct hotspots_cell cell_of(const struct hotspots_job *job,
                                    const struct tally_square *awake,
                                    const struct tally_square *events, struct rate_gamma prior) {
    struct rate_seen seen = {events != NULL ? events->weight : 0, awake->weight};
    struct rate_gamma g = rate_posterior(prior, seen);
    return (struct hotspots_cell){
        .easting_m = hotspots_easting(job->options, awake->col),
        .northing_m = hotspots_northing(job->options, awake->row),
        .layer = HOTSPOTS_SENSORS,
        .score = rate_mean(g),
        .low = rate_quantile(g, .05),
        .high = rate_quantile(g, .95),
        .prior = rate_mean(prior),
        .weighted = seen.events,
        .watched_hours = awake->raw,
        .exposure = awake->weight,
        .events = events != NULL ? events->count : 0,
        .first_event = events != NULL ? events->first : 0,
    };
}

static int fit(const struct hotspots_job *job, const struct tally_square *const *events,
               struct rate_fit *ret_fit) {
    size_t n = job->exposure.squares;
    struct rate_seen *seen = malloc((n + 1) * sizeof *seen);
    if (seen == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        seen[i] = (struct rate_seen){events[i] != NULL ? events[i]->weight : 0,
                                     job->exposure.square[i].weight};
    int err = rate_fit(seen, n, ret_fit);
    free(seen);
    return err;
}

static int score(const struct hotspots_job *job, const struct tally_square *const *events,
                 struct hotspots_result *result) {
    struct rate_fit prior;
    int err = fit(job, events, &prior);
    if (err == ERR_INVAL)
        return 0; /* no event anywhere, or nothing awake: nothing is hot */
    size_t n = job->exposure.squares;
    struct hotspots_cell *cell = err == 0 ? calloc(n, sizeof *cell) : NULL;
    if (cell == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        cell[i] = cell_of(job, &job->exposure.square[i], events[i], prior.prior);
    result->cell = cell;
    result->cells = n;
    result->prior_a = prior.prior.a;
    result->prior_b = prior.prior.b;
    return 0;
}

int hotspots_score_sensors(const struct hotspots_job *job, struct hotspots_result *result) {
    const struct tally_square **events =
        calloc(job->exposure.squares + 1, sizeof(const struct tally_square *));
    if (events == NULL)
        return ERR_NOMEM;
    result->left_out += join(job, events);
    int err = score(job, events, result);
    free(events);
    return err;
}
