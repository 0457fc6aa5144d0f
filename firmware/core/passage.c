#include "passage.h"
#include "passage_jump.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

enum {
    RATE_YOUNG_MM_S2 =
        6000, /* a young track does not know its rate: the gate is wider by so much */
    YOUNG_HITS = 3,
    PREDICT_MAX_MS = 800,
    NOISE_BEGIN_MM_S = 120,
    NOISE_LOG_BEGIN = 100,
    STALE_MM_S = 500,   /* the cost of a second's silence */
    TIE_MM_S = 200,     /* what a factor of two in magnitude is worth when tracks compete */
    HIDES_LOG = 128,    /* scatter allowed in being stronger */
    TAKEOVER_LOG = 512, /* four times */
    TWIN_MM_S = 400,    /* an echo is so near the speed of its stronger twin */
    IMAGE_LOG = 512,    /* a mirror image is at least four times weaker */
    TONE_SPREAD_MM_S = 300,
    TONE_SLOW_MM_S = 8000,
    TONE_TRAVEL_MM = 150000,
    TONE_NEAR_MM_S = 700,
    TONE_TRENDS = 340,
    TREND_PARTS = 5,
    TREND_LOG = 40, /* least scatter, of the mean */
    TREND_MM_S = 60,
    LEVEL_ALPHA = 150, /* of 256 */
    LEVEL_BETA = 40,
};
#define MASKED_MAX_NS (3 * NS_PER_S / 2)
#define TONE_MEMORY_NS (120 * NS_PER_S)
#define SILENCE_MAX_NS (9 * NS_PER_S / 5)
#define INTERVAL_BEGIN_NS (NS_PER_S / 10)

const struct passage_conf PASSAGE_DEFAULTS = {
    .min_speed_mm_s = 4000,
    .max_speed_mm_s = 62200,
    .min_magnitude = 20,
    .gate_mm_s = 1000,
    .gate_mm_s2 = 1000,
    .silence_ns = 800000000,
    .min_hits = 4,
    .min_duration_ns = 250000000,
    .min_travel_mm = 6000,
    .max_noise_mm_s = 320,
    .long_ns = 8 * NS_PER_S,
};

void passage_init(struct passage *p, const struct passage_conf *conf) {
    memset(p, 0, sizeof *p);
    p->conf = *conf;
    p->capacity = 1;
}

/* ---- small arithmetic ---- */

/* log2 in 1/256, straight between the powers of two; at least 1, for 0 means untold. */
static int32_t log2_of(uint32_t magnitude) {
    if (magnitude == 0)
        return 0;
    int bits = 31 - __builtin_clz(magnitude);
    uint32_t fraction = (uint32_t)(((uint64_t)magnitude << 8) >> bits) & 0xff;
    int32_t log = bits * 256 + (int32_t)fraction;
    return log > 0 ? log : 1;
}

static int32_t at_least(int32_t value, int32_t floor) {
    return value > floor ? value : floor;
}

static int32_t clamp(int64_t value, int32_t limit) {
    return (int32_t)(value > limit ? limit : value < -limit ? -limit : value);
}

static int32_t per_second(int64_t mm_s, int64_t dt_ns) {
    return dt_ns > 0 ? clamp(mm_s * NS_PER_S / dt_ns, PASSAGE_RATE_MAX_MM_S2) : 0;
}

static int32_t grown(int32_t rate_mm_s2, int64_t dt_ns) {
    return (int32_t)(rate_mm_s2 * (dt_ns / 1000) / 1000000);
}

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

/* ---- one track ---- */

static int32_t track_predict(const struct passage_track *t, int64_t now_ns) {
    int64_t dt = now_ns - t->last_ns;
    if (dt > PREDICT_MAX_MS * INT64_C(1000000))
        dt = PREDICT_MAX_MS * INT64_C(1000000);
    return t->level_mm_s + grown(t->rate_mm_s2, dt);
}

static void track_keep(struct passage_track *t, const struct passage_hit *hit) {
    if ((t->hits - 1) % t->stride != 0)
        return;
    if (t->kept == PASSAGE_HITS_MAX) {
        for (unsigned i = 0; i < PASSAGE_HITS_MAX / 2; i++)
            t->hit[i] = t->hit[2 * i];
        t->kept = PASSAGE_HITS_MAX / 2;
        t->stride *= 2;
    }
    t->hit[t->kept++] = *hit;
}

