/* Tasking: the model finds a simulated truth, and every plan keeps the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daylight.h"
#include "london.h"
#include "random.h"
#include "tasking.h"
#include "yield.h"
#include <math.h>
#include <string.h>

static const int64_t DAY_MS = 86400000;

/* ---- yield ---- */

static double uniform(void) {
    return ((double)(random_next() >> 11) + .5) / 9007199254740992.0;
}

static double poisson(double mean) {
    double k = 0;
    for (double p = exp(-mean), u = uniform(), sum = p; u > sum && k < 1000; sum += p) {
        k++;
        p *= mean / k;
    }
    return k;
}

enum { UNSEEN = 40, SITES = 40, SEEN = SITES * HOURWEEK_COUNT };
static struct tasking_seen seen[SEEN];
static double truth[SITES][HOURWEEK_COUNT];

/* Sites differ by a factor of 20, hours by 4; most hours were watched little, the
 * first site and one hour never. */
static size_t simulate(void) {
    size_t n = 0;
    for (size_t j = 0; j < SITES; j++) {
        double theta = exp(3 * uniform() - 1.5);
        for (int w = 0; w < HOURWEEK_COUNT; w++) {
            double phi = 6 * exp(-cos((w % 24 - 5) * M_PI / 12) * .7);
            truth[j][w] = theta * phi;
            double hours = random_below(3) ? 0 : random_below(4);
            if (hours > 0 && j > 0 && w != UNSEEN)
                seen[n++] = (struct tasking_seen){j, w, poisson(hours * truth[j][w]), hours};
        }
    }
    return n;
}

static double width(struct rate_gamma g) {
    return rate_quantile(g, .95) / rate_quantile(g, .05);
}

static void the_model_finds_the_truth(void **state) {
    (void)state;
    random_seed(20261128);
    size_t n = simulate();
    struct yield y;
    assert_int_equal(yield_fit(seen, n, SITES, &y), 0);
    double error = 0, covered = 0, cells = 0;
    for (size_t j = 1; j < SITES; j++)
        for (int w = 0; w < HOURWEEK_COUNT; w++) {
            struct rate_gamma g = yield_cell(&y, j, w);
            error += fabs(log(rate_mean(g) / truth[j][w]));
            covered += rate_quantile(g, .05) <= truth[j][w] && truth[j][w] <= rate_quantile(g, .95);
            cells++;
        }
    print_message("mean error %.1f %%, 90 %% intervals cover %.1f %%, c %.1f\n",
                  100 * error / cells, 100 * covered / cells, y.c);
    assert_true(error / cells < .15);
    assert_true(covered / cells > .85 && covered / cells < .99);
    /* The site never watched: the prior, and much wider. */
    double known = width(yield_cell(&y, 1, 41));
    assert_true(width(yield_cell(&y, 0, 41)) > 3 * known);
    /* So is the hour that nobody watched, though less. */
    assert_true(width(yield_cell(&y, 1, UNSEEN)) > 1.5 * known);
    yield_free(&y);
}

static void nothing_seen_is_wide_not_zero(void **state) {
    (void)state;
    struct yield y;
    assert_int_equal(yield_fit(NULL, 0, 2, &y), 0);
    struct rate_gamma g = yield_cell(&y, 0, 40);
    assert_true(fabs(rate_mean(g) - 5) < 1e-9);
    assert_true(rate_quantile(g, .95) > 15 && rate_quantile(g, .05) < .5);
    yield_free(&y);
    const struct tasking_seen wrong[] = {
        {2, 0, 1, 1}, {0, 168, 1, 1}, {0, 0, -1, 1}, {0, 0, 1, NAN}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(yield_fit(&wrong[i], 1, 2, &y), ERR_RANGE);
}

/* ---- plans ---- */

static const int64_t NOW_MS = 1763728200000; /* Friday 21 November 2025, 12:30 */
static const char *const LPAS[] = {"Hartlepool", "Middlesbrough", "Redcar and Cleveland",
                                   "Stockton-on-Tees"};

struct world {
    struct tasking_site site[SITES];
    char id[SITES][8];
    char ward[SITES][12];
    struct tasking_team team[4];
    struct tasking_proposal proposal[64];
    enum tasking_bar bar[SITES];
    struct tasking_input in;
};
static struct world w;

static void make_world(void) {
    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < SITES; i++) {
        snprintf(w.id[i], sizeof w.id[i], "S%02zu", i);
        snprintf(w.ward[i], sizeof w.ward[i], "ward %zu", i % 20);
        w.site[i] = (struct tasking_site){
            .id = w.id[i],
            .name = w.id[i],
            .ward = w.ward[i],
            .lpa = LPAS[i % 4],
            .limit_mph = 30,
            .easting_m = 440000 + random_below(30000),
            .northing_m = 510000 + random_below(20000),
            .approved_until_ms = NOW_MS + (random_below(10) ? 300 : 1) * DAY_MS,
            .last_visit_ms = random_below(3) ? NOW_MS - random_below(120) * DAY_MS : 0,
        };
    }
    for (size_t t = 0; t < 4; t++) {
        w.team[t] = (struct tasking_team){.id = LPAS[t], .lpa = LPAS[t], .sessions = 3};
        for (int d = 0; d < 7; d++)
            w.team[t].hours_free[d] = (uint32_t)random_next() & 0xffffff;
    }
    w.in = (struct tasking_input){w.site, SITES, seen, simulate(), w.team, 4};
}

