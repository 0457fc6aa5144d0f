/* speeds: what is said about the speeds in a file. */
#include "command.h"
#include "commands.h"
#include "csv.h"
#include "speeds.h"
#include "threshold.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SPEED_MPH_MAX = 255 };

struct request {
    const char *path;
    int limit_mph;
};

struct samples {
    double *mph;
    size_t n;
    size_t cap;
};

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "moorwatch speeds: %s%s%s; `moorwatch help speeds` says how\n", what,
            value[0] != '\0' ? ": " : "", value);
    return 2;
}

static int limit_of(const char *text, int *ret_mph) {
    char *end;
    long mph = strtol(text, &end, 10);
    if (end == text || *end != '\0' || mph < THRESHOLD_LIMIT_MIN || mph > THRESHOLD_LIMIT_MAX)
        return ERR_RANGE;
    *ret_mph = (int)mph;
    return 0;
}

/* 0, or the exit code after having said what is wrong. */
static int request_of(int argc, char **argv, struct request *ret_request) {
    struct request r = {0};
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        const char *value = strncmp(argv[i], "--limit=", 8) == 0 ? argv[i] + 8 : NULL;
        if (strcmp(argv[i], "--limit") == 0 && argv[i + 1] != NULL)
            value = argv[++i];
        if (value != NULL) {
            if (limit_of(value, &r.limit_mph) < 0)
                return wrong("the limit must be whole miles per hour from 5 to 100", value);
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return wrong("unknown or unfinished option", argv[i]);
        } else if (r.path != NULL) {
            return wrong("one file only", argv[i]);
        } else {
            r.path = argv[i];
        }
    }
    if (r.path == NULL || r.limit_mph == 0)
        return wrong(r.path == NULL ? "which file?" : "--limit MPH is missing", "");
    *ret_request = r;
    return 0;
}

/* Plain decimals only: strtod alone would take nan, inf and hexadecimal. */
static int speed_of(const char *text, double *ret_mph) {
    if (text[0] == '\0' || strspn(text, "0123456789.+-eE") != strlen(text))
        return ERR_INVAL;
    char *end;
    double mph = strtod(text, &end);
    if (*end != '\0')
        return ERR_INVAL;
    if (!(mph >= 0 && mph <= SPEED_MPH_MAX))
        return ERR_RANGE;
    *ret_mph = mph;
    return 0;
}

static int samples_add(struct samples *s, double mph) {
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 1024 : s->cap * 2;
        double *more = realloc(s->mph, cap * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        s->mph = more;
        s->cap = cap;
    }
    s->mph[s->n++] = mph;
    return 0;
}

static int complain(const struct request *r, const struct csv *csv, const char *what,
                    const char *value) {
    fprintf(stderr, "moorwatch speeds: %s:%ld: %s%s%s\n", r->path,
            csv->number > 0 ? csv->number : 1, what, value[0] != '\0' ? ": " : "", value);
    return ERR_BADMSG;
}

static int take_speed(const struct request *r, const struct csv *csv, size_t column,
                      struct samples *s) {
    if (column >= csv->cells)
        return complain(r, csv, "this line has no speed: fewer cells than the header", "");
    double mph;
    int err = speed_of(csv->cell[column], &mph);
    if (err == ERR_RANGE)
        return complain(r, csv, "a speed must be 0 to 255 mph, without a sign for the direction",
                        csv->cell[column]);
    if (err < 0)
        return complain(r, csv, "not a speed; remove the line or correct it",
                        csv->cell[column][0] != '\0' ? csv->cell[column] : "(empty)");
    return samples_add(s, mph);
}

static int find_column(const struct request *r, const struct csv *csv, size_t *ret_column) {
    int column = csv_column(csv, "speed_mph");
    if (column < 0)
        column = csv_column(csv, "speed");
    if (column < 0)
        return complain(r, csv, "no column speed_mph or speed in the first line; it begins with",
                        csv->cell[0]);
    *ret_column = (size_t)column;
    return 0;
}

