/* iq_score: scenes as I/Q signals through the whole low-cost path (core/doppler, core/passage), and
 * what it found against their truth: vehicles as radar_score counts them, and single frames against
 * the radial speed that the motion has at that moment.
 *
 * Guarded by tests/tools/iq_test.c.  Memory: static, one signal at a time.  Threads: one. */
#ifndef IQ_SCORE_H
#define IQ_SCORE_H

#include "iq.h"
#include "radar_score.h"

enum { IQ_RANGE_STEPS = 20, IQ_RANGE_STEP_M = 10 };

/* A site and a receiver. */
struct iq_case {
    const char *name;
    enum physics_scene scene;
    struct iq_conf signal;
    struct doppler_conf receiver;
    double beam_deg, range_m; /* 0: as the scene has it */
};

struct iq_score {
    struct score score;
    struct score radial; /* errors of single frames: of a body alone on the road */
    unsigned frames_at[IQ_RANGE_STEPS], seen_at[IQ_RANGE_STEPS];
    uint64_t frames, targets, clipped;
    enum radar_level level; /* at the end of the last scene */
};

/* What the receiver of DOPPLER_DEFAULTS makes of the signal of IQ_DEFAULTS, in a beam of 34 degrees
 * (the narrow side of a K-LC class module, upright). */
struct iq_case iq_score_case(const char *name, enum physics_scene scene);
/* Plays one scene and adds it up.  The struct is zero at first.  ERR_RANGE, ERR_NOMEM. */
MUST int iq_score_run(struct iq_score *s, const struct iq_case *c, uint64_t seed, double seconds);
/* The furthest distance up to which a body alone is seen in so many percent of the frames. */
double iq_score_range_m(const struct iq_score *s, unsigned percent);

#endif
