#include "radar_ops243.h"
#include "ops243_join.h"
#include "serial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define NEVER INT64_MAX

enum {
    PATH_BYTES_MAX = 255,
    COMMAND_MAX = 24,
    GAP_MS = 100,    /* between commands: a long string of them is not always answered */
    DRAIN_MS = 300,  /* what was on its way when we said PI */
    PROBE_MS = 1000, /* ?? answers some 600 bytes: 0.6 s at 9600 baud */
    READ_BACK_MS = 600,
    BOOT_MS = 2300,    /* 2 s and 300 ms to the first data */
    QUIET_MS = 2000,   /* then we ask whether it is there */
    SILENT_MS = 4500,  /* and then it is not */
    GARBAGE_LINES = 8, /* in a row not understood */
    GARBAGE_BYTES = 400,
    LINES_PER_STEP = 256,
    TRIES = 3,
    RETRY_MS = 5000,
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 8000,
    DEFAULT_MIN_SPEED_M_S = 2,
    DEFAULT_MIN_MAGNITUDE = 20,
    SAMPLING_HZ = 20000,
    SAMPLES = 1024,
    FAST_BAUD = 115200, /* three targets as JSON do not fit through 19200 */
};

enum phase {
    PHASE_CLOSED,    /* waits to open the path */
    PHASE_DRAIN,     /* told to idle; what still comes is thrown away */
    PHASE_PROBE,     /* asked ?? at this baud rate */
    PHASE_CONFIGURE, /* sends the settings */
    PHASE_READ_BACK, /* waits for what it says they are */
    PHASE_RUN,
    PHASES
};

static const unsigned BAUDS[] = {19200, 57600, 115200, 9600, 230400};
enum { BAUDS_COUNT = sizeof BAUDS / sizeof *BAUDS };

/* What the read-back has told; -1: nothing. */
struct told {
    int64_t sampling_hz, samples, min_speed_mm_s, min_magnitude;
    enum ops243_unit unit;
};

struct ops243 {
    char path[PATH_BYTES_MAX + 1];
    struct radar_ops243_conf conf;
    int fd;
    enum phase phase;
    int64_t due_ns;
    unsigned baud_at, command_at, tries, back_off_ms;
    bool raise_baud; /* false once that has failed */
    bool bytes_seen, poked;
    struct told told;
    struct ops243_context context;
    struct ops243_splitter splitter;
    struct ops243_join join;
    unsigned refused_in_row;
    size_t bytes_since_line;
    int64_t heard_ns, last_frame_ns;
    size_t rx_at, rx_len;
    char rx[1024];
    struct radar_status status;
};

/* ---- settings: volatile ones only, in this order ---- */

static void command_plain(const struct ops243 *o, const char *text, char *buf) {
    (void)o;
    snprintf(buf, COMMAND_MAX, "%s", text);
}

static int min_speed_m_s(const struct ops243 *o) {
    int m_s = o->conf.min_speed_mm_s / 1000;
    return m_s > 0 ? m_s : DEFAULT_MIN_SPEED_M_S;
}

static unsigned min_magnitude(const struct ops243 *o) {
    return o->conf.min_magnitude > 0 ? o->conf.min_magnitude : DEFAULT_MIN_MAGNITUDE;
}

static void command_speed(const struct ops243 *o, const char *text, char *buf) {
    snprintf(buf, COMMAND_MAX, "%s%d\r", text, min_speed_m_s(o));
}

static void command_magnitude(const struct ops243 *o, const char *text, char *buf) {
    snprintf(buf, COMMAND_MAX, "%s%u\r", text, min_magnitude(o));
}

