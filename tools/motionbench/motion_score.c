#include "motion_score.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIFO = 32, WAKE_MG = 125, GLANCE_S = 20 };

struct sensor {
    struct motion motion;
    struct motion_sample fifo[FIFO];
    unsigned fifo_count;
    int32_t slow[3];       /* 1/256 mg: the on-chip high-pass filter's idea of rest */
    unsigned since_glance; /* samples since the FIFO was last looked into */
    bool awake, begun;
};

static bool wakes(struct sensor *s, const struct motion_sample *x) {
    bool over = false;
    for (int i = 0; i < 3; i++) {
        if (!s->begun)
            s->slow[i] = x->mg[i] * 256;
        over = over || abs(x->mg[i] - s->slow[i] / 256) > WAKE_MG;
        s->slow[i] += (x->mg[i] * 256 - s->slow[i]) / 64;
    }
    s->begun = true;
    return over;
}

static enum motion_verdict feed(struct sensor *s, const struct motion_sample *x) {
    enum motion_verdict worst = MOTION_QUIET;
    bool over = wakes(s, x) || ++s->since_glance >= GLANCE_S * s->motion.conf.rate_hz;
    if (!s->awake) {
        if (s->fifo_count == FIFO)
            memmove(s->fifo, s->fifo + 1, (FIFO - 1) * sizeof s->fifo[0]);
        else
            s->fifo_count++;
        s->fifo[s->fifo_count - 1] = *x;
        if (!over)
            return MOTION_QUIET;
        s->awake = true;
        s->since_glance = 0;
        motion_skip(&s->motion);
        for (unsigned i = 0; i < s->fifo_count; i++) {
            enum motion_verdict v = motion_feed(&s->motion, &s->fifo[i]);
            worst = v > worst ? v : worst;
        }
        s->fifo_count = 0;
        return worst;
    }
    worst = motion_feed(&s->motion, x);
    s->awake = motion_busy(&s->motion) || over;
    return worst;
}

void motion_score_run(struct motion_score *s, enum vibration_kind kind, enum vibration_set set,
                      unsigned rate_hz, double factor, uint64_t seed) {
    static struct vibration v;
    static struct sensor sensor;
    const struct motion_conf conf = {rate_hz, factor};
    struct motion_sample x;
    double at_s = 0, first_s = -1;
    bool doubt = false;
    memset(&sensor, 0, sizeof sensor);
    motion_init(&sensor.motion, &conf);
    vibration_begin(&v, kind, set, rate_hz, seed);
    for (unsigned i = 0; vibration_next(&v, x.mg); i++) {
        if (i < 8) /* at rest when the daemon starts: it reads the sensor once */
            motion_feed(&sensor.motion, &x);
        enum motion_verdict verdict = feed(&sensor, &x);
        at_s = (double)i / rate_hz;
        s->awake_s += sensor.awake ? 1.0 / rate_hz : 0;
        doubt = doubt || verdict == MOTION_DOUBT;
        if (verdict >= MOTION_ATTACK && first_s < 0)
            first_s = at_s;
    }
    s->seconds += at_s;
    s->traces++;
    s->alarms += first_s >= 0;
    s->first_s += fmax(0, first_s);
    s->doubts += doubt && first_s < 0;
}

void motion_score_add(struct motion_score *sum, const struct motion_score *s) {
    sum->traces += s->traces;
    sum->alarms += s->alarms;
    sum->doubts += s->doubts;
    sum->awake_s += s->awake_s;
    sum->seconds += s->seconds;
    sum->first_s += s->first_s;
}

double motion_score_share(const struct motion_score *s, double *ret_low, double *ret_high) {
    const double z = 1.959964, n = s->traces, p = s->alarms / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *ret_low = fmax(0, middle - half);
    *ret_high = fmin(1, middle + half);
    return p;
}
