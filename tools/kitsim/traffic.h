/* traffic: which vehicles pass a site, and how fast.
 *
 * Vehicles arrive as a Poisson stream with a least headway per direction, at the day's flow times
 * the share of the hour; speeds are drawn from observed or made-up individual speeds, with a jitter
 * of half a mile an hour because those are whole numbers.
 *
 * Speeds: a CSV with a column `speed` (mph) and optionally `pair` (which site of the file) and
 * `count` (default 1).  Hours: a CSV `hour,weekday,saturday,sunday`, each column adding up to 1.
 * Guarded by tests/tools/kitsim_test.c.  Memory: the struct's own arrays.  Threads: one each.
 * Units: mph; seconds; Unix time is read as Greenwich time, which is near enough for a flow. */
#ifndef KITSIM_TRAFFIC_H
#define KITSIM_TRAFFIC_H

#include "chance.h"
#include "err.h"
#include <stdint.h>

enum { TRAFFIC_SPEEDS_MAX = 16384, TRAFFIC_DAYS = 3 };

struct traffic {
    unsigned speeds_count;
    uint8_t speeds_mph[TRAFFIC_SPEEDS_MAX];
    double hours[TRAFFIC_DAYS][24];
    double per_day; /* vehicles, both directions */
    double scale;   /* speed-up of the demo: 1 is life */
};

/* Reads the speeds of one `pair` (0: all).  ERR_NOENT, ERR_BADMSG (no such column, no rows). */
MUST int traffic_load_speeds(struct traffic *t, const char *path, unsigned pair);
MUST int traffic_load_hours(struct traffic *t, const char *path);

/* Vehicles per hour, both directions, at that moment. */
double traffic_per_hour(const struct traffic *t, int64_t unix_s);
/* Seconds until the next vehicle. */
double traffic_gap_s(const struct traffic *t, struct chance *c, int64_t unix_s);
double traffic_speed_mph(const struct traffic *t, struct chance *c);

#endif
