/* lock: stories written out by hand, then random lives against the promises: siren budget, late
 * steps, throttling.  Replay a life: MOORWATCH_SEED=N. */
#include "lock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000000)
#define BIT(i) (1u << (i))
enum { SHACKLE, LOOP, TILT, IMPACT, KEY, TICK = 99 };
enum { SHORT = LOCK_INPUT_SHORT, DOUBT = 100, ATTACK, LEARN };
static const uint8_t CLOSED = BIT(SHACKLE) | BIT(LOOP);

struct step {
    double at_s;
    int input, active;
    const char *tells; /* expected, in order */
};

static const char *const WORD[] = {"",          "closed",   "opened", "prealarm", "alarm",
                                   "tamper",    "restored", "set",    "unset",    "siren-on",
                                   "siren-off", "",         "",       "learning", "learned"};

static void words(const struct lock_out *out, char *buf) {
    buf[0] = '\0';
    for (unsigned i = 0; i < out->tells; i++)
        sprintf(buf + strlen(buf), "%s%s", i > 0 ? " " : "", WORD[out->tell[i]]);
}

static void do_step(struct lock *l, const struct step *s, struct lock_out *out) {
    int64_t now = (int64_t)(s->at_s * (double)S);
    switch (s->input) {
    case TICK:
        lock_tick(l, now, out);
        break;
    case DOUBT:
    case ATTACK:
        lock_motion(l, s->input == ATTACK, LOCK_CAUSE_MOTION, now, out);
        break;
    case LEARN:
        lock_learn(l, s->active, now, out);
        break;
    default:
        lock_edge(l, (enum lock_input)s->input, s->active, now, out);
    }
}

static void story(const struct lock_conf *conf, uint8_t inputs, const char *first,
                  const struct step *steps) {
    struct lock l;
    struct lock_out out;
    char got[256];
    lock_init(&l, conf, inputs, 0, 0, &out);
    words(&out, got);
    assert_string_equal(first, got);
    for (const struct step *s = steps; s->tells != NULL; s++) {
        do_step(&l, s, &out);
        words(&out, got);
        if (strcmp(s->tells, got) != 0)
            fail_msg("at %.3f s: \"%s\", expected \"%s\"", s->at_s, got, s->tells);
    }
}

static void sets_itself_and_unsets(void **state) {
    (void)state;
    static const struct step steps[] = {
        {1, SHACKLE, 1, "closed"},  {30.9, TICK, 0, ""},
        {31, TICK, 0, "set"},       {40, SHACKLE, 0, "opened unset"},
        {50, SHACKLE, 1, "closed"}, {60, SHACKLE, 0, "opened"}, /* back before it was set */
        {70, SHACKLE, 1, "closed"}, {99, TICK, 0, ""},
        {100, SHACKLE, 1, "set"},   {0, 0, 0, NULL},
    };
    story(&LOCK_DEFAULTS, BIT(LOOP), "opened", steps);
}

static void knocks_in_two_stages(void **state) {
    (void)state;
    static const struct step steps[] = {
        {10, IMPACT, 1, "prealarm"},
        {10.02, IMPACT, 0, ""},
        {10.1, IMPACT, 1, ""},
        {10.11, IMPACT, 0, ""}, /* the same knock */
        {16, IMPACT, 1, ""},
        {16.1, IMPACT, 0, ""}, /* alone again: throttled */
        {20, IMPACT, 1, "alarm siren-on"},
        {20.1, IMPACT, 0, ""},
        {79, TICK, 0, ""},
        {80, TICK, 0, "siren-off restored"},
        {0, 0, 0, NULL},
    };
    story(&LOCK_DEFAULTS, CLOSED, "set", steps);
}

static void cut_and_tilt_are_tamper_at_once(void **state) {
    (void)state;
    static const struct step steps[] = {
        {5, LOOP, 0, "tamper siren-on"},
        {6, TILT, 1, "tamper"},
        {65, TICK, 0, "siren-off"},
        {100, LOOP, 1, ""},
        {101, LOOP, 0, "siren-on"}, /* a repeat: sounds, is not told again */
        {110, LOOP, 1, ""},
        {115, TILT, 0, ""},
        {174, TICK, 0, "siren-off"},
        {175, TICK, 0, "restored"},
        {176, LOOP, 0, "tamper siren-on"}, /* a new trouble is told */
        {0, 0, 0, NULL},
    };
    story(&LOCK_DEFAULTS, CLOSED, "set", steps);
    static const struct step unset[] = {
        {5, IMPACT, 1, ""},        {6, LOOP, 0, "tamper"}, {9, LOOP, 1, ""},
        {69, TICK, 0, "restored"}, {0, 0, 0, NULL},
    };
    story(&LOCK_DEFAULTS, BIT(LOOP), "opened", unset);
}

