/* physics: what a CW Doppler radar at the roadside sees of what moves past it.
 *
 * The sensor stands at the origin and looks along the road (x) at an angle across it; bodies move
 * along x in their lane.  Radial speed v x / R, amplitude 1 / R^2 within a beam of Gaussian or
 * sharp edges, scintillation, noise, lost hits, bins, a smallest step between two targets of one
 * frame, the strongest few, and speeds beyond the sensor's limit folded back with the other sign.
 * Rain, fans and walkers are there to be refused.  Our own model: trust rankings, not digits.
 *
 * Two ways to use it: live (physics_add, then physics_frame as time goes on) and as scenes made
 * whole (physics_scene.h).  The truth of each body is known from the moment it is added.
 * Guarded by tests/sim/radar_test.c.  Memory: the struct.  Threads: one each.
 * Units: in names; lengths in metres, angles in degrees.  Randomness: chance.h, seeded. */
#ifndef KITSIM_PHYSICS_H
#define KITSIM_PHYSICS_H

#include "chance.h"
#include "err.h"
#include "radar.h"
#include <stdbool.h>

enum { PHYSICS_BODIES_MAX = 64, PHYSICS_TONES_MAX = 4 };

/* The site and the sensor. */
struct physics_conf {
    uint64_t seed;
    double beam_deg;      /* full width, 23 for the OPS243-A's narrow side */
    double boresight_deg; /* between the road and the middle of the beam */
    bool sharp;           /* the beam ends at once; else Gaussian, -3 dB one way at the edge */
    double height_m, lane_in_m, lane_out_m, range_m;
    double bin_m_s, noise_m_s, resolve_m_s, max_m_s, min_m_s;
    double magnitude; /* of a car at 20 m */
    double min_magnitude;
    double fading;    /* scatter of log2 of the amplitude per hit */
    double loss;      /* share of hits that are lost */
    unsigned targets; /* strongest told per frame */
    double rain;      /* targets per frame, slow and weak, either sign */
    unsigned tones;
    struct {
        double m_s, magnitude; /* fans: either sign at random */
    } tone[PHYSICS_TONES_MAX];
};

extern const struct physics_conf PHYSICS_DEFAULTS;

enum physics_kind { PHYSICS_CAR, PHYSICS_LORRY, PHYSICS_WALKER };

struct physics_body {
    enum physics_kind kind;
    bool inbound;
    double enter_s;   /* inbound: at range_m from the sensor; outbound: passing it */
    double speed_m_s; /* along the road, at enter_s */
    double brake_after_s, accel_m_s2, until_m_s; /* after so long it changes to this speed */
    double reflection;                           /* amplitude against a car's */
    double length_m;
};

struct physics {
    struct physics_conf conf;
    struct chance chance;
    unsigned bodies;
    struct physics_body body[PHYSICS_BODIES_MAX];
};

void physics_init(struct physics *p, const struct physics_conf *conf);
/* A body of that kind with its usual size; change what differs. */
struct physics_body physics_body(enum physics_kind kind, bool inbound, double enter_s,
                                 double speed_m_s);
/* Puts a body on the road.  ERR_NOSPACE: too many at once. */
MUST int physics_add(struct physics *p, const struct physics_body *body);
/* When the middle of the body is in the beam's sharp edges; false if it never is. */
bool physics_window(const struct physics_conf *conf, const struct physics_body *body,
                    double *ret_from_s, double *ret_to_s);
/* One point of a body, from its leading end (0) to its other (1): how far it is, and the amplitude
 * of its echo with all of the body's strength in it, 0 outside the beam. */
void physics_point(const struct physics_conf *conf, const struct physics_body *body, double part,
                   double t_s, double *ret_range_m, double *ret_amplitude);
/* What the sensor tells at t_s, strongest first; bodies that have left are forgotten. */
void physics_frame(struct physics *p, double t_s, struct radar_frame *ret_frame);

#endif
