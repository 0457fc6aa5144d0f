#include "passage_jump.h"
#include <stdlib.h>

enum {
    JUMP_BEFORE = 6,       /* hits looked at before and after a possible change of vehicle */
    JUMP_MM_S = 600,       /* a jump in speed that alone says: another vehicle */
    JUMP_BACK_MM_S = 400,  /* no change of vehicle if the speed jumps the wrong way by so much */
    JUMP_LEAST_MM_S = 120, /* and none without so much, unless the magnitude is beyond doubt */
    FADED_LOG = 384,       /* a third of its peak */
    BREAK_LOG = 256,       /* twice, within a frame */
    DROP_LOG = 460,        /* a jump in magnitude (x 3.5) that alone says so */
    SURE_HITS = 8,         /* so many before and after tell a smaller jump from scatter */
    SURE_MM_S = 350,
};

static int32_t clamp(int64_t value, int32_t limit) {
    return (int32_t)(value > limit ? limit : value < -limit ? -limit : value);
}

static int32_t grown(int32_t rate_mm_s2, int64_t dt_ns) {
    return (int32_t)(rate_mm_s2 * (dt_ns / 1000) / 1000000);
}

#define SURE_NS INT64_C(2000000000)

struct line {
    int64_t t_ns;        /* of the mean */
    int32_t value, rate; /* mm/s or 1/256 of log2; per second */
};

/* Mean and slope (least squares) of n hits. */
static struct line line_through(const struct passage_hit *h, unsigned n, bool log) {
    int64_t t = 0, v = 0, tv = 0, tt = 0;
    for (unsigned i = 0; i < n; i++) {
        t += h[i].t_ns - h[0].t_ns;
        v += log ? h[i].log_mag : h[i].mm_s;
    }
    t /= n;
    v /= n;
    for (unsigned i = 0; i < n; i++) {
        int64_t dt_us = (h[i].t_ns - h[0].t_ns - t) / 1000;
        tt += dt_us * dt_us / 1000;
        tv += dt_us * ((log ? h[i].log_mag : h[i].mm_s) - v);
    }
    int32_t rate = tt > 0 ? clamp(tv * 1000 / tt, PASSAGE_RATE_MAX_MM_S2) : 0;
    return (struct line){h[0].t_ns + t, (int32_t)v, rate};
}

static int32_t line_at(const struct line *l, int64_t t_ns) {
    return l->value + grown(l->rate, t_ns - l->t_ns);
}

static int32_t at_least(int32_t value, int32_t floor) {
    return value > floor ? value : floor;
}

/* The moment between two vehicles, if there is one there. */
static int64_t between(const struct passage_hit *after) {
    return after[-1].t_ns + (after[0].t_ns - after[-1].t_ns) / 2;
}

/* How far the speed jumps the way the next vehicle's would.  One vehicle's radial speed is a curve,
 * steepest near the sensor, and a straight line drawn on from that end overshoots: there the mean
 * stands for itself, and only what a driver does (speeding up towards us, braking away from us) is
 * drawn on. */
static int32_t speed_jump(int sign, const struct passage_hit *after, unsigned before_n,
                          unsigned after_n) {
    struct line b = line_through(after - before_n, before_n, false);
    struct line a = line_through(after, after_n, false);
    if (sign > 0 && a.rate < 0)
        a.rate = 0;
    if (sign < 0 && b.rate > 0) {
        b = line_through(after - 3, 3, false);
        b.rate = 0;
    }
    return sign * (line_at(&a, between(after)) - line_at(&b, between(after)));
}

/* A magnitude that changes between two frames by more than its scatter ever did: no beam has such
 * an edge for a vehicle that is on its way in or out, so that the speed need not jump with it. */
static bool magnitude_breaks(const struct passage_track *t, const struct passage_hit *after,
                             unsigned before_n) {
    struct line b = line_through(after - before_n, before_n, true);
    struct line a = line_through(after, PASSAGE_JUMP_AFTER, true);
    int32_t drop = t->sign * (line_at(&b, between(after)) - line_at(&a, between(after)));
    int32_t need = at_least(t->noise_log * 6, BREAK_LOG), mean = 0;
    for (int i = 1; i <= 3; i++)
        mean += after[-i].log_mag / 3;
    /* Each of them, not one that pulls the line. */
    for (unsigned i = 0; i < PASSAGE_JUMP_AFTER; i++)
        if (t->sign * (mean - after[i].log_mag) < need / 2)
            return false;
    return drop >= need;
}

