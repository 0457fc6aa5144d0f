#include "london.h"
#include "tasking_own.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t DAY_MS = 86400000, MINUTE_MS = 60000;
static const double NEAR_M = 1000, HALO = .2;

struct tasking_options tasking_defaults(int64_t now_ms, uint64_t seed) {
    return (struct tasking_options){
        .week_ms = tasking_next_week(now_ms),
        .now_ms = now_ms,
        .seed = seed,
        .choice = TASKING_MEAN,
        .session_minutes = 60,
        .setup_minutes = 15,
        .travel_minutes = 20,
        .first_hour = 7,
        .last_hour = 22,
        .ward_floor_days = 56,
        .lat_deg = 54.574,
        .lon_deg = -1.235,
    };
}

int64_t tasking_next_week(int64_t now_ms) {
    struct london_time t = london_from_unix(now_ms / 1000);
    return 1000 * london_to_unix(t.year, t.month, t.day - t.weekday + 7, 0, 0);
}

/* ---- checks ---- */

static bool options_ok(const struct tasking_options *o) {
    struct london_time t = london_from_unix(o->week_ms / 1000);
    return o->session_minutes >= 30 && o->session_minutes <= 60 && o->setup_minutes >= 0 &&
           o->setup_minutes <= 240 && o->travel_minutes >= 0 && o->travel_minutes <= 240 &&
           o->first_hour >= 0 && o->first_hour < o->last_hour && o->last_hour <= 24 &&
           o->ward_floor_days >= 0 && o->week_ms >= 0 && t.weekday == 0 && t.hour == 0 &&
           t.minute == 0 && t.second == 0;
}

static int input_check(const struct tasking_input *in) {
    if (in->sites > TASKING_SITES_MAX || in->teams > TASKING_TEAMS_MAX)
        return ERR_OVERFLOW;
    for (size_t i = 0; i < in->teams; i++)
        if (in->team[i].sessions < 0 || in->team[i].sessions > TASKING_DAYS)
            return ERR_RANGE;
    for (size_t i = 0; i < in->sites; i++)
        if (in->site[i].travel_minutes < 0 || in->site[i].travel_minutes > 240)
            return ERR_RANGE;
    return 0;
}

/* ---- the week ---- */

static int fill_days(struct plan *plan) {
    const struct tasking_options *o = plan->options;
    struct london_time monday = london_from_unix(o->week_ms / 1000);
    for (int d = 0; d < TASKING_DAYS; d++) {
        int64_t days = london_days(monday.year, monday.month, monday.day + d);
        int err = daylight_of(days, o->lat_deg, o->lon_deg, &plan->day[d].light);
        if (err < 0)
            return err;
        for (int h = 0; h < 24; h++)
            plan->day[d].hour_ms[h] =
                1000 * london_to_unix(monday.year, monday.month, monday.day + d, h, 0);
    }
    return 0;
}

static bool near(const struct tasking_site *a, const struct tasking_site *b) {
    return hypot((double)a->easting_m - b->easting_m, (double)a->northing_m - b->northing_m) <=
           NEAR_M;
}

static void later_of(int64_t *it, int64_t other) {
    *it = other > *it ? other : *it;
}

static void fill_sites(struct plan *plan) {
    const struct tasking_site *site = plan->in->site;
    for (size_t i = 0; i < plan->in->sites; i++)
        for (size_t j = 0; j < plan->in->sites; j++) {
            if (near(&site[i], &site[j]))
                later_of(&plan->site[i].near_ms, site[j].last_visit_ms);
            if (strcmp(site[i].ward, site[j].ward) == 0)
                later_of(&plan->site[i].ward_ms, site[j].last_visit_ms);
        }
}

/* splitmix64 of the seed and a text: the same lot whatever the order of the sites. */
static uint64_t lot_of(uint64_t seed, const char *id, int hourweek) {
    uint64_t x = seed + 0x9E3779B97F4A7C15u * (uint64_t)(hourweek + 1);
    for (const char *at = id;; at++) {
        x = (x ^ (uint8_t)*at) + 0x9E3779B97F4A7C15u;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        x ^= x >> 31;
        if (*at == '\0')
            return x;
    }
}

