/* map: shapes of the National Grid as GeoJSON (RFC 7946: WGS 84, longitude first).
 *
 * Guarded by tests/collector/api_test.c.  Memory: PROJ's, until map_close.  Threads: one. */
#ifndef MOORWATCH_MAP_H
#define MOORWATCH_MAP_H

#include "err.h"
#include "grid.h"
#include <jansson.h>

struct map {
    struct grid grid;
};

MUST int map_open(struct map *ret_map);
void map_close(struct map *map);
/* [longitude, latitude], to 0.1 m; NULL outside the grid. */
json_t *map_position(const struct map *map, double easting_m, double northing_m);
/* The same of a registered place; null where it has none (0, 0). */
json_t *map_place(const struct map *map, int32_t easting_m, int32_t northing_m);
/* A Polygon, anticlockwise from its south-west corner. */
json_t *map_square(const struct map *map, double easting_m, double northing_m, double size_m);
/* A LineString along the grid with a position every step_m: grid lines are curves on the globe. */
json_t *map_line(const struct map *map, const double from_m[2], const double to_m[2],
                 double step_m);

#endif
