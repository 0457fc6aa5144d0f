#include "iq.h"
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define LIGHT_M_S 299792458.0

enum { PARTS = 5, HARMONICS = 40, STEPS_S = 1000 };

const struct iq_conf IQ_DEFAULTS = {
    .rate_hz = 48000,
    .carrier_hz = 24.125e9,
    .level = 0.02,
    .snr_db = 36,
    .flicker_hz = 300,
    .gain_db = 0.5,
    .phase_deg = 3,
    .offset = 0.01,
};

/* ---- set-up ---- */

/* White noise of both channels together, for that ratio in a cell of a 2048-point Hann window. */
static double noise_sigma(const struct iq_conf *c) {
    double cells = c->rate_hz / (48000.0 / 2048);
    return c->level / pow(10, c->snr_db / 20) * sqrt(cells / 1.5);
}

static void make_hum(struct iq_scene *s) {
    for (unsigned side = 0; side < 2; side++)
        for (unsigned h = 1; h <= HARMONICS; h++) {
            double a = s->conf.hum * (side == 0 ? 1 : 0.7) * (h % 2 ? 1 : 0.5) / h;
            double phase = chance_between(&s->chance, 0, 2 * PI);
            for (unsigned i = 0; i < IQ_HUM_STEPS; i++)
                s->hum[side][i] += (float)(a * cos(2 * PI * h * i / IQ_HUM_STEPS + phase));
        }
}

void iq_scene_init(struct iq_scene *s, const struct iq_conf *conf, enum physics_scene scene,
                   uint64_t seed, double seconds) {
    memset(s, 0, sizeof *s);
    s->conf = *conf;
    physics_drive_init(&s->drive, scene, seed, seconds);
    s->drive.frame_s = 0.02; /* how finely the traffic is looked after; its frames are not used */
    chance_init(&s->chance, seed ^ UINT64_C(0xd1b54a32d192ed03));
    s->sigma = noise_sigma(conf);
    s->hum_hz = chance_between(&s->chance, 49.9, 50.1);
    if (conf->hum > 0)
        make_hum(s);
}

/* ---- echoes ---- */

/* A phasor that turns and grows evenly over n samples. */
static void add_phasor(struct doppler_iq *iq, unsigned n, double a0, double a1, double phase,
                       double turn) {
    double r = cos(phase), i = sin(phase), tr = cos(turn / n), ti = sin(turn / n);
    for (unsigned k = 0; k < n; k++) {
        double a = a0 + (a1 - a0) * k / n, next = r * tr - i * ti;
        iq[k].i += (float)(a * r);
        iq[k].q += (float)(a * i);
        i = r * ti + i * tr;
        r = next;
    }
}

/* A number in [0, 1) that stays with one part of one body. */
static double own(const struct physics_body *b, unsigned part) {
    struct chance c;
    chance_init(&c, (uint64_t)(b->enter_s * 1e6) * 16 + part);
    return chance_unit(&c);
}

/* Limbs swing beside the trunk, twice a second. */
static double swing_m(const struct physics_body *b, unsigned part, double t_s) {
    if (b->kind != PHYSICS_WALKER || part == 2)
        return 0;
    return 0.12 * sin(2 * PI * (1.8 * t_s + own(b, part)));
}

static void add_part(struct iq_scene *s, const struct physics_body *b, unsigned part, double t_s,
                     struct doppler_iq *iq, unsigned n) {
    const struct physics_conf *c = &s->drive.physics.conf;
    double at = part / (PARTS - 1.0), later = t_s + (double)n / s->conf.rate_hz;
    double r0, r1, a0, a1, k = 4 * PI * s->conf.carrier_hz / LIGHT_M_S;
    physics_point(c, b, at, t_s, &r0, &a0);
    physics_point(c, b, at, later, &r1, &a1);
    if (a0 <= 0 && a1 <= 0)
        return;
    r0 += swing_m(b, part, t_s);
    r1 += swing_m(b, part, later);
    /* The parts share the body's strength, unevenly. */
    double scale = s->conf.level / c->magnitude * (0.2 + 0.5 * own(b, part + 8));
    add_phasor(iq, n, a0 * scale, a1 * scale, -k * r0 + 2 * PI * own(b, part), -k * (r1 - r0));
}

static double doppler_turn(const struct iq_scene *s, double m_s, unsigned n) {
    return 4 * PI * m_s * s->conf.carrier_hz / LIGHT_M_S * n / s->conf.rate_hz;
}

