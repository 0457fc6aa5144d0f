/* physics_scene: whole scenes with their truth, for tests and for tools/bench.
 *
 * A scene is traffic (or weather) of one kind past a site drawn at random within what roadside
 * units look like: frame rate, lanes, aim, noise, fading, losses, strongest target only or three.
 * Guarded by tests/sim/radar_test.c.  Memory: the struct.  Threads: one each. */
#ifndef KITSIM_PHYSICS_SCENE_H
#define KITSIM_PHYSICS_SCENE_H

#include "physics.h"

enum physics_scene {
    PHYSICS_FREE,      /* 6 s apart, both directions, 15 to 70 mph */
    PHYSICS_HEADWAY_3, /* platoons of eight, one direction */
    PHYSICS_HEADWAY_2,
    PHYSICS_HEADWAY_1_5,
    PHYSICS_BRAKING, /* free flow, half of them brake or speed up in view */
    PHYSICS_LORRIES, /* free flow, half of them lorries */
    PHYSICS_BUSY,    /* Poisson both ways, 600 vehicles an hour each */
    PHYSICS_RAIN,
    PHYSICS_FAN,
    PHYSICS_WALKERS,
    PHYSICS_WEATHER_TRAFFIC, /* free flow in rain beside a fan */
    PHYSICS_SCENES
};

struct physics_truth {
    bool inbound;
    double from_s, to_s; /* in the beam */
    double m_s;          /* along the road: the 90th percentile over that time */
};

enum { PHYSICS_TRUTHS_MAX = 512 };

struct physics_drive {
    struct physics physics;
    struct chance chance;
    enum physics_scene scene;
    double frame_s, t_s, end_s, next_s, base_m_s;
    unsigned in_platoon;
    bool platoon_inbound;
    unsigned truths;
    struct physics_truth truth[PHYSICS_TRUTHS_MAX]; /* in order of entry */
};

const char *physics_scene_name(enum physics_scene scene);
/* Same seed, same scene. */
void physics_drive_init(struct physics_drive *d, enum physics_scene scene, uint64_t seed,
                        double seconds);
/* The next frame; false at the end. */
bool physics_drive_next(struct physics_drive *d, struct radar_frame *ret_frame);

#endif
