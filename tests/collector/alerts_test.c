#include "alerts.h"
#include "clock.h"
#include "store_sqlite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)
#define MINUTE 60000

static struct alerts_signal lock_signal(uint8_t what, int64_t at) {
    return (struct alerts_signal){.kind = SIGNAL_LOCK,
                                  .device = "hub-1",
                                  .lock = 2,
                                  .what = what,
                                  .occurred_ms = at,
                                  .quality = CLOCK_NTP,
                                  .latest_ms = STORE_NEVER,
                                  .received_ms = at,
                                  .place = "plot 12"};
}

enum { NO_ALERT = 0, RESTORED_ACKNOWLEDGED = 9 };

static struct store_alert alert_in(int state) {
    struct store_alert a = {.id = 7,
                            .kind = ALERT_LOCK_ALARM,
                            .state = state == RESTORED_ACKNOWLEDGED ? ALERT_ACKNOWLEDGED
                                                                    : (enum alert_state)state,
                            .severity = SEVERITY_HIGH,
                            .device = "hub-1",
                            .lock = 2,
                            .events = 1,
                            .occurred_ms = NOW,
                            .last_ms = NOW,
                            .restored_ms = STORE_NEVER};
    if (state == RESTORED_ACKNOWLEDGED)
        a.restored_ms = NOW + 1;
    return a;
}

/* Every state of the alert at hand against every word of a lock. */
static void every_state_and_signal(void **state) {
    (void)state;
    static const struct {
        int state;
        uint8_t what;
        enum alerts_action action;
        bool ring;
    } TABLE[] = {
        {NO_ALERT, LOCK_CLOSED, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_OPENED, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_PREALARM, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_ALARM, ALERTS_RAISE, true},
        {NO_ALERT, LOCK_TAMPER, ALERTS_RAISE, true},
        {NO_ALERT, LOCK_RESTORED, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_SET, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_UNSET, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_SIREN_ON, ALERTS_NOTHING, false},
        {NO_ALERT, LOCK_SIREN_OFF, ALERTS_NOTHING, false},
        {ALERT_OPEN, LOCK_CLOSED, ALERTS_NOTHING, false},
        {ALERT_OPEN, LOCK_OPENED, ALERTS_NOTHING, false},
        {ALERT_OPEN, LOCK_PREALARM, ALERTS_NOTHING, false},
        {ALERT_OPEN, LOCK_ALARM, ALERTS_JOIN, false},
        {ALERT_OPEN, LOCK_TAMPER, ALERTS_JOIN, false},
        {ALERT_OPEN, LOCK_RESTORED, ALERTS_NOTE, false},
        {ALERT_OPEN, LOCK_SET, ALERTS_NOTHING, false},
        {ALERT_OPEN, LOCK_UNSET, ALERTS_NOTE, false},
        {ALERT_OPEN, LOCK_SIREN_ON, ALERTS_NOTE, false},
        {ALERT_OPEN, LOCK_SIREN_OFF, ALERTS_NOTE, false},
        {ALERT_ACKNOWLEDGED, LOCK_ALARM, ALERTS_JOIN, false},
        {ALERT_ACKNOWLEDGED, LOCK_TAMPER, ALERTS_JOIN, false},
        {ALERT_ACKNOWLEDGED, LOCK_RESTORED, ALERTS_NOTE, false},
        {ALERT_ACKNOWLEDGED, LOCK_PREALARM, ALERTS_NOTHING, false},
        {RESTORED_ACKNOWLEDGED, LOCK_ALARM, ALERTS_RAISE, true},
        {RESTORED_ACKNOWLEDGED, LOCK_TAMPER, ALERTS_RAISE, true},
        {RESTORED_ACKNOWLEDGED, LOCK_RESTORED, ALERTS_NOTE, false},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct store_alert at_hand = alert_in(TABLE[i].state);
        struct alerts_signal s = lock_signal(TABLE[i].what, NOW + 2);
        struct alerts_decision d;
        alerts_decide(&s, TABLE[i].state == NO_ALERT ? NULL : &at_hand, ALERTS_LATE_MS, &d);
        if (d.action != TABLE[i].action || d.ring != TABLE[i].ring)
            fail_msg("row %zu: action %d, ring %d", i, (int)d.action, d.ring);
        if (d.action == ALERTS_RAISE)
            assert_true(d.alert.id == 0 && d.alert.state == ALERT_OPEN);
        if (d.action == ALERTS_JOIN || d.action == ALERTS_NOTE)
            assert_true(d.alert.id == 7 && d.alert.state == at_hand.state);
    }
}

