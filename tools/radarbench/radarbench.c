/* radarbench: prints how vehicles are found in scenes of known truth, beside two other rules. */
#include "ops243_join.h"
#include "ops243_split.h"
#include "radar_score.h"
#include "scene_log.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(FILE *to) {
    fputs("usage: radarbench [--runs N] [--seconds S] [--seed N]\n"
          "       radarbench --log SCENE --shape SHAPE [--truth CSV] [--seconds S] [--seed N]\n"
          "       radarbench --feed FRAMES\n"
          "Scenes of known truth through the segmentation of the kit and two other rules:\n"
          "60 sites of 300 s each, if nothing else is said.  found: of all vehicles, the right\n"
          "way round and within 5 mph; false/h: were none, or counted twice; +-: half of the\n"
          "95 % interval; bias, p95: of the errors of those found; dir.: told the right way.\n"
          "--log writes a scene as the sensor would tell it, for moorwatch passages; SCENE as in "
          "the\n"
          "table; SHAPE: plain, timed, weighed, units, json, json-timed, array.\n"
          "--feed takes frames of three targets from bytes to vehicles and prints nothing: for\n"
          "counting instructions.\n",
          to);
    return to == stdout ? 0 : 2;
}

/* ---- the table ---- */

static void cell(double value, int decimals) {
    if (isnan(value))
        printf(" %8s", "-");
    else
        printf(" %8.*f", decimals, value);
}

static void progress(enum physics_scene scene, enum score_rule rule) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%u of %u: %-20s %-22s", scene * SCORE_RULES + rule + 1,
                PHYSICS_SCENES * SCORE_RULES, physics_scene_name(scene), score_rule_name(rule));
}

static void row(enum physics_scene scene, enum score_rule rule, unsigned runs, double seconds,
                unsigned long seed) {
    static struct score s;
    memset(&s, 0, sizeof s);
    progress(scene, rule);
    for (unsigned i = 0; i < runs; i++)
        score_run(&s, rule, scene, seed + i, seconds);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%60s\r", "");
    printf("%-18s %-21s", physics_scene_name(scene), score_rule_name(rule));
    cell(score_found_percent(&s), 1);
    cell(score_found_margin(&s), 1);
    cell(score_extra_per_hour(&s), 1);
    cell(score_extra_margin(&s), 1);
    cell(score_bias_mph(&s), 2);
    cell(score_p95_mph(&s), 2);
    cell(score_direction_percent(&s), 2);
    printf("\n");
    fflush(stdout);
}

static void table(unsigned runs, double seconds, unsigned long seed) {
    printf("%-18s %-21s %8s %8s %8s %8s %8s %8s %8s\n", "scene", "rule", "found %", "+-", "false/h",
           "+-", "bias mph", "p95 mph", "dir. %");
    for (unsigned scene = 0; scene < PHYSICS_SCENES; scene++)
        for (unsigned rule = 0; rule < SCORE_RULES; rule++)
            row((enum physics_scene)scene, (enum score_rule)rule, runs, seconds, seed);
}

/* ---- what a frame costs ---- */

enum { FRAMES = 1200, LINE_MAX_BYTES = 128 };

/* Three vehicles in view at any time: each comes from 60 m, or goes there, in its own lane. */
static int line_of(unsigned at, char *buf) {
    static const double V[] = {13.4, -15.6, 17.9}, LANE[] = {4, 7.5, 3};
    double mag[3], radial[3];
    for (unsigned k = 0; k < 3; k++) {
        double x = fmod(at * 0.05 * fabs(V[k]) + 17.0 * k, 50.0);
        x = V[k] > 0 ? 60 - x : 10 + x;
        double r = hypot(x, LANE[k]);
        mag[k] = 240000 / (r * r);
        radial[k] = V[k] * x / r;
    }
    return snprintf(buf, LINE_MAX_BYTES,
                    "{\"time\" : \"%u.000\", \"unit\" : \"mps\", \"magnitude\":[%.2f, %.2f, %.2f], "
                    "\"speed\":[%.2f, %.2f, %.2f]}\r\n",
                    at, mag[0], mag[1], mag[2], radial[0], radial[1], radial[2]);
}

