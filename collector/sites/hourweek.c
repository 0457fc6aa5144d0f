#include "hourweek.h"
#include "london.h"
#include <assert.h>
#include <stdio.h>

int hourweek_of_ms(int64_t unix_ms) {
    int64_t unix_s = unix_ms / 1000 - (unix_ms % 1000 < 0);
    struct london_time t = london_from_unix(unix_s);
    return t.weekday * 24 + t.hour;
}

const char *hourweek_day(int hourweek) {
    static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    assert(hourweek >= 0 && hourweek < HOURWEEK_COUNT);
    return DAYS[hourweek / 24];
}

char *hourweek_words(int hourweek, char *buf, size_t cap) {
    snprintf(buf, cap, "%s %02d:00", hourweek_day(hourweek), hourweek % 24);
    return buf;
}
