/* vector_test: today's decoder reads the golden payloads, and today's encoder still writes their
 * headers and bodies (not their signatures, which are random, nor their deflate, which is zlib's).
 *
 * The payloads are the contract with devices in the field: one that no longer reads is a break, not
 * a reason for a new payload.  `vector_test write` adds those that are not there yet. */
#include "batch.h"
#include "body.h"
#include "pack.h"
#include "random_event.h"
#include "topic.h"
#include "vector_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VECTORS SOURCE_DIR "/tests/vectors/"

static struct event events[WIRE_EVENTS_MAX];
static uint8_t payload[WIRE_PAYLOAD_MAX];

static size_t one_passage(struct random *r) {
    random_traffic(r, events, 1);
    return 1;
}

static size_t passages(struct random *r) {
    random_traffic(r, events, 250);
    return 250;
}

/* Times that step back, a quality and flags of each kind, extremes. */
static size_t odd_passages(struct random *r) {
    for (size_t i = 0; i < 40; i++)
        events[i] = random_event(r, EVENT_PASSAGE);
    return 40;
}

static size_t a_session(struct random *r) {
    random_traffic(r, events + 2, 30);
    static const struct event_session START = {
        .what = SESSION_START, .session = 7, .limit_mph = 30, .site = "norton-green"};
    static const struct event_session CHECK = {.what = SESSION_CHECK,
                                               .session = 7,
                                               .limit_mph = 30,
                                               .expected_mph10 = 350,
                                               .measured_mph10 = 349,
                                               .passed = true,
                                               .site = "norton-green"};
    static const struct event_session STOP = {.what = SESSION_STOP,
                                              .end = SESSION_END_BUTTON,
                                              .session = 7,
                                              .limit_mph = 30,
                                              .vehicles = 30,
                                              .site = "norton-green"};
    events[0] = (struct event){events[2].t_ms - 60123, EVENT_SESSION, {.session = START}};
    events[1] = (struct event){events[2].t_ms - 30001, EVENT_SESSION, {.session = CHECK}};
    events[32] = (struct event){events[31].t_ms + 5007, EVENT_SESSION, {.session = STOP}};
    return 33;
}

static size_t an_alarm(struct random *r) {
    (void)r;
    events[0] = (struct event){8461333, EVENT_LOCK, {.lock = {.lock = 1, .what = LOCK_ALARM}}};
    return 1;
}

static size_t alarms(struct random *r) {
    for (size_t i = 0; i < 60; i++)
        events[i] = random_event(r, random_kind(r, CLASS_ALARM));
    return 60;
}

static size_t telemetry(struct random *r) {
    for (size_t i = 0; i < 30; i++)
        events[i] = random_event(r, random_kind(r, CLASS_TELEMETRY));
    return 30;
}

/* What came with the sensors of real hubs and kits. */
static size_t placed(struct random *r) {
    for (size_t i = 0; i < 8; i++)
        events[i] = random_event(r, EVENT_SESSION);
    events[0].session.latitude_e7 = 545678901;
    events[0].session.longitude_e7 = -13456789;
    events[0].session.position_error_m = 7;
    return 8;
}

static size_t causes(struct random *r) {
    for (size_t i = 0; i < 20; i++)
        events[i] = random_event(r, i % 2 == 0 ? EVENT_LOCK : EVENT_FAULT);
    return 20;
}

static size_t sensors(struct random *r) {
    for (size_t i = 0; i < 20; i++)
        events[i] = random_event(r, EVENT_HEALTH);
    return 20;
}

static const struct vector {
    const char *name;
    enum event_class cls;
    size_t (*fill)(struct random *);
} MADE[] = {
    {"passage", CLASS_EVENT, one_passage},
    {"passages", CLASS_EVENT, passages},
    {"odd_passages", CLASS_EVENT, odd_passages},
    {"session", CLASS_EVENT, a_session},
    {"alarm", CLASS_ALARM, an_alarm},
    {"alarms", CLASS_ALARM, alarms},
    {"telemetry", CLASS_TELEMETRY, telemetry},
    {"placed", CLASS_EVENT, placed},
    {"causes", CLASS_ALARM, causes},
    {"sensors", CLASS_TELEMETRY, sensors},
};
enum { MADE_COUNT = sizeof MADE / sizeof MADE[0] };

static const char *path_of(const char *name, const char *end) {
    static char path[512];
    (void)snprintf(path, sizeof path, VECTORS "%s.%s", name, end);
    return path;
}

static size_t slurp(const char *path, uint8_t *buf, size_t cap) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is not there", path);
    size_t n = fread(buf, 1, cap, f);
    (void)fclose(f);
    return n;
}

