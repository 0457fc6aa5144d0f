/* padlock: the hub that guards padlocks, gates and barriers.
 *
 * Edges -> debounce -> lock (core) -> siren first, then the event, durable before it is published.
 * Accelerometers and end-of-line loops come in through sensors.c, hours through core/barrier.
 * Guarded by tests/system/daemon_test.py. */
#include "log.h"
#include "roles.h"
#include "sensors.h"
#include "settings.h"
#include <stdio.h>

static const char MODULE[] = "lock";

struct padlock {
    struct settings conf;
    struct clock clock; /* for hours */
    struct role roles[GPIO_LINES_MAX];
    unsigned locks;
    struct lock lock[EVENT_LOCKS_MAX];
    uint64_t kept[EVENT_LOCKS_MAX]; /* lock_word, as it is on the disk */
    struct barrier barrier[EVENT_LOCKS_MAX];
    bool siren[EVENT_LOCKS_MAX], strobe[EVENT_LOCKS_MAX];
    int64_t next_ns[EVENT_LOCKS_MAX], barrier_ns[EVENT_LOCKS_MAX];
    int siren_line, strobe_line, lamp_line;
    struct sensors sensors;
    struct unit *unit;
};

static int check(void *ctx) {
    const struct padlock *p = ctx;
    return settings_check(&p->conf);
}

static int fit(void *ctx, const struct unit_board *board) {
    struct padlock *p = ctx;
    int locks = roles_read(board, p->roles);
    p->locks = locks > 0 ? (unsigned)locks : 0;
    return locks < 0 ? ERR_INVAL : 0;
}

/* --- outputs and events --------------------------------------------------------------------- */

static bool any_of(const bool *wanted, unsigned locks) {
    for (unsigned i = 0; i < locks; i++)
        if (wanted[i])
            return true;
    return false;
}

static void sound(struct padlock *p) {
    unit_set(p->unit, p->siren_line, any_of(p->siren, p->locks));
    unit_set(p->unit, p->strobe_line, any_of(p->strobe, p->locks));
}

static void tell(struct padlock *p, unsigned lock, enum lock_what what, uint8_t causes,
                 int64_t t_ns) {
    struct event e = {
        .kind = EVENT_LOCK,
        .lock = {.lock = (uint8_t)lock, .what = (uint8_t)what, .causes = causes},
    };
    log_info(MODULE, "%u: %s", lock + 1, lock_what_name(what));
    unit_tell(p->unit, &e, t_ns);
    if (what == LOCK_SET)
        sensors_placed(&p->sensors, lock);
}

/* Over restarts.  Only what has changed: cards wear. */
static void keep(struct padlock *p, unsigned lock) {
    char name[sizeof "lock-4294967295"];
    const uint64_t word = lock_word(&p->lock[lock]);
    if (word == p->kept[lock])
        return;
    snprintf(name, sizeof name, "lock-%u", lock + 1);
    unit_remember(p->unit, name, word);
    p->kept[lock] = word;
}

static uint32_t kept(struct padlock *p, unsigned lock) {
    char name[sizeof "lock-4294967295"];
    snprintf(name, sizeof name, "lock-%u", lock + 1);
    p->kept[lock] = unit_recall(p->unit, name, 0);
    return (uint32_t)p->kept[lock];
}

static void obey(struct padlock *p, unsigned lock, const struct lock_out *out, int64_t t_ns) {
    const bool sounds = p->siren[lock] || out->siren;
    p->siren[lock] = out->siren;
    p->strobe[lock] = out->strobe;
    p->next_ns[lock] = out->next_ns;
    for (unsigned i = 0; sounds && i < p->locks; i++)
        if (i != lock)
            lock_neighbour(&p->lock[i], t_ns);
    sound(p); /* before the disk, which may be slow */
    for (unsigned i = 0; i < out->tells; i++)
        tell(p, lock, out->tell[i], out->causes[i], t_ns);
    keep(p, lock); /* after the word of it: what was never told needs no end */
}

/* --- barriers ------------------------------------------------------------------------------- */

static void step_barrier(struct padlock *p, unsigned lock, int64_t now_ns) {
    const struct lock *l = &p->lock[lock];
    struct barrier_out out;
    if ((l->conf.fitted & 1U << LOCK_INPUT_SHACKLE) == 0)
        return;
    bool open = (l->inputs & 1U << LOCK_INPUT_SHACKLE) == 0;
    bool known = p->clock.quality(p->clock.ctx) != CLOCK_UNKNOWN;
    barrier_step(&p->barrier[lock], open, now_ns, known, p->clock.wall_ms(p->clock.ctx), &out);
    p->barrier_ns[lock] = out.next_ns;
    for (unsigned i = 0; i < out.tells; i++)
        tell(p, lock, out.tell[i], out.causes[i], now_ns);
}

/* --- what the sensors say ------------------------------------------------------------------- */

static bool meant(int which, unsigned lock) {
    return which < 0 || which == (int)lock;
}

static void on_motion(void *ctx, int which, enum motion_verdict verdict, int64_t t_ns) {
    struct padlock *p = ctx;
    enum lock_cause cause = verdict == MOTION_MOVED ? LOCK_CAUSE_TILT : LOCK_CAUSE_MOTION;
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (!meant(which, i))
            continue;
        lock_motion(&p->lock[i], verdict >= MOTION_ATTACK, cause, t_ns, &out);
        obey(p, i, &out, t_ns);
    }
}

