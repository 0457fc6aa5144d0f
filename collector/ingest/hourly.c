#include "hourly.h"
#include <stdio.h>
#include <string.h>

int64_t hourly_start(int64_t unix_ms) {
    int64_t hour = unix_ms / STORE_HOUR_MS;
    if (unix_ms < 0 && unix_ms % STORE_HOUR_MS != 0)
        hour--;
    return hour * STORE_HOUR_MS;
}

int hourly_flush(struct hourly *t) {
    if (t->adds == 0 && t->takes == 0)
        return 0;
    int r = t->store->hour_change(t->store->ctx, t->site, t->hour_ms, t->direction, t->add, t->adds,
                                  t->take, t->takes);
    t->adds = t->takes = 0;
    return r;
}

int hourly_passage(struct hourly *t, const char *site, int64_t occurred_ms,
                   const struct event_passage *passage, int sign) {
    if (site[0] == '\0' || occurred_ms == STORE_NEVER)
        return 0;
    int64_t hour = hourly_start(occurred_ms);
    bool same = strcmp(site, t->site) == 0 && hour == t->hour_ms &&
                passage->direction == t->direction && t->adds < HOURLY_MAX && t->takes < HOURLY_MAX;
    if (!same) {
        int r = hourly_flush(t);
        if (r < 0)
            return r;
        snprintf(t->site, sizeof t->site, "%s", site);
        t->hour_ms = hour;
        t->direction = passage->direction;
    }
    if (sign > 0)
        t->add[t->adds++] = passage->speed_mph10;
    else
        t->take[t->takes++] = passage->speed_mph10;
    return 0;
}