static void spill(const char *path, const uint8_t *buf, size_t len) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(buf, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void text_of(const struct batch_header *h, const struct event *list, int count, char **ret,
                    size_t *ret_len) {
    FILE *f = open_memstream(ret, ret_len);
    assert_non_null(f);
    vector_text_header(f, h);
    for (int i = 0; i < count; i++)
        vector_text_event(f, &list[i]);
    assert_int_equal(fclose(f), 0);
}

static void test_batches(void **state) {
    (void)state;
    static char want[200000];
    struct seal_key key;
    assert_int_equal(seal_key_load(VECTORS "test.pub", &key), 0);
    for (size_t v = 0; v < MADE_COUNT; v++) {
        struct batch_view view;
        size_t len = slurp(path_of(MADE[v].name, "bin"), payload, sizeof payload), text_len;
        assert_int_equal(batch_verify(payload, len, &key), 0);
        assert_int_equal(batch_peek(payload, len, &view), 0);
        int n = batch_decode(&view, events, WIRE_EVENTS_MAX);
        assert_int_equal(n, view.header.events);
        char *text;
        text_of(&view.header, events, n, &text, &text_len);
        size_t want_len = slurp(path_of(MADE[v].name, "txt"), (uint8_t *)want, sizeof want);
        assert_int_equal(text_len, want_len);
        assert_memory_equal(text, want, want_len);
        free(text);
    }
    seal_key_free(&key);
}

/* The same events give the same header and body, today as when the payload was made. */
static void test_still_written(void **state) {
    (void)state;
    static uint8_t again[WIRE_PAYLOAD_MAX], old_body[WIRE_BODY_MAX], new_body[WIRE_BODY_MAX];
    struct seal_signer signer;
    assert_int_equal(seal_signer_load(VECTORS "test.key", &signer), 0);
    for (size_t v = 0; v < MADE_COUNT; v++) {
        struct batch_view view, new_view;
        size_t len = slurp(path_of(MADE[v].name, "bin"), payload, sizeof payload);
        assert_int_equal(batch_peek(payload, len, &view), 0);
        int n = batch_decode(&view, events, WIRE_EVENTS_MAX);
        assert_true(n > 0);
        size_t size = view.header.body_size;
        assert_int_equal(body_encode(events, (size_t)n, new_body, sizeof new_body), size);
        if (view.header.codec == 1)
            assert_int_equal(pack_inflate(view.body, view.body_len, old_body, size), 0);
        else
            memcpy(old_body, view.body, size);
        assert_memory_equal(old_body, new_body, size);
        int m = batch_encode(&view.header, events, (size_t)n, &signer, again, sizeof again);
        assert_true(m > 0);
        assert_int_equal(batch_peek(again, (size_t)m, &new_view), 0);
        if (new_view.header.codec == view.header.codec)
            assert_memory_equal(payload, again, 2 + payload[1]); /* the header's field */
    }
    seal_signer_free(&signer);
}

static void test_acknowledgement(void **state) {
    (void)state;
    struct seal_key key;
    struct ack ack;
    assert_int_equal(seal_key_load(VECTORS "test.pub", &key), 0);
    size_t len = slurp(VECTORS "ack.bin", payload, sizeof payload);
    assert_int_equal(ack_decode(payload, len, "kit-stockton-1", &key, &ack), 0);
    assert_int_equal(ack.spool_id, UINT64_C(0x1122334455667788));
    assert_int_equal(ack.cls, CLASS_EVENT);
    assert_true(ack.has_upto);
    assert_int_equal(ack.upto, 1234);
    assert_int_equal(ack.also_count, 2);
    assert_int_equal(ack.also[0], 1236);
    assert_int_equal(ack.also[1], 1240);
    seal_key_free(&key);
}

/* Not every byte of it is met by a golden payload. */
static void test_dictionary(void **state) {
    (void)state;
    static const uint8_t HASH[] = {0x9f, 0x84, 0x93, 0xcd, 0xac, 0x0b, 0x12, 0x4c};
    uint8_t hash[SEAL_HASH_BYTES];
    seal_hash(PACK_DICTIONARY, PACK_DICTIONARY_BYTES, hash);
    assert_memory_equal(hash, HASH, sizeof HASH);
}

/* ---- making new ones ---- */

static int write_batch(const struct vector *v, struct random *r, const struct seal_signer *signer) {
    struct batch_header h = {
        .device = "kit-stockton-1",
        .spool_id = UINT64_C(0x1122334455667788),
        .cls = v->cls,
        .seq = random_below(r, 100000),
        .boot_id = random_next(r),
        .anchor_boot_ms = 7261250,
        .anchor_unix_ms = INT64_C(1767225600123),
        .anchor_quality = 2,
        .has_previous = v->fill != one_passage,
    };
    for (size_t i = 0; h.has_previous && i < WIRE_HASH_BYTES; i++)
        h.previous[i] = (uint8_t)random_next(r);
    size_t n = v->fill(r), text_len;
    int len = batch_encode(&h, events, n, signer, payload, sizeof payload);
    char *text;
    h.events = (uint32_t)n;
    text_of(&h, events, (int)n, &text, &text_len);
    if (len < 0)
        return len;
    spill(path_of(v->name, "bin"), payload, (size_t)len);
    spill(path_of(v->name, "txt"), (uint8_t *)text, text_len);
    free(text);
    return 0;
}

static int write_missing(void) {
    struct seal_signer signer;
    struct random r = {20261122};
    if (seal_signer_load(VECTORS "test.key", &signer) < 0)
        return 1;
    for (size_t v = 0; v < MADE_COUNT; v++)
        if (access(path_of(MADE[v].name, "bin"), F_OK) != 0 &&
            write_batch(&MADE[v], &r, &signer) < 0)
            return 1;
    struct ack ack = {UINT64_C(0x1122334455667788), CLASS_EVENT, true, 1234, 2, {1236, 1240}};
    int len = ack_encode(&ack, "kit-stockton-1", &signer, payload, sizeof payload);
    if (access(VECTORS "ack.bin", F_OK) != 0 && len > 0)
        spill(VECTORS "ack.bin", payload, (size_t)len);
    seal_signer_free(&signer);
    return len < 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "write") == 0)
        return write_missing();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_still_written),
        cmocka_unit_test(test_acknowledgement),
        cmocka_unit_test(test_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
