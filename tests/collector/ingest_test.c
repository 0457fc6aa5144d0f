#include "clock.h"
#include "field.h"
#include "ingest.h"
#include "pack.h"
#include "store_sqlite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COPY(array, text) snprintf(array, sizeof(array), "%s", text)

enum { HEARD_MAX = 16 };

static struct bench {
    struct store real, store; /* `store` is `real` with a seam that can fail */
    struct ingest in;
    struct seal_signer signer;
    struct seal_key key;
    struct field_device kit, hub;
    struct ack ack[HEARD_MAX];
    char ack_topic[HEARD_MAX][TOPIC_MAX + 1];
    size_t acks;
    struct alerts_notice notice[HEARD_MAX];
    size_t notices;
} bench;

static int commits_to_fail;

static int failing_commit(void *ctx) {
    if (commits_to_fail > 0) {
        commits_to_fail--;
        return ERR_NOSPACE;
    }
    return bench.real.commit(ctx);
}

static void heard_ack(void *ctx, const char *topic, const uint8_t *payload, size_t len) {
    (void)ctx;
    struct topic t;
    assert_int_equal(topic_parse(topic, strlen(topic), &t), 0);
    assert_int_equal(t.kind, TOPIC_ACK);
    assert_true(bench.acks < HEARD_MAX);
    assert_int_equal(ack_decode(payload, len, t.device, &bench.key, &bench.ack[bench.acks]), 0);
    COPY(bench.ack_topic[bench.acks], topic);
    bench.acks++;
}

static void heard_alert(void *ctx, const struct alerts_notice *notice) {
    (void)ctx;
    assert_true(bench.notices < HEARD_MAX);
    bench.notice[bench.notices++] = *notice;
}

static void begin(void) {
    const struct ingest_out out = {.ack = heard_ack, .alert = heard_alert};
    bench.acks = bench.notices = 0;
    assert_int_equal(ingest_open(&bench.in, &bench.store, &bench.signer, &INGEST_DEFAULTS, &out),
                     0);
}

static int setup(void **state) {
    (void)state;
    uint8_t point[SEAL_KEY_BYTES];
    memset(&bench, 0, sizeof bench);
    commits_to_fail = 0;
    assert_int_equal(store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &bench.real), 0);
    bench.store = bench.real;
    bench.store.commit = failing_commit;
    assert_int_equal(seal_signer_make(&bench.signer), 0);
    assert_int_equal(seal_signer_public(&bench.signer, point), 0);
    assert_int_equal(seal_key_from_bytes(point, &bench.key), 0);
    field_device(&bench.kit, &bench.store, "kit-1", DEVICE_SPEEDWATCH);
    field_device(&bench.hub, &bench.store, "hub-1", DEVICE_PADLOCK);
    struct store_lock lock = {.lock = 0};
    COPY(lock.device, "hub-1");
    COPY(lock.plot, "Plot 12");
    assert_int_equal(bench.store.lock_put(bench.store.ctx, &lock), 0);
    begin();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ingest_close(&bench.in);
    field_free(&bench.kit);
    field_free(&bench.hub);
    seal_signer_free(&bench.signer);
    seal_key_free(&bench.key);
    bench.real.close(bench.real.ctx);
    return 0;
}

static enum ingest_outcome give_at(const struct field_batch *b, int64_t received_ms) {
    struct ingest_message m = {b->topic, b->payload, b->len, received_ms};
    enum ingest_outcome outcome = INGEST_IGNORED;
    assert_int_equal(ingest_messages(&bench.in, &m, 1, &outcome), 0);
    return outcome;
}

static enum ingest_outcome give(const struct field_batch *b) {
    return give_at(b, FIELD_NOW + 1000);
}

static int count_row(void *arg, const struct store_batch *row) {
    (void)row;
    ++*(int *)arg;
    return 0;
}

static int stored(void) {
    int n = 0;
    assert_true(bench.store.batches(bench.store.ctx, 0, 0, count_row, &n) >= 0);
    return n;
}

static struct store_refused last_refused;
static int keep_refused(void *arg, const struct store_refused *row) {
    (void)arg;
    last_refused = *row;
    return 1;
}

