/* Tasking: next week's Speedwatch sessions, with reasons.  It advises; a named person tasks. */
#include "call.h"
#include "grid.h"
#include "london.h"
#include "survey.h"
#include "tasking.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 182, TEAMS_MAX = 100, SESSIONS_A_WEEK = 3, PLAN_MAX = 300 };
#define DAY_MS ((int64_t)24 * STORE_HOUR_MS)
/* Free from 07:00 to 22:00; daylight and the options narrow it. */
#define HOURS_FREE 0x3fff80U

struct teams {
    char ids[TEAMS_MAX][STORE_ID_MAX + 1], lpas[TEAMS_MAX][STORE_NAME_MAX + 1];
    char names[TEAMS_MAX][STORE_NAME_MAX + 1];
    struct tasking_team rows[TEAMS_MAX];
    size_t count;
};

/* A site's ward by name: the reasons are read by people. */
struct ward_name {
    char code[STORE_ID_MAX + 1], name[STORE_NAME_MAX + 1];
};

struct plan {
    struct survey survey;
    struct ward_name *wards;
    size_t wards_n;
    struct teams teams;
    struct tasking_site *sites;
    struct tasking_seen *seen;
    enum tasking_bar *bars;
    size_t seen_n;
    struct tasking_proposal proposals[PLAN_MAX];
    int proposals_n;
};

static void plan_free(struct plan *plan) {
    if (plan == NULL)
        return;
    survey_free(&plan->survey);
    free(plan->wards);
    free(plan->sites);
    free(plan->seen);
    free(plan->bars);
    free(plan);
}

/* ---- input --------------------------------------------------------------------------------- */

/* A kit and the team that goes out with it. */
static int team_add(void *arg, const struct store_device_state *row) {
    struct teams *teams = arg;
    if (row->device.kind != DEVICE_SPEEDWATCH || row->device.revoked || teams->count == TEAMS_MAX)
        return 0;
    size_t i = teams->count++;
    snprintf(teams->ids[i], sizeof teams->ids[i], "%s", row->device.id);
    snprintf(teams->names[i], sizeof teams->names[i], "%s", row->device.name);
    snprintf(teams->lpas[i], sizeof teams->lpas[i], "%s", row->device.lpa);
    teams->rows[i] = (struct tasking_team){
        .id = teams->ids[i], .lpa = teams->lpas[i], .sessions = SESSIONS_A_WEEK};
    for (int day = 0; day < 7; day++)
        teams->rows[i].hours_free[day] = HOURS_FREE;
    return 0;
}

static int ward_add(void *arg, const struct store_ward *row) {
    struct plan *plan = arg;
    struct ward_name *more = realloc(plan->wards, (plan->wards_n + 1) * sizeof *more);
    if (more == NULL)
        return ERR_NOMEM;
    plan->wards = more;
    struct ward_name *ward = &more[plan->wards_n++];
    memcpy(ward->code, row->code, sizeof ward->code);
    memcpy(ward->name, row->name, sizeof ward->name);
    return 0;
}

/* The code where the ward is not imported: still one ward, if an ugly name. */
static const char *ward_name(const struct plan *plan, const char *code) {
    for (size_t i = 0; i < plan->wards_n; i++)
        if (strcmp(plan->wards[i].code, code) == 0)
            return plan->wards[i].name;
    return code;
}

static void site_fill(struct plan *plan, size_t i) {
    const struct survey_site *from = &plan->survey.sites[i];
    const struct store_site *row = &from->site;
    plan->sites[i] = (struct tasking_site){
        .id = row->id,
        .name = row->name,
        .ward = ward_name(plan, row->ward),
        .lpa = row->lpa,
        .limit_mph = row->limit_mph,
        .easting_m = row->easting,
        .northing_m = row->northing,
        .approved_until_ms =
            row->approved_until_ms == STORE_NEVER ? INT64_MAX : row->approved_until_ms,
        .last_visit_ms = from->last_visit_ms == STORE_NEVER ? 0 : from->last_visit_ms,
    };
    for (int h = 0; h < HOURWEEK_COUNT; h++)
        if (from->week[h].hours > 0)
            plan->seen[plan->seen_n++] = (struct tasking_seen){.site = i,
                                                               .hourweek = h,
                                                               .vehicles = from->week[h].at_or_over,
                                                               .hours = from->week[h].hours};
}