/* How far the middle of three lies from the line between its neighbours. */
static int32_t bend(const struct passage_hit *h, bool log) {
    int64_t whole = h[2].t_ns - h[0].t_ns, part = h[1].t_ns - h[0].t_ns;
    int32_t a = log ? h[0].log_mag : h[0].mm_s, b = log ? h[1].log_mag : h[1].mm_s;
    int32_t c = log ? h[2].log_mag : h[2].mm_s;
    if (whole <= 0)
        return 0;
    return abs(b - a - (int32_t)((c - a) * part / whole));
}

/* Learns the scatter from hits that a change of vehicle now in question cannot have touched. */
static void track_noise(struct passage_track *t) {
    if (t->kept < PASSAGE_JUMP_AFTER + 3)
        return;
    const struct passage_hit *h = &t->hit[t->kept - PASSAGE_JUMP_AFTER - 3];
    int32_t weight = t->kept < PASSAGE_JUMP_AFTER + 8 ? (int32_t)t->kept - PASSAGE_JUMP_AFTER : 8;
    t->noise_mm_s += (bend(h, false) - t->noise_mm_s) / weight;
    if (h[0].log_mag > 0 && h[2].log_mag > 0)
        t->noise_log += (bend(h, true) - t->noise_log) / weight;
}

static void track_filter(struct passage_track *t, const struct passage_hit *hit) {
    int64_t dt = hit->t_ns - t->last_ns;
    int32_t predicted = track_predict(t, hit->t_ns), off = hit->mm_s - predicted;
    t->level_mm_s = predicted + off * LEVEL_ALPHA / 256;
    if (t->age >= 2)
        t->rate_mm_s2 =
            clamp(t->rate_mm_s2 + per_second(off, dt) * LEVEL_BETA / 256, PASSAGE_RATE_MAX_MM_S2);
    if (hit->log_mag > 0)
        t->log_mag = t->log_mag == 0 ? hit->log_mag : t->log_mag + (hit->log_mag - t->log_mag) / 2;
    if (t->log_mag > t->log_peak)
        t->log_peak = t->log_mag;
    t->interval_ns += (dt - t->interval_ns) / 4;
}

static void track_hit(struct passage_track *t, const struct passage_hit *hit, uint32_t magnitude) {
    track_filter(t, hit);
    t->last_ns = hit->t_ns;
    t->masked_ns = 0;
    t->age++;
    t->hits++;
    if (magnitude > t->magnitude)
        t->magnitude = magnitude;
    track_keep(t, hit);
    track_noise(t);
}

static void track_begin(struct passage_track *t, int sign, const struct passage_hit *hit) {
    t->used = true;
    t->sign = sign;
    t->first_ns = t->last_ns = hit->t_ns;
    t->masked_ns = 0;
    t->level_mm_s = hit->mm_s;
    t->rate_mm_s2 = 0;
    t->log_mag = t->log_peak = hit->log_mag;
    t->interval_ns = INTERVAL_BEGIN_NS;
    t->noise_mm_s = NOISE_BEGIN_MM_S;
    t->noise_log = NOISE_LOG_BEGIN;
    t->magnitude = 0;
    t->age = t->hits = t->shadowed = t->kept = 0;
    t->stride = 1;
    t->flags = 0;
}

/* ---- is it a vehicle? ---- */

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
        work[n++] = bend(&t->hit[i], log);
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
           s->dense_percent >= d->dense_percent && t->shadowed * 5 <= t->hits * 4;
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

/* Ends a track; 1 if it was a vehicle. */
static unsigned track_end(struct passage *p, struct passage_track *t,
                          struct passage_vehicle *ret_vehicle) {
    t->used = false;
    if (t->hits < p->conf.min_hits || t->last_ns - t->first_ns < p->conf.min_duration_ns)
        return 0;
    struct summary s = track_summary(t, p->frame_ns);
    if (t->last_ns - t->first_ns >= p->conf.long_ns)
        t->flags |= PASSAGE_LONG;
    bool tone = is_tone(p, t, &s);
    if (tone)
        remember_tone(p, t, &s);
    if (tone || !is_vehicle(p, t, &s)) {
        p->refused_tracks++;
        return 0;
    }
    tell(p, t, &s, ret_vehicle);
    return 1;
}

/* ---- a platoon: the next vehicle took over ---- */

