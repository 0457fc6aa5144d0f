/* debounce: bounces by hand, then random lines against the promises. */
#include "debounce.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static void stable_waits(void **state) {
    (void)state;
    struct debounce d;
    int64_t at = -1;
    debounce_init(&d, DEBOUNCE_STABLE, 20 * MS, false);
    assert_false(debounce_edge(&d, true, 0, &at));
    assert_false(debounce_edge(&d, false, 5 * MS, &at)); /* a spike */
    assert_true(debounce_next(&d) == INT64_MAX);
    assert_false(debounce_edge(&d, true, 10 * MS, &at));
    assert_true(debounce_next(&d) == 30 * MS);
    assert_false(debounce_tick(&d, 30 * MS - 1, &at));
    assert_true(debounce_tick(&d, 30 * MS, &at));
    assert_true(at == 10 * MS && d.level);
    /* The loop came late: the old change is told first, the new edge begins its own wait. */
    assert_false(debounce_edge(&d, false, 100 * MS, &at));
    assert_true(debounce_edge(&d, true, 200 * MS, &at));
    assert_true(at == 100 * MS && !d.level);
    assert_true(debounce_tick(&d, 220 * MS, &at));
    assert_true(at == 200 * MS && d.level);
}

static void first_tells_at_once(void **state) {
    (void)state;
    struct debounce d;
    int64_t at = -1;
    debounce_init(&d, DEBOUNCE_FIRST, 50 * MS, false);
    assert_true(debounce_edge(&d, true, 7 * MS, &at)); /* a pulse of 2 ms is not missed */
    assert_true(at == 7 * MS);
    assert_false(debounce_edge(&d, false, 9 * MS, &at));
    assert_true(debounce_next(&d) == 57 * MS);
    assert_true(debounce_tick(&d, 57 * MS, &at));
    assert_false(d.level);
    debounce_init(&d, DEBOUNCE_FIRST, 0, false); /* no period: every edge */
    assert_true(debounce_edge(&d, true, 1, &at));
    assert_true(debounce_edge(&d, false, 2, &at));
}

static void random_lines(void **state) {
    (void)state;
    const char *given = getenv("MOORWATCH_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 11, start = seed;
    for (int round = 0; round < 400; round++) {
        enum debounce_mode mode = round % 2 == 0 ? DEBOUNCE_STABLE : DEBOUNCE_FIRST;
        struct debounce d;
        bool raw = false, told = false;
        int64_t last_report = -1000 * MS, now = 0, at;
        debounce_init(&d, mode, 30 * MS, false);
        for (int i = 0; i < 300; i++) {
            now += 1 + (int64_t)rand_r(&seed) % (round % 5 == 0 ? 100 * MS : 15 * MS);
            while (debounce_next(&d) < now) {
                int64_t due = debounce_next(&d);
                if (debounce_tick(&d, due, &at)) {
                    if (d.level == told || due - last_report < 30 * MS)
                        fail_msg("round %d of MOORWATCH_SEED=%u", round, start);
                    told = d.level;
                    last_report = due;
                }
            }
            raw = (rand_r(&seed) & 1) != 0;
            if (debounce_edge(&d, raw, now, &at)) {
                if (d.level == told || (now - last_report < 30 * MS))
                    fail_msg("round %d of MOORWATCH_SEED=%u", round, start);
                told = d.level;
                last_report = now;
            }
        }
        debounce_tick(&d, now + 60 * MS, &at);
        if (d.level != raw)
            fail_msg("ends wrong: round %d of MOORWATCH_SEED=%u", round, start);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stable_waits),
        cmocka_unit_test(first_tells_at_once),
        cmocka_unit_test(random_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
