/* grid: places on the British National Grid (EPSG:27700) and on the globe (WGS84, EPSG:4326).
 *
 * Conversion by PROJ, with the Helmert transformation spelt out (EPSG:1314, 5 m, 7 m at worst, as
 * good as the positions): it needs no data files, and a place falls into the same square on every
 * machine, whatever grids are installed.  Grid references are ours: a reference names the
 * south-west corner of a square, so parsing returns corner and size; a map uses the centre, half a
 * size further on.
 *
 * Guarded by tests/collector/grid_test.c: the Ordnance Survey's worked example, a published
 * Historic England point, the 79 ward centres of another implementation, references there and
 * back.
 * Memory: grid_open takes PROJ's; grid_close frees.  Threads: one `struct grid` per thread.
 * Units: metres, degrees. */
#ifndef MOORWATCH_GRID_H
#define MOORWATCH_GRID_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grid_projection; /* PROJ's, hidden */

struct grid {
    struct grid_projection *projection;
};

/* ERR_NODEV: PROJ cannot make the transformation.  ERR_NOMEM. */
MUST int grid_open(struct grid *ret_grid);
void grid_close(struct grid *grid);

/* ERR_RANGE outside the grid (E 0 to 700 km, N 0 to 1300 km). */
MUST int grid_from_wgs84(const struct grid *grid, double lat_deg, double lon_deg,
                         double *ret_easting_m, double *ret_northing_m);
MUST int grid_to_wgs84(const struct grid *grid, double easting_m, double northing_m,
                       double *ret_lat_deg, double *ret_lon_deg);

enum { GRID_REFERENCE_MAX = 16 };

/* "NZ 5680 1830": figures = 4, 6, 8 or 10 in all; 8 is the house's.  ERR_RANGE outside the grid,
 * ERR_INVAL for other figures, ERR_TOOLONG if cap is under GRID_REFERENCE_MAX. */
MUST int grid_format(double easting_m, double northing_m, int figures, char *buf, size_t cap);

struct grid_square {
    int32_t easting_m; /* south-west corner */
    int32_t northing_m;
    int32_t size_m; /* 1 to 1000 */
};

/* Accepts "NZ 568 183", "nz568183", "NZ5680018300" and, for the force's own area, "568 183" (then
 * NZ is assumed).  ERR_INVAL: no grid reference, an odd number of figures, or letters that name
 * no square. */
MUST int grid_parse(const char *text, struct grid_square *ret_square);

/* The square of an aligned lattice that holds a point, by its south-west corner; floors also below
 * zero. */
struct grid_square grid_cell(double easting_m, double northing_m, int32_t size_m);

#endif
