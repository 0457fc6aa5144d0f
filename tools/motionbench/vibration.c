#include "vibration.h"
#include <math.h>
#include <string.h>

#define G 9.81
#define STEP_S (1.0 / VIBRATION_STEPS_HZ)

static double between(struct vibration *v, double low, double high) {
    return chance_between(&v->chance, low, high);
}

static double log_between(struct vibration *v, double low, double high) {
    return low * pow(high / low, chance_unit(&v->chance));
}

/* --- what acts on the gate ------------------------------------------------------------------ */

static double hit_force(const struct vibration_hit *h, double at_s) {
    double into = (at_s - h->at_s) / h->contact_s;
    return into < 0 || into > 1 ? 0 : h->dv_m_s / G * M_PI / (2 * h->contact_s) * sin(M_PI * into);
}

static void start_hit(struct vibration *v, double dv_m_s, double contact_s) {
    for (unsigned i = 0; i < VIBRATION_AT_ONCE; i++)
        if (v->at_s > v->going[i].at_s + v->going[i].contact_s) {
            v->going[i] = (struct vibration_hit){v->at_s, dv_m_s, contact_s};
            return;
        }
}

static double hits(struct vibration *v) {
    double force = 0;
    for (unsigned i = 0; i < v->hit_count; i++)
        force += hit_force(&v->hits[i], v->at_s);
    for (unsigned i = 0; i < VIBRATION_AT_ONCE; i++)
        force += hit_force(&v->going[i], v->at_s);
    while (v->drops_hz > 0 && v->at_s >= v->drop_next_s) {
        /* Most fall elsewhere on the gate and arrive weakened. */
        double near = chance_unit(&v->chance);
        double size = exp(chance_normal(&v->chance, 0, 0.8));
        start_hit(v, v->drop_dv * (size < 6 ? size : 6) * near * near, 0.0015);
        v->drop_next_s += chance_gap(&v->chance, 1 / v->drops_hz);
    }
    return force;
}

static double one_sound(struct vibration *v, unsigned i) {
    const struct vibration_sound *s = &v->sounds[i];
    if (v->at_s < s->from_s || v->at_s > s->to_s)
        return 0;
    double level = s->g;
    if (s->strokes_hz > 0)
        level *= 1.4 * fabs(sin(M_PI * s->strokes_hz * (v->at_s - s->from_s)));
    double edge = fmin(v->at_s - s->from_s, s->to_s - v->at_s);
    level *= fmin(1, edge / 0.15);
    if (s->high_hz <= 0) { /* a tone whose engine hunts a little */
        double hunting = 1 + 0.03 * sin(1.7 * v->at_s + (double)i);
        v->phase[i] += 2 * M_PI * s->low_hz * hunting * STEP_S;
        double p = v->phase[i];
        double drift = 0.7 + 0.3 * sin(0.9 * v->at_s + 2.0 * (double)i);
        return level * drift * (1.1 * sin(p) + 0.6 * sin(2 * p + 1) + 0.35 * sin(3 * p + 2));
    }
    double white = chance_normal(&v->chance, 0, 1);
    double high = 1 - exp(-2 * M_PI * s->high_hz * STEP_S);
    double low = 1 - exp(-2 * M_PI * s->low_hz * STEP_S);
    v->noise_band[i] += high * (white - v->noise_band[i]);
    v->noise_low[i] += low * (v->noise_band[i] - v->noise_low[i]);
    double rms = sqrt(high / (2 - high) * (s->high_hz / (s->high_hz + s->low_hz)));
    return level * (v->noise_band[i] - v->noise_low[i]) / rms;
}

static double sounds(struct vibration *v) {
    double force = 0;
    for (unsigned i = 0; i < v->sound_count; i++)
        force += one_sound(v, i);
    return force;
}

/* Turbulence: an Ornstein-Uhlenbeck process, stronger and weaker with the gusts. */
static double blow(struct vibration *v) {
    if (v->wind_g <= 0)
        return 0;
    double slow = STEP_S / 2.5, fast = 2 * M_PI * v->wind_corner_hz * STEP_S;
    v->gust += -slow * v->gust + sqrt(2 * slow) * chance_normal(&v->chance, 0, 1);
    v->wind += -fast * v->wind + sqrt(2 * fast) * chance_normal(&v->chance, 0, 1);
    double rising = fmin(1, v->at_s / 6);
    return rising * (v->wind_mean + v->wind_g * v->wind) * fmax(0.1, 1 + 0.4 * v->gust);
}

