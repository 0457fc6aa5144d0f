#include "physics_scene.h"
#include <math.h>
#include <string.h>

#define MPH 0.44704

static const struct kind {
    const char *name;
    double headway_s; /* 0: no traffic */
    bool platoons, poisson;
    double braking, lorries, rain, walkers_s;
    bool fans;
} KINDS[PHYSICS_SCENES] = {
    [PHYSICS_FREE] = {.name = "free flow", .headway_s = 6},
    [PHYSICS_HEADWAY_3] = {.name = "3 s headway", .headway_s = 3, .platoons = true},
    [PHYSICS_HEADWAY_2] = {.name = "2 s headway", .headway_s = 2, .platoons = true},
    [PHYSICS_HEADWAY_1_5] = {.name = "1.5 s headway", .headway_s = 1.5, .platoons = true},
    [PHYSICS_BRAKING] = {.name = "braking", .headway_s = 6, .braking = 0.5},
    [PHYSICS_LORRIES] = {.name = "lorries", .headway_s = 7, .lorries = 0.5},
    [PHYSICS_BUSY] = {.name = "busy, both ways", .headway_s = 3, .poisson = true, .lorries = 0.1},
    [PHYSICS_RAIN] = {.name = "rain", .rain = 1.5},
    [PHYSICS_FAN] = {.name = "fan", .fans = true},
    [PHYSICS_WALKERS] = {.name = "walkers", .walkers_s = 12},
    [PHYSICS_WEATHER_TRAFFIC] = {.name = "rain, fan and flow",
                                 .headway_s = 7,
                                 .rain = 0.7,
                                 .fans = true},
};

const char *physics_scene_name(enum physics_scene scene) {
    return KINDS[scene].name;
}

/* A site as somebody might set one up. */
static struct physics_conf site(struct chance *c, const struct kind *k, uint64_t seed) {
    struct physics_conf s = PHYSICS_DEFAULTS;
    s.seed = seed ^ UINT64_C(0x9e3779b97f4a7c15);
    s.boresight_deg = chance_between(c, 7, 13);
    s.sharp = chance_below(c, 2);
    s.height_m = chance_between(c, 1, 2.5);
    s.lane_in_m = chance_between(c, 2.5, 5);
    s.lane_out_m = s.lane_in_m + chance_between(c, 3, 4);
    s.range_m = chance_between(c, 60, 100);
    s.noise_m_s = chance_between(c, 0.05, 0.15);
    s.fading = chance_between(c, 0.1, 0.8);
    s.loss = chance_between(c, 0, 0.25);
    s.targets = chance_below(c, 2) ? 1 : 3;
    s.rain = k->rain;
    s.tones = k->fans ? 2 : 0;
    for (unsigned i = 0; i < s.tones; i++) {
        s.tone[i].m_s = chance_between(c, 1.5, 5.5);
        s.tone[i].magnitude = chance_between(c, 25, 90);
    }
    return s;
}

void physics_drive_init(struct physics_drive *d, enum physics_scene scene, uint64_t seed,
                        double seconds) {
    memset(d, 0, sizeof *d);
    chance_init(&d->chance, seed);
    struct physics_conf conf = site(&d->chance, &KINDS[scene], seed);
    physics_init(&d->physics, &conf);
    d->scene = scene;
    d->frame_s = 1 / chance_between(&d->chance, 5, 20);
    d->end_s = seconds;
    d->next_s = 2;
}

static double road_speed(const struct physics_body *b, double t_s) {
    double since = t_s - b->enter_s - b->brake_after_s;
    double v = since > 0 ? b->speed_m_s + b->accel_m_s2 * since : b->speed_m_s;
    bool past = since > 0 && (b->accel_m_s2 < 0 ? v < b->until_m_s : v > b->until_m_s);
    return past ? b->until_m_s : v;
}

/* A driver who brakes has many speeds: the truth is what he kept above for a tenth of the time. */
static double true_speed(const struct physics_body *b, double from_s, double to_s) {
    bool slowing = b->accel_m_s2 < 0;
    return road_speed(b, slowing ? from_s + (to_s - from_s) / 10 : to_s - (to_s - from_s) / 10);
}

