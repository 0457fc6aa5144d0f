/* body_test: bodies written by hand: what a later schema may hold, and what no schema may. */
#include "body.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct event events[WIRE_EVENTS_MAX];

static int decode(const char *body, size_t len, size_t count) {
    return body_decode((const uint8_t *)body, len, CLASS_ALARM, count, events);
}
#define DECODE(text, count) decode(text, sizeof text - 1, count)

/* order: one column of base 3 (lock), code and bits empty */
#define ALL_LOCKS "\x0a\x02\x08\x06"
/* order 3, 9, 3 in three bits each above 3: 000 110 000 */
#define LOCK_NEW_LOCK "\x0a\x08\x08\x06\x10\x0e\x1a\x02\x18\x00"

/* A kind of number 9, its field 12 of Body, and a column 9 in Locks: skipped, the rest is read. */
static void test_later_kinds_are_skipped(void **state) {
    (void)state;
    assert_int_equal(DECODE(LOCK_NEW_LOCK "\x22\x0f\x08\xc8\x01" /* locks, first = 100 */
                                          "\x12\x02\x08\x0a"     /* time: +5 */
                                          "\x22\x02\x08\x08"     /* what: alarm */
                                          "\x4a\x02\x08\x02"     /* a later column */
                                          "\x62\x03\x01\x02\x03",
                            3), /* a later kind's rows */
                     2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(events[i].kind, EVENT_LOCK);
        assert_int_equal(events[i].t_ms, 100 + 5 * i);
        assert_int_equal(events[i].lock.what, LOCK_ALARM);
        assert_int_equal(events[i].lock.lock, 0);
    }
}

/* what = 14 and 15 about 14 in one bit: 15 is of a later schema. */
static void test_later_codes_are_skipped(void **state) {
    (void)state;
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x09\x22\x07\x08\x1c\x10\x06\x1a\x01\x40", 2), 1);
    assert_int_equal(events[0].lock.what, LOCK_LEARNED);
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x09\x22\x07\x08\x1c\x10\x06\x1a\x01\xc0", 2), 0);
}

static void test_beyond_limits(void **state) {
    (void)state;
    /* what = 0; lock = 8; lock = 256; time = -1 */
    assert_int_equal(DECODE(ALL_LOCKS, 2), ERR_RANGE);
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x08\x1a\x02\x08\x10\x22\x02\x08\x08", 1), ERR_RANGE);
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x09\x1a\x03\x08\x80\x04\x22\x02\x08\x08", 1),
                     ERR_RANGE);
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x06\x08\x01\x22\x02\x08\x08", 1), ERR_RANGE);
    /* passages in the class of alarms; kind 0; kind 64 */
    assert_int_equal(DECODE("\x0a\x02\x08\x02", 1), ERR_RANGE);
    assert_int_equal(DECODE("", 1), ERR_RANGE);
    assert_int_equal(DECODE("\x0a\x03\x08\x80\x01", 1), ERR_RANGE);
}

/* A start whose site has two letters: site_length 2, then the text. */
static int with_site(const char *sites, size_t len) {
    /* order: session; sessions of 8 bytes and the text: what 1, site_length 2 */
    static const uint8_t HEAD[] = {0x0a, 2, 8, 4, 0x1a, 8, 0x1a, 2, 8, 2, 0x5a, 2, 8, 4};
    uint8_t body[64];
    memcpy(body, HEAD, sizeof HEAD);
    body[5] = (uint8_t)(8 + len);
    memcpy(body + sizeof HEAD, sites, len);
    return body_decode(body, sizeof HEAD + len, CLASS_EVENT, 1, events);
}

static void test_sites(void **state) {
    (void)state;
    assert_int_equal(with_site("\x62\x02zz", 4), 1);
    assert_string_equal(events[0].session.site, "zz");
    assert_int_equal(with_site("\x62\x01z", 3), ERR_BADMSG);
    assert_int_equal(with_site("", 0), ERR_BADMSG);
    assert_int_equal(with_site("\x62\x03zzz", 5), ERR_BADMSG);
    assert_int_equal(with_site("\x62\x02z\x07", 4), ERR_RANGE);
}

static void test_not_a_body(void **state) {
    (void)state;
    /* order as a number instead of a message; bits twice; bits as a number; bits without rows */
    assert_int_equal(DECODE("\x08\x06", 1), ERR_BADMSG);
    assert_int_equal(DECODE("\x0a\x06\x1a\x01\x00\x1a\x01\x00", 1), ERR_BADMSG);
    assert_int_equal(DECODE("\x0a\x02\x18\x01", 1), ERR_BADMSG);
    assert_int_equal(DECODE(ALL_LOCKS "\x22\x04\x22\x02\x08\x08\x2a\x05\x1a\x03\x1a\x01\x80", 1),
                     ERR_BADMSG);
    /* cut short */
    assert_int_equal(DECODE("\x0a\x02\x08", 1), ERR_BADMSG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_kinds_are_skipped),
        cmocka_unit_test(test_later_codes_are_skipped),
        cmocka_unit_test(test_beyond_limits),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_not_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
