/* survey: what was measured at a site in a period, gathered from the store.
 *
 * Speeds as one exact histogram for each direction and for both; counts and hours watched by hour
 * of the week (Europe/London).  Speeds are as told; beside them, where the site's geometry is
 * known, the same corrected for the angle, hour by hour with what was in force.  Hours watched are
 * those that a kit which stays at the site was awake, and those of sessions of kits that move.
 * Guarded by tests/collector/api_test.c.  Memory: survey_free.  Threads: the store's. */
#ifndef MOORWATCH_SURVEY_H
#define MOORWATCH_SURVEY_H

#include "geometry.h"
#include "histogram.h"
#include "hourweek.h"
#include "store.h"

struct survey_hour {
    uint32_t n, at_or_over;
    double hours; /* watched */
};

struct survey_site {
    struct store_site site;
    int threshold_mph;
    struct histogram way[2], both;
    struct survey_hour week[HOURWEEK_COUNT];
    double hours;
    /* Where the site's geometry is known: its speeds without what the angle took. */
    struct geometry_history geometry;
    int32_t view_cm[2]; /* how far vehicles are in view, by direction; 0: too few to tell */
    struct histogram corrected;
    int64_t last_visit_ms; /* newest session of a kit that moves; STORE_NEVER */
};

struct survey {
    struct survey_site *sites; /* by id */
    size_t count;
    int64_t from_ms, to_ms;
};

/* id NULL: every site; else that one.  ERR_NOENT: no such site, ERR_NOMEM, or the store's. */
MUST int survey_read(const struct store *store, const char *id, int64_t from_ms, int64_t to_ms,
                     struct survey *ret_survey);
void survey_free(struct survey *survey);

#endif