static const struct command {
    const char *text;
    void (*make)(const struct ops243 *o, const char *text, char *buf);
} COMMANDS[] = {
    {"\003", command_plain}, /* Ctrl-C drops half a command */
    {"PI", command_plain},     {"UM", command_plain},     {"F2", command_plain},
    {"S2", command_plain},     {"S>", command_plain},     {"X1", command_plain},
    {"R|", command_plain},     {"R>", command_speed},     {"M>", command_magnitude},
    {"K+", command_plain},     {"^/+0\r", command_plain}, /* the angle is corrected later, from the
                                                             site: raw data stay raw */
    {"^/-0\r", command_plain}, {"OJ", command_plain},     {"OS", command_plain},
    {"OM", command_plain},     {"OT", command_plain},     {"OU", command_plain},
    {"O=3\r", command_plain}, /* both of two vehicles in one frame */
    {"Ov", command_plain},    /* by strength, not by speed */
    {"BZ", command_plain},    /* a blank report is a sign of life */
    {"U?", command_plain},     {"R?", command_plain},     {"M?", command_plain},
    {"??", command_plain},
};
enum { COMMANDS_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

/* ---- moving from phase to phase ---- */

static void enter(struct ops243 *o, enum phase phase, int64_t due_ns) {
    o->phase = phase;
    o->due_ns = due_ns;
}

static void forget_input(struct ops243 *o) {
    memset(&o->splitter, 0, sizeof o->splitter);
    memset(&o->join, 0, sizeof o->join);
    o->context = (struct ops243_context){OPS243_UNIT_NONE, false};
    o->rx_at = o->rx_len = 0;
    o->refused_in_row = 0;
    o->bytes_since_line = 0;
}

/* Closes the line and waits, longer each time it fails again. */
static void fall_back(struct ops243 *o, enum radar_state state, int64_t now_ns) {
    serial_close(o->fd);
    o->fd = -1;
    o->status.state = state;
    forget_input(o);
    enter(o, PHASE_CLOSED, now_ns + (int64_t)o->back_off_ms * MS);
    o->back_off_ms = o->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : o->back_off_ms * 2;
}

static int send_text(struct ops243 *o, const char *text, int64_t now_ns) {
    int r = serial_write(o->fd, text, strlen(text));
    if (r == ERR_NODEV)
        fall_back(o, RADAR_GONE, now_ns);
    return r;
}

static unsigned baud_of(const struct ops243 *o) {
    return o->conf.baud != 0 ? o->conf.baud : BAUDS[o->baud_at];
}

static void begin_drain(struct ops243 *o, int64_t now_ns) {
    if (send_text(o, "\003PI", now_ns) != ERR_NODEV)
        enter(o, PHASE_DRAIN, now_ns + DRAIN_MS * MS);
}

static void begin_configure(struct ops243 *o, int64_t now_ns) {
    o->told = (struct told){-1, -1, -1, -1, OPS243_UNIT_NONE};
    o->command_at = 0;
    enter(o, PHASE_CONFIGURE, now_ns + GAP_MS * MS);
}

static void due_closed(struct ops243 *o, int64_t now_ns) {
    o->baud_at = 0;
    int fd = serial_open(o->path, baud_of(o));
    if (fd < 0) {
        fall_back(o, RADAR_GONE, now_ns);
        return;
    }
    o->fd = fd;
    o->tries = 0;
    o->bytes_seen = false;
    if (o->status.state == RADAR_GONE)
        o->status.state = RADAR_STARTING;
    begin_drain(o, now_ns);
}

static void due_drain(struct ops243 *o, int64_t now_ns) {
    serial_drop_input(o->fd);
    forget_input(o);
    if (send_text(o, "??", now_ns) != ERR_NODEV)
        enter(o, PHASE_PROBE, now_ns + PROBE_MS * MS);
}

/* Nothing understood at this rate: the next, and after the last begin anew. */
static void due_probe(struct ops243 *o, int64_t now_ns) {
    o->baud_at++;
    if (o->conf.baud != 0 || o->baud_at == BAUDS_COUNT) {
        o->baud_at = 0;
        fall_back(o, o->bytes_seen ? RADAR_GARBAGE : RADAR_SILENT, now_ns);
    } else if (serial_set_baud(o->fd, baud_of(o)) < 0) {
        fall_back(o, RADAR_GONE, now_ns);
    } else {
        begin_drain(o, now_ns);
    }
}

/* The sensor's own rate is raised where it may be; the answer to the rest shows that it was. */
static int raise_baud(struct ops243 *o, int64_t now_ns) {
    if (o->conf.baud != 0 || !o->raise_baud || baud_of(o) >= FAST_BAUD)
        return 0;
    int r = send_text(o, "I4", now_ns);
    if (r == 0)
        for (o->baud_at = 0; BAUDS[o->baud_at] != FAST_BAUD;)
            o->baud_at++;
    return r == 0 ? 1 : r;
}

static void due_configure(struct ops243 *o, int64_t now_ns) {
    o->due_ns = now_ns + GAP_MS * MS;
    /* By now the last byte of I4 has left at the old rate. */
    if (o->command_at == 1 && serial_set_baud(o->fd, baud_of(o)) < 0) {
        fall_back(o, RADAR_GONE, now_ns);
        return;
    }
    if (o->command_at == 0 && raise_baud(o, now_ns) != 0) {
        o->command_at = o->fd >= 0 ? 1 : 0;
        return;
    }
    char text[COMMAND_MAX];
    const struct command *c = &COMMANDS[o->command_at];
    c->make(o, c->text, text);
    if (send_text(o, text, now_ns) < 0)
        return;
    if (++o->command_at == COMMANDS_COUNT)
        enter(o, PHASE_READ_BACK, now_ns + READ_BACK_MS * MS);
}

static bool told_wrong(int64_t told, int64_t want) {
    return told >= 0 && told != want;
}

/* It must have told its units and sampling rate, and nothing that is not as we set it. */
static bool as_set(const struct ops243 *o) {
    const struct told *t = &o->told;
    return t->unit == OPS243_UNIT_M_S && t->sampling_hz == SAMPLING_HZ &&
           !told_wrong(t->samples, SAMPLES) &&
           !told_wrong(t->min_speed_mm_s, min_speed_m_s(o) * 1000) &&
           !told_wrong(t->min_magnitude, min_magnitude(o));
}

static void due_read_back(struct ops243 *o, int64_t now_ns) {
    if (as_set(o)) {
        if (send_text(o, "PA", now_ns) != 0)
            return;
        o->status.state = RADAR_READY;
        o->heard_ns = now_ns;
        o->poked = false;
        o->tries = 0;
        o->back_off_ms = BACK_OFF_MS;
        o->context.unit = OPS243_UNIT_M_S;
        o->refused_in_row = 0;
        o->bytes_since_line = 0;
        enter(o, PHASE_RUN, now_ns + QUIET_MS * MS);
    } else if (++o->tries < TRIES) {
        begin_configure(o, now_ns);
    } else {
        /* Dumb after the change of rate: it did not follow us. */
        o->raise_baud = o->raise_baud && o->told.sampling_hz >= 0;
        bool understood = o->told.sampling_hz >= 0;
        fall_back(o, understood ? RADAR_STARTING : RADAR_SILENT, now_ns);
        o->due_ns = now_ns + RETRY_MS * MS;
    }
}

/* Quiet: asks; still quiet: begins anew.  Blank reports make this rare. */
static void due_run(struct ops243 *o, int64_t now_ns) {
    if (now_ns - o->heard_ns >= SILENT_MS * MS) {
        fall_back(o, RADAR_SILENT, now_ns);
        return;
    }
    if (now_ns - o->heard_ns >= QUIET_MS * MS && !o->poked) {
        o->poked = true;
        if (send_text(o, "U?", now_ns) == ERR_NODEV)
            return;
    }
    o->due_ns = o->heard_ns + (o->poked ? SILENT_MS : QUIET_MS) * MS;
}

static void (*const DUE[PHASES])(struct ops243 *o, int64_t now_ns) = {
    [PHASE_CLOSED] = due_closed,       [PHASE_DRAIN] = due_drain,         [PHASE_PROBE] = due_probe,
    [PHASE_CONFIGURE] = due_configure, [PHASE_READ_BACK] = due_read_back, [PHASE_RUN] = due_run,
};

/* ---- what it says ---- */

/* A decimal to thousandths; -1 if it is none. */
static int64_t milli(const char *text) {
    char *end;
    double value = strtod(text, &end);
    return end == text || !(value >= 0 && value < 1e12) ? -1 : (int64_t)(value * 1000 + 0.5);
}

static void on_product(struct ops243 *o, const char *value) {
    snprintf(o->status.product, sizeof o->status.product, "%.15s", value);
}

static void on_version(struct ops243 *o, const char *value) {
    snprintf(o->status.firmware, sizeof o->status.firmware, "%.15s", value);
}

static void on_serial(struct ops243 *o, const char *value) {
    snprintf(o->status.serial, sizeof o->status.serial, "%.23s", value);
}

/* Half the rate is the largest Doppler shift; 24.125 GHz has a wavelength of 12.4266 mm. */
static int32_t max_speed_mm_s(int64_t hz) {
    return (int32_t)(hz * 124266 / 40000);
}

static void on_sampling(struct ops243 *o, const char *value) {
    int64_t hz = milli(value) / 1000;
    o->told.sampling_hz = hz;
    if (hz > 0 && hz < 1000000)
        o->status.max_speed_mm_s = max_speed_mm_s(hz);
}

static void on_samples(struct ops243 *o, const char *value) {
    o->told.samples = milli(value) / 1000;
}

static void on_min_speed(struct ops243 *o, const char *value) {
    o->told.min_speed_mm_s = milli(value);
}

static void on_min_magnitude(struct ops243 *o, const char *value) {
    o->told.min_magnitude = milli(value) / 1000;
}

static void on_restart(struct ops243 *o, const char *value) {
    (void)value;
    o->status.resets++;
    o->status.state = RADAR_STARTING;
    begin_configure(o, o->heard_ns + BOOT_MS * MS);
    memset(&o->join, 0, sizeof o->join);
}

static const struct {
    const char *key;
    void (*on)(struct ops243 *o, const char *value);
} SETTINGS[] = {
    {"Product", on_product},       {"Version", on_version},    {"SerialNumber", on_serial},
    {"SamplingRate", on_sampling}, {"SampleSize", on_samples}, {"RequiredMinSpeed", on_min_speed},
    {"Squelch", on_min_magnitude}, {"USB", on_restart},
};

static void on_setting(struct ops243 *o, const struct ops243_line *line) {
    if (line->unit != OPS243_UNIT_NONE)
        o->told.unit = line->unit;
    for (unsigned i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        if (strcmp(line->key, SETTINGS[i].key) == 0)
            SETTINGS[i].on(o, line->value);
}

/* Half the capture before it was told. */
static int64_t captured_ns(const struct ops243 *o, int64_t now_ns) {
    int64_t hz = o->told.sampling_hz > 0 ? o->told.sampling_hz : SAMPLING_HZ;
    int64_t samples = o->told.samples > 0 && o->told.samples <= 4096 ? o->told.samples : SAMPLES;
    return now_ns - samples * 1000000000 / hz / 2;
}

/* True if a frame was written; frames never go back in time. */
static bool frame_out(struct ops243 *o, struct radar_frame *ret_frame) {
    if (ret_frame->t_ns < o->last_frame_ns)
        ret_frame->t_ns = o->last_frame_ns;
    o->last_frame_ns = ret_frame->t_ns;
    return true;
}

/* A line as such: counts it, and gives up the rate when too many mean nothing. */
static int on_text(struct ops243 *o, size_t len, struct ops243_line *ret_line) {
    int r = ops243_line_read(o->splitter.line, len, &o->context, ret_line);
    bool blank = r == 0 && ret_line->kind == OPS243_BLANK;
    o->status.lines += len > 0;
    if (r < 0) {
        o->status.refused++;
        o->refused_in_row++;
    } else if (!blank || o->phase == PHASE_RUN) {
        o->refused_in_row = 0;
        o->bytes_since_line = 0;
    }
    return r;
}

static bool on_line(struct ops243 *o, size_t len, int64_t now_ns, struct radar_frame *ret_frame) {
    struct ops243_line line;
    if (on_text(o, len, &line) < 0)
        return false;
    o->heard_ns = now_ns;
    o->poked = false;
    if (line.kind == OPS243_RESET && o->phase != PHASE_DRAIN)
        on_restart(o, line.value);
    if (line.kind == OPS243_SETTING) {
        if (o->phase == PHASE_PROBE)
            begin_configure(o, now_ns);
        on_setting(o, &line);
    }
    if (o->phase != PHASE_RUN ||
        !ops243_join_line(&o->join, &line, captured_ns(o, now_ns), ret_frame))
        return false;
    return frame_out(o, ret_frame);
}

static bool is_garbage(const struct ops243 *o) {
    return o->phase == PHASE_RUN &&
           (o->refused_in_row >= GARBAGE_LINES || o->bytes_since_line >= GARBAGE_BYTES);
}

/* Fills rx; false when nothing waits. */
static bool receive(struct ops243 *o, int64_t now_ns) {
    if (o->rx_at < o->rx_len)
        return true;
    if (o->fd < 0)
        return false;
    int n = serial_read(o->fd, o->rx, sizeof o->rx);
    if (n == ERR_NODEV)
        fall_back(o, RADAR_GONE, now_ns);
    if (n <= 0)
        return false;
    o->bytes_seen = true;
    o->rx_at = 0;
    o->rx_len = (size_t)n;
    return true;
}

/* Takes bytes up to the next line.  True if that completed a frame. */
static bool take_line(struct ops243 *o, int64_t now_ns, struct radar_frame *ret_frame) {
    int len;
    uint32_t overlong = o->splitter.overlong;
    size_t took = ops243_split(&o->splitter, o->rx + o->rx_at, o->rx_len - o->rx_at, &len);
    o->rx_at += took;
    o->bytes_since_line += took;
    overlong = o->splitter.overlong - overlong;
    o->status.refused += overlong;
    o->status.lines += overlong;
    o->refused_in_row += overlong;
    return len >= 0 && on_line(o, (size_t)len, now_ns, ret_frame);
}

/* ---- the seam ---- */

static int ops243_fd(void *ctx) {
    const struct ops243 *o = ctx;
    return o->fd;
}

static int ops243_step(void *ctx, int64_t now_ns, struct radar_frame *frames, unsigned cap) {
    struct ops243 *o = ctx;
    unsigned n = 0;
    /* A flood of lines must not hold the loop for ever. */
    for (unsigned i = 0; i < LINES_PER_STEP && n < cap && receive(o, now_ns); i++) {
        n += take_line(o, now_ns, &frames[n]);
        if (is_garbage(o))
            fall_back(o, RADAR_GARBAGE, now_ns);
    }
    if (n < cap && ops243_join_end(&o->join, captured_ns(o, now_ns), &frames[n]))
        n += frame_out(o, &frames[n]);
    if (now_ns >= o->due_ns)
        DUE[o->phase](o, now_ns);
    return (int)n;
}

static int64_t ops243_next_ns(void *ctx) {
    const struct ops243 *o = ctx;
    /* A frame in hand is complete soon, also when nothing more comes. */
    int64_t join_ns = o->join.open ? o->heard_ns + OPS243_JOIN_NS + 1 : NEVER;
    return o->rx_at < o->rx_len ? 0 : join_ns < o->due_ns ? join_ns : o->due_ns;
}

static void ops243_status(void *ctx, struct radar_status *ret_status) {
    const struct ops243 *o = ctx;
    *ret_status = o->status;
}

static void ops243_close(void *ctx) {
    struct ops243 *o = ctx;
    serial_close(o->fd);
    free(o);
}

int radar_ops243_open(const struct radar_ops243_conf *conf, struct radar *ret_radar) {
    if (conf->path == NULL || conf->path[0] == '\0' ||
        (conf->baud != 0 && !serial_baud_known(conf->baud)) || conf->min_speed_mm_s < 0)
        return ERR_INVAL;
    if (strlen(conf->path) > PATH_BYTES_MAX)
        return ERR_TOOLONG;
    struct ops243 *o = calloc(1, sizeof *o);
    if (o == NULL)
        return ERR_NOMEM;
    snprintf(o->path, sizeof o->path, "%s", conf->path);
    o->conf = *conf;
    o->conf.path = o->path;
    o->fd = -1;
    o->raise_baud = true;
    o->back_off_ms = BACK_OFF_MS;
    o->last_frame_ns = INT64_MIN;
    o->status.state = RADAR_STARTING;
    o->status.max_speed_mm_s = max_speed_mm_s(SAMPLING_HZ);
    o->phase = PHASE_CLOSED; /* due at once */
    *ret_radar = (struct radar){
        .ctx = o,
        .fd = ops243_fd,
        .step = ops243_step,
        .next_ns = ops243_next_ns,
        .status = ops243_status,
        .close = ops243_close,
    };
    return 0;
}
