/* site: where a kit stands at an approved site, and what its angle takes from the speeds. */
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "geometry.h"
#include "store_sqlite.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DRIVES_MAX = 20, TRIES = 3, ANSWER_MAX = 64 };

/* ---- what can be said, as an option or as an answer ---- */

static const struct quantity {
    const char *option, *question, *unit;
    size_t at;    /* in struct geometry */
    double scale; /* the geometry's unit in the user's */
} QUANTITIES[] = {
    {"--lane-in", "From the radar sideways to the middle of the lane that comes towards it", "m",
     offsetof(struct geometry, lane_in_cm), 100},
    {"--lane-out", "And to the middle of the lane that goes away", "m",
     offsetof(struct geometry, lane_out_cm), 100},
    {"--height", "Height of the radar above a car's number plate", "m",
     offsetof(struct geometry, height_cm), 100},
    {"--aim", "Angle between the road and the middle of the beam", "degrees",
     offsetof(struct geometry, aim_deg10), 10},
    {"--beam", "Full width of the beam, from the radar's data sheet", "degrees",
     offsetof(struct geometry, beam_deg10), 10},
    {"--range", "How far off a car is first seen", "m", offsetof(struct geometry, range_cm), 100},
};
enum { QUANTITY_COUNT = sizeof QUANTITIES / sizeof QUANTITIES[0], AIM = 3 };

struct request {
    const char *site, *db;
    bool measure, changed;
    struct geometry geometry;
    uint8_t given; /* bit per quantity */
    int64_t from_ms;
    double tape_along_m, tape_across_m; /* along 0: not given */
    double driven_mph[DRIVES_MAX], told_mph[DRIVES_MAX];
    int drives;
};

static int32_t *quantity_at(struct geometry *g, const struct quantity *q) {
    return (int32_t *)(void *)((char *)g + q->at);
}

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "moorwatch site: %s%s%s; `moorwatch help site` says how\n", what,
            value[0] != '\0' ? ": " : "", value);
    return 2;
}

static int number_of(const char *text, double *ret_number) {
    char *end;
    if (text[0] == '\0' || strspn(text, "0123456789.+-") != strlen(text))
        return ERR_INVAL;
    double number = strtod(text, &end);
    if (*end != '\0' || !(fabs(number) < 10000))
        return ERR_INVAL;
    *ret_number = number;
    return 0;
}

static int pair_of(const char *text, char between, double *ret_a, double *ret_b) {
    char first[ANSWER_MAX];
    const char *at = strchr(text, between);
    if (at == NULL || (size_t)(at - text) >= sizeof first)
        return ERR_INVAL;
    (void)snprintf(first, sizeof first, "%.*s", (int)(at - text), text);
    int e = number_of(first, ret_a);
    return e < 0 ? e : number_of(at + 1, ret_b);
}

static int quantity_set(struct request *r, size_t i, const char *text) {
    double number;
    if (number_of(text, &number) < 0)
        return ERR_INVAL;
    *quantity_at(&r->geometry, &QUANTITIES[i]) = (int32_t)lround(number * QUANTITIES[i].scale);
    r->given |= (uint8_t)(1u << i);
    r->changed = true;
    return 0;
}

static int date_set(struct request *r, const char *text) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end == NULL || *end != '\0')
        return ERR_INVAL;
    r->from_ms = (int64_t)timegm(&tm) * 1000;
    return r->from_ms >= 0 ? 0 : ERR_INVAL;
}

/* ---- options ---- */

static int tape_set(struct request *r, const char *text) {
    r->changed = true;
    return pair_of(text, ',', &r->tape_along_m, &r->tape_across_m);
}

static int drive_set(struct request *r, const char *text) {
    if (r->drives == DRIVES_MAX)
        return ERR_NOSPACE;
    r->changed = true;
    int e = pair_of(text, '=', &r->driven_mph[r->drives], &r->told_mph[r->drives]);
    r->drives += e == 0;
    return e;
}

static int db_set(struct request *r, const char *text) {
    r->db = text;
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct request *r, const char *text);
    const char *expects;
} OPTIONS[] = {
    {"--db", db_set, "a data base"},
    {"--from", date_set, "a day such as 2026-11-22"},
    {"--tape", tape_set, "ALONG,ACROSS in metres"},
    {"--drive", drive_set, "DRIVEN=TOLD in mph, at most 20 times"},
};

