#include "health.h"
#include "sender_bench.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

static const struct health_parts PARTS = {.boots = 3,
                                          .period_s = 300,
                                          .battery_mv = 12400,
                                          .temperature_c10 = INT16_MIN,
                                          .radar_lines = 1000,
                                          .gpio_gaps = 2};

static void a_heartbeat_says_what_was_counted(void **state) {
    (void)state;
    struct event e;
    assert_int_equal(bench_accept(EVENT_LOCK), 0);
    assert_int_equal(bench_accept(EVENT_PASSAGE), 0);
    bench_up();
    assert_int_equal(bench_step(0), 0);
    bench_ack(CLASS_ALARM, 0, &bench.signer); /* forged */
    health_event(&PARTS, &bench.sender, bench.now_ns, &e);
    assert_true(event_valid(&e));
    assert_int_equal(e.kind, EVENT_HEALTH);
    assert_int_equal(e.t_ms, bench.now_ns / 1000000);
    assert_int_equal(e.health.uptime_s, 100);
    assert_int_equal(e.health.temperature_c10, INT16_MIN);
    assert_int_equal(e.health.spool_pending[CLASS_ALARM], 1);
    assert_int_equal(e.health.spool_pending[CLASS_EVENT], 0);
    assert_int_equal(e.health.counters[HEALTH_BOOTS], 3);
    assert_int_equal(e.health.counters[HEALTH_EVENTS], 2);
    assert_int_equal(e.health.counters[HEALTH_RADAR_LINES], 1000);
    assert_int_equal(e.health.counters[HEALTH_GPIO_GAPS], 2);
    assert_int_equal(e.health.counters[HEALTH_ACKS_REFUSED], 1);
}

static void counters_of_all_classes_are_summed_and_saturate(void **state) {
    (void)state;
    struct event e;
    bench.spools[CLASS_ALARM].dropped = 5;
    bench.spools[CLASS_EVENT].refused = 6;
    bench.spools[CLASS_EVENT].storage_errors = 7;
    bench.spools[CLASS_TELEMETRY].storage_errors = 1;
    health_event(&PARTS, &bench.sender, bench.now_ns, &e);
    assert_int_equal(e.health.counters[HEALTH_EVENTS_DROPPED], 11);
    assert_int_equal(e.health.counters[HEALTH_STORAGE_ERRORS], 8);
    bench.spools[CLASS_TELEMETRY].dropped = UINT64_C(1) << 40;
    health_event(&PARTS, &bench.sender, bench.now_ns, &e);
    assert_int_equal(e.health.counters[HEALTH_EVENTS_DROPPED], UINT32_MAX);
}

static void what_is_not_measured_says_so(void **state) {
    (void)state;
    struct health_parts parts = PARTS;
    struct event e;
    parts.disk_free_mib = -1;
    health_event(&parts, &bench.sender, 0, &e);
    assert_int_equal(e.health.disk_free_mib, 0);
    parts.disk_free_mib = 0; /* full, and measured */
    parts.battery_ma = -70000;
    parts.battery_days = 29;
    parts.clock_quality = 3;
    parts.sensor_errors = 4;
    health_event(&parts, &bench.sender, 0, &e);
    assert_int_equal(e.health.disk_free_mib, 1);
    assert_int_equal(e.health.battery_ma, -INT16_MAX);
    assert_int_equal(e.health.battery_days, 29);
    assert_int_equal(e.health.clock_quality, 3);
    assert_int_equal(e.health.counters[HEALTH_SENSOR_ERRORS], 4);
}

/* A spool of known quota, events at a known pace: the days by hand. */
static void spool_days_by_hand(void **state) {
    (void)state;
    const int64_t minute = INT64_C(60) * 1000000000;
    struct health_rate rate = {0};
    struct spool *s = &bench.spools[CLASS_EVENT];
    s->conf.quota_bytes = 96 * 144000; /* room for 144,000 events that are not measured yet */
    int64_t now = bench.now_ns;
    assert_int_equal(health_spool_days(&rate, &bench.sender, now), 0);
    for (int i = 1; i <= 24 * 60; i++) {
        s->now.accepted += 10; /* 14,400 a day */
        uint16_t days = health_spool_days(&rate, &bench.sender, now + i * minute);
        assert_int_equal(days, i < 60 ? 0 : 10);
    }
    for (int i = 1; i <= 7 * 24 * 60; i++) { /* a week at ten times the pace: a day is left */
        s->now.accepted += 100;
        (void)health_spool_days(&rate, &bench.sender, now + (24 * 60 + i) * minute);
    }
    assert_int_equal(health_spool_days(&rate, &bench.sender, now + 8 * 24 * 60 * minute), 1);
}

static void faults_do_not_flicker(void **state) {
    (void)state;
    const struct health_limits limits = {.battery_low_mv = 11500, .disk_low_mib = 64};
    static const struct {
        uint16_t mv;
        uint32_t mib;
        uint8_t power;
        unsigned stand; /* in the order of codes */
    } STEPS[] = {
        {12000, 100, 0, 0},
        {11499, 100, 0, 1u << FAULT_BATTERY_LOW},
        {11600, 63, 0, 1u << FAULT_BATTERY_LOW | 1u << FAULT_DISK_LOW},
        {0, 0, 0, 1u << FAULT_BATTERY_LOW | 1u << FAULT_DISK_LOW}, /* not measured */
        {11729, 71, 0, 1u << FAULT_BATTERY_LOW | 1u << FAULT_DISK_LOW},
        {11730, 72, 0, 0},
        {11600, 64, 0, 0},
        {12000, 100, HEALTH_POWER_UNDERVOLTAGE, 1u << FAULT_POWER},
        {12000, 100, HEALTH_POWER_UNDERVOLTAGE << HEALTH_POWER_SINCE_BOOT, 0},
    };
    unsigned stand = 0;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        const struct event_health h = {.battery_mv = STEPS[i].mv,
                                       .disk_free_mib = STEPS[i].mib,
                                       .power_flags = STEPS[i].power};
        stand = health_faults(stand, &h, &limits);
        assert_int_equal(stand, STEPS[i].stand);
        assert_int_equal(health_fault_detail(FAULT_DISK_LOW, &h), STEPS[i].mib);
        assert_int_equal(health_fault_detail(FAULT_BATTERY_LOW, &h), STEPS[i].mv);
        assert_int_equal(health_fault_detail(FAULT_POWER, &h), STEPS[i].power);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heartbeat_says_what_was_counted, bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(counters_of_all_classes_are_summed_and_saturate,
                                        bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(what_is_not_measured_says_so, bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(spool_days_by_hand, bench_begin, bench_end),
        cmocka_unit_test(faults_do_not_flicker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
