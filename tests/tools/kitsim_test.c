/* The simulator's own promises: the same seed gives the same world, and the world has the shape
 * that was asked for. */
#include "chance.h"
#include "scene.h"
#include "table.h"
#include "traffic.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void same_seed_same_numbers(void **state) {
    (void)state;
    struct chance a, b, other;
    chance_init(&a, 7);
    chance_init(&b, 7);
    chance_init(&other, 8);
    unsigned differ = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = chance_u64(&a);
        assert_true(x == chance_u64(&b));
        differ += x != chance_u64(&other);
    }
    assert_int_equal(differ, 1000);
}

static void gaps_are_exponential(void **state) {
    (void)state;
    struct chance c;
    chance_init(&c, 1);
    double sum = 0, over = 0;
    for (int i = 0; i < 100000; i++) {
        double g = chance_gap(&c, 18.0);
        sum += g;
        over += g > 36.0;
    }
    assert_true(fabs(sum / 100000 - 18.0) < 0.3);
    assert_true(fabs(over / 100000 - exp(-2.0)) < 0.005);
}

static void normal_has_its_moments(void **state) {
    (void)state;
    struct chance c;
    chance_init(&c, 3);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = chance_normal(&c, 5.0, 2.0);
        sum += x;
        squares += x * x;
    }
    double mean = sum / 100000, sd = sqrt(squares / 100000 - mean * mean);
    assert_true(fabs(mean - 5.0) < 0.05 && fabs(sd - 2.0) < 0.05);
}

/* A step never goes back in time, and a lock ends as it began: closed, whole and left alone. */
static void scenes_end_at_rest(void **state) {
    (void)state;
    struct chance c;
    for (unsigned seed = 0; seed < 200; seed++) {
        chance_init(&c, seed);
        struct scene s;
        scene_make(&s, &c, scene_draw(&c), 1.0);
        bool level[LOCK_INPUTS];
        for (enum lock_input i = 0; i < LOCK_INPUTS; i++)
            level[i] = scene_rest(i);
        int64_t before = 0;
        for (unsigned i = 0; i < s.count; i++) {
            assert_true(s.steps[i].at_ms >= before);
            before = s.steps[i].at_ms;
            assert_true(level[s.steps[i].input] != s.steps[i].active);
            level[s.steps[i].input] = s.steps[i].active;
        }
        for (enum lock_input i = 0; i < LOCK_INPUTS; i++)
            assert_int_equal(level[i], scene_rest(i));
    }
}

static void own_data_is_whole(void **state) {
    (void)state;
    static struct traffic t;
    t = (struct traffic){.per_day = 2400, .scale = 1};
    const char *folder = SOURCE_DIR "/tools/kitsim/data/";
    char path[512];
    snprintf(path, sizeof path, "%sspeeds.csv", folder);
    assert_int_equal(traffic_load_speeds(&t, path, 1), 0);
    assert_true(t.speeds_count >= 200);
    snprintf(path, sizeof path, "%shours.csv", folder);
    assert_int_equal(traffic_load_hours(&t, path), 0);
    for (unsigned d = 0; d < TRAFFIC_DAYS; d++) {
        double sum = 0;
        for (unsigned h = 0; h < 24; h++)
            sum += t.hours[d][h];
        assert_true(fabs(sum - 1.0) < 0.002);
    }
    int64_t monday_8 = 4 * 86400 + 8 * 3600, sunday_8 = 3 * 86400 + 8 * 3600;
    assert_true(traffic_per_hour(&t, monday_8) > 2 * traffic_per_hour(&t, sunday_8));
}

/* In percent: how many of the speeds are at least so fast. */
static double share(const struct traffic *t, int mph) {
    unsigned n = 0;
    for (unsigned i = 0; i < t->speeds_count; i++)
        n += t->speeds_mph[i] >= mph;
    return 100.0 * n / t->speeds_count;
}

/* Each site's road fits its limit: a village, not a race track, and some villages are fine. */
static void sites_are_villages(void **state) {
    (void)state;
    static struct traffic t;
    struct table sites;
    unsigned count = 0, fine = 0;
    const char *folder = SOURCE_DIR "/tools/kitsim/data/";
    char path[512];
    snprintf(path, sizeof path, "%ssites.csv", folder);
    assert_int_equal(table_open(path, &sites), 0);
    snprintf(path, sizeof path, "%sspeeds.csv", folder);
    while (table_next(&sites)) {
        int limit = (int)table_number(&sites, table_column(&sites, "limit_mph"), 0);
        int pair = (int)table_number(&sites, table_column(&sites, "pair"), 0);
        assert_true((limit == 20 || limit == 30 || limit == 40) && pair > 0);
        assert_int_equal(traffic_load_speeds(&t, path, (unsigned)pair), 0);
        double over = share(&t, limit + 1), at_threshold = share(&t, limit * 11 / 10 + 2);
        assert_true(over >= 5 && over <= 50);
        assert_true(at_threshold <= 15);
        fine += at_threshold < 1.5;
        count++;
    }
    table_close(&sites);
    assert_int_equal(count, 12);
    assert_in_range(fine, 2, 4);
}

static void missing_file_is_told(void **state) {
    (void)state;
    static struct traffic t;
    assert_int_equal(traffic_load_speeds(&t, "/nonexistent/speeds.csv", 0), ERR_NOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_numbers), cmocka_unit_test(gaps_are_exponential),
        cmocka_unit_test(normal_has_its_moments), cmocka_unit_test(scenes_end_at_rest),
        cmocka_unit_test(own_data_is_whole),      cmocka_unit_test(sites_are_villages),
        cmocka_unit_test(missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