static void what_made_it_speak(void **state) {
    (void)state;
    struct alerts_decision d;
    struct alerts_signal s = lock_signal(LOCK_ALARM, NOW);
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_string_equal(d.entry, "Alarm"); /* an old device states none */
    s.causes = LOCK_CAUSE_MOTION;
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_string_equal(d.entry, "Alarm (worked on)");
    struct store_alert open = d.alert;
    s = lock_signal(LOCK_TAMPER, NOW + 5);
    s.causes = LOCK_CAUSE_MOTION | LOCK_CAUSE_LOOP;
    alerts_decide(&s, &open, ALERTS_LATE_MS, &d);
    assert_string_equal(d.entry, "Tamper again, 2 so far (loop cut, worked on: confirmed by a "
                                 "second sensor)");
    s = lock_signal(LOCK_LEFT_OPEN, NOW);
    s.causes = LOCK_CAUSE_HOURS;
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_string_equal(d.entry, "Left open (outside its hours)");
    s.causes = 0xff; /* all of them fit */
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_true(strlen(d.entry) < STORE_TEXT_MAX);
}

/* A gate that stands open is an incident of its own, beside a break-in, and ends when it is shut.
 */
static void a_gate_that_stands_open(void **state) {
    (void)state;
    struct alerts_decision d;
    struct alerts_signal s = lock_signal(LOCK_FOUND_OPEN, NOW);
    struct store_alert alarm = alert_in(ALERT_OPEN);
    assert_false(alerts_same_family(&alarm, &s));
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_true(d.action == ALERTS_RAISE && d.ring && d.alert.kind == ALERT_LOCK_OPEN);
    assert_int_equal(d.alert.severity, SEVERITY_MEDIUM);
    struct store_alert open = d.alert;
    s = lock_signal(LOCK_LEFT_OPEN, NOW + 1);
    assert_true(alerts_same_family(&open, &s));
    alerts_decide(&s, &open, ALERTS_LATE_MS, &d);
    assert_int_equal(d.action, ALERTS_JOIN);
    s = lock_signal(LOCK_RESTORED, NOW + 2);
    assert_false(alerts_same_family(&open, &s));
    s = lock_signal(LOCK_CLOSED, NOW + 3);
    alerts_decide(&s, &open, ALERTS_LATE_MS, &d);
    assert_true(d.action == ALERTS_NOTE && d.alert.restored_ms == NOW + 3);
    assert_string_equal(d.entry, "Closed");
}

static void a_battery_has_its_days_in_the_title(void **state) {
    (void)state;
    struct alerts_decision d;
    struct alerts_signal s = {.kind = SIGNAL_FAULT,
                              .device = "hub-1",
                              .lock = STORE_NO_LOCK,
                              .what = FAULT_BATTERY_SOON,
                              .active = true,
                              .detail = 29,
                              .occurred_ms = NOW,
                              .quality = CLOCK_NTP,
                              .latest_ms = STORE_NEVER,
                              .received_ms = NOW,
                              .place = "Ropner Park"};
    alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
    assert_string_equal(d.alert.title, "Needs a battery within 29 days: Ropner Park");
}

