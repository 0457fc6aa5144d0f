#include "map.h"
#include <math.h>

int map_open(struct map *ret_map) {
    return grid_open(&ret_map->grid);
}

void map_close(struct map *map) {
    grid_close(&map->grid);
}

static json_t *degrees(double value) {
    return json_real(round(value * 1e6) / 1e6);
}

json_t *map_position(const struct map *map, double easting_m, double northing_m) {
    double lat, lon;
    if (grid_to_wgs84(&map->grid, easting_m, northing_m, &lat, &lon) < 0)
        return NULL;
    return json_pack("[o,o]", degrees(lon), degrees(lat));
}

json_t *map_place(const struct map *map, int32_t easting_m, int32_t northing_m) {
    json_t *position =
        easting_m == 0 && northing_m == 0 ? NULL : map_position(map, easting_m, northing_m);
    return position == NULL ? json_null() : position;
}

json_t *map_square(const struct map *map, double easting_m, double northing_m, double size_m) {
    static const double corners[][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}};
    json_t *ring = json_array();
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
        json_array_append_new(ring, map_position(map, easting_m + corners[i][0] * size_m,
                                                 northing_m + corners[i][1] * size_m));
    return json_pack("{s:s,s:[o]}", "type", "Polygon", "coordinates", ring);
}

json_t *map_line(const struct map *map, const double from_m[2], const double to_m[2],
                 double step_m) {
    double length = hypot(to_m[0] - from_m[0], to_m[1] - from_m[1]);
    int steps = (int)ceil(length / step_m);
    json_t *line = json_array();
    for (int i = 0; i <= steps; i++) {
        double part = steps == 0 ? 0 : (double)i / steps;
        json_array_append_new(line, map_position(map, from_m[0] + part * (to_m[0] - from_m[0]),
                                                 from_m[1] + part * (to_m[1] - from_m[1])));
    }
    return json_pack("{s:s,s:o}", "type", "LineString", "coordinates", line);
}