static void assert_refused(const struct field_batch *b, enum refusal reason) {
    int before = stored();
    size_t acks = bench.acks;
    assert_int_equal(give(b), INGEST_REFUSED);
    assert_int_equal(bench.store.refused(bench.store.ctx, 0, 1, keep_refused, NULL), 1);
    assert_string_equal(refusal_name(last_refused.reason), refusal_name(reason));
    assert_true(last_refused.len == b->len);
    assert_int_equal(stored(), before);
    assert_true(bench.acks == acks);
}

static struct field_batch three_passages(void) {
    struct field_batch b;
    const struct event e[] = {field_passage(999000, 301), field_passage(999500, 350),
                              field_passage(1000000, 299)};
    field_send(&bench.kit, CLASS_EVENT, e, 3, &b);
    return b;
}

static void a_batch_is_stored_and_acknowledged(void **state) {
    (void)state;
    struct field_batch a = three_passages(), b = three_passages();
    assert_int_equal(give(&a), INGEST_STORED);
    assert_int_equal(bench.acks, 1);
    assert_string_equal(bench.ack_topic[0], "mw/1/kit-1/ack");
    assert_true(bench.ack[0].has_upto && bench.ack[0].upto == 0 && bench.ack[0].spool_id == 22);
    assert_int_equal(give(&b), INGEST_STORED);
    assert_true(bench.ack[1].upto == 1);
    assert_int_equal(stored(), 2);
    assert_true(bench.in.counts.passages == 6);
}

static void a_duplicate_is_acknowledged_again(void **state) {
    (void)state;
    struct field_batch a = three_passages();
    assert_int_equal(give(&a), INGEST_STORED);
    assert_int_equal(give(&a), INGEST_DUPLICATE);
    assert_int_equal(stored(), 1);
    assert_int_equal(bench.acks, 2);
    assert_true(bench.in.counts.duplicates == 1 && bench.in.counts.passages == 3);
}

/* Lost between commit and acknowledgement: the restarted collector meets the batch again. */
static void restart_before_the_ack(void **state) {
    (void)state;
    struct field_batch a = three_passages();
    bench.in.out.ack = NULL;
    assert_int_equal(give(&a), INGEST_STORED);
    ingest_close(&bench.in);
    begin();
    assert_int_equal(give(&a), INGEST_DUPLICATE);
    assert_true(bench.acks == 1 && bench.ack[0].upto == 0);
    assert_int_equal(stored(), 1);
}

static void a_failed_commit_tells_nobody(void **state) {
    (void)state;
    struct field_batch b;
    const struct event alarm = field_lock(1000000, 0, LOCK_ALARM);
    field_send(&bench.hub, CLASS_ALARM, &alarm, 1, &b);
    struct ingest_message m = {b.topic, b.payload, b.len, FIELD_NOW};
    commits_to_fail = 2;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ingest_messages(&bench.in, &m, 1, NULL), ERR_NOSPACE);
    assert_true(bench.acks == 0 && bench.notices == 0 && stored() == 0);
    assert_int_equal(bench.store.alert_count(bench.store.ctx, 0), 0);
    assert_int_equal(ingest_messages(&bench.in, &m, 1, NULL), 0);
    assert_true(bench.acks == 1 && bench.notices == 1 && bench.notice[0].ring);
    assert_int_equal(stored(), 1);
}

static void a_group_is_acknowledged_once(void **state) {
    (void)state;
    static struct field_batch b[40];
    struct ingest_message m[40];
    for (int i = 0; i < 40; i++) {
        b[i] = three_passages();
        m[i] = (struct ingest_message){b[i].topic, b[i].payload, b[i].len, FIELD_NOW};
    }
    /* 0 is missing: each number must be named, 32 to a message. */
    assert_int_equal(ingest_messages(&bench.in, m + 1, 39, NULL), 0);
    assert_int_equal(bench.acks, 2);
    assert_true(!bench.ack[0].has_upto && bench.ack[0].also_count == ACK_ALSO_MAX);
    bool named[40] = {false};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < bench.ack[i].also_count; j++)
            named[bench.ack[i].also[j]] = true;
    for (int i = 1; i < 40; i++)
        assert_true(named[i]);
    assert_int_equal(give(&b[0]), INGEST_STORED);
    assert_true(bench.ack[2].upto == 39 && bench.ack[2].also_count == 0);
}