static unsigned feed_line(struct ops243_splitter *s, struct ops243_join *j, struct passage *p,
                          const char *bytes, size_t len, int64_t t_ns) {
    static struct ops243_context context;
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct ops243_line line;
    struct radar_frame frame;
    int n;
    size_t took = ops243_split(s, bytes, len, &n);
    if (took == 0 || n < 0 || ops243_line_read(s->line, (size_t)n, &context, &line) < 0 ||
        !ops243_join_line(j, &line, t_ns, &frame))
        return 0;
    return passage_frame(p, &frame, v);
}

/* Vehicles found, so that nothing is left out as unused. */
static unsigned feed(unsigned long frames) {
    static char text[FRAMES][LINE_MAX_BYTES];
    static int len[FRAMES];
    static struct ops243_splitter splitter;
    static struct ops243_join join;
    static struct passage p;
    unsigned vehicles = 0;
    for (unsigned i = 0; i < FRAMES; i++)
        len[i] = line_of(i, text[i]);
    passage_init(&p, &PASSAGE_DEFAULTS);
    for (unsigned long i = 0; i < frames; i++)
        vehicles += feed_line(&splitter, &join, &p, text[i % FRAMES], (size_t)len[i % FRAMES],
                              (int64_t)i * 50000000);
    return vehicles;
}

struct request {
    unsigned long runs, seconds, seed, frames;
    const char *scene, *shape, *truth;
};

static int write_log(const struct request *r) {
    struct sensor_text shape;
    enum physics_scene scene = scene_named(r->scene);
    if (scene == PHYSICS_SCENES || r->shape == NULL || !sensor_text_named(r->shape, &shape))
        return usage(stderr);
    FILE *truth = r->truth != NULL ? fopen(r->truth, "w") : NULL;
    if (r->truth != NULL && truth == NULL) {
        perror(r->truth);
        return 1;
    }
    int err = scene_log(scene, r->seed, (double)r->seconds, &shape, stdout, truth);
    if (truth != NULL && fclose(truth) != 0)
        err = ERR_IO;
    if (err < 0 || fflush(stdout) != 0)
        fprintf(stderr, "radarbench: cannot write: %s\n", err_text(ERR_IO));
    return err < 0;
}

/* -1: go on; else the exit status. */
static int request_of(int argc, char **argv, struct request *r) {
    const struct {
        const char *name;
        unsigned long *number;
        const char **text;
    } OPTIONS[] = {
        {"--runs", &r->runs, NULL},   {"--seconds", &r->seconds, NULL},
        {"--seed", &r->seed, NULL},   {"--feed", &r->frames, NULL},
        {"--log", NULL, &r->scene},   {"--shape", NULL, &r->shape},
        {"--truth", NULL, &r->truth},
    };
    enum { COUNT = sizeof OPTIONS / sizeof *OPTIONS };
    for (int i = 1; i < argc; i++) {
        unsigned k = 0;
        while (k < COUNT && strcmp(argv[i], OPTIONS[k].name) != 0)
            k++;
        if (k == COUNT || i + 1 == argc)
            return usage(strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ? stdout
                                                                                      : stderr);
        i++;
        if (OPTIONS[k].text != NULL)
            *OPTIONS[k].text = argv[i];
        else
            *OPTIONS[k].number = strtoul(argv[i], NULL, 10);
    }
    return -1;
}

int main(int argc, char **argv) {
    struct request r = {.runs = 60, .seconds = 300, .seed = 1};
    int status = request_of(argc, argv, &r);
    if (status >= 0)
        return status;
    if (r.frames > 0)
        return feed(r.frames) > 0 ? 0 : 1;
    if (r.scene != NULL)
        return write_log(&r);
    table((unsigned)r.runs, (double)r.seconds, r.seed);
    return 0;
}
