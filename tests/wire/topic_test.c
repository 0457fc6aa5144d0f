/* topic_test: names of topics, and acknowledgements that are what they say. */
#include "random_event.h"
#include "topic.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct seal_signer signer;
static struct seal_key key;

static int make_keys(void **state) {
    (void)state;
    uint8_t point[SEAL_KEY_BYTES];
    return seal_signer_make(&signer) | seal_signer_public(&signer, point) |
           seal_key_from_bytes(point, &key);
}

static int free_keys(void **state) {
    (void)state;
    seal_signer_free(&signer);
    seal_key_free(&key);
    return 0;
}

static void test_devices(void **state) {
    (void)state;
    static const char *const GOOD[] = {"a", "kit-1", "abcdefghijklmnopqrstuvwxyz-0123"};
    static const char *const BAD[] = {
        "",    "1kit",      "-kit", "Kit", "k/t", "k+", "k#", "abcdefghijklmnopqrstuvwxyz-01234",
        "k t", "k\xc3\xa9", "kit_1"};
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        assert_true(topic_device_valid(GOOD[i]));
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_false(topic_device_valid(BAD[i]));
}

static void test_names(void **state) {
    (void)state;
    char buf[TOPIC_MAX];
    assert_int_equal(topic_batch(buf, sizeof buf, "kit-1", CLASS_ALARM), 12);
    assert_string_equal(buf, "mw/1/kit-1/a");
    assert_true(topic_batch(buf, sizeof buf, "kit-1", CLASS_EVENT) > 0);
    assert_string_equal(buf, "mw/1/kit-1/e");
    assert_true(topic_batch(buf, sizeof buf, "kit-1", CLASS_TELEMETRY) > 0);
    assert_string_equal(buf, "mw/1/kit-1/t");
    assert_int_equal(topic_batch(buf, sizeof buf, "kit-1", CLASS_COUNT), ERR_INVAL);
    assert_true(topic_status(buf, sizeof buf, "kit-1") > 0);
    assert_string_equal(buf, "mw/1/kit-1/status");
    assert_true(topic_ack(buf, sizeof buf, "kit-1") > 0);
    assert_string_equal(buf, "mw/1/kit-1/ack");
    assert_int_equal(topic_ack(buf, 14, "kit-1"), ERR_OVERFLOW);
    assert_int_equal(topic_ack(buf, sizeof buf, "+"), ERR_INVAL);
}

static int parse(const char *name, struct topic *topic) {
    return topic_parse(name, strlen(name), topic);
}

static void test_parse(void **state) {
    (void)state;
    struct topic t;
    assert_int_equal(parse("mw/1/abcdefghijklmnopqrstuvwxyz-0123/status", &t), 0);
    assert_int_equal(t.kind, TOPIC_STATUS);
    assert_string_equal(t.device, "abcdefghijklmnopqrstuvwxyz-0123");
    assert_int_equal(parse("mw/1/kit/ack", &t), 0);
    assert_int_equal(t.kind, TOPIC_ACK);
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        char buf[TOPIC_MAX];
        assert_true(topic_batch(buf, sizeof buf, "kit", (enum event_class)c) > 0);
        assert_int_equal(parse(buf, &t), 0);
        assert_int_equal(t.kind, TOPIC_BATCH);
        assert_int_equal(t.cls, c);
        assert_string_equal(t.device, "kit");
    }
    static const char *const BAD[] = {"",
                                      "mw/1/",
                                      "mw/1//a",
                                      "mw/1/kit",
                                      "mw/1/kit/",
                                      "mw/1/kit/x",
                                      "mw/1/kit/aa",
                                      "mw/2/kit/a",
                                      "MW/1/kit/a",
                                      "mw/1/kit/a/",
                                      "mw/1/k+t/a",
                                      "mw/1/kit//a",
                                      "x/mw/1/kit/a",
                                      "mw/1/abcdefghijklmnopqrstuvwxyz-01234/a"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(parse(BAD[i], &t), ERR_BADMSG);
    assert_int_equal(topic_parse("mw/1/kit/a\0b", 12, &t), ERR_BADMSG);
}

