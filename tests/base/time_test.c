/* Seconds are counted in 64 bits on every architecture, 32-bit ARM included (CMakeLists.txt,
 * _TIME_BITS): a device knows dates after January 2038, and so does its disk.  The one source that
 * is compiled otherwise says so itself (gpio_v1.c). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t LAST_32 = INT32_MAX; /* 2038-01-19 03:14:07 */
static const int64_t NEW_YEAR_2100 = 4102444800;

static void seconds_are_wide(void **state) {
    (void)state;
    assert_int_equal(sizeof(time_t), 8);
    struct timespec ts = {.tv_sec = NEW_YEAR_2100};
    assert_true(ts.tv_sec == NEW_YEAR_2100);
}

static void a_date_after_2038(void **state) {
    (void)state;
    time_t t = LAST_32 + 1;
    struct tm tm;
    char text[32];
    assert_non_null(gmtime_r(&t, &tm));
    assert_int_not_equal(strftime(text, sizeof text, "%F %T", &tm), 0);
    assert_string_equal(text, "2038-01-19 03:14:08");
    assert_true(timegm(&tm) == LAST_32 + 1);
    struct tm century = {.tm_year = 200, .tm_mday = 1};
    assert_true(timegm(&century) == NEW_YEAR_2100);
}

static void a_file_of_2100(void **state) {
    (void)state;
    char path[] = "/tmp/moorwatch-time-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    struct timespec stamp[2] = {{.tv_sec = NEW_YEAR_2100}, {.tv_sec = NEW_YEAR_2100}};
    struct stat st;
    assert_int_equal(futimens(fd, stamp), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(st.st_mtime == NEW_YEAR_2100);
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_wide),
        cmocka_unit_test(a_date_after_2038),
        cmocka_unit_test(a_file_of_2100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
