/* The wall clock in London against the C library's, hour by hour, and the nights of the change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hourweek.h"
#include "london.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void every_hour_is_the_librarys(void **state) {
    (void)state;
    setenv("TZ", "Europe/London", 1);
    tzset();
    struct tm summer;
    time_t july = 1437700000;
    localtime_r(&july, &summer);
    if (summer.tm_isdst != 1)
        skip(); /* no time zone database on this machine */
    for (int64_t s = 820454400; s < 2145916800; s += 3600 - 1) { /* 1996 to 2037 */
        time_t t = (time_t)s;
        struct tm want;
        localtime_r(&t, &want);
        struct london_time got = london_from_unix(s);
        assert_true(got.year == want.tm_year + 1900 && got.month == want.tm_mon + 1);
        assert_true(got.day == want.tm_mday && got.hour == want.tm_hour);
        assert_true(got.minute == want.tm_min && got.second == want.tm_sec);
        assert_int_equal(got.weekday, (want.tm_wday + 6) % 7);
        assert_int_equal(got.summer, want.tm_isdst);
        assert_int_equal(hourweek_of_ms(s * 1000 + 999), got.weekday * 24 + got.hour);
    }
}

static void there_and_back(void **state) {
    (void)state;
    for (int64_t s = 1577836800; s < 1767225600; s += 600) { /* 2020 to 2025 */
        struct london_time t = london_from_unix(s);
        int64_t back = london_to_unix(t.year, t.month, t.day, t.hour, t.minute);
        struct london_time again = london_from_unix(back);
        assert_true(back == s || (back == s - 3600 && again.summer && !t.summer));
        assert_true(t.day == again.day && t.hour == again.hour && t.minute == again.minute);
    }
}

static void nights_of_the_change(void **state) {
    (void)state;
    /* 30 March 2025: 00:59:59 GMT is followed by 02:00 BST. */
    int64_t spring = 1743296400;
    assert_int_equal(hourweek_of_ms(spring * 1000 - 1), 6 * 24 + 0);
    assert_int_equal(hourweek_of_ms(spring * 1000), 6 * 24 + 2);
    assert_int_equal(london_to_unix(2025, 3, 30, 1, 30), spring + 1800); /* 02:30 BST */
    /* 26 October 2025: 01:59:59 BST is followed by 01:00 GMT; both are the hour from one. */
    int64_t autumn = 1761440400;
    assert_int_equal(hourweek_of_ms(autumn * 1000 - 1), 6 * 24 + 1);
    assert_int_equal(hourweek_of_ms(autumn * 1000), 6 * 24 + 1);
    assert_int_equal(hourweek_of_ms((autumn + 3600) * 1000), 6 * 24 + 2);
    assert_int_equal(london_to_unix(2025, 10, 26, 1, 30), autumn - 1800);
}

static void odd_clocks_and_days(void **state) {
    (void)state;
    assert_int_equal(hourweek_of_ms(0), 3 * 24); /* a clock never set: Thursday midnight */
    assert_int_equal(hourweek_of_ms(-1), 2 * 24 + 23);
    assert_int_equal(london_days(2024, 2, 30), london_days(2024, 3, 1));
    assert_int_equal(london_days(1970, 1, 1), 0);
    char words[16];
    assert_string_equal(hourweek_words(24 + 16, words, sizeof words), "Tuesday 16:00");
    assert_string_equal(hourweek_words(167, words, sizeof words), "Sunday 23:00");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hour_is_the_librarys),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(nights_of_the_change),
        cmocka_unit_test(odd_clocks_and_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
