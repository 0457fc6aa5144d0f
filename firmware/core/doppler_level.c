#include "doppler_level.h"
#include <math.h>
#include <string.h>

enum { SPAN_S = 5, CLIPS_ONE_IN = 200 };

#define FULL_SCALE 0.9995f /* the last step of 16 bits is 0.99997 */
#define DEAD_POWER 4e-9    /* -84 dB */
#define SAME_SHARE 1e-4

void doppler_level_init(struct doppler_level *l, uint32_t rate_hz) {
    memset(l, 0, sizeof *l);
    l->span = rate_hz * SPAN_S;
}

static double variance(double sum, double square, uint32_t n) {
    double mean = sum / n, v = square / n - mean * mean;
    return v > 0 ? v : 0;
}

static void begin_span(struct doppler_level *l) {
    l->n = l->clipped = 0;
    l->sum_i = l->sum_q = l->sum_ii = l->sum_qq = l->sum_iq = 0;
}

static void judge(struct doppler_level *l) {
    double ii = variance(l->sum_i, l->sum_ii, l->n), qq = variance(l->sum_q, l->sum_qq, l->n);
    double iq = l->sum_iq / l->n - l->sum_i / l->n * (l->sum_q / l->n);
    /* In phase or in antiphase. */
    double apart = ii + qq - 2 * fabs(iq), weaker = ii < qq ? ii : qq;
    l->rms_i = sqrt(ii);
    l->rms_q = sqrt(qq);
    if (l->clipped >= l->span / CLIPS_ONE_IN)
        l->level = RADAR_LEVEL_CLIPS;
    else if (weaker < DEAD_POWER)
        l->level = RADAR_LEVEL_DEAD;
    else if (apart < weaker * SAME_SHARE)
        l->level = RADAR_LEVEL_MONO;
    else
        l->level = RADAR_LEVEL_GOOD;
    begin_span(l);
}

static float fit(float value, bool *ret_full) {
    if (!isfinite(value))
        return 0;
    *ret_full = *ret_full || fabsf(value) >= FULL_SCALE;
    return value > 1 ? 1 : value < -1 ? -1 : value;
}

bool doppler_level_sample(struct doppler_level *l, struct doppler_iq *iq) {
    bool full = false;
    iq->i = fit(iq->i, &full);
    iq->q = fit(iq->q, &full);
    double i = (double)iq->i, q = (double)iq->q;
    l->sum_i += i;
    l->sum_q += q;
    l->sum_ii += i * i;
    l->sum_qq += q * q;
    l->sum_iq += i * q;
    l->clipped += full;
    if (++l->n >= l->span)
        judge(l);
    return full;
}
