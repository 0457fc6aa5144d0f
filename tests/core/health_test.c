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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_heartbeat_says_what_was_counted, bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(counters_of_all_classes_are_summed_and_saturate,
                                        bench_begin, bench_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