static int read_all(const struct request *r, struct csv *csv, struct samples *s) {
    size_t column = 0;
    int more = csv_next(csv);
    if (more == 0)
        return complain(r, csv, "the file is empty; its first line must name the columns", "");
    int err = more < 0 ? more : find_column(r, csv, &column);
    while (err >= 0 && (more = csv_next(csv)) == 1)
        err = take_speed(r, csv, column, s);
    if (more < 0)
        return complain(r, csv, csv_words(more), "");
    if (err == 0 && s->n == 0)
        return complain(r, csv, "no speeds below the header: nothing to say", "");
    return err;
}

static void print_share(const char *name, const struct speeds_share *s, const char *end) {
    printf("  \"%s\": {\"count\": %llu, \"share\": %.12g, \"low\": %.12g, \"high\": %.12g}%s\n",
           name, (unsigned long long)s->count, s->share, s->interval.low, s->interval.high, end);
}

static void print_bound(const char *name, bool known, double mph) {
    if (known)
        printf("  \"%s\": %.12g,\n", name, mph);
    else
        printf("  \"%s\": null,\n", name);
}

static int print_json(const struct speeds_stats *s, int limit_mph, int threshold) {
    printf("{\n  \"n\": %llu,\n", (unsigned long long)s->n);
    printf("  \"mean\": %.12g,\n  \"p50\": %.12g,\n  \"p85\": %.12g,\n", s->mean, s->p50, s->p85);
    print_bound("p85_low", s->p85_low_known, s->p85_low);
    print_bound("p85_high", s->p85_high_known, s->p85_high);
    printf("  \"max\": %.12g,\n", s->max);
    print_share("over_limit", &s->over_limit, ",");
    print_share("at_or_over_threshold", &s->at_or_over_threshold, ",");
    printf("  \"limit_mph\": %d,\n  \"threshold_mph\": %d\n}\n", limit_mph, threshold);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int report(const struct request *r, struct samples *s) {
    struct speeds_stats stats;
    int threshold = threshold_mph(&THRESHOLD_DEFAULT, r->limit_mph);
    int err =
        threshold < 0 ? threshold : speeds_of_array(s->mph, s->n, r->limit_mph, threshold, &stats);
    if (err < 0) {
        fprintf(stderr, "moorwatch speeds: %s: %s\n", r->path, err_text(err));
        return 1;
    }
    if (stats.trust == SPEEDS_TOO_FEW)
        fprintf(stderr,
                "moorwatch speeds: %s: %llu vehicle%s: too few for a percentile to be relied on\n",
                r->path, (unsigned long long)stats.n, stats.n == 1 ? "" : "s");
    return print_json(&stats, r->limit_mph, threshold);
}

static int run(int argc, char **argv) {
    struct request r;
    int code = request_of(argc, argv, &r);
    if (code != 0)
        return code;
    struct csv csv = {.from = strcmp(r.path, "-") == 0 ? stdin : fopen(r.path, "r")};
    if (csv.from == NULL) {
        fprintf(stderr, "moorwatch speeds: cannot open %s: %s\n", r.path, strerror(errno));
        return 1;
    }
    struct samples samples = {0};
    int err = read_all(&r, &csv, &samples);
    if (err == ERR_NOMEM)
        fprintf(stderr, "moorwatch speeds: %s: %s\n", r.path, err_text(err));
    code = err < 0 ? 1 : report(&r, &samples);
    free(samples.mph);
    csv_close(&csv);
    return code;
}

const struct command COMMAND_SPEEDS = {
    .name = "speeds",
    .usage = "FILE.csv --limit MPH",
    .summary = "mean, percentiles and shares over the limit of the speeds in a file, as JSON",
    .help = "Reads the column speed_mph, else speed, of a CSV file whose first line names the\n"
            "columns (- reads standard input); other columns do not matter.  Prints JSON:\n"
            "  n, mean, p50, p85, max     in mph; quantiles of type 7\n"
            "  p85_low, p85_high          95 % interval of p85 from order statistics; null where\n"
            "                             there are too few vehicles for that end\n"
            "  over_limit                 faster than the limit\n"
            "  at_or_over_threshold       at or above 10 % + 2 mph over it (24, 35, 46, 57, ...)\n"
            "  limit_mph, threshold_mph   what was compared with\n"
            "Both shares are {count, share, low, high} with Wilson's 95 % interval.\n"
            "A line without a plain speed from 0 to 255 mph is an error that names the line.",
    .run = run,
};