/* Every fault has words of its own, and says what it is about. */
static void every_fault_in_words(void **state) {
    (void)state;
    static const struct {
        int32_t detail;
        const char *words;
    } WANT[FAULT_DISK_LOW + 1] = {
        [FAULT_RADAR_SILENT] = {-19, "the device is gone"},
        [FAULT_RADAR_RESET] = {3, "3 times since the start"},
        [FAULT_RADAR_CONFIG] = {2, "setting 2 is not taken"},
        [FAULT_STORAGE] = {-28, "no space left"},
        [FAULT_GPIO] = {-19, "the lines cannot be opened"},
        [FAULT_CLOCK_STEP] = {-42000, "stepped by -42.0 s"},
        [FAULT_BATTERY_LOW] = {11300, "11.30 V"},
        [FAULT_RADAR_GARBAGE] = {0, "Radar not understood"}, /* the name says it all */
        [FAULT_RADAR_WRONG] = {2, "one channel only: a stereo line input is needed"},
        [FAULT_SENSOR] = {0x18, "sensor at 0x18"},
        [FAULT_BATTERY_SOON] = {1, "1 day left"},
        [FAULT_POWER] = {13, "under voltage, throttled, hot"},
        [FAULT_GNSS] = {6, "a date 1,024 weeks off"},
        [FAULT_RADAR_LEVEL] = {2, "the signal clips"},
        [FAULT_DISK_LOW] = {37, "37 MiB left"},
    };
    for (uint8_t code = 1; code <= FAULT_DISK_LOW; code++) {
        struct alerts_signal s = lock_signal(code, NOW);
        struct alerts_decision d;
        s.kind = SIGNAL_FAULT;
        s.active = true;
        s.detail = WANT[code].detail;
        alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
        assert_non_null(WANT[code].words);
        if (strstr(d.entry, WANT[code].words) == NULL || strstr(d.entry, "nknown") != NULL)
            fail_msg("fault %u: %s", code, d.entry);
        for (uint8_t other = 1; other < code; other++)
            assert_string_not_equal(fault_code_name(code), fault_code_name(other));
        s.detail = 0;
        alerts_decide(&s, NULL, ALERTS_LATE_MS, &d);
        assert_null(strchr(d.entry, ':'));
    }
}

static void what_is_late(void **state) {
    (void)state;
    static const struct {
        int64_t occurred, latest;
        uint8_t quality;
        bool late;
    } TABLE[] = {
        {NOW - 10 * MINUTE, STORE_NEVER, CLOCK_NTP, false},
        {NOW - 10 * MINUTE - 1, STORE_NEVER, CLOCK_NTP, true},
        {NOW + 10 * MINUTE, STORE_NEVER, CLOCK_GNSS, false},
        /* A restored clock runs late by an unknown time: it proves nothing. */
        {NOW - 600 * MINUTE, STORE_NEVER, CLOCK_RESTORED, false},
        {NOW - 600 * MINUTE, NOW - 11 * MINUTE, CLOCK_RESTORED, true},
        {STORE_NEVER, NOW - 11 * MINUTE, CLOCK_UNKNOWN, true},
        {STORE_NEVER, NOW - 9 * MINUTE, CLOCK_UNKNOWN, false},
        {STORE_NEVER, STORE_NEVER, CLOCK_UNKNOWN, false},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct alerts_signal s = lock_signal(LOCK_ALARM, NOW);
        s.occurred_ms = TABLE[i].occurred;
        s.latest_ms = TABLE[i].latest;
        s.quality = TABLE[i].quality;
        if (alerts_is_late(&s, 10 * MINUTE) != TABLE[i].late)
            fail_msg("row %zu", i);
    }
}

