/* The histogram says the same as the list of speeds; its blob comes back and is strict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "histogram.h"
#include "random.h"
#include <math.h>
#include <string.h>

static struct histogram h, other, back;
static uint8_t blob[HISTOGRAM_BLOB_MAX];

static void empty(struct histogram *it) {
    memset(it, 0, sizeof *it);
}

static void same_as_the_list(void **state) {
    (void)state;
    random_seed(20261122);
    for (int round = 0; round < 300; round++) {
        static double mph[500];
        size_t n = (size_t)random_below(500) + 1;
        empty(&h);
        for (size_t i = 0; i < n; i++) {
            int dmph = 150 + random_below(300);
            mph[i] = dmph / 10.0;
            assert_int_equal(histogram_add(&h, dmph), 0);
        }
        struct speeds_stats a, b;
        assert_int_equal(histogram_describe(&h, 30, 35, &a), 0);
        assert_int_equal(speeds_of_array(mph, n, 30, 35, &b), 0);
        assert_true(fabs(a.mean - b.mean) < 1e-9);
        a.mean = b.mean;
        assert_int_equal(a.n, b.n);
        assert_true(a.p50 == b.p50 && a.p85 == b.p85 && a.max == b.max);
        assert_true(a.p85_low == b.p85_low && a.p85_high == b.p85_high);
        assert_int_equal(a.p85_high_known, b.p85_high_known);
        assert_int_equal(a.over_limit.count, b.over_limit.count);
        assert_int_equal(a.at_or_over_threshold.count, b.at_or_over_threshold.count);
    }
}

static void adding_and_removing(void **state) {
    (void)state;
    empty(&h);
    assert_int_equal(histogram_remove(&h, 300), ERR_NOENT);
    assert_int_equal(histogram_add(&h, -1), ERR_RANGE);
    assert_int_equal(histogram_add(&h, HISTOGRAM_DMPH_MAX + 1), ERR_RANGE);
    assert_int_equal(histogram_add(&h, HISTOGRAM_DMPH_MAX), 0);
    assert_int_equal(histogram_add(&h, 0), 0);
    assert_int_equal(histogram_rank(&h, 0), 0);
    assert_int_equal(histogram_rank(&h, 1), HISTOGRAM_DMPH_MAX);
    assert_int_equal(histogram_at_or_over(&h, 0), 2);
    assert_int_equal(histogram_over(&h, 0), 1);
    assert_int_equal(histogram_over(&h, HISTOGRAM_DMPH_MAX), 0);
    assert_int_equal(histogram_remove(&h, 0), 0);
    assert_int_equal(histogram_remove(&h, HISTOGRAM_DMPH_MAX), 0);
    struct speeds_stats s;
    assert_int_equal(histogram_describe(&h, 30, 35, &s), ERR_INVAL);
    h.count[300] = UINT32_MAX;
    empty(&other);
    assert_int_equal(histogram_add(&h, 300), ERR_OVERFLOW);
    assert_int_equal(histogram_add(&other, 300), 0);
    assert_int_equal(histogram_merge(&other, &h), ERR_OVERFLOW);
    assert_int_equal(other.n, 1);
}

static void blobs_come_back(void **state) {
    (void)state;
    random_seed(20261123);
    for (int round = 0; round < 300; round++) {
        empty(&h);
        int n = random_below(round < 100 ? 5 : 20000);
        for (int i = 0; i < n; i++)
            assert_int_equal(histogram_add(&h, random_below(HISTOGRAM_BINS)), 0);
        int len = histogram_encode(&h, blob, sizeof blob);
        assert_true(len > 0);
        assert_int_equal(histogram_encode(&h, blob, (size_t)len - 1), ERR_OVERFLOW);
        assert_int_equal(histogram_encode(&h, blob, (size_t)len), len);
        assert_int_equal(histogram_decode(blob, (size_t)len, &back), 0);
        assert_memory_equal(&h, &back, sizeof h);
        for (int cut = 0; cut < len && cut < 40; cut++)
            assert_int_equal(histogram_decode(blob, (size_t)cut, &back), ERR_BADMSG);
    }
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        h.count[i] = UINT32_MAX;
    assert_true(histogram_encode(&h, blob, sizeof blob) > 0);
}

/* A blob merged is the same as the histogram merged; a blob cut short changes nothing. */
static void blobs_are_merged_as_they_are(void **state) {
    (void)state;
    random_seed(20261132);
    static struct histogram want;
    for (int round = 0; round < 100; round++) {
        empty(&h);
        empty(&other);
        for (int i = random_below(300); i >= 0; i--) {
            assert_int_equal(histogram_add(&h, random_below(600)), 0);
            assert_int_equal(histogram_add(&other, random_below(600)), 0);
        }
        want = h;
        assert_int_equal(histogram_merge(&want, &other), 0);
        int len = histogram_encode(&other, blob, sizeof blob);
        uint64_t n = 0;
        assert_int_equal(histogram_blob_at_or_over(blob, (size_t)len, 350, &n), 0);
        assert_int_equal(n, histogram_at_or_over(&other, 350));
        back = h;
        assert_int_equal(histogram_merge_blob(&h, blob, (size_t)len - 1), ERR_BADMSG);
        assert_memory_equal(&h, &back, sizeof h);
        assert_int_equal(histogram_merge_blob(&h, blob, (size_t)len), 0);
        assert_memory_equal(&h, &want, sizeof h);
    }
    const uint8_t one[] = {1, 1, 1, 1};
    h.count[0] = UINT32_MAX;
    assert_int_equal(histogram_merge_blob(&h, one, sizeof one), ERR_OVERFLOW);
}

