/* hotspots_own: what the files of hotspots share among themselves.
 * Guarded by tests/collector/hotspots_test.c. */
#ifndef MOORWATCH_HOTSPOTS_OWN_H
#define MOORWATCH_HOTSPOTS_OWN_H

#include "hotspots.h"
#include "tally.h"

struct hotspots_job {
    const struct hotspots_options *options;
    struct tally events;
    struct tally exposure; /* sensors */
    struct tally study;    /* reports; no squares: the box around the events */
};

/* A layer's scores: sets cell, cells, prior_a, prior_b and adds to left_out.  first_event counts in
 * job->events.row.  On failure nothing is left allocated. */
MUST int hotspots_score_sensors(const struct hotspots_job *job, struct hotspots_result *result);
MUST int hotspots_score_reports(const struct hotspots_job *job, struct hotspots_result *result);

/* The sentences of a square; newest_ms is of its newest event, if it has one. */
void hotspots_say(struct hotspots_cell *cell, int64_t newest_ms, int64_t now_ms);

/* South-west corner of a lattice square. */
int32_t hotspots_easting(const struct hotspots_options *options, int32_t col);
int32_t hotspots_northing(const struct hotspots_options *options, int32_t row);

#endif
