#include "iq_file.h"
#include "iq.h"
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MPH 0.44704

enum { CHANNELS = 2 };

struct request {
    struct iq_conf conf;
    const char *scene, *out, *truth;
    double seconds, seed, beam_deg, rate_hz;
};

/* ---- options ---- */

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "kitsim iq: %s '%s'; kitsim --help says what there is\n", what, value);
    return ERR_INVAL;
}

static bool set_flag(struct request *r, const char *name) {
    if (strcmp(name, "--swapped") == 0)
        r->conf.swapped = true;
    else if (strcmp(name, "--mono") == 0)
        r->conf.mono = true;
    else
        return false;
    return true;
}

static int set_value(struct request *r, const char *name, const char *value) {
    const struct {
        const char *name;
        const char **text;
        double *number;
    } OPTIONS[] = {
        {"--out", &r->out, NULL},
        {"--truth", &r->truth, NULL},
        {"--scene", &r->scene, NULL},
        {"--seconds", NULL, &r->seconds},
        {"--seed", NULL, &r->seed},
        {"--snr", NULL, &r->conf.snr_db},
        {"--hum", NULL, &r->conf.hum},
        {"--gain", NULL, &r->conf.gain_db},
        {"--phase", NULL, &r->conf.phase_deg},
        {"--level", NULL, &r->conf.level},
        {"--beam", NULL, &r->beam_deg},
        {"--rate", NULL, &r->rate_hz},
    };
    char *end = NULL;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        if (strcmp(name, OPTIONS[i].name) != 0)
            continue;
        if (value == NULL)
            return wrong("a value is wanted after", name);
        if (OPTIONS[i].text != NULL)
            *OPTIONS[i].text = value;
        else
            *OPTIONS[i].number = strtod(value, &end);
        return end == NULL || (end != value && *end == '\0') ? 0 : wrong("no number:", value);
    }
    return wrong("unknown option", name);
}

static int read_options(int argc, char **argv, struct request *r) {
    *r = (struct request){.conf = IQ_DEFAULTS,
                          .scene = "free flow",
                          .seconds = 60,
                          .seed = 1,
                          .beam_deg = 34,
                          .rate_hz = IQ_DEFAULTS.rate_hz};
    int err = 0;
    for (int i = 1; i < argc && err == 0; i++)
        if (!set_flag(r, argv[i])) {
            err = set_value(r, argv[i], argv[i + 1]);
            i++;
        }
    if (err == 0 && r->out == NULL)
        err = wrong("--out is needed for", "iq");
    if (err == 0 && !(r->rate_hz >= DOPPLER_RATE_MIN_HZ && r->rate_hz <= DOPPLER_RATE_MAX_HZ))
        err = wrong("--rate is 16000 to 192000", "Hz");
    if (err == 0)
        r->conf.rate_hz = (uint32_t)r->rate_hz;
    return err;
}

static int scene_named(const char *name) {
    for (int i = 0; i < PHYSICS_SCENES; i++)
        if (strcmp(name, physics_scene_name((enum physics_scene)i)) == 0)
            return i;
    wrong("no scene", name);
    for (int i = 0; i < PHYSICS_SCENES; i++)
        fprintf(stderr, "  %s\n", physics_scene_name((enum physics_scene)i));
    return ERR_NOENT;
}

/* ---- files ---- */

static int write_truth(const char *path, const struct physics_drive *d) {
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return ERR_IO;
    fputs("from_ms,to_ms,direction,speed_mph\n", f);
    for (unsigned i = 0; i < d->truths; i++)
        fprintf(f, "%.0f,%.0f,%s,%.1f\n", d->truth[i].from_s * 1000, d->truth[i].to_s * 1000,
                d->truth[i].inbound ? "in" : "out", d->truth[i].m_s / MPH);
    return fclose(f) == 0 ? 0 : ERR_IO;
}

static int write_signal(SNDFILE *file, struct iq_scene *s) {
    static struct doppler_iq block[IQ_BLOCK_MAX];
    unsigned n;
    while ((n = iq_scene_next(s, block)) > 0)
        if (sf_writef_float(file, &block[0].i, n) != (sf_count_t)n)
            return ERR_IO;
    return 0;
}

static int write_files(const struct request *r, enum physics_scene scene) {
    static struct iq_scene s;
    SF_INFO info = {.samplerate = (int)r->conf.rate_hz,
                    .channels = CHANNELS,
                    .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *file = sf_open(r->out, SFM_WRITE, &info);
    if (file == NULL)
        return ERR_IO;
    iq_scene_init(&s, &r->conf, scene, (uint64_t)r->seed, r->seconds);
    s.drive.physics.conf.beam_deg = r->beam_deg;
    int err = write_signal(file, &s);
    if (sf_close(file) != 0)
        err = ERR_IO;
    if (err == 0 && r->truth != NULL)
        err = write_truth(r->truth, &s.drive);
    if (err == 0)
        printf("vehicles=%u samples=%llu clipped=%llu\n", s.drive.truths,
               (unsigned long long)s.sample, (unsigned long long)s.clipped);
    return err;
}

int iq_file_main(int argc, char **argv) {
    struct request r;
    if (read_options(argc, argv, &r) < 0)
        return 2;
    int scene = scene_named(r.scene);
    if (scene < 0)
        return 2;
    int err = write_files(&r, (enum physics_scene)scene);
    if (err < 0)
        fprintf(stderr, "kitsim iq: %s: %s\n", r.out, err_text(err));
    return err < 0;
}