/* TASKING_CHOSEN if the site may be visited then. */
static enum tasking_bar bar_of(const struct plan *plan, const struct tasking_site *site,
                               const struct plan_day *day, int64_t start_ms, int64_t end_ms) {
    if (end_ms > site->approved_until_ms)
        return TASKING_NOT_APPROVED;
    if (site->last_visit_ms > 0 && start_ms < site->last_visit_ms + TASKING_REVISIT_DAYS * DAY_MS)
        return TASKING_VISITED;
    if (start_ms / 1000 < day->light.sunrise_s || end_ms / 1000 > day->light.sunset_s ||
        start_ms <= plan->options->now_ms)
        return TASKING_NO_DAYLIGHT;
    return TASKING_CHOSEN;
}

static void add_choice(struct plan *plan, size_t s, int hourweek, int64_t start_ms,
                       int64_t end_ms) {
    const struct tasking_options *o = plan->options;
    struct plan_choice *c = &plan->choice[plan->choices++];
    *c = (struct plan_choice){
        .site = (uint32_t)s,
        .hourweek = hourweek,
        .start_ms = start_ms,
        .end_ms = end_ms,
        .rate = yield_cell(&plan->yield, s, hourweek),
    };
    c->lot = lot_of(o->seed, plan->in->site[s].id, hourweek);
    double draw = ((double)(c->lot >> 11) + .5) / 9007199254740992.0;
    c->score = o->choice == TASKING_DRAW ? rate_quantile(c->rate, draw) : rate_mean(c->rate);
}

static void add_choices(struct plan *plan, size_t s) {
    const struct tasking_options *o = plan->options;
    int64_t length_ms = o->session_minutes * MINUTE_MS;
    size_t first = plan->choices;
    enum tasking_bar last = TASKING_NO_DAYLIGHT;
    for (int w = 0; w < HOURWEEK_COUNT; w++) {
        const struct plan_day *day = &plan->day[w / 24];
        if (w % 24 < o->first_hour || w % 24 >= o->last_hour)
            continue;
        int64_t start_ms = day->hour_ms[w % 24];
        enum tasking_bar bar =
            bar_of(plan, &plan->in->site[s], day, start_ms, start_ms + length_ms);
        if (bar == TASKING_CHOSEN)
            add_choice(plan, s, w, start_ms, start_ms + length_ms);
        else if (bar != TASKING_NO_DAYLIGHT)
            last = bar;
    }
    size_t n = plan->choices - first;
    for (size_t i = first; i < plan->choices; i++)
        plan->site[s].usual += rate_mean(plan->choice[i].rate) / (double)n;
    plan->site[s].bar = n > 0 ? TASKING_OUTRANKED : last;
}

/* ---- the choice ---- */

double plan_halo(const struct plan_site *site, int64_t start_ms) {
    int64_t newest_ms = site->near_ms;
    for (int d = 0; d < TASKING_DAYS; d++)
        if (site->planned_ms[d] != 0 && site->planned_ms[d] <= start_ms)
            later_of(&newest_ms, site->planned_ms[d]);
    if (newest_ms == 0)
        return 0;
    double days = (double)(start_ms - newest_ms) / (double)DAY_MS;
    return HALO * fmax(0, 1 - days / TASKING_HALO_DAYS);
}

double plan_value(const struct plan *plan, const struct plan_choice *choice) {
    const struct tasking_options *o = plan->options;
    int travel = plan->in->site[choice->site].travel_minutes;
    int busy = o->session_minutes + o->setup_minutes + (travel > 0 ? travel : o->travel_minutes);
    double seen = choice->score * o->session_minutes / 60;
    return seen * (1 - plan_halo(&plan->site[choice->site], choice->start_ms)) * 60 / busy;
}

