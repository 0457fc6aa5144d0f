/* batch_test: what was encoded comes back; what was not is refused. */
#include "batch.h"
#include "random_event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct seal_signer signer, stranger;
static struct seal_key key;
static struct event events[WIRE_EVENTS_MAX], back[WIRE_EVENTS_MAX];
static uint8_t payload[WIRE_PAYLOAD_MAX], copy[WIRE_PAYLOAD_MAX + 1];

static int make_keys(void **state) {
    (void)state;
    uint8_t point[SEAL_KEY_BYTES];
    assert_int_equal(seal_signer_make(&signer), 0);
    assert_int_equal(seal_signer_make(&stranger), 0);
    assert_int_equal(seal_signer_public(&signer, point), 0);
    assert_int_equal(seal_key_from_bytes(point, &key), 0);
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    seal_signer_free(&signer);
    seal_signer_free(&stranger);
    seal_key_free(&key);
    return 0;
}

static struct batch_header random_header(struct random *r, enum event_class cls) {
    struct batch_header h = {
        .schema = WIRE_SCHEMA,
        .device = "kit-stockton-01",
        .spool_id = random_next(r),
        .cls = cls,
        .seq = random_next(r) >> 1 >> random_below(r, 63),
        .boot_id = random_next(r),
        .anchor_boot_ms = (int64_t)random_below(r, EVENT_TIME_MAX),
        .anchor_unix_ms = (int64_t)random_below(r, EVENT_UNIX_MAX),
        .anchor_quality = (uint8_t)random_below(r, 4),
        .has_previous = random_below(r, 4) != 0,
    };
    for (size_t i = 0; h.has_previous && i < WIRE_HASH_BYTES; i++)
        h.previous[i] = (uint8_t)random_next(r);
    return h;
}

static size_t encode(const struct batch_header *h, size_t count) {
    int len = batch_encode(h, events, count, &signer, payload, sizeof payload);
    assert_true(len > 0);
    return (size_t)len;
}

/* The same fields, whatever stands in the padding between them. */
static void assert_same_event(const struct event *a, const struct event *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->t_ms, b->t_ms);
    static const size_t SIZES[] = {
        [EVENT_PASSAGE] = sizeof a->passage, [EVENT_SESSION] = sizeof a->session,
        [EVENT_LOCK] = sizeof a->lock,       [EVENT_HEALTH] = sizeof a->health,
        [EVENT_ANCHOR] = sizeof a->anchor,   [EVENT_GAP] = sizeof a->gap,
        [EVENT_FAULT] = sizeof a->fault,
    };
    assert_memory_equal(&a->passage, &b->passage, SIZES[a->kind]);
}

static void assert_same_header(const struct batch_header *a, const struct batch_header *b) {
    assert_string_equal(a->device, b->device);
    assert_int_equal(a->spool_id, b->spool_id);
    assert_int_equal(a->cls, b->cls);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->boot_id, b->boot_id);
    assert_int_equal(a->anchor_boot_ms, b->anchor_boot_ms);
    assert_int_equal(a->anchor_unix_ms, b->anchor_unix_ms);
    assert_int_equal(a->anchor_quality, b->anchor_quality);
    assert_int_equal(a->has_previous, b->has_previous);
    assert_memory_equal(a->previous, b->previous, WIRE_HASH_BYTES);
}

static void assert_returns(const struct batch_header *h, size_t len, size_t count) {
    struct batch_view view;
    assert_int_equal(batch_peek(payload, len, &view), 0);
    assert_int_equal(batch_verify(payload, len, &key), 0);
    assert_same_header(h, &view.header);
    assert_int_equal(view.header.events, count);
    assert_int_equal(batch_decode(&view, back, count), count);
    for (size_t i = 0; i < count; i++)
        assert_same_event(&events[i], &back[i]);
}

static size_t random_count(struct random *r) {
    return random_below(r, 16) == 0 ? WIRE_EVENTS_MAX - (size_t)random_below(r, 3)
                                    : 1 + (size_t)random_below(r, random_below(r, 2) ? 4 : 60);
}

