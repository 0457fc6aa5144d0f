/* padlock: the hub that guards padlocks, gates and barriers.
 *
 * Edges -> debounce -> lock (core) -> siren first, then the event, durable before it is published.
 * A role of the kit is an input's word, with the lock's number ("loop-2") or without ("key": for
 * all locks).  Guarded by tests/system/daemon_test.py. */
#include "lock.h"
#include "log.h"
#include "unit.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char MODULE[] = "lock";

struct padlock_conf {
    struct unit_conf unit; /* first: unit_main fills it */
    int64_t arm_delay_ns, window_ns, dead_ns, chirp_ns, burst_ns, max_ns, rest_ns, quiet_ns;
    int64_t repeat_ns;
    uint32_t impacts;
};

#define AT(member) CONF_AT(struct padlock_conf, member)

static const struct conf_key KEYS[] = {
    {"lock", "arm_delay", CONF_DURATION, AT(arm_delay_ns), 0, 600000, "30 s", NULL, NULL,
     "Closed and left alone for so long, a lock sets itself."},
    {"lock", "impacts", CONF_U32, AT(impacts), 1, LOCK_IMPACTS_MAX, "2", NULL, "knocks",
     "So many within impact_window are an alarm; the first alone is a pre-alarm."},
    {"lock", "impact_window", CONF_DURATION, AT(window_ns), 500, 60000, "5 s", NULL, NULL,
     "See impacts."},
    {"lock", "impact_dead", CONF_DURATION, AT(dead_ns), 0, 2000, "200 ms", NULL, NULL,
     "Pulses within it are one knock."},
    {"lock", "chirp", CONF_DURATION, AT(chirp_ns), 0, 5000, "500 ms", NULL, NULL,
     "The siren's chirp on a pre-alarm; 0: silent."},
    {"lock", "siren_burst", CONF_DURATION, AT(burst_ns), 0, 900000, "60 s", NULL, NULL,
     "One alarm sounds so long; 0: no siren."},
    {"lock", "siren_max", CONF_DURATION, AT(max_ns), 0, 900000, "15 min", NULL, NULL,
     "All locks of this hub together, until silent for siren_rest."},
    {"lock", "siren_rest", CONF_DURATION, AT(rest_ns), 60000, 86400000, "1 h", NULL, NULL,
     "See siren_max."},
    {"lock", "quiet", CONF_DURATION, AT(quiet_ns), 1000, 3600000, "60 s", NULL, NULL,
     "Whole and quiet for so long: restored."},
    {"lock", "repeat", CONF_DURATION, AT(repeat_ns), 1000, 86400000, "5 min", NULL, NULL,
     "The same alarm again is told at most so often."},
};

/* What a line of the bank means. */
struct meaning {
    bool used;
    int lock; /* -1: all */
    enum lock_input input;
};

struct padlock {
    struct padlock_conf conf;
    struct meaning lines[GPIO_LINES_MAX];
    unsigned locks;
    struct lock lock[EVENT_LOCKS_MAX];
    bool siren[EVENT_LOCKS_MAX];
    int64_t next_ns[EVENT_LOCKS_MAX];
    int siren_line, lamp_line;
};

/* --- roles ---------------------------------------------------------------------------------- */

static bool role_means(const char *role, struct meaning *ret) {
    static const char *const WORDS[LOCK_INPUTS] = {
        [LOCK_INPUT_SHACKLE] = "shackle", [LOCK_INPUT_LOOP] = "loop",
        [LOCK_INPUT_TILT] = "tilt",       [LOCK_INPUT_IMPACT] = "impact",
        [LOCK_INPUT_KEY] = "key",         [LOCK_INPUT_SHORT] = "", /* an ADC's to say */
    };
    for (int i = 0; i < LOCK_INPUTS; i++) {
        size_t n = strlen(WORDS[i]);
        char *end;
        if (WORDS[i][0] == '\0' || strncmp(role, WORDS[i], n) != 0)
            continue;
        long number = role[n] == '-' ? strtol(role + n + 1, &end, 10) : 0;
        if (role[n] == '-' && (*end != '\0' || number < 1 || number > EVENT_LOCKS_MAX))
            continue;
        if (role[n] != '-' && role[n] != '\0')
            continue;
        *ret = (struct meaning){true, (int)number - 1, (enum lock_input)i};
        return true;
    }
    return false;
}

static int read_roles(struct padlock *p, const struct unit_board *board) {
    int wrong = 0;
    p->locks = 0;
    for (unsigned i = 0; i < board->count; i++) {
        const struct gpio_line *l = &board->lines[i];
        if (!l->output && !role_means(l->role, &p->lines[i])) {
            fprintf(stderr,
                    "kit %s: %s: a padlock hub has no such input (shackle, loop, tilt, "
                    "impact, key, with -1 to -%d)\n",
                    board->kit.id, l->role, EVENT_LOCKS_MAX);
            wrong++;
        }
        if (p->lines[i].used && p->lines[i].lock >= (int)p->locks)
            p->locks = (unsigned)p->lines[i].lock + 1;
    }
    if (p->locks == 0 && wrong++ == 0)
        fprintf(stderr, "kit %s: it has no lock (inputs such as loop-1)\n", board->kit.id);
    return wrong > 0 ? ERR_INVAL : 0;
}

