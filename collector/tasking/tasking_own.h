/* tasking_own: what the files of tasking share among themselves.
 * Guarded by tests/collector/tasking_test.c. */
#ifndef MOORWATCH_TASKING_OWN_H
#define MOORWATCH_TASKING_OWN_H

#include "daylight.h"
#include "tasking.h"
#include "yield.h"

enum { TASKING_DAYS = 7, TASKING_HALO_DAYS = 5, TASKING_REVISIT_DAYS = 7 };

struct plan_day {
    struct daylight light;
    int64_t hour_ms[24]; /* start of each hour on the wall */
};

/* What the plan knows of one site. */
struct plan_site {
    enum tasking_bar bar;
    bool taken;
    int64_t near_ms;                  /* newest visit within 1 km before this week; 0: none */
    int64_t planned_ms[TASKING_DAYS]; /* this week's visits within 1 km; 0: none */
    int64_t ward_ms;                  /* newest visit to its ward; 0: none */
    bool ward_served;                 /* this week */
    double usual;                     /* mean of its hours that could be chosen */
};

/* One site in one hour that could be chosen. */
struct plan_choice {
    uint32_t site;
    int hourweek;
    int64_t start_ms;
    int64_t end_ms;
    struct rate_gamma rate;
    double score; /* vehicles an hour that it is ranked by: the mean or a draw */
    uint64_t lot; /* breaks ties */
};

struct plan {
    const struct tasking_input *in;
    const struct tasking_options *options;
    struct yield yield;
    struct plan_day day[TASKING_DAYS];
    struct plan_site *site;
    struct plan_choice *choice;
    size_t choices;
    int *sessions_left; /* by team */
    uint8_t *days_used; /* by team; bit: day */
};

/* How much less a visit at that moment is worth, 0 to .2. */
double plan_halo(const struct plan_site *site, int64_t start_ms);

/* Vehicles' worth of an hour of the team's time. */
double plan_value(const struct plan *plan, const struct plan_choice *choice);

/* The sentences of a proposal. */
void plan_say(const struct plan *plan, const struct plan_choice *choice,
              struct tasking_proposal *proposal);

#endif