static bool team_free(const struct plan *plan, size_t t, const struct plan_choice *c) {
    const struct tasking_team *team = &plan->in->team[t];
    int day = c->hourweek / 24, hour = c->hourweek % 24;
    return plan->sessions_left[t] > 0 && !(plan->days_used[t] >> day & 1) &&
           (team->hours_free[day] >> hour & 1);
}

static bool team_serves(const struct plan *plan, size_t t, size_t site) {
    const char *lpa = plan->in->team[t].lpa;
    return lpa[0] == '\0' || strcmp(lpa, plan->in->site[site].lpa) == 0;
}

/* The team for it, or teams: one of the site's own area before one that may go anywhere, then the
 * one with most sessions left. */
static size_t team_for(const struct plan *plan, const struct plan_choice *c) {
    size_t best = plan->in->teams;
    for (size_t t = 0; t < plan->in->teams; t++) {
        if (!team_free(plan, t, c) || !team_serves(plan, t, c->site))
            continue;
        bool own = plan->in->team[t].lpa[0] != '\0';
        bool best_own = best < plan->in->teams && plan->in->team[best].lpa[0] != '\0';
        if (best == plan->in->teams || (own && !best_own) ||
            (own == best_own && plan->sessions_left[t] > plan->sessions_left[best]))
            best = t;
    }
    return best;
}

static bool ward_waits(const struct plan *plan, const struct plan_choice *c) {
    const struct plan_site *s = &plan->site[c->site];
    int64_t floor_ms = plan->options->ward_floor_days * DAY_MS;
    return floor_ms > 0 && plan->in->site[c->site].ward[0] != '\0' && !s->ward_served &&
           (s->ward_ms == 0 || plan->options->week_ms - s->ward_ms >= floor_ms);
}

/* Whether a goes before b; for the floor, the ward that has waited longest first. */
static bool goes_before(const struct plan *plan, const struct plan_choice *a,
                        const struct plan_choice *b, bool floor) {
    int64_t wait_a = plan->site[a->site].ward_ms, wait_b = plan->site[b->site].ward_ms;
    if (floor && wait_a != wait_b)
        return wait_a < wait_b;
    double value_a = plan_value(plan, a), value_b = plan_value(plan, b);
    if (value_a != value_b)
        return value_a > value_b;
    return a->lot > b->lot;
}

static const struct plan_choice *best_choice(const struct plan *plan, bool floor) {
    const struct plan_choice *best = NULL;
    for (size_t i = 0; i < plan->choices; i++) {
        const struct plan_choice *c = &plan->choice[i];
        if (plan->site[c->site].taken || (floor && !ward_waits(plan, c)))
            continue;
        if ((best == NULL || goes_before(plan, c, best, floor)) &&
            team_for(plan, c) < plan->in->teams)
            best = c;
    }
    return best;
}

static struct tasking_proposal propose(const struct plan *plan, const struct plan_choice *c,
                                       bool floor) {
    double hours = plan->options->session_minutes / 60.0;
    double seen = plan->yield.site[c->site].hours;
    struct tasking_proposal p = {
        .site = c->site,
        .team = team_for(plan, c),
        .start_ms = c->start_ms,
        .end_ms = c->end_ms,
        .hourweek = c->hourweek,
        .kind = seen < TASKING_EXPLORING_HOURS ? TASKING_EXPLORING : TASKING_KNOWN_GOOD,
        .ward_floor = floor,
        .expected = rate_mean(c->rate) * hours,
        .low = rate_count_quantile(c->rate, hours, .05),
        .high = rate_count_quantile(c->rate, hours, .95),
        .value = plan_value(plan, c),
        .site_hours = seen,
    };
    plan_say(plan, c, &p);
    return p;
}