/* 0, or the exit code. */
static int option_set(struct request *r, const char *name, const char *value) {
    char what[96];
    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++)
        if (strcmp(name, OPTIONS[i].name) == 0) {
            if (value != NULL && OPTIONS[i].set(r, value) == 0)
                return 0;
            (void)snprintf(what, sizeof what, "%s wants %s", name, OPTIONS[i].expects);
            return wrong(what, "");
        }
    for (size_t i = 0; i < QUANTITY_COUNT; i++)
        if (strcmp(name, QUANTITIES[i].option) == 0) {
            if (value != NULL && quantity_set(r, i, value) == 0)
                return 0;
            (void)snprintf(what, sizeof what, "%s wants a number of %s", name, QUANTITIES[i].unit);
            return wrong(what, "");
        }
    return wrong("unknown option", name);
}

static int request_of(int argc, char **argv, struct request *r) {
    for (int i = 1; i < argc; i++) {
        int code = 0;
        if (strcmp(argv[i], "--measure") == 0)
            r->measure = r->changed = true;
        else if (argv[i][0] == '-') {
            code = option_set(r, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        } else if (r->site != NULL)
            code = wrong("one site only", argv[i]);
        else
            r->site = argv[i];
        if (code != 0)
            return code;
    }
    if (r->site == NULL || r->db == NULL)
        return wrong(r->site == NULL ? "which site?" : "--db DB is missing", "");
    return 0;
}

/* ---- the guide ---- */

static int answer_read(char answer[ANSWER_MAX]) {
    if (fgets(answer, ANSWER_MAX, stdin) == NULL)
        return ERR_NOENT;
    answer[strcspn(answer, "\r\n")] = '\0';
    return 0;
}

/* An empty answer keeps what stands there. */
static int ask(struct request *r, size_t i) {
    const struct quantity *q = &QUANTITIES[i];
    char answer[ANSWER_MAX];
    for (int tries = 0; tries < TRIES; tries++) {
        struct geometry before = r->geometry;
        const char *field;
        printf("%s [%.1f %s]: ", q->question, *quantity_at(&r->geometry, q) / q->scale, q->unit);
        (void)fflush(stdout);
        if (answer_read(answer) < 0)
            return ERR_NOENT;
        if (answer[0] == '\0' ||
            (quantity_set(r, i, answer) == 0 && geometry_check(&r->geometry, &field) == 0))
            return 0;
        r->geometry = before;
        printf("That is not a length or angle of a roadside; a number of %s, please.\n", q->unit);
    }
    return ERR_INVAL;
}

static int ask_tape(struct request *r) {
    char answer[ANSWER_MAX];
    puts(
        "\nThe aim.  Sight along the radar's case and pick a spot on the road some 20 m off.\n"
        "Measure from the radar along the road, and from the line of the road across to the spot.\n"
        "Write both with a comma (20,3.5), or press Enter to give the angle itself.");
    for (int tries = 0; tries < TRIES; tries++) {
        printf("Along, across [none]: ");
        (void)fflush(stdout);
        if (answer_read(answer) < 0)
            return ERR_NOENT;
        if (answer[0] == '\0')
            return ask(r, AIM);
        if (tape_set(r, answer) == 0)
            return 0;
        puts("Two lengths in metres with a comma between, please: 20,3.5");
    }
    return ERR_INVAL;
}

static int guide(struct request *r) {
    printf("Where the kit stands at %s.  Enter keeps what stands in brackets.\n\n", r->site);
    int e = 0;
    for (size_t i = 0; i < QUANTITY_COUNT && e == 0; i++)
        e = i == AIM ? ask_tape(r) : ask(r, i);
    if (e < 0)
        fprintf(stderr, "moorwatch site: no answer that can be used; nothing was changed\n");
    return e;
}

/* ---- from what was said to a geometry ---- */

static int by_tape(struct request *r) {
    int e = geometry_aim_by_tape((int32_t)lround(r->tape_along_m * 100),
                                 (int32_t)lround(r->tape_across_m * 100), &r->geometry.aim_deg10);
    if (e < 0)
        return wrong("the tape gives no aim from 0 to 45 degrees: at least 1 m along", "");
    printf("By the tape the aim is %.1f degrees.\n", r->geometry.aim_deg10 / 10.0);
    return 0;
}

/* The mean of the drives, in the lane that comes towards the kit. */
static int by_drives(struct request *r, int32_t view_cm) {
    double driven = 0, told = 0;
    for (int i = 0; i < r->drives; i++) {
        driven += r->driven_mph[i];
        told += r->told_mph[i];
    }
    if (geometry_aim(&r->geometry, false, view_cm, driven, told, &r->geometry.aim_deg10) < 0)
        return wrong("no aim from 0 to 45 degrees explains these drives: was another vehicle "
                     "measured, or the speedometer read? (they show up to 10 % too much)",
                     "");
    printf("By %d drive%s the aim is %.1f degrees.\n", r->drives, r->drives == 1 ? "" : "s",
           r->geometry.aim_deg10 / 10.0);
    return 0;
}

static int settle(struct request *r, int32_t view_cm) {
    const char *field = "";
    int code = r->tape_along_m != 0 || r->tape_across_m != 0 ? by_tape(r) : 0;
    if (code == 0 && r->drives > 0)
        code = by_drives(r, view_cm);
    if (code == 0 && geometry_check(&r->geometry, &field) < 0)
        code = wrong("not a length or angle of a roadside", field);
    return code;
}

/* ---- showing ---- */

static void show_lane(const struct geometry *g, bool away, int32_t view_cm) {
    static const double STEEP = 1.05;
    struct geometry_factor f;
    const char *lane = away ? "going away" : "coming";
    if (geometry_factor(g, away, view_cm, &f) < 0) {
        printf("  %-11s the beam does not meet this lane within %.0f m: turn the radar\n", lane,
               g->range_cm / 100.0);
        return;
    }
    printf("  %-11s told 30.0 mph is %.1f mph (%.1f to %.1f); in view for %s%.0f m\n", lane,
           30 * f.factor, 30 * f.low, 30 * f.high, view_cm == 0 ? "about " : "",
           view_cm == 0 ? g->range_cm / 100.0 : view_cm / 100.0);
    if (f.factor > STEEP)
        printf("              the angle takes more than 5 %%: turn the radar along the road\n");
}

static void show(const struct geometry_period *p, const int32_t view_cm[2]) {
    const struct geometry *g = &p->geometry;
    char day[16];
    time_t from = (time_t)(p->from_ms / 1000);
    struct tm tm;
    (void)strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&from, &tm));
    printf("from %s: lanes %.1f and %.1f m, height %.1f m, aim %.1f, beam %.1f degrees, "
           "range %.0f m\n",
           day, g->lane_in_cm / 100.0, g->lane_out_cm / 100.0, g->height_cm / 100.0,
           g->aim_deg10 / 10.0, g->beam_deg10 / 10.0, g->range_cm / 100.0);
    show_lane(g, false, view_cm[0]);
    show_lane(g, true, view_cm[1]);
}