static void forged_and_damaged_are_refused(void **state) {
    (void)state;
    struct field_batch good = three_passages(), bad = good;
    for (size_t i = 0; i < good.len; i += 7) { /* any flipped bit */
        bad.payload[i] ^= 1;
        assert_int_equal(give(&bad), INGEST_REFUSED);
        bad.payload[i] ^= 1;
    }
    struct field_device thief = bench.kit;
    assert_int_equal(seal_signer_make(&thief.signer), 0);
    const struct event e = field_passage(10, 300);
    field_send(&thief, CLASS_EVENT, &e, 1, &bad);
    assert_refused(&bad, REFUSED_SIGNATURE);
    field_free(&thief);
    assert_int_equal(give(&good), INGEST_STORED);
}

static void truncated_and_oversized_are_refused(void **state) {
    (void)state;
    struct field_batch good = three_passages(), bad = good;
    for (bad.len = 0; bad.len < good.len; bad.len += 5)
        assert_int_equal(give(&bad), INGEST_REFUSED);
    static uint8_t huge[WIRE_PAYLOAD_MAX + 1];
    struct ingest_message m = {good.topic, huge, sizeof huge, FIELD_NOW};
    enum ingest_outcome outcome = INGEST_STORED;
    assert_int_equal(ingest_messages(&bench.in, &m, 1, &outcome), 0);
    assert_int_equal(outcome, INGEST_REFUSED);
    assert_int_equal(bench.store.refused(bench.store.ctx, 0, 1, keep_refused, NULL), 1);
    assert_int_equal(last_refused.reason, REFUSED_OVERSIZED);
    assert_int_equal(stored(), 0);
}

static void strangers_and_wrong_names_are_refused(void **state) {
    (void)state;
    struct field_batch b = three_passages(), bad = b;
    COPY(bad.topic, "mw/1/kit-2/e");
    assert_refused(&bad, REFUSED_UNKNOWN);
    COPY(bad.topic, "mw/1/hub-1/e");
    assert_refused(&bad, REFUSED_WRONG_NAME);
    COPY(bad.topic, "mw/1/kit-1/a");
    assert_refused(&bad, REFUSED_WRONG_NAME);
    COPY(bad.topic, "other/1/kit-1/a");
    assert_refused(&bad, REFUSED_TOPIC);
    assert_int_equal(bench.store.device_revoke(bench.store.ctx, "kit-1", true), 0);
    assert_refused(&b, REFUSED_REVOKED);
    assert_int_equal(bench.store.device_revoke(bench.store.ctx, "kit-1", false), 0);
    assert_int_equal(give(&b), INGEST_STORED);
}

/* All signed with the true key: the device is broken or taken over. */
static void lies_with_a_true_signature_are_refused(void **state) {
    (void)state;
    struct field_batch good = three_passages(), bad;
    struct batch_header h = good.header;
    h.schema = 99;
    field_lie(&bench.kit, &h, (const uint8_t *)"", 0, &bad);
    assert_refused(&bad, REFUSED_VERSION);
    static uint8_t zeros[WIRE_BODY_MAX + 1], packed[4096];
    int len = pack_deflate(zeros, sizeof zeros, packed, sizeof packed);
    assert_true(len > 0);
    h = good.header;
    h.codec = 1;
    h.events = 3;
    h.body_size = 200;
    field_lie(&bench.kit, &h, packed, (size_t)len, &bad);
    assert_refused(&bad, REFUSED_BOMB);
    h.body_size = WIRE_BODY_MAX + 1;
    field_lie(&bench.kit, &h, packed, (size_t)len, &bad);
    assert_int_equal(give(&bad), INGEST_REFUSED);
    h.codec = 0;
    h.body_size = 5;
    field_lie(&bench.kit, &h, (const uint8_t *)"\xff\xff\xff\xff\xff", 5, &bad);
    assert_refused(&bad, REFUSED_CONTENT);
    assert_int_equal(give(&good), INGEST_STORED);
}

static int keep_finding(void *arg, const struct store_finding *row) {
    *(struct store_finding *)arg = *row;
    return 1;
}

