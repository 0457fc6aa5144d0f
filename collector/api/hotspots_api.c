/* Hotspots: squares of the National Grid, ranked, with how sure and on what, as GeoJSON. */
#include "call.h"
#include "grid.h"
#include "hotspots.h"
#include "map.h"
#include <stdlib.h>
#include <string.h>

enum { TOP = 50, BEHIND_MAX = 20, WINDOW_DAYS = 365 };
#define DAY_MS ((int64_t)24 * STORE_HOUR_MS)

struct gathering {
    struct store_point *points;
    struct hotspots_event *events;
    size_t count, cap;
    struct hotspots_exposure *exposures;
    size_t exposures_n, exposures_cap;
    struct store_lock *locks;
    size_t locks_n;
};

static void gathering_free(struct gathering *g) {
    free(g->points);
    free(g->events);
    free(g->exposures);
    free(g->locks);
}

/* ---- events -------------------------------------------------------------------------------- */

/* What people report is believed by who tells; a sensor and an officer fully. */
static double weight_of(const struct store_point *point) {
    return point->layer == POINT_LOCK || strcmp(point->source, "police") == 0 ? 1.0 : 0.4;
}

static int points_grow(struct gathering *g) {
    size_t cap = g->cap == 0 ? 256 : 2 * g->cap;
    struct store_point *points = realloc(g->points, cap * sizeof *points);
    if (points == NULL)
        return ERR_NOMEM;
    g->points = points;
    struct hotspots_event *events = realloc(g->events, cap * sizeof *events);
    if (events == NULL)
        return ERR_NOMEM;
    g->events = events;
    g->cap = cap;
    return 0;
}

static int point_add(void *arg, const struct store_point *row) {
    struct gathering *g = arg;
    if (g->count == g->cap && points_grow(g) < 0)
        return ERR_NOMEM;
    g->points[g->count] = *row;
    g->events[g->count++] = (struct hotspots_event){.occurred_ms = row->occurred_ms,
                                                    .easting_m = row->easting,
                                                    .northing_m = row->northing,
                                                    .weight = weight_of(row)};
    return 0;
}

/* ---- exposure: where and for how long the locks' hubs were awake --------------------------- */

static int lock_add(void *arg, const struct store_lock_state *row) {
    struct gathering *g = arg;
    struct store_lock *more = realloc(g->locks, (g->locks_n + 1) * sizeof *more);
    if (more == NULL)
        return ERR_NOMEM;
    g->locks = more;
    if (row->lock.easting != 0)
        g->locks[g->locks_n++] = row->lock;
    return 0;
}

static int exposure_put(struct gathering *g, const struct store_awake *row,
                        const struct store_lock *lock) {
    if (g->exposures_n == g->exposures_cap) {
        size_t cap = g->exposures_cap == 0 ? 256 : 2 * g->exposures_cap;
        struct hotspots_exposure *more = realloc(g->exposures, cap * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        g->exposures = more;
        g->exposures_cap = cap;
    }
    g->exposures[g->exposures_n++] =
        (struct hotspots_exposure){.at_ms = row->hour_ms,
                                   .easting_m = lock->easting,
                                   .northing_m = lock->northing,
                                   .hours = (double)row->awake_ms / STORE_HOUR_MS};
    return 0;
}

/* Each lock is a sensor of its own: two in one square watch it twice. */
static int awake_add(void *arg, const struct store_awake *row) {
    struct gathering *g = arg;
    int r = 0;
    for (size_t i = 0; i < g->locks_n && r >= 0; i++)
        if (strcmp(g->locks[i].device, row->device) == 0)
            r = exposure_put(g, row, &g->locks[i]);
    return r;
}

static int gather(struct call *call, enum hotspots_layer layer, struct gathering *g) {
    const struct store *store = call->store;
    int64_t now = call->request->now_ms, from = now - WINDOW_DAYS * DAY_MS;
    unsigned layers = 1U << (layer == HOTSPOTS_SENSORS ? POINT_LOCK : POINT_REPORT);
    int r = store->points(store->ctx, layers, from, now, 0, point_add, g);
    if (r >= 0 && layer == HOTSPOTS_SENSORS)
        r = store->locks(store->ctx, lock_add, g);
    if (r >= 0 && layer == HOTSPOTS_SENSORS)
        r = store->awake(store->ctx, NULL, from, now, 0, awake_add, g);
    return r;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static json_t *behind_json(const struct gathering *g, const struct hotspots_result *result,
                           const struct hotspots_cell *cell) {
    static const char *const precisions[] = {"minute", "day", "month"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < cell->events && i < BEHIND_MAX; i++) {
        const struct hotspots_behind *behind = &result->behind[cell->first_event + i];
        const struct store_point *point = &g->points[behind->event];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:o,s:s,s:o}", "kind", point->kind, "source",
                                        point->source, "occurred", json_time(point->occurred_ms),
                                        "precision", precisions[point->precision % 3], "weight",
                                        json_round(behind->weight, 3)));
    }
    return list;
}