static uint32_t magnitude_of(int32_t log_mag) {
    if (log_mag == 0)
        return 0;
    uint32_t base = 256u + ((uint32_t)log_mag & 0xff);
    unsigned bits = (unsigned)log_mag >> 8;
    return bits >= 8 ? base << (bits - 8) : base >> (8 - bits);
}

/* Rebuilds both halves from the kept hits: `t` keeps the older ones, `next` gets the newer. */
static void track_split(struct passage_track *t, unsigned at, struct passage_track *next) {
    track_begin(next, t->sign, &t->hit[at]);
    for (unsigned i = at; i < t->kept; i++)
        track_hit(next, &t->hit[i], magnitude_of(t->hit[i].log_mag));
    next->flags = t->flags | PASSAGE_OVERLAP;
    next->flags &= (uint8_t)~PASSAGE_TRUNCATED;
    t->flags |= PASSAGE_OVERLAP;
    t->hits -= next->hits * t->stride < t->hits ? next->hits * t->stride : t->hits - 1;
    t->kept = at;
    t->last_ns = t->hit[at - 1].t_ns;
    t->magnitude = 0;
    for (unsigned i = 0; i < at; i++)
        if (magnitude_of(t->hit[i].log_mag) > t->magnitude)
            t->magnitude = magnitude_of(t->hit[i].log_mag);
}

static unsigned track_part(struct passage *p, struct passage_track *t,
                           struct passage_vehicle *ret_vehicle) {
    unsigned at = passage_jump(t);
    if (at == 0)
        return 0;
    struct passage_track next;
    track_split(t, at, &next);
    unsigned n = track_end(p, t, ret_vehicle);
    *t = next;
    return n;
}

/* ---- frames ---- */

static bool usable(const struct passage_conf *conf, const struct radar_target *target) {
    int32_t v = target->speed_mm_s < 0 ? -target->speed_mm_s : target->speed_mm_s;
    return v >= conf->min_speed_mm_s && v < conf->max_speed_mm_s &&
           (target->magnitude == 0 || target->magnitude >= conf->min_magnitude);
}

static struct passage_hit hit_of(const struct radar_frame *f, unsigned i) {
    int32_t v = f->targets[i].speed_mm_s;
    return (struct passage_hit){f->t_ns, v < 0 ? -v : v, log2_of(f->targets[i].magnitude)};
}

static int sign_of(const struct radar_target *target) {
    return target->speed_mm_s > 0 ? 1 : -1;
}

/* An approaching vehicle does not suddenly lose three quarters of its strength, nor a receding one
 * gain them: that is the next one. */
static bool taken_over(const struct passage_track *t, const struct passage_hit *hit) {
    int32_t weaker = t->sign * (t->log_mag - hit->log_mag);
    return t->age >= YOUNG_HITS && weaker > at_least(t->noise_log * 6, TAKEOVER_LOG);
}

/* Cost of a target for a track, or -1: outside the gate. */
static int32_t cost(const struct passage_conf *conf, const struct passage_track *t,
                    const struct passage_hit *hit) {
    int64_t dt = hit->t_ns - t->last_ns;
    if (dt > PREDICT_MAX_MS * INT64_C(1000000))
        dt = PREDICT_MAX_MS * INT64_C(1000000);
    int32_t off = abs(hit->mm_s - track_predict(t, hit->t_ns));
    int32_t gate = conf->gate_mm_s + grown(conf->gate_mm_s2, dt);
    if (t->age < YOUNG_HITS)
        gate += grown(RATE_YOUNG_MM_S2, dt);
    if (off > gate)
        return -1;
    /* A track just hit knows better where it is than one that has been hidden. */
    off += (int32_t)(dt / 1000000) * STALE_MM_S / 1000;
    if (hit->log_mag == 0 || t->log_mag == 0)
        return off;
    if (taken_over(t, hit))
        return -1;
    int32_t usual = at_least(t->noise_log, NOISE_LOG_BEGIN);
    return off + abs(hit->log_mag - t->log_mag) * TIE_MM_S / 256 * NOISE_LOG_BEGIN / usual;
}

struct pair {
    unsigned track, target;
};

