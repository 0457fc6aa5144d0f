/* motionbench: prints how well firmware/core/motion tells tools from weather, by generated traces
 * of known origin. */
#include "motion_score.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    unsigned long traces, seed, rate;
    double factor;
    const char *print; /* one trace of this kind, as numbers */
};

static int usage(FILE *to) {
    fprintf(to,
            "usage: motionbench [--traces N] [--seed N] [--rate HZ] [--factor F]\n"
            "       motionbench --print KIND [--seed N] [--rate HZ]\n"
            "Traces of each kind and set of places through the motion filter: how many raise an\n"
            "alarm (95 %% interval), how many a pre-alarm only, how soon, how long awake.  "
            "--print: the\n"
            "samples of one trace instead, in mg, a line each.\n");
    return to == stdout ? 0 : 2;
}

static void row(const char *set, const char *name, unsigned rate, const struct motion_score *s) {
    double low, high, share = motion_score_share(s, &low, &high);
    printf("%-9s %4u  %-18s %6u %7.2f %6.2f to %6.2f %9.2f %8.1f %7.0f\n", set, rate, name,
           s->traces, 100 * share, 100 * low, 100 * high, 100.0 * s->doubts / s->traces,
           s->alarms > 0 ? s->first_s / s->alarms : 0, 100 * s->awake_s / s->seconds);
    fflush(stdout);
}

static void table(enum vibration_set set, unsigned rate, const struct options *o) {
    struct motion_score sums[2] = {{0}};
    const char *words = vibration_set_name(set);
    for (unsigned kind = 0; kind < VIBRATION_KINDS; kind++) {
        struct motion_score s = {0};
        for (unsigned long i = 0; i < o->traces; i++)
            motion_score_run(&s, (enum vibration_kind)kind, set, rate, o->factor, o->seed + i);
        row(words, vibration_name((enum vibration_kind)kind), rate, &s);
        motion_score_add(&sums[kind >= VIBRATION_NUISANCES], &s);
    }
    row(words, "ALL NUISANCES", rate, &sums[0]);
    row(words, "ALL ATTACKS", rate, &sums[1]);
}

static int print_trace(const struct options *o) {
    static struct vibration v;
    int16_t mg[3];
    for (unsigned kind = 0; kind < VIBRATION_KINDS; kind++) {
        if (strcmp(vibration_name((enum vibration_kind)kind), o->print) != 0)
            continue;
        vibration_begin(&v, (enum vibration_kind)kind, VIBRATION_FITTED,
                        o->rate > 0 ? (unsigned)o->rate : 200, o->seed);
        while (vibration_next(&v, mg))
            printf("%d %d %d\n", mg[0], mg[1], mg[2]);
        return 0;
    }
    fprintf(stderr, "motionbench: no kind \"%s\"\n", o->print);
    return 2;
}

/* One option and its value; false: not understood. */
static bool take_option(struct options *o, const char *name, const char *value) {
    unsigned long *to = strcmp(name, "--traces") == 0 ? &o->traces
                        : strcmp(name, "--seed") == 0 ? &o->seed
                        : strcmp(name, "--rate") == 0 ? &o->rate
                                                      : NULL;
    if (to != NULL)
        *to = strtoul(value, NULL, 10);
    else if (strcmp(name, "--factor") == 0)
        o->factor = strtod(value, NULL);
    else if (strcmp(name, "--print") == 0)
        o->print = value;
    else
        return false;
    return true;
}

int main(int argc, char **argv) {
    static const unsigned RATES[] = {100, 200, 400};
    struct options o = {.traces = 300, .seed = 1, .factor = 1};
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout);
        if (i + 1 == argc || !take_option(&o, argv[i], argv[i + 1]))
            return usage(stderr);
    }
    if (o.traces == 0 || o.factor <= 0 || (o.rate != 0 && (o.rate < 50 || o.rate > 800)))
        return usage(stderr);
    if (o.print != NULL)
        return print_trace(&o);
    printf("%-9s %4s  %-18s %6s %7s %16s %9s %8s %7s\n", "places", "Hz", "what", "traces",
           "alarm %", "95 % interval", "doubt %", "after s", "awake %");
    for (unsigned set = 0; set < VIBRATION_SETS; set++)
        for (unsigned r = 0; r < 3; r++)
            if (o.rate == 0 || o.rate == RATES[r])
                table((enum vibration_set)set, RATES[r], &o);
    return 0;
}
