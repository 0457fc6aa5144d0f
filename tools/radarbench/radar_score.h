/* radar_score: vehicles counted against the truth of a scene, and the two rules in use elsewhere.
 *
 * Guarded by tests/sim/radar_test.c.  Memory: the structs.  Threads: one each. */
#ifndef RADAR_SCORE_H
#define RADAR_SCORE_H

#include "passage.h"
#include "physics_scene.h"

enum score_rule {
    SCORE_OURS, /* firmware/core/passage */
    SCORE_GAP,  /* velocity.report: 1 s gap, |speed| within 3 m/s of the greatest so far */
    SCORE_HOLD, /* ops_radar.py: one target per sign, held for 0.75 s */
    SCORE_RULES
};

enum { SCORE_SEEN_MAX = 4096, SCORE_ERRORS_MAX = 65536 };

struct score_seen {
    bool inbound;
    double from_s, to_s, m_s;
};

/* Sums over scenes; the errors are of those found the right way round. */
struct score {
    unsigned truths, found, wrong_way, extra;
    double hours, bias_sum;
    unsigned errors;
    float error_mph[SCORE_ERRORS_MAX]; /* signed */
};

const char *score_rule_name(enum score_rule rule);
/* Runs one scene through one rule and adds it up.  The struct is zero at first. */
void score_run(struct score *s, enum score_rule rule, enum physics_scene scene, uint64_t seed,
               double seconds);

/* Adds up what another way of seeing found in the scene that `drive` has played to its end. */
void score_add(struct score *s, const struct physics_drive *drive, const struct score_seen *seen,
               unsigned seen_count);

double score_found_percent(const struct score *s);
double score_extra_per_hour(const struct score *s);
/* Half of the 95 % interval of each: Wilson's, and Poisson's (three events for none seen). */
double score_found_margin(const struct score *s);
double score_extra_margin(const struct score *s);
double score_bias_mph(const struct score *s);
double score_p95_mph(struct score *s); /* sorts by size */
double score_direction_percent(const struct score *s);

#endif
