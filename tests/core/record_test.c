#include "random_event.h"
#include "record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buf[1024];

static uint32_t put(const struct event *e, uint64_t ordinal, uint64_t number) {
    const struct record_event about = {.ordinal = ordinal, .boot_id = 0xB007};
    return record_seal(buf, number, RECORD_EVENT, record_put_event(buf + RECORD_HEADER, &about, e));
}

static const struct event PASSAGE = {
    .t_ms = 123450,
    .kind = EVENT_PASSAGE,
    .passage = {.direction = 1, .speed_mph10 = 351, .duration_ms = 1500, .magnitude_db = -3}};

static void assert_same(const struct event *a, const struct event *b) {
    static const size_t SIZES[] = {
        [EVENT_PASSAGE] = sizeof a->passage, [EVENT_SESSION] = sizeof a->session,
        [EVENT_LOCK] = sizeof a->lock,       [EVENT_HEALTH] = sizeof a->health,
        [EVENT_ANCHOR] = sizeof a->anchor,   [EVENT_GAP] = sizeof a->gap,
        [EVENT_FAULT] = sizeof a->fault,
    };
    assert_true(a->kind == b->kind && a->t_ms == b->t_ms);
    assert_memory_equal(&a->passage, &b->passage, SIZES[a->kind]);
}

static void an_event_comes_back_field_for_field(void **state) {
    (void)state;
    struct random r = random_start(4711);
    for (int i = 0; i < 5000; i++) {
        struct event e = random_event(&r, random_kind(&r, (enum event_class)(i % CLASS_COUNT)));
        struct event back;
        struct record record;
        struct record_event about;
        uint32_t size = put(&e, 77, 5);
        assert_int_equal(record_read(buf, sizeof buf, &record), (int)size);
        assert_int_equal(record.number, 5);
        assert_int_equal(record_get_event(&record, &about, &back), 0);
        assert_int_equal(about.ordinal, 77);
        assert_int_equal(about.boot_id, 0xB007);
        assert_same(&e, &back);
    }
}

static void every_flipped_bit_is_refused(void **state) {
    (void)state;
    struct record record;
    uint32_t size = put(&PASSAGE, 1, 1);
    for (uint32_t bit = 0; bit < 8 * size; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(record_read(buf, size, &record) <= 0);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(record_read(buf, size, &record), (int)size);
}

static void a_part_is_no_record(void **state) {
    (void)state;
    struct record record;
    uint32_t size = put(&PASSAGE, 1, 1);
    for (uint32_t len = 0; len < size; len++)
        assert_true(record_read(buf, len, &record) < 0);
    memset(buf, 0, sizeof buf);
    assert_int_equal(record_read(buf, sizeof buf, &record), 0);
}

/* An older program wrote fewer fields, a later one writes more: both can be read. */
static void events_of_other_versions_are_read(void **state) {
    (void)state;
    struct record record;
    struct record_event about;
    struct event back;
    uint32_t len = record_put_event(buf + RECORD_HEADER, &(struct record_event){0}, &PASSAGE);
    record_seal(buf, 1, RECORD_EVENT, len - 2);
    assert_true(record_read(buf, sizeof buf, &record) > 0);
    assert_int_equal(record_get_event(&record, &about, &back), 0);
    assert_int_equal(back.passage.speed_mph10, 351);
    assert_int_equal(back.passage.flags, 0);
    memset(buf + RECORD_HEADER + len, 0xEE, 16);
    record_seal(buf, 1, RECORD_EVENT, len + 16);
    assert_true(record_read(buf, sizeof buf, &record) > 0);
    assert_int_equal(record_get_event(&record, &about, &back), 0);
    assert_int_equal(back.passage.magnitude_db, -3);
}

static void an_unknown_kind_says_so(void **state) {
    (void)state;
    struct record record;
    struct record_event about;
    struct event back;
    put(&PASSAGE, 1, 1);
    buf[RECORD_HEADER + 17] = 99;
    record_seal(buf, 1, RECORD_EVENT, 40);
    assert_true(record_read(buf, sizeof buf, &record) > 0);
    assert_int_equal(record_get_event(&record, &about, &back), ERR_VERSION);
}

static void a_segment_header_comes_back(void **state) {
    (void)state;
    uint8_t bytes[RECORD_SEGMENT_HEADER];
    struct record_segment back;
    const struct record_segment segment = {
        .cls = CLASS_EVENT,
        .segment_bytes = 65536,
        .boot_id = 1,
        .spool_id = UINT64_MAX,
        .mark = {.number = 3, .accepted = 4, .sealed = 5, .next_seq = 6, .has_previous = true},
        .anchor = {.boot_id = 7, .boot_ms = 8, .unix_ms = -9, .quality = 3}};
    record_put_segment(bytes, &segment);
    assert_int_equal(record_get_segment(bytes, &back), 0);
    assert_memory_equal(&back.mark, &segment.mark, offsetof(struct spool_mark, has_previous));
    assert_true(back.spool_id == UINT64_MAX && back.anchor.unix_ms == -9);
    for (int i = 0; i < RECORD_SEGMENT_HEADER; i++) {
        bytes[i] ^= 0x40;
        assert_true(record_get_segment(bytes, &back) < 0);
        bytes[i] ^= 0x40;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_field_for_field),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_part_is_no_record),
        cmocka_unit_test(events_of_other_versions_are_read),
        cmocka_unit_test(an_unknown_kind_says_so),
        cmocka_unit_test(a_segment_header_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
