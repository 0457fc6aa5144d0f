#include "doppler.h"
#include "cfar.h"
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define LIGHT_MM_S 299792458000.0

enum {
    WINDOW_US = 43000,
    PEAKS_MAX = 48,
    BODY_MM_S = 1000,  /* points of one body differ by less */
    RESOLVE_CELLS = 3, /* the main lobe of a Hann window is four wide */
    NOISE_EVERY = 16,  /* frames */
    NOISE_STEPS = 512,
    SETTLE_FRAMES = 32,
    MAGNITUDE_LEAST = 20,
    MAGNITUDE_MOST = 1000000,
};

#define FLOOR_DB_S 2.4 /* how fast a cell's floor is learnt */
#define FLOOR_SETTLE_DB 0.5f
#define FLOOR_MARGIN 3.16f   /* 5 dB over the mean */
#define FLOOR_LEAST 1e-16f   /* -160 dB: a silent line is no division by nothing */
#define SEEN_SNR 4.0f        /* 6 dB: has the least magnitude */
#define IMAGE_WEAKER 0.0316f /* 15 dB */
#define BODY_WEAKER 0.1f     /* 10 dB */
#define LEARN_SNR 300.0f     /* 25 dB: its image is not all noise */
#define LEARN_WEAKER 0.1f    /* 10 dB: a fork and a lamp have two equal sides by themselves */
#define LEARN_MEMORY 400.0   /* strong cells */
#define IMAGE_MOST 0.3f

const struct doppler_conf DOPPLER_DEFAULTS = {
    .rate_hz = 48000,
    .looks = 4,
    .bins = 2048,
    .carrier_hz = 24.125e9,
    .targets = 4,
    .false_alarm = 3e-5,
    .min_speed_mm_s = 2000,
    .max_speed_mm_s = 62200,
};

/* ---- set-up ---- */

uint32_t doppler_bins(uint32_t rate_hz) {
    uint64_t want = (uint64_t)rate_hz * WINDOW_US / 1000000;
    uint32_t bins = DOPPLER_BINS_MIN;
    while (bins < DOPPLER_BINS_MAX && (uint64_t)bins * bins * 2 < want * want)
        bins *= 2;
    return bins;
}

static bool fits(const struct doppler_conf *c) {
    return c->rate_hz >= DOPPLER_RATE_MIN_HZ && c->rate_hz <= DOPPLER_RATE_MAX_HZ &&
           c->bins >= DOPPLER_BINS_MIN && c->bins <= DOPPLER_BINS_MAX &&
           (c->bins & (c->bins - 1)) == 0 && c->carrier_hz >= 1e9 && c->carrier_hz <= 3e11 &&
           c->looks >= 1 && c->looks <= CFAR_LOOKS_MAX && c->targets >= 1 &&
           c->targets <= RADAR_TARGETS_MAX && c->false_alarm > 0 && c->false_alarm < 1 &&
           c->min_speed_mm_s > 0 && c->max_speed_mm_s > c->min_speed_mm_s;
}

int doppler_init(struct doppler *d, const struct doppler_conf *conf,
                 const struct doppler_fft *fft) {
    if (!fits(conf))
        return ERR_RANGE;
    double cell = (double)conf->rate_hz / conf->bins * LIGHT_MM_S / (2 * conf->carrier_hz);
    double low = ceil(conf->min_speed_mm_s / cell), high = floor(conf->max_speed_mm_s / cell);
    unsigned most = conf->bins / 2 - 2;
    high = high > most ? most : high;
    if (low < 2 || low >= high)
        return ERR_RANGE;
    memset(d, 0, sizeof *d);
    d->conf = *conf;
    d->fft = *fft;
    d->mm_s_per_cell = cell;
    d->low = (unsigned)low;
    d->high = (unsigned)high;
    d->factor = (float)cfar_factor(conf->false_alarm, conf->looks);
    d->rise = (float)(FLOOR_DB_S * conf->bins / 2 * conf->looks / conf->rate_hz);
    d->median = powf(1 - 1 / (9 * (float)conf->looks), 3); /* Wilson and Hilferty 1931 */
    d->noise = FLOOR_LEAST;
    doppler_level_init(&d->level, conf->rate_hz);
    /* Sum of the window is one: a tone's power is that of its amplitude. */
    for (unsigned i = 0; i < conf->bins; i++)
        d->window[i] = (float)((1 - cos(2 * PI * i / conf->bins)) / conf->bins);
    return 0;
}