static void merging_is_adding(void **state) {
    (void)state;
    random_seed(20261124);
    struct histogram both = {0};
    empty(&h);
    empty(&other);
    for (int i = 0; i < 1000; i++) {
        int dmph = 200 + random_below(200);
        assert_int_equal(histogram_add(i % 3 ? &h : &other, dmph), 0);
        assert_int_equal(histogram_add(&both, dmph), 0);
    }
    assert_int_equal(histogram_merge(&h, &other), 0);
    assert_memory_equal(&h, &both, sizeof h);
}

static void wrong_blobs_are_refused(void **state) {
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t len;
        int want;
    } CASES[] = {
        {{1, 0}, 2, 0},
        {{2, 0}, 2, ERR_VERSION},
        {{0}, 0, ERR_BADMSG},
        {{1}, 1, ERR_BADMSG},
        {{1, 0, 0}, 3, ERR_BADMSG},                               /* a byte too many */
        {{1, 1, 1, 5}, 4, 0},                                     /* five of 0.0 mph */
        {{1, 1, 0, 5}, 4, ERR_BADMSG},                            /* no distance */
        {{1, 1, 1, 0}, 4, ERR_BADMSG},                            /* no count */
        {{1, 1, 0x81, 0x00, 5}, 5, ERR_BADMSG},                   /* not the shortest form */
        {{1, 1, 0xf7, 0x13, 1}, 5, 0},                            /* one of 255.0 mph */
        {{1, 1, 0xf8, 0x13, 1}, 5, ERR_BADMSG},                   /* above the last bin */
        {{1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x1f}, 8, ERR_BADMSG}, /* above 32 bits */
        {{1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 9, ERR_BADMSG},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(histogram_decode(CASES[i].bytes, CASES[i].len, &back), CASES[i].want);
    }
}

/* Against scaling each speed by itself. */
static void scaling_is_scaling_each(void **state) {
    (void)state;
    static struct histogram from, scaled, want;
    for (int i = 0; i < 4000; i++)
        assert_int_equal(histogram_add(&from, (i * 7919 + i / 7) % HISTOGRAM_BINS), 0);
    int len = histogram_encode(&from, blob, sizeof blob);
    assert_true(len > 0);
    for (int i = 0; i < 4000; i++) {
        int to = (i * 7919 + i / 7) % HISTOGRAM_BINS * 11 / 10;
        assert_int_equal(histogram_add(&want, to < HISTOGRAM_DMPH_MAX ? to : HISTOGRAM_DMPH_MAX),
                         0);
    }
    assert_int_equal(histogram_merge_blob_scaled(&scaled, blob, (size_t)len, 1.1), 0);
    assert_memory_equal(&scaled, &want, sizeof want);
    assert_int_equal(histogram_merge_blob_scaled(&scaled, blob, (size_t)len - 1, 1.1), ERR_BADMSG);
    assert_int_equal(histogram_merge_blob_scaled(&scaled, blob, (size_t)len, -1), ERR_RANGE);
    assert_memory_equal(&scaled, &want, sizeof want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_the_list),        cmocka_unit_test(adding_and_removing),
        cmocka_unit_test(blobs_come_back),         cmocka_unit_test(blobs_are_merged_as_they_are),
        cmocka_unit_test(scaling_is_scaling_each), cmocka_unit_test(merging_is_adding),
        cmocka_unit_test(wrong_blobs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