static void older_news_moves_nothing_back(void **state) {
    (void)state;
    struct store_alert at_hand = alert_in(ALERT_OPEN);
    struct alerts_decision d;
    struct alerts_signal s = lock_signal(LOCK_ALARM, NOW - 5);
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_true(d.action == ALERTS_JOIN && d.alert.last_ms == NOW && d.alert.events == 2);
    s = lock_signal(LOCK_RESTORED, NOW - 5);
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_true(d.action == ALERTS_NOTE && d.alert.restored_ms == STORE_NEVER);
    s = lock_signal(LOCK_RESTORED, NOW + 5);
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_true(d.alert.restored_ms == NOW + 5);
    at_hand = d.alert;
    s = lock_signal(LOCK_ALARM, NOW + 9); /* open again before anybody looked */
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_true(d.action == ALERTS_JOIN && d.alert.restored_ms == STORE_NEVER);
}

static void a_tamper_makes_an_alarm_worse(void **state) {
    (void)state;
    struct store_alert at_hand = alert_in(ALERT_OPEN);
    struct alerts_decision d;
    struct alerts_signal s = lock_signal(LOCK_TAMPER, NOW + 1);
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_int_equal(d.alert.kind, ALERT_LOCK_TAMPER);
    assert_string_equal(d.alert.title, "Tamper: plot 12");
    at_hand = d.alert;
    s = lock_signal(LOCK_ALARM, NOW + 2);
    alerts_decide(&s, &at_hand, ALERTS_LATE_MS, &d);
    assert_int_equal(d.alert.kind, ALERT_LOCK_TAMPER); /* and never better again */
}

/* -- through a store ------------------------------------------------------------------------- */

static struct store store;

static int setup(void **state) {
    (void)state;
    return store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &store);
}

static int teardown(void **state) {
    (void)state;
    store.close(store.ctx);
    return 0;
}

static struct alerts_notice feed(const struct alerts_signal *s, int changed) {
    struct alerts_notice notice = {0};
    assert_int_equal(alerts_feed(&store, s, ALERTS_LATE_MS, &notice), changed);
    return notice;
}

static int count_entry(void *arg, const struct store_alert_entry *row) {
    (void)row;
    ++*(size_t *)arg;
    return 0;
}

static size_t entries(int64_t id) {
    size_t n = 0;
    assert_true(store.entries(store.ctx, id, 0, count_entry, &n) >= 0);
    return n;
}

static void a_storm_is_one_alert_and_one_ring(void **state) {
    (void)state;
    int rings = 0;
    int64_t id = 0;
    for (int i = 0; i < 500; i++) {
        struct alerts_signal s = lock_signal(LOCK_ALARM, NOW + i);
        struct alerts_notice n = feed(&s, 1);
        rings += n.ring;
        id = n.alert.id;
    }
    assert_int_equal(rings, 1);
    assert_int_equal(store.alert_count(store.ctx, 0), 1);
    struct store_alert a;
    assert_int_equal(store.alert_get(store.ctx, id, &a), 0);
    assert_true(a.events == 500 && a.last_ms == NOW + 499);
    assert_int_equal(entries(id), ALERTS_ENTRIES_MAX);
    struct alerts_signal other = lock_signal(LOCK_ALARM, NOW);
    other.lock = 3;
    assert_true(feed(&other, 1).ring);
    other.device = "hub-2";
    other.lock = 2;
    assert_true(feed(&other, 1).ring);
}

static void late_and_live_do_not_mix(void **state) {
    (void)state;
    struct alerts_signal late = lock_signal(LOCK_ALARM, NOW);
    late.received_ms = NOW + 60 * MINUTE;
    assert_false(feed(&late, 1).ring);
    assert_int_equal(store.alert_count(store.ctx, 0), 1);
    struct alerts_signal live = lock_signal(LOCK_ALARM, NOW + 61 * MINUTE);
    assert_true(feed(&live, 1).ring);
    late.occurred_ms += 5;
    struct alerts_notice n = feed(&late, 1);
    assert_true(n.alert.late && n.alert.events == 2);
    assert_int_equal(store.alert_count(store.ctx, 0), 2);
}

