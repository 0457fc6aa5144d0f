/* The sender by example; whole fleets of them run in tests/sim/fleet_sim.c. */
#include "sender_bench.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* `n` batches of passages wait; the link is down. */
static void backlog(unsigned n) {
    bench.conf.classes[CLASS_EVENT].max_events = 2;
    bench_boot(1);
    for (unsigned i = 0; i < 2 * n; i++) {
        bench.now_ns += BENCH_SECOND;
        assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
        assert_int_equal(bench_step(0), 0);
    }
    assert_int_equal(spool_unacked(&bench.spools[CLASS_EVENT]), n);
}

static void an_alarm_leaves_at_once(void **state) {
    (void)state;
    bench_up();
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_true(spool_durable(&bench.spools[CLASS_ALARM]));
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 1);
    assert_string_equal(bench.sent[0].topic, "mw/1/kit-1/a");
    assert_int_equal(bench.sent[0].events[0].lock.what, LOCK_ALARM);
}

static void passages_leave_together(void **state) {
    (void)state;
    bench_up();
    for (int i = 0; i < 10; i++) {
        bench.now_ns += BENCH_SECOND;
        assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
        assert_int_equal(bench_step(0), 0);
    }
    assert_int_equal(bench.count, 0);
    assert_int_equal(bench_step(60), 0);
    assert_int_equal(bench.count, 1);
    assert_int_equal(bench.sent[0].count, 10);
}

static void passages_are_durable_after_five_seconds(void **state) {
    (void)state;
    assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
    assert_false(spool_durable(&bench.spools[CLASS_EVENT]));
    assert_int_equal(bench_step(0), 0);
    assert_true(bench.next_ns <= bench.now_ns + 5 * BENCH_SECOND);
    assert_int_equal(bench_step(5), 0);
    assert_true(spool_durable(&bench.spools[CLASS_EVENT]));
}

static void a_full_window_delays_no_alarm(void **state) {
    (void)state;
    backlog(8);
    bench_up();
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 4); /* the window */
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 5);
    assert_int_equal(bench.sent[4].header.cls, CLASS_ALARM);
    bench_ack(CLASS_EVENT, 1, &bench.collector);
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 7); /* two were acknowledged, two follow */
}

static void a_new_connection_sends_all_again_alarms_first(void **state) {
    (void)state;
    backlog(2);
    bench_up();
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 3);
    bench_down();
    bench_up();
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 6);
    assert_int_equal(bench.sent[3].header.cls, CLASS_ALARM);
    assert_int_equal(bench.sent[4].header.seq, 0);
    assert_int_equal(bench.sender.counters.resent, 3);
}

static void what_is_not_acknowledged_is_sent_again(void **state) {
    (void)state;
    bench_up();
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench_step(29), 0);
    assert_int_equal(bench.count, 1);
    assert_int_equal(bench_step(1), 0);
    assert_int_equal(bench.count, 2);
    bench_ack(CLASS_ALARM, 0, &bench.collector);
    assert_int_equal(bench_step(60), 0);
    assert_int_equal(bench.count, 2);
    assert_int_equal(spool_unacked(&bench.spools[CLASS_ALARM]), 0);
}

static void a_forged_acknowledgement_frees_nothing(void **state) {
    (void)state;
    bench_up();
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_int_equal(bench_step(0), 0);
    bench_ack(CLASS_ALARM, 0, &bench.signer); /* not the collector's key */
    const struct uplink_event garbage = {.kind = UPLINK_MESSAGE, .len = 3, .data = "abc"};
    sender_heard(&bench.sender, &garbage, bench.now_ns);
    const struct uplink_event puback = {.kind = UPLINK_PUBACK};
    sender_heard(&bench.sender, &puback, bench.now_ns);
    assert_int_equal(bench.sender.counters.acks_refused, 2);
    assert_int_equal(spool_unacked(&bench.spools[CLASS_ALARM]), 1);
}

static void what_was_dropped_is_told_as_a_gap(void **state) {
    (void)state;
    bench.conf.classes[CLASS_EVENT].max_events = 1;
    bench_boot(1);
    for (int i = 0; i < 200; i++) {
        bench.now_ns += BENCH_SECOND;
        assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
        assert_int_equal(bench_step(0), 0);
    }
    assert_true(bench.sender.counters.gaps_told > 0);
    bench_up();
    assert_int_equal(bench_step(0), 0);
    const struct event *e = &bench.sent[0].events[0];
    assert_int_equal(bench.sent[0].header.cls, CLASS_ALARM);
    assert_int_equal(e->kind, EVENT_GAP);
    assert_int_equal(e->gap.dropped_class, CLASS_EVENT);
    assert_int_equal(e->gap.from_seq, 0);
    assert_true((uint64_t)e->gap.spool_high << 32 == (spool_id(&bench.spools[CLASS_EVENT]) >> 32)
                                                         << 32 &&
                e->gap.spool_low == (uint32_t)spool_id(&bench.spools[CLASS_EVENT]));
}

static void retries_back_off_within_bounds(void **state) {
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(bench_step(0), 0);
        bench_down();
        int64_t delay = bench.sender.connect_ns - bench.now_ns;
        if (i > 12) {
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
        bench.now_ns = bench.sender.connect_ns;
    }
    assert_true(bench.connects >= 200);
    assert_true(least >= bench.conf.backoff_max_ns / 2 && most <= bench.conf.backoff_max_ns);
    assert_true(most - least > bench.conf.backoff_max_ns / 4); /* the jitter */
}