static void add_rain(struct iq_scene *s, double t_s, struct doppler_iq *iq, unsigned n) {
    double rain = s->drive.physics.conf.rain * 4, magnitude = s->drive.physics.conf.magnitude;
    for (unsigned i = 0; i < IQ_DROPS_MAX && i < rain; i++) {
        struct iq_drop *d = &s->drop[i];
        if (t_s >= d->to_s)
            *d = (struct iq_drop){t_s, t_s + chance_between(&s->chance, 0.03, 0.2),
                                  chance_normal(&s->chance, 0, 3.5),
                                  chance_between(&s->chance, 15, 45) * s->conf.level / magnitude,
                                  chance_between(&s->chance, 0, 2 * PI)};
        double turn = doppler_turn(s, d->m_s, n);
        double in = (t_s - d->from_s) / (d->to_s - d->from_s);
        double a = d->amplitude * sin(PI * (in < 1 ? in : 1));
        add_phasor(iq, n, a, a, d->phase, turn);
        d->phase = fmod(d->phase + turn, 2 * PI);
    }
}

/* Blades come and go: both signs. */
static void add_fans(struct iq_scene *s, double t_s, struct doppler_iq *iq, unsigned n) {
    const struct physics_conf *c = &s->drive.physics.conf;
    for (unsigned i = 0; i < c->tones; i++) {
        double a = c->tone[i].magnitude * s->conf.level / c->magnitude;
        double turn = doppler_turn(s, c->tone[i].m_s * (1 + 0.003 * sin(t_s * 0.7 + i)), n);
        add_phasor(iq, n, a, a, s->tone_phase[i], turn);
        add_phasor(iq, n, 0.8 * a, 0.8 * a, -s->tone_phase[i] + 1, -turn);
        s->tone_phase[i] = fmod(s->tone_phase[i] + turn, 2 * PI);
    }
}

static void add_echoes(struct iq_scene *s, double t_s, struct doppler_iq *iq, unsigned n) {
    const struct physics *p = &s->drive.physics;
    for (unsigned i = 0; i < p->bodies; i++)
        for (unsigned part = 0; part < PARTS; part++)
            add_part(s, &p->body[i], part, t_s, iq, n);
    add_rain(s, t_s, iq, n);
    add_fans(s, t_s, iq, n);
}

/* ---- the analogue side ---- */

/* White noise and three slow averages of it, an octave or two apart: near 1/f below flicker_hz. */
static double noise(struct iq_scene *s, unsigned side) {
    static const struct { double share, gain; } LEAKS[] = {{1, 1.4}, {0.3, 2.6}, {0.09, 4.7}};
    double white = chance_normal(&s->chance, 0, s->sigma / sqrt(2)), sum = white;
    for (unsigned i = 0; i < 3 && s->conf.flicker_hz > 0; i++) {
        double leak = 2 * PI * s->conf.flicker_hz * LEAKS[i].share / s->conf.rate_hz;
        double *f = &s->flicker[side][i];
        *f += leak * (white - *f);
        sum += *f * LEAKS[i].gain;
    }
    return sum;
}

static double hum(const struct iq_scene *s, unsigned side) {
    double turns = s->hum_hz * (double)s->sample / s->conf.rate_hz;
    return (double)s->hum[side][(unsigned)((turns - floor(turns)) * IQ_HUM_STEPS) % IQ_HUM_STEPS];
}

static float convert(struct iq_scene *s, double value) {
    double step = rint(value * 32768);
    if (step > 32767 || step < -32768) {
        s->clipped++;
        step = step > 0 ? 32767 : -32768;
    }
    return (float)(step / 32768);
}

static void receive(struct iq_scene *s, struct doppler_iq *iq) {
    const struct iq_conf *c = &s->conf;
    double skew = c->phase_deg * PI / 180, gain = pow(10, c->gain_db / 20);
    double i = (double)iq->i, q = gain * ((double)iq->q * cos(skew) + i * sin(skew));
    i += noise(s, 0) + c->offset + hum(s, 0);
    q += noise(s, 1) - c->offset + hum(s, 1);
    if (c->mono)
        q = i;
    iq->i = convert(s, c->swapped ? q : i);
    iq->q = convert(s, c->swapped ? i : q);
    s->sample++;
}

unsigned iq_scene_next(struct iq_scene *s, struct doppler_iq ret_iq[IQ_BLOCK_MAX]) {
    struct radar_frame unused;
    unsigned n = s->conf.rate_hz / 100, step = s->conf.rate_hz / STEPS_S;
    double t_s = (double)s->sample / s->conf.rate_hz;
    if (t_s >= s->drive.end_s || n > IQ_BLOCK_MAX)
        return 0;
    while (s->drive.t_s < t_s + 0.01 && physics_drive_next(&s->drive, &unused))
        ;
    memset(ret_iq, 0, n * sizeof *ret_iq);
    for (unsigned at = 0; at < n; at += step) {
        unsigned len = at + step <= n ? step : n - at;
        add_echoes(s, t_s + (double)at / s->conf.rate_hz, ret_iq + at, len);
    }
    for (unsigned k = 0; k < n; k++)
        receive(s, &ret_iq[k]);
    return n;
}
