#include "grid.h"
#include <ctype.h>
#include <math.h>
#include <proj.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* EPSG:1314 (Helmert) and the National Grid's Transverse Mercator, spelt out. */
static const char PIPELINE[] =
    "+proj=pipeline "
    "+step +proj=unitconvert +xy_in=deg +xy_out=rad "
    "+step +proj=cart +ellps=WGS84 "
    "+step +inv +proj=helmert +x=446.448 +y=-125.157 +z=542.06 +rx=0.15 +ry=0.247 +rz=0.842 "
    "+s=-20.489 +convention=position_vector "
    "+step +inv +proj=cart +ellps=airy "
    "+step +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy";

enum { SQUARE_M = 100000, EAST_MAX_M = 700000, NORTH_MAX_M = 1300000 };

struct grid_projection {
    PJ_CONTEXT *context;
    PJ *pipeline;
};

int grid_open(struct grid *ret_grid) {
    struct grid_projection *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_NOMEM;
    struct grid grid = {p};
    p->context = proj_context_create();
    if (p->context != NULL)
        p->pipeline = proj_create(p->context, PIPELINE);
    if (p->pipeline == NULL) {
        grid_close(&grid);
        return ERR_NODEV;
    }
    *ret_grid = grid;
    return 0;
}

void grid_close(struct grid *grid) {
    if (grid->projection == NULL)
        return;
    proj_destroy(grid->projection->pipeline);
    proj_context_destroy(grid->projection->context);
    free(grid->projection);
    grid->projection = NULL;
}

static bool on_grid(double easting_m, double northing_m) {
    return easting_m >= 0 && easting_m < EAST_MAX_M && northing_m >= 0 && northing_m < NORTH_MAX_M;
}

int grid_from_wgs84(const struct grid *grid, double lat_deg, double lon_deg, double *ret_easting_m,
                    double *ret_northing_m) {
    if (!(fabs(lat_deg) <= 90 && fabs(lon_deg) <= 180))
        return ERR_RANGE;
    PJ_COORD to =
        proj_trans(grid->projection->pipeline, PJ_FWD, proj_coord(lon_deg, lat_deg, 0, 0));
    if (!on_grid(to.xy.x, to.xy.y))
        return ERR_RANGE;
    *ret_easting_m = to.xy.x;
    *ret_northing_m = to.xy.y;
    return 0;
}

int grid_to_wgs84(const struct grid *grid, double easting_m, double northing_m, double *ret_lat_deg,
                  double *ret_lon_deg) {
    if (!on_grid(easting_m, northing_m))
        return ERR_RANGE;
    PJ_COORD to =
        proj_trans(grid->projection->pipeline, PJ_INV, proj_coord(easting_m, northing_m, 0, 0));
    *ret_lat_deg = to.lp.phi;
    *ret_lon_deg = to.lp.lam;
    return 0;
}

/* The alphabet of the grid has no I. */
static char letter(int index) {
    return "ABCDEFGHJKLMNOPQRSTUVWXYZ"[index];
}

static int letter_index(char c) {
    static const char LETTERS[] = "ABCDEFGHJKLMNOPQRSTUVWXYZ";
    const char *at = strchr(LETTERS, toupper((unsigned char)c));
    return c != '\0' && at != NULL ? (int)(at - LETTERS) : -1;
}

int grid_format(double easting_m, double northing_m, int figures, char *buf, size_t cap) {
    if (cap < GRID_REFERENCE_MAX)
        return ERR_TOOLONG;
    if (figures < 4 || figures > 10 || figures % 2 != 0)
        return ERR_INVAL;
    if (!on_grid(easting_m, northing_m))
        return ERR_RANGE;
    int e = (int)easting_m, n = (int)northing_m, half = figures / 2, unit = 1;
    for (int i = half; i < 5; i++)
        unit *= 10;
    int column = e / SQUARE_M, row = 19 - n / SQUARE_M;
    snprintf(buf, cap, "%c%c %0*d %0*d", letter(row - row % 5 + (column + 10) / 5),
             letter(row % 5 * 5 + column % 5), half, e % SQUARE_M / unit, half,
             n % SQUARE_M / unit);
    return 0;
}

/* The 100 km square of two letters by its south-west corner. */
static int parse_letters(const char *text, struct grid_square *square) {
    int big = letter_index(text[0]), small = letter_index(text[1]);
    if (big < 0 || small < 0)
        return ERR_INVAL;
    int column = (big % 5 - 2) * 5 + small % 5, row = 19 - big / 5 * 5 - small / 5;
    square->easting_m = column * SQUARE_M;
    square->northing_m = row * SQUARE_M;
    return on_grid(square->easting_m, square->northing_m) ? 0 : ERR_INVAL;
}

/* Ten figures at most; a blank between them must part them in the middle. */
static int take_figures(const char *text, char figures[11], int *ret_count) {
    int n = 0, blank_at = -1;
    for (; *text != '\0'; text++) {
        if (isspace((unsigned char)*text)) {
            if (n > 0 && blank_at < 0 && isdigit((unsigned char)text[1]))
                blank_at = n;
            continue;
        }
        if (!isdigit((unsigned char)*text) || n == 10)
            return ERR_INVAL;
        figures[n++] = *text;
    }
    if (n < 4 || n % 2 != 0 || (blank_at >= 0 && blank_at != n / 2))
        return ERR_INVAL;
    *ret_count = n;
    return 0;
}

int grid_parse(const char *text, struct grid_square *ret_square) {
    static const char HOME[] = "NZ";
    struct grid_square square = {0};
    char figures[11] = "";
    int n = 0;
    text += strspn(text, " \t");
    bool named = isalpha((unsigned char)text[0]);
    if (parse_letters(named ? text : HOME, &square) < 0 ||
        take_figures(named ? text + 2 : text, figures, &n) < 0)
        return ERR_INVAL;
    square.size_m = SQUARE_M;
    int east = 0, north = 0;
    for (int i = 0; i < n / 2; i++) {
        square.size_m /= 10;
        east = east * 10 + (figures[i] - '0');
        north = north * 10 + (figures[n / 2 + i] - '0');
    }
    square.easting_m += east * square.size_m;
    square.northing_m += north * square.size_m;
    *ret_square = square;
    return 0;
}

struct grid_square grid_cell(double easting_m, double northing_m, int32_t size_m) {
    return (struct grid_square){(int32_t)floor(easting_m / size_m) * size_m,
                                (int32_t)floor(northing_m / size_m) * size_m, size_m};
}