/* --- the gate ------------------------------------------------------------------------------- */

/* The gate at the end of its play: it bounces, or leans on the latch and does not move. */
static void latch(struct vibration *v) {
    struct vibration_mode *m = &v->modes[0];
    if (v->play <= 0 || fabs(m->x) < v->play || m->x * m->v < 0)
        return;
    double side = m->x > 0 ? 1 : -1, speed = fabs(m->v) * G;
    m->x = side * v->play;
    if (m->a * side > 0)
        m->a = 0;
    if (speed > 0.012) {
        start_hit(v, -side * speed * (1 + v->bounce), v->latch_s);
        m->v *= -v->bounce;
    } else {
        m->v = 0;
    }
}

static void move(struct vibration *v, double a[3]) {
    double wind = blow(v), struck = hits(v), force = struck + sounds(v);
    a[0] = a[1] = a[2] = 0;
    for (unsigned i = 0; i < VIBRATION_MODES; i++) {
        struct vibration_mode *m = &v->modes[i];
        /* The latch's blows have turned the first mode's speed already. */
        double acts = i > 0 ? force : v->play > 0 ? wind : force + wind;
        m->a = acts - 2 * m->zeta * m->w * m->v - m->w * m->w * m->x;
        m->v += m->a * STEP_S;
        m->x += m->v * STEP_S;
        if (i == 0)
            latch(v);
        for (int k = 0; k < 3; k++)
            a[k] += m->share * m->axis[k] * (m->a + (i == 0 && v->play > 0 ? struck : 0));
    }
}

static double eased(double part) {
    return part <= 0 ? 0 : part >= 1 ? 1 : 0.5 - 0.5 * cos(M_PI * part);
}

static double turned_degrees(const struct vibration *v) {
    double sum =
        v->swing_deg * sin(2 * M_PI * v->swing_hz * v->at_s) * (0.6 + 0.4 * sin(0.5 * v->at_s));
    for (unsigned i = 0; i < v->turn_count; i++) {
        const struct vibration_turn *t = &v->turns[i];
        double there = eased((v->at_s - t->at_s) / t->rise_s);
        double back =
            t->back_s > 0 ? eased((v->at_s - t->at_s - t->rise_s - t->hold_s) / t->back_s) : 0;
        sum += t->degrees * (there - back);
    }
    return sum;
}

static int16_t sensed(struct vibration *v, double g) {
    double mg = g * 1000 + chance_normal(&v->chance, 0, v->hiss_mg);
    mg = floor(mg / v->step_mg + 0.5) * v->step_mg;
    return (int16_t)(mg > v->clip_mg ? v->clip_mg : mg < -v->clip_mg ? -v->clip_mg : mg);
}

bool vibration_next(struct vibration *v, int16_t mg[3]) {
    if (v->at_s >= v->seconds)
        return false;
    for (unsigned n = 0; n < VIBRATION_STEPS_HZ / v->rate_hz; n++) {
        double a[3], turn = turned_degrees(v) * M_PI / 180;
        move(v, a);
        for (int k = 0; k < 3; k++) {
            double g = a[k] + v->rest[k] * cos(turn) + v->across[k] * sin(turn);
            v->smoothed[k] += v->smooth * (g - v->smoothed[k]);
        }
        v->at_s += STEP_S;
    }
    for (int k = 0; k < 3; k++)
        mg[k] = sensed(v, v->smoothed[k]);
    return true;
}

/* --- scenes --------------------------------------------------------------------------------- */

static void hit(struct vibration *v, double at_s, double dv, double contact_s) {
    if (v->hit_count < VIBRATION_PARTS)
        v->hits[v->hit_count++] = (struct vibration_hit){at_s, dv, fmax(contact_s, 2 * STEP_S)};
}

static void sound(struct vibration *v, struct vibration_sound s) {
    if (v->sound_count < VIBRATION_PARTS)
        v->sounds[v->sound_count++] = s;
}

static void turn(struct vibration *v, struct vibration_turn t) {
    if (v->turn_count < VIBRATION_PARTS)
        v->turns[v->turn_count++] = t;
}

/* A hand on the lock: it trembles at 8 to 12 Hz. */
static void tremor(struct vibration *v, double from_s, double to_s, double g) {
    sound(v, (struct vibration_sound){from_s, to_s, g, 7, 13, 0});
}

/* Pressure is rho / 2 U^2, drag 1.2; the turbulent part of it about a third, the rest leans on the
 * latch.  A tube gate of 50 kg shows the wind 0.2 m^2, a shed door of 30 kg 1.2 m^2. */
