#include "london.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so that the
 * leap day is the last. */
int64_t london_days(int year, int month, int day) {
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct london_time *t) {
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    t->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    t->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    t->year = (int)(yoe + era * 400 + (t->month <= 2));
}

/* 0 = Monday; 1970-01-01 was a Thursday. */
static int weekday_of(int64_t days) {
    return (int)(days + 3 - 7 * floor_div(days + 3, 7));
}

static int64_t last_sunday_0100(int year, int month) {
    int64_t last = london_days(year, month, 31);
    return (last - (weekday_of(last) + 1) % 7) * DAY_S + HOUR_S;
}

static bool is_summer(int64_t unix_s) {
    struct london_time t;
    civil_from_days(floor_div(unix_s, DAY_S), &t);
    return unix_s >= last_sunday_0100(t.year, 3) && unix_s < last_sunday_0100(t.year, 10);
}

struct london_time london_from_unix(int64_t unix_s) {
    struct london_time t = {.summer = is_summer(unix_s)};
    int64_t wall_s = unix_s + (t.summer ? HOUR_S : 0);
    int64_t days = floor_div(wall_s, DAY_S);
    int of_day = (int)(wall_s - days * DAY_S);
    civil_from_days(days, &t);
    t.weekday = weekday_of(days);
    t.hour = of_day / HOUR_S;
    t.minute = of_day / 60 % 60;
    t.second = of_day % 60;
    return t;
}

int64_t london_to_unix(int year, int month, int day, int hour, int minute) {
    int64_t wall_s = london_days(year, month, day) * DAY_S + hour * HOUR_S + minute * 60;
    return is_summer(wall_s - HOUR_S) ? wall_s - HOUR_S : wall_s;
}
