#include "iq_score.h"
#include "iq_fft.h"
#include "passage.h"
#include <math.h>

#define MPH 0.44704
#define NEAR_M_S 1.0

enum { PARTS = 5, FRAMES_LEAST = 10, NEAREST_M = 20 };

static struct iq_scene scene;
static struct doppler doppler;
static struct passage passage;
static struct score_seen seen[SCORE_SEEN_MAX];
static unsigned seen_count;

struct iq_case iq_score_case(const char *name, enum physics_scene kind) {
    return (struct iq_case){.name = name,
                            .scene = kind,
                            .signal = IQ_DEFAULTS,
                            .receiver = DOPPLER_DEFAULTS,
                            .beam_deg = 34};
}

/* ---- vehicles ---- */

static void see(const struct passage_vehicle *v, unsigned n) {
    for (unsigned i = 0; i < n && seen_count < SCORE_SEEN_MAX; i++)
        seen[seen_count++] =
            (struct score_seen){v[i].direction == DIRECTION_IN, (double)v[i].first_ns / 1e9,
                                (double)v[i].last_ns / 1e9, v[i].speed_mm_s / 1000.0};
}

/* ---- single frames ---- */

/* Distance and radial speed, positive towards the sensor, of what of a body is in the beam, each
 * point by its strength; false if nothing is. */
static bool radial_truth(const struct physics_body *b, double t_s, double *ret_range_m,
                         double *ret_m_s) {
    const struct physics_conf *c = &scene.drive.physics.conf;
    double weight = 0, range = 0, speed = 0, h = 0.001;
    for (unsigned i = 0; i < PARTS; i++) {
        double part = i / (PARTS - 1.0), r, a, before, after, unused;
        physics_point(c, b, part, t_s, &r, &a);
        physics_point(c, b, part, t_s - h, &before, &unused);
        physics_point(c, b, part, t_s + h, &after, &unused);
        weight += a * a;
        range += a * a * r;
        speed += a * a * (before - after) / (2 * h);
    }
    *ret_range_m = range / weight;
    *ret_m_s = speed / weight;
    return weight > 0;
}

/* Only where one body is about can a target be nobody else's. */
static void weigh_frame(struct iq_score *s, const struct radar_frame *f) {
    double range_m = 0, m_s = 0, t_s = (double)f->t_ns / 1e9;
    if (scene.drive.physics.bodies != 1 ||
        !radial_truth(&scene.drive.physics.body[0], t_s, &range_m, &m_s))
        return;
    unsigned at = (unsigned)(range_m / IQ_RANGE_STEP_M);
    if (at >= IQ_RANGE_STEPS)
        return;
    s->frames_at[at]++;
    for (unsigned i = 0; i < f->count; i++) {
        double off = f->targets[i].speed_mm_s / 1000.0 - m_s;
        if (fabs(off) > NEAR_M_S)
            continue;
        s->seen_at[at]++;
        if (s->radial.errors < SCORE_ERRORS_MAX && range_m >= NEAREST_M) {
            /* Too fast counts as positive in both directions. */
            off = (m_s > 0 ? off : -off) / MPH;
            s->radial.bias_sum += off;
            s->radial.error_mph[s->radial.errors++] = (float)off;
        }
        return;
    }
}

double iq_score_range_m(const struct iq_score *s, unsigned percent) {
    unsigned at = NEAREST_M / IQ_RANGE_STEP_M;
    while (at < IQ_RANGE_STEPS && s->frames_at[at] >= FRAMES_LEAST &&
           s->seen_at[at] * 100 >= s->frames_at[at] * percent)
        at++;
    return at * (double)IQ_RANGE_STEP_M;
}

/* ---- a scene ---- */

static void hear(struct iq_score *s, const struct doppler_iq *iq, unsigned n) {
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame f;
    bool whole;
    for (size_t at = 0; at < n;) {
        at += doppler_take(&doppler, iq + at, n - at, &f, &whole);
        if (!whole)
            continue;
        s->frames++;
        s->targets += f.count;
        weigh_frame(s, &f);
        see(v, passage_frame(&passage, &f, v));
    }
}

static void begin_scene(const struct iq_case *c, uint64_t seed, double seconds) {
    struct physics_conf *site = &scene.drive.physics.conf;
    passage_init(&passage, &PASSAGE_DEFAULTS);
    iq_scene_init(&scene, &c->signal, c->scene, seed, seconds);
    site->beam_deg = c->beam_deg > 0 ? c->beam_deg : site->beam_deg;
    site->range_m = c->range_m > 0 ? c->range_m : site->range_m;
    seen_count = 0;
}

int iq_score_run(struct iq_score *s, const struct iq_case *c, uint64_t seed, double seconds) {
    static struct doppler_iq block[IQ_BLOCK_MAX];
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct doppler_fft fft = {0};
    unsigned n;
    int r = iq_fft_open(c->receiver.bins, &fft);
    if (r == 0)
        r = doppler_init(&doppler, &c->receiver, &fft);
    begin_scene(c, seed, seconds);
    while (r == 0 && (n = iq_scene_next(&scene, block)) > 0)
        hear(s, block, n);
    if (r == 0) {
        see(v, passage_flush(&passage, v));
        score_add(&s->score, &scene.drive, seen, seen_count);
    }
    s->clipped += scene.clipped;
    s->level = doppler.level.level;
    iq_fft_close(&fft);
    return r;
}
