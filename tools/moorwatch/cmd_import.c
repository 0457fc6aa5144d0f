/* import: reports and wards, made elsewhere, into the collector's data base. */
#include "command.h"
#include "commands.h"
#include "csv.h"
#include "grid.h"
#include "store_sqlite.h"
#include "wards_file.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct request {
    const char *db, *file, *source, *kind;
    int year; /* of a column of month numbers; 0: not given */
};

/* Where the columns are; -1: there is none. */
struct columns {
    int easting, northing, lon, lat, when, id, kind;
};

struct reading {
    const struct request *request;
    const struct store *store;
    struct grid grid;
    struct csv csv;
    struct columns columns;
    unsigned fresh, known;
};

static int wrong_line(const struct reading *r, const char *what, const char *value) {
    fprintf(stderr, "%s:%ld: %s%s%s\n", r->request->file, r->csv.number, what,
            value[0] != '\0' ? ": " : "", value);
    return ERR_INVAL;
}

static int first_column(const struct csv *csv, const char *const *names) {
    for (; *names != NULL; names++) {
        int at = csv_column(csv, *names);
        if (at >= 0)
            return at;
    }
    return -1;
}

static int columns_find(struct reading *r) {
    static const char *const EASTING[] = {"easting", "x", "e", NULL};
    static const char *const NORTHING[] = {"northing", "y", "n", NULL};
    static const char *const LON[] = {"lon", "lng", "longitude", NULL};
    static const char *const LAT[] = {"lat", "latitude", NULL};
    static const char *const WHEN[] = {"date", "occurred", "time", "month", NULL};
    struct columns *c = &r->columns;
    c->easting = first_column(&r->csv, EASTING);
    c->northing = first_column(&r->csv, NORTHING);
    c->lon = first_column(&r->csv, LON);
    c->lat = first_column(&r->csv, LAT);
    c->when = first_column(&r->csv, WHEN);
    c->id = csv_column(&r->csv, "id");
    c->kind = csv_column(&r->csv, "kind");
    bool place = (c->easting >= 0 && c->northing >= 0) || (c->lon >= 0 && c->lat >= 0);
    if (!place)
        return wrong_line(r, "no columns for the place: easting,northing or x,y or lon,lat", "");
    return c->when >= 0 ? 0 : wrong_line(r, "no column for the time: date or month", "");
}

static int number_read(const struct reading *r, int column, double *ret_value) {
    const char *text = r->csv.cell[column];
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0)
        return wrong_line(r, "not a number", text);
    *ret_value = value;
    return 0;
}

static int place_read(const struct reading *r, struct store_report *row) {
    const struct columns *c = &r->columns;
    bool grid = c->easting >= 0 && c->northing >= 0;
    double a = 0, b = 0, e = 0, n = 0;
    int err = number_read(r, grid ? c->easting : c->lon, &a);
    if (err == 0)
        err = number_read(r, grid ? c->northing : c->lat, &b);
    if (err < 0)
        return err;
    e = a;
    n = b;
    if (!grid && grid_from_wgs84(&r->grid, b, a, &e, &n) < 0)
        e = -1;
    if (e < 0 || e > 700000 || n < 0 || n > 1300000)
        return wrong_line(r, "outside the National Grid (are the columns swapped?)",
                          r->csv.cell[grid ? c->easting : c->lon]);
    row->easting = (int32_t)(e + 0.5);
    row->northing = (int32_t)(n + 0.5);
    return 0;
}

/* The middle of what is known: noon of a day, the 15th of a month. */
static const struct shape {
    const char *format;
    uint8_t precision;
    int day, hour; /* added where the text says none */
} SHAPES[] = {
    {"%Y-%m-%dT%H:%M", 0, 0, 0}, {"%Y-%m-%d %H:%M", 0, 0, 0}, {"%Y-%m-%d", 1, 0, 12},
    {"%d/%m/%Y", 1, 0, 12},      {"%Y-%m", 2, 15, 12},
};

