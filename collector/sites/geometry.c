#include "geometry.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct geometry GEOMETRY_DEFAULTS = {
    .lane_in_cm = 400,
    .lane_out_cm = 750,
    .height_cm = 0,
    .aim_deg10 = 100,
    .beam_deg10 = 200,
    .range_cm = 8000,
};

/* What a roadside can be; the order is that of a line in the store. */
static const struct {
    const char *name;
    size_t at;
    int32_t min, max;
} FIELDS[] = {
    {"lane_in", offsetof(struct geometry, lane_in_cm), 50, 3000},
    {"lane_out", offsetof(struct geometry, lane_out_cm), 50, 3000},
    {"height", offsetof(struct geometry, height_cm), -500, 1000},
    {"aim", offsetof(struct geometry, aim_deg10), 0, 450},
    {"beam", offsetof(struct geometry, beam_deg10), 20, 900},
    {"range", offsetof(struct geometry, range_cm), 1000, 30000},
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

static int32_t *field_of(struct geometry *g, size_t i) {
    return (int32_t *)(void *)((char *)g + FIELDS[i].at);
}

static int32_t value_of(const struct geometry *g, size_t i) {
    int32_t value;
    memcpy(&value, (const char *)g + FIELDS[i].at, sizeof value);
    return value;
}

int geometry_check(const struct geometry *g, const char **ret_field) {
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int32_t value = value_of(g, i);
        if (value >= FIELDS[i].min && value <= FIELDS[i].max)
            continue;
        if (ret_field != NULL)
            *ret_field = FIELDS[i].name;
        return ERR_RANGE;
    }
    return 0;
}

/* ---- the factor ---- */

/* One lane in plain numbers, so that errors can be tried out on it. */
struct sight {
    double offset_m, aim_rad, half_beam_rad, range_m;
    double view_m; /* 0: not known */
};

/* A beam that looks straight across the road is still left some degrees before the right angle. */
static const double STEEPEST_RAD = 1.48; /* 85 degrees */

/* 0 where the beam does not meet the lane within the range. */
static double view_of(const struct sight *s, double near) {
    double inner = s->aim_rad - s->half_beam_rad;
    double far = inner > 0 ? fmin(s->range_m, s->offset_m / tan(inner)) : s->range_m;
    return s->view_m > 0 ? s->view_m : fmax(far - near, 0);
}

static double factor_of(const struct sight *s) {
    double near = s->offset_m / tan(fmin(s->aim_rad + s->half_beam_rad, STEEPEST_RAD));
    double view = view_of(s, near), x90 = near + 0.9 * view;
    return view > 0 ? hypot(x90, s->offset_m) / x90 : 0;
}

static struct sight sight_of(const struct geometry *g, bool away, int32_t view_cm) {
    static const double DEG10 = 3.14159265358979323846 / 1800.0;
    double sideways = (away ? g->lane_out_cm : g->lane_in_cm) / 100.0;
    return (struct sight){
        .offset_m = hypot(sideways, g->height_cm / 100.0),
        .aim_rad = g->aim_deg10 * DEG10,
        .half_beam_rad = g->beam_deg10 * DEG10 / 2,
        .range_m = g->range_cm / 100.0,
        .view_m = view_cm / 100.0,
    };
}

/* The corner of the errors that takes least (sign -1) or most (+1). */
static double corner_of(const struct sight *s, int sign) {
    static const double AIM_RAD = 0.0349, OFFSET_M = 0.5, RANGE_SHARE = 0.5, VIEW_SHARE = 0.25;
    struct sight at = *s;
    at.aim_rad = fmax(at.aim_rad + sign * AIM_RAD, 0);
    at.offset_m = fmax(at.offset_m + sign * OFFSET_M, 0.1);
    at.range_m *= 1 - sign * RANGE_SHARE;
    at.view_m *= 1 - sign * VIEW_SHARE;
    return factor_of(&at);
}

int geometry_factor(const struct geometry *g, bool away, int32_t view_cm,
                    struct geometry_factor *ret_factor) {
    if (geometry_check(g, NULL) < 0 || view_cm < 0)
        return ERR_RANGE;
    struct sight s = sight_of(g, away, view_cm);
    struct geometry_factor f = {
        .factor = factor_of(&s), .low = corner_of(&s, -1), .high = corner_of(&s, 1)};
    if (f.factor == 0)
        return ERR_RANGE;
    /* A corner that misses the lane says nothing: then the interval ends at the factor itself. */
    f.low = f.low == 0 ? f.factor : fmin(f.low, f.factor);
    f.high = fmax(f.high, f.factor);
    *ret_factor = f;
    return 0;
}

/* ---- how far vehicles are in view ---- */

void geometry_view_add(struct geometry_views *v, bool away, uint16_t speed_mph10,
                       uint32_t duration_ms) {
    static const double CM_S_PER_MPH10 = 4.4704;
    double cm = speed_mph10 * CM_S_PER_MPH10 * duration_ms / 1000;
    if (v->n[away] < GEOMETRY_VIEWS_MAX && cm < INT32_MAX)
        v->cm[away][v->n[away]++] = (int32_t)cm;
}