/* The cheapest pair of a free track and a free target; false when none is left. */
static bool cheapest(const struct passage *p, const struct radar_frame *f, uint32_t tracks_taken,
                     uint32_t targets_taken, struct pair *ret_pair) {
    int32_t best = -1;
    for (unsigned k = 0; k < PASSAGE_TRACKS * RADAR_TARGETS_MAX; k++) {
        unsigned i = k / RADAR_TARGETS_MAX, j = k % RADAR_TARGETS_MAX;
        const struct passage_track *t = &p->tracks[i];
        if (!t->used || j >= f->count || (tracks_taken >> i & 1) || (targets_taken >> j & 1) ||
            t->sign != sign_of(&f->targets[j]))
            continue;
        struct passage_hit hit = hit_of(f, j);
        int32_t c = cost(&p->conf, t, &hit);
        if (c >= 0 && (best < 0 || c < best)) {
            best = c;
            *ret_pair = (struct pair){i, j};
        }
    }
    return best >= 0;
}

/* A weaker copy of another target of the frame: a side lobe or another part of the same vehicle
 * (same sign), or the image of imperfect I/Q (other sign). */
static bool shadowed(const struct radar_frame *f, unsigned i) {
    struct passage_hit mine = hit_of(f, i);
    for (unsigned j = 0; j < f->count; j++) {
        struct passage_hit other = hit_of(f, j);
        bool same = sign_of(&f->targets[i]) == sign_of(&f->targets[j]);
        int32_t weaker = other.log_mag - mine.log_mag;
        if (j == i || abs(other.mm_s - mine.mm_s) > (same ? TWIN_MM_S : TWIN_MM_S / 2))
            continue;
        if (same ? weaker > 0 || (weaker == 0 && j < i) : weaker > IMAGE_LOG)
            return true;
    }
    return false;
}

static void mark_overlap(struct passage *p, const struct passage_track *t) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *o = &p->tracks[i];
        if (o == t || !o->used || o->sign != t->sign || o->hits < p->conf.min_hits)
            continue;
        o->flags |= PASSAGE_OVERLAP;
    }
}

static void give(struct passage *p, struct passage_track *t, const struct radar_frame *f,
                 unsigned target) {
    struct passage_hit hit = hit_of(f, target);
    track_hit(t, &hit, f->targets[target].magnitude);
    t->shadowed += shadowed(f, target);
    if (t->hits == p->conf.min_hits)
        for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
            const struct passage_track *o = &p->tracks[i];
            if (o != t && o->used && o->sign == t->sign && o->hits >= p->conf.min_hits) {
                t->flags |= PASSAGE_OVERLAP;
                mark_overlap(p, t);
            }
        }
}

static void open_track(struct passage *p, const struct radar_frame *f, unsigned target) {
    struct passage_track *t = NULL;
    for (unsigned i = 0; i < PASSAGE_TRACKS && t == NULL; i++)
        if (!p->tracks[i].used)
            t = &p->tracks[i];
    if (t == NULL) {
        p->refused_targets++;
        return;
    }
    struct passage_hit hit = hit_of(f, target);
    track_begin(t, sign_of(&f->targets[target]), &hit);
    if (f->t_ns - p->first_ns < p->conf.silence_ns / 4)
        t->flags |= PASSAGE_TRUNCATED;
    give(p, t, f, target);
}

/* Far away and weak, or seen by a slow sensor, a vehicle is silent for longer. */
static int64_t silence_of(const struct passage_conf *conf, const struct passage_track *t) {
    int64_t ns = 4 * t->interval_ns;
    ns = ns > SILENCE_MAX_NS ? SILENCE_MAX_NS : ns;
    return (ns > conf->silence_ns ? ns : conf->silence_ns) + t->masked_ns;
}

static unsigned close_silent(struct passage *p, int64_t now_ns, struct passage_vehicle *ret) {
    unsigned n = 0;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *t = &p->tracks[i];
        if (t->used && now_ns - t->last_ns > silence_of(&p->conf, t))
            n += track_end(p, t, &ret[n]);
    }
    return n;
}

/* A full frame of stronger targets says nothing about the silence of a weaker one. */
static bool hides(const struct radar_frame *f, const struct passage_track *t) {
    for (unsigned j = 0; j < f->count; j++) {
        int32_t log_mag = log2_of(f->targets[j].magnitude);
        bool other = sign_of(&f->targets[j]) != t->sign;
        bool stronger = log_mag > 0 && t->log_mag > 0 && log_mag > t->log_mag - HIDES_LOG;
        if (!stronger && !(other && log_mag == 0))
            return false;
    }
    return t->hits >= YOUNG_HITS && t->last_ns < f->t_ns;
}