static void the_key_ends_it(void **state) {
    (void)state;
    struct lock_conf conf = LOCK_DEFAULTS;
    conf.fitted |= BIT(KEY);
    static const struct step steps[] = {
        {5, SHACKLE, 0, "opened alarm siren-on"}, /* without the key: forced */
        {8, KEY, 1, "siren-off unset restored"},
        {20, SHACKLE, 1, "closed"},
        {60, TICK, 0, ""}, /* never while the key says unset */
        {61, KEY, 0, ""},
        {91, TICK, 0, "set"},
        {92, LOOP, 0, "tamper siren-on"},
        {95, KEY, 1, "siren-off unset"}, /* still cut: no restore */
        {99, LOOP, 1, ""},
        {159, TICK, 0, "restored"},
        {0, 0, 0, NULL},
    };
    story(&conf, CLOSED, "set", steps);
}

static void starts_as_it_finds_things(void **state) {
    (void)state;
    static const struct step none[] = {{0, 0, 0, NULL}};
    story(&LOCK_DEFAULTS, BIT(SHACKLE), "set tamper siren-on", none);
    story(&LOCK_DEFAULTS, BIT(TILT) | BIT(LOOP), "opened tamper", none);
    struct lock_conf only_knocks = LOCK_DEFAULTS;
    only_knocks.fitted = BIT(IMPACT);
    static const struct step steps[] = {{1, LOOP, 0, ""},
                                        {2, IMPACT, 1, "prealarm"},
                                        {2.1, IMPACT, 0, ""},
                                        {3, IMPACT, 1, "alarm siren-on"},
                                        {0, 0, 0, NULL}};
    story(&only_knocks, 0, "set", steps);
}

static void a_bridged_loop_and_a_motion(void **state) {
    (void)state;
    struct lock_conf conf = LOCK_DEFAULTS;
    conf.fitted |= BIT(SHORT);
    static const struct step steps[] = {
        {5, SHORT, 1, "tamper siren-on"},
        {10, SHORT, 0, ""},
        {70, TICK, 0, "siren-off restored"},
        {80, DOUBT, 0, "prealarm"},
        {90, DOUBT, 0, ""},
        {100, ATTACK, 0, "alarm siren-on"},
        {110, SHACKLE, 0, "opened siren-off unset restored"},
        {120, ATTACK, 0, ""}, /* unset: whoever has the key may shake it */
        {0, 0, 0, NULL},
    };
    story(&conf, CLOSED, "set", steps);
}

/* Impacts and motions are told without noise, tamper and force sound as ever. */
static void what_a_learning_lock_does(void **state) {
    (void)state;
    struct lock_conf conf = LOCK_DEFAULTS;
    conf.fitted |= BIT(KEY);
    static const struct step steps[] = {
        {1, LEARN, 1, "learning"},
        {2, LEARN, 1, ""},
        {5, DOUBT, 0, "prealarm"},
        {6, IMPACT, 1, ""},
        {6.1, IMPACT, 0, ""},
        {7, IMPACT, 1, "alarm"},
        {8, ATTACK, 0, "alarm"},
        {9, LOOP, 0, "tamper siren-on"},
        {10, LOOP, 1, ""},
        {70, TICK, 0, "siren-off restored"},
        {80, SHACKLE, 0, "opened alarm siren-on"},
        {85, LEARN, 0, "learned"},
        {90, KEY, 1, "siren-off unset restored"},
        {0, 0, 0, NULL},
    };
    story(&conf, CLOSED, "set", steps);
    struct lock l;
    struct lock_out out;
    lock_init(&l, &conf, CLOSED, 0, 0, &out);
    lock_learn(&l, true, S, &out);
    lock_motion(&l, true, LOCK_CAUSE_MOTION, 2 * S, &out);
    assert_false(out.siren || out.strobe);
    lock_learn(&l, false, 100 * S, &out);
    lock_motion(&l, false, LOCK_CAUSE_MOTION, 200 * S, &out);
    assert_true(out.siren); /* the chirp is back */
}

