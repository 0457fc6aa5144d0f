/* wards: which ward a place lies in, at a date.
 *
 * A ward is an attribute with dates, never the key of a hotspot: hotspots ignore ward lines.
 * A point in no polygon (the dunes, a boundary clipped at the coast) belongs to the nearest ward
 * within WARDS_NEAR_M and the answer says how far it was.
 *
 * Guarded by tests/collector/wards_test.c.  Memory: wards_open's, freed by wards_close.
 * Threads: one `struct wards` per thread.  Units: metres of the National Grid. */
#ifndef MOORWATCH_WARDS_H
#define MOORWATCH_WARDS_H

#include "err.h"
#include "grid.h"
#include <stddef.h>

enum { WARDS_MAX = 2000, WARDS_CODE_MAX = 12, WARDS_NAME_MAX = 64, WARDS_NEAR_M = 500 };

struct ward {
    char code[WARDS_CODE_MAX];
    char name[WARDS_NAME_MAX];
    char authority[WARDS_NAME_MAX]; /* the Local Policing Area is taken to equal it */
};

struct wards_map; /* GEOS's, hidden */

struct wards {
    struct wards_map *map;
};

/* Empty; `grid` must live as long. */
MUST int wards_open(const struct grid *grid, struct wards *ret_wards);
void wards_close(struct wards *wards);

/* `geojson`: a Polygon or MultiPolygon geometry in WGS84.  ERR_BADMSG: not that; ERR_OVERFLOW: more
 * than WARDS_MAX; ERR_BUSY: after the first search the set is closed. */
MUST int wards_add(struct wards *wards, const struct ward *ward, const char *geojson);

struct wards_answer {
    const struct ward *ward; /* lives as long as the wards */
    double distance_m;       /* 0: inside */
};

/* ERR_NOENT: no ward within WARDS_NEAR_M. */
MUST int wards_find(const struct wards *wards, double easting_m, double northing_m,
                    struct wards_answer *ret_answer);

#endif
