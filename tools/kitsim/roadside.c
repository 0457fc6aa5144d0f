#include "roadside.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
enum { NS_PER_MS = 1000000, PRESS_MS = 250, SETTLE_MS = 3000 };
static const double LEAST_GAP_S = 0.35;

static double seconds(const struct roadside *r, int64_t now_ns) {
    return (double)(now_ns - r->start_ns) / 1e9;
}

int roadside_open(struct roadside *r, const struct roadside_conf *conf,
                  const struct traffic *traffic, uint64_t seed, struct truth *truth,
                  int64_t now_ns) {
    memset(r, 0, sizeof *r);
    r->conf = *conf;
    r->traffic = *traffic;
    r->traffic.per_day = conf->per_day;
    r->traffic.scale = conf->flow_scale;
    r->truth = truth;
    r->start_ns = r->frame_ns = r->vehicle_ns = now_ns;
    r->press_ns = INT64_MAX;
    chance_init(&r->chance, seed);
    sensor_init(&r->sensor, conf->name);
    struct physics_conf physics = PHYSICS_DEFAULTS;
    physics.seed = seed + 1;
    physics_init(&r->physics, &physics);
    wires_init(&r->wires, conf->wires, "");
    return pty_open(&r->pty, conf->radar);
}

void roadside_close(struct roadside *r) {
    wires_close(&r->wires);
    pty_close(&r->pty);
}

/* ---- the road -------------------------------------------------------------------------------- */

static void vehicle(struct roadside *r, int64_t now_ns, int64_t unix_ms) {
    double mph = traffic_speed_mph(&r->traffic, &r->chance);
    bool inbound = chance_unit(&r->chance) < 0.55, lorry = chance_unit(&r->chance) < 0.08;
    struct physics_body body = physics_body(lorry ? PHYSICS_LORRY : PHYSICS_CAR, inbound,
                                            seconds(r, now_ns), mph * 0.44704);
    if (physics_add(&r->physics, &body) == 0)
        truth_vehicle(r->truth, unix_ms, r->conf.name, mph, inbound);
    double gap_s = LEAST_GAP_S + traffic_gap_s(&r->traffic, &r->chance, unix_ms / 1000);
    r->vehicle_ns = now_ns + (int64_t)(gap_s * 1e9);
}

/* ---- the radar ------------------------------------------------------------------------------- */

static void tell(struct roadside *r, const char *text, size_t len) {
    if (len == 0)
        return;
    /* Half a line would be worse than none: a pty takes a line whole or is full. */
    if (write(r->pty.fd, text, len) == (ssize_t)len)
        r->told++;
    else
        r->choked++;
}

static void hear(struct roadside *r, int64_t now_ns) {
    char bytes[256], reply[SENSOR_REPLY_MAX];
    ssize_t n;
    while ((n = read(r->pty.fd, bytes, sizeof bytes)) > 0)
        tell(r, reply,
             sensor_hear(&r->sensor, bytes, (size_t)n, seconds(r, now_ns), reply, sizeof reply));
}

static void frame(struct roadside *r) {
    char line[SENSOR_LINE_MAX];
    struct radar_frame seen;
    double t_s = seconds(r, r->frame_ns);
    r->physics.conf.bin_m_s = sensor_bin_mm_s(&r->sensor) / 1000.0;
    physics_frame(&r->physics, t_s, &seen);
    tell(r, line, sensor_tell(&r->sensor, &seen, t_s, line, sizeof line));
    r->frame_ns += sensor_frame_ns(&r->sensor);
}

/* ---- the button ------------------------------------------------------------------------------ */

static void plan_press(struct roadside *r, int64_t at_ns) {
    r->press_ns = at_ns;
}

static void button(struct roadside *r, int64_t now_ns, int64_t unix_ms) {
    r->held = !r->held;
    wires_set(&r->wires, "session-button", r->held);
    if (r->held) {
        plan_press(r, now_ns + (int64_t)PRESS_MS * NS_PER_MS);
        return;
    }
    r->on = !r->on;
    truth_press(r->truth, unix_ms, r->conf.name, r->on);
    if (r->ending)
        plan_press(r, INT64_MAX);
    else
        plan_press(r, now_ns + (r->on ? r->conf.session_ns : r->conf.rest_ns));
}

static void link_up(struct roadside *r, int64_t now_ns) {
    r->on = r->held = false;
    if (!r->ending)
        plan_press(r, now_ns + (int64_t)SETTLE_MS * NS_PER_MS);
}

void roadside_end(struct roadside *r, int64_t now_ns) {
    r->ending = true;
    if (!r->held)
        plan_press(r, r->on ? now_ns : INT64_MAX);
}

int64_t roadside_step(struct roadside *r, int64_t now_ns, int64_t unix_ms) {
    hear(r, now_ns);
    enum wires_change up = wires_step(&r->wires, now_ns, NULL, NULL);
    if (up == WIRES_UP)
        link_up(r, now_ns);
    else if (up == WIRES_DOWN)
        plan_press(r, INT64_MAX);
    while (!r->ending && r->vehicle_ns <= now_ns)
        vehicle(r, now_ns, unix_ms);
    while (r->frame_ns <= now_ns)
        frame(r);
    if (r->press_ns <= now_ns)
        button(r, now_ns, unix_ms);
    int64_t next = r->press_ns < r->frame_ns ? r->press_ns : r->frame_ns;
    return r->ending || next < r->vehicle_ns ? next : r->vehicle_ns;
}