static bool rest_is_seconds(const char *rest, uint8_t precision) {
    return *rest == '\0' || (precision == 0 && (*rest == ':' || *rest == 'Z'));
}

static int time_read(const struct reading *r, struct store_report *row) {
    const char *text = r->csv.cell[r->columns.when];
    char month[16];
    size_t digits = strspn(text, "0123456789");
    if (text[digits] == '\0' && digits > 0 && digits <= 2) {
        if (r->request->year == 0)
            return wrong_line(r, "a month without its year: give --year YYYY", text);
        snprintf(month, sizeof month, "%d-%s", r->request->year, text);
        text = month;
    }
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        struct tm tm = {0};
        const char *end = strptime(text, SHAPES[i].format, &tm);
        if (end == NULL || !rest_is_seconds(end, SHAPES[i].precision))
            continue;
        tm.tm_mday += SHAPES[i].day;
        tm.tm_hour += SHAPES[i].hour;
        row->occurred_ms = (int64_t)timegm(&tm) * 1000;
        row->precision = SHAPES[i].precision;
        return 0;
    }
    return wrong_line(r, "not a date (YYYY-MM-DD, YYYY-MM or YYYY-MM-DDTHH:MM)", text);
}

/* The source's own id if it gives one, else file and line: the same file twice changes nothing. */
static void key_write(const struct reading *r, struct store_report *row) {
    const char *base = strrchr(r->request->file, '/');
    base = base != NULL ? base + 1 : r->request->file;
    if (r->columns.id >= 0)
        snprintf(row->key, sizeof row->key, "%s", r->csv.cell[r->columns.id]);
    else
        snprintf(row->key, sizeof row->key, "%s:%ld", base, r->csv.number);
}

static int report_read(struct reading *r, size_t cells) {
    struct store_report row = {0};
    if (r->csv.cells != cells)
        return wrong_line(r, "more or fewer cells than the heading has", "");
    int err = place_read(r, &row);
    if (err == 0)
        err = time_read(r, &row);
    if (err < 0)
        return err;
    const char *kind = r->columns.kind >= 0 ? r->csv.cell[r->columns.kind] : r->request->kind;
    snprintf(row.source, sizeof row.source, "%s", r->request->source);
    snprintf(row.kind, sizeof row.kind, "%s", kind);
    key_write(r, &row);
    err = r->store->report_put(r->store->ctx, &row);
    if (err < 0)
        return err;
    r->fresh += err == 1;
    r->known += err == 0;
    return 0;
}

static int reports_read(struct reading *r) {
    int err = csv_next(&r->csv);
    if (err == 0)
        return wrong_line(r, "the file is empty", "");
    size_t cells = r->csv.cells;
    if (err > 0)
        err = columns_find(r);
    while (err >= 0) {
        err = csv_next(&r->csv);
        if (err == 0)
            return 0;
        if (err > 0)
            err = report_read(r, cells);
        else
            wrong_line(r, csv_words(err), "");
    }
    return err;
}

/* All of a file or nothing. */
static int finish(const struct store *store, int err) {
    if (err >= 0)
        err = store->commit(store->ctx);
    if (err < 0) {
        store->rollback(store->ctx);
        fprintf(stderr, "moorwatch import: %s; nothing was imported\n", err_text(err));
        return 1;
    }
    return 0;
}

static int import_reports(const struct store *store, const struct request *request) {
    struct reading r = {.request = request, .store = store};
    r.csv.from = fopen(request->file, "re");
    int err = r.csv.from == NULL ? -errno : grid_open(&r.grid);
    if (err < 0) {
        fprintf(stderr, "moorwatch import: %s: %s\n", request->file, err_text(err));
        if (r.csv.from != NULL)
            csv_close(&r.csv);
        return 1;
    }
    err = store->begin(store->ctx);
    if (err >= 0)
        err = reports_read(&r);
    csv_close(&r.csv);
    grid_close(&r.grid);
    int status = finish(store, err);
    if (status == 0)
        fprintf(stderr, "moorwatch import: %u reports from %s, %u known already\n", r.fresh,
                request->source, r.known);
    return status;
}