static void causes_say_what_spoke(void **state) {
    (void)state;
    struct lock l;
    struct lock_out out;
    lock_init(&l, &LOCK_DEFAULTS, CLOSED, 0, 0, &out);
    assert_int_equal(0, out.causes[0]);
    lock_motion(&l, false, LOCK_CAUSE_MOTION, S, &out);
    assert_int_equal(LOCK_CAUSE_MOTION, out.causes[0]);
    lock_edge(&l, LOCK_INPUT_IMPACT, true, 2 * S, &out);
    lock_edge(&l, LOCK_INPUT_IMPACT, false, 2 * S + 1, &out);
    lock_edge(&l, LOCK_INPUT_IMPACT, true, 3 * S, &out);
    assert_int_equal(LOCK_ALARM, out.tell[0]);
    assert_int_equal(LOCK_CAUSE_IMPACT, out.causes[0]);
    assert_int_equal(LOCK_CAUSE_IMPACT, out.causes[1]); /* of the siren too */
    lock_edge(&l, LOCK_INPUT_TILT, true, 4 * S, &out);
    assert_int_equal(LOCK_CAUSE_IMPACT | LOCK_CAUSE_TILT,
                     out.causes[0]); /* confirmed by a second */
    lock_edge(&l, LOCK_INPUT_TILT, false, 5 * S, &out);
    lock_tick(&l, 100 * S, &out);
    assert_int_equal(LOCK_RESTORED, out.tell[out.tells - 1]);
    assert_int_equal(LOCK_CAUSE_IMPACT | LOCK_CAUSE_TILT, out.causes[out.tells - 1]);
}

/* It flashes until all is well, or for strobe_max, and never for a chirp. */
static void the_strobe_outlasts_the_siren(void **state) {
    (void)state;
    struct lock l;
    struct lock_out out;
    struct lock_conf conf = LOCK_DEFAULTS;
    lock_init(&l, &conf, CLOSED, 0, 0, &out);
    lock_motion(&l, false, LOCK_CAUSE_MOTION, S, &out);
    assert_true(out.siren && !out.strobe);
    lock_edge(&l, LOCK_INPUT_LOOP, false, 10 * S, &out);
    lock_tick(&l, 5000 * S, &out);
    assert_true(!out.siren && out.strobe);
    lock_edge(&l, LOCK_INPUT_LOOP, true, 5001 * S, &out);
    assert_true(out.strobe);
    lock_tick(&l, 5100 * S, &out);
    assert_false(out.strobe);
    conf.strobe_max_ns = 600 * S;
    lock_init(&l, &conf, CLOSED, 0, 0, &out);
    lock_edge(&l, LOCK_INPUT_LOOP, false, 10 * S, &out);
    lock_tick(&l, 609 * S, &out);
    assert_true(out.strobe && out.next_ns == 610 * S);
    lock_tick(&l, 610 * S, &out);
    assert_false(out.strobe);
}

static void again(struct lock *l, struct lock_conf *conf, uint8_t inputs, const char *expected) {
    struct lock_out out;
    char got[256];
    lock_init(l, conf, inputs, lock_word(l), 0, &out);
    words(&out, got);
    assert_string_equal(expected, got);
}

/* Killed in an alarm, and what is found afterwards. */
static void a_restart_opens_no_hole(void **state) {
    (void)state;
    struct lock l;
    struct lock_out out;
    struct lock_conf conf = LOCK_DEFAULTS;
    conf.fitted |= BIT(KEY);
    lock_init(&l, &conf, CLOSED, 0, 0, &out);
    again(&l, &conf, CLOSED, "set");
    again(&l, &conf, BIT(LOOP), "opened alarm siren-on");           /* forced meanwhile */
    again(&l, &conf, BIT(LOOP), "siren-off opened alarm siren-on"); /* still so */
    again(&l, &conf, CLOSED, "siren-off set");
    lock_tick(&l, 60 * S - 1, &out);
    assert_int_equal(0, out.tells);
    assert_true(out.strobe);
    lock_tick(&l, 60 * S, &out);
    assert_int_equal(LOCK_RESTORED, out.tell[0]);
    assert_int_equal(LOCK_CAUSE_SHACKLE, out.causes[0]);
    assert_false(out.strobe);
    lock_edge(&l, LOCK_INPUT_LOOP, false, 70 * S, &out);
    again(&l, &conf, BIT(SHACKLE), "siren-off set tamper siren-on");
    again(&l, &conf, BIT(LOOP) | BIT(KEY), "siren-off opened unset restored");
    again(&l, &conf, BIT(LOOP), "opened"); /* unset it stays */
    conf.fitted &= (uint8_t)~BIT(KEY);
    again(&l, &conf, CLOSED, "set");
    again(&l, &conf, BIT(LOOP), "opened unset"); /* no switch: opened by key, and told */
}

