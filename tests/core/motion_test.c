/* motion: the bars that the filter must hold on traces of known origin, fitted and held out, at
 * three rates; then what no trace says: samples of any value, what a verdict is given for, and what
 * is left of its ears in the roughest place.  tools/bench motion prints the figures in full. */
#include "motion_score.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

enum { TRACES = 8 };
static const unsigned RATES[] = {100, 200, 400};
static uint64_t first_seed = 70000; /* not those that the constants were chosen with */

static struct motion_score nuisances[VIBRATION_SETS], attacks[VIBRATION_SETS];

static double percent(const struct motion_score *s) {
    return 100.0 * s->alarms / s->traces;
}

static void run_all(enum vibration_set set) {
    for (unsigned kind = 0; kind < VIBRATION_KINDS; kind++)
        for (unsigned r = 0; r < 3; r++)
            for (unsigned i = 0; i < TRACES; i++)
                motion_score_run(kind < VIBRATION_NUISANCES ? &nuisances[set] : &attacks[set],
                                 (enum vibration_kind)kind, set, RATES[r], 1, first_seed + i);
    print_message(
        "  %s: nuisance silent %.1f %% (at least 99), attacks raised %.1f %% (at least 95), "
        "of %u traces each\n",
        vibration_set_name(set), 100 - percent(&nuisances[set]), percent(&attacks[set]),
        attacks[set].traces);
    assert_true(100 - percent(&nuisances[set]) >= 99);
    assert_true(percent(&attacks[set]) >= 95);
}

static void places_it_was_fitted_on(void **state) {
    (void)state;
    run_all(VIBRATION_FITTED);
}

static void places_it_has_never_seen(void **state) {
    (void)state;
    run_all(VIBRATION_HELD_OUT);
}

/* The hardest nuisance by itself, felt by the slowest sensor. */
static void wind_alone(void **state) {
    (void)state;
    struct motion_score s = {0};
    for (unsigned set = 0; set < VIBRATION_SETS; set++)
        for (unsigned i = 0; i < 100; i++)
            motion_score_run(&s, VIBRATION_WIND, (enum vibration_set)set, 100, 1, first_seed + i);
    print_message("  wind at 100 Hz: %u alarms of %u (at most 4)\n", s.alarms, s.traces);
    assert_true(s.alarms <= 4);
}

/* learn.h raises thresholds to twice at most: tools that break a lock in a minute still ring. */
static void ears_in_the_roughest_place(void **state) {
    (void)state;
    static const enum vibration_kind LOUD[] = {VIBRATION_HAMMER, VIBRATION_GRINDER,
                                               VIBRATION_LIFTED, VIBRATION_PRY_BAR};
    struct motion_score s = {0};
    for (unsigned k = 0; k < 4; k++)
        for (unsigned i = 0; i < TRACES; i++)
            motion_score_run(&s, LOUD[k], VIBRATION_FITTED, 200, 2, first_seed + i);
    print_message("  at twice the thresholds: %.1f %% (at least 80)\n", percent(&s));
    assert_true(percent(&s) >= 80);
}

static void any_samples_whatever(void **state) {
    (void)state;
    unsigned seed = (unsigned)first_seed, seen[MOTION_VERDICTS] = {0};
    struct motion m;
    motion_init(&m, &(struct motion_conf){200, 1});
    for (unsigned i = 0; i < 60000; i++) {
        struct motion_sample x;
        unsigned how = i / 4000 % 5;
        for (int k = 0; k < 3; k++)
            x.mg[k] = how == 0   ? 0
                      : how == 1 ? (int16_t)(rand_r(&seed) & 0xffff)
                      : how == 2 ? INT16_MIN
                      : how == 3 ? (int16_t)(rand_r(&seed) % 2 ? INT16_MAX : INT16_MIN)
                                 : 1000;
        enum motion_verdict v = motion_feed(&m, &x);
        assert_true(v >= MOTION_QUIET && v < MOTION_VERDICTS);
        assert_true(motion_share(&m) >= 0 && motion_share(&m) < 1e6);
        seen[v]++;
        if (i % 997 == 0)
            motion_skip(&m);
    }
    assert_true(seen[MOTION_ATTACK] > 0 && seen[MOTION_ATTACK] < 60);
}

