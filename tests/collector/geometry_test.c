/* The correction against the physics simulator, which shares no formula with it, and the history
 * against arbitrary text. */
#include "geometry.h"
#include "passage.h"
#include "physics.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

enum { VEHICLES = 60 };
static const double MM_S_PER_MPH = 447.04;

static const struct geometry SITE = {
    .lane_in_cm = 350,
    .lane_out_cm = 650,
    .height_cm = 100,
    .aim_deg10 = 100,
    .beam_deg10 = 230,
    .range_cm = 8000,
};

/* ---- what a simulated kit tells ---- */

struct told {
    double true_mph[2 * VEHICLES], mph[2 * VEHICLES];
    struct geometry_views views;
    double raw_mph, fixed_mph; /* mean error as told and when corrected */
    unsigned n;
};

/* As the wire tells it, so that what the collector knows is what is used. */
static void weigh(const struct passage_vehicle *v, double true_mph, struct told *told) {
    struct event e;
    passage_event(v, &e);
    told->true_mph[told->n] = true_mph;
    told->mph[told->n++] = v->speed_mm_s / MM_S_PER_MPH;
    geometry_view_add(&told->views, v->direction == DIRECTION_OUT, e.passage.speed_mph10,
                      e.passage.duration_ms);
    assert_true(told->n < 2 * VEHICLES);
}

static void conclude(struct told *told, const struct geometry *g, bool away) {
    struct geometry_factor f;
    assert_int_equal(geometry_factor(g, away, geometry_view(&told->views, away), &f), 0);
    assert_true(f.low <= f.factor && f.factor <= f.high && f.low >= 1);
    for (unsigned i = 0; i < told->n; i++) {
        told->raw_mph += (told->mph[i] - told->true_mph[i]) / told->n;
        told->fixed_mph += (told->mph[i] * f.factor - told->true_mph[i]) / told->n;
    }
}

/* One vehicle alone, so that nothing but the angle can be wrong. */
static void drive(struct physics *p, bool inbound, double true_mph, struct told *told) {
    static struct passage passage;
    struct passage_vehicle vehicles[PASSAGE_TRACKS];
    passage_init(&passage, &PASSAGE_DEFAULTS);
    struct physics_body body =
        physics_body(PHYSICS_CAR, inbound, 1, true_mph * MM_S_PER_MPH / 1000);
    assert_int_equal(physics_add(p, &body), 0);
    for (double t_s = 0; t_s < 25; t_s += 0.06) {
        struct radar_frame frame;
        physics_frame(p, t_s, &frame);
        unsigned n = passage_frame(&passage, &frame, vehicles);
        for (unsigned i = 0; i < n; i++)
            weigh(&vehicles[i], true_mph, told);
    }
}

static struct told observe(const struct geometry *g, bool inbound, bool sharp, uint64_t seed) {
    static struct physics p;
    struct told told = {0};
    struct physics_conf conf = PHYSICS_DEFAULTS;
    conf.beam_deg = g->beam_deg10 / 10.0;
    conf.boresight_deg = g->aim_deg10 / 10.0;
    conf.sharp = sharp;
    conf.height_m = g->height_cm / 100.0;
    conf.lane_in_m = g->lane_in_cm / 100.0;
    conf.lane_out_m = g->lane_out_cm / 100.0;
    conf.range_m = g->range_cm / 100.0;
    conf.rain = 0;
    conf.tones = 0;
    for (unsigned i = 0; i < VEHICLES; i++) {
        conf.seed = seed + i;
        physics_init(&p, &conf);
        drive(&p, inbound, 20 + i * 0.5, &told);
    }
    assert_true(told.n >= VEHICLES * 4 / 5);
    conclude(&told, g, !inbound);
    return told;
}

static void test_against_physics(void **state) {
    (void)state;
    struct geometry g = SITE;
    for (int32_t aim = 50; aim <= 250; aim += 50)
        for (int way = 0; way < 2; way++)
            for (int sharp = 0; sharp < 2; sharp++) {
                g.aim_deg10 = aim;
                struct told t = observe(&g, way == 0, sharp == 1, 7000);
                print_message("  aim %2d, %-4s %-8s as told %+.2f mph, corrected %+.2f mph (%u)\n",
                              aim / 10, way == 0 ? "in," : "out,",
                              sharp ? "sharp:" : "Gaussian:", t.raw_mph, t.fixed_mph, t.n);
                assert_true(t.raw_mph < 0.3);
                assert_true(fabs(t.fixed_mph) <= 0.4);
            }
}

/* ---- the factor itself ---- */