/* ---- the spectrum ---- */

static void transform(struct doppler *d) {
    unsigned n = d->conf.bins;
    double i = 0, q = 0;
    for (unsigned k = 0; k < n; k++) {
        i += (double)d->held[k].i;
        q += (double)d->held[k].q;
    }
    float mean_i = (float)(i / n), mean_q = (float)(q / n);
    for (unsigned k = 0; k < n; k++) {
        d->work[k].i = (d->held[k].i - mean_i) * d->window[k];
        d->work[k].q = (d->held[k].q - mean_q) * d->window[k];
    }
    d->fft.run(d->fft.ctx, d->work, d->out);
}

/* The cell of a signed frequency in d->out, and in d->power. */
static unsigned cell_out(const struct doppler *d, int cell) {
    return (unsigned)cell & (d->conf.bins - 1);
}

static unsigned cell_power(const struct doppler *d, int cell) {
    return (unsigned)(cell + (int)(d->conf.bins / 2));
}

/* x = m z + n z*: with a = n / m*, x(k) - a x*(-k) has no n left. */
static void balance(struct doppler *d) {
    int half = (int)(d->conf.bins / 2);
    float a = d->image_r, b = d->image_i;
    for (int k = -half; k < half; k++) {
        struct doppler_iq x = d->out[cell_out(d, k)], m = d->out[cell_out(d, -k)];
        float r = x.i - (a * m.i + b * m.q), s = x.q - (b * m.i - a * m.q);
        float *to = &d->power[cell_power(d, k)], power = (r * r + s * s) / (float)d->conf.looks;
        *to = d->looked == 0 ? power : *to + power;
    }
}

/* Follows the median of each cell, in steps of some dB: a tone that stays becomes its floor. */
static void follow_floor(struct doppler *d) {
    unsigned n = d->conf.bins;
    /* From what is around it: a vehicle that is there at the start is not learnt. */
    if (d->frames == 0)
        for (unsigned k = 0; k < n; k++)
            d->floor[k] = cfar_noise(d->power, n, k);
    float settle = FLOOR_SETTLE_DB * SETTLE_FRAMES / (float)(SETTLE_FRAMES + d->frames * 4);
    float db = d->frames < SETTLE_FRAMES * 8 && settle > d->rise ? settle : d->rise;
    float up = exp10f(db / 10), down = 1 / up;
    for (unsigned k = 0; k < n; k++) {
        d->floor[k] *= d->power[k] > d->floor[k] ? up : down;
        if (d->floor[k] < FLOOR_LEAST)
            d->floor[k] = FLOOR_LEAST;
    }
}

/* The median of the floors of the band, in steps of 3/8 dB: tones and vehicles do not move it. */
static void follow_noise(struct doppler *d) {
    unsigned count[NOISE_STEPS] = {0}, seen = 0, step = 0;
    if (d->frames % NOISE_EVERY != 0)
        return;
    for (int side = -1; side <= 1; side += 2)
        for (int k = (int)d->low; k <= (int)d->high; k++) {
            int at = (int)((log2f(d->floor[cell_power(d, side * k)]) + 56) * 8);
            count[at < 0 ? 0 : at >= NOISE_STEPS ? NOISE_STEPS - 1 : at]++;
        }
    while ((seen += count[step]) < d->high - d->low + 1)
        step++;
    float now = exp2f((float)step / 8 - 56) / d->median;
    d->noise = d->frames <= SETTLE_FRAMES * 8 ? now : d->noise + (now - d->noise) / 16;
}