static struct ack random_ack(struct random *r) {
    struct ack ack = {
        .spool_id = random_next(r),
        .cls = (enum event_class)random_below(r, CLASS_COUNT),
        .has_upto = random_below(r, 4) != 0,
        .also_count = (unsigned)random_below(r, ACK_ALSO_MAX + 1),
    };
    ack.upto = ack.has_upto ? random_next(r) >> random_below(r, 64) : 0;
    for (size_t i = 0; i < ack.also_count; i++)
        ack.also[i] = random_next(r) >> random_below(r, 64);
    return ack;
}

static void test_ack_round_trip(void **state) {
    (void)state;
    struct random r = random_start(21);
    for (int round = 0; round < 200; round++) {
        struct ack ack = random_ack(&r), got;
        uint8_t payload[ACK_PAYLOAD_MAX];
        int len = ack_encode(&ack, "kit-1", &signer, payload, sizeof payload);
        assert_true(len > 0);
        assert_int_equal(ack_decode(payload, (size_t)len, "kit-1", &key, &got), 0);
        assert_int_equal(got.spool_id, ack.spool_id);
        assert_int_equal(got.cls, ack.cls);
        assert_int_equal(got.has_upto, ack.has_upto);
        assert_int_equal(got.upto, ack.upto);
        assert_int_equal(got.also_count, ack.also_count);
        assert_memory_equal(got.also, ack.also, ack.also_count * sizeof *ack.also);
        assert_int_equal(ack_decode(payload, (size_t)len, "kit-2", &key, &got), ERR_KEY);
    }
}

/* The largest fits; nothing of it may be missing, and no bit changed. */
static void test_ack_covers(void **state) {
    (void)state;
    const struct ack none = {.spool_id = 1};
    const struct ack some = {.has_upto = true, .upto = 7, .also_count = 2, .also = {9, 12}};
    for (uint64_t seq = 0; seq < 20; seq++) {
        assert_false(ack_covers(&none, seq));
        assert_true(ack_covers(&some, seq) == (seq <= 7 || seq == 9 || seq == 12));
    }
}

static void test_ack_refused(void **state) {
    (void)state;
    const char *device = "abcdefghijklmnopqrstuvwxyz-0123";
    struct ack ack = {UINT64_MAX, CLASS_TELEMETRY, true, UINT64_MAX, ACK_ALSO_MAX, {0}}, got;
    for (size_t i = 0; i < ACK_ALSO_MAX; i++)
        ack.also[i] = UINT64_MAX;
    uint8_t payload[ACK_PAYLOAD_MAX + 1];
    int len = ack_encode(&ack, device, &signer, payload, ACK_PAYLOAD_MAX);
    assert_true(len > 0);
    for (size_t n = 0; n < (size_t)len; n++)
        assert_true(ack_decode(payload, n, device, &key, &got) < 0);
    for (size_t bit = 0; bit < (size_t)len * 8; bit++) {
        payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(ack_decode(payload, (size_t)len, device, &key, &got) < 0);
        payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(ack_decode(payload, sizeof payload, device, &key, &got) < 0);
    /* well signed, but of a class that is none */
    uint8_t other[] = "\x0a\x05kit-1\x18\x02";
    for (other[8] = 0; other[8] <= CLASS_COUNT; other[8]++) {
        memcpy(payload, other, 9);
        memcpy(payload + 9, "\x7a\x40", 2);
        assert_int_equal(seal_sign(&signer, payload, 9, payload + 11), 0);
        assert_int_equal(ack_decode(payload, 9 + WIRE_SIGNED_TAIL, "kit-1", &key, &got),
                         other[8] < CLASS_COUNT ? 0 : ERR_BADMSG);
    }
    assert_int_equal(ack_encode(&ack, device, &signer, payload, 100), ERR_OVERFLOW);
    assert_int_equal(ack_encode(&ack, "Kit", &signer, payload, sizeof payload), ERR_INVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_parse),       cmocka_unit_test(test_ack_round_trip),
        cmocka_unit_test(test_ack_refused), cmocka_unit_test(test_ack_covers),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
