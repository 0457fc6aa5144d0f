/* radarbench: prints how vehicles are found in scenes of known truth, beside two other rules. */
#include "radar_score.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *to) {
    fprintf(to, "usage: radarbench [--runs N] [--seconds S] [--seed N]\n"
                "Scenes of known truth through the segmentation of the kit and two other rules.\n");
    return to == stdout ? 0 : 2;
}

static void cell(double value, int decimals) {
    if (isnan(value))
        printf(" %8s", "-");
    else
        printf(" %8.*f", decimals, value);
}

static void row(enum physics_scene scene, enum score_rule rule, unsigned runs, double seconds,
                unsigned long seed) {
    static struct score s;
    memset(&s, 0, sizeof s);
    for (unsigned i = 0; i < runs; i++)
        score_run(&s, rule, scene, seed + i, seconds);
    printf("%-20s %-22s", physics_scene_name(scene), score_rule_name(rule));
    cell(score_found_percent(&s), 1);
    cell(score_extra_per_hour(&s), 1);
    cell(score_bias_mph(&s), 2);
    cell(score_p95_mph(&s), 2);
    cell(score_direction_percent(&s), 2);
    printf("\n");
}

int main(int argc, char **argv) {
    unsigned long runs = 60, seconds = 300, seed = 1;
    for (int i = 1; i < argc; i++) {
        unsigned long *to = strcmp(argv[i], "--runs") == 0      ? &runs
                            : strcmp(argv[i], "--seconds") == 0 ? &seconds
                            : strcmp(argv[i], "--seed") == 0    ? &seed
                                                                : NULL;
        if (to == NULL || i + 1 == argc)
            return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
        *to = strtoul(argv[++i], NULL, 10);
    }
    printf("%-20s %-22s %8s %8s %8s %8s %8s\n", "scene", "rule", "found %", "false/h", "bias mph",
           "p95 mph", "dir. %");
    for (unsigned scene = 0; scene < PHYSICS_SCENES; scene++)
        for (unsigned rule = 0; rule < SCORE_RULES; rule++)
            row((enum physics_scene)scene, (enum score_rule)rule, (unsigned)runs, (double)seconds,
                seed);
    return 0;
}