static void check_one(const struct tasking_proposal *p, const struct tasking_options *o) {
    const struct tasking_site *s = &w.site[p->site];
    struct london_time start = london_from_unix(p->start_ms / 1000);
    struct daylight light;
    assert_int_equal(daylight_of(p->start_ms / DAY_MS, o->lat_deg, o->lon_deg, &light), 0);
    assert_true(p->start_ms / 1000 >= light.sunrise_s && p->end_ms / 1000 <= light.sunset_s);
    assert_true(start.hour >= 7 && start.hour < 22 && start.minute == 0);
    assert_int_equal(start.weekday * 24 + start.hour, p->hourweek);
    assert_true(p->start_ms >= o->week_ms && p->end_ms <= o->week_ms + 7 * DAY_MS + 3600000);
    assert_true(p->end_ms <= s->approved_until_ms);
    assert_true(s->last_visit_ms == 0 || p->start_ms >= s->last_visit_ms + 7 * DAY_MS);
    assert_string_equal(w.team[p->team].lpa, s->lpa);
    assert_true(w.team[p->team].hours_free[start.weekday] >> start.hour & 1);
    assert_true(p->low <= p->expected && p->expected <= p->high);
    assert_true(strstr(p->reasons, p->kind == TASKING_KNOWN_GOOD ? "Known" : "Exploring") != NULL);
    assert_true((strstr(p->reasons, "Ward") != NULL) == p->ward_floor);
    assert_true(strlen(p->reasons) < TASKING_REASONS_MAX - 1);
}

static void every_plan_keeps_the_rules(void **state) {
    (void)state;
    random_seed(20261129);
    for (int round = 0; round < 25; round++) {
        make_world();
        struct tasking_options o = tasking_defaults(NOW_MS + round * 13 * DAY_MS, 7);
        o.choice = round % 2 ? TASKING_DRAW : TASKING_MEAN;
        int n = tasking_plan(&w.in, &o, w.proposal, 64, w.bar);
        assert_true(n >= 0 && n <= 12);
        int floors = 0, sessions[4] = {0};
        for (int i = 0; i < n; i++) {
            check_one(&w.proposal[i], &o);
            floors += w.proposal[i].ward_floor;
            sessions[w.proposal[i].team]++;
            assert_int_equal(w.bar[w.proposal[i].site], TASKING_CHOSEN);
            for (int j = 0; j < i; j++) {
                assert_true(w.proposal[i].site != w.proposal[j].site);
                assert_true(w.proposal[i].team != w.proposal[j].team ||
                            w.proposal[i].hourweek / 24 != w.proposal[j].hourweek / 24);
            }
        }
        assert_true(floors <= 4);
        for (int i = 0; i < n && round == 0; i++)
            print_message("%s\n", w.proposal[i].reasons);
        assert_true(round > 0 || n > 6);
        for (int t = 0; t < 4; t++)
            assert_true(sessions[t] <= 3);
    }
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    random_seed(20261130);
    static struct tasking_proposal again[64];
    make_world();
    struct tasking_options o = tasking_defaults(NOW_MS, 99);
    o.choice = TASKING_DRAW;
    int n = tasking_plan(&w.in, &o, w.proposal, 64, NULL);
    assert_true(n > 3);
    assert_int_equal(tasking_plan(&w.in, &o, again, 64, NULL), n);
    assert_memory_equal(w.proposal, again, (size_t)n * sizeof again[0]);
    o.seed = 100;
    assert_int_equal(tasking_plan(&w.in, &o, again, 64, NULL), n);
    assert_memory_not_equal(w.proposal, again, (size_t)n * sizeof again[0]);
}

