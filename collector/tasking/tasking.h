/* tasking: next week's sessions: which site, which day, which hour, with whom, and why.
 *
 * What is expected at site j in hour of week w is λ = θ_j φ_w vehicles at or over the threshold per
 * hour of watching: φ is pooled over all sites, θ_j has a Gamma prior fitted to all sites
 * (rate.h), and the cell's own counts decide where there are enough: Gamma(k + c, T + c/(θ φ)), c
 * fitted too.  Never raw counts: a site watched twice as long is not twice as bad.
 *   value = E[λ] x session x (1 - halo) / (session + set-up + travel)
 * halo: 20 % less right after a visit within 1 km, nothing after 5 days.
 *
 * Rules: 07:00 to 22:00 and within daylight; approval in date at the end of the session; no site
 * twice in 7 days; a kit stays in its Local Policing Area; one session a day for a team.  Fairness:
 * a ward not visited for 8 weeks goes first, on up to a third of the sessions (at least one).
 * Then by expected value (TASKING_MEAN, the default: with that floor it did as well as any in
 * simulation) or by a seeded draw from the posterior (TASKING_DRAW, Thompson; for use without the
 * floor).  The seed also breaks ties; log it: same input and seed, same bytes.
 * It advises: a named person tasks.
 *
 * Guarded by tests/collector/tasking_test.c.  Sources: Gamma-Poisson shrinkage as rate.h; the
 * halo from Edmonton (8 visits a week, 5 days); the floor keeps wards from being forgotten. Memory:
 * from malloc while computing, freed before return.  Threads: any. Units: milliseconds since 1970,
 * hours, metres of the National Grid, hour of week (hourweek.h). */
#ifndef MOORWATCH_TASKING_H
#define MOORWATCH_TASKING_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TASKING_SITES_MAX = 1000,
    TASKING_TEAMS_MAX = 100,
    TASKING_REASONS_MAX = 480,
    TASKING_EXPLORING_HOURS = 8, /* a site watched for less is "exploring" */
};

struct tasking_site {
    const char *id;
    const char *name;
    const char *ward; /* "" if unknown: then no ward floor speaks for it */
    const char *lpa;
    int limit_mph;
    int32_t easting_m;
    int32_t northing_m;
    int64_t approved_until_ms; /* risk assessment; 0: not approved */
    int64_t last_visit_ms;     /* last session here; 0 or less: never */
    int travel_minutes;        /* there and back; 0: as the options say */
};

/* What was seen at a site in one hour of the week, all weeks together (recency-weighted or not). */
struct tasking_seen {
    size_t site; /* index */
    int hourweek;
    double vehicles; /* at or over the threshold */
    double hours;    /* awake */
};

struct tasking_team {
    const char *id;
    const char *lpa;        /* "": anywhere */
    int sessions;           /* this week, at most */
    uint32_t hours_free[7]; /* Monday first; bit h: free from h:00 to h+1:00; all 0 is never free */
};

enum tasking_choice { TASKING_MEAN, TASKING_DRAW };

struct tasking_options {
    int64_t week_ms; /* Monday 00:00 in London, as UTC: tasking_next_week() */
    int64_t now_ms;
    uint64_t seed;
    enum tasking_choice choice;
    int session_minutes; /* 30 to 60, from the full hour; default 60 */
    int setup_minutes;   /* default 15 */
    int travel_minutes;  /* default 20 */
    int first_hour;      /* default 7 */
    int last_hour;       /* default 22: over by then */
    int ward_floor_days; /* default 56; 0: no floor */
    double lat_deg;      /* for daylight; default Middlesbrough */
    double lon_deg;
};

enum tasking_kind { TASKING_KNOWN_GOOD, TASKING_EXPLORING };

struct tasking_proposal {
    size_t site;
    size_t team;
    int64_t start_ms;
    int64_t end_ms;
    int hourweek;
    enum tasking_kind kind;
    bool ward_floor; /* chosen because its ward waited */
    double expected; /* vehicles at or over the threshold in this session */
    double low;      /* 90 % of such sessions see at least and at most so many */
    double high;
    double value;                      /* per hour of the team's time */
    double site_hours;                 /* watched at this site so far */
    char reasons[TASKING_REASONS_MAX]; /* sentences for the sheet */
};

/* Why a site is not in the plan. */
enum tasking_bar {
    TASKING_CHOSEN,
    TASKING_OUTRANKED,
    TASKING_NOT_APPROVED,
    TASKING_VISITED,
    TASKING_NO_TEAM,
    TASKING_NO_DAYLIGHT,
};
const char *tasking_bar_words(enum tasking_bar bar);

struct tasking_input {
    const struct tasking_site *site;
    size_t sites;
    const struct tasking_seen *seen;
    size_t seens;
    const struct tasking_team *team;
    size_t teams;
};

struct tasking_options tasking_defaults(int64_t now_ms, uint64_t seed);

/* Monday 00:00 London of the week after the one that holds now. */
int64_t tasking_next_week(int64_t now_ms);

/* Writes up to cap proposals, by start, and returns how many.  bars: one per site, or NULL.
 * ERR_OVERFLOW: more than the bounds.  ERR_RANGE: a number that makes no sense.  ERR_NOMEM. */
MUST int tasking_plan(const struct tasking_input *input, const struct tasking_options *options,
                      struct tasking_proposal *ret_proposal, size_t cap,
                      enum tasking_bar *ret_bars);

#endif
