/* The bars that the low-cost path must hold on signals of known truth (tools/bench iq prints more,
 * on other seeds).  A signal of our own making: each bar is what was seen, with room for chance.
 *
 *   free flow, 36 dB at 20 m       found >= 98 %, direction >= 99.5 %, bias within 0.5 mph and 95 %
 *                                  of errors within 1.2 mph of the speed along the road (the angle
 *                                  is the site's, corrected later)
 *   the same, frame by frame       radial bias within 0.05 mph, 95 % within 0.3 mph
 *   hum as strong as a car,        found >= 98 %, direction >= 99.5 %
 *   Q 2 dB and 10 degrees off
 *   both ways, 600 an hour each    found >= 90 %, direction >= 99 %
 *   rain, fan, walkers             at most one false vehicle in three quarters of a minute
 *   20 dB at 20 m                  half of the frames of a car see it up to 25 m at least;
 *   44 dB at 20 m                  up to 80 m */
#include "iq_score.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 2, SECONDS = 45 };

static struct iq_score s;
static uint64_t first_seed = 1000; /* not those that iqbench prints */

static void play(const struct iq_case *c, unsigned seeds) {
    memset(&s, 0, sizeof s);
    for (unsigned i = 0; i < seeds; i++)
        assert_int_equal(iq_score_run(&s, c, first_seed + i, SECONDS), 0);
    print_message("%s\n", c->name);
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
    struct iq_case c = iq_score_case("free flow", PHYSICS_FREE);
    (void)state;
    play(&c, SEEDS);
    at_least("found %", score_found_percent(&s.score), 98);
    at_least("direction %", score_direction_percent(&s.score), 99.5);
    at_most("bias, mph, either way", fabs(score_bias_mph(&s.score)), 0.5);
    at_most("95 % of errors, mph", score_p95_mph(&s.score), 1.2);
    at_most("radial bias, mph", fabs(score_bias_mph(&s.radial)), 0.05);
    at_most("95 % of radial errors, mph", score_p95_mph(&s.radial), 0.3);
}

static void test_hum_and_image(void **state) {
    struct iq_case c = iq_score_case("hum and image", PHYSICS_FREE);
    (void)state;
    c.signal.hum = c.signal.level;
    c.signal.gain_db = 2;
    c.signal.phase_deg = 10;
    play(&c, SEEDS);
    at_least("found %", score_found_percent(&s.score), 98);
    at_least("direction %", score_direction_percent(&s.score), 99.5);
}

static void test_two_at_once(void **state) {
    struct iq_case c = iq_score_case("busy, both ways", PHYSICS_BUSY);
    (void)state;
    play(&c, SEEDS);
    at_least("found %", score_found_percent(&s.score), 90);
    at_least("direction %", score_direction_percent(&s.score), 99);
}

static void test_no_vehicle(void **state) {
    static const enum physics_scene SCENES[] = {PHYSICS_RAIN, PHYSICS_FAN, PHYSICS_WALKERS};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct iq_case c = iq_score_case(physics_scene_name(SCENES[i]), SCENES[i]);
        play(&c, 1);
        at_most("false vehicles", s.score.extra, 1);
    }
}

static void test_range(void **state) {
    static const struct { double snr_db, bar_m; } BARS[] = {{20, 25}, {44, 80}};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct iq_case c = iq_score_case("range", PHYSICS_FREE);
        c.signal.snr_db = BARS[i].snr_db;
        c.range_m = 150;
        play(&c, SEEDS);
        at_least("seen in half of frames, m", iq_score_range_m(&s, 50), BARS[i].bar_m);
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        first_seed = strtoull(argv[2], NULL, 10);
    print_message("seed %llu\n", (unsigned long long)first_seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_flow),   cmocka_unit_test(test_hum_and_image),
        cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_no_vehicle),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
