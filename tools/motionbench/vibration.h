/* vibration: what an accelerometer at a lock feels, by physics: a gate of three modes, hit, blown
 * at, rubbed, sawn and ground, with gravity, and a sensor that filters, clips, rounds and hisses.
 *
 * Hits are momentum: a change of speed (m/s) within a contact time, as a half sine of force.  Wind
 * is turbulence on the gate's first mode, with play in its latch: at its end the gate bounces, and
 * each bounce is a hit.  Hail and rain are Poisson streams of hits, tools are noise or tones of
 * force, leaning and levering turns gravity.  Orders of magnitude: a 1 kg hammer at 5 m/s on a lock
 * 0.5 to 4 m/s; a kick (50 N s) on a gate of 30 to 100 kg 0.5 to 2 m/s; a gate against its latch in
 * a gale 0.05 to 0.2 m/s; a hailstone of 1.5 g at 15 m/s on a box of 1 kg 0.02 m/s.
 * Two sets of places: FITTED are those that the filter's constants were chosen with, HELD_OUT have
 * other resonances, damping, gains, masses, noise and ranges.
 *
 * Written from the physics alone: it knows nothing of firmware/core/motion.
 * Guarded by tests/core/motion_test.c.  Memory: the struct.  Threads: one each. */
#ifndef VIBRATION_H
#define VIBRATION_H

#include "chance.h"
#include <stdbool.h>
#include <stdint.h>

enum vibration_kind {
    VIBRATION_WIND,
    VIBRATION_HAIL,
    VIBRATION_RAIN,
    VIBRATION_STRIMMER,
    VIBRATION_LORRIES,
    VIBRATION_LIVESTOCK,
    VIBRATION_NEIGHBOUR, /* a slammed gate on the same post, a bird, a ball */
    VIBRATION_NUISANCES, /* how many; the rest are attacks */
    VIBRATION_BOLT_CUTTER = VIBRATION_NUISANCES,
    VIBRATION_HAMMER,
    VIBRATION_GRINDER,
    VIBRATION_PRY_BAR,
    VIBRATION_LIFTED,
    VIBRATION_KICKS,
    VIBRATION_SAW,
    VIBRATION_KINDS
};

enum vibration_set { VIBRATION_FITTED, VIBRATION_HELD_OUT, VIBRATION_SETS };

enum {
    VIBRATION_STEPS_HZ = 1600,
    VIBRATION_MODES = 3,
    VIBRATION_PARTS = 24,
    VIBRATION_AT_ONCE = 8
};

/* A change of speed, in a contact. */
struct vibration_hit {
    double at_s, dv_m_s, contact_s;
};

/* Force as noise in a band (low_hz to high_hz), or as a tone with harmonics (low_hz, high_hz 0). */
struct vibration_sound {
    double from_s, to_s, g, low_hz, high_hz,
        strokes_hz; /* strokes: how it comes and goes; 0: not */
};

/* Gravity turned and turned back; back_s 0: it stays. */
struct vibration_turn {
    double at_s, rise_s, hold_s, back_s, degrees;
};

struct vibration_mode {
    double w, zeta, share; /* rad/s, damping, part of the motion */
    double axis[3];
    double x, v, a;
};

struct vibration {
    enum vibration_kind kind;
    unsigned rate_hz;
    double seconds, at_s;
    struct chance chance;
    struct vibration_mode modes[VIBRATION_MODES];
    struct vibration_hit hits[VIBRATION_PARTS], going[VIBRATION_AT_ONCE];
    struct vibration_sound sounds[VIBRATION_PARTS];
    struct vibration_turn turns[VIBRATION_PARTS];
    unsigned hit_count, sound_count, turn_count;
    double drops_hz, drop_dv, drop_next_s; /* hail, rain */
    double wind_g, wind_mean, wind_corner_hz, gust, wind, play, bounce,
        latch_s;                /* play 0: no latch */
    double swing_deg, swing_hz; /* a lock that hangs, in the wind */
    double noise_low[VIBRATION_PARTS], noise_band[VIBRATION_PARTS], phase[VIBRATION_PARTS];
    double rest[3], across[3]; /* gravity at rest, and where it turns to */
    double hiss_mg, step_mg, clip_mg, smooth, smoothed[3];
};

const char *vibration_name(enum vibration_kind kind);
const char *vibration_set_name(enum vibration_set set);
void vibration_begin(struct vibration *v, enum vibration_kind kind, enum vibration_set set,
                     unsigned rate_hz, uint64_t seed);
/* The next sample of the sensor; false: it is over. */
bool vibration_next(struct vibration *v, int16_t mg[3]);

#endif
