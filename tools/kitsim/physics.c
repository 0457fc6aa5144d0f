#include "physics.h"
#include <math.h>
#include <string.h>

#define DEG (3.14159265358979323846 / 180.0)

const struct physics_conf PHYSICS_DEFAULTS = {
    .seed = 1,
    .beam_deg = 23,
    .boresight_deg = 10,
    .height_m = 1.5,
    .lane_in_m = 4.0,
    .lane_out_m = 7.5,
    .range_m = 80,
    .bin_m_s = 0.1214,
    .noise_m_s = 0.12,
    .resolve_m_s = 0.3,
    .max_m_s = 62.2,
    .min_m_s = 2.0,
    .magnitude = 600,
    .min_magnitude = 20,
    .fading = 0.5,
    .loss = 0.1,
    .targets = 3,
};

void physics_init(struct physics *p, const struct physics_conf *conf) {
    memset(p, 0, sizeof *p);
    p->conf = *conf;
    chance_init(&p->chance, conf->seed);
}

struct physics_body physics_body(enum physics_kind kind, bool inbound, double enter_s,
                                 double speed_m_s) {
    static const struct {
        double reflection, length_m;
    } USUAL[] = {
        [PHYSICS_CAR] = {1.0, 4.3},
        [PHYSICS_LORRY] = {3.0, 14.0},
        [PHYSICS_WALKER] = {0.08, 0.4},
    };
    return (struct physics_body){
        .kind = kind,
        .inbound = inbound,
        .enter_s = enter_s,
        .speed_m_s = speed_m_s,
        .brake_after_s = INFINITY,
        .reflection = USUAL[kind].reflection,
        .length_m = USUAL[kind].length_m,
    };
}

int physics_add(struct physics *p, const struct physics_body *body) {
    if (p->bodies == PHYSICS_BODIES_MAX)
        return ERR_NOSPACE;
    p->body[p->bodies++] = *body;
    return 0;
}

/* ---- motion ---- */

static double speed_at(const struct physics_body *b, double t_s) {
    double since = t_s - b->enter_s - b->brake_after_s;
    if (!(since > 0))
        return b->speed_m_s;
    double v = b->speed_m_s + b->accel_m_s2 * since;
    bool there = b->accel_m_s2 < 0 ? v < b->until_m_s : v > b->until_m_s;
    return there ? b->until_m_s : v;
}

static double travelled(const struct physics_body *b, double t_s) {
    double dt = t_s - b->enter_s, since = dt - b->brake_after_s;
    if (!(since > 0))
        return b->speed_m_s * dt;
    double ramp = b->accel_m_s2 == 0 ? 0 : (b->until_m_s - b->speed_m_s) / b->accel_m_s2;
    double on = since < ramp ? since : ramp;
    return b->speed_m_s * (b->brake_after_s + on) + b->accel_m_s2 * on * on / 2 +
           b->until_m_s * (since - on);
}

/* x of the end that leads. */
static double lead_x(const struct physics_conf *c, const struct physics_body *b, double t_s) {
    return b->inbound ? c->range_m - travelled(b, t_s) : travelled(b, t_s);
}

static double lane(const struct physics_conf *c, const struct physics_body *b) {
    if (b->kind == PHYSICS_WALKER)
        return b->inbound ? 1.5 : 2.5;
    return b->inbound ? c->lane_in_m : c->lane_out_m;
}

/* ---- the beam ---- */

struct sight {
    double range_m, cosine, gain;
};

static struct sight look(const struct physics_conf *c, double x, double y) {
    struct sight s = {0, 0, 0};
    s.range_m = sqrt(x * x + y * y + c->height_m * c->height_m);
    s.cosine = x / s.range_m;
    double off = atan2(y, x) / DEG - c->boresight_deg, half = c->beam_deg / 2;
    if (x <= 0 || s.range_m > c->range_m)
        return s;
    /* -3 dB of power each way at the edge: half the amplitude there and back. */
    s.gain = c->sharp ? fabs(off) < half : exp2(-(off / half) * (off / half));
    return s;
}

/* Amplitude of a body and the cosine of the point that returns it: the part of its side that is
 * seen best. */
static double echo(const struct physics_conf *c, const struct physics_body *b, double t_s,
                   double *ret_cosine) {
    double lead = lead_x(c, b, t_s), best = 0;
    double back = b->inbound ? b->length_m : -b->length_m;
    for (int i = 0; i <= 4; i++) {
        struct sight s = look(c, lead + back * i / 4, lane(c, b));
        double r = 20 / s.range_m, a = s.gain > 0 ? s.gain * r * r : 0;
        if (a > best) {
            best = a;
            *ret_cosine = s.cosine;
        }
    }
    return best * c->magnitude * b->reflection;
}

void physics_point(const struct physics_conf *c, const struct physics_body *b, double part,
                   double t_s, double *ret_range_m, double *ret_amplitude) {
    double back = b->inbound ? b->length_m : -b->length_m;
    struct sight s = look(c, lead_x(c, b, t_s) + back * part, lane(c, b));
    double r = 20 / s.range_m;
    *ret_range_m = s.range_m;
    *ret_amplitude = t_s < b->enter_s ? 0 : s.gain * r * r * c->magnitude * b->reflection;
}

