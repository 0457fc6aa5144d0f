/* story: what a device lived through in the past weeks, as the events that it would have told.
 *
 * A kit: sessions of some 45 minutes at its sites, a few a week, by daylight, with the vehicles
 * of that hour, a check at the start and heartbeats while it is awake; each session is a boot of
 * its own. A hub: heartbeats by the hour, owners by day, wind, and incidents by night; a boot a
 * week. Guarded by tests/tools/story_test.c: every event is valid, in order of time, and of its
 * boot. Memory: one array, grown by realloc, freed by story_free.  Threads: one each.  Time: given.
 */
#ifndef KITSIM_STORY_H
#define KITSIM_STORY_H

#include "chance.h"
#include "event.h"
#include "traffic.h"
#include <stddef.h>

enum { STORY_SITES_MAX = 8, STORY_CHECK_MPH10 = 300 };

struct story_event {
    unsigned boot; /* 0, 1, ... */
    int64_t unix_ms;
    struct event event; /* t_ms is since that boot */
};

struct story {
    struct story_event *events;
    size_t count, cap;
    unsigned boots;
    int64_t boot_unix_ms; /* of the newest boot */
    uint32_t sessions;
};

struct story_site {
    char id[EVENT_SITE_MAX + 1];
    uint16_t limit_mph;
    struct traffic traffic;
};

struct story_span {
    int64_t from_unix_s; /* a Monday, midnight */
    unsigned weeks;
    int64_t until_unix_s; /* nothing happens from here on */
};

/* ERR_NOMEM. */
MUST int story_kit(struct story *story, struct chance *c, const struct story_span *span,
                   const struct story_site *sites, unsigned sites_count, double sessions_a_week);
/* `incidents` in the whole span, spread over the locks. */
MUST int story_hub(struct story *story, struct chance *c, const struct story_span *span,
                   unsigned locks, unsigned incidents);
void story_free(struct story *story);

#endif
