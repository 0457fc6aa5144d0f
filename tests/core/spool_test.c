/* The spool by example; its promises are proved by tests/sim/power_test.c and fault_test.c. */
#include "sim_disk.h"
#include "spool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEGMENT = 2048 };

static struct sim_disk sim;
static struct disk disk;
static struct spool s;
static struct spool_conf conf;

static int begin(void **state) {
    (void)state;
    sim_disk_free(&sim);
    disk = sim_disk_seam(&sim);
    conf = (struct spool_conf){
        .cls = CLASS_ALARM, .segment_bytes = SEGMENT, .quota_bytes = 3 * SEGMENT};
    assert_int_equal(spool_open(&s, &disk, &conf, 1, 100), 0);
    return 0;
}

static int end(void **state) {
    (void)state;
    spool_close(&s);
    spool_close(&s);
    sim_disk_free(&sim);
    return 0;
}

static void reopen(uint64_t boot_id, uint64_t fresh_id) {
    spool_close(&s);
    assert_int_equal(spool_open(&s, &disk, &conf, boot_id, fresh_id), 0);
}

static void append(int64_t t_ms) {
    const struct event e = {.t_ms = t_ms, .kind = EVENT_LOCK, .lock = {.what = LOCK_OPENED}};
    assert_int_equal(spool_append_event(&s, &e), 0);
}

static void seal(const char *text, uint32_t events) {
    assert_int_equal(spool_append_batch(&s, (const uint8_t *)text, strlen(text), events), 0);
    assert_int_equal(spool_sync(&s), 0);
}

static int ack_upto(uint64_t spool, uint64_t upto) {
    const struct ack ack = {.spool_id = spool, .cls = CLASS_ALARM, .has_upto = true, .upto = upto};
    return spool_ack(&s, &ack);
}

static void an_event_waits_over_a_reboot_and_is_sealed_with_its_boot(void **state) {
    (void)state;
    struct event events[4];
    uint64_t boot_id = 0;
    append(10);
    append(20);
    assert_int_equal(spool_sync(&s), 0);
    reopen(2, 200);
    append(5);
    assert_int_equal(spool_unsealed(&s), 3);
    assert_int_equal(spool_events(&s, events, 4, &boot_id), 2); /* of one boot only */
    assert_int_equal(boot_id, 1);
    assert_int_equal(events[1].t_ms, 20);
    seal("first", 2);
    assert_int_equal(spool_events(&s, events, 4, &boot_id), 1);
    assert_int_equal(boot_id, 2);
}

static void only_what_is_durable_may_leave(void **state) {
    (void)state;
    struct spool_pending p;
    uint8_t bytes[16];
    append(1);
    assert_int_equal(spool_append_batch(&s, (const uint8_t *)"batch", 5, 1), 0);
    assert_int_equal(spool_next_batch(&s, NULL, &p), ERR_NOENT);
    assert_int_equal(spool_sync(&s), 0);
    assert_int_equal(spool_next_batch(&s, NULL, &p), 0);
    assert_int_equal(spool_read_batch(&s, &p, bytes, 4), ERR_OVERFLOW);
    assert_int_equal(spool_read_batch(&s, &p, bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "batch", 5);
    assert_int_equal(ack_upto(100, 0), 1);
    assert_int_equal(spool_read_batch(&s, &p, bytes, sizeof bytes), ERR_STALE);
}

static void acknowledgements_may_come_out_of_turn(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        append(i);
        seal("x", 1);
    }
    const struct ack ack = {.spool_id = 100, .cls = CLASS_ALARM, .also_count = 2, .also = {1, 3}};
    struct spool_pending p, q;
    assert_int_equal(spool_ack(&s, &ack), 2);
    assert_int_equal(spool_ack(&s, &ack), 0); /* again: nothing new */
    assert_int_equal(spool_unacked(&s), 2);
    assert_int_equal(spool_next_batch(&s, NULL, &p), 0);
    assert_int_equal(p.seq, 0);
    assert_int_equal(spool_next_batch(&s, &p, &q), 0);
    assert_int_equal(q.seq, 2);
    assert_int_equal(ack_upto(100, 2), 2);
    assert_int_equal(spool_unacked(&s), 0);
    assert_int_equal(ack_upto(100, 9), ERR_RANGE); /* never given */
    assert_int_equal(ack_upto(55, 9), 0);          /* another identity's */
}