static int put_ward(void *arg, const struct store_ward *row) {
    const struct store *store = arg;
    return store->ward_put(store->ctx, row);
}

static int import_wards(const struct store *store, const struct request *request) {
    char why[256] = "";
    struct store copy = *store;
    int err = store->begin(store->ctx);
    if (err >= 0)
        err = wards_file_read(request->file, put_ward, &copy, why, sizeof why);
    if (err < 0 && why[0] != '\0')
        fprintf(stderr, "%s: %s\n", request->file, why);
    int wards = err, status = finish(store, err);
    if (status == 0)
        fprintf(stderr, "moorwatch import: %d wards\n", wards);
    return status;
}

static const struct verb {
    const char *name;
    int (*run)(const struct store *store, const struct request *request);
} VERBS[] = {{"reports", import_reports}, {"wards", import_wards}};

static int wrong_call(const char *what, const char *value) {
    fprintf(stderr, "moorwatch import: %s%s; `moorwatch help import` says how\n", what, value);
    return 2;
}

static int arguments(int argc, char **argv, struct request *q) {
    for (int i = 2; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--db") == 0 && value)
            q->db = argv[++i];
        else if (strcmp(argv[i], "--source") == 0 && value)
            q->source = argv[++i];
        else if (strcmp(argv[i], "--kind") == 0 && value)
            q->kind = argv[++i];
        else if (strcmp(argv[i], "--year") == 0 && value)
            q->year = (int)strtol(argv[++i], NULL, 10);
        else if (argv[i][0] != '-' && q->file == NULL)
            q->file = argv[i];
        else
            return wrong_call("not understood: ", argv[i]);
    }
    if (q->year != 0 && (q->year < 1970 || q->year > 2099))
        return wrong_call("--year is from 1970 to 2099", "");
    if (strcmp(q->source, "police") != 0 && strcmp(q->source, "public") != 0)
        return wrong_call("--source is police or public, not ", q->source);
    return q->db == NULL || q->file == NULL ? wrong_call("--db DB and a file are needed", "") : 0;
}

static int run(int argc, char **argv) {
    struct request q = {.source = "police", .kind = "antisocial"};
    const struct verb *verb = NULL;
    for (size_t i = 0; argc > 1 && i < sizeof VERBS / sizeof VERBS[0]; i++)
        if (strcmp(argv[1], VERBS[i].name) == 0)
            verb = &VERBS[i];
    if (verb == NULL)
        return wrong_call("reports or wards?", "");
    int status = arguments(argc, argv, &q);
    if (status != 0)
        return status;
    struct store store;
    int err = store_sqlite_open(q.db, STORE_SQLITE_CREATE, &store);
    if (err < 0) {
        fprintf(stderr, "moorwatch import: %s: %s\n", q.db, err_text(err));
        return 1;
    }
    status = verb->run(&store, &q);
    store.close(store.ctx);
    return status;
}

const struct command COMMAND_IMPORT = {
    .name = "import",
    .usage = "reports|wards --db DB FILE [--source police|public] [--kind KIND] [--year YYYY]",
    .summary = "bring reports or ward boundaries into the collector",
    .help =
        "reports: a CSV file with a heading. The place in columns easting,northing (or x,y) in\n"
        "National Grid metres, or lon,lat in degrees; the time in a column date (YYYY-MM-DD,\n"
        "YYYY-MM or YYYY-MM-DDTHH:MM) or month (YYYY-MM, or 1 to 12 with --year). A column\n"
        "kind overrules --kind (antisocial); a column id names each report. Reports are a\n"
        "layer of their own beside what the sensors measure.\n"
        "\n"
        "wards: a GeoJSON file of the Office for National Statistics.\n"
        "\n"
        "A file with one wrong line is not imported at all; the same file twice changes\n"
        "nothing.",
    .run = run,
};