static void add(struct physics_drive *d, const struct physics_body *b) {
    struct physics_truth t = {.inbound = b->inbound};
    if (physics_add(&d->physics, b) < 0 || b->kind == PHYSICS_WALKER)
        return;
    if (d->truths == PHYSICS_TRUTHS_MAX || !physics_window(&d->physics.conf, b, &t.from_s, &t.to_s))
        return;
    t.m_s = true_speed(b, t.from_s, t.to_s);
    d->truth[d->truths++] = t;
}

static void brake(struct physics_drive *d, struct physics_body *b) {
    bool faster = chance_below(&d->chance, 4) == 0;
    b->brake_after_s = chance_between(&d->chance, 0, d->physics.conf.range_m / b->speed_m_s);
    b->accel_m_s2 = faster ? chance_between(&d->chance, 0.5, 2) : -chance_between(&d->chance, 1, 5);
    b->until_m_s = b->speed_m_s * (faster ? 1.3 : chance_between(&d->chance, 0.5, 0.9));
}

static double gap(struct physics_drive *d, const struct kind *k) {
    if (k->poisson)
        return 0.8 + chance_gap(&d->chance, k->headway_s - 0.8);
    return k->headway_s * chance_between(&d->chance, 0.8, 1.2);
}

/* A platoon keeps its direction and nearly its speed; then a pause, and the next. */
static void platoon_vehicle(struct physics_drive *d, const struct kind *k) {
    if (d->in_platoon == 0) {
        d->platoon_inbound = chance_below(&d->chance, 2);
        d->base_m_s = chance_between(&d->chance, 20, 60) * MPH;
    }
    struct physics_body b = physics_body(PHYSICS_CAR, d->platoon_inbound, d->next_s,
                                         d->base_m_s + chance_normal(&d->chance, 0, 0.5));
    add(d, &b);
    d->in_platoon = (d->in_platoon + 1) % 8;
    d->next_s += d->in_platoon == 0 ? 14 : gap(d, k);
}

static void vehicle(struct physics_drive *d, const struct kind *k) {
    bool lorry = chance_unit(&d->chance) < k->lorries;
    struct physics_body b =
        physics_body(lorry ? PHYSICS_LORRY : PHYSICS_CAR, chance_below(&d->chance, 2), d->next_s,
                     chance_between(&d->chance, 15, lorry ? 55 : 70) * MPH);
    b.reflection *= exp2(chance_normal(&d->chance, 0, 0.4));
    if (chance_unit(&d->chance) < k->braking)
        brake(d, &b);
    add(d, &b);
    d->next_s += k->poisson ? gap(d, k) / 2 : gap(d, k);
}

static void walker(struct physics_drive *d, const struct kind *k) {
    double speed = chance_below(&d->chance, 5) == 0 ? chance_between(&d->chance, 2.5, 3.5)
                                                    : chance_between(&d->chance, 1, 1.8);
    struct physics_body b =
        physics_body(PHYSICS_WALKER, chance_below(&d->chance, 2), d->next_s, speed);
    add(d, &b);
    d->next_s += chance_gap(&d->chance, k->walkers_s);
}

bool physics_drive_next(struct physics_drive *d, struct radar_frame *ret_frame) {
    const struct kind *k = &KINDS[d->scene];
    if (d->t_s >= d->end_s)
        return false;
    /* The last vehicles have time to leave: their truth counts. */
    while (d->t_s >= d->next_s - 1 && d->next_s < d->end_s - 20) {
        if (k->walkers_s > 0)
            walker(d, k);
        else if (k->headway_s > 0 && k->platoons)
            platoon_vehicle(d, k);
        else if (k->headway_s > 0)
            vehicle(d, k);
        else
            break;
    }
    physics_frame(&d->physics, d->t_s, ret_frame);
    d->t_s += d->frame_s * chance_between(&d->chance, 0.97, 1.03);
    return true;
}
