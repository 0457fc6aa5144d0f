/* motion: what an accelerometer on a lock feels, judged: an attack, a nuisance, or in doubt.
 *
 * Samples go in as they come from the sensor's FIFO, in mg; frames of an eighth of a second are
 * made of them, and each frame is judged with those before it.  MOTION.md tells the features, why
 * wind, hail and a strimmer are not what tools are, and how well it does.
 *
 * Promises (tests/core/motion_test.c, on generated traces of two sets of places, at 100, 200 and
 * 400 Hz): at least 99 % of nuisance traces raise no alarm, at least 95 % of attacks do; samples of
 * any value give no verdict but these; a verdict is given once for an episode and once more if it
 * grows worse; how samples are cut into reads changes nothing.
 * Memory: the struct (about 10 KiB).  Threads: the loop's.  Units: mg, g, m/s, degrees, s. */
#ifndef MOORWATCH_MOTION_H
#define MOORWATCH_MOTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct motion_sample {
    int16_t mg[3];
};

enum motion_verdict {
    MOTION_QUIET,    /* nothing, or nothing new */
    MOTION_NUISANCE, /* an episode is over and was none of the others: count it */
    MOTION_DOUBT,    /* perhaps the first of more */
    MOTION_ATTACK,
    MOTION_MOVED, /* turned out of its place and left there: an attack too */
    MOTION_VERDICTS
};

enum { MOTION_FRAMES = 128, MOTION_FRAMES_HZ = 8 }; /* 16 s are looked at */

/* One eighth of a second. */
struct motion_frame {
    float rms_g;          /* of all axes, gravity taken away */
    float buzz_g;         /* the same of what is quicker than some 25 Hz */
    float speed_m_s;      /* greatest change of speed within some 50 ms */
    float tilt_deg;       /* of gravity against rest, at the end */
    float square, fourth; /* moments of the buzz on its liveliest axis, for its kurtosis */
};

struct motion_conf {
    unsigned rate_hz;
    double
        factor; /* thresholds are multiplied by it: sensitivity (0.7 .. 1.4) x learn.h (1 .. 2) */
};

/* Look, don't touch. */
struct motion {
    struct motion_conf conf;
    bool begun;
    double rest[3];    /* gravity as it is when nothing moves, g */
    double gravity[3]; /* now, slowly */
    double speed[3];   /* leaky sum of acceleration, g s */
    double slow[3];    /* what the buzz is quicker than */
    unsigned in_frame; /* samples so far */
    double sum, square[3], fourth[3], peak_speed;
    struct motion_frame frames[MOTION_FRAMES]; /* a ring */
    unsigned frame;                            /* of the newest, ever growing */
    unsigned still;           /* frames in a row without motion, and in its place */
    unsigned calm;            /* without motion, wherever it is */
    unsigned awake;           /* frames to look at before it may sleep again */
    bool busy;                /* an episode is under way */
    enum motion_verdict told; /* of this episode, the worst */
    double share;             /* of this episode, for learn.h */
};

void motion_init(struct motion *m, const struct motion_conf *conf);
void motion_set_factor(struct motion *m, double factor);
/* One sample; MOTION_QUIET unless something is to be told. */
enum motion_verdict motion_feed(struct motion *m, const struct motion_sample *sample);
/* The sensor has slept, or samples were lost: what is in the air is forgotten, not the rest. */
void motion_skip(struct motion *m);
/* Its place is now here: somebody with the key has put it so. */
void motion_rest(struct motion *m);
/* True while an episode is under way, or it has just been woken: keep reading. */
bool motion_busy(const struct motion *m);
/* How near the newest episode came to an alarm: 1 is the threshold at factor 1. */
double motion_share(const struct motion *m);

#endif
