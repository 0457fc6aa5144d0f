/* hotspots: which squares of the National Grid to look at, in what order, how sure, and on what.
 *
 * Two layers that are never summed:
 *   SENSORS  events per hour *awake*.  Each square's recency-weighted k and T give, with a Gamma
 *            prior fitted to all squares (rate.h), a posterior rate per hour: shape k + a, rate
 *            T + b.  No heartbeat is no exposure, not "no crime": a square never watched has no
 *            row.
 *   REPORTS  what people told, per square and month, without exposure.  The prior mean of a square
 *            is the neighbourhood's: a Gaussian kernel density of all reports (edge-corrected by
 *            the kernel's mass within the study squares) times the total, plus 1e-4 of the mean;
 *            score = (Σ w n + a) / (Σ w + a / m), `a` by maximum likelihood (gamma-Poisson).
 * Weights are 2^(-age / half-life) on counts and exposure alike, times the event's own weight
 * (officer or sensor 1.0, two independent reports 0.8, one 0.4, unverified sensor 0.3).
 *
 * Without a study area, positions more than 450 squares from the middle of all are taken for
 * mistakes and left out.
 *
 * Reproducible: input is sorted first, so the same events in any order give the same bytes.
 * Sources: Marshall 1991; Clayton & Kaldor 1987 (gamma-Poisson); Diggle 1985 (edge correction).
 * Guarded by tests/collector/hotspots_test.c: R's numbers, order independence, and the gate on
 * 32,380 real reports: over five months, each foretold from those before, PAI at 1 % of the area
 * is 21.3 on average, where plain counts reach 20.3.
 *
 * Memory: from malloc while computing, all freed before return but the result's, which
 * hotspots_free releases; bounded by HOTSPOTS_EVENTS_MAX and HOTSPOTS_CELLS_MAX.  Threads: any.
 * Units: metres of the National Grid, milliseconds since 1970, hours of exposure. */
#ifndef MOORWATCH_HOTSPOTS_H
#define MOORWATCH_HOTSPOTS_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum { HOTSPOTS_EVENTS_MAX = 4000000, HOTSPOTS_CELLS_MAX = 1000000, HOTSPOTS_WORDS_MAX = 240 };

/* With fewer events the words say that a square is too little to act on alone. */
enum { HOTSPOTS_EVENTS_FEW = 3 };

enum hotspots_layer { HOTSPOTS_SENSORS, HOTSPOTS_REPORTS };

struct hotspots_event {
    int64_t occurred_ms;
    int32_t easting_m;
    int32_t northing_m;
    double weight; /* 0 to 1: how much this event is believed */
};

/* Hours that one sensor was awake, in a square, around a moment (one row per hour or per day). */
struct hotspots_exposure {
    int64_t at_ms;
    int32_t easting_m;
    int32_t northing_m;
    double hours;
};

/* South-west corner of a square of the study area. */
struct hotspots_square {
    int32_t easting_m;
    int32_t northing_m;
};

struct hotspots_options {
    enum hotspots_layer layer;
    int32_t cell_m;     /* default 250 */
    int32_t origin_e_m; /* squares start here, modulo cell_m; 0 aligns with the grid */
    int32_t origin_n_m;
    double half_life_days; /* default 28 for sensors, 91 for reports */
    int64_t now_ms;        /* events later than this are an error of the caller: left out */
    int64_t window_days;   /* how far back events count; 0: all */
    double bandwidth_m;    /* reports: of the kernel; default 200 */
    size_t top;            /* at most so many results; 0: all */
};

struct hotspots_options hotspots_defaults(enum hotspots_layer layer, int64_t now_ms);

struct hotspots_cell {
    int32_t easting_m; /* south-west corner */
    int32_t northing_m;
    enum hotspots_layer layer;
    double score; /* sensors: events per awake hour; reports: expected per month */
    double low;   /* 90 % interval of the score */
    double high;
    double prior;         /* what the score would be without this square's own events */
    double weighted;      /* Σ w: recency and belief */
    double watched_hours; /* sensors: awake hours, unweighted */
    double exposure;      /* sensors: weighted awake hours; reports: weighted months */
    uint32_t events;      /* how many stand behind it */
    uint32_t first_event; /* their places in `behind`, first_event .. + events - 1 */
    char words[HOTSPOTS_WORDS_MAX];
};

/* One event behind a square: its index in the caller's array and the weight that it had now. */
struct hotspots_behind {
    uint32_t event;
    double weight;
};

struct hotspots_result {
    struct hotspots_cell *cell; /* ranked, highest score first; ties by northing, easting */
    size_t cells;
    struct hotspots_behind *behind; /* newest first within a square */
    size_t behinds;
    double prior_a; /* the fitted prior, for the record */
    double prior_b; /* sensors only */
    size_t
        left_out; /* events later than now, older than the window, or outside the study squares */
};

struct hotspots_input {
    const struct hotspots_event *event;
    size_t events;
    const struct hotspots_exposure *exposure; /* sensors */
    size_t exposures;
    const struct hotspots_square
        *study; /* reports: the squares of the area; NULL: a box around the events */
    size_t squares;
};

/* ERR_OVERFLOW: more than the bounds.  ERR_RANGE: an option or number that makes no sense.
 * ERR_NOMEM.  No events, or sensors without exposure: good, with no cells. */
MUST int hotspots_compute(const struct hotspots_input *input,
                          const struct hotspots_options *options,
                          struct hotspots_result *ret_result);
void hotspots_free(struct hotspots_result *result);

#endif