static void a_full_quota_drops_the_oldest_and_tells_until_reported(void **state) {
    (void)state;
    char text[600];
    struct spool_drop drop, again;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 12; i++) {
        append(i);
        seal(text, 1);
    }
    assert_int_equal(spool_dropped(&s, &drop), 1);
    assert_int_equal(drop.reason, GAP_DISK_FULL);
    assert_int_equal(drop.from_seq, 0);
    assert_int_equal(drop.events, drop.to_seq + 1);
    assert_true(sim_disk_used(&sim) <= 3 * SEGMENT + 8192);
    reopen(2, 200); /* not reported yet: found again */
    assert_int_equal(spool_dropped(&s, &again), 1);
    assert_memory_equal(&again, &drop, sizeof drop);
    spool_drop_reported(&s, &again);
    assert_int_equal(spool_dropped(&s, &again), 0);
    reopen(3, 300);
    assert_int_equal(spool_dropped(&s, &again), 0);
    assert_int_equal(spool_id(&s), 100);
    assert_int_equal(spool_next_seq(&s), 12);
}

/* The name of the only segment. */
static const char *segment_name(void) {
    static char name[DISK_NAME_MAX + 1];
    snprintf(name, sizeof name, "a-%020llu.seg", (unsigned long long)s.segments[0].first);
    return name;
}

static void rot_in_the_newest_batch_begins_a_new_identity(void **state) {
    (void)state;
    append(1);
    seal("first", 1);
    append(2);
    seal("second", 1);
    sim_disk_file(&sim, segment_name())->data[s.tail_end - 10] ^= 1;
    reopen(1, 200);
    struct spool_pending p;
    assert_int_equal(spool_next_batch(&s, NULL, &p), 0);
    assert_int_equal(p.spool_id, 100); /* the older batch waits under its old name */
    assert_int_equal(spool_id(&s), 200);
    assert_int_equal(spool_next_seq(&s), 0);
    assert_int_equal(spool_unsealed(&s), 1); /* the event of the lost batch */
    uint8_t hash[WIRE_HASH_BYTES];
    assert_false(spool_previous(&s, hash));
}

static void rot_in_a_header_sets_the_segment_aside(void **state) {
    (void)state;
    struct spool_stats stats;
    append(1);
    assert_int_equal(spool_sync(&s), 0);
    char bad[DISK_NAME_MAX + 8];
    snprintf(bad, sizeof bad, "bad-%s", segment_name());
    sim_disk_file(&sim, segment_name())->data[5] ^= 1;
    reopen(1, 200);
    spool_stats(&s, &stats);
    assert_int_equal(stats.set_aside, 1);
    assert_non_null(sim_disk_file(&sim, bad));
    assert_int_equal(spool_id(&s), 200);
    append(2);
    assert_int_equal(spool_sync(&s), 0);
    for (uint64_t i = 0; i < 6; i++) {
        sim_disk_file(&sim, segment_name())->data[5] ^= 1;
        reopen(1, 300 + i);
        append(3);
        assert_int_equal(spool_sync(&s), 0);
    }
    spool_stats(&s, &stats);
    assert_int_equal(stats.set_aside, SPOOL_BAD_KEPT);
}

