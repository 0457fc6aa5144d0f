#include "passage_judge.h"
#include "passage_track.h"
#include <stdlib.h>

enum {
    TONE_SPREAD_MM_S = 300,
    TONE_SLOW_MM_S = 8000,
    TONE_TRAVEL_MM = 150000,
    CRAWL_MM_S = 10000,
    CRAWL_MM = 300000, /* no radar of ours sees a car for so long */
    TONE_NEAR_MM_S = 700,
    TONE_TRENDS = 340,
    TREND_PARTS = 5,
    TREND_LOG = 40, /* least scatter, of the mean */
    TREND_MM_S = 60,
};
#define TONE_MEMORY_NS (120 * PASSAGE_S)

static int compare(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Quantile of sorted values, median-unbiased (Hyndman and Fan's type 8): with the few hits of a
 * fast vehicle the plainer ones read low. */
static int32_t quantile(const int32_t *sorted, unsigned n, unsigned percent) {
    unsigned at = (3 * n + 1) * percent + 100; /* from 1, in 1/300 */
    unsigned i = at / 300, rest = at % 300;
    if (i < 1)
        return sorted[0];
    if (i >= n)
        return sorted[n - 1];
    return sorted[i - 1] + (sorted[i] - sorted[i - 1]) * (int32_t)rest / 300;
}

struct summary {
    int32_t p10, median, p90, max, noise;
    int32_t trend_log, trend_speed; /* percent of what scatter alone would do */
    unsigned dense_percent;         /* of the steps from hit to hit */
};

static void sorted_speeds(const struct passage_track *t, int32_t *ret_speeds) {
    for (unsigned i = 0; i < t->kept; i++)
        ret_speeds[i] = t->hit[i].mm_s;
    qsort(ret_speeds, t->kept, sizeof *ret_speeds, compare);
}

/* Median bend as the standard deviation of one hit: 1.4826 / sqrt(1.5). */
static int32_t scatter(const struct passage_track *t, bool log, int32_t *work) {
    unsigned n = 0;
    for (unsigned i = 0; i + 2 < t->kept; i++)
        work[n++] = passage_bend(&t->hit[i], log);
    if (n == 0)
        return 0;
    qsort(work, n, sizeof *work, compare);
    return quantile(work, n, 50) * 121 / 100;
}

/* How much the mean of the parts of a track differs, against what scatter alone would make of it
 * (five standard errors of a mean); in percent. */
static int32_t trend(const struct passage_track *t, bool log, int32_t scatter_of_one,
                     int32_t least) {
    int32_t low = INT32_MAX, high = INT32_MIN, root = 1;
    for (unsigned part = 0; part < TREND_PARTS && t->kept >= TREND_PARTS; part++) {
        unsigned from = t->kept * part / TREND_PARTS, to = t->kept * (part + 1) / TREND_PARTS;
        int64_t sum = 0;
        for (unsigned i = from; i < to; i++)
            sum += log ? t->hit[i].log_mag : t->hit[i].mm_s;
        int32_t mean = (int32_t)(sum / (to - from));
        low = mean < low ? mean : low;
        high = mean > high ? mean : high;
    }
    while ((unsigned)(root * root * TREND_PARTS) < t->kept)
        root++;
    return high < low ? 0 : (high - low) * 100 / (least + 5 * scatter_of_one / root);
}

/* Vehicles are seen in most frames, raindrops in some. */
static unsigned dense(const struct passage_track *t, int64_t frame_ns) {
    unsigned n = 0;
    for (unsigned i = 1; i < t->kept; i++)
        n += 2 * (t->hit[i].t_ns - t->hit[i - 1].t_ns) <= 5 * frame_ns * t->stride;
    return n * 100 / (t->kept > 1 ? t->kept - 1 : 1);
}

static struct summary track_summary(const struct passage_track *t, int64_t frame_ns) {
    int32_t work[PASSAGE_HITS_MAX];
    struct summary s = {.noise = scatter(t, false, work), .dense_percent = dense(t, frame_ns)};
    s.trend_log = trend(t, true, scatter(t, true, work), TREND_LOG);
    s.trend_speed = trend(t, false, s.noise, TREND_MM_S);
    sorted_speeds(t, work);
    s.p10 = quantile(work, t->kept, 10);
    s.median = quantile(work, t->kept, 50);
    s.p90 = quantile(work, t->kept, 90);
    s.max = work[t->kept - 1];
    return s;
}

static int64_t travel_mm(const struct passage_track *t, const struct summary *s) {
    return (t->last_ns - t->first_ns) / 1000000 * s->median / 1000;
}

/* A tone of nearly this speed was refused not long ago. */
static bool heard_before(const struct passage *p, const struct passage_track *t,
                         const struct summary *s) {
    for (unsigned i = 0; i < PASSAGE_TONES && i < p->tone_at; i++)
        if (t->first_ns - p->tones[i].t_ns < TONE_MEMORY_NS &&
            abs(p->tones[i].mm_s - s->median) < TONE_NEAR_MM_S)
            return true;
    return false;
}

/* A fan or a wire in the wind: one speed and one strength (or two that take turns), slow, or for
 * longer than a vehicle is in view.  A vehicle shows a trend in its magnitude or, where the beam
 * makes up for the distance, in its radial speed. */
static bool is_tone(const struct passage *p, const struct passage_track *t,
                    const struct summary *s) {
    bool weighed = t->log_mag > 0;
    if (s->p90 >= (weighed ? TONE_SLOW_MM_S : TONE_SLOW_MM_S * 3 / 4) &&
        travel_mm(t, s) < TONE_TRAVEL_MM)
        return false;
    if (s->p90 < CRAWL_MM_S && travel_mm(t, s) > CRAWL_MM)
        return true;
    int32_t doubt = heard_before(p, t, s) ? 2 : 1;
    if (weighed)
        return s->trend_log + s->trend_speed < TONE_TRENDS * doubt;
    return s->p90 - s->p10 <= (TONE_SPREAD_MM_S + 3 * s->noise / 2) * doubt;
}

static void remember_tone(struct passage *p, const struct passage_track *t,
                          const struct summary *s) {
    p->tones[p->tone_at % PASSAGE_TONES].mm_s = s->median;
    p->tones[p->tone_at++ % PASSAGE_TONES].t_ns = t->last_ns;
}

/* What a track must show, by its speed: rain, runners and blown leaves do not reach the faster
 * ones, and a slow vehicle is in view for long. */
static const struct demand {
    int32_t below_mm_s;
    unsigned dense_percent, hits_percent;
    int32_t noise_percent, travel_percent; /* of what the configuration says */
} DEMANDS[] = {
    {10000, 65, 150, 100, 150},
    {15000, 40, 100, 150, 100},
    {INT32_MAX, 20, 100, 200, 100},
};

static bool is_vehicle(const struct passage *p, const struct passage_track *t,
                       const struct summary *s) {
    const struct passage_conf *conf = &p->conf;
    const struct demand *d = DEMANDS;
    while (s->p90 >= d->below_mm_s)
        d++;
    return travel_mm(t, s) * 100 >= (int64_t)conf->min_travel_mm * d->travel_percent &&
           s->noise <= conf->max_noise_mm_s * d->noise_percent / 100 &&
           t->hits * 100 >= conf->min_hits * d->hits_percent &&
           s->dense_percent >= d->dense_percent && t->shadowed * 5 <= t->hits * 4 &&
           t->mirrored * 5 < t->hits * 3;
}

static enum passage_quality grade(const struct passage_track *t, const struct summary *s) {
    bool whole = (t->flags & (PASSAGE_OVERLAP | PASSAGE_TRUNCATED | PASSAGE_LONG)) == 0;
    if (t->hits < 6)
        return QUALITY_C;
    return whole && s->trend_log >= 200 ? QUALITY_A : QUALITY_B;
}

static void tell(const struct passage *p, const struct passage_track *t, const struct summary *s,
                 struct passage_vehicle *ret_vehicle) {
    uint8_t flags = t->flags;
    if (s->max >= p->conf.max_speed_mm_s / 20 * 19)
        flags |= PASSAGE_SATURATED;
    *ret_vehicle = (struct passage_vehicle){
        .first_ns = t->first_ns,
        .last_ns = t->last_ns,
        .direction = t->sign > 0 ? DIRECTION_IN : DIRECTION_OUT,
        .speed_mm_s = s->p90,
        .max_mm_s = s->max,
        .median_mm_s = s->median,
        .magnitude = t->magnitude,
        .hits = t->hits,
        .quality = grade(t, s),
        .flags = flags,
    };
}

bool passage_judge(struct passage *p, struct passage_track *t,
                   struct passage_vehicle *ret_vehicle) {
    if (t->hits < p->conf.min_hits || t->last_ns - t->first_ns < p->conf.min_duration_ns)
        return false;
    struct summary s = track_summary(t, p->frame_ns);
    if (t->last_ns - t->first_ns >= p->conf.long_ns)
        t->flags |= PASSAGE_LONG;
    bool tone = is_tone(p, t, &s);
    if (tone)
        remember_tone(p, t, &s);
    if (tone || !is_vehicle(p, t, &s)) {
        p->refused_tracks++;
        return false;
    }
    tell(p, t, &s, ret_vehicle);
    return true;
}