static void a_cloned_identity_is_refused_and_told(void **state) {
    (void)state;
    struct field_device clone = bench.kit;
    struct field_batch first = three_passages(), second;
    const struct event e = field_passage(50, 111);
    field_send(&clone, CLASS_EVENT, &e, 1, &second);
    assert_int_equal(give(&first), INGEST_STORED);
    assert_refused(&second, REFUSED_IDENTITY);
    assert_true(bench.notices == 1 && bench.notice[0].alert.kind == ALERT_CLONED);
    struct store_finding f;
    assert_int_equal(bench.store.findings(bench.store.ctx, "kit-1", 0, 1, keep_finding, &f), 1);
    assert_int_equal(f.kind, FINDING_CLONED);
    assert_refused(&second, REFUSED_IDENTITY); /* joins: one alert */
    assert_int_equal(bench.store.alert_count(bench.store.ctx, 0), 1);
    assert_int_equal(give(&first), INGEST_DUPLICATE);
}

static void a_broken_chain_is_a_finding(void **state) {
    (void)state;
    struct field_batch a = three_passages(), b;
    memset(bench.kit.previous[CLASS_EVENT], 0xee, WIRE_HASH_BYTES);
    b = three_passages();
    struct field_batch c = three_passages();
    struct store_finding f;
    assert_int_equal(give(&a), INGEST_STORED);
    assert_int_equal(give(&b), INGEST_STORED);
    assert_int_equal(give(&c), INGEST_STORED);
    assert_int_equal(bench.store.findings(bench.store.ctx, NULL, 0, 0, keep_finding, &f), 1);
    assert_true(f.kind == FINDING_CHAIN_BROKEN && f.seq == 1);
}

static void a_gap_lets_the_queue_go_on(void **state) {
    (void)state;
    struct field_batch lost = three_passages(), next = three_passages(), gap;
    (void)lost;
    assert_int_equal(give(&next), INGEST_STORED);
    assert_true(!bench.ack[0].has_upto && bench.ack[0].also[0] == 1);
    const struct event e = {.kind = EVENT_GAP,
                            .t_ms = 1000000,
                            .gap = {.dropped_class = CLASS_EVENT,
                                    .reason = GAP_DISK_FULL,
                                    .spool_low = 22,
                                    .from_seq = 0,
                                    .to_seq = 0,
                                    .events = 3}};
    field_send(&bench.kit, CLASS_ALARM, &e, 1, &gap);
    assert_int_equal(give(&gap), INGEST_STORED);
    assert_true(bench.notices == 1 && bench.notice[0].alert.kind == ALERT_GAP);
    assert_int_equal(bench.notice[0].alert.severity, SEVERITY_LOW);
    struct ack ack;
    assert_int_equal(bench.store.ack(bench.store.ctx, "kit-1", 22, CLASS_EVENT, &ack), 0);
    assert_true(ack.has_upto && ack.upto == 1);
}

static int keep_words(void *arg, const struct store_alert_entry *row) {
    snprintf(arg, STORE_TEXT_MAX + 1, "%s", row->text);
    return 0;
}

static void every_fault_becomes_an_alert(void **state) {
    (void)state;
    for (uint8_t code = 1; code <= FAULT_DISK_LOW; code++) {
        const struct event e = {.kind = EVENT_FAULT,
                                .t_ms = 1000000,
                                .fault = {.code = code, .active = true, .detail = code}};
        struct field_batch batch;
        char words[STORE_TEXT_MAX + 1] = "";
        bench.notices = bench.acks = 0;
        field_send(&bench.kit, CLASS_ALARM, &e, 1, &batch);
        assert_int_equal(give(&batch), INGEST_STORED);
        assert_true(bench.notices == 1 && bench.notice[0].alert.kind == ALERT_FAULT);
        assert_int_equal(bench.notice[0].alert.detail, code);
        assert_null(strstr(bench.notice[0].alert.title, "nknown"));
        assert_true(bench.store.entries(bench.store.ctx, bench.notice[0].alert.id, 0, keep_words,
                                        words) >= 0);
        if (code == FAULT_SENSOR)
            assert_string_equal(words, "Sensor silent: sensor at 0x0a");
        if (code == FAULT_DISK_LOW)
            assert_string_equal(words, "Disk nearly full: 15 MiB left");
    }
}