static void people_acknowledge_and_close(void **state) {
    (void)state;
    struct alerts_signal s = lock_signal(LOCK_ALARM, NOW);
    int64_t id = feed(&s, 1).alert.id;
    struct store_alert a;
    assert_int_equal(alerts_acknowledge(&store, 999, "ann", NOW, &a), ERR_NOENT);
    assert_int_equal(alerts_acknowledge(&store, id, "", NOW, &a), ERR_INVAL);
    assert_int_equal(alerts_acknowledge(&store, id, "ann", NOW + 3, &a), 0);
    assert_true(a.state == ALERT_ACKNOWLEDGED && a.acknowledged_ms == NOW + 3);
    assert_int_equal(alerts_acknowledge(&store, id, "bob", NOW + 4, &a), ERR_EXIST);
    assert_string_equal(a.acknowledged_by, "ann");
    assert_int_equal(alerts_close(&store, id, "bob", "", NOW + 5, &a), ERR_INVAL);
    assert_int_equal(alerts_close(&store, id, "bob", "It was the owner", NOW + 5, &a), 0);
    assert_true(a.state == ALERT_CLOSED && a.closed_ms == NOW + 5);
    assert_string_equal(a.cause, "It was the owner");
    assert_int_equal(alerts_close(&store, id, "ann", "again", NOW + 6, &a), ERR_EXIST);
    assert_int_equal(alerts_acknowledge(&store, id, "ann", NOW + 6, &a), ERR_EXIST);
    assert_int_equal(alerts_note(&store, id, "ann", "Padlock replaced", NOW + 7), 0);
    assert_int_equal(entries(id), 4);
    struct alerts_signal again = lock_signal(LOCK_ALARM, NOW + 9);
    assert_true(feed(&again, 1).alert.id != id);
}

static void faults_clear_and_gaps_count(void **state) {
    (void)state;
    struct alerts_signal s = {.kind = SIGNAL_FAULT,
                              .device = "kit-1",
                              .lock = STORE_NO_LOCK,
                              .what = FAULT_RADAR_SILENT,
                              .active = false,
                              .occurred_ms = NOW,
                              .quality = CLOCK_NTP,
                              .latest_ms = STORE_NEVER,
                              .received_ms = NOW,
                              .place = ""};
    feed(&s, 0); /* nothing to clear */
    s.active = true;
    struct alerts_notice n = feed(&s, 1);
    assert_int_equal(n.alert.severity, SEVERITY_LOW);
    assert_true(n.alert.restored_ms == STORE_NEVER);
    s.what = FAULT_BATTERY_LOW;
    assert_true(feed(&s, 1).alert.id != n.alert.id);
    s.what = FAULT_RADAR_SILENT;
    s.active = false;
    s.occurred_ms = s.received_ms = NOW + 10;
    struct alerts_notice cleared = feed(&s, 1);
    assert_true(cleared.alert.id == n.alert.id && cleared.alert.restored_ms == NOW + 10);
    assert_int_equal(cleared.alert.state, ALERT_OPEN);
    s.kind = SIGNAL_GAP;
    s.what = CLASS_EVENT;
    assert_int_equal(feed(&s, 1).alert.kind, ALERT_GAP);
    assert_int_equal(feed(&s, 1).alert.events, 2);
}

#define STORED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_signal),
        cmocka_unit_test(a_gate_that_stands_open),
        cmocka_unit_test(what_made_it_speak),
        cmocka_unit_test(a_battery_has_its_days_in_the_title),
        cmocka_unit_test(every_fault_in_words),
        cmocka_unit_test(what_is_late),
        cmocka_unit_test(older_news_moves_nothing_back),
        cmocka_unit_test(a_tamper_makes_an_alarm_worse),
        STORED(a_storm_is_one_alert_and_one_ring),
        STORED(late_and_live_do_not_mix),
        STORED(people_acknowledge_and_close),
        STORED(faults_clear_and_gaps_count),
    };
    return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
