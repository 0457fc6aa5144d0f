/* passages: a recorded log of a radar, to the vehicles in it. */
#include "commands.h"
#include "err.h"
#include "iq_wav.h"
#include "ops243_join.h"
#include "ops243_rawlog.h"
#include "ops243_setup.h"
#include "ops243_split.h"
#include "passage.h"
#include "passages_wav.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACK_NS INT64_C(1000000000)

struct vehicles {
    struct event *at;
    size_t n, cap;
};

struct request {
    const char *path;
    struct passage_conf conf;
    enum ops243_unit unit;
    struct passages_wav_conf wav;
};

/* What one pass over the log gathers. */
struct run {
    struct ops243_context context;
    struct ops243_splitter splitter;
    struct ops243_join join;
    struct passage passage;
    struct vehicles vehicles; /* from frames */
    struct vehicles objects;  /* from the sensor's own summaries */
    struct vehicles fastest;  /* from its one speed per object */
    int64_t fastest_ns[2];    /* the newest line per direction */
    int64_t newest_ns;
    bool sessions, on; /* a daemon's log: it told what was seen in sessions */
    bool speeds;       /* the log holds measurements, not only what the sensor made of them */
    uint64_t lines, refused;
};

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "moorwatch passages: %s%s%s; `moorwatch help passages` says how\n", what,
            value[0] != '\0' ? ": " : "", value);
    return 2;
}

/* ---- options ---- */

static int set_min_speed(struct request *r, const char *text) {
    char *end;
    double mph = strtod(text, &end);
    if (end == text || *end != '\0' || !(mph >= 0 && mph <= 100))
        return ERR_RANGE;
    r->conf.min_speed_mm_s = (int32_t)(mph * 447.04);
    return 0;
}

static int set_min_magnitude(struct request *r, const char *text) {
    char *end;
    unsigned long magnitude = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-' || magnitude > 1000000)
        return ERR_RANGE;
    r->conf.min_magnitude = (uint32_t)magnitude;
    return 0;
}

static int set_units(struct request *r, const char *text) {
    r->unit = ops243_unit_named(text, strlen(text));
    return r->unit == OPS243_UNIT_NONE ? ERR_RANGE : 0;
}

static int set_carrier(struct request *r, const char *text) {
    char *end;
    double ghz = strtod(text, &end);
    if (end == text || *end != '\0' || !(ghz >= 1 && ghz <= 300))
        return ERR_RANGE;
    r->wav.carrier_hz = ghz * 1e9;
    return 0;
}

static const struct option {
    const char *name, *wants;
    int (*set)(struct request *r, const char *text);
} OPTIONS[] = {
    {"--min-speed", "--min-speed wants 0 to 100 mph", set_min_speed},
    {"--min-magnitude", "--min-magnitude wants a whole number", set_min_magnitude},
    {"--carrier", "--carrier wants 1 to 300 GHz", set_carrier},
    {"--units", "--units wants m/s, mph or km/h", set_units},
};

static const struct option *option_find(const char *arg, const char **ret_value) {
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        size_t n = strlen(OPTIONS[i].name);
        if (strncmp(arg, OPTIONS[i].name, n) != 0 || (arg[n] != '\0' && arg[n] != '='))
            continue;
        *ret_value = arg[n] == '=' ? arg + n + 1 : NULL;
        return &OPTIONS[i];
    }
    return NULL;
}

static int request_of(int argc, char **argv, struct request *ret_request) {
    struct request r = {.conf = PASSAGE_DEFAULTS, .unit = OPS243_UNIT_M_S};
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct option *o = option_find(argv[i], &value);
        if (o != NULL) {
            if (value == NULL && i + 1 < argc)
                value = argv[++i];
            if (value == NULL || o->set(&r, value) < 0)
                return wrong(o->wants, value != NULL ? value : "");
        } else if (strcmp(argv[i], "--swap") == 0) {
            r.wav.swapped = true;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return wrong("unknown option", argv[i]);
        } else if (r.path != NULL) {
            return wrong("one log only", argv[i]);
        } else {
            r.path = argv[i];
        }
    }
    if (r.path == NULL)
        return wrong("which log?", "");
    *ret_request = r;
    return 0;
}

/* ---- gathering ---- */