/* Any events of a class, in any order, times not sorted. */
static void test_round_trip(void **state) {
    (void)state;
    struct random r = random_start(20261121);
    for (int round = 0; round < 400; round++) {
        enum event_class cls = (enum event_class)random_below(&r, CLASS_COUNT);
        struct batch_header h = random_header(&r, cls);
        size_t count = random_count(&r);
        enum event_kind one = random_kind(&r, cls);
        bool mixed = random_below(&r, 2);
        for (size_t i = 0; i < count; i++)
            events[i] = random_event(&r, mixed ? random_kind(&r, cls) : one);
        assert_returns(&h, encode(&h, count), count);
    }
}

static void test_size_at_250(void **state) {
    (void)state;
    struct random r = random_start(2);
    size_t total = 0, batches = 40;
    for (size_t i = 0; i < batches; i++) {
        struct batch_header h = random_header(&r, CLASS_EVENT);
        random_traffic(&r, events, 250);
        size_t len = encode(&h, 250);
        assert_returns(&h, len, 250);
        total += len;
    }
    double each = (double)total / (double)(250 * batches);
    printf("bytes per passage at 250 a batch: %.3f\n", each);
    assert_true(each < 5.0);
}

/* Every prefix is refused before it is believed, and reads no byte beyond itself (the copy stands
 * at the end of its own memory: the sanitizer watches). */
static void test_truncated(void **state) {
    (void)state;
    struct random r = random_start(3);
    struct batch_header h = random_header(&r, CLASS_EVENT);
    random_traffic(&r, events, 60);
    size_t len = encode(&h, 60);
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut + 1, payload, n);
        struct batch_view view;
        assert_int_equal(batch_verify(cut + 1, n, &key), ERR_KEY);
        assert_true(batch_peek(cut + 1, n, &view) < 0);
        free(cut);
    }
}

/* One bit anywhere: the signature does not hold; decoding it all the same is bounded and quiet. */
static void test_flipped(void **state) {
    (void)state;
    struct random r = random_start(4);
    struct batch_header h = random_header(&r, CLASS_ALARM);
    for (size_t i = 0; i < 8; i++)
        events[i] = random_event(&r, random_kind(&r, CLASS_ALARM));
    size_t len = encode(&h, 8);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct batch_view view;
        memcpy(copy, payload, len);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(batch_verify(copy, len, &key), ERR_KEY);
        if (batch_peek(copy, len, &view) == 0) {
            int n = batch_decode(&view, back, WIRE_EVENTS_MAX);
            assert_true(n <= WIRE_EVENTS_MAX);
            for (int i = 0; i < n; i++)
                assert_true(event_valid(&back[i]));
        }
    }
}

static void test_stranger(void **state) {
    (void)state;
    struct random r = random_start(5);
    struct batch_header h = random_header(&r, CLASS_EVENT);
    random_traffic(&r, events, 3);
    int len = batch_encode(&h, events, 3, &stranger, payload, sizeof payload);
    assert_true(len > 0);
    assert_int_equal(batch_verify(payload, (size_t)len, &key), ERR_KEY);
}

static void test_behind_and_before(void **state) {
    (void)state;
    struct random r = random_start(6);
    struct batch_header h = random_header(&r, CLASS_EVENT);
    random_traffic(&r, events, 3);
    size_t len = encode(&h, 3);
    struct batch_view view;
    memcpy(copy, payload, len);
    copy[len] = 0;
    assert_int_equal(batch_peek(copy, len + 1, &view), ERR_BADMSG);
    memcpy(copy + 1, payload, len);
    assert_int_equal(batch_peek(copy, len + 1, &view), ERR_BADMSG);
    /* header twice */
    size_t header = 2 + payload[1];
    memcpy(copy, payload, header);
    memcpy(copy + header, payload, len);
    assert_int_equal(batch_peek(copy, header + len, &view), ERR_BADMSG);
    /* the right tail, but within another field behind the signature */
    memcpy(copy, payload, len);
    copy[len] = 14 << 3 | 2;
    copy[len + 1] = WIRE_SIGNED_TAIL;
    memcpy(copy + len + 2, payload + len - WIRE_SIGNED_TAIL, WIRE_SIGNED_TAIL);
    assert_int_equal(batch_peek(copy, len + 2 + WIRE_SIGNED_TAIL, &view), ERR_BADMSG);
    memset(copy, 0x0a, sizeof copy);
    assert_int_equal(batch_peek(copy, WIRE_PAYLOAD_MAX + 1, &view), ERR_OVERFLOW);
    assert_true(batch_peek(copy, WIRE_PAYLOAD_MAX, &view) < 0);
}