static void a_connection_that_never_comes_is_given_up(void **state) {
    (void)state;
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.connects, 1);
    assert_int_equal(bench_step(29), 0);
    assert_int_equal(bench.connects, 1);
    assert_int_equal(bench_step(1), 0);
    assert_int_equal(bench_step(2), 0);
    assert_int_equal(bench.connects, 2);
}

static void a_link_that_is_full_is_tried_again(void **state) {
    (void)state;
    bench_up();
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    bench.refuse = ERR_AGAIN;
    assert_int_equal(bench_step(0), 0);
    assert_true(bench.next_ns <= bench.now_ns + BENCH_SECOND);
    bench.refuse = 0;
    assert_int_equal(bench_step(1), 0);
    assert_int_equal(bench.count, 1);
}

static void a_failing_disk_is_told_when_it_begins_and_ends(void **state) {
    (void)state;
    bench_up();
    bench.sim.fail_from = bench.sim.calls + 1;
    bench.sim.fail_count = 100000;
    bench.sim.fail_error = ERR_IO;
    assert_int_equal(bench_accept(EVENT_LOCK), 1); /* held in memory */
    assert_true(bench_step(2) < 0);
    assert_true(sender_storage_fault(&bench.sender));
    assert_int_equal(bench.count, 0); /* only what is durable leaves */
    bench.sim.fail_from = 0;
    assert_int_equal(bench_step(2), 0);
    assert_false(sender_storage_fault(&bench.sender));
    assert_int_equal(bench_step(2), 0);
    unsigned alarms = 0, faults = 0;
    for (unsigned i = 0; i < bench.count; i++)
        for (unsigned k = 0; k < bench.sent[i].count; k++) {
            alarms += bench.sent[i].events[k].kind == EVENT_LOCK;
            faults += bench.sent[i].events[k].kind == EVENT_FAULT;
        }
    assert_int_equal(alarms, 1);
    assert_int_equal(faults, 2);
}

static void events_of_an_earlier_boot_keep_its_clock(void **state) {
    (void)state;
    const struct event_anchor anchor = {.unix_ms = 1790000000000, .quality = CLOCK_NTP};
    sender_anchor(&bench.sender, &anchor, 1000);
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    bench_boot(2);
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    bench_up();
    assert_int_equal(bench_step(0), 0);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.sent[0].header.boot_id, 1);
    assert_int_equal(bench.sent[0].header.anchor_quality, CLOCK_NTP);
    assert_int_equal(bench.sent[0].header.anchor_unix_ms, 1790000000000);
    assert_int_equal(bench.sent[1].header.boot_id, 2);
    assert_int_equal(bench.sent[1].header.anchor_quality, CLOCK_UNKNOWN);
    assert_true(bench.sent[1].header.has_previous);
}

/* True if telling the sender of this clock cost the disk anything. */
static bool anchor_writes(int64_t boot_ms, int64_t unix_ms, enum clock_quality quality) {
    const struct event_anchor anchor = {.unix_ms = unix_ms, .quality = (uint8_t)quality};
    long before = bench.sim.ops;
    sender_anchor(&bench.sender, &anchor, boot_ms);
    assert_int_equal(spool_sync(&bench.spools[CLASS_ALARM]), 0);
    return bench.sim.ops != before;
}

static void a_clock_that_only_goes_on_is_not_written_again(void **state) {
    (void)state;
    const int64_t now = 1790000000000;
    assert_true(anchor_writes(5000, 5000, CLOCK_UNKNOWN)); /* 1970 */
    assert_false(anchor_writes(65000, 65000, CLOCK_UNKNOWN));
    assert_true(anchor_writes(66000, now, CLOCK_NTP));
    assert_false(anchor_writes(126000, now + 60000 + 900, CLOCK_NTP));
    assert_true(anchor_writes(186000, now + 120000 + 2000, CLOCK_NTP)); /* 1.1 s ahead */
    assert_true(anchor_writes(246000, now + 180000 - 5000, CLOCK_NTP)); /* set back */
    assert_true(anchor_writes(306000, now + 240000 - 5000, CLOCK_RESTORED));
}

static void what_is_not_valid_is_refused(void **state) {
    (void)state;
    struct event e = {.t_ms = 1, .kind = 77};
    assert_int_equal(sender_accept(&bench.sender, &e, bench.now_ns), ERR_INVAL);
    e = (struct event){.t_ms = -1, .kind = EVENT_LOCK, .lock = {.what = LOCK_ALARM}};
    assert_int_equal(sender_accept(&bench.sender, &e, bench.now_ns), ERR_INVAL);
}

static void stopping_leaves_nothing_open(void **state) {
    (void)state;
    assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
    assert_int_equal(sender_finish(&bench.sender, bench.now_ns), 0);
    assert_int_equal(spool_unsealed(&bench.spools[CLASS_EVENT]), 0);
    assert_true(spool_durable(&bench.spools[CLASS_EVENT]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_begin, bench_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_alarm_leaves_at_once),
        TEST(passages_leave_together),
        TEST(passages_are_durable_after_five_seconds),
        TEST(a_full_window_delays_no_alarm),
        TEST(a_new_connection_sends_all_again_alarms_first),
        TEST(what_is_not_acknowledged_is_sent_again),
        TEST(a_forged_acknowledgement_frees_nothing),
        TEST(what_was_dropped_is_told_as_a_gap),
        TEST(retries_back_off_within_bounds),
        TEST(a_connection_that_never_comes_is_given_up),
        TEST(a_link_that_is_full_is_tried_again),
        TEST(a_failing_disk_is_told_when_it_begins_and_ends),
        TEST(events_of_an_earlier_boot_keep_its_clock),
        TEST(a_clock_that_only_goes_on_is_not_written_again),
        TEST(what_is_not_valid_is_refused),
        TEST(stopping_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