static json_t *cell_json(const struct map *map, const struct gathering *g,
                         const struct hotspots_result *result, size_t rank, int32_t cell_m) {
    const struct hotspots_cell *cell = &result->cell[rank];
    char reference[GRID_REFERENCE_MAX] = "";
    if (grid_format(cell->easting_m, cell->northing_m, 8, reference, sizeof reference) < 0)
        reference[0] = '\0';
    json_t *json =
        json_pack("{s:i,s:s,s:i,s:i,s:i,s:i,s:s}", "rank", (int)rank + 1, "grid_ref", reference,
                  "easting", (int)cell->easting_m, "northing", (int)cell->northing_m, "cell_m",
                  (int)cell_m, "events", (int)cell->events, "words", cell->words);
    json_object_set_new(json, "score", json_round(cell->score, 6));
    json_object_set_new(json, "low", json_round(cell->low, 6));
    json_object_set_new(json, "high", json_round(cell->high, 6));
    json_object_set_new(json, "prior", json_round(cell->prior, 6));
    json_object_set_new(json, "exposure", json_round(cell->exposure, 1));
    json_object_set_new(json, "behind", behind_json(g, result, cell));
    return json_pack("{s:s,s:o,s:o}", "type", "Feature", "geometry",
                     map_square(map, cell->easting_m, cell->northing_m, cell_m), "properties",
                     json);
}

static int answer(struct call *call, const struct hotspots_options *options,
                  const struct gathering *g, const struct hotspots_result *result) {
    struct map map;
    int r = map_open(&map);
    if (r < 0)
        return r;
    bool sensors = options->layer == HOTSPOTS_SENSORS;
    json_t *features = json_array();
    for (size_t i = 0; i < result->cells; i++)
        json_array_append_new(features, cell_json(&map, g, result, i, options->cell_m));
    map_close(&map);
    return call_json(call, 200,
                     json_pack("{s:s,s:s,s:s,s:o,s:I,s:i,s:o}", "type", "FeatureCollection",
                               "layer", sensors ? "sensors" : "reports", "unit",
                               sensors ? "events per hour awake" : "reports expected per month",
                               "computed", json_time(options->now_ms), "left_out",
                               (json_int_t)result->left_out, "half_life_days",
                               (int)options->half_life_days, "features", features));
}

static int layer_read(struct call *call, enum hotspots_layer *ret_layer) {
    const char *text = call_query(call, "layer");
    if (text == NULL || strcmp(text, "sensors") == 0)
        *ret_layer = HOTSPOTS_SENSORS;
    else if (strcmp(text, "reports") == 0)
        *ret_layer = HOTSPOTS_REPORTS;
    else {
        int r = call_refuse(call, 400, "bad-query", "'layer' is sensors or reports.");
        return r < 0 ? r : ERR_INVAL;
    }
    return 0;
}

int handle_hotspots(struct call *call) {
    enum hotspots_layer layer;
    struct gathering g = {0};
    struct hotspots_result result = {0};
    int r = layer_read(call, &layer);
    if (r < 0)
        return r;
    struct hotspots_options options = hotspots_defaults(layer, call->request->now_ms);
    options.top = TOP;
    r = gather(call, layer, &g);
    if (r >= 0) {
        struct hotspots_input input = {.event = g.events,
                                       .events = g.count,
                                       .exposure = g.exposures,
                                       .exposures = g.exposures_n};
        r = hotspots_compute(&input, &options, &result);
    }
    if (r >= 0)
        r = answer(call, &options, &g, &result);
    hotspots_free(&result);
    gathering_free(&g);
    return r;
}
