#include "yard.h"
#include <stdio.h>
#include <string.h>

enum { NS_PER_MS = 1000000 };

static const char *const ROLES[LOCK_INPUTS] = {
    [LOCK_INPUT_SHACKLE] = "shackle", [LOCK_INPUT_LOOP] = "loop", [LOCK_INPUT_TILT] = "tilt",
    [LOCK_INPUT_IMPACT] = "impact",   [LOCK_INPUT_KEY] = "key",
};

/* One key switch for all locks of a hub: turned while any owner is there. */
static bool key_turned(const struct yard *y) {
    for (unsigned i = 0; i < y->conf.locks; i++)
        if (y->locks[i].levels[LOCK_INPUT_KEY])
            return true;
    return false;
}

static void put(struct yard *y, unsigned lock, enum lock_input input, bool active) {
    char role[32];
    y->locks[lock].levels[input] = active;
    if (ROLES[input] == NULL)
        return; /* no line: an ADC sees it */
    snprintf(role, sizeof role, "%s-%u", ROLES[input], lock + 1);
    wires_set(&y->wires, input == LOCK_INPUT_KEY ? "key" : role,
              input == LOCK_INPUT_KEY ? key_turned(y) : active);
}

void yard_open(struct yard *y, const struct yard_conf *conf, uint64_t seed, struct truth *truth,
               int64_t now_ns) {
    memset(y, 0, sizeof *y);
    y->conf = *conf;
    y->truth = truth;
    chance_init(&y->chance, seed);
    wires_init(&y->wires, conf->wires, conf->state);
    for (unsigned i = 0; i < conf->locks; i++) {
        struct yard_lock *l = &y->locks[i];
        double wait_s =
            i == 0 ? conf->first_s
                   : conf->first_s + conf->quiet_s + chance_gap(&y->chance, conf->between_s);
        l->scene_ns = now_ns + (int64_t)(wait_s * 1e9);
        scene_make(&l->scene, &y->chance, i == 0 ? SCENE_INTRUDER : scene_draw(&y->chance), 1);
        for (enum lock_input in = 0; in < LOCK_INPUTS; in++)
            l->levels[in] = scene_rest(in);
    }
}

void yard_close(struct yard *y) {
    wires_close(&y->wires);
}

/* A daemon that came up meets the wires as they are. */
static void put_all(struct yard *y) {
    for (unsigned i = 0; i < y->conf.locks; i++)
        for (enum lock_input in = 0; in < LOCK_INPUTS; in++)
            put(y, i, in, y->locks[i].levels[in]);
}

static void next_scene(struct yard *y, struct yard_lock *l, int64_t now_ns) {
    double wait_s = y->conf.quiet_s + chance_gap(&y->chance, y->conf.between_s);
    scene_make(&l->scene, &y->chance, scene_draw(&y->chance), 1);
    l->step = 0;
    l->scene_ns = y->ending ? INT64_MAX : now_ns + (int64_t)(wait_s * 1e9);
}

static int64_t step_lock(struct yard *y, unsigned lock, int64_t now_ns) {
    struct yard_lock *l = &y->locks[lock];
    while (l->scene_ns != INT64_MAX) {
        const struct scene_step *s = &l->scene.steps[l->step];
        int64_t due_ns = l->scene_ns + s->at_ms * NS_PER_MS;
        if (due_ns > now_ns)
            return due_ns;
        if (l->step == 0)
            truth_scene(y->truth, y->now_unix_ms, y->conf.name, lock, scene_name(l->scene.kind));
        put(y, lock, s->input, s->active);
        if (++l->step == l->scene.count)
            next_scene(y, l, now_ns);
    }
    return INT64_MAX;
}

static void on_output(void *arg, const char *role, bool active) {
    struct yard *y = arg;
    if (strncmp(role, "siren", 5) == 0)
        truth_siren(y->truth, y->now_unix_ms, y->conf.name, role, active);
}

int64_t yard_step(struct yard *y, int64_t now_ns, int64_t unix_ms) {
    int64_t next = INT64_MAX;
    y->now_unix_ms = unix_ms;
    if (wires_step(&y->wires, now_ns, on_output, y) == WIRES_UP)
        put_all(y);
    for (unsigned i = 0; i < y->conf.locks; i++) {
        int64_t due = step_lock(y, i, now_ns);
        next = due < next ? due : next;
    }
    return next;
}

void yard_end(struct yard *y) {
    y->ending = true;
    for (unsigned i = 0; i < y->conf.locks; i++)
        if (y->locks[i].step == 0)
            y->locks[i].scene_ns = INT64_MAX;
}