/* ---- the store ---- */

static int view_add(void *arg, const struct store_passage *row) {
    const struct event_passage *p = &row->passage;
    if ((p->flags & (PASSAGE_OVERLAP | PASSAGE_TRUNCATED | PASSAGE_LONG)) == 0)
        geometry_view_add(arg, p->direction == DIRECTION_OUT, p->speed_mph10, p->duration_ms);
    return 0;
}

struct place {
    struct geometry_history history;
    int32_t view_cm[2];
};

static int place_read(const struct store *store, const char *id, struct place *ret_place) {
    static struct geometry_views views;
    char key[GEOMETRY_KEY_MAX], text[GEOMETRY_TEXT_MAX];
    struct store_site site;
    struct store_filter newest = {.site = id, .lock = -1, .limit = GEOMETRY_VIEWS_MAX};
    int r = store->site_get(store->ctx, id, &site);
    if (r < 0)
        return r;
    geometry_key(id, key);
    r = store->setting_get(store->ctx, key, text, sizeof text);
    if (r >= 0)
        r = geometry_read(text, &ret_place->history);
    if (r < 0 && r != ERR_NOENT)
        return r;
    r = store->passages(store->ctx, &newest, view_add, &views);
    ret_place->view_cm[0] = geometry_view(&views, false);
    ret_place->view_cm[1] = geometry_view(&views, true);
    return r;
}