static enum motion_verdict play(struct motion *m, double seconds, int16_t x_mg, int16_t z_mg) {
    enum motion_verdict worst = MOTION_QUIET;
    for (unsigned i = 0; i < (unsigned)(seconds * 200); i++) {
        enum motion_verdict v = motion_feed(m, &(struct motion_sample){{x_mg, 0, z_mg}});
        worst = v > worst ? v : worst;
    }
    return worst;
}

/* 10 ms of 6 g: 0.6 m/s. */
static enum motion_verdict knock(struct motion *m) {
    enum motion_verdict v = play(m, 0.01, 6000, 1000), after = play(m, 0.25, 0, 1000);
    return v > after ? v : after;
}

static void verdicts_in_a_row(void **state) {
    (void)state;
    struct motion m;
    motion_init(&m, &(struct motion_conf){200, 1});
    assert_int_equal(MOTION_QUIET, play(&m, 20, 0, 1000));
    assert_false(motion_busy(&m));
    assert_int_equal(MOTION_DOUBT, knock(&m)); /* one blow is no attack */
    assert_true(motion_busy(&m));
    assert_int_equal(MOTION_QUIET, play(&m, 30, 0, 1000)); /* told already: not counted */
    assert_false(motion_busy(&m));
    assert_int_equal(MOTION_DOUBT, knock(&m));
    play(&m, 1, 0, 1000);
    assert_int_equal(MOTION_ATTACK, knock(&m));
    assert_true(motion_share(&m) >= 1);
    assert_int_equal(MOTION_QUIET, knock(&m)); /* the same episode */
    play(&m, 30, 0, 1000);
    /* A thing of a tenth of that: harmless, and so it is counted. */
    enum motion_verdict v = play(&m, 0.01, 600, 1000), after = play(&m, 30, 0, 1000);
    assert_int_equal(MOTION_NUISANCE, v > after ? v : after);
    assert_true(motion_share(&m) > 0.05 && motion_share(&m) < 0.7);
    /* Turned by 20 degrees and left so. */
    assert_int_equal(MOTION_MOVED, play(&m, 5, 342, 940));
    /* It gets used to its new place. */
    play(&m, 200, 342, 940);
    assert_false(motion_busy(&m));
}

/* A door that a rising storm rattles against its frame, six times a second and harder and harder:
 * each blow would be one, were it not usual by then. */
static void what_is_usual_is_no_blow(void **state) {
    (void)state;
    struct motion m;
    enum motion_verdict worst = MOTION_QUIET;
    motion_init(&m, &(struct motion_conf){200, 1});
    play(&m, 10, 0, 1000);
    for (int i = 0; i < 360; i++) {
        double rise = (i < 300 ? i / 300.0 : 1) * (i % 3 == 0 ? 1.2 : 0.9); /* to 0.34 m/s */
        enum motion_verdict a = play(&m, 0.01, (int16_t)(3000 * rise), 1000);
        enum motion_verdict b = play(&m, 0.15, (int16_t)(-200 * rise), 1000);
        worst = a > worst ? a : worst;
        worst = b > worst ? b : worst;
    }
    assert_true(worst < MOTION_ATTACK);
    assert_true(motion_share(&m) > 1);
    /* And a hammer in the storm still is one. */
    worst = MOTION_QUIET;
    for (int i = 0; i < 4; i++) {
        enum motion_verdict v = play(&m, 0.015, 8000, 1000), after = play(&m, 0.5, 0, 1000);
        worst = v > worst ? v : worst;
        worst = after > worst ? after : worst;
    }
    assert_int_equal(MOTION_ATTACK, worst);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        first_seed = strtoull(argv[2], NULL, 10);
    print_message("seed %llu\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_it_was_fitted_on),
        cmocka_unit_test(places_it_has_never_seen),
        cmocka_unit_test(wind_alone),
        cmocka_unit_test(ears_in_the_roughest_place),
        cmocka_unit_test(any_samples_whatever),
        cmocka_unit_test(verdicts_in_a_row),
        cmocka_unit_test(what_is_usual_is_no_blow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
