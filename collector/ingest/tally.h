/* tally: gathers the vehicles that are added to or taken from the hours, so that an hour is read
 * and written once for many of them.
 *
 * Guarded by tests/collector/derive_test.c.  Memory: the struct.  Nothing is written before
 * tally_flush or before the gathered hour changes. */
#ifndef MOORWATCH_TALLY_H
#define MOORWATCH_TALLY_H

#include "store.h"

enum { TALLY_MAX = 256 };

struct tally {
    const struct store *store;
    char site[STORE_ID_MAX + 1];
    int64_t hour_ms;
    uint8_t direction;
    size_t adds, takes;
    uint16_t add[TALLY_MAX], take[TALLY_MAX];
};

/* A passage at that place; `sign` 1 adds it, -1 takes it away.  Passages without a site or a known
 * time count nowhere. */
MUST int tally_passage(struct tally *t, const char *site, int64_t occurred_ms,
                       const struct event_passage *passage, int sign);
MUST int tally_flush(struct tally *t);

/* The start of the hour that a moment is in. */
int64_t tally_hour(int64_t unix_ms);

#endif
