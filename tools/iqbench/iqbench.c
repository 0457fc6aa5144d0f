/* iqbench: prints how well the low-cost radar path finds vehicles in signals of known truth. */
#include "iq_fft.h"
#include "iq_score.h"
#include "passage.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 32 };

static unsigned long runs = 12, seconds = 60, seed = 1, chain;

static int usage(FILE *to) {
    fprintf(to, "usage: iqbench [--runs N] [--seconds S] [--seed N]\n"
                "       iqbench --chain FRAMES\n"
                "Scenes of known truth as I/Q signals through core/doppler and core/passage.\n"
                "--chain plays a second of signal until so many frames are made, and prints\n"
                "nothing: for counting instructions.\n");
    return to == stdout ? 0 : 2;
}

static void cell(double value, int decimals) {
    if (isnan(value))
        printf(" %8s", "-");
    else
        printf(" %8.*f", decimals, value);
}

static int run_case(const struct iq_case *c) {
    static struct iq_score s;
    memset(&s, 0, sizeof s);
    for (unsigned i = 0; i < runs; i++)
        if (iq_score_run(&s, c, seed + i, (double)seconds) < 0)
            return 1;
    printf("%-28s", c->name);
    cell(score_found_percent(&s.score), 1);
    cell(score_extra_per_hour(&s.score), 1);
    cell(score_bias_mph(&s.score), 2);
    cell(score_p95_mph(&s.score), 2);
    cell(score_direction_percent(&s.score), 2);
    cell(score_bias_mph(&s.radial), 3);
    cell(score_p95_mph(&s.radial), 3);
    cell(c->range_m > 0 ? iq_score_range_m(&s, 50) : NAN, 0);
    cell(c->range_m > 0 ? iq_score_range_m(&s, 90) : NAN, 0);
    printf("\n");
    return fflush(stdout) != 0;
}

/* ---- the cases ---- */

static unsigned list_scenes(struct iq_case *c) {
    for (unsigned i = 0; i < PHYSICS_SCENES; i++)
        c[i] = iq_score_case(physics_scene_name((enum physics_scene)i), (enum physics_scene)i);
    return PHYSICS_SCENES;
}

/* Free flow, each time with one thing made worse. */
static unsigned list_troubles(struct iq_case *c) {
    static const char *const NAMES[] = {
        "hum as strong as a car",   "Q 2 dB and 10 degrees off", "no 1/f noise",
        "level such that it clips", "beam of 80 degrees",        "44.1 kHz",
        "one look a frame",         "two looks a frame",         "windows of 4096, two looks",
        "windows of 1024, eight",
    };
    enum { N = sizeof NAMES / sizeof *NAMES };
    for (unsigned i = 0; i < N; i++)
        c[i] = iq_score_case(NAMES[i], PHYSICS_FREE);
    c[0].signal.hum = c[0].signal.level;
    c[1].signal.gain_db = 2;
    c[1].signal.phase_deg = 10;
    c[2].signal.flicker_hz = 0;
    c[3].signal.level *= 16;
    c[4].beam_deg = 80;
    c[5].signal.rate_hz = c[5].receiver.rate_hz = 44100;
    c[5].receiver.bins = doppler_bins(44100);
    c[6].receiver.looks = 1;
    c[7].receiver.looks = c[8].receiver.looks = 2;
    c[8].receiver.bins = 4096;
    c[9].receiver.looks = 8;
    c[9].receiver.bins = 1024;
    return N;
}

static unsigned list_ratios(struct iq_case *c) {
    static char names[6][32];
    for (unsigned i = 0; i < 6; i++) {
        snprintf(names[i], sizeof names[i], "%u dB at 20 m", 12 + 8 * i);
        c[i] = iq_score_case(names[i], PHYSICS_FREE);
        c[i].signal.snr_db = 12 + 8 * i;
        c[i].range_m = 180;
    }
    return 6;
}

static int print_table(void) {
    static struct iq_case cases[CASES];
    unsigned n = list_scenes(cases);
    n += list_troubles(cases + n);
    n += list_ratios(cases + n);
    printf("%-28s %8s %8s %8s %8s %8s %8s %8s %8s %8s\n", "signal", "found %", "false/h",
           "bias mph", "p95 mph", "dir. %", "radial", "p95", "50 % m", "90 % m");
    for (unsigned i = 0; i < n; i++)
        if (run_case(&cases[i]) != 0)
            return 1;
    return 0;
}

/* ---- for counting ---- */

static int play_chain(void) {
    static struct iq_scene scene;
    static struct doppler doppler;
    static struct passage passage;
    static struct doppler_iq signal[48000 + IQ_BLOCK_MAX];
    struct doppler_fft fft;
    size_t n = 0, made = 0;
    if (iq_fft_open(DOPPLER_DEFAULTS.bins, &fft) < 0 ||
        doppler_init(&doppler, &DOPPLER_DEFAULTS, &fft) < 0)
        return 1;
    passage_init(&passage, &PASSAGE_DEFAULTS);
    iq_scene_init(&scene, &IQ_DEFAULTS, PHYSICS_BUSY, seed, 60);
    while (scene.sample < 48000 * 4)
        (void)iq_scene_next(&scene, signal);
    while (n < 48000)
        n += iq_scene_next(&scene, signal + n);
    while (made < chain)
        for (size_t at = 0; at < n && made < chain;) {
            struct passage_vehicle v[PASSAGE_TRACKS];
            struct radar_frame f;
            bool whole;
            at += doppler_take(&doppler, signal + at, n - at, &f, &whole);
            if (whole)
                (void)passage_frame(&passage, &f, v);
            made += whole;
        }
    iq_fft_close(&fft);
    return 0;
}

int main(int argc, char **argv) {
    bool counts = false;
    for (int i = 1; i < argc; i++) {
        unsigned long *to = strcmp(argv[i], "--runs") == 0      ? &runs
                            : strcmp(argv[i], "--seconds") == 0 ? &seconds
                            : strcmp(argv[i], "--seed") == 0    ? &seed
                            : strcmp(argv[i], "--chain") == 0   ? &chain
                                                                : NULL;
        if (to == NULL || i + 1 == argc)
            return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
        counts = counts || to == &chain;
        *to = strtoul(argv[++i], NULL, 10);
    }
    return counts ? play_chain() : print_table();
}
