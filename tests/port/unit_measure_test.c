/* unit_measure: what sysfs, procfs and scripts write, and what they should not. */
#include "event.h"
#include "unit_measure.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/moorwatch-measure-XXXXXX";

static const char *file_of(const char *text) {
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void nothing_is_not_measured(void **state) {
    (void)state;
    const char *const none[] = {"", "/nonexistent/file", "/tmp", file_of("")};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(unit_measure_battery_mv(none[i]), 0);
        assert_int_equal(unit_measure_temperature_c10(none[i]), INT16_MIN);
        assert_int_equal(unit_measure_signal_dbm(none[i]), 0);
    }
}

static void battery_and_temperature(void **state) {
    (void)state;
    assert_int_equal(unit_measure_battery_mv(file_of("12640\n")), 12640);
    assert_int_equal(unit_measure_battery_mv(file_of("-3\n")), 0);
    assert_int_equal(unit_measure_battery_mv(file_of("65536\n")), 0);
    assert_int_equal(unit_measure_battery_mv(file_of("flat\n")), 0);
    assert_int_equal(unit_measure_temperature_c10(file_of("7180\n")), 71);
    assert_int_equal(unit_measure_temperature_c10(file_of("-12500\n")), -125);
    assert_int_equal(unit_measure_temperature_c10(file_of("0\n")), 0);
    assert_int_equal(unit_measure_temperature_c10(file_of("150001\n")), INT16_MIN);
}

#define HEADING                                                                                    \
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"           \
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"

static void signal_of_wireless_or_a_number(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int dbm;
    } cases[] = {
        {HEADING " wlan0: 0000   54.  -56.  -256        0      0      0     16      0        0\n",
         -56},
        {HEADING "wlan0: 0000   30   -80   -256\n"
                 "wlan1: 0000   60.  -40.  -256\n",
         -80},
        {HEADING "wlan0: 0000   54.  56.  30.\n", 0}, /* relative: says nothing in dBm */
        {HEADING "wlan0: 0000   54.\n", 0},
        {HEADING "wlan0:", 0},
        {HEADING, 0}, /* no interface */
        {"-97\n", -97},
        {"  -71 dBm\n", -71},
        {"0\n", 0},
        {"-151\n", 0},
        {"99\n", 0}, /* a modem's "unknown" */
        {"none\n", 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(unit_measure_signal_dbm(file_of(cases[i].text)), cases[i].dbm);
}

static void supply_of_a_raspberry_pi(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int flags;
    } cases[] = {
        {"0\n", 0},        {"1\n", HEALTH_POWER_UNDERVOLTAGE},
        {"50005\n", 0x55}, /* under-voltage and throttled, now and since boot */
        {"80008\n", 0x88}, {"0x20000\n", 0x20},
        {"e0000\n", 0xe0}, {"none\n", 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(unit_measure_power(file_of(cases[i].text)), cases[i].flags);
    assert_int_equal(unit_measure_power("/nonexistent/file"), 0);
}

static void free_space(void **state) {
    (void)state;
    assert_true(unit_measure_free_mib("/tmp") >= 0);
    assert_true(unit_measure_free_mib("/proc") == 0);
    assert_true(unit_measure_free_mib("/nonexistent") < 0);
}

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_not_measured),
        cmocka_unit_test(battery_and_temperature),
        cmocka_unit_test(signal_of_wireless_or_a_number),
        cmocka_unit_test(supply_of_a_raspberry_pi),
        cmocka_unit_test(free_space),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
