#include "radar_iq.h"
#include "iq_alsa.h"
#include "iq_fft.h"
#include "iq_wav.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

enum {
    DEVICE_BYTES_MAX = 127,
    READ_MAX = 1024,
    READS_PER_STEP = 40, /* a source that always has more must not hold the loop */
    POLL_MS = 40,        /* where no descriptor tells */
    SILENT_MS = 2000,    /* a card that gives no samples */
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 8000,
    JUMP_MS = 200, /* further off than this, time was lost */
    SLEW = 64,
};

struct radar_iq {
    char device[DEVICE_BYTES_MAX + 1];
    struct iq_source_kind kind;
    struct doppler_conf conf;
    struct doppler_fft fft;
    struct iq_source source;
    bool open, ended, lost_samples, timed;
    int64_t due_ns, heard_ns;
    int64_t zero_ns;  /* when doppler's sample 0 was taken, if samples had never been lost */
    int64_t frame_ns; /* the newest frame */
    unsigned back_off_ms;
    unsigned at, filled;
    struct doppler_iq samples[READ_MAX];
    struct radar_status status;
    struct doppler doppler;
};

static const char *const LEVEL_ADVICE[] = {
    [RADAR_LEVEL_GOOD] = NULL,
    [RADAR_LEVEL_DEAD] = "a channel carries no signal: look at the module's supply, the cable, the "
                         "input and its gain",
    [RADAR_LEVEL_CLIPS] = "the signal clips: turn the input gain down, automatic gain off",
    [RADAR_LEVEL_MONO] = "both channels carry the same: this is a mono input, use a stereo line "
                         "input",
};

/* ---- coming and going ---- */

static void fall_back(struct radar_iq *r, enum radar_state state, const char *why, int64_t now_ns) {
    if (r->open)
        r->source.close(r->source.ctx);
    r->open = false;
    r->status.state = state;
    r->status.advice = why;
    r->due_ns = now_ns + r->back_off_ms * MS;
    r->back_off_ms = r->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : r->back_off_ms * 2;
}

/* Another rate, another window; the same rate keeps what was learnt of noise and images. */
static int fit_rate(struct radar_iq *r, uint32_t rate_hz) {
    if (rate_hz == r->conf.rate_hz && r->fft.ctx != NULL) {
        doppler_gap(&r->doppler);
        return 0;
    }
    struct doppler_conf conf = r->conf;
    struct doppler_fft fft = {0};
    conf.rate_hz = rate_hz;
    conf.bins = doppler_bins(rate_hz);
    int err = iq_fft_open(conf.bins, &fft);
    if (err == 0)
        err = doppler_init(&r->doppler, &conf, &fft);
    if (err < 0) {
        iq_fft_close(&fft);
        return err;
    }
    iq_fft_close(&r->fft);
    r->fft = fft;
    r->conf = conf;
    r->status.max_speed_mm_s = (int32_t)(r->doppler.mm_s_per_cell * r->doppler.high);
    return 0;
}

static void try_open(struct radar_iq *r, int64_t now_ns) {
    const char *why = NULL;
    int err = r->kind.open(r->device, &r->source, &why);
    r->open = err == 0;
    if (err == 0 && fit_rate(r, r->source.rate_hz) < 0)
        err = ERR_RANGE, why = "its sampling rate and the module's carrier do not go together";
    if (err < 0) {
        bool mono = err == ERR_VERSION;
        r->status.sound = true;
        r->status.mono = mono;
        fall_back(r, mono || err == ERR_INVAL ? RADAR_WRONG : RADAR_GONE, why, now_ns);
        return;
    }
    snprintf(r->status.firmware, sizeof r->status.firmware, "%u Hz", r->source.rate_hz);
    r->timed = r->lost_samples = false;
    r->at = r->filled = 0;
    r->heard_ns = now_ns;
    /* Silence and a card that did not fit are over with the first samples, not before. */
    if (r->status.state == RADAR_GONE)
        r->status.state = RADAR_STARTING;
}

/* ---- time ---- */

static int64_t samples_ns(const struct radar_iq *r, uint64_t samples) {
    uint64_t rate = r->conf.rate_hz;
    return (int64_t)(samples / rate * 1000000000 + samples % rate * 1000000000 / rate);
}

static void count_lost(struct radar_iq *r, int64_t gap_ns) {
    int64_t frame = samples_ns(r, (uint64_t)r->conf.bins / 2 * r->conf.looks);
    r->status.lost += gap_ns > frame ? (uint32_t)(gap_ns / frame) : 1;
}

/* The card's clock is not ours: samples count the time, the time of reading corrects it slowly. */
static void keep_time(struct radar_iq *r, int64_t t_ns) {
    int64_t off = t_ns - (r->zero_ns + samples_ns(r, r->doppler.taken));
    bool jump = off > JUMP_MS * MS || off < -JUMP_MS * MS;
    if (r->timed && (r->lost_samples || jump)) {
        doppler_gap(&r->doppler);
        count_lost(r, off);
    }
    r->zero_ns += !r->timed || r->lost_samples || jump ? off : off / SLEW;
    r->timed = true;
    r->lost_samples = false;
}