/* The next vehicle of a platoon comes from further away if inbound (faster radial speed, weaker),
 * from nearer if outbound (slower, stronger); a single vehicle's speed and strength go the other
 * way, and never jump.  Both jumps are weighed against the track's own scatter.
 *
 * Entering the beam a vehicle grows stronger as if another had taken over, and leaving it weaker:
 * without a jump in speed a slow change of magnitude speaks only for an outbound vehicle that was
 * fading. */
static bool jumped(const struct passage_track *t, const struct passage_hit *after,
                   unsigned before_n) {
    struct line near = line_through(after - 3, 3, true),
                far = line_through(after, PASSAGE_JUMP_AFTER, true);
    bool weighed = near.value > 0 && far.value > 0;
    int32_t jump = speed_jump(t->sign, after, before_n, PASSAGE_JUMP_AFTER);
    int32_t drop = weighed ? t->sign * (near.value - far.value) : 0;
    bool faded = t->sign < 0 && near.value < t->log_peak - FADED_LOG;
    if (weighed && magnitude_breaks(t, after, before_n))
        return jump >= 0;
    if (jump < (faded ? -JUMP_BACK_MM_S : JUMP_LEAST_MM_S) || drop < -DROP_LOG / 4)
        return false;
    int32_t need_jump = at_least(t->noise_mm_s * 5, JUMP_MM_S);
    int32_t need_drop = at_least(t->noise_log * 4, DROP_LOG);
    return jump * 100 / need_jump + drop * 100 / need_drop >= 100;
}

/* The index of the hit after the largest single step among the last ones. */
static unsigned step_index(const struct passage_track *t) {
    unsigned best = t->kept - PASSAGE_JUMP_AFTER;
    int32_t most = INT32_MIN;
    for (unsigned i = best - 1; i < t->kept; i++) {
        const struct passage_hit *h = &t->hit[i];
        int32_t step = t->sign * (h->mm_s - h[-1].mm_s) * 100 / JUMP_MM_S +
                       t->sign * (h[-1].log_mag - h->log_mag) * 100 / DROP_LOG;
        if (step > most) {
            most = step;
            best = i;
        }
    }
    return best;
}

static int32_t mean_of(const struct passage_hit *h) {
    int32_t sum = 0;
    for (unsigned i = 0; i < PASSAGE_JUMP_AFTER; i++)
        sum += h[i].mm_s;
    return sum / PASSAGE_JUMP_AFTER;
}

/* Where the speeds on both sides differ most. */
static unsigned sure_index(const struct passage_track *t) {
    unsigned best = t->kept - SURE_HITS;
    int32_t most = INT32_MIN;
    for (unsigned i = best - 2; i <= t->kept - PASSAGE_JUMP_AFTER; i++) {
        const struct passage_hit *h = &t->hit[i];
        int32_t step = t->sign * (mean_of(h) - mean_of(h - PASSAGE_JUMP_AFTER));
        if (step > most) {
            most = step;
            best = i;
        }
    }
    return best;
}

/* A smaller jump, for which more hits speak: where the sensor tells no magnitudes there is nothing
 * else to go by.  Not over so long a time that a driver may have done it. */
static bool surely_jumped(const struct passage_track *t, const struct passage_hit *after) {
    if (t->log_mag > 0 || after[SURE_HITS - 1].t_ns - after[-SURE_HITS].t_ns > SURE_NS)
        return false;
    int32_t jump = speed_jump(t->sign, after, SURE_HITS, SURE_HITS);
    return jump >= at_least(t->noise_mm_s * 3, SURE_MM_S);
}

unsigned passage_jump(const struct passage_track *t) {
    if (t->kept < PASSAGE_JUMP_AFTER + 3)
        return 0;
    unsigned before = t->kept - PASSAGE_JUMP_AFTER;
    if (jumped(t, &t->hit[before], before < JUMP_BEFORE ? before : JUMP_BEFORE))
        return step_index(t);
    if (t->kept >= 2 * SURE_HITS && surely_jumped(t, &t->hit[t->kept - SURE_HITS]))
        return sure_index(t);
    return 0;
}