static int place_write(const struct store *store, const char *id, struct place *place,
                       const struct request *r, int64_t now_ms) {
    char key[GEOMETRY_KEY_MAX], text[GEOMETRY_TEXT_MAX];
    struct store_audit audit = {.at_ms = now_ms, .who = "moorwatch site", .action = "geometry"};
    int e = geometry_add(&place->history, r->from_ms, &r->geometry);
    if (e < 0)
        return e;
    geometry_key(id, key);
    geometry_write(&place->history, text);
    (void)snprintf(audit.object, sizeof audit.object, "%s", id);
    e = store->begin(store->ctx);
    if (e >= 0)
        e = store->setting_put(store->ctx, key, text, "moorwatch site", now_ms);
    if (e >= 0)
        e = store->audit_put(store->ctx, &audit);
    if (e >= 0)
        e = store->commit(store->ctx);
    if (e < 0)
        store->rollback(store->ctx);
    return e;
}

/* What is not given stays as the newest geometry has it. */
static void take_over(struct request *r, const struct place *place) {
    if (place->history.count == 0)
        return;
    struct geometry old = place->history.period[place->history.count - 1].geometry;
    for (size_t i = 0; i < QUANTITY_COUNT; i++)
        if ((r->given >> i & 1) == 0)
            *quantity_at(&r->geometry, &QUANTITIES[i]) = *quantity_at(&old, &QUANTITIES[i]);
}

static int change(const struct store *store, struct request *r, struct place *place) {
    struct clock clock = clock_system();
    int64_t now_ms = clock.wall_ms(clock.ctx);
    take_over(r, place);
    if (r->measure && guide(r) < 0)
        return 1;
    int code = settle(r, place->view_cm[0]);
    if (code != 0)
        return code;
    if (r->from_ms < 0)
        r->from_ms = now_ms - now_ms % 86400000;
    int e = place_write(store, r->site, place, r, now_ms);
    if (e < 0)
        return fprintf(stderr, "moorwatch site: %s: %s\n", r->site,
                       e == ERR_NOSPACE ? "no room for another date" : err_text(e)),
               1;
    fprintf(stderr, "moorwatch site: %s: kept; speeds stay as told, figures are corrected\n",
            r->site);
    return 0;
}

static int run(int argc, char **argv) {
    struct request r = {.geometry = GEOMETRY_DEFAULTS, .from_ms = -1};
    static struct place place;
    struct store store;
    int code = request_of(argc, argv, &r);
    if (code != 0)
        return code;
    int e = store_sqlite_open(r.db, r.changed ? STORE_SQLITE_WRITE : STORE_SQLITE_READ, &store);
    if (e < 0)
        return fprintf(stderr, "moorwatch site: %s: %s\n", r.db, err_text(e)), 1;
    e = place_read(&store, r.site, &place);
    if (e < 0)
        fprintf(stderr, "moorwatch site: %s: %s\n", r.site,
                e == ERR_NOENT ? "no such site is registered; `moorwatch register` adds it"
                               : err_text(e));
    code = e < 0 ? 1 : r.changed ? change(&store, &r, &place) : 0;
    store.close(store.ctx);
    for (size_t i = 0; i < place.history.count && code == 0; i++)
        show(&place.history.period[i], place.view_cm);
    if (code == 0 && place.history.count == 0)
        printf("%s: where the kit stands is not known; --measure asks for it\n", r.site);
    return code;
}

const struct command COMMAND_SITE = {
    .name = "site",
    .usage = "SITE --db DB [--measure | OPTIONS]",
    .summary = "where the kit stands at a site, and what its angle takes from the speeds",
    .help = "Without options: shows what is known, with its effect on a reading of 30 mph.\n"
            "  --measure            asks for everything, step by step, with a tape in hand\n"
            "  --lane-in M, --lane-out M\n"
            "                       sideways from the radar to the middle of each lane\n"
            "  --height M           of the radar above a number plate\n"
            "  --aim DEGREES        between the road and the middle of the beam, or\n"
            "  --tape ALONG,ACROSS  the spot at which the radar points, in metres, or\n"
            "  --drive DRIVEN=TOLD  a drive past at a known speed (mph, by GNSS, towards the\n"
            "                       radar); several are averaged\n"
            "  --beam DEGREES       full width (OPS243-A: 20)\n"
            "  --range M            how far off a car is first seen\n"
            "  --from YYYY-MM-DD    holds from this day on (today)\n"
            "What is not given stays. Speeds are kept as the radar told them; the geometry is\n"
            "kept apart, with its date, and corrects the figures whenever they are read.",
    .run = run,
};