static void make_wind(struct vibration *v) {
    double wind_m_s = log_between(v, 4, 18), m2_kg = log_between(v, 0.004, 0.04);
    v->seconds = 40;
    v->wind_g = 0.35 * 0.5 * 1.25 * 1.2 * wind_m_s * wind_m_s * m2_kg / G;
    v->wind_mean = v->wind_g * between(v, 0.5, 3);
    v->wind_corner_hz = wind_m_s / log_between(v, 5, 20);
    v->play = between(v, 0.001, 0.006) / G;
    v->bounce = between(v, 0.2, 0.5);
    v->latch_s = between(v, 0.006, 0.018);
    if (chance_unit(&v->chance) < 0.3) { /* the sensor is in the lock, and the lock hangs */
        v->swing_deg = between(v, 1, 10);
        v->swing_hz = between(v, 1, 1.8);
    }
}

static void make_hail(struct vibration *v) {
    v->seconds = 40;
    v->drops_hz = log_between(v, 4, 60);
    v->drop_dv = log_between(v, 0.001, 0.006);
}

static void make_rain(struct vibration *v) {
    v->seconds = 30;
    v->drops_hz = log_between(v, 30, 300);
    v->drop_dv = log_between(v, 0.00005, 0.0006);
}

static void make_strimmer(struct vibration *v) {
    double rpm = between(v, 50, 150);
    v->seconds = 40;
    sound(v, (struct vibration_sound){1, 39, log_between(v, 0.004, 0.04), rpm, 0, 0});
    v->drops_hz = log_between(v, 0.5, 8); /* chaff and grit */
    v->drop_dv = log_between(v, 0.0003, 0.002);
    double at = between(v, 2, 6);
    for (int i = 0; i < 6 && at < 36; i++) { /* its cord along the post */
        double long_s = log_between(v, 0.3, 6);
        sound(v, (struct vibration_sound){at, fmin(at + long_s, 39), log_between(v, 0.04, 0.35),
                                          rpm, 0, 0});
        at += long_s + between(v, 1, 6);
    }
    if (chance_unit(&v->chance) < 0.3) /* its guard against the gate */
        hit(v, between(v, 5, 35), log_between(v, 0.03, 0.2), between(v, 0.004, 0.02));
}

static void make_lorries(struct vibration *v) {
    v->seconds = 40;
    for (double at = between(v, 1, 8); at < 30; at += between(v, 6, 15)) {
        double long_s = between(v, 3, 8), g = log_between(v, 0.005, 0.08);
        sound(v, (struct vibration_sound){at, at + long_s, g, 8, 20, 0.5 / long_s});
        hit(v, at + long_s / 2, log_between(v, 0.002, 0.03), 0.03);
    }
}

static void make_livestock(struct vibration *v) {
    v->seconds = 45;
    for (double at = between(v, 1, 5); at < 36; at += between(v, 5, 14)) {
        double lean_s = between(v, 1.5, 6);
        turn(v, (struct vibration_turn){at, between(v, 0.6, 2), lean_s, between(v, 0.6, 2),
                                        between(v, 0.3, 3)});
        sound(v, (struct vibration_sound){at, at + lean_s + 1, log_between(v, 0.01, 0.1), 3, 25,
                                          between(v, 0.5, 2)});
        if (chance_unit(&v->chance) < 0.5)
            hit(v, at + between(v, 0, lean_s), log_between(v, 0.02, 0.25), between(v, 0.03, 0.08));
    }
}

static void make_neighbour(struct vibration *v) {
    v->seconds = 30;
    unsigned slams = 1 + chance_below(&v->chance, 3);
    for (unsigned i = 0; i < slams; i++)
        hit(v, between(v, 2, 27), log_between(v, 0.01, 0.18), between(v, 0.005, 0.03));
}

static void make_bolt_cutter(struct vibration *v) {
    double at = between(v, 2, 4);
    v->seconds = 25;
    for (int i = 0; i < 3; i++) { /* jaws are put on */
        hit(v, at, log_between(v, 0.05, 0.3), between(v, 0.002, 0.006));
        at += between(v, 0.4, 1.2);
    }
    if (chance_unit(&v->chance) < 0.6) /* the lock is turned to get at the shackle */
        turn(v, (struct vibration_turn){at - 1, between(v, 0.4, 1.2), 6, 1, between(v, 10, 50)});
    unsigned bites = 1 + chance_below(&v->chance, 2);
    for (unsigned i = 0; i < bites; i++) {
        double strain_s = between(v, 1, 3.5);
        tremor(v, at, at + strain_s, log_between(v, 0.04, 0.2));
        turn(v, (struct vibration_turn){at, strain_s, 0, 0.05, between(v, 1, 6)});
        at += strain_s;
        hit(v, at, log_between(v, 0.4, 2), between(v, 0.001, 0.003)); /* the snap */
        at += between(v, 0.8, 2);
    }
}