static void test_factor(void **state) {
    (void)state;
    struct geometry g = SITE;
    struct geometry_factor f, before = {1, 1, 1};
    for (g.aim_deg10 = 0; g.aim_deg10 <= 450; g.aim_deg10 += 10) {
        assert_int_equal(geometry_factor(&g, false, 0, &f), 0);
        assert_true(f.factor >= before.factor && f.low <= f.factor && f.high >= f.factor);
        before = f;
    }
    /* By hand: a beam from 10 to 30 degrees at 4 m: 22.69 m to 6.93 m, x90 = 21.11 m. */
    g = (struct geometry){400, 400, 0, 200, 200, 8000};
    assert_int_equal(geometry_factor(&g, true, 0, &f), 0);
    assert_true(fabs(f.factor - 1.01780) < 0.0001);
    /* A far lane beyond the range of a beam that looks across. */
    g = (struct geometry){400, 3000, 0, 450, 20, 1000};
    assert_int_equal(geometry_factor(&g, true, 0, &f), ERR_RANGE);
}

static void test_aim(void **state) {
    (void)state;
    struct geometry g = SITE;
    int32_t aim;
    for (int32_t want = 120; want <= 400; want += 20) {
        struct geometry_factor f;
        g.aim_deg10 = want;
        assert_int_equal(geometry_factor(&g, false, 0, &f), 0);
        assert_int_equal(geometry_aim(&SITE, false, 0, 30, 30 / f.factor, &aim), 0);
        assert_in_range(aim, want - 2, want + 2);
    }
    assert_int_equal(geometry_aim(&SITE, false, 0, 30, 31, &aim), ERR_RANGE);
    assert_int_equal(geometry_aim(&SITE, false, 0, 30, 10, &aim), ERR_RANGE);
    assert_int_equal(geometry_aim(&SITE, false, 0, 30, 0, &aim), ERR_RANGE);
    assert_int_equal(geometry_aim_by_tape(2000, 353, &aim), 0);
    assert_int_equal(aim, 100);
    assert_int_equal(geometry_aim_by_tape(0, 100, &aim), ERR_RANGE);
}

/* ---- histories ---- */

static void test_history(void **state) {
    (void)state;
    char text[GEOMETRY_TEXT_MAX], again[GEOMETRY_TEXT_MAX];
    struct geometry_history h = {0}, back;
    for (int64_t i = 0; i < GEOMETRY_PERIODS_MAX; i++) {
        struct geometry g = SITE;
        g.aim_deg10 = (int32_t)(i * 7 % 32);
        assert_int_equal(geometry_add(&h, (i * 11 % 32) * 1000, &g), 0);
    }
    assert_int_equal(geometry_add(&h, 99999, &SITE), ERR_NOSPACE);
    assert_int_equal(geometry_add(&h, 5000, &SITE), 0); /* in place of another */
    assert_int_equal(h.count, GEOMETRY_PERIODS_MAX);
    assert_true(geometry_write(&h, text) < GEOMETRY_TEXT_MAX);
    assert_int_equal(geometry_read(text, &back), 0);
    geometry_write(&back, again);
    assert_string_equal(text, again);
    assert_null(geometry_at(&h, -1));
    assert_ptr_equal(geometry_at(&h, 5999), &h.period[5].geometry);
    assert_int_equal(geometry_at(&h, 5500)->aim_deg10, SITE.aim_deg10);
    assert_ptr_equal(geometry_at(&h, INT64_MAX), &h.period[31].geometry);
}

static void test_any_text(void **state) {
    (void)state;
    static const char *const WRONG[] = {"1",
                                        "1 350 650 100 100 230",
                                        "1 350 650 100 100 230 8000",
                                        "x 350 650 100 100 230 8000\n",
                                        "1 350 650 100 900 230 8000\n",
                                        "-1 350 650 100 100 230 8000\n",
                                        "1 350 650 100 100 230 8000 7\n",
                                        "99999999999999999999 350 650 100 100 230 8000\n"};
    struct geometry_history h = {.count = 77};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        assert_int_equal(geometry_read(WRONG[i], &h), ERR_BADMSG);
    assert_int_equal(h.count, 77);
    assert_int_equal(geometry_read("", &h), 0);
    assert_int_equal(h.count, 0);
}

static void test_check(void **state) {
    (void)state;
    const char *field = "";
    struct geometry g = SITE;
    assert_int_equal(geometry_check(&g, &field), 0);
    g.height_cm = 1001;
    assert_int_equal(geometry_check(&g, &field), ERR_RANGE);
    assert_string_equal(field, "height");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_physics),
        cmocka_unit_test(test_factor),
        cmocka_unit_test(test_aim),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_any_text),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
