#include "radar_score.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MPH 0.44704

const char *score_rule_name(enum score_rule rule) {
    static const char *const NAMES[] = {"moorwatch", "1 s gap, 3 m/s of max", "0.75 s hold"};
    return NAMES[rule];
}

struct seen {
    unsigned n;
    struct score_seen at[SCORE_SEEN_MAX];
};

static void see(struct seen *s, const struct score_seen *v) {
    if (s->n < SCORE_SEEN_MAX)
        s->at[s->n++] = *v;
}

/* ---- the rules of others ---- */

enum { RULE_TRACKS = 32, RULE_HITS_MIN = 3 };

struct rule_track {
    bool used;
    double sum, from_s, to_s, max;
    unsigned n;
};

struct rule {
    struct rule_track tracks[RULE_TRACKS];
};

static void rule_close(struct rule_track *t, struct seen *out) {
    t->used = false;
    if (t->n < RULE_HITS_MIN)
        return;
    struct score_seen v = {t->sum > 0, t->from_s, t->to_s, t->max};
    see(out, &v);
}

static void rule_expire(struct rule *r, double now_s, double hold_s, struct seen *out) {
    for (unsigned i = 0; i < RULE_TRACKS; i++)
        if (r->tracks[i].used && now_s - r->tracks[i].to_s > hold_s)
            rule_close(&r->tracks[i], out);
}

static void rule_hit(struct rule_track *t, double now_s, double v) {
    if (!t->used)
        *t = (struct rule_track){.used = true, .from_s = now_s};
    t->to_s = now_s;
    t->sum += v;
    t->n++;
    t->max = fabs(v) > t->max ? fabs(v) : t->max;
}

static void rule_gap(struct rule *r, double now_s, double v) {
    struct rule_track *best = NULL, *unused = &r->tracks[0];
    for (unsigned i = 0; i < RULE_TRACKS; i++) {
        struct rule_track *t = &r->tracks[i];
        double off = fabs(fabs(v) - t->max);
        if (!t->used)
            unused = t;
        else if (off <= 3 && (best == NULL || off < fabs(fabs(v) - best->max)))
            best = t;
    }
    rule_hit(best != NULL ? best : unused, now_s, v);
}

static void rule_hold(struct rule *r, double now_s, double v) {
    rule_hit(&r->tracks[v > 0], now_s, v);
}

static void run_rule(enum score_rule rule, struct physics_drive *d, struct seen *out) {
    struct rule r;
    memset(&r, 0, sizeof r);
    struct radar_frame f;
    double hold_s = rule == SCORE_GAP ? 1.0 : 0.75;
    while (physics_drive_next(d, &f)) {
        double now_s = (double)f.t_ns / 1e9;
        rule_expire(&r, now_s, hold_s, out);
        for (unsigned i = 0; i < f.count; i++) {
            double v = f.targets[i].speed_mm_s / 1000.0;
            if (fabs(v) < 2.2352) /* 5 mph: the floor of the first, near that of the second */
                continue;
            (rule == SCORE_GAP ? rule_gap : rule_hold)(&r, now_s, v);
        }
    }
    rule_expire(&r, INFINITY, hold_s, out);
}

/* ---- ours ---- */

static void see_vehicles(const struct passage_vehicle *v, unsigned n, struct seen *out) {
    for (unsigned i = 0; i < n; i++) {
        struct score_seen s = {v[i].direction == DIRECTION_IN, (double)v[i].first_ns / 1e9,
                               (double)v[i].last_ns / 1e9, v[i].speed_mm_s / 1000.0};
        see(out, &s);
    }
}

static void run_ours(struct physics_drive *d, struct seen *out) {
    static _Thread_local struct passage p;
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame f;
    passage_init(&p, &PASSAGE_DEFAULTS);
    while (physics_drive_next(d, &f))
        see_vehicles(v, passage_frame(&p, &f, v), out);
    see_vehicles(v, passage_flush(&p, v), out);
}

/* ---- counting ---- */

static double overlap(const struct physics_truth *t, const struct score_seen *s) {
    double from = t->from_s > s->from_s ? t->from_s : s->from_s;
    double to = t->to_s < s->to_s ? t->to_s : s->to_s;
    return to - from;
}

