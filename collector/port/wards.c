#include "wards.h"
#include <geos_c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    struct ward ward;
    GEOSGeometry *area;
};

struct wards_map {
    const struct grid *grid;
    GEOSContextHandle_t geos;
    GEOSGeoJSONReader *reader;
    GEOSSTRtree *tree;
    bool searched; /* GEOS packs the tree at the first search: nothing can be added after */
    size_t count;
    struct shape shape[WARDS_MAX];
};

int wards_open(const struct grid *grid, struct wards *ret_wards) {
    struct wards wards = {calloc(1, sizeof(struct wards_map))};
    if (wards.map == NULL)
        return ERR_NOMEM;
    wards.map->grid = grid;
    wards.map->geos = GEOS_init_r();
    if (wards.map->geos != NULL) {
        wards.map->tree = GEOSSTRtree_create_r(wards.map->geos, 10);
        wards.map->reader = GEOSGeoJSONReader_create_r(wards.map->geos);
    }
    if (wards.map->tree == NULL || wards.map->reader == NULL) {
        wards_close(&wards);
        return ERR_NOMEM;
    }
    *ret_wards = wards;
    return 0;
}

void wards_close(struct wards *wards) {
    struct wards_map *map = wards->map;
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->count; i++)
        GEOSGeom_destroy_r(map->geos, map->shape[i].area);
    if (map->tree != NULL)
        GEOSSTRtree_destroy_r(map->geos, map->tree);
    if (map->reader != NULL)
        GEOSGeoJSONReader_destroy_r(map->geos, map->reader);
    if (map->geos != NULL)
        GEOS_finish_r(map->geos);
    free(map);
    wards->map = NULL;
}

static int project(double *x, double *y, void *arg) {
    return grid_from_wgs84(arg, *y, *x, x, y) == 0;
}

static int read_area(struct wards_map *map, const char *geojson, GEOSGeometry **ret_area) {
    GEOSGeometry *globe = GEOSGeoJSONReader_readGeometry_r(map->geos, map->reader, geojson);
    if (globe == NULL)
        return ERR_BADMSG;
    int type = GEOSGeomTypeId_r(map->geos, globe);
    GEOSGeometry *area = NULL;
    if (type == GEOS_POLYGON || type == GEOS_MULTIPOLYGON)
        area = GEOSGeom_transformXY_r(map->geos, globe, project, (void *)(uintptr_t)map->grid);
    GEOSGeom_destroy_r(map->geos, globe);
    if (area == NULL || GEOSisEmpty_r(map->geos, area) != 0) {
        GEOSGeom_destroy_r(map->geos, area);
        return ERR_BADMSG;
    }
    *ret_area = area;
    return 0;
}

int wards_add(struct wards *wards, const struct ward *ward, const char *geojson) {
    struct wards_map *map = wards->map;
    if (map->searched)
        return ERR_BUSY;
    if (map->count == WARDS_MAX)
        return ERR_OVERFLOW;
    struct shape *shape = &map->shape[map->count];
    int err = read_area(map, geojson, &shape->area);
    if (err < 0)
        return err;
    shape->ward = *ward;
    GEOSSTRtree_insert_r(map->geos, map->tree, shape->area, shape);
    map->count++;
    return 0;
}

struct search {
    const struct wards_map *map;
    const GEOSGeometry *point;
    const struct shape *nearest;
    double distance_m;
};

/* On a border of two wards the lower code wins, so that the answer never depends on the file. */
static void consider(void *item, void *arg) {
    struct search *s = arg;
    const struct shape *shape = item;
    double distance_m;
    if (!GEOSDistance_r(s->map->geos, shape->area, s->point, &distance_m))
        return;
    bool nearer = s->nearest == NULL || distance_m < s->distance_m;
    bool lower = !nearer && distance_m <= s->distance_m &&
                 strcmp(shape->ward.code, s->nearest->ward.code) < 0;
    if (distance_m <= WARDS_NEAR_M && (nearer || lower)) {
        s->nearest = shape;
        s->distance_m = distance_m;
    }
}

int wards_find(const struct wards *wards, double easting_m, double northing_m,
               struct wards_answer *ret_answer) {
    struct wards_map *map = wards->map;
    map->searched = true;
    GEOSGeometry *point = GEOSGeom_createPointFromXY_r(map->geos, easting_m, northing_m);
    GEOSGeometry *box =
        GEOSGeom_createRectangle_r(map->geos, easting_m - WARDS_NEAR_M, northing_m - WARDS_NEAR_M,
                                   easting_m + WARDS_NEAR_M, northing_m + WARDS_NEAR_M);
    struct search search = {.map = map, .point = point};
    if (point != NULL && box != NULL)
        GEOSSTRtree_query_r(map->geos, map->tree, box, consider, &search);
    int err = point == NULL || box == NULL ? ERR_NOMEM : 0;
    GEOSGeom_destroy_r(map->geos, point);
    GEOSGeom_destroy_r(map->geos, box);
    if (err == 0 && search.nearest == NULL)
        err = ERR_NOENT;
    if (err == 0)
        *ret_answer = (struct wards_answer){&search.nearest->ward, search.distance_m};
    return err;
}