/* Two sites alike but for their ward's last visit: the ward that waited goes first. */
static void a_forgotten_ward_goes_first(void **state) {
    (void)state;
    const int64_t until = NOW_MS + 100 * DAY_MS;
    struct tasking_site site[] = {
        {"busy", "busy", "A", "L", 30, 450000, 515000, until, NOW_MS - 20 * DAY_MS, 0},
        {"quiet", "quiet", "B", "L", 30, 460000, 515000, until, NOW_MS - 60 * DAY_MS, 0},
        {"never", "never", "C", "L", 30, 440000, 515000, until, 0, 0},
    };
    struct tasking_seen s[] = {{0, 34, 200, 20}, {1, 34, 2, 20}, {2, 34, 3, 20}};
    struct tasking_team team = {.id = "kit", .lpa = "L", .sessions = 1};
    for (int d = 0; d < 7; d++)
        team.hours_free[d] = 0xffffff;
    struct tasking_input in = {site, 3, s, 3, &team, 1};
    struct tasking_options o = tasking_defaults(NOW_MS, 1);
    struct tasking_proposal p[4];
    enum tasking_bar bar[3];
    assert_int_equal(tasking_plan(&in, &o, p, 4, bar), 1);
    assert_true(p[0].ward_floor && p[0].site == 2);
    assert_non_null(strstr(p[0].reasons, "Ward C has never been visited."));
    site[2].last_visit_ms = NOW_MS - 9 * DAY_MS;
    assert_int_equal(tasking_plan(&in, &o, p, 4, bar), 1);
    assert_true(p[0].ward_floor && p[0].site == 1);
    assert_non_null(strstr(p[0].reasons, "Ward B has waited 8 weeks."));
    site[1].last_visit_ms = NOW_MS - 10 * DAY_MS;
    assert_int_equal(tasking_plan(&in, &o, p, 4, bar), 1);
    assert_true(!p[0].ward_floor && p[0].site == 0 && p[0].kind == TASKING_KNOWN_GOOD);
    assert_int_equal(bar[1], TASKING_OUTRANKED);
    /* Each rule has its own word. */
    site[0].approved_until_ms = NOW_MS;
    site[1].last_visit_ms = o.week_ms + 7 * DAY_MS;
    site[2].lpa = "M";
    assert_int_equal(tasking_plan(&in, &o, p, 4, bar), 0);
    assert_int_equal(bar[0], TASKING_NOT_APPROVED);
    assert_int_equal(bar[1], TASKING_VISITED);
    assert_int_equal(bar[2], TASKING_NO_TEAM);
    for (int b = TASKING_CHOSEN; b <= TASKING_NO_DAYLIGHT; b++)
        assert_true(strlen(tasking_bar_words((enum tasking_bar)b)) > 0);
}

/* Visited on Friday at 12:30: not before the Friday after, at 13:00. */
static void no_site_twice_in_seven_days(void **state) {
    (void)state;
    struct tasking_site site = {"a", "a", "A", "L", 30, 450000, 515000, INT64_MAX, NOW_MS, 0};
    struct tasking_team team = {.id = "kit", .lpa = "L", .sessions = 7};
    for (int d = 0; d < 7; d++)
        team.hours_free[d] = 0xffffff;
    struct tasking_input in = {&site, 1, NULL, 0, &team, 1};
    struct tasking_options o = tasking_defaults(NOW_MS, 1);
    struct tasking_proposal p[7];
    assert_int_equal(tasking_plan(&in, &o, p, 7, NULL), 1);
    assert_true(p[0].start_ms >= NOW_MS + 7 * DAY_MS);
    assert_true(p[0].kind == TASKING_EXPLORING);
    assert_non_null(strstr(p[0].reasons, "Exploring: nothing seen here yet."));
}

/* A neighbour's visit yesterday makes a site worth less than its equal elsewhere. */
static void the_halo_turns_the_choice(void **state) {
    (void)state;
    const int64_t until = NOW_MS + 100 * DAY_MS, lately = NOW_MS + 2 * DAY_MS;
    struct tasking_site site[] = {
        {"a", "a", "", "L", 30, 450000, 515000, until, 0, 0},
        {"b", "b", "", "L", 30, 460000, 515000, until, 0, 0},
        {"c", "c", "", "L", 30, 450500, 515500, 0, 0, 0},
    };
    struct tasking_seen s[] = {{0, 34, 101, 20}, {1, 34, 100, 20}};
    struct tasking_team team = {.id = "kit", .lpa = "", .sessions = 1};
    team.hours_free[1] = 1 << 10; /* Tuesday at ten only */
    struct tasking_input in = {site, 3, s, 2, &team, 1};
    struct tasking_options o = tasking_defaults(NOW_MS, 1);
    struct tasking_proposal p;
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), 1);
    assert_int_equal(p.site, 0);
    assert_int_equal(p.hourweek, 34);
    site[2].last_visit_ms = lately;
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), 1);
    assert_int_equal(p.site, 1);
}