/* Restarted without end while it is cut, it sounds no more than siren_max; rested, it does again.
 */
static void restarts_keep_the_sirens_budget(void **state) {
    (void)state;
    struct lock l;
    struct lock_out out;
    const struct lock_conf *conf = &LOCK_DEFAULTS;
    int64_t sounded = 0;
    uint32_t was = 0;
    for (int i = 0; i < 100; i++) {
        lock_init(&l, conf, BIT(SHACKLE), was, 0, &out);
        sounded += out.siren ? conf->siren_burst_ns : 0;
        was = lock_word(&l);
    }
    assert_in_range(sounded, 400 * S, 900 * S);
    lock_init(&l, conf, CLOSED, was, 0, &out);
    lock_tick(&l, conf->siren_rest_ns, &out);
    lock_init(&l, conf, BIT(SHACKLE), lock_word(&l), 0, &out);
    assert_true(out.siren);
    lock_init(&l, conf, CLOSED, UINT32_MAX, 0, &out); /* damaged: no more than a silent hour */
    lock_tick(&l, conf->siren_rest_ns, &out);
    lock_edge(&l, LOCK_INPUT_LOOP, false, conf->siren_rest_ns + S, &out);
    assert_true(out.siren);
}

/* A random life: edges at random moments, more or less rough. */
struct life {
    unsigned n;
    struct {
        int64_t at;
        enum lock_input input;
        bool active, motion;
    } edges[400];
};

static void live(struct life *life, unsigned seed) {
    int64_t now = 0;
    int64_t rough = 1 + rand_r(&seed) % 60;
    life->n = 400;
    for (unsigned i = 0; i < life->n; i++) {
        now += (int64_t)rand_r(&seed) % (rough * S) + 1;
        life->edges[i].at = now;
        unsigned pick = (unsigned)rand_r(&seed) % 20;
        life->edges[i].motion = pick >= 18;
        life->edges[i].input = pick < 8 ? LOCK_INPUT_IMPACT : (enum lock_input)(pick % LOCK_INPUTS);
        life->edges[i].active = (rand_r(&seed) & 1) != 0;
    }
}

/* Runs it; with every_tick the deadlines are met in time, else only edges move the time. */
static size_t run(const struct life *life, const struct lock_conf *conf, bool in_time,
                  uint8_t *told, size_t cap, int64_t *ret_worst_siren) {
    struct lock l;
    struct lock_out out;
    size_t n = 0;
    int64_t on_ns = 0, off_ns = -10000 * S, used = 0, worst = 0;
    bool sounding = false;
    lock_init(&l, conf, CLOSED, 0, 0, &out);
    for (unsigned i = 0; i <= life->n; i++) {
        int64_t edge = i < life->n ? life->edges[i].at : life->edges[i - 1].at + 7200 * S;
        for (;;) {
            for (unsigned k = 0; k < out.tells && n < cap; k++)
                told[n++] = (uint8_t)out.tell[k];
            int64_t now = in_time && out.next_ns < edge ? out.next_ns : edge;
            bool due = now < edge;
            if (due || i == life->n)
                lock_tick(&l, now, &out);
            else if (life->edges[i].motion)
                lock_motion(&l, life->edges[i].active, LOCK_CAUSE_MOTION, now, &out);
            else
                lock_edge(&l, life->edges[i].input, life->edges[i].active, now, &out);
            if (out.siren && !sounding) { /* the oracle: on-time between rests */
                if (now - off_ns >= conf->siren_rest_ns)
                    used = 0;
                on_ns = now;
            } else if (!out.siren && sounding) {
                used += now - on_ns;
                off_ns = now;
            }
            sounding = out.siren;
            if (used > worst)
                worst = used;
            if (!due)
                break;
        }
    }
    for (unsigned k = 0; k < out.tells && n < cap; k++)
        told[n++] = (uint8_t)out.tell[k];
    assert_false(sounding); /* two hours after the last edge */
    *ret_worst_siren = worst;
    return n;
}