static void make_hammer(struct vibration *v) {
    double rate = between(v, 0.6, 2.5), at = between(v, 2, 4);
    unsigned blows = 3 + chance_below(&v->chance, 10);
    v->seconds = 30;
    for (unsigned i = 0; i < blows; i++) {
        double dv = log_between(v, 0.5, 4);
        if (chance_unit(&v->chance) < 0.3) /* a glancing blow */
            dv *= between(v, 0.1, 0.4);
        hit(v, at, dv, between(v, 0.0008, 0.003));
        at += between(v, 0.75, 1.25) / rate;
    }
}

static void make_grinder(struct vibration *v) {
    double at = between(v, 2, 4), rotation = between(v, 100, 200);
    v->seconds = 30;
    double g = log_between(v, 0.8, 5);
    for (int i = 0; i < 3 && at < 24; i++) {
        double cut_s = between(v, 2.5, 9);
        sound(v, (struct vibration_sound){at, at + cut_s, g * between(v, 0.7, 1.3), 80, 600, 0});
        sound(v,
              (struct vibration_sound){at, at + cut_s, g * between(v, 0.1, 0.5), rotation, 0, 0});
        hit(v, at, log_between(v, 0.05, 0.4), 0.004);
        at += cut_s + between(v, 0.5, 2);
    }
}

static void make_pry_bar(struct vibration *v) {
    double at = between(v, 2, 4);
    v->seconds = 35;
    hit(v, at, log_between(v, 0.1, 0.5), between(v, 0.002, 0.006)); /* the bar goes in */
    unsigned heaves = 3 + chance_below(&v->chance, 5);
    for (unsigned i = 0; i < heaves; i++) {
        double heave_s = between(v, 0.5, 2);
        at += between(v, 0.6, 2);
        turn(v, (struct vibration_turn){at, heave_s, between(v, 0, 0.6), 0.08, between(v, 4, 20)});
        tremor(v, at, at + heave_s, log_between(v, 0.05, 0.25));
        sound(v, (struct vibration_sound){at, at + heave_s, log_between(v, 0.05, 0.35), 20, 60, 9});
        at += heave_s;
        hit(v, at, log_between(v, 0.12, 0.9), between(v, 0.003, 0.01)); /* it slips */
    }
}

static void make_lifted(struct vibration *v) {
    double at = between(v, 2, 5), rise_s = between(v, 0.8, 6);
    v->seconds = 45;
    turn(v, (struct vibration_turn){at, rise_s, 0, 0, log_between(v, 18, 90)});
    tremor(v, at, 44, log_between(v, 0.015, 0.12));
    if (chance_unit(&v->chance) < 0.5)
        hit(v, at, log_between(v, 0.02, 0.3), 0.01);
}

static void make_kicks(struct vibration *v) {
    double at = between(v, 2, 4);
    unsigned kicks = 2 + chance_below(&v->chance, 7);
    v->seconds = 25;
    for (unsigned i = 0; i < kicks; i++) {
        hit(v, at, log_between(v, 0.5, 2), between(v, 0.012, 0.04));
        at += between(v, 0.8, 2);
    }
}

static void make_saw(struct vibration *v) {
    double from = between(v, 2, 4), g = log_between(v, 0.3, 1.5), strokes = between(v, 1.2, 3.5);
    v->seconds = 35;
    for (int i = 0; i < 2; i++) {
        double saw_s = between(v, 8, 14);
        sound(v, (struct vibration_sound){from, from + saw_s, g, 40, 250, 2 * strokes});
        from += saw_s + between(v, 0.5, 3);
    }
}