static void late_data_is_late(void **state) {
    (void)state;
    struct field_batch old, fresh;
    const struct event then = field_lock(1000000 - 11 * 60 * 1000, 0, LOCK_ALARM);
    const struct event now = field_lock(1000000, 0, LOCK_ALARM);
    field_send(&bench.hub, CLASS_ALARM, &then, 1, &old);
    field_send(&bench.hub, CLASS_ALARM, &now, 1, &fresh);
    assert_int_equal(give(&fresh), INGEST_STORED);
    assert_int_equal(give(&old), INGEST_STORED);
    assert_int_equal(bench.notices, 2);
    assert_true(bench.notice[0].ring && !bench.notice[0].alert.late);
    assert_true(!bench.notice[1].ring && bench.notice[1].alert.late);
    assert_string_equal(bench.notice[0].alert.title, "Alarm: Plot 12");
}

/* A clock at 1970 is no reason to stay silent; a backlog of a boot that was heard before is. */
static void without_a_clock_the_boot_bounds_the_time(void **state) {
    (void)state;
    struct field_batch b;
    bench.hub.quality = CLOCK_UNKNOWN;
    bench.hub.anchor_unix_ms = 5;
    const struct event live = field_lock(1000000, 0, LOCK_ALARM);
    field_send(&bench.hub, CLASS_ALARM, &live, 1, &b);
    assert_int_equal(give_at(&b, FIELD_NOW), INGEST_STORED);
    assert_true(bench.notices == 1 && bench.notice[0].ring);
    const struct event old = field_lock(1000500, 1, LOCK_ALARM);
    field_send(&bench.hub, CLASS_ALARM, &old, 1, &b);
    assert_int_equal(give_at(&b, FIELD_NOW + 3600000), INGEST_STORED);
    assert_true(bench.notices == 2 && !bench.notice[1].ring && bench.notice[1].alert.late);
}

static int keep_state(void *arg, const struct store_device_state *row) {
    if (strcmp(row->device.id, "kit-1") == 0)
        *(struct store_device_state *)arg = *row;
    return 0;
}

static void status_is_the_link(void **state) {
    (void)state;
    struct store_device_state kit;
    const struct {
        const char *topic, *payload;
        enum ingest_outcome outcome;
        bool online;
    } steps[] = {{"mw/1/kit-1/status", "online", INGEST_STATUS, true},
                 {"mw/1/kit-1/status", "offline", INGEST_STATUS, false},
                 {"mw/1/kit-1/status", "", INGEST_STATUS, false},
                 {"mw/1/kit-9/status", "online", INGEST_REFUSED, false},
                 {"mw/1/kit-1/ack", "x", INGEST_IGNORED, false}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct ingest_message m = {steps[i].topic, (const uint8_t *)steps[i].payload,
                                   strlen(steps[i].payload), FIELD_NOW};
        enum ingest_outcome outcome = INGEST_STORED;
        assert_int_equal(ingest_messages(&bench.in, &m, 1, &outcome), 0);
        assert_int_equal(outcome, steps[i].outcome);
        assert_true(bench.store.devices(bench.store.ctx, keep_state, &kit) == 2);
        assert_true(kit.has_link && kit.online == steps[i].online);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_batch_is_stored_and_acknowledged),
        TEST(a_duplicate_is_acknowledged_again),
        TEST(restart_before_the_ack),
        TEST(a_failed_commit_tells_nobody),
        TEST(a_group_is_acknowledged_once),
        TEST(forged_and_damaged_are_refused),
        TEST(truncated_and_oversized_are_refused),
        TEST(strangers_and_wrong_names_are_refused),
        TEST(lies_with_a_true_signature_are_refused),
        TEST(a_cloned_identity_is_refused_and_told),
        TEST(a_broken_chain_is_a_finding),
        TEST(a_gap_lets_the_queue_go_on),
        TEST(every_fault_becomes_an_alert),
        TEST(late_data_is_late),
        TEST(without_a_clock_the_boot_bounds_the_time),
        TEST(status_is_the_link),
    };
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
