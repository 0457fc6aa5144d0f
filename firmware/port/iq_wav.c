#include "iq_wav.h"
#include <errno.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHANNELS = 2, HEAD_BYTES = 12 };

_Static_assert(sizeof(struct doppler_iq) == CHANNELS * sizeof(float), "a frame of two channels");

struct wav {
    SNDFILE *file;
    uint32_t rate_hz;
    bool fast, begun, cut_short;
    int64_t begun_ns;
    uint64_t read;
};

/* ---- what kind of file ---- */

static bool head(const char *path, unsigned char bytes[HEAD_BYTES]) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    bool whole = fread(bytes, 1, HEAD_BYTES, f) == HEAD_BYTES;
    fclose(f);
    return whole;
}

bool iq_wav_is(const char *path) {
    static const char *const BEGINNINGS[] = {"RIFF", "RIFX", "RF64", "fLaC", "FORM"};
    unsigned char bytes[HEAD_BYTES];
    if (!head(path, bytes))
        return false;
    for (size_t i = 0; i < sizeof BEGINNINGS / sizeof *BEGINNINGS; i++)
        if (memcmp(bytes, BEGINNINGS[i], 4) == 0)
            return true;
    return false;
}

/* libsndfile reads what there is and says nothing of what should have been. */
static bool shorter_than_told(const char *path) {
    unsigned char b[HEAD_BYTES];
    struct stat s;
    if (!head(path, b) || memcmp(b, "RIFF", 4) != 0 || stat(path, &s) < 0)
        return false;
    uint32_t told = b[4] | (uint32_t)b[5] << 8 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 24;
    /* Recorders that stream to a pipe leave zero or the largest number there. */
    return told != 0 && told < 0xffffff00u && (int64_t)told + 8 > (int64_t)s.st_size;
}

/* ---- the source ---- */

static int wav_fd(void *ctx) {
    (void)ctx;
    return -1;
}

static uint64_t due(struct wav *w, int64_t now_ns, unsigned cap) {
    if (w->fast)
        return cap;
    uint64_t ns = (uint64_t)(now_ns - w->begun_ns);
    uint64_t played = ns / 1000000000 * w->rate_hz + ns % 1000000000 * w->rate_hz / 1000000000;
    uint64_t left = played > w->read ? played - w->read : 0;
    return left < cap ? left : cap;
}

static int wav_read(void *ctx, int64_t now_ns, struct doppler_iq *iq, unsigned cap,
                    int64_t *ret_t_ns) {
    struct wav *w = ctx;
    if (!w->begun)
        w->begun_ns = w->fast ? 0 : now_ns;
    w->begun = true;
    uint64_t want = due(w, now_ns, cap);
    if (want == 0)
        return 0;
    sf_count_t n = sf_readf_float(w->file, &iq[0].i, (sf_count_t)want);
    if (n <= 0)
        return ERR_NOENT;
    uint64_t seconds = w->read / w->rate_hz, rest = w->read % w->rate_hz;
    *ret_t_ns = w->begun_ns + (int64_t)(seconds * 1000000000 + rest * 1000000000 / w->rate_hz);
    w->read += (uint64_t)n;
    return (int)n;
}

static void wav_close(void *ctx) {
    struct wav *w = ctx;
    sf_close(w->file);
    free(w);
}

static const char *unfit(const SF_INFO *info) {
    if (info->channels == 1)
        return "a recording of one channel has no direction: record I and Q as the two channels of "
               "a stereo line input, with automatic gain off";
    if (info->channels != CHANNELS)
        return "it has more than two channels: I must be the left and Q the right of two";
    if (info->samplerate < DOPPLER_RATE_MIN_HZ)
        return "its sampling rate is too low for the speeds of a road: record at 48 kHz, at least "
               "at 16";
    if (info->samplerate > DOPPLER_RATE_MAX_HZ)
        return "its sampling rate is over 192 kHz: 48 is plenty";
    return NULL;
}

static int open_error(const char *path, const char **ret_why) {
    FILE *f = fopen(path, "rb");
    int error = errno;
    if (f == NULL) {
        *ret_why = error == ENOENT ? "no such file" : "the file cannot be read";
        return -error;
    }
    fclose(f);
    *ret_why = "this is no recording that can be read: a WAV file with two channels is wanted";
    return ERR_BADMSG;
}

static int open_file(const char *path, bool fast, struct iq_source *ret_source,
                     const char **ret_why) {
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (file == NULL)
        return open_error(path, ret_why);
    const char *why = unfit(&info);
    struct wav *w = why == NULL ? calloc(1, sizeof *w) : NULL;
    if (w == NULL) {
        sf_close(file);
        *ret_why = why != NULL ? why : "out of memory";
        return why != NULL ? ERR_INVAL : ERR_NOMEM;
    }
    *w = (struct wav){.file = file,
                      .rate_hz = (uint32_t)info.samplerate,
                      .fast = fast,
                      .cut_short = shorter_than_told(path)};
    *ret_source = (struct iq_source){w, w->rate_hz, wav_fd, wav_read, wav_close};
    return 0;
}

int iq_wav_open(const char *path, struct iq_source *ret_source, const char **ret_why) {
    return open_file(path, false, ret_source, ret_why);
}

int iq_wav_open_fast(const char *path, struct iq_source *ret_source, const char **ret_why) {
    return open_file(path, true, ret_source, ret_why);
}

bool iq_wav_cut_short(const struct iq_source *source) {
    return ((const struct wav *)source->ctx)->cut_short;
}