/* Vehicles hide one another far from the sensor, never near it: how far apart in time the two are
 * at that end. */
static double apart(const struct physics_truth *t, const struct score_seen *s) {
    return t->inbound ? fabs(t->to_s - s->to_s) : fabs(t->from_s - s->from_s);
}

/* The unclaimed vehicle nearest to the truth, if it shares time and is as fast within 5 mph. */
static int match(const struct physics_truth *t, const struct seen *seen, const bool *claimed,
                 bool right_way) {
    int best = -1;
    double least = 0;
    for (unsigned i = 0; i < seen->n; i++) {
        const struct score_seen *s = &seen->at[i];
        double off = apart(t, s) + fabs(s->m_s - t->m_s) / 5;
        if (claimed[i] || (s->inbound == t->inbound) != right_way || overlap(t, s) <= 0 ||
            fabs(s->m_s - t->m_s) > 5 * MPH)
            continue;
        if (best < 0 || off < least) {
            best = (int)i;
            least = off;
        }
    }
    return best;
}

static void count_error(struct score *s, const struct physics_truth *t,
                        const struct score_seen *seen) {
    if (s->errors == SCORE_ERRORS_MAX)
        return;
    double e = (seen->m_s - t->m_s) / MPH;
    s->bias_sum += e;
    s->error_mph[s->errors++] = (float)e;
}

static void count(struct score *s, const struct physics_drive *d, const struct seen *seen) {
    static _Thread_local bool claimed[SCORE_SEEN_MAX], found[PHYSICS_TRUTHS_MAX];
    memset(claimed, 0, sizeof claimed);
    memset(found, 0, sizeof found);
    unsigned hits = 0;
    for (int right = 1; right >= 0; right--)
        for (unsigned i = 0; i < d->truths; i++) {
            int k = found[i] ? -1 : match(&d->truth[i], seen, claimed, right);
            if (k < 0)
                continue;
            claimed[k] = found[i] = true;
            hits++;
            s->found += right == 1;
            s->wrong_way += right == 0;
            if (right)
                count_error(s, &d->truth[i], &seen->at[k]);
        }
    s->truths += d->truths;
    s->extra += seen->n - hits;
    s->hours += d->end_s / 3600;
}

void score_run(struct score *s, enum score_rule rule, enum physics_scene scene, uint64_t seed,
               double seconds) {
    static _Thread_local struct physics_drive d;
    static _Thread_local struct seen seen;
    seen.n = 0;
    physics_drive_init(&d, scene, seed, seconds);
    if (rule == SCORE_OURS)
        run_ours(&d, &seen);
    else
        run_rule(rule, &d, &seen);
    count(s, &d, &seen);
}

void score_add(struct score *s, const struct physics_drive *drive, const struct score_seen *seen,
               unsigned seen_count) {
    static _Thread_local struct seen all;
    all.n = 0;
    for (unsigned i = 0; i < seen_count; i++)
        see(&all, &seen[i]);
    count(s, drive, &all);
}

double score_found_percent(const struct score *s) {
    return s->truths > 0 ? 100.0 * s->found / s->truths : NAN;
}

double score_extra_per_hour(const struct score *s) {
    return s->hours > 0 ? s->extra / s->hours : NAN;
}

double score_found_margin(const struct score *s) {
    double n = s->truths, p = n > 0 ? s->found / n : NAN, z = 1.96;
    return 100 * z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
}

double score_extra_margin(const struct score *s) {
    return s->hours > 0 ? (s->extra > 0 ? 1.96 * sqrt(s->extra) : 3) / s->hours : NAN;
}

double score_bias_mph(const struct score *s) {
    return s->errors > 0 ? s->bias_sum / s->errors : NAN;
}

static int by_size(const void *a, const void *b) {
    float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return (x > y) - (x < y);
}

double score_p95_mph(struct score *s) {
    if (s->errors == 0)
        return NAN;
    qsort(s->error_mph, s->errors, sizeof *s->error_mph, by_size);
    return fabsf(s->error_mph[(s->errors - 1) * 95 / 100]);
}

double score_direction_percent(const struct score *s) {
    unsigned n = s->found + s->wrong_way;
    return n > 0 ? 100.0 * s->found / n : NAN;
}
