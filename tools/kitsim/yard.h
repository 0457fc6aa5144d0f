/* yard: the locks of one hub and what happens to them.
 *
 * Each lock plays one scene after another with pauses between; the first of the yard's scenes is an
 * intruder, soon, so that there is something to see.  The siren is watched and told to the truth.
 * Guarded by tests/system/run_check.  Memory: the struct.  Threads: one.  Time: given (monotonic
 * ns). */
#ifndef KITSIM_YARD_H
#define KITSIM_YARD_H

#include "scene.h"
#include "truth.h"
#include "wires.h"

enum { YARD_LOCKS_MAX = 8 };

struct yard_conf {
    char name[32];
    char wires[108]; /* the socket of the daemon's simulated GPIO */
    char state[256]; /* the file of its outputs, or "" */
    unsigned locks;
    double first_s;   /* the first intruder comes after so long */
    double between_s; /* mean pause between two scenes of one lock */
    double quiet_s;   /* least pause: the lock must have set itself again */
};

struct yard_lock {
    struct scene scene;
    unsigned step; /* the next of the scene; count: it is over */
    int64_t scene_ns;
    bool levels[LOCK_INPUTS];
};

struct yard {
    struct yard_conf conf;
    struct wires wires;
    struct chance chance;
    struct truth *truth;
    bool ending;
    struct yard_lock locks[YARD_LOCKS_MAX];
    int64_t now_unix_ms;
};

void yard_open(struct yard *y, const struct yard_conf *conf, uint64_t seed, struct truth *truth,
               int64_t now_ns);
void yard_close(struct yard *y);
int64_t yard_step(struct yard *y, int64_t now_ns, int64_t unix_ms);
/* Lets the scenes that play come to their end and begins no other. */
void yard_end(struct yard *y);

#endif
