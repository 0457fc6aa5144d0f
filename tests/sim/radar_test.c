/* The bars that segmentation must hold on scenes of known truth, beside two other rules. */
#include "radar_score.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 20, SECONDS = 300 };

static struct score ours, gap;
static uint64_t first_seed = 1000; /* not those that radarbench prints */

static void score(struct score *s, enum score_rule rule, enum physics_scene scene) {
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < SEEDS; i++)
        score_run(s, rule, scene, first_seed + i, SECONDS);
}

static void at_least(const char *what, double value, double bar) {
    print_message("  %-28s %7.2f (at least %.2f)\n", what, value, bar);
    assert_true(value >= bar);
}

static void at_most(const char *what, double value, double bar) {
    print_message("  %-28s %7.2f (at most %.2f)\n", what, value, bar);
    assert_true(value <= bar);
}

static void test_free_flow(void **state) {
    (void)state;
    score(&ours, SCORE_OURS, PHYSICS_FREE);
    score(&gap, SCORE_GAP, PHYSICS_FREE);
    at_least("found %", score_found_percent(&ours), 99);
    at_least("direction %", score_direction_percent(&ours), 99.9);
    at_most("bias mph", score_bias_mph(&ours), 0.1);
    at_least("bias mph", score_bias_mph(&ours), -0.1);
    at_most("95 % of errors, mph", score_p95_mph(&ours), 0.5);
    at_most("the common rule finds %", score_found_percent(&gap), score_found_percent(&ours) - 2);
}

static void test_platoons(void **state) {
    (void)state;
    static const struct {
        enum physics_scene scene;
        double bar;
    } BARS[] = {{PHYSICS_HEADWAY_3, 93}, {PHYSICS_HEADWAY_2, 85}, {PHYSICS_HEADWAY_1_5, 75}};
    for (unsigned i = 0; i < 3; i++) {
        score(&ours, SCORE_OURS, BARS[i].scene);
        score(&gap, SCORE_GAP, BARS[i].scene);
        at_least(physics_scene_name(BARS[i].scene), score_found_percent(&ours), BARS[i].bar);
        at_most("the common rule", score_found_percent(&gap), score_found_percent(&ours) - 30);
    }
}

static void test_others_on_the_road(void **state) {
    (void)state;
    score(&ours, SCORE_OURS, PHYSICS_BRAKING);
    at_least("braking: found %", score_found_percent(&ours), 97);
    score(&ours, SCORE_OURS, PHYSICS_LORRIES);
    at_least("lorries: found %", score_found_percent(&ours), 98);
    at_most("lorries: 95 % of errors", score_p95_mph(&ours), 0.6);
}

static void test_no_vehicle(void **state) {
    (void)state;
    static const enum physics_scene SCENES[] = {PHYSICS_RAIN, PHYSICS_FAN, PHYSICS_WALKERS};
    for (unsigned i = 0; i < 3; i++) {
        score(&ours, SCORE_OURS, SCENES[i]);
        at_most(physics_scene_name(SCENES[i]), score_extra_per_hour(&ours), 1);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        first_seed = strtoull(argv[2], NULL, 10);
    print_message("seed %llu\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_flow),
        cmocka_unit_test(test_platoons),
        cmocka_unit_test(test_others_on_the_road),
        cmocka_unit_test(test_no_vehicle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