static void random_lives_keep_the_promises(void **state) {
    (void)state;
    static struct life life;
    static uint8_t a[8000], b[8000];
    const char *given = getenv("MOORWATCH_SEED");
    unsigned from = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 1;
    unsigned to = given != NULL ? from : 600;
    for (unsigned seed = from; seed <= to; seed++) {
        struct lock_conf conf = LOCK_DEFAULTS;
        if (seed % 2 == 0)
            conf.fitted |= BIT(KEY) | BIT(SHORT);
        if (seed % 3 == 0)
            conf.strobe_max_ns = 1 + (int64_t)seed * S;
        live(&life, seed);
        int64_t worst, ignored;
        size_t n = run(&life, &conf, true, a, sizeof a, &worst);
        size_t m = run(&life, &conf, false, b, sizeof b, &ignored);
        if (worst > conf.siren_max_ns)
            fail_msg("siren for %g s; MOORWATCH_SEED=%u", (double)worst / 1e9, seed);
        if (n != m || memcmp(a, b, n) != 0)
            fail_msg("late steps differ; MOORWATCH_SEED=%u", seed);
    }
}

/* Rattled for three hours without a pause, it sounds its quarter of an hour and falls silent. */
static void the_siren_has_a_budget(void **state) {
    (void)state;
    struct lock l;
    struct lock_out out;
    int64_t sounded = 0;
    lock_init(&l, &LOCK_DEFAULTS, CLOSED, 0, 0, &out);
    for (int64_t t = S; t < 10800 * S; t += S / 2) {
        sounded += out.siren ? S / 2 : 0;
        lock_edge(&l, LOCK_INPUT_IMPACT, (t / (S / 2)) % 2 == 0, t, &out);
    }
    assert_true(sounded <= 3 * 900 * S);
    lock_tick(&l, 20000 * S, &out);
    assert_false(out.siren);
    assert_int_equal(LOCK_RESTORED, out.tell[out.tells - 1]);
}

/* Two locks share a quarter of an hour and are cut in turn, each so seldom that it rests alone. */
static void locks_with_one_siren_keep_its_budget_together(void **state) {
    (void)state;
    struct lock_conf conf = LOCK_DEFAULTS;
    struct lock l[2];
    struct lock_out out;
    int64_t used = 0, most = 0, off = 0;
    bool before = false, on[2] = {false, false};
    conf.siren_max_ns /= 2;
    for (int i = 0; i < 2; i++)
        lock_init(&l[i], &conf, CLOSED, 0, 0, &out);
    for (int64_t t = S; t < 86400 * S; t += S) {
        const int i = (int)(t / (2000 * S)) % 2;
        const int64_t phase = t % (2000 * S);
        const bool was = on[i];
        if (phase == 0 || phase == 5 * S)
            lock_edge(&l[i], LOCK_INPUT_LOOP, phase != 0, t, &out);
        else
            lock_tick(&l[i], t, &out);
        on[i] = out.siren;
        if (was || on[i])
            lock_neighbour(&l[1 - i], t);
        if (on[0] || on[1])
            used = !before && t - off >= conf.siren_rest_ns ? S : used + S;
        else if (before)
            off = t;
        before = on[0] || on[1];
        most = used > most ? used : most;
    }
    assert_in_range(most, 600 * S, 900 * S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_itself_and_unsets),
        cmocka_unit_test(knocks_in_two_stages),
        cmocka_unit_test(cut_and_tilt_are_tamper_at_once),
        cmocka_unit_test(the_key_ends_it),
        cmocka_unit_test(starts_as_it_finds_things),
        cmocka_unit_test(a_bridged_loop_and_a_motion),
        cmocka_unit_test(what_a_learning_lock_does),
        cmocka_unit_test(causes_say_what_spoke),
        cmocka_unit_test(the_strobe_outlasts_the_siren),
        cmocka_unit_test(a_restart_opens_no_hole),
        cmocka_unit_test(restarts_keep_the_sirens_budget),
        cmocka_unit_test(random_lives_keep_the_promises),
        cmocka_unit_test(the_siren_has_a_budget),
        cmocka_unit_test(locks_with_one_siren_keep_its_budget_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
