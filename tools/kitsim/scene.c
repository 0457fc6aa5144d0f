#include "scene.h"
#include <assert.h>

static const char *const NAMES[SCENE_KINDS] = {"wind", "owner", "knocks", "intruder"};
/* Out of 100. */
static const unsigned SHARES[SCENE_KINDS] = {40, 35, 12, 13};
enum { PULSE_MS = 40 };

const char *scene_name(enum scene_kind kind) {
    return NAMES[kind];
}

bool scene_rest(enum lock_input input) {
    return input == LOCK_INPUT_SHACKLE || input == LOCK_INPUT_LOOP;
}

enum scene_kind scene_draw(struct chance *c) {
    unsigned at = chance_below(c, 100);
    for (unsigned k = 0; k < SCENE_KINDS; k++) {
        if (at < SHARES[k])
            return k;
        at -= SHARES[k];
    }
    return SCENE_WIND;
}

static void step(struct scene *s, int64_t at_ms, enum lock_input input, bool active) {
    assert(s->count < SCENE_STEPS_MAX);
    s->steps[s->count++] = (struct scene_step){at_ms, input, active};
}

static int64_t knock(struct scene *s, int64_t at_ms) {
    step(s, at_ms, LOCK_INPUT_IMPACT, true);
    step(s, at_ms + PULSE_MS, LOCK_INPUT_IMPACT, false);
    return at_ms + PULSE_MS;
}

static int64_t later(struct chance *c, int64_t from_ms, double low_s, double high_s) {
    return from_ms + (int64_t)(1000 * chance_between(c, low_s, high_s));
}

static int64_t play_owner(struct scene *s, struct chance *c, double stretch) {
    step(s, 0, LOCK_INPUT_KEY, true);
    int64_t t = later(c, 0, 1.5, 3);
    step(s, t, LOCK_INPUT_SHACKLE, false);
    t = later(c, t, 12 * stretch, 25 * stretch);
    step(s, t, LOCK_INPUT_SHACKLE, true);
    t = later(c, t, 1, 3);
    step(s, t, LOCK_INPUT_KEY, false);
    return t;
}

static int64_t play_knocks(struct scene *s, struct chance *c, double stretch) {
    (void)stretch;
    return knock(s, later(c, knock(s, 0), 1, 3));
}

static int64_t play_intruder(struct scene *s, struct chance *c, double stretch) {
    int64_t t = later(c, play_knocks(s, c, stretch), 1, 4);
    step(s, t, LOCK_INPUT_LOOP, false);
    t = later(c, t, 1, 5);
    step(s, t, LOCK_INPUT_TILT, true);
    t = later(c, t, 20 * stretch, 40 * stretch);
    step(s, t, LOCK_INPUT_TILT, false);
    step(s, t + 500, LOCK_INPUT_LOOP, true);
    return t + 500;
}

static int64_t play_wind(struct scene *s, struct chance *c, double stretch) {
    (void)c;
    (void)stretch;
    return knock(s, 0);
}

void scene_make(struct scene *s, struct chance *c, enum scene_kind kind, double stretch) {
    static int64_t (*const PLAY[SCENE_KINDS])(struct scene *, struct chance *, double) = {
        play_wind, play_owner, play_knocks, play_intruder};
    s->kind = kind;
    s->count = 0;
    PLAY[kind](s, c, stretch);
}
