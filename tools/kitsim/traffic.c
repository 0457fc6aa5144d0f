#include "traffic.h"
#include "table.h"
#include <assert.h>
#include <string.h>

static const char *const DAY_COLUMNS[TRAFFIC_DAYS] = {"weekday", "saturday", "sunday"};
enum { QUIET_PER_HOUR = 2 }; /* so that a gap is never for ever */

static void add_speed(struct traffic *t, int mph, int count) {
    for (int i = 0; i < count && t->speeds_count < TRAFFIC_SPEEDS_MAX; i++)
        t->speeds_mph[t->speeds_count++] = (uint8_t)mph;
}

int traffic_load_speeds(struct traffic *t, const char *path, unsigned pair) {
    struct table table;
    int r = table_open(path, &table);
    if (r < 0)
        return r;
    int speed = table_column(&table, "speed");
    int of_pair = table_column(&table, "pair"), count = table_column(&table, "count");
    t->speeds_count = 0;
    while (speed >= 0 && table_next(&table)) {
        if (pair != 0 && of_pair >= 0 && table_number(&table, of_pair, 0) != (double)pair)
            continue;
        double mph = table_number(&table, speed, 0);
        if (mph >= 1 && mph <= 120)
            add_speed(t, (int)mph, (int)table_number(&table, count, 1));
    }
    table_close(&table);
    return t->speeds_count > 0 ? 0 : ERR_BADMSG;
}

int traffic_load_hours(struct traffic *t, const char *path) {
    struct table table;
    int r = table_open(path, &table);
    if (r < 0)
        return r;
    unsigned rows = 0;
    for (; rows < 24 && table_next(&table); rows++)
        for (unsigned d = 0; d < TRAFFIC_DAYS; d++)
            t->hours[d][rows] = table_number(&table, table_column(&table, DAY_COLUMNS[d]), 0);
    table_close(&table);
    return rows == 24 ? 0 : ERR_BADMSG;
}

double traffic_per_hour(const struct traffic *t, int64_t unix_s) {
    int64_t day = unix_s / 86400, weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday */
    unsigned d = weekday < 5 ? 0 : (unsigned)weekday - 4;
    double rate = t->per_day * t->hours[d][(unix_s / 3600) % 24] * t->scale;
    return rate > QUIET_PER_HOUR ? rate : QUIET_PER_HOUR;
}

double traffic_gap_s(const struct traffic *t, struct chance *c, int64_t unix_s) {
    return chance_gap(c, 3600.0 / traffic_per_hour(t, unix_s));
}

double traffic_speed_mph(const struct traffic *t, struct chance *c) {
    assert(t->speeds_count > 0);
    return t->speeds_mph[chance_below(c, t->speeds_count)] + chance_between(c, -0.5, 0.5);
}
