/* hourly: gathers the vehicles that are added to or taken from the hours, so that an hour is read
 * and written once for many of them.
 *
 * Guarded by tests/collector/derive_test.c.  Memory: the struct.  Nothing is written before
 * hourly_flush or before the gathered hour changes. */
#ifndef MOORWATCH_HOURLY_H
#define MOORWATCH_HOURLY_H

#include "store.h"

enum { HOURLY_MAX = 256 };

struct hourly {
    const struct store *store;
    char site[STORE_ID_MAX + 1];
    int64_t hour_ms;
    uint8_t direction;
    size_t adds, takes;
    uint16_t add[HOURLY_MAX], take[HOURLY_MAX];
};

/* A passage at that place; `sign` 1 adds it, -1 takes it away.  Passages without a site or a known
 * time count nowhere. */
MUST int hourly_passage(struct hourly *t, const char *site, int64_t occurred_ms,
                        const struct event_passage *passage, int sign);
MUST int hourly_flush(struct hourly *t);

/* The start of the hour that a moment is in. */
int64_t hourly_start(int64_t unix_ms);

#endif