static void wrong_input(void **state) {
    (void)state;
    struct tasking_options o = tasking_defaults(NOW_MS, 1);
    struct tasking_proposal p;
    struct tasking_input in = {0};
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), 0);
    o.week_ms += 3600000;
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), ERR_RANGE);
    o = tasking_defaults(NOW_MS, 1);
    o.session_minutes = 90;
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), ERR_RANGE);
    o = tasking_defaults(NOW_MS, 1);
    in.sites = TASKING_SITES_MAX + 1;
    assert_int_equal(tasking_plan(&in, &o, &p, 1, NULL), ERR_OVERFLOW);
}

/* ---- does it work? three planners under the same rules, sixteen weeks in the same worlds ---- */

enum { WEEKS = 16, WORLDS = 4 };
enum arm { BLIND, LEARNS, KNOWS, ARMS };

/* What a planner has to go on: nothing; what its own sessions saw; the truth. */
static size_t knowledge(enum arm arm, size_t sessions) {
    if (arm != KNOWS)
        return arm == LEARNS ? sessions : 0;
    for (size_t i = 0; i < SEEN; i++) {
        double rate = truth[i / HOURWEEK_COUNT][i % HOURWEEK_COUNT];
        seen[i] =
            (struct tasking_seen){i / HOURWEEK_COUNT, (int)(i % HOURWEEK_COUNT), 1000 * rate, 1000};
    }
    return SEEN;
}

/* Vehicles that the planner's sessions see, as expected by the truth; what they saw is kept. */
static double sixteen_weeks(enum arm arm) {
    double found = 0;
    size_t sessions = 0;
    for (int week = 0; week < WEEKS; week++) {
        w.in.seens = knowledge(arm, sessions);
        struct tasking_options o = tasking_defaults(NOW_MS + week * 7 * DAY_MS, (uint64_t)week);
        int n = tasking_plan(&w.in, &o, w.proposal, 64, NULL);
        assert_true(n > 0);
        for (int i = 0; i < n; i++) {
            const struct tasking_proposal *p = &w.proposal[i];
            double rate = truth[p->site][p->hourweek];
            found += rate;
            w.site[p->site].last_visit_ms = p->start_ms;
            if (arm == LEARNS)
                seen[sessions++] = (struct tasking_seen){p->site, p->hourweek, poisson(rate), 1};
        }
    }
    return found;
}

static void it_learns_where_to_stand(void **state) {
    (void)state;
    random_seed(20261133);
    double found[ARMS] = {0};
    for (int world = 0; world < WORLDS; world++) {
        make_world();
        for (size_t i = 0; i < SITES; i++) {
            w.site[i].approved_until_ms = INT64_MAX;
            w.site[i].last_visit_ms = 0;
        }
        static struct world start;
        start = w;
        for (int arm = BLIND; arm < ARMS; arm++) {
            w = start;
            found[arm] += sixteen_weeks((enum arm)arm);
        }
    }
    print_message("of what is found by who knows the truth: blind %.0f %%, learning %.0f %%\n",
                  100 * found[BLIND] / found[KNOWS], 100 * found[LEARNS] / found[KNOWS]);
    assert_true(found[LEARNS] > .7 * found[KNOWS]);
    assert_true(found[LEARNS] > 1.25 * found[BLIND]);
}

/* From any moment, also in the weeks of the clock change: a Monday midnight, 1 to 8 days ahead. */
static void next_week_is_a_monday(void **state) {
    (void)state;
    for (int64_t ms = NOW_MS; ms < NOW_MS + 400 * DAY_MS; ms += 3 * 3600000 + 777) {
        struct london_time t = london_from_unix(tasking_next_week(ms) / 1000);
        assert_true(t.weekday == 0 && t.hour == 0 && t.minute == 0 && t.second == 0);
        int64_t ahead = tasking_next_week(ms) - ms;
        assert_true(ahead > 0 && ahead <= 7 * DAY_MS + 3600000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_finds_the_truth),
        cmocka_unit_test(nothing_seen_is_wide_not_zero),
        cmocka_unit_test(every_plan_keeps_the_rules),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(a_forgotten_ward_goes_first),
        cmocka_unit_test(no_site_twice_in_seven_days),
        cmocka_unit_test(the_halo_turns_the_choice),
        cmocka_unit_test(wrong_input),
        cmocka_unit_test(it_learns_where_to_stand),
        cmocka_unit_test(next_week_is_a_monday),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