/* ---- peaks ---- */

struct peak {
    int cell;
    float power;
};

struct peaks {
    unsigned n;
    struct peak at[PEAKS_MAX]; /* strongest first */
};

static void keep(struct peaks *p, int cell, float power) {
    if (p->n == PEAKS_MAX && power <= p->at[PEAKS_MAX - 1].power)
        return;
    unsigned i = p->n < PEAKS_MAX ? p->n++ : PEAKS_MAX - 1;
    for (; i > 0 && p->at[i - 1].power < power; i--)
        p->at[i] = p->at[i - 1];
    p->at[i] = (struct peak){cell, power};
}

static bool stands_out(const struct doppler *d, unsigned at) {
    const float *p = &d->power[at];
    return p[0] > p[-1] && p[0] >= p[1] && p[0] > d->floor[at] * FLOOR_MARGIN / d->median &&
           p[0] > d->factor * cfar_noise(d->power, d->conf.bins, at);
}

static void find_peaks(const struct doppler *d, struct peaks *ret) {
    ret->n = 0;
    for (int side = -1; side <= 1; side += 2)
        for (int k = (int)d->low; k <= (int)d->high; k++) {
            unsigned at = cell_power(d, side * k);
            if (stands_out(d, at))
                keep(ret, side * k, d->power[at]);
        }
}

/* E{x(k) x(-k)} is 0 for two channels alike and m n (|z(k)|^2 + |z(-k)|^2) for others. */
static void learn_image(struct doppler *d, const struct peaks *p) {
    if (p->n == 0 || d->full > 0)
        return;
    int k = p->at[0].cell;
    struct doppler_iq x = d->out[cell_out(d, k)], m = d->out[cell_out(d, -k)];
    double here = (double)x.i * (double)x.i + (double)x.q * (double)x.q;
    double there = (double)m.i * (double)m.i + (double)m.q * (double)m.q;
    if (here < (double)(d->noise * LEARN_SNR) || there > here * (double)LEARN_WEAKER)
        return;
    double fade = 1 - 1 / LEARN_MEMORY, r = ((double)x.i * (double)m.i - (double)x.q * (double)m.q),
           s = ((double)x.i * (double)m.q + (double)x.q * (double)m.i);
    d->learnt_r = d->learnt_r * fade + r / here;
    d->learnt_i = d->learnt_i * fade + s / here;
    d->learnt_weight = d->learnt_weight * fade + 1;
    double weight = d->learnt_weight + 20;
    float a = (float)(d->learnt_r / weight), b = (float)(d->learnt_i / weight);
    if (a * a + b * b < IMAGE_MOST * IMAGE_MOST) {
        d->image_r = a;
        d->image_i = b;
    }
}

/* Another part of a stronger target: its own lobe, or its mirror image. */
static bool part_of(const struct peak *weak, const struct peak *strong) {
    int same = weak->cell - strong->cell, mirrored = weak->cell + strong->cell;
    if (same >= -RESOLVE_CELLS && same <= RESOLVE_CELLS)
        return true;
    return mirrored >= -1 && mirrored <= 1 && weak->power < strong->power * IMAGE_WEAKER;
}

/* ---- targets ---- */

static double level_db(float power) {
    return log((double)power + 1e-30);
}

static double speed_of(const struct doppler *d, const struct peak *p) {
    const float *at = &d->power[cell_power(d, p->cell)];
    double a = level_db(at[-1]), b = level_db(at[0]), c = level_db(at[1]);
    double bend = a - 2 * b + c, off = bend < 0 ? (a - c) / (2 * bend) : 0;
    off = off > 0.5 ? 0.5 : off < -0.5 ? -0.5 : off;
    return (p->cell + off) * d->mm_s_per_cell;
}

static uint32_t magnitude_of(const struct doppler *d, const struct peak *p) {
    float snr = p->power / d->noise;
    float magnitude = MAGNITUDE_LEAST * sqrtf(snr / SEEN_SNR);
    if (!(magnitude > MAGNITUDE_LEAST))
        return MAGNITUDE_LEAST;
    return magnitude < MAGNITUDE_MOST ? (uint32_t)magnitude : MAGNITUDE_MOST;
}