static int plan_read(struct call *call, struct plan *plan) {
    int64_t now = call->request->now_ms;
    int r = survey_read(call->store, NULL, now - DAYS * DAY_MS, now + STORE_HOUR_MS, &plan->survey);
    if (r >= 0)
        r = call->store->devices(call->store->ctx, team_add, &plan->teams);
    if (r >= 0)
        r = call->store->wards(call->store->ctx, ward_add, plan);
    if (r < 0)
        return r;
    size_t n = plan->survey.count;
    plan->sites = calloc(n + 1, sizeof *plan->sites);
    plan->seen = calloc(n * HOURWEEK_COUNT + 1, sizeof *plan->seen);
    plan->bars = calloc(n + 1, sizeof *plan->bars);
    if (plan->sites == NULL || plan->seen == NULL || plan->bars == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        site_fill(plan, i);
    return 0;
}

/* ---- which week ---------------------------------------------------------------------------- */

static int week_refused(struct call *call) {
    int r = call_refuse(call, 400, "bad-query",
                        "'week' is the Monday of a week within a year from now, as in 2026-11-23.");
    return r < 0 ? r : ERR_INVAL;
}

static int week_read(struct call *call, int64_t *ret_week_ms) {
    const char *text = call_query(call, "week");
    int64_t now = call->request->now_ms;
    int year, month, day, end = 0;
    if (text == NULL) {
        *ret_week_ms = tasking_next_week(now);
        return 0;
    }
    if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || end != 10 || month < 1 ||
        month > 12 || day < 1 || day > 31)
        return week_refused(call);
    int64_t at = london_to_unix(year, month, day, 0, 0);
    if (london_from_unix(at).weekday != 0 || london_from_unix(at).day != day ||
        at * 1000 < now - 366 * DAY_MS || at * 1000 > now + 366 * DAY_MS)
        return week_refused(call);
    *ret_week_ms = at * 1000;
    return 0;
}

/* ---- answer -------------------------------------------------------------------------------- */

static json_t *proposal_json(const struct plan *plan, const struct tasking_proposal *p) {
    const struct tasking_site *site = &plan->sites[p->site];
    const struct store_site *row = &plan->survey.sites[p->site].site;
    char reference[GRID_REFERENCE_MAX] = "";
    if (site->easting_m != 0 &&
        grid_format(site->easting_m, site->northing_m, 8, reference, sizeof reference) < 0)
        reference[0] = '\0';
    json_t *json = json_pack("{s:{s:s,s:s,s:s,s:s,s:i,s:s},s:{s:s,s:s},s:s,s:b,s:s}", "site", "id",
                             site->id, "name", site->name, "road", row->road, "lpa", site->lpa,
                             "limit_mph", site->limit_mph, "grid_ref", reference, "team", "id",
                             plan->teams.ids[p->team], "name", plan->teams.names[p->team], "kind",
                             p->kind == TASKING_EXPLORING ? "exploring" : "known-good",
                             "ward_floor", p->ward_floor, "reasons", p->reasons);
    json_object_set_new(json, "start", json_time(p->start_ms));
    json_object_set_new(json, "end", json_time(p->end_ms));
    json_object_set_new(json, "expected", json_round(p->expected, 1));
    json_object_set_new(json, "low", json_round(p->low, 0));
    json_object_set_new(json, "high", json_round(p->high, 0));
    json_object_set_new(json, "site_hours", json_round(p->site_hours, 1));
    return json;
}

static json_t *left_json(const struct plan *plan) {
    json_t *left = json_array();
    for (size_t i = 0; i < plan->survey.count; i++)
        if (plan->bars[i] != TASKING_CHOSEN)
            json_array_append_new(left, json_pack("{s:s,s:s,s:s}", "id", plan->sites[i].id, "name",
                                                  plan->sites[i].name, "why",
                                                  tasking_bar_words(plan->bars[i])));
    return left;
}

static int answer(struct call *call, const struct plan *plan,
                  const struct tasking_options *options) {
    json_t *sessions = json_array();
    for (int i = 0; i < plan->proposals_n; i++)
        json_array_append_new(sessions, proposal_json(plan, &plan->proposals[i]));
    return call_json(call, 200,
                     json_pack("{s:s,s:o,s:o,s:I,s:i,s:o,s:o}", "notice",
                               "Advice: a named person decides. Survey only, not type-approved, "
                               "not for prosecution.",
                               "week", json_time(options->week_ms), "computed",
                               json_time(options->now_ms), "seed", (json_int_t)options->seed,
                               "teams", (int)plan->teams.count, "sessions", sessions, "left_out",
                               left_json(plan)));
}

int handle_tasking(struct call *call) {
    int64_t week_ms;
    int r = week_read(call, &week_ms);
    if (r < 0)
        return r;
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return ERR_NOMEM;
    /* The week is the seed: the plan of one week does not change between two looks at it. */
    struct tasking_options options =
        tasking_defaults(call->request->now_ms, (uint64_t)(week_ms / 1000));
    options.week_ms = week_ms;
    r = plan_read(call, plan);
    if (r >= 0) {
        struct tasking_input input = {.site = plan->sites,
                                      .sites = plan->survey.count,
                                      .seen = plan->seen,
                                      .seens = plan->seen_n,
                                      .team = plan->teams.rows,
                                      .teams = plan->teams.count};
        r = tasking_plan(&input, &options, plan->proposals, PLAN_MAX, plan->bars);
        plan->proposals_n = r;
    }
    if (r >= 0)
        r = answer(call, plan, &options);
    plan_free(plan);
    return r;
}
