/* learn: places quiet and rough, restarts at any hour, and an attacker who teaches.  Replay:
 * MOORWATCH_SEED=N. */
#include "learn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t HOUR_NS = INT64_C(3600) * 1000000000;

/* Hours whose loudest harmless motion is loud(h); restarted before hour `restart`, if any. */
static double taught(double (*loud)(int hour), int restart) {
    struct learn l;
    int64_t next, t = 5;
    learn_init(&l, 0, t);
    for (int h = 0; h < LEARN_HOURS; h++) {
        assert_true(learn_factor(&l) == 1); /* until all is learnt */
        if (h == restart)
            learn_init(&l, learn_save(&l), t);
        learn_heard(&l, loud(h) / 3);
        learn_heard(&l, loud(h));
        assert_false(learn_done(&l));
        t += HOUR_NS;
        assert_true(learn_tick(&l, t, &next));
    }
    assert_true(learn_done(&l));
    assert_true(next == INT64_MAX);
    return learn_factor(&l);
}

static double quiet(int h) {
    return h % 24 / 200.0;
}
static double windy(int h) {
    return h % 3 == 0 ? 0.78 : 0.2;
}
static double one_bad_night(int h) {
    return h >= 20 && h < 24 ? 1.0 : 0.1;
}
static double taught_to_be_deaf(int h) {
    (void)h;
    return 1000;
}

static void places(void **state) {
    (void)state;
    assert_true(taught(quiet, -1) == 1);
    assert_true(taught(one_bad_night, -1) == 1); /* four hours of 48 are no rule */
    double factor = taught(windy, -1);
    assert_true(factor >= 1.5 && factor <= 1.7); /* 0.78 under half of it */
    assert_true(taught(windy, 30) == factor);
    assert_true(taught(taught_to_be_deaf, 3) == LEARN_FACTOR_MAX);
}

static void any_number_is_a_state(void **state) {
    (void)state;
    const char *given = getenv("MOORWATCH_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 7;
    print_message("seed %u\n", seed);
    for (int i = 0; i < 20000; i++) {
        struct learn l;
        int64_t next;
        uint64_t saved = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed) << 11;
        learn_init(&l, i % 3 == 0 ? saved & 0x1041041041041 : saved, 0);
        assert_true(l.hours <= LEARN_HOURS);
        learn_tick(&l, (int64_t)(rand_r(&seed) % 60) * HOUR_NS, &next);
        assert_true(learn_factor(&l) >= 1 && learn_factor(&l) <= LEARN_FACTOR_MAX);
        struct learn again;
        learn_init(&again, learn_save(&l), 0);
        assert_true(again.hours == l.hours && learn_factor(&again) == learn_factor(&l));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(any_number_is_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