static void test_refuses_to_encode(void **state) {
    (void)state;
    struct random r = random_start(7);
    struct batch_header h = random_header(&r, CLASS_EVENT);
    random_traffic(&r, events, WIRE_EVENTS_MAX);
    assert_int_equal(batch_encode(&h, events, 0, &signer, payload, sizeof payload), ERR_INVAL);
    assert_int_equal(
        batch_encode(&h, events, WIRE_EVENTS_MAX + 1, &signer, payload, sizeof payload),
        ERR_OVERFLOW);
    for (size_t cap = 0; cap < 400; cap += 7)
        assert_int_equal(batch_encode(&h, events, 250, &signer, payload, cap), ERR_OVERFLOW);
    h.cls = CLASS_ALARM;
    assert_int_equal(batch_encode(&h, events, 1, &signer, payload, sizeof payload), ERR_INVAL);
    h.cls = CLASS_EVENT;
    events[1].t_ms += 1;
    assert_int_equal(batch_encode(&h, events, 2, &signer, payload, sizeof payload), ERR_INVAL);
    strcpy(h.device, "Kit");
    assert_int_equal(batch_encode(&h, events, 1, &signer, payload, sizeof payload), ERR_INVAL);
}

/* The header lies about what is in the body: a bomb, a short measure, a number of events. */
static void test_lying_header(void **state) {
    (void)state;
    struct random r = random_start(8);
    struct batch_header h = random_header(&r, CLASS_EVENT);
    for (size_t i = 0; i < 500; i++) {
        events[i] = random_event(&r, EVENT_SESSION);
        memset(events[i].session.site, 0, sizeof events[i].session.site);
        strcpy(events[i].session.site, "norton-high-street");
    }
    size_t len = encode(&h, 500);
    struct batch_view view;
    assert_int_equal(batch_peek(payload, len, &view), 0);
    assert_int_equal(view.header.codec, 1);
    assert_int_equal(batch_decode(&view, back, 499), ERR_OVERFLOW);
    struct batch_view lie = view;
    lie.header.body_size--;
    assert_int_equal(batch_decode(&lie, back, WIRE_EVENTS_MAX), ERR_OVERFLOW);
    lie.header.body_size += 2;
    assert_int_equal(batch_decode(&lie, back, WIRE_EVENTS_MAX), ERR_BADMSG);
    lie.header.body_size = WIRE_BODY_MAX + 1;
    assert_int_equal(batch_decode(&lie, back, WIRE_EVENTS_MAX), ERR_OVERFLOW);
    lie = view;
    lie.header.codec = 2;
    assert_int_equal(batch_decode(&lie, back, WIRE_EVENTS_MAX), ERR_VERSION);
    lie = view;
    lie.header.events = 501;
    assert_true(batch_decode(&lie, back, WIRE_EVENTS_MAX) < 0);
    lie.header.events = 1;
    assert_true(batch_decode(&lie, back, WIRE_EVENTS_MAX) < 0);
    lie = view;
    lie.header.cls = CLASS_ALARM;
    assert_int_equal(batch_decode(&lie, back, WIRE_EVENTS_MAX), ERR_RANGE);
}

static void test_hash(void **state) {
    (void)state;
    static const uint8_t ABC[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                  0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23};
    uint8_t hash[WIRE_HASH_BYTES];
    batch_hash((const uint8_t *)"abc", 3, hash);
    assert_memory_equal(hash, ABC, sizeof ABC); /* FIPS 180-4's own example, its first half */
}

static void test_time(void **state) {
    (void)state;
    struct batch_header h = {.anchor_boot_ms = 5000, .anchor_unix_ms = 1700000000000};
    assert_int_equal(batch_event_unix_ms(&h, 4000), 1699999999000);
    assert_int_equal(batch_event_unix_ms(&h, 7000), 1700000002000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_size_at_250),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_behind_and_before),
        cmocka_unit_test(test_refuses_to_encode),
        cmocka_unit_test(test_lying_header),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