static int vehicles_add(struct vehicles *v, const struct event *event) {
    if (v->n == v->cap) {
        size_t cap = v->cap == 0 ? 256 : v->cap * 2;
        struct event *more = realloc(v->at, cap * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        v->at = more;
        v->cap = cap;
    }
    v->at[v->n++] = *event;
    return 0;
}

static int keep(struct run *run, struct vehicles *to, const struct passage_vehicle *v, unsigned n) {
    int r = 0;
    if (run->sessions && !run->on)
        return 0;
    for (unsigned i = 0; i < n && r == 0; i++) {
        struct event event;
        passage_event(&v[i], &event);
        r = vehicles_add(to, &event);
    }
    return r;
}

static int segment_end(struct run *run) {
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame frame;
    int r = 0;
    if (ops243_join_end(&run->join, INT64_MAX, &frame))
        r = keep(run, &run->vehicles, v, passage_frame(&run->passage, &frame, v));
    if (r == 0)
        r = keep(run, &run->vehicles, v, passage_flush(&run->passage, v));
    struct passage_conf conf = run->passage.conf;
    passage_init(&run->passage, &conf);
    return r;
}

static struct passage_vehicle vehicle_of(const struct ops243_line *line, int64_t t_ns) {
    const struct radar_target *t = &line->targets[0];
    int64_t duration_ms =
        line->duration_ms > 0 && line->duration_ms < 3600000 ? line->duration_ms : 0;
    return (struct passage_vehicle){
        .first_ns = t_ns - duration_ms * 1000000,
        .last_ns = t_ns,
        .direction = t->speed_mm_s > 0 ? DIRECTION_IN : DIRECTION_OUT,
        .speed_mm_s = abs(t->speed_mm_s),
        .magnitude = t->magnitude,
    };
}

static int on_object(struct run *run, const struct ops243_line *line, int64_t t_ns) {
    struct passage_vehicle v = vehicle_of(line, t_ns);
    if (line->count == 0 || v.speed_mm_s < run->passage.conf.min_speed_mm_s)
        return 0;
    return keep(run, &run->objects, &v, 1);
}

/* The sensor tells an object again when it turns out to be faster. */
static int on_fastest(struct run *run, const struct ops243_line *line, int64_t t_ns) {
    struct passage_vehicle v = vehicle_of(line, t_ns);
    if (line->count == 0 || v.speed_mm_s < run->passage.conf.min_speed_mm_s)
        return 0;
    struct event event;
    passage_event(&v, &event);
    bool again = run->fastest_ns[v.direction] != 0 &&
                 t_ns - run->fastest_ns[v.direction] <= run->passage.conf.silence_ns;
    run->fastest_ns[v.direction] = t_ns;
    for (size_t i = run->fastest.n; again && i-- > 0;) {
        struct event_passage *p = &run->fastest.at[i].passage;
        if (p->direction != event.passage.direction)
            continue;
        if (event.passage.speed_mph10 < p->speed_mph10)
            break;
        p->speed_mph10 = event.passage.speed_mph10;
        p->duration_ms = (uint32_t)((event.t_ms - run->fastest.at[i].t_ms + 50) / 100 * 100);
        return 0;
    }
    return vehicles_add(&run->fastest, &event);
}

/* The log says how fast the sensor can tell: speeds fold beyond. */
static void sampling(struct run *run, long hz) {
    if (hz >= 1000 && hz <= 100000)
        run->passage.conf.max_speed_mm_s = ops243_max_speed_mm_s(hz);
}

static int on_line(struct run *run, const char *text, size_t len, int64_t t_ns) {
    struct ops243_line line;
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame frame;
    if (ops243_line_read(text, len, &run->context, &line) < 0) {
        run->refused++;
        return 0;
    }
    if (line.kind == OPS243_OBJECT)
        return on_object(run, &line, t_ns);
    if (line.kind == OPS243_FASTEST)
        return on_fastest(run, &line, t_ns);
    run->speeds = run->speeds || line.kind == OPS243_SPEEDS;
    if (line.kind == OPS243_SETTING && strcmp(line.key, "SamplingRate") == 0)
        sampling(run, strtol(line.value, NULL, 10));
    if (!ops243_join_line(&run->join, &line, t_ns, &frame))
        return 0;
    return keep(run, &run->vehicles, v, passage_frame(&run->passage, &frame, v));
}

/* Seconds with decimals, to the nanosecond; the rest of the line after the tab. */
static const char *stamp(const char *text, int64_t *ret_ns) {
    bool minus = *text == '-';
    int64_t ns = 0, unit = 1000000000;
    const char *p = text + minus, *from = p;
    for (; *p >= '0' && *p <= '9' && ns < INT64_C(9000000000); p++)
        ns = ns * 10 + (*p - '0');
    ns *= unit;
    if (p > from && *p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++) {
            unit /= 10;
            ns += (*p - '0') * unit;
        }
    if (p == from || *p != '\t')
        return NULL;
    *ret_ns = minus ? -ns : ns;
    return p + 1;
}

/* ---- what a daemon noted beside the lines ---- */

/* Half a capture: the daemon's frames are so much older than the moment of their lines. */
#define CAPTURE_NS (INT64_C(500000000) * OPS243_SAMPLES / OPS243_SAMPLING_HZ)

static int cut(struct run *run, const struct ops243_note *note) {
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame frame;
    int r = 0;
    if (ops243_join_end(&run->join, note->t_ns - CAPTURE_NS, &frame))
        r = keep(run, &run->vehicles, v, passage_frame(&run->passage, &frame, v));
    if (r == 0)
        r = keep(run, &run->vehicles, v, passage_flush(&run->passage, v));
    if (note->kind == OPS243_NOTE_SESSION) {
        run->sessions = true;
        run->on = note->number > 0;
    }
    return r;
}

static int begin_again(struct run *run, const struct ops243_note *note) {
    (void)note;
    int r = segment_end(run);
    run->sessions = true;
    run->on = false;
    run->context = (struct ops243_context){OPS243_UNIT_M_S, false};
    return r;
}

/* The sensor was set up: it measures in our units from here. */
static int set_up(struct run *run, const struct ops243_note *note) {
    (void)note;
    run->context = (struct ops243_context){OPS243_UNIT_M_S, false};
    return 0;
}

static int max_speed(struct run *run, const struct ops243_note *note) {
    if (note->number > 0 && note->number < 1000000)
        run->passage.conf.max_speed_mm_s = (int32_t)note->number;
    return 0;
}

static int on_note(struct run *run, const char *text, size_t len) {
    static int (*const DO[])(struct run * run, const struct ops243_note *note) = {
        [OPS243_NOTE_HEAD] = begin_again,
        [OPS243_NOTE_IDLE] = set_up,
        [OPS243_NOTE_CUT] = cut,
        [OPS243_NOTE_SESSION] = cut,
        [OPS243_NOTE_MAX_SPEED] = max_speed,
    };
    struct ops243_note note = ops243_rawlog_note(text, len);
    return note.kind == OPS243_NOTE_OTHER ? 0 : DO[note.kind](run, &note);
}

/* ---- records ---- */

/* A clock that steps back begins the log anew; one that trembles is held. */
static int64_t forward(struct run *run, int64_t t_ns, int *ret_r) {
    if (run->lines > 1 && t_ns < run->newest_ns - BACK_NS)
        *ret_r = segment_end(run);
    else if (run->lines > 1 && t_ns < run->newest_ns)
        t_ns = run->newest_ns;
    run->newest_ns = t_ns;
    return t_ns;
}

static int on_bytes(struct run *run, const char *bytes, size_t len, int64_t t_ns) {
    int r = 0;
    for (size_t took; len > 0 && r == 0; bytes += took, len -= took) {
        int n;
        took = ops243_split(&run->splitter, bytes, len, &n);
        if (n >= 0)
            r = on_line(run, run->splitter.line, (size_t)n, t_ns);
    }
    return r;
}

static int on_record(struct run *run, const char *text, size_t len) {
    int64_t t_ns;
    if (len > 0 && text[0] == '#')
        return on_note(run, text, len);
    const char *line = stamp(text, &t_ns);
    run->lines++;
    if (line == NULL) {
        run->refused++;
        return 0;
    }
    int r = 0;
    t_ns = forward(run, t_ns, &r);
    uint32_t overlong = run->splitter.overlong;
    if (r == 0)
        r = on_bytes(run, line, len - (size_t)(line - text), t_ns);
    /* The end of the record is the end of the line, also of the last one without a newline. */
    if (r == 0 && (run->splitter.len > 0 || run->splitter.too_long))
        r = on_bytes(run, "\n", 1, t_ns);
    run->refused += run->splitter.overlong - overlong;
    return r;
}

static int read_log(struct run *run, FILE *from) {
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    int r = 0;
    while (r == 0 && (len = getline(&text, &cap, from)) >= 0) {
        r = on_record(run, text, (size_t)len);
    }
    if (r == 0 && ferror(from))
        r = ERR_IO;
    free(text);
    return r == 0 ? segment_end(run) : r;
}

/* ---- recordings ---- */

static int on_frame(void *ctx, const struct radar_frame *frame) {
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct run *run = ctx;
    run->lines++;
    return keep(run, &run->vehicles, v, passage_frame(&run->passage, frame, v));
}

static int read_recording(struct run *run, const struct request *r) {
    run->speeds = true;
    int err = passages_wav_read(r->path, &r->wav, on_frame, run);
    return err == 0 ? segment_end(run) : err;
}

/* ---- telling ---- */

static int by_start(const void *a, const void *b) {
    const struct event *x = a, *y = b;
    if (x->t_ms != y->t_ms)
        return x->t_ms < y->t_ms ? -1 : 1;
    if (x->passage.direction != y->passage.direction)
        return x->passage.direction < y->passage.direction ? -1 : 1;
    return (x->passage.speed_mph10 > y->passage.speed_mph10) -
           (x->passage.speed_mph10 < y->passage.speed_mph10);
}

static void print(const struct vehicles *v) {
    printf("t_ms,direction,speed_mph,duration_ms,magnitude_db\n");
    for (size_t i = 0; i < v->n; i++) {
        const struct event_passage *p = &v->at[i].passage;
        printf("%" PRId64 ",%s,%u.%u,%" PRIu32 ",%d\n", v->at[i].t_ms,
               p->direction == DIRECTION_IN ? "in" : "out", p->speed_mph10 / 10u,
               p->speed_mph10 % 10u, p->duration_ms, p->magnitude_db);
    }
}

/* Frames tell more than the sensor's own summaries, and those more than single maxima. */
static int tell(struct run *run) {
    struct vehicles *v = &run->vehicles;
    if (!run->speeds)
        v = run->objects.n > 0 ? &run->objects : &run->fastest;
    if (v->n > 0)
        qsort(v->at, v->n, sizeof *v->at, by_start);
    print(v);
    fprintf(stderr, "lines=%" PRIu64 " not_understood=%" PRIu64 " vehicles=%zu\n", run->lines,
            run->refused, v->n);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* A file of another kind must not pass for an empty road. */
static int tell_strange(const struct run *run, const struct request *r) {
    fprintf(stderr,
            "moorwatch passages: %s: none of its %" PRIu64
            " lines was understood; a line is seconds, a tab, and what the sensor sent; a WAV is "
            "given by its name\n",
            r->path, run->lines);
    return 1;
}

static int read_lines(struct run *run, const struct request *r) {
    FILE *from = strcmp(r->path, "-") == 0 ? stdin : fopen(r->path, "r");
    if (from == NULL) {
        fprintf(stderr, "moorwatch passages: cannot open %s: %s\n", r->path, strerror(errno));
        return ERR_IO;
    }
    int err = read_log(run, from);
    if (err < 0)
        fprintf(stderr, "%s: %s\n", r->path, err_text(err));
    if (from != stdin)
        fclose(from);
    return err;
}

static int run(int argc, char **argv) {
    struct request r;
    int code = request_of(argc, argv, &r);
    if (code != 0)
        return code;
    static struct run state;
    state.context.unit = r.unit;
    passage_init(&state.passage, &r.conf);
    bool recording = strcmp(r.path, "-") != 0 && iq_wav_is(r.path);
    int err = recording ? read_recording(&state, &r) : read_lines(&state, &r);
    bool strange = state.lines > 0 && state.refused == state.lines;
    code = err < 0 ? 1 : tell(&state);
    if (code == 0 && strange)
        code = tell_strange(&state, &r);
    free(state.vehicles.at);
    free(state.objects.at);
    free(state.fastest.at);
    return code;
}

const struct command COMMAND_PASSAGES = {
    .name = "passages",
    .usage = "LOG|WAV [--units U] [--min-speed MPH] [--min-magnitude N] [--carrier GHZ] [--swap] > "
             "passages.csv",
    .summary = "finds the vehicles in a recorded radar log or signal",
    .help = "LOG (- reads standard input) holds one line per record: seconds, a tab, and the line\n"
            "as an OPS243-A sent it, in any of its forms: plain, with time, magnitude or units,\n"
            "JSON, arrays.  Lines of one moment are one frame.  Where the log holds no speeds but\n"
            "the sensor's own object lines, those are taken.\n"
            "Prints t_ms,direction,speed_mph,duration_ms,magnitude_db, sorted by the start t_ms;\n"
            "the speed is the 90th percentile of the radial speeds, not corrected for the angle.\n"
            "  --units m/s|mph|km/h    of numbers until the log says so itself (m/s)\n"
            "  --min-speed MPH         slower targets are no vehicles (8.9)\n"
            "  --min-magnitude N       weaker targets are not heard (20)\n"
            "WAV is a recording of a Doppler module: two channels, I left and Q right, 16 to 192\n"
            "kHz, 48 as a rule; t_ms counts from its beginning.\n"
            "  --carrier GHZ           the module's frequency (24.125)\n"
            "  --swap                  I and Q have changed places: approaching reads as leaving\n"
            "A daemon's raw log ([radar] rawlog of speedwatch) gives what the daemon told; PATH.1 "
            "goes before\n"
            "PATH: cat PATH.1 PATH | moorwatch passages -\n"
            "The last line on standard error counts lines read, lines not understood, vehicles.",
    .run = run,
};