static void commit(struct plan *plan, const struct tasking_proposal *p) {
    const struct tasking_site *site = plan->in->site;
    int day = p->hourweek / 24;
    plan->sessions_left[p->team]--;
    plan->days_used[p->team] |= (uint8_t)(1 << day);
    plan->site[p->site].taken = true;
    plan->site[p->site].bar = TASKING_CHOSEN;
    for (size_t i = 0; i < plan->in->sites; i++) {
        if (near(&site[i], &site[p->site]))
            later_of(&plan->site[i].planned_ms[day], p->start_ms);
        if (strcmp(site[i].ward, site[p->site].ward) == 0)
            plan->site[i].ward_served = true;
    }
}

static size_t choose(struct plan *plan, bool floor, size_t cap, struct tasking_proposal *to) {
    size_t n = 0;
    while (n < cap) {
        const struct plan_choice *c = best_choice(plan, floor);
        if (c == NULL)
            break;
        to[n] = propose(plan, c, floor);
        commit(plan, &to[n]);
        n++;
    }
    return n;
}

static int by_start(const void *left, const void *right) {
    const struct tasking_proposal *a = left, *b = right;
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms ? -1 : 1;
    return (a->team > b->team) - (a->team < b->team);
}

static void fill_bars(const struct plan *plan, enum tasking_bar *ret_bars) {
    for (size_t s = 0; s < plan->in->sites; s++) {
        bool served = false;
        for (size_t t = 0; t < plan->in->teams; t++)
            served |= plan->in->team[t].sessions > 0 && team_serves(plan, t, s);
        bool outranked = plan->site[s].bar == TASKING_OUTRANKED;
        ret_bars[s] = outranked && !served ? TASKING_NO_TEAM : plan->site[s].bar;
    }
}

static size_t run(struct plan *plan, struct tasking_proposal *ret_proposal, size_t cap) {
    size_t total = 0;
    for (size_t t = 0; t < plan->in->teams; t++) {
        plan->sessions_left[t] = plan->in->team[t].sessions;
        total += (size_t)plan->in->team[t].sessions;
    }
    total = total < cap ? total : cap;
    for (size_t s = 0; s < plan->in->sites; s++)
        add_choices(plan, s);
    size_t third = total > 3 ? total / 3 : total > 0;
    size_t n = choose(plan, true, third, ret_proposal);
    n += choose(plan, false, total - n, ret_proposal + n);
    if (n > 0)
        qsort(ret_proposal, n, sizeof *ret_proposal, by_start);
    return n;
}

static int plan_open(struct plan *plan) {
    size_t sites = plan->in->sites, teams = plan->in->teams;
    plan->site = calloc(sites + 1, sizeof *plan->site);
    plan->choice = calloc(sites * HOURWEEK_COUNT + 1, sizeof *plan->choice);
    plan->sessions_left = calloc(teams + 1, sizeof *plan->sessions_left);
    plan->days_used = calloc(teams + 1, sizeof *plan->days_used);
    if (plan->site == NULL || plan->choice == NULL || plan->sessions_left == NULL ||
        plan->days_used == NULL)
        return ERR_NOMEM;
    int err = fill_days(plan);
    if (err < 0)
        return err;
    fill_sites(plan);
    return yield_fit(plan->in->seen, plan->in->seens, sites, &plan->yield);
}

static void plan_close(struct plan *plan) {
    free(plan->site);
    free(plan->choice);
    free(plan->sessions_left);
    free(plan->days_used);
    yield_free(&plan->yield);
}

int tasking_plan(const struct tasking_input *input, const struct tasking_options *options,
                 struct tasking_proposal *ret_proposal, size_t cap, enum tasking_bar *ret_bars) {
    int err = input_check(input);
    if (err < 0)
        return err;
    if (!options_ok(options))
        return ERR_RANGE;
    struct plan plan = {.in = input, .options = options};
    err = plan_open(&plan);
    if (err == 0) {
        err = (int)run(&plan, ret_proposal, cap);
        if (ret_bars != NULL)
            fill_bars(&plan, ret_bars);
    }
    plan_close(&plan);
    return err;
}