static int by_length(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

int32_t geometry_view(struct geometry_views *v, bool away) {
    size_t n = v->n[away];
    qsort(v->cm[away], n, sizeof v->cm[away][0], by_length);
    return n < GEOMETRY_VIEWS_LEAST ? 0 : v->cm[away][n / 2];
}

/* ---- finding the aim ---- */

int geometry_aim(const struct geometry *g, bool away, int32_t view_cm, double driven_mph,
                 double told_mph, int32_t *ret_aim_deg10) {
    enum { AIM_MAX_DEG10 = 450 };
    static const double NEAR_ENOUGH = 0.005;
    if (!(told_mph > 0) || !(driven_mph > 0) || geometry_check(g, NULL) < 0)
        return ERR_RANGE;
    double best = NEAR_ENOUGH;
    int found = ERR_RANGE;
    struct geometry at = *g;
    for (at.aim_deg10 = 0; at.aim_deg10 <= AIM_MAX_DEG10; at.aim_deg10++) {
        struct geometry_factor f;
        if (geometry_factor(&at, away, view_cm, &f) < 0 ||
            fabs(f.factor - driven_mph / told_mph) >= best)
            continue;
        best = fabs(f.factor - driven_mph / told_mph);
        *ret_aim_deg10 = at.aim_deg10;
        found = 0;
    }
    return found;
}

int geometry_aim_by_tape(int32_t along_cm, int32_t across_cm, int32_t *ret_aim_deg10) {
    if (along_cm < 100 || across_cm < 0)
        return ERR_RANGE;
    double deg10 = atan2(across_cm, along_cm) * 1800.0 / 3.14159265358979323846;
    if (deg10 > 450)
        return ERR_RANGE;
    *ret_aim_deg10 = (int32_t)lround(deg10);
    return 0;
}

/* ---- histories ---- */

void geometry_key(const char *site, char buf[GEOMETRY_KEY_MAX]) {
    (void)snprintf(buf, GEOMETRY_KEY_MAX, "geometry/%.31s", site);
}

const struct geometry *geometry_at(const struct geometry_history *h, int64_t unix_ms) {
    const struct geometry *found = NULL;
    for (size_t i = 0; i < h->count && h->period[i].from_ms <= unix_ms; i++)
        found = &h->period[i].geometry;
    return found;
}

int geometry_add(struct geometry_history *h, int64_t from_ms, const struct geometry *g) {
    if (geometry_check(g, NULL) < 0 || from_ms < 0)
        return ERR_RANGE;
    size_t i = 0;
    while (i < h->count && h->period[i].from_ms < from_ms)
        i++;
    bool replaces = i < h->count && h->period[i].from_ms == from_ms;
    if (!replaces && h->count == GEOMETRY_PERIODS_MAX)
        return ERR_NOSPACE;
    if (!replaces) {
        memmove(&h->period[i + 1], &h->period[i], (h->count - i) * sizeof h->period[0]);
        h->count++;
    }
    h->period[i] = (struct geometry_period){from_ms, *g};
    return 0;
}

int geometry_write(const struct geometry_history *h, char buf[GEOMETRY_TEXT_MAX]) {
    int have = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < h->count; i++) {
        have += snprintf(buf + have, (size_t)(GEOMETRY_TEXT_MAX - have), "%" PRId64,
                         h->period[i].from_ms);
        for (size_t f = 0; f < FIELD_COUNT; f++)
            have += snprintf(buf + have, (size_t)(GEOMETRY_TEXT_MAX - have), " %" PRId32,
                             value_of(&h->period[i].geometry, f));
        have += snprintf(buf + have, (size_t)(GEOMETRY_TEXT_MAX - have), "\n");
    }
    return have;
}

/* The line at `text`; returns where it ends, NULL if it is none. */
static const char *line_read(const char *text, struct geometry_period *ret_period) {
    struct geometry_period p = {0};
    int used = 0;
    if (sscanf(text, "%18" SCNd64 "%n", &p.from_ms, &used) != 1)
        return NULL;
    text += used;
    for (size_t i = 0; i < FIELD_COUNT; i++, text += used)
        if (sscanf(text, " %9" SCNd32 "%n", field_of(&p.geometry, i), &used) != 1)
            return NULL;
    if (*text != '\n')
        return NULL;
    *ret_period = p;
    return text + 1;
}

int geometry_read(const char *text, struct geometry_history *ret_history) {
    struct geometry_history h = {0};
    while (text != NULL && *text != '\0') {
        struct geometry_period p;
        text = line_read(text, &p);
        if (text == NULL || geometry_add(&h, p.from_ms, &p.geometry) < 0)
            return ERR_BADMSG;
    }
    *ret_history = h;
    return 0;
}