static const struct {
    const char *name;
    void (*make)(struct vibration *v);
} KINDS[VIBRATION_KINDS] = {
    [VIBRATION_WIND] = {"wind", make_wind},
    [VIBRATION_HAIL] = {"hail", make_hail},
    [VIBRATION_RAIN] = {"rain", make_rain},
    [VIBRATION_STRIMMER] = {"strimmer", make_strimmer},
    [VIBRATION_LORRIES] = {"lorries", make_lorries},
    [VIBRATION_LIVESTOCK] = {"livestock", make_livestock},
    [VIBRATION_NEIGHBOUR] = {"neighbour's gate", make_neighbour},
    [VIBRATION_BOLT_CUTTER] = {"bolt cutter", make_bolt_cutter},
    [VIBRATION_HAMMER] = {"hammer", make_hammer},
    [VIBRATION_GRINDER] = {"angle grinder", make_grinder},
    [VIBRATION_PRY_BAR] = {"pry bar", make_pry_bar},
    [VIBRATION_LIFTED] = {"lifted, turned", make_lifted},
    [VIBRATION_KICKS] = {"kicks", make_kicks},
    [VIBRATION_SAW] = {"saw", make_saw},
};

const char *vibration_name(enum vibration_kind kind) {
    return KINDS[kind].name;
}

const char *vibration_set_name(enum vibration_set set) {
    return set == VIBRATION_FITTED ? "fitted" : "held out";
}

/* --- places --------------------------------------------------------------------------------- */

/* Low and high ends of what places have. */
struct range {
    double low, high;
};
static const struct place {
    struct range hz[VIBRATION_MODES], zeta, share[VIBRATION_MODES], hiss_mg;
    double clip_mg[2], step_mg[2];
} PLACES[VIBRATION_SETS] = {
    /* A steel tube gate or a shed door, an LIS3DH or ADXL345 at 8 g. */
    [VIBRATION_FITTED] = {.hz = {{3, 9}, {15, 40}, {60, 180}},
                          .zeta = {0.02, 0.08},
                          .share = {{0.5, 0.8}, {0.2, 0.5}, {0.1, 0.4}},
                          .hiss_mg = {1, 6},
                          .clip_mg = {8000, 8000},
                          .step_mg = {4, 16}},
    /* Wood, a chain, a barn door; 4 g or 16 g and more noise. */
    [VIBRATION_HELD_OUT] = {.hz = {{1.8, 5}, {9, 22}, {35, 110}},
                            .zeta = {0.04, 0.15},
                            .share = {{0.4, 0.9}, {0.1, 0.6}, {0.05, 0.5}},
                            .hiss_mg = {4, 15},
                            .clip_mg = {4000, 16000},
                            .step_mg = {8, 48}},
};

static void unit_vector(struct vibration *v, double axis[3]) {
    double size = 0;
    for (int k = 0; k < 3; k++) {
        axis[k] = chance_normal(&v->chance, 0, 1);
        size += axis[k] * axis[k];
    }
    for (int k = 0; k < 3; k++)
        axis[k] /= sqrt(size);
}

static void make_place(struct vibration *v, const struct place *p) {
    for (unsigned i = 0; i < VIBRATION_MODES; i++) {
        struct vibration_mode *m = &v->modes[i];
        m->w = 2 * M_PI * between(v, p->hz[i].low, p->hz[i].high);
        m->zeta = between(v, p->zeta.low, p->zeta.high);
        m->share = between(v, p->share[i].low, p->share[i].high);
        unit_vector(v, m->axis);
    }
    unit_vector(v, v->rest);
    unit_vector(v, v->across);
    double along = 0, size = 0;
    for (int k = 0; k < 3; k++)
        along += v->rest[k] * v->across[k];
    for (int k = 0; k < 3; k++) {
        v->across[k] -= along * v->rest[k];
        size += v->across[k] * v->across[k];
    }
    for (int k = 0; k < 3; k++) {
        v->across[k] /= sqrt(size);
        v->smoothed[k] = v->rest[k];
    }
    unsigned sensor = chance_below(&v->chance, 2);
    v->hiss_mg = between(v, p->hiss_mg.low, p->hiss_mg.high);
    v->clip_mg = p->clip_mg[sensor];
    v->step_mg = p->step_mg[sensor];
}

void vibration_begin(struct vibration *v, enum vibration_kind kind, enum vibration_set set,
                     unsigned rate_hz, uint64_t seed) {
    memset(v, 0, sizeof *v);
    v->kind = kind;
    v->rate_hz = rate_hz;
    chance_init(&v->chance, seed * 1000 + (uint64_t)kind * 10 + (uint64_t)set);
    for (unsigned i = 0; i < VIBRATION_AT_ONCE; i++)
        v->going[i] = (struct vibration_hit){-9, 0, 1};
    make_place(v, &PLACES[set]);
    /* The sensor's own filter, at half its rate. */
    v->smooth = 1 - exp(-2 * M_PI * (double)rate_hz / 2 * STEP_S);
    KINDS[kind].make(v);
}