static int check(void *ctx, const struct unit_board *board) {
    return read_roles(ctx, board);
}

static bool concerns(const struct meaning *m, unsigned lock) {
    return m->used && (m->lock < 0 || m->lock == (int)lock);
}

/* --- locks ---------------------------------------------------------------------------------- */

static void sound(struct padlock *p, struct unit *u) {
    bool any = false;
    for (unsigned i = 0; i < p->locks; i++)
        any = any || p->siren[i];
    unit_set(u, p->siren_line, any);
}

static void obey(struct padlock *p, struct unit *u, unsigned lock, const struct lock_out *out,
                 int64_t t_ns) {
    const bool sounds = p->siren[lock] || out->siren;
    p->siren[lock] = out->siren;
    p->next_ns[lock] = out->next_ns;
    for (unsigned i = 0; sounds && i < p->locks; i++)
        if (i != lock)
            lock_neighbour(&p->lock[i], t_ns);
    sound(p, u); /* before the disk, which may be slow */
    for (unsigned i = 0; i < out->tells; i++) {
        struct event e = {.kind = EVENT_LOCK,
                          .lock = {.lock = (uint8_t)lock,
                                   .what = (uint8_t)out->tell[i],
                                   .causes = out->causes[i]}};
        log_info(MODULE, "%u: %s", lock + 1, lock_what_name(out->tell[i]));
        unit_tell(u, &e, t_ns);
    }
}

static struct lock_conf conf_for(const struct padlock *p, unsigned lock, const struct unit *u,
                                 uint8_t *ret_inputs) {
    const struct padlock_conf *c = &p->conf;
    struct lock_conf conf = {
        .arm_delay_ns = c->arm_delay_ns,
        .impact_window_ns = c->window_ns,
        .impacts = c->impacts,
        .impact_dead_ns = c->dead_ns,
        .chirp_ns = c->chirp_ns,
        .siren_burst_ns = c->burst_ns,
        .siren_max_ns = c->max_ns / p->locks, /* so that all together keep the limit */
        .siren_rest_ns = c->rest_ns,
        .quiet_ns = c->quiet_ns,
        .repeat_ns = c->repeat_ns,
    };
    *ret_inputs = 0;
    for (unsigned i = 0; i < unit_lines(u); i++)
        if (concerns(&p->lines[i], lock)) {
            conf.fitted |= (uint8_t)(1u << p->lines[i].input);
            if (unit_level(u, i))
                *ret_inputs |= (uint8_t)(1u << p->lines[i].input);
        }
    return conf;
}

static int start(void *ctx, struct unit *u, int64_t now_ns) {
    struct padlock *p = ctx;
    p->siren_line = unit_line(u, "siren");
    p->lamp_line = unit_line(u, "lamp-fault");
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        uint8_t inputs;
        const struct lock_conf conf = conf_for(p, i, u, &inputs);
        lock_init(&p->lock[i], &conf, inputs, now_ns, &out);
        obey(p, u, i, &out, now_ns);
    }
    return 0;
}

static void edge(void *ctx, struct unit *u, unsigned line, bool active, int64_t t_ns) {
    struct padlock *p = ctx;
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (!concerns(&p->lines[line], i))
            continue;
        lock_edge(&p->lock[i], p->lines[line].input, active, t_ns, &out);
        obey(p, u, i, &out, t_ns);
    }
}

static int64_t step(void *ctx, struct unit *u, int64_t now_ns) {
    struct padlock *p = ctx;
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < p->locks; i++) {
        struct lock_out out;
        if (p->next_ns[i] <= now_ns) {
            lock_tick(&p->lock[i], now_ns, &out);
            obey(p, u, i, &out, now_ns);
        }
        next = p->next_ns[i] < next ? p->next_ns[i] : next;
    }
    unit_set(u, p->lamp_line, unit_faulty(u, ~0u));
    return next;
}

static void health(void *ctx, struct event_health *health) {
    (void)ctx;
    (void)health; /* a hub has no radar to count for */
}

/* A hub that stops guards nothing: the siren's safe state follows when the lines are closed. */
static void stop(void *ctx, struct unit *u, int64_t now_ns) {
    (void)ctx;
    (void)u;
    (void)now_ns;
}

int main(int argc, char **argv) {
    static struct padlock padlock;
    const struct unit_app app = {
        .name = "padlock",
        .purpose = "Guards the locks of one hub: siren at once, word to the collector when it can.",
        .keys = KEYS,
        .key_count = sizeof KEYS / sizeof KEYS[0],
        .conf = &padlock.conf.unit,
        .ctx = &padlock,
        .check = check,
        .start = start,
        .edge = edge,
        .step = step,
        .health = health,
        .stop = stop,
    };
    return unit_main(&app, argc, argv);
}