/* ---- samples to frames ---- */

/* Fills the buffer; false: nothing more now. */
static bool refill(struct radar_iq *r, int64_t now_ns) {
    int64_t t_ns;
    int n = r->source.read(r->source.ctx, now_ns, r->samples, READ_MAX, &t_ns);
    if (n == ERR_OVERFLOW) {
        r->lost_samples = true;
    } else if (n == ERR_NOENT) {
        r->ended = true;
        fall_back(r, RADAR_GONE, "the recording has ended", now_ns);
        r->due_ns = INT64_MAX;
    } else if (n < 0) {
        fall_back(r, RADAR_GONE, "the sound card is gone: is it plugged in?", now_ns);
    } else if (n > 0) {
        keep_time(r, t_ns);
        r->heard_ns = now_ns;
        r->back_off_ms = BACK_OFF_MS;
        r->at = 0;
        r->filled = (unsigned)n;
        if (r->status.state != RADAR_READY)
            r->status.advice = NULL;
        r->status.state = RADAR_READY;
    }
    return n > 0;
}

static bool next_frame(struct radar_iq *r, struct radar_frame *ret_frame) {
    struct radar_frame f;
    bool whole;
    r->at += (unsigned)doppler_take(&r->doppler, r->samples + r->at, r->filled - r->at, &f, &whole);
    if (!whole)
        return false;
    f.t_ns += r->zero_ns;
    /* Corrections never turn the order round. */
    f.t_ns = f.t_ns > r->frame_ns ? f.t_ns : r->frame_ns + 1;
    r->frame_ns = f.t_ns;
    r->status.lines++;
    *ret_frame = f;
    return true;
}

static void note_level(struct radar_iq *r) {
    enum radar_level level = r->doppler.level.level;
    if (level != r->status.level || (r->status.advice == NULL && level != RADAR_LEVEL_GOOD))
        r->status.advice = LEVEL_ADVICE[level];
    r->status.level = level;
}

static int iq_step(void *ctx, int64_t now_ns, struct radar_frame *frames, unsigned cap) {
    struct radar_iq *r = ctx;
    unsigned n = 0, reads = 0;
    if (!r->open && now_ns >= r->due_ns)
        try_open(r, now_ns);
    while (r->open && n < cap) {
        if (r->at < r->filled)
            n += next_frame(r, &frames[n]);
        else if (reads++ == READS_PER_STEP || !refill(r, now_ns))
            break;
    }
    if (r->open && now_ns - r->heard_ns > SILENT_MS * MS)
        fall_back(r, RADAR_SILENT, "the sound card gives no samples: plug it in anew", now_ns);
    if (r->open)
        note_level(r);
    return (int)n;
}

/* ---- the seam ---- */

static int iq_fd(void *ctx) {
    struct radar_iq *r = ctx;
    return r->open ? r->source.fd(r->source.ctx) : -1;
}

static int64_t iq_next_ns(void *ctx) {
    struct radar_iq *r = ctx;
    if (!r->open)
        return r->due_ns;
    bool tells = r->source.fd(r->source.ctx) >= 0;
    return r->heard_ns + (tells ? SILENT_MS + 1 : POLL_MS) * MS;
}

static void iq_status(void *ctx, struct radar_status *ret_status) {
    const struct radar_iq *r = ctx;
    *ret_status = r->status;
}

static void iq_close(void *ctx) {
    struct radar_iq *r = ctx;
    if (r->open)
        r->source.close(r->source.ctx);
    iq_fft_close(&r->fft);
    free(r);
}

static struct iq_source_kind kind_of(const struct radar_iq_conf *conf) {
    if (conf->source != NULL)
        return *conf->source;
    return (struct iq_source_kind){conf->device[0] == '/' ? iq_wav_open : iq_alsa_open};
}

int radar_iq_open(const struct radar_iq_conf *conf, struct radar *ret_radar) {
    if (conf->device == NULL || conf->device[0] == '\0')
        return ERR_INVAL;
    if (strlen(conf->device) > DEVICE_BYTES_MAX)
        return ERR_TOOLONG;
    struct radar_iq *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    r->conf = DOPPLER_DEFAULTS;
    r->conf.swapped = conf->swapped;
    r->conf.carrier_hz = conf->carrier_hz > 0 ? conf->carrier_hz : r->conf.carrier_hz;
    if (conf->min_speed_mm_s > 0)
        r->conf.min_speed_mm_s = conf->min_speed_mm_s;
    snprintf(r->device, sizeof r->device, "%s", conf->device);
    snprintf(r->status.device, sizeof r->status.device, "%.63s", conf->device);
    snprintf(r->status.product, sizeof r->status.product, "I/Q module");
    r->kind = kind_of(conf);
    r->back_off_ms = BACK_OFF_MS;
    r->frame_ns = INT64_MIN / 2;
    int err = fit_rate(r, r->conf.rate_hz);
    if (err < 0) {
        iq_close(r);
        return err;
    }
    *ret_radar = (struct radar){r, iq_fd, iq_step, iq_next_ns, iq_status, iq_close};
    return 0;
}
