/* Sunrise and sunset against published times and against another formula for the sun's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daylight.h"
#include "london.h"
#include <math.h>
#include <stdlib.h>

struct published {
    int year, month, day;
    double lat, lon;
    int rise, set; /* minutes after midnight UTC; -1: not published */
};

/* timeanddate.com for London (51 30 N, 0 08 W), BBC for Edinburgh (55 57 N, 3 11 W). */
static void almanac_times(void **state) {
    (void)state;
    static const struct published WANT[] = {
        {2015, 1, 1, 51.508, -.126, -1, 16 * 60 + 2},
        {2015, 12, 1, 51.508, -.126, 7 * 60 + 43, 15 * 60 + 55},
        {2015, 12, 2, 51.508, -.126, 7 * 60 + 45, 15 * 60 + 54},
        {2015, 12, 3, 51.508, -.126, 7 * 60 + 46, 15 * 60 + 54},
        {2015, 12, 12, 51.508, -.126, 7 * 60 + 56, 15 * 60 + 51},
        {2015, 12, 25, 51.508, -.126, 8 * 60 + 5, 15 * 60 + 55},
        {2015, 12, 18, 55.953, -3.189, 8 * 60 + 39, 15 * 60 + 39},
        {2015, 6, 21, 51.508, -.126, 3 * 60 + 43, 20 * 60 + 21},
    };
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        const struct published *w = &WANT[i];
        int64_t days = london_days(w->year, w->month, w->day);
        struct daylight got;
        assert_int_equal(daylight_of(days, w->lat, w->lon, &got), 0);
        int64_t rise = got.sunrise_s - days * 86400, set = got.sunset_s - days * 86400;
        assert_true(w->rise < 0 || llabs(rise - w->rise * 60) <= 90);
        assert_true(llabs(set - w->set * 60) <= 90);
    }
}

static double rad(double deg) {
    return deg * M_PI / 180;
}

/* Altitude in degrees: Astronomical Almanac, page C5, low precision (.01 degree to 2050). */
static double altitude(int64_t unix_s, double lat, double lon) {
    double n = (double)(unix_s - 946728000) / 86400;
    double g = rad(357.528 + .9856003 * n);
    double longitude = rad(280.460 + .9856474 * n + 1.915 * sin(g) + .020 * sin(2 * g));
    double obliquity = rad(23.439 - .0000004 * n);
    double ascension = atan2(cos(obliquity) * sin(longitude), cos(longitude));
    double declination = asin(sin(obliquity) * sin(longitude));
    double sidereal = rad(fmod(280.46061837 + 360.98564736629 * n, 360) + lon);
    double hour = sidereal - ascension;
    return asin(sin(rad(lat)) * sin(declination) + cos(rad(lat)) * cos(declination) * cos(hour)) *
           180 / M_PI;
}

static void the_sun_is_on_the_horizon(void **state) {
    (void)state;
    for (int64_t days = london_days(2020, 1, 1); days < london_days(2040, 1, 1); days += 5)
        for (double lat = -60; lat <= 60; lat += 15)
            for (double lon = -150; lon <= 150; lon += 50) {
                struct daylight got;
                assert_int_equal(daylight_of(days, lat, lon, &got), 0);
                assert_true(fabs(altitude(got.sunrise_s, lat, lon) + .833) < .03);
                assert_true(fabs(altitude(got.sunset_s, lat, lon) + .833) < .03);
                assert_true(altitude(got.sunrise_s + 600, lat, lon) > -.833);
                assert_true(altitude(got.sunset_s + 600, lat, lon) < -.833);
            }
}

static void midnight_sun_and_polar_night(void **state) {
    (void)state;
    struct daylight got;
    assert_int_equal(daylight_of(london_days(2025, 6, 21), 70, 25, &got), ERR_RANGE);
    assert_int_equal(daylight_of(london_days(2025, 12, 21), 70, 25, &got), ERR_RANGE);
    assert_int_equal(daylight_of(0, 90, 0, &got), ERR_RANGE);
    assert_int_equal(daylight_of(0, NAN, 0, &got), ERR_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(almanac_times),
        cmocka_unit_test(the_sun_is_on_the_horizon),
        cmocka_unit_test(midnight_sun_and_polar_night),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
