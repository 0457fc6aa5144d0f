#include "iq_alsa.h"
#include <alsa/asoundlib.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CHANNELS = 2,
    RATE_HZ = 48000,
    PERIOD = 2048,  /* samples between two wake-ups: 43 ms */
    BUFFER = 32768, /* two thirds of a second: what the loop may be late */
    CHUNK = 1024,
};

struct alsa {
    snd_pcm_t *pcm;
    struct pollfd poll;
    snd_pcm_format_t format;
    uint32_t rate_hz;
    union {
        int16_t s16[CHUNK * CHANNELS];
        int32_t s32[CHUNK * CHANNELS];
    } raw;
};

/* ---- opening ---- */

/* What a refusal of alsa-lib means to whoever set the unit up. */
static const struct refusal {
    int error;
    int is;
    const char *why;
} REFUSALS[] = {
    {-ENOENT, ERR_NODEV, "there is no such sound card: `arecord -l` lists those there are"},
    {-ENODEV, ERR_NODEV, "there is no such sound card: `arecord -l` lists those there are"},
    {-ENXIO, ERR_NODEV, "the sound card has no such device: `arecord -l` lists those there are"},
    {-EBUSY, ERR_BUSY, "another program records from the sound card: end it"},
    {-EACCES, ERR_ACCESS, "no permission: the daemon's user must be in the group audio"},
    {-EPERM, ERR_ACCESS, "no permission: the daemon's user must be in the group audio"},
    {-ENOMEM, ERR_NOMEM, "out of memory"},
};

static int refused(int error, const char **ret_why) {
    for (size_t i = 0; i < sizeof REFUSALS / sizeof *REFUSALS; i++)
        if (REFUSALS[i].error == error) {
            *ret_why = REFUSALS[i].why;
            return REFUSALS[i].is;
        }
    *ret_why = "the sound card cannot be set up: `arecord --dump-hw-params` says what it can do";
    return ERR_INVAL;
}

static const char *const MONO =
    "the sound card records one channel only, which has no direction: use one with a stereo line "
    "input, I on the left and Q on the right";

static int choose_format(struct alsa *a, snd_pcm_hw_params_t *p) {
    static const snd_pcm_format_t FORMATS[] = {SND_PCM_FORMAT_S32, SND_PCM_FORMAT_S16};
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
        if (snd_pcm_hw_params_set_format(a->pcm, p, FORMATS[i]) == 0) {
            a->format = FORMATS[i];
            return 0;
        }
    return -EINVAL;
}

static int choose_sizes(struct alsa *a, snd_pcm_hw_params_t *p) {
    unsigned rate = RATE_HZ;
    snd_pcm_uframes_t buffer = BUFFER, period = PERIOD;
    int r = snd_pcm_hw_params_set_rate_near(a->pcm, p, &rate, NULL);
    if (r == 0 && (rate < DOPPLER_RATE_MIN_HZ || rate > DOPPLER_RATE_MAX_HZ))
        r = -EINVAL;
    a->rate_hz = rate;
    if (r == 0)
        r = snd_pcm_hw_params_set_buffer_size_near(a->pcm, p, &buffer);
    if (r == 0)
        r = snd_pcm_hw_params_set_period_size_near(a->pcm, p, &period, NULL);
    return r;
}

static int set_up(struct alsa *a, const char **ret_why) {
    snd_pcm_hw_params_t *p;
    unsigned most = 0;
    snd_pcm_hw_params_alloca(&p);
    int r = snd_pcm_hw_params_any(a->pcm, p);
    if (r >= 0 && snd_pcm_hw_params_get_channels_max(p, &most) == 0 && most < CHANNELS) {
        *ret_why = MONO;
        return ERR_VERSION;
    }
    if (r >= 0)
        r = snd_pcm_hw_params_set_rate_resample(a->pcm, p, 0);
    if (r >= 0)
        r = snd_pcm_hw_params_set_access(a->pcm, p, SND_PCM_ACCESS_RW_INTERLEAVED);
    if (r >= 0)
        r = snd_pcm_hw_params_set_channels(a->pcm, p, CHANNELS);
    if (r >= 0)
        r = choose_format(a, p);
    if (r >= 0)
        r = choose_sizes(a, p);
    if (r >= 0)
        r = snd_pcm_hw_params(a->pcm, p);
    if (r >= 0)
        r = snd_pcm_start(a->pcm);
    return r < 0 ? refused(r, ret_why) : 0;
}

static void silent(const char *file, int line, const char *function, int err, const char *fmt,
                   ...) {
    (void)file, (void)line, (void)function, (void)err, (void)fmt;
}

/* ---- reading ---- */

static int alsa_fd(void *ctx) {
    const struct alsa *a = ctx;
    return a->poll.fd;
}

static void convert(const struct alsa *a, struct doppler_iq *iq, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (a->format == SND_PCM_FORMAT_S16)
            iq[i] =
                (struct doppler_iq){a->raw.s16[2 * i] / 32768.0f, a->raw.s16[2 * i + 1] / 32768.0f};
        else
            iq[i] = (struct doppler_iq){(float)a->raw.s32[2 * i] / 2147483648.0f,
                                        (float)a->raw.s32[2 * i + 1] / 2147483648.0f};
}

/* An overrun or a suspended card: begins again, samples are lost. */
static int again(struct alsa *a, int error) {
    if (snd_pcm_recover(a->pcm, error, 1) < 0 || snd_pcm_start(a->pcm) < 0)
        return ERR_NODEV;
    return ERR_OVERFLOW;
}

static int alsa_read(void *ctx, int64_t now_ns, struct doppler_iq *iq, unsigned cap,
                     int64_t *ret_t_ns) {
    struct alsa *a = ctx;
    snd_pcm_sframes_t waiting = snd_pcm_avail(a->pcm), n = waiting;
    if (waiting > 0) {
        snd_pcm_uframes_t want = cap < CHUNK ? cap : CHUNK;
        want = (snd_pcm_uframes_t)waiting < want ? (snd_pcm_uframes_t)waiting : want;
        n = snd_pcm_readi(a->pcm, &a->raw, want);
    }
    if (n == -EAGAIN || n == 0)
        return 0;
    if (n == -EPIPE || n == -ESTRPIPE || n == -EINTR)
        return again(a, (int)n);
    if (n < 0)
        return ERR_NODEV;
    convert(a, iq, (unsigned)n);
    *ret_t_ns = now_ns - waiting * INT64_C(1000000000) / a->rate_hz;
    return (int)n;
}

static void alsa_close(void *ctx) {
    struct alsa *a = ctx;
    snd_pcm_close(a->pcm);
    /* A card that was plugged in anew is looked for anew. */
    snd_config_update_free_global();
    free(a);
}

int iq_alsa_open(const char *name, struct iq_source *ret_source, const char **ret_why) {
    struct alsa *a = calloc(1, sizeof *a);
    if (a == NULL) {
        *ret_why = "out of memory";
        return ERR_NOMEM;
    }
    snd_lib_error_set_handler(silent);
    int r = snd_pcm_open(&a->pcm, name, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK);
    if (r < 0) {
        free(a);
        snd_config_update_free_global();
        return refused(r, ret_why);
    }
    r = set_up(a, ret_why);
    /* Every plain card has one descriptor; where a plugin has more, the first tells of samples. */
    if (r == 0 && snd_pcm_poll_descriptors(a->pcm, &a->poll, 1) < 1)
        a->poll.fd = -1;
    if (r < 0) {
        alsa_close(a);
        return r;
    }
    *ret_source = (struct iq_source){a, a->rate_hz, alsa_fd, alsa_read, alsa_close};
    return 0;
}