static void a_batch_that_rots_while_it_waits_is_told(void **state) {
    (void)state;
    struct spool_pending p;
    struct spool_drop drop;
    uint8_t bytes[16];
    append(1);
    seal("first", 1);
    append(2);
    seal("second", 1);
    assert_int_equal(spool_next_batch(&s, NULL, &p), 0);
    sim_disk_file(&sim, segment_name())->data[p.at.offset + 30] ^= 1;
    assert_int_equal(spool_read_batch(&s, &p, bytes, sizeof bytes), ERR_BADMSG);
    assert_int_equal(spool_read_batch(&s, &p, bytes, sizeof bytes), ERR_STALE);
    assert_int_equal(spool_dropped(&s, &drop), 1);
    assert_int_equal(drop.reason, GAP_DAMAGED);
    assert_true(drop.from_seq == 0 && drop.to_seq == 0 && drop.events == 1);
    assert_int_equal(spool_unacked(&s), 1);
}

static void anchors_are_remembered_by_boot(void **state) {
    (void)state;
    const struct spool_anchor a = {.boot_id = 1, .boot_ms = 5, .unix_ms = 7, .quality = 2};
    struct spool_anchor back;
    assert_int_equal(spool_append_anchor(&s, &a), 0);
    append(1);
    assert_int_equal(spool_sync(&s), 0);
    reopen(2, 200);
    assert_true(spool_anchor(&s, 1, &back));
    assert_int_equal(back.unix_ms, 7);
    assert_false(spool_anchor(&s, 2, &back));
}

static void looking_writes_nothing(void **state) {
    (void)state;
    struct event event = {.t_ms = 9, .kind = EVENT_LOCK, .lock = {.what = LOCK_OPENED}};
    struct spool_stats stats;
    append(1);
    seal("first", 1);
    append(2);
    assert_int_equal(spool_sync(&s), 0);
    spool_close(&s);
    int pending = sim.pending_count;
    assert_int_equal(spool_inspect(&s, &disk, CLASS_ALARM), 0);
    spool_stats(&s, &stats);
    assert_true(stats.accepted == 2 && stats.unsealed == 1 && stats.unacked == 1);
    assert_int_equal(spool_append_event(&s, &event), ERR_READONLY);
    assert_int_equal(ack_upto(100, 0), ERR_READONLY);
    assert_int_equal(sim.pending_count, pending);
    spool_close(&s);
    assert_int_equal(spool_inspect(&s, &disk, CLASS_EVENT), ERR_NOENT);
}

static void a_disk_that_is_away_costs_nothing_that_memory_can_hold(void **state) {
    (void)state;
    append(1);
    sim.fail_from = sim.calls + 1;
    sim.fail_count = 1000;
    sim.fail_error = ERR_IO;
    assert_int_equal(spool_sync(&s), ERR_IO);
    append(2);
    assert_false(spool_durable(&s));
    sim.fail_from = 0;
    assert_int_equal(spool_sync(&s), 0);
    reopen(2, 200);
    assert_int_equal(spool_unsealed(&s), 2);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static struct spool other;
    struct spool_conf bad = conf;
    bad.quota_bytes = SEGMENT;
    assert_int_equal(spool_open(&other, &disk, &bad, 1, 1), ERR_INVAL);
    bad = conf;
    bad.segment_bytes = 1000;
    assert_int_equal(spool_open(&other, &disk, &bad, 1, 1), ERR_INVAL);
    assert_int_equal(spool_open(&other, &disk, &conf, 1, 0), ERR_INVAL);
    uint8_t large[SEGMENT] = {0};
    assert_int_equal(spool_append_batch(&s, large, sizeof large, 0), ERR_OVERFLOW);
    assert_int_equal(spool_append_batch(&s, large, 10, 1), ERR_INVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_event_waits_over_a_reboot_and_is_sealed_with_its_boot),
        TEST(only_what_is_durable_may_leave),
        TEST(acknowledgements_may_come_out_of_turn),
        TEST(a_full_quota_drops_the_oldest_and_tells_until_reported),
        TEST(rot_in_the_newest_batch_begins_a_new_identity),
        TEST(rot_in_a_header_sets_the_segment_aside),
        TEST(a_batch_that_rots_while_it_waits_is_told),
        TEST(anchors_are_remembered_by_boot),
        TEST(looking_writes_nothing),
        TEST(a_disk_that_is_away_costs_nothing_that_memory_can_hold),
        TEST(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
