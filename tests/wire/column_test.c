/* column_test: bits by hand, columns at random, and bits that are none. */
#include "column.h"
#include "random_event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 1024 };
static int64_t values[MANY], back[MANY];
static uint8_t bits[MANY * 8];

/* WIRE.md 4's worked example: 31, 28, 30, 30, 35 about 30 with k = 1. */
static void test_worked_example(void **state) {
    (void)state;
    static const int64_t SPEEDS[] = {31, 28, 30, 30, 35};
    static const uint8_t BITS[] = {0x94, 0x3e, 0x00};
    struct column column = {30, COLUMN_ZIGZAG | 1 << 2, BITS, sizeof BITS};
    assert_int_equal(column_read(&column, 5, back), 0);
    assert_memory_equal(back, SPEEDS, sizeof SPEEDS);
    struct column_plan plan = {30, column.code, sizeof BITS};
    column_write(&plan, SPEEDS, 5, bits);
    assert_memory_equal(bits, BITS, sizeof BITS);
}

static size_t random_column(struct random *r) {
    size_t count = 1 + (size_t)random_below(r, random_below(r, 8) == 0 ? MANY : 40);
    unsigned width = (unsigned)random_below(r, 63);
    int64_t base = (int64_t)random_below(r, UINT64_C(1) << 61) - (INT64_C(1) << 60);
    bool bell = random_below(r, 2);
    for (size_t i = 0; i < count; i++) {
        uint64_t any = random_next(r) & ((UINT64_C(1) << width) - 1);
        values[i] = bell ? 300 + (int64_t)(random_normal(r) * width) : base + (int64_t)any;
    }
    return count;
}

static void test_round_trip(void **state) {
    (void)state;
    struct random r = random_start(11);
    for (int round = 0; round < 3000; round++) {
        size_t count = random_column(&r);
        struct column_plan plan = column_plan(values, count);
        assert_true(plan.bytes <= (count * 63 + 7) / 8);
        column_write(&plan, values, count, bits);
        struct column column = {plan.base, plan.code, bits, plan.bytes};
        assert_int_equal(column_read(&column, count, back), 0);
        assert_memory_equal(values, back, count * sizeof *values);
        if (plan.bytes > 1) {
            column.len--;
            assert_int_equal(column_read(&column, count, back), ERR_BADMSG);
            bits[plan.bytes] = 0;
            column.len += 2;
            assert_int_equal(column_read(&column, count, back), ERR_BADMSG);
        }
    }
}

static void test_extremes(void **state) {
    (void)state;
    static const int64_t ENDS[] = {0, INT64_MAX, 1, INT64_MAX - 1};
    struct column_plan plan = column_plan(ENDS, 4);
    column_write(&plan, ENDS, 4, bits);
    struct column column = {plan.base, plan.code, bits, plan.bytes};
    assert_int_equal(column_read(&column, 4, back), 0);
    assert_memory_equal(back, ENDS, sizeof ENDS);
    plan = column_plan(ENDS, 0);
    assert_int_equal(plan.bytes, 0);
    for (size_t i = 0; i < MANY; i++)
        values[i] = -77;
    plan = column_plan(values, MANY);
    assert_int_equal(plan.base, -77);
    assert_int_equal(plan.bytes, 0);
}

static int read_bits(int64_t base, uint32_t code, const char *data, size_t len, size_t count) {
    struct column column = {base, code, (const uint8_t *)data, len};
    return column_read(&column, count, back);
}

static void test_refused(void **state) {
    (void)state;
    assert_int_equal(read_bits(0, 3, "\x00", 1, 1), ERR_BADMSG);       /* no such code */
    assert_int_equal(read_bits(0, 64 << 2, "\x00", 1, 1), ERR_BADMSG); /* k beyond a number */
    assert_int_equal(read_bits(0, 1 << 2, "\x01", 1, 1), ERR_BADMSG);  /* stowaway bit */
    assert_int_equal(read_bits(0, 0, "\xff\xff", 2, 1), ERR_BADMSG);   /* unary without end */
    assert_int_equal(read_bits(0, 63 << 2, "\xc0\0\0\0\0\0\0\0\0", 9, 1), ERR_BADMSG);
    assert_int_equal(read_bits(INT64_MAX, 0, "\x80", 1, 1), ERR_BADMSG); /* base + 1 overflows */
    assert_int_equal(read_bits(INT64_MIN, 1, "\x80", 1, 1), ERR_BADMSG); /* base - 1 overflows */
    assert_int_equal(read_bits(0, 2, "\x00", 1, 1), ERR_BADMSG); /* a byte that nobody needs */
    assert_int_equal(read_bits(0, 0, "\x00", 1, 0), ERR_BADMSG); /* bits for nobody */
    assert_int_equal(read_bits(5, 2, "", 0, 3), ERR_BADMSG);     /* a code for no bits */
    assert_int_equal(read_bits(5, 0, "", 0, 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_example),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
