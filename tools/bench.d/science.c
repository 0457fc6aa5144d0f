/* bench-science: what the collector's statistics cost: hotspots by number of reports, half a year
 * of stored hours for 50 sites, next week's tasking.  Median of five; one thread. */
#include "chance.h"
#include "histogram.h"
#include "hotspots.h"
#include "tasking.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { SEED = 3, ROUNDS = 5, SITES = 50, HOURS = 182 * 24, WATCHED_MIN = 7, WATCHED_MAX = 19 };
static const int64_t NOW_MS = 1763740800000, DAY_MS = 86400000;

static struct chance chance;

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_s(void (*job)(void *arg), void *arg) {
    double took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = cpu_s();
        job(arg);
        took[i] = cpu_s() - start;
    }
    qsort(took, ROUNDS, sizeof took[0], ascending);
    return took[ROUNDS / 2];
}

static void line(const char *what, double seconds) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("| %-44s | %8.3f | %6ld |\n", what, seconds, use.ru_maxrss / 1024);
}

static void must(int err) {
    if (err < 0) {
        fprintf(stderr, "bench-science: %s\n", err_text(err));
        exit(1);
    }
}

/* ---- hotspots: the force's area, 43 x 30 km in squares of 250 m, half of it around 300 places ---
 */

struct area {
    struct hotspots_event *event;
    size_t n;
};

static void make_reports(struct area *area, size_t n) {
    double centre[300][2];
    for (int i = 0; i < 300; i++) {
        centre[i][0] = 435500 + 43000 * chance_unit(&chance);
        centre[i][1] = 507800 + 30000 * chance_unit(&chance);
    }
    area->n = n;
    for (size_t i = 0; i < n; i++) {
        int around = (int)(600 * chance_unit(&chance));
        double e = 435500 + 43000 * chance_unit(&chance), m = 507800 + 30000 * chance_unit(&chance);
        if (around < 300) {
            e = centre[around][0] + chance_normal(&chance, 0, 200);
            m = centre[around][1] + chance_normal(&chance, 0, 200);
        }
        area->event[i] =
            (struct hotspots_event){NOW_MS - (int64_t)(365 * chance_unit(&chance) * (double)DAY_MS),
                                    (int32_t)e, (int32_t)m, 1};
    }
}

static void rank(void *arg) {
    const struct area *area = arg;
    struct hotspots_options options = hotspots_defaults(HOTSPOTS_REPORTS, NOW_MS);
    struct hotspots_result result;
    options.top = 50;
    struct hotspots_input input = {.event = area->event, .events = area->n};
    must(hotspots_compute(&input, &options, &result));
    hotspots_free(&result);
}

static void bench_hotspots(void) {
    struct area area = {.event = malloc(1000000 * sizeof *area.event)};
    if (area.event == NULL)
        must(ERR_NOMEM);
    for (size_t n = 10000; n <= 1000000; n *= 10) {
        char what[64];
        make_reports(&area, n);
        snprintf(what, sizeof what, "hotspots of %zu reports, 250 m", n);
        line(what, median_s(rank, &area));
    }
    free(area.event);
}

/* ---- sites and tasking --------------------------------------------------------------------------
 */

static uint8_t blob[HOURS][1024];
static size_t blob_len[HOURS];

static void make_hours(void) {
    for (int i = 0; i < HOURS; i++) {
        struct histogram h = {0};
        for (int v = 0; v < 150; v++) {
            int dmph = (int)(chance_normal(&chance, 300, 50));
            must(histogram_add(&h, dmph < 0 ? 0 : dmph));
        }
        int len = histogram_encode(&h, blob[i], sizeof blob[i]);
        must(len);
        blob_len[i] = (size_t)len;
    }
}

static void add_up(void *arg) {
    (void)arg;
    for (int site = 0; site < SITES; site++) {
        struct histogram all = {0};
        struct speeds_stats stats;
        for (int i = 0; i < HOURS; i++)
            must(histogram_merge_blob(&all, blob[i], blob_len[i]));
        must(histogram_describe(&all, 30, 35, &stats));
    }
}

struct week {
    struct tasking_site site[SITES];
    struct tasking_seen seen[SITES * 168];
    struct tasking_team team[4];
    struct tasking_input input;
    char id[SITES][16];
};

static void make_week(struct week *w) {
    static const char *const LPA[] = {"H", "M", "R", "S"};
    size_t n = 0;
    for (int s = 0; s < SITES; s++) {
        snprintf(w->id[s], sizeof w->id[s], "s%d", s);
        w->site[s] = (struct tasking_site){.id = w->id[s],
                                           .name = w->id[s],
                                           .ward = w->id[s],
                                           .lpa = LPA[s % 4],
                                           .limit_mph = 30,
                                           .easting_m = 440000 + s * 600,
                                           .northing_m = 510000 + s * 300,
                                           .approved_until_ms = INT64_MAX};
        double site = exp(chance_normal(&chance, 0, 1));
        for (int h = 0; h < 168; h++)
            if (h % 24 >= WATCHED_MIN && h % 24 < WATCHED_MAX)
                w->seen[n++] =
                    (struct tasking_seen){(size_t)s, h, floor(site * 10 * chance_unit(&chance)), 2};
    }
    for (int t = 0; t < 4; t++) {
        w->team[t] = (struct tasking_team){.id = LPA[t], .lpa = LPA[t], .sessions = 3};
        for (int d = 0; d < 7; d++)
            w->team[t].hours_free[d] = 0xffffff;
    }
    w->input = (struct tasking_input){w->site, SITES, w->seen, n, w->team, 4};
}

static void plan(void *arg) {
    const struct week *w = arg;
    struct tasking_proposal proposal[16];
    struct tasking_options options = tasking_defaults(NOW_MS, SEED);
    must(tasking_plan(&w->input, &options, proposal, 16, NULL));
}

int main(void) {
    static struct week week;
    chance_init(&chance, SEED);
    printf("| %-44s | %8s | %6s |\n|%.46s|%.10s|%.8s|\n", "statistics", "CPU s", "MB",
           "----------------------------------------------", "----------", "--------");
    bench_hotspots();
    make_hours();
    line("50 sites, 4368 stored hours each, added up", median_s(add_up, NULL));
    make_week(&week);
    line("next week's tasking, 50 sites, 12 sessions", median_s(plan, &week));
    return 0;
}
