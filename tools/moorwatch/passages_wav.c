#include "passages_wav.h"
#include "iq_fft.h"
#include "iq_wav.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 1024 };

static const char *const LEVELS[] = {
    [RADAR_LEVEL_GOOD] = "good",
    [RADAR_LEVEL_DEAD] = "dead: a channel carries no signal; look at supply, cable and gain",
    [RADAR_LEVEL_CLIPS] = "clips: turn the input gain down, automatic gain off",
    [RADAR_LEVEL_MONO] = "mono: both channels carry the same; record from a stereo line input",
};

struct reading {
    struct iq_source source;
    struct doppler_fft fft;
    struct doppler *doppler;
    unsigned spans[RADAR_LEVEL_MONO + 1]; /* blocks by the level they were in */
};

static int begin(struct reading *r, const struct passages_wav_conf *conf) {
    struct doppler_conf c = DOPPLER_DEFAULTS;
    c.rate_hz = r->source.rate_hz;
    c.bins = doppler_bins(c.rate_hz);
    c.swapped = conf->swapped;
    c.carrier_hz = conf->carrier_hz > 0 ? conf->carrier_hz : c.carrier_hz;
    r->doppler = calloc(1, sizeof *r->doppler);
    if (r->doppler == NULL)
        return ERR_NOMEM;
    int err = iq_fft_open(c.bins, &r->fft);
    return err < 0 ? err : doppler_init(r->doppler, &c, &r->fft);
}

static int play(struct reading *r, int (*tell)(void *ctx, const struct radar_frame *frame),
                void *ctx) {
    struct doppler_iq iq[BLOCK];
    int64_t t_ns;
    int n, err = 0;
    while (err == 0 && (n = r->source.read(r->source.ctx, 0, iq, BLOCK, &t_ns)) > 0) {
        for (size_t at = 0; at < (size_t)n && err == 0;) {
            struct radar_frame f;
            bool whole;
            at += doppler_take(r->doppler, iq + at, (size_t)n - at, &f, &whole);
            if (whole)
                err = tell(ctx, &f);
        }
        r->spans[r->doppler->level.level]++;
    }
    return err;
}

static double db(double rms) {
    return rms > 0 ? 20 * log10(rms) : -200;
}

/* The worst that a tenth of the recording was. */
static void say(const char *path, const struct reading *r) {
    const struct doppler *d = r->doppler;
    unsigned all = 0, worst = RADAR_LEVEL_GOOD;
    for (unsigned i = 0; i <= RADAR_LEVEL_MONO; i++)
        all += r->spans[i];
    for (unsigned i = 1; i <= RADAR_LEVEL_MONO; i++)
        if (r->spans[i] > all / 10 && r->spans[i] > r->spans[worst] * (worst != RADAR_LEVEL_GOOD))
            worst = i;
    if (iq_wav_cut_short(&r->source))
        fprintf(stderr, "%s: the recording was cut short; what is there has been read\n", path);
    fprintf(stderr, "seconds=%.1f rate=%u left=%.0f dB right=%.0f dB level=%s\n",
            (double)d->taken / d->conf.rate_hz, d->conf.rate_hz, db(d->level.rms_i),
            db(d->level.rms_q), LEVELS[worst]);
}

int passages_wav_read(const char *path, const struct passages_wav_conf *conf,
                      int (*tell)(void *ctx, const struct radar_frame *frame), void *ctx) {
    struct reading r = {.doppler = NULL};
    const char *why = "the carrier is 1 to 300 GHz";
    int err = iq_wav_open_fast(path, &r.source, &why);
    if (err < 0) {
        fprintf(stderr, "moorwatch passages: %s: %s\n", path, why);
        return err;
    }
    err = begin(&r, conf);
    if (err < 0)
        fprintf(stderr, "moorwatch passages: %s: %s\n", path,
                err == ERR_RANGE ? why : err_text(err));
    if (err == 0)
        err = play(&r, tell, ctx);
    if (err == 0)
        say(path, &r);
    iq_fft_close(&r.fft);
    free(r.doppler);
    r.source.close(r.source.ctx);
    return err;
}
