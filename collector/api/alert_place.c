#include "alert_place.h"
#include "grid.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_MS ((int64_t)ALERT_NEAR_DAYS * 24 * STORE_HOUR_MS)

struct place {
    struct store_lock lock; /* zeroed if the alert is not about a registered lock */
    struct store_device device;
    int32_t easting, northing;
};

static int place_find(const struct store *store, const struct store_alert *alert,
                      struct place *ret_place) {
    struct place place = {0};
    int r = store->device_get(store->ctx, alert->device, &place.device);
    if (r < 0)
        return r;
    bool is_lock = alert->lock != STORE_NO_LOCK &&
                   store->lock_get(store->ctx, alert->device, alert->lock, &place.lock) >= 0;
    place.easting = is_lock ? place.lock.easting : place.device.easting;
    place.northing = is_lock ? place.lock.northing : place.device.northing;
    *ret_place = place;
    return 0;
}

json_t *alert_place_json(const struct call *call, const struct store_alert *alert) {
    struct place place;
    char reference[GRID_REFERENCE_MAX] = "";
    if (place_find(call->store, alert, &place) < 0)
        return json_null();
    if (place.easting != 0 &&
        grid_format(place.easting, place.northing, 8, reference, sizeof reference) < 0)
        reference[0] = '\0';
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i}", "plot", place.lock.plot, "allotment",
                     place.lock.allotment, "device_name", place.device.name, "lpa",
                     place.device.lpa, "grid_ref", reference, "easting", (int)place.easting,
                     "northing", (int)place.northing);
}

/* ---- next door ----------------------------------------------------------------------------- */

struct near {
    struct store_alert alert;
    double metres;
};

struct nearby {
    struct near rows[CALL_LIMIT_MAX];
    size_t count;
};

static int near_add(void *arg, const struct store_alert *row) {
    struct nearby *nearby = arg;
    if (row->lock != STORE_NO_LOCK)
        nearby->rows[nearby->count++].alert = *row;
    return 0;
}

static int by_distance(const void *pa, const void *pb) {
    const struct near *a = pa, *b = pb;
    int order = (a->metres > b->metres) - (a->metres < b->metres);
    return order != 0 ? order : (a->alert.id < b->alert.id) - (a->alert.id > b->alert.id);
}

static bool same_thing(const struct store_alert *a, const struct store_alert *b) {
    return a->lock == b->lock && strcmp(a->device, b->device) == 0;
}

/* Keeps the rows of other locks within reach, with their distances. */
static void near_keep(const struct call *call, const struct store_alert *alert,
                      const struct place *at, struct nearby *nearby) {
    size_t kept = 0;
    for (size_t i = 0; i < nearby->count; i++) {
        struct near *row = &nearby->rows[i];
        struct place other;
        if (same_thing(alert, &row->alert) || place_find(call->store, &row->alert, &other) < 0 ||
            other.easting == 0)
            continue;
        row->metres = hypot(other.easting - at->easting, other.northing - at->northing);
        if (row->metres <= ALERT_NEAR_M)
            nearby->rows[kept++] = *row;
    }
    nearby->count = kept;
}

static json_t *nearby_json(const struct nearby *nearby) {
    json_t *list = json_array();
    for (size_t i = 0; i < nearby->count && i < ALERT_NEAR_ROWS; i++) {
        json_t *json = json_alert(&nearby->rows[i].alert);
        json_object_set_new(json, "distance_m", json_round(nearby->rows[i].metres, 0));
        json_array_append_new(list, json);
    }
    return list;
}

int alert_place_nearby(const struct call *call, const struct store_alert *alert,
                       json_t **ret_list) {
    struct place at;
    struct store_alert_filter filter = {.lock = -1,
                                        .from_ms = alert->raised_ms - NEAR_MS,
                                        .to_ms = alert->raised_ms + NEAR_MS,
                                        .limit = CALL_LIMIT_MAX};
    struct nearby *nearby = calloc(1, sizeof *nearby);
    if (nearby == NULL)
        return ERR_NOMEM;
    int r = 0;
    if (place_find(call->store, alert, &at) >= 0 && at.easting != 0) {
        r = call->store->alerts(call->store->ctx, &filter, near_add, nearby);
        near_keep(call, alert, &at, nearby);
    }
    qsort(nearby->rows, nearby->count, sizeof *nearby->rows, by_distance);
    if (r >= 0)
        *ret_list = nearby_json(nearby);
    free(nearby);
    return r < 0 ? r : 0;
}