static void on_loop(void *ctx, int which, enum eol_state state, int64_t t_ns) {
    struct padlock *p = ctx;
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (!meant(which, i))
            continue;
        lock_edge(&p->lock[i], LOCK_INPUT_SHORT, state == EOL_SHORT, t_ns, &out);
        obey(p, i, &out, t_ns);
        lock_edge(&p->lock[i], LOCK_INPUT_LOOP, state != EOL_CUT, t_ns, &out);
        obey(p, i, &out, t_ns);
    }
}

static void step_learning(struct padlock *p, int64_t now_ns) {
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        bool learning = sensors_learning(&p->sensors, i);
        if (p->lock[i].learning == learning)
            continue;
        lock_learn(&p->lock[i], learning, now_ns, &out);
        obey(p, i, &out, now_ns);
    }
}

/* --- the daemon ----------------------------------------------------------------------------- */

static struct lock_conf conf_for(const struct padlock *p, unsigned lock, uint8_t *ret_inputs) {
    const struct kit *kit = &unit_board(p->unit)->kit;
    struct lock_conf conf = settings_lock(&p->conf);
    conf.siren_max_ns /= p->locks; /* so that all together keep the limit */
    *ret_inputs = 0;
    for (unsigned i = 0; i < unit_lines(p->unit); i++)
        if (role_concerns(&p->roles[i], lock)) {
            conf.fitted |= (uint8_t)(1u << p->roles[i].input);
            if (unit_level(p->unit, i))
                *ret_inputs |= (uint8_t)(1u << p->roles[i].input);
        }
    for (unsigned i = 0; i < kit->loop_count; i++)
        if (meant((int)kit->loops[i].lock - 1, lock)) {
            conf.fitted |= 1u << LOCK_INPUT_LOOP | 1u << LOCK_INPUT_SHORT;
            *ret_inputs |= 1u << LOCK_INPUT_LOOP; /* until it is measured */
        }
    return conf;
}

static int first_line(const struct unit *u, const char *role, const char *or_role) {
    int line = unit_line(u, role);
    return line < 0 ? unit_line(u, or_role) : line;
}

static int start(void *ctx, struct unit *u, int64_t now_ns) {
    struct padlock *p = ctx;
    const struct sensors_conf sensors = settings_sensors(&p->conf);
    const struct sensors_sink sink = {p, on_motion, on_loop};
    const struct barrier_conf barrier = settings_barrier(&p->conf);
    p->unit = u;
    p->clock = clock_system();
    p->siren_line = unit_line(u, "siren");
    p->strobe_line = first_line(u, "strobe", "beacon");
    p->lamp_line = unit_line(u, "lamp-fault");
    sensors_init(&p->sensors, &sensors, &sink, u, now_ns);
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        uint8_t inputs;
        const struct lock_conf conf = conf_for(p, i, &inputs);
        lock_init(&p->lock[i], &conf, inputs, kept(p, i), now_ns, &out);
        obey(p, i, &out, now_ns);
        barrier_init(&p->barrier[i], &barrier);
        step_barrier(p, i, now_ns);
    }
    return 0;
}

static void edge(void *ctx, struct unit *u, unsigned line, bool active, int64_t t_ns) {
    struct padlock *p = ctx;
    const struct role *role = &p->roles[line];
    (void)u;
    if (role->motion >= 0 && active)
        sensors_wake(&p->sensors, (unsigned)role->motion, t_ns);
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (!role_concerns(role, i))
            continue;
        lock_edge(&p->lock[i], role->input, active, t_ns, &out);
        obey(p, i, &out, t_ns);
        if (role->input == LOCK_INPUT_SHACKLE)
            step_barrier(p, i, t_ns);
    }
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t step(void *ctx, struct unit *u, int64_t now_ns) {
    struct padlock *p = ctx;
    int64_t next = sensors_step(&p->sensors, u, now_ns);
    step_learning(p, now_ns);
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (p->next_ns[i] <= now_ns) {
            lock_tick(&p->lock[i], now_ns, &out);
            obey(p, i, &out, now_ns);
        }
        if (p->barrier_ns[i] <= now_ns)
            step_barrier(p, i, now_ns);
        next = earlier(next, earlier(p->next_ns[i], p->barrier_ns[i]));
    }
    unit_set(u, p->lamp_line, unit_faulty(u, ~0u));
    return next;
}

static void health(void *ctx, struct event_health *health) {
    const struct padlock *p = ctx;
    health->counters[HEALTH_SENSOR_ERRORS] += p->sensors.errors;
    health->counters[HEALTH_MOTION_IGNORED] += p->sensors.ignored;
}

/* A hub that stops guards nothing: the siren's safe state follows when the lines are closed. */
static void stop(void *ctx, struct unit *u, int64_t now_ns) {
    struct padlock *p = ctx;
    (void)u;
    (void)now_ns;
    sensors_close(&p->sensors);
}

int main(int argc, char **argv) {
    static struct padlock padlock;
    const struct unit_app app = {
        .name = "padlock",
        .purpose = "Guards the locks of one hub: siren at once, word to the collector when it can.",
        .keys = SETTINGS_KEYS,
        .key_count = SETTINGS_KEYS_COUNT,
        .conf = &padlock.conf.unit,
        .ctx = &padlock,
        .check = check,
        .fit = fit,
        .start = start,
        .edge = edge,
        .step = step,
        .health = health,
        .stop = stop,
    };
    return unit_main(&app, argc, argv);
}
