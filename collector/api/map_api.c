/* The base map, without the internet: ward outlines where they are imported, and the National Grid.
 */
#include "call.h"
#include "grid.h"
#include "map.h"
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTION                                                                                \
    "Contains Ordnance Survey and Office for National Statistics data \xc2\xa9 Crown copyright "   \
    "and database right, licensed under the Open Government Licence v3.0."

/* ---- wards --------------------------------------------------------------------------------- */

static int ward_add(void *arg, const struct store_ward *row) {
    json_t *geometry = json_loadb(row->geojson, row->geojson_len, 0, NULL);
    if (geometry == NULL) /* a ward without an outline still has a name elsewhere */
        return 0;
    json_array_append_new(arg, json_pack("{s:s,s:s,s:{s:s,s:s},s:o}", "type", "Feature", "id",
                                         row->code, "properties", "name", row->name, "district",
                                         row->district, "geometry", geometry));
    return 0;
}

int handle_wards(struct call *call) {
    json_t *features = json_array();
    int r = call->store->wards(call->store->ctx, ward_add, features);
    if (r < 0) {
        json_decref(features);
        return r;
    }
    bool any = json_array_size(features) > 0;
    return call_json(call, 200,
                     json_pack("{s:s,s:s,s:o}", "type", "FeatureCollection", "attribution",
                               any ? ATTRIBUTION : "", "features", features));
}

/* ---- grid ---------------------------------------------------------------------------------- */

enum { STEP_M = 1000, NAMED_M = 5000, MARGIN_M = 5000, SPAN_MAX_M = 120000 };

struct box {
    int32_t west, south, east, north;
};

/* The area of Cleveland Police (its ward polygons), while nothing is registered. */
static const struct box AREA = {435000, 505000, 480000, 540000};

static void box_take(struct box *box, int32_t easting, int32_t northing) {
    if (easting == 0 && northing == 0)
        return;
    box->west = easting < box->west ? easting : box->west;
    box->east = easting > box->east ? easting : box->east;
    box->south = northing < box->south ? northing : box->south;
    box->north = northing > box->north ? northing : box->north;
}

static int site_take(void *arg, const struct store_site *row) {
    box_take(arg, row->easting, row->northing);
    return 0;
}

static int lock_take(void *arg, const struct store_lock_state *row) {
    box_take(arg, row->lock.easting, row->lock.northing);
    return 0;
}

static int point_take(void *arg, const struct store_point *row) {
    box_take(arg, row->easting, row->northing);
    return 0;
}

static bool box_sane(const struct box *box) {
    return box->west <= box->east && box->east - box->west <= SPAN_MAX_M &&
           box->north - box->south <= SPAN_MAX_M;
}

static int32_t floor_to(int32_t value, int32_t step) {
    return value / step * step - (value % step < 0 ? step : 0);
}

/* Whole named squares around everything registered, and around the reports unless one of them lies
 * far away: a mistyped place must not blow up the map. */
static int box_read(const struct store *store, struct box *ret_box) {
    struct box box = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};
    int r = store->sites(store->ctx, site_take, &box);
    if (r >= 0)
        r = store->locks(store->ctx, lock_take, &box);
    struct box wide = box;
    if (r >= 0)
        r = store->points(store->ctx, 1U << POINT_REPORT, STORE_NEVER, INT64_MAX, 0, point_take,
                          &wide);
    if (r < 0)
        return r;
    box = box_sane(&wide) ? wide : box_sane(&box) ? box : AREA;
    *ret_box = (struct box){floor_to(box.west - MARGIN_M, NAMED_M),
                            floor_to(box.south - MARGIN_M, NAMED_M),
                            floor_to(box.east + MARGIN_M, NAMED_M) + NAMED_M,
                            floor_to(box.north + MARGIN_M, NAMED_M) + NAMED_M};
    return 0;
}

static void feature_add(json_t *features, json_t *geometry, json_t *properties) {
    json_array_append_new(features, json_pack("{s:s,s:o,s:o}", "type", "Feature", "geometry",
                                              geometry, "properties", properties));
}

static void lines_add(const struct map *map, const struct box *box, json_t *features) {
    for (int32_t e = box->west; e <= box->east; e += STEP_M) {
        const double from[] = {e, box->south}, to[] = {e, box->north};
        feature_add(features, map_line(map, from, to, NAMED_M),
                    json_pack("{s:i}", "step_m", e % NAMED_M == 0 ? NAMED_M : STEP_M));
    }
    for (int32_t n = box->south; n <= box->north; n += STEP_M) {
        const double from[] = {box->west, n}, to[] = {box->east, n};
        feature_add(features, map_line(map, from, to, NAMED_M),
                    json_pack("{s:i}", "step_m", n % NAMED_M == 0 ? NAMED_M : STEP_M));
    }
}

static void names_add(const struct map *map, const struct box *box, json_t *features) {
    char name[GRID_REFERENCE_MAX];
    for (int32_t e = box->west; e < box->east; e += NAMED_M)
        for (int32_t n = box->south; n < box->north; n += NAMED_M)
            if (grid_format(e, n, 4, name, sizeof name) >= 0)
                feature_add(
                    features,
                    json_pack("{s:s,s:o}", "type", "Point", "coordinates", map_position(map, e, n)),
                    json_pack("{s:s}", "name", name));
}

int handle_grid(struct call *call) {
    struct map map;
    struct box box;
    int r = box_read(call->store, &box);
    if (r >= 0)
        r = map_open(&map);
    if (r < 0)
        return r;
    json_t *features = json_array();
    lines_add(&map, &box, features);
    names_add(&map, &box, features);
    map_close(&map);
    return call_json(call, 200,
                     json_pack("{s:s,s:o}", "type", "FeatureCollection", "features", features));
}
