/* Lines of one capture become one frame. */
#include "ops243_join.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#define MS INT64_C(1000000)

struct feed {
    struct ops243_join join;
    struct ops243_context context;
    unsigned n;
    struct radar_frame frame[16];
};

static void say(struct feed *f, const char *text, int64_t t_ns) {
    struct ops243_line line;
    assert_int_equal(ops243_line_read(text, strlen(text), &f->context, &line), 0);
    f->n += ops243_join_line(&f->join, &line, t_ns, &f->frame[f->n]);
}

static void end(struct feed *f, int64_t now_ns) {
    f->n += ops243_join_end(&f->join, now_ns, &f->frame[f->n]);
}

static void test_plain_lines_of_one_moment(void **state) {
    (void)state;
    struct feed f = {.n = 0};
    say(&f, "10.0", 100 * MS);
    say(&f, "-11.0", 100 * MS);
    say(&f, "12.0", 104 * MS);
    say(&f, "10.1", 151 * MS);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.frame[0].count, 3);
    assert_int_equal(f.frame[0].t_ns, 100 * MS);
    end(&f, 160 * MS);
    assert_int_equal(f.n, 1); /* more might come */
    end(&f, 164 * MS);
    assert_int_equal(f.n, 2);
    end(&f, INT64_MAX);
    assert_int_equal(f.n, 2);
}

static void test_own_time_parts_frames(void **state) {
    (void)state;
    struct feed f = {.n = 0};
    /* read in one go after a pause of the host */
    say(&f, "5.000,10.0", 900 * MS);
    say(&f, "5.000,11.0", 900 * MS);
    say(&f, "5.051,10.0", 900 * MS);
    say(&f, "5.102,10.0", 900 * MS);
    end(&f, INT64_MAX);
    assert_int_equal(f.n, 3);
    assert_int_equal(f.frame[0].count, 2);
    assert_int_equal(f.frame[1].t_ns, 951 * MS);
    assert_int_equal(f.frame[2].t_ns, 1002 * MS);
}

static void test_array_is_a_frame(void **state) {
    (void)state;
    struct feed f = {.n = 0};
    say(&f, "{\"speed\":[10,11]}", 100 * MS);
    say(&f, "{\"speed\":[10,11]}", 100 * MS);
    say(&f, "{\"Units\":\"m-per-sec\"}", 101 * MS);
    end(&f, 101 * MS);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.frame[0].count, 2);
    assert_int_equal(f.frame[1].count, 2);
}

static void test_blank_is_an_empty_frame(void **state) {
    (void)state;
    struct feed f = {.n = 0};
    say(&f, "", 100 * MS);
    say(&f, "", 200 * MS);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.frame[0].count, 0);
}

static void test_never_too_many(void **state) {
    (void)state;
    struct feed f = {.n = 0};
    for (unsigned i = 0; i < 40; i++)
        say(&f, "10", 100 * MS);
    end(&f, INT64_MAX);
    assert_int_equal(f.n, 3);
    assert_int_equal(f.frame[0].count, RADAR_TARGETS_MAX);
    assert_int_equal(f.frame[2].count, 40 - 2 * RADAR_TARGETS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_lines_of_one_moment),
        cmocka_unit_test(test_own_time_parts_frames),
        cmocka_unit_test(test_array_is_a_frame),
        cmocka_unit_test(test_blank_is_an_empty_frame),
        cmocka_unit_test(test_never_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
