/* scene: what happens at one lock, as levels on its wires over time, with the truth of it.
 *
 * Guarded by tests/tools/kitsim_test.c.  Pure.  Memory: the struct.  Times: ms from the start of
 * the scene. */
#ifndef KITSIM_SCENE_H
#define KITSIM_SCENE_H

#include "chance.h"
#include "lock.h"
#include <stdbool.h>

enum { SCENE_STEPS_MAX = 32 };

enum scene_kind {
    SCENE_WIND,     /* one knock: a pre-alarm, never more */
    SCENE_OWNER,    /* key, opened, some work, closed, key back */
    SCENE_KNOCKS,   /* two knocks in the window, then they run from the siren */
    SCENE_INTRUDER, /* knocks, the loop cut, the case tilted; mended later */
    SCENE_KINDS
};

struct scene_step {
    int64_t at_ms;
    enum lock_input input;
    bool active;
};

struct scene {
    enum scene_kind kind;
    unsigned count;
    struct scene_step steps[SCENE_STEPS_MAX]; /* in order of time */
};

const char *scene_name(enum scene_kind kind);
/* `stretch` 1 is the pace of the demo: an owner stays some 20 s. */
void scene_make(struct scene *s, struct chance *c, enum scene_kind kind, double stretch);
/* How often each kind happens: mostly wind and owners. */
enum scene_kind scene_draw(struct chance *c);
/* The levels of a lock that is closed, whole and left alone: a bit per enum lock_input. */
bool scene_rest(enum lock_input input);

#endif