/* A vehicle near by is seen in several points at once, each with a speed of its own. */
struct cluster {
    const struct peak *strongest;
    double weight, sum;
};

static void join(const struct doppler *d, struct cluster *c, const struct peak *p) {
    c->weight += (double)p->power;
    c->sum += (double)p->power * speed_of(d, p);
}

static bool same_body(const struct doppler *d, const struct peak *p, const struct cluster *c) {
    double apart = fabs((p->cell - c->strongest->cell) * d->mm_s_per_cell);
    return p->cell * c->strongest->cell > 0 && apart <= BODY_MM_S &&
           p->power > c->strongest->power * BODY_WEAKER;
}

static unsigned find_clusters(const struct doppler *d, const struct peaks *p,
                              struct cluster ret[RADAR_TARGETS_MAX]) {
    unsigned n = 0;
    for (unsigned i = 0; i < p->n; i++) {
        bool part = false;
        for (unsigned j = 0; j < n && !part; j++) {
            part = same_body(d, &p->at[i], &ret[j]);
            if (part)
                join(d, &ret[j], &p->at[i]);
            part = part || part_of(&p->at[i], ret[j].strongest);
        }
        if (part || n == d->conf.targets)
            continue;
        ret[n] = (struct cluster){&p->at[i], 0, 0};
        join(d, &ret[n++], &p->at[i]);
    }
    return n;
}

static void tell(const struct doppler *d, const struct peaks *p, struct radar_frame *f) {
    struct cluster clusters[RADAR_TARGETS_MAX];
    unsigned n = find_clusters(d, p, clusters);
    /* A clipped signal has harmonics on both sides, each like a vehicle. */
    f->count = d->full > 0 && n > 1 ? 1 : n;
    for (unsigned i = 0; i < f->count; i++) {
        int32_t v = (int32_t)lround(clusters[i].sum / clusters[i].weight);
        f->targets[i] =
            (struct radar_target){d->conf.swapped ? -v : v, magnitude_of(d, clusters[i].strongest)};
    }
}

/* Judges the windows gathered. */
static void make_frame(struct doppler *d, struct radar_frame *ret_frame) {
    struct peaks peaks;
    find_peaks(d, &peaks);
    follow_floor(d);
    follow_noise(d);
    if (d->frames < SETTLE_FRAMES / 2)
        peaks.n = 0;
    learn_image(d, &peaks);
    uint64_t middle = d->taken - d->conf.bins * (d->conf.looks + 1) / 4, rate = d->conf.rate_hz;
    *ret_frame = (struct radar_frame){
        .t_ns = (int64_t)(middle / rate * 1000000000 + middle % rate * 1000000000 / rate),
    };
    tell(d, &peaks, ret_frame);
    d->frames++;
    d->full = 0;
    d->looked = 0;
}

/* Adds a window; true if it was a frame's last. */
static bool look(struct doppler *d) {
    transform(d);
    balance(d);
    memmove(d->held, d->held + d->conf.bins / 2, d->conf.bins / 2 * sizeof *d->held);
    d->filled = d->conf.bins / 2;
    return ++d->looked == d->conf.looks;
}

size_t doppler_take(struct doppler *d, const struct doppler_iq *iq, size_t n,
                    struct radar_frame *ret_frame, bool *ret_whole) {
    size_t took = 0;
    *ret_whole = false;
    while (took < n && !*ret_whole) {
        struct doppler_iq sample = iq[took++];
        d->taken++;
        d->full += doppler_level_sample(&d->level, &sample);
        d->held[d->filled++] = sample;
        *ret_whole = d->filled == d->conf.bins && look(d);
    }
    if (*ret_whole)
        make_frame(d, ret_frame);
    return took;
}

void doppler_gap(struct doppler *d) {
    d->filled = d->full = d->looked = 0;
}
