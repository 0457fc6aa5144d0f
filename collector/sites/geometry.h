/* geometry: what a radar's angle takes from a speed, and how to give it back.
 *
 * A Doppler radar sees v cos(phi), phi between its line of sight and the road.  A vehicle in a lane
 * at distance d (sideways and in height together) leaves the beam at x_near = d / tan(aim + beam/2)
 * and enters it `view` further out.  `passage` tells the 90th percentile of the radial speeds over
 * that time, which at an even pace is the speed seen at
 *
 *     x90 = x_near + 0.9 view,    so that    v = v_told sqrt(x90^2 + d^2) / x90.
 *
 * The view is measured: speed times duration of the passages themselves.  Where it is not known it
 * is drawn from a beam with sharp edges, x_far = d / tan(aim - beam/2) or the range; a real beam
 * has none, and sees strong vehicles further out.  A fixed 1 / cos(aim) would over-correct either
 * way.
 *
 * The speed as told is never changed: the geometry of a site is a record of its own with the date
 * from which it holds, applied whenever figures are read, so a wrong one can be put right later.
 *
 * Promises (tests/collector/geometry_test.c): the factor is at least 1 and grows with the aim; with
 * the true geometry the corrected speeds of simulated passages, sharp beam or not, are within 0.4
 * mph on average at any aim to 25 degrees (0.2 of it the scatter of readings); any
 * text gives a history or an error; a history written is the history read.
 * Memory: the caller's.  Threads: any.  Units: in the names. */
#ifndef MOORWATCH_GEOMETRY_H
#define MOORWATCH_GEOMETRY_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GEOMETRY_PERIODS_MAX = 32, GEOMETRY_TEXT_MAX = GEOMETRY_PERIODS_MAX * 96 };

/* Lengths along the ground and angles of one kit at one site. */
struct geometry {
    int32_t lane_in_cm, lane_out_cm; /* sideways from the radar to the middle of each lane */
    int32_t height_cm;               /* of the radar above what reflects (a car: 60 cm up) */
    int32_t aim_deg10;               /* between the road and the middle of the beam */
    int32_t beam_deg10;              /* full width */
    int32_t range_cm;                /* where a car is first seen when nothing else ends the view */
};

/* 4 m and 7.5 m, level, 10 degrees, an OPS243-A's 20 degrees, 80 m. */
extern const struct geometry GEOMETRY_DEFAULTS;

/* `factor` times the speed told; low and high for an aim wrong by 2 degrees, lanes by half a metre,
 * and a view by a quarter (a range by half). */
struct geometry_factor {
    double factor, low, high;
};

/* ERR_RANGE: a length or angle beyond what a roadside can be, with its name in *ret_field if that
 * is not NULL. */
MUST int geometry_check(const struct geometry *g, const char **ret_field);
/* `away`: vehicles that leave the radar.  `view_cm`: how far they are in view, the median of speed
 * times duration; 0: not known.  ERR_RANGE: not a geometry, or its beam misses the lane. */
MUST int geometry_factor(const struct geometry *g, bool away, int32_t view_cm,
                         struct geometry_factor *ret_factor);

/* How far vehicles are in view, gathered from passages: the newest that neither hid another nor
 * were cut off.  {0} is empty. */
enum { GEOMETRY_VIEWS_MAX = 400, GEOMETRY_VIEWS_LEAST = 20 };
struct geometry_views {
    int32_t cm[2][GEOMETRY_VIEWS_MAX];
    size_t n[2];
};
/* What is beyond GEOMETRY_VIEWS_MAX is passed over. */
void geometry_view_add(struct geometry_views *v, bool away, uint16_t speed_mph10,
                       uint32_t duration_ms);
/* The median, in cm; 0: fewer than GEOMETRY_VIEWS_LEAST.  Sorts what was gathered. */
int32_t geometry_view(struct geometry_views *v, bool away);

/* The aim, from a vehicle that passed at a known speed in that lane and what was told of it.
 * ERR_RANGE: no aim from 0 to 45 degrees explains it (told faster than driven, or far slower). */
MUST int geometry_aim(const struct geometry *g, bool away, int32_t view_cm, double driven_mph,
                      double told_mph, int32_t *ret_aim_deg10);
/* The aim of a radar whose middle line meets the ground `across` sideways, `along` up the road. */
MUST int geometry_aim_by_tape(int32_t along_cm, int32_t across_cm, int32_t *ret_aim_deg10);

/* The store's setting that holds a site's history. */
enum { GEOMETRY_KEY_MAX = 48 };
void geometry_key(const char *site, char buf[GEOMETRY_KEY_MAX]);

/* A site's geometries, each from a moment on, in order of time. */
struct geometry_history {
    size_t count;
    struct geometry_period {
        int64_t from_ms; /* Unix */
        struct geometry geometry;
    } period[GEOMETRY_PERIODS_MAX];
};

/* That in force at a moment; NULL: none yet. */
const struct geometry *geometry_at(const struct geometry_history *h, int64_t unix_ms);
/* Puts one in, in place of one of the same moment.  ERR_NOSPACE, ERR_RANGE. */
MUST int geometry_add(struct geometry_history *h, int64_t from_ms, const struct geometry *g);
/* As the store keeps it: a line a period.  Returns the length. */
int geometry_write(const struct geometry_history *h, char buf[GEOMETRY_TEXT_MAX]);
/* ERR_BADMSG: not such a text. */
MUST int geometry_read(const char *text, struct geometry_history *ret_history);

#endif