static void mask(struct passage *p, const struct radar_frame *f, int64_t dt_ns) {
    if (f->count < p->capacity)
        return;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *t = &p->tracks[i];
        bool hidden = t->used && hides(f, t);
        if (hidden && t->masked_ns + dt_ns <= MASKED_MAX_NS)
            t->masked_ns += dt_ns;
    }
}

/* What of a frame can be a vehicle. */
static struct radar_frame sifted(struct passage *p, const struct radar_frame *f) {
    struct radar_frame out = {.t_ns = f->t_ns, .count = 0};
    unsigned count = f->count < RADAR_TARGETS_MAX ? f->count : RADAR_TARGETS_MAX;
    for (unsigned i = 0; i < count; i++)
        if (usable(&p->conf, &f->targets[i]))
            out.targets[out.count++] = f->targets[i];
        else
            p->refused_targets++;
    if (count > p->capacity)
        p->capacity = count;
    return out;
}

static unsigned associate(struct passage *p, const struct radar_frame *f,
                          struct passage_vehicle *ret) {
    uint32_t tracks = 0, targets = 0;
    unsigned n = 0;
    struct pair pair;
    while (cheapest(p, f, tracks, targets, &pair)) {
        tracks |= 1u << pair.track;
        targets |= 1u << pair.target;
        give(p, &p->tracks[pair.track], f, pair.target);
        n += track_part(p, &p->tracks[pair.track], &ret[n]);
    }
    for (unsigned j = 0; j < f->count; j++)
        if (!(targets >> j & 1))
            open_track(p, f, j);
    return n;
}

/* Follows the low end of the times between frames: a sensor may be silent when it sees nothing. */
static void learn_interval(struct passage *p, int64_t dt_ns) {
    if (dt_ns <= 0)
        return;
    if (p->frame_ns == 0 || dt_ns < p->frame_ns)
        p->frame_ns = p->frame_ns == 0 ? dt_ns : p->frame_ns - (p->frame_ns - dt_ns) / 4;
    else
        p->frame_ns += (dt_ns < 3 * p->frame_ns / 2 ? dt_ns - p->frame_ns : p->frame_ns / 2) / 32;
}

unsigned passage_frame(struct passage *p, const struct radar_frame *frame,
                       struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    if (p->begun && frame->t_ns < p->last_ns) {
        p->refused_frames++;
        return 0;
    }
    if (!p->begun)
        p->first_ns = p->last_ns = frame->t_ns;
    p->begun = true;
    unsigned n = close_silent(p, frame->t_ns, ret_vehicles);
    struct radar_frame f = sifted(p, frame);
    int64_t dt = frame->t_ns - p->last_ns;
    learn_interval(p, dt);
    n += associate(p, &f, &ret_vehicles[n]);
    mask(p, &f, dt);
    p->last_ns = frame->t_ns;
    return n;
}

unsigned passage_tick(struct passage *p, int64_t now_ns,
                      struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    return close_silent(p, now_ns, ret_vehicles);
}

unsigned passage_flush(struct passage *p, struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    unsigned n = 0;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *t = &p->tracks[i];
        if (!t->used)
            continue;
        if (p->last_ns - t->last_ns <= p->conf.silence_ns / 4)
            t->flags |= PASSAGE_TRUNCATED;
        n += track_end(p, t, &ret_vehicles[n]);
    }
    return n;
}

void passage_event(const struct passage_vehicle *vehicle, struct event *ret_event) {
    int64_t steps = (vehicle->last_ns - vehicle->first_ns + 50000000) / 100000000;
    double db = vehicle->magnitude > 0 ? 20.0 * log10((double)vehicle->magnitude) : 0.0;
    int64_t t_ms = vehicle->first_ns / 1000000;
    *ret_event = (struct event){
        .t_ms = t_ms - ((t_ms % 10) + 10) % 10,
        .kind = EVENT_PASSAGE,
        .passage =
            {
                .direction = (uint8_t)vehicle->direction,
                .speed_mph10 = (uint16_t)((int64_t)vehicle->speed_mm_s * 1000 / 44704),
                .duration_ms = (uint32_t)(steps * 100),
                .magnitude_db = (int16_t)lround(db),
                .quality = (uint8_t)vehicle->quality,
                .flags = vehicle->flags,
            },
    };
}