bool physics_window(const struct physics_conf *c, const struct physics_body *b, double *ret_from_s,
                    double *ret_to_s) {
    struct physics_conf sharp = *c;
    sharp.sharp = true;
    bool seen = false;
    for (double t = b->enter_s; t < b->enter_s + 60; t += 0.02) {
        double cosine;
        if (echo(&sharp, b, t, &cosine) < c->min_magnitude / 2)
            continue;
        if (!seen)
            *ret_from_s = t;
        *ret_to_s = t;
        seen = true;
    }
    return seen;
}

static bool gone(const struct physics_conf *c, const struct physics_body *b, double t_s) {
    if (t_s < b->enter_s)
        return false;
    double lead = lead_x(c, b, t_s);
    return b->inbound ? lead + b->length_m < 0 : lead - b->length_m > c->range_m;
}

/* ---- a frame ---- */

struct echoes {
    unsigned n;
    struct {
        double m_s, magnitude;
    } at[PHYSICS_BODIES_MAX + PHYSICS_TONES_MAX + 32];
};

static void hear(struct physics *p, struct echoes *e, double m_s, double magnitude) {
    const struct physics_conf *c = &p->conf;
    magnitude *= exp2(chance_normal(&p->chance, 0, c->fading));
    m_s += chance_normal(&p->chance, 0, c->noise_m_s);
    if (chance_unit(&p->chance) < c->loss || magnitude < c->min_magnitude)
        return;
    if (e->n == sizeof e->at / sizeof *e->at)
        return;
    e->at[e->n].m_s = m_s;
    e->at[e->n++].magnitude = magnitude;
}

static void hear_bodies(struct physics *p, struct echoes *e, double t_s) {
    for (unsigned i = 0; i < p->bodies; i++) {
        const struct physics_body *b = &p->body[i];
        double cosine = 0, a = t_s < b->enter_s ? 0 : echo(&p->conf, b, t_s, &cosine);
        if (a <= 0)
            continue;
        double v = speed_at(b, t_s) * cosine;
        /* The trunk sways; now and then an arm or a leg is the strongest. */
        if (b->kind == PHYSICS_WALKER)
            v *= chance_below(&p->chance, 4) == 0 ? chance_between(&p->chance, 0.2, 2.5)
                                                  : chance_between(&p->chance, 0.9, 1.1);
        hear(p, e, b->inbound ? v : -v, a);
    }
}

static void hear_weather(struct physics *p, struct echoes *e) {
    const struct physics_conf *c = &p->conf;
    double left = c->rain;
    for (; left > 0; left -= 1)
        if (chance_unit(&p->chance) < left) {
            double v = fabs(chance_normal(&p->chance, 0, 3.5));
            hear(p, e, chance_below(&p->chance, 2) ? v : -v, chance_between(&p->chance, 15, 45));
        }
    for (unsigned i = 0; i < c->tones; i++)
        hear(p, e, chance_below(&p->chance, 2) ? c->tone[i].m_s : -c->tone[i].m_s,
             c->tone[i].magnitude);
}

static double folded(const struct physics_conf *c, double v) {
    while (v >= c->max_m_s)
        v -= 2 * c->max_m_s;
    while (v < -c->max_m_s)
        v += 2 * c->max_m_s;
    return v;
}

/* The strongest left that stands clear of what has been told. */
static int strongest(const struct physics_conf *c, const struct echoes *e,
                     const struct radar_frame *f) {
    int best = -1;
    for (unsigned i = 0; i < e->n; i++) {
        bool clear = e->at[i].magnitude > 0 && fabs(e->at[i].m_s) >= c->min_m_s;
        for (unsigned j = 0; clear && j < f->count; j++)
            clear = fabs(e->at[i].m_s - f->targets[j].speed_mm_s / 1000.0) >= c->resolve_m_s;
        if (clear && (best < 0 || e->at[i].magnitude > e->at[best].magnitude))
            best = (int)i;
    }
    return best;
}

static void tell(const struct physics_conf *c, struct echoes *e, struct radar_frame *f) {
    int i;
    while (f->count < c->targets && f->count < RADAR_TARGETS_MAX && (i = strongest(c, e, f)) >= 0) {
        double v = round(folded(c, e->at[i].m_s) / c->bin_m_s) * c->bin_m_s;
        f->targets[f->count].speed_mm_s = (int32_t)lround(v * 1000);
        f->targets[f->count++].magnitude = (uint32_t)lround(e->at[i].magnitude);
        e->at[i].magnitude = 0;
    }
}

void physics_frame(struct physics *p, double t_s, struct radar_frame *ret_frame) {
    struct echoes e = {.n = 0};
    for (unsigned i = 0; i < p->bodies;)
        if (gone(&p->conf, &p->body[i], t_s))
            p->body[i] = p->body[--p->bodies];
        else
            i++;
    hear_bodies(p, &e, t_s);
    hear_weather(p, &e);
    *ret_frame = (struct radar_frame){.t_ns = llround(t_s * 1e9), .count = 0};
    tell(&p->conf, &e, ret_frame);
}
