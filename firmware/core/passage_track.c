#include "passage_track.h"
#include "passage_jump.h"
#include <stdlib.h>

enum {
    NOISE_BEGIN_MM_S = 120,
    LEVEL_ALPHA = 150, /* of 256 */
    LEVEL_BETA = 40,
};
#define INTERVAL_BEGIN_NS (PASSAGE_S / 10)

int32_t passage_log(uint32_t magnitude) {
    if (magnitude == 0)
        return 0;
    int bits = 31 - __builtin_clz(magnitude);
    uint32_t fraction = (uint32_t)(((uint64_t)magnitude << 8) >> bits) & 0xff;
    int32_t log = bits * 256 + (int32_t)fraction;
    return log > 0 ? log : 1;
}

static int32_t clamp(int64_t value, int32_t limit) {
    return (int32_t)(value > limit ? limit : value < -limit ? -limit : value);
}

static int32_t per_second(int64_t mm_s, int64_t dt_ns) {
    return dt_ns > 0 ? clamp(mm_s * PASSAGE_S / dt_ns, PASSAGE_RATE_MAX_MM_S2) : 0;
}

int32_t passage_grown(int32_t rate_mm_s2, int64_t dt_ns) {
    return (int32_t)(rate_mm_s2 * (dt_ns / 1000) / 1000000);
}

int32_t passage_track_predict(const struct passage_track *t, int64_t now_ns) {
    int64_t dt = now_ns - t->last_ns;
    if (dt > PASSAGE_PREDICT_MAX_MS * INT64_C(1000000))
        dt = PASSAGE_PREDICT_MAX_MS * INT64_C(1000000);
    return t->level_mm_s + passage_grown(t->rate_mm_s2, dt);
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

int32_t passage_bend(const struct passage_hit *h, bool log) {
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
    t->noise_mm_s += (passage_bend(h, false) - t->noise_mm_s) / weight;
    if (h[0].log_mag > 0 && h[2].log_mag > 0)
        t->noise_log += (passage_bend(h, true) - t->noise_log) / weight;
}

static void track_filter(struct passage_track *t, const struct passage_hit *hit) {
    int64_t dt = hit->t_ns - t->last_ns;
    int32_t predicted = passage_track_predict(t, hit->t_ns), off = hit->mm_s - predicted;
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

void passage_track_hit(struct passage_track *t, const struct passage_hit *hit, uint32_t magnitude) {
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

void passage_track_begin(struct passage_track *t, int sign, const struct passage_hit *hit) {
    *t = (struct passage_track){
        .used = true,
        .sign = sign,
        .first_ns = hit->t_ns,
        .last_ns = hit->t_ns,
        .level_mm_s = hit->mm_s,
        .log_mag = hit->log_mag,
        .log_peak = hit->log_mag,
        .interval_ns = INTERVAL_BEGIN_NS,
        .noise_mm_s = NOISE_BEGIN_MM_S,
        .noise_log = PASSAGE_NOISE_LOG_BEGIN,
        .stride = 1,
    };
}

uint32_t passage_magnitude(int32_t log_mag) {
    if (log_mag == 0)
        return 0;
    uint32_t base = 256u + ((uint32_t)log_mag & 0xff);
    unsigned bits = (unsigned)log_mag >> 8;
    return bits >= 8 ? base << (bits - 8) : base >> (8 - bits);
}

/* What was counted over the whole track is taken as evenly spread. */
static void share(unsigned *whole, unsigned *part, unsigned part_hits, unsigned hits) {
    *part = *whole * part_hits / hits;
    *whole -= *part;
}

void passage_track_split(struct passage_track *t, unsigned at, struct passage_track *next) {
    passage_track_begin(next, t->sign, &t->hit[at]);
    for (unsigned i = at; i < t->kept; i++)
        passage_track_hit(next, &t->hit[i], passage_magnitude(t->hit[i].log_mag));
    next->flags = t->flags & (uint8_t)~PASSAGE_TRUNCATED;
    unsigned newer = next->hits * t->stride < t->hits ? next->hits * t->stride : t->hits - 1;
    share(&t->shadowed, &next->shadowed, newer, t->hits);
    share(&t->beside, &next->beside, newer, t->hits);
    share(&t->mirrored, &next->mirrored, newer, t->hits);
    t->hits -= newer;
    t->kept = at;
    t->last_ns = t->hit[at - 1].t_ns;
    t->magnitude = 0;
    for (unsigned i = 0; i < at; i++)
        if (passage_magnitude(t->hit[i].log_mag) > t->magnitude)
            t->magnitude = passage_magnitude(t->hit[i].log_mag);
}
