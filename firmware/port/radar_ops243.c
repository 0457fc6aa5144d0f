#include "radar_ops243.h"
#include "ops243_join.h"
#include "ops243_setup.h"
#include "ops243_split.h"
#include "serial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define NEVER INT64_MAX

enum {
    PATH_BYTES_MAX = 255,
    NAMES_MAX = 16,  /* that a pattern stands for */
    GAP_MS = 100,    /* between commands: a long string of them is not always answered */
    DRAIN_MS = 300,  /* what was on its way when we said PI */
    PROBE_MS = 1000, /* ?? answers some 600 bytes: 0.6 s at 9600 baud */
    READ_BACK_MS = 600,
    BOOT_MS = 2300,    /* 2 s and 300 ms to the first data */
    QUIET_MS = 2000,   /* then we ask whether it is there */
    SILENT_MS = 4500,  /* and then it is not */
    GARBAGE_LINES = 8, /* in a row not understood */
    GARBAGE_BYTES = 400,
    BARE_LINES = 8, /* reports in a row without the magnitude that we asked for */
    LINES_PER_STEP = 256,
    TRIES = 3,
    RETRY_MS = 5000,
    BACK_OFF_MS = 250,
    BACK_OFF_MAX_MS = 8000,
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

struct ops243 {
    char pattern[PATH_BYTES_MAX + 1], path[PATH_BYTES_MAX + 1];
    unsigned name; /* which of the names that the pattern stands for is used, or tried next */
    struct radar_ops243_conf conf;
    int fd;
    enum phase phase;
    int64_t due_ns;
    unsigned baud_at, command_at, tries, back_off_ms;
    bool raise_baud; /* false once that has failed */
    bool bytes_seen, poked;
    bool foreign; /* spoke like something that is no radar, or gave back what we said */
    struct ops243_setup setup;
    struct ops243_context context;
    struct ops243_splitter splitter;
    struct ops243_join join;
    unsigned refused_in_row, bare_in_row;
    size_t bytes_since_line;
    int64_t heard_ns;
    size_t rx_at, rx_len;
    char rx[1024];
    struct radar_status status;
};

/* ---- moving from phase to phase ---- */

static void enter(struct ops243 *o, enum phase phase, int64_t due_ns) {
    o->phase = phase;
    o->due_ns = due_ns;
}

static void forget_input(struct ops243 *o) {
    memset(&o->splitter, 0, sizeof o->splitter);
    o->context = (struct ops243_context){OPS243_UNIT_NONE, false};
    o->rx_at = o->rx_len = 0;
    o->refused_in_row = o->bare_in_row = 0;
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
    ops243_setup_forget(&o->setup);
    o->command_at = 0;
    enter(o, PHASE_CONFIGURE, now_ns + GAP_MS * MS);
}

/* The name that the pattern stands for: "/dev/ttyACM*" is /dev/ttyACM0 and so on. */
static void name_make(struct ops243 *o) {
    size_t len = strlen(o->pattern);
    if (len > 0 && o->pattern[len - 1] == '*')
        snprintf(o->path, sizeof o->path, "%.*s%u", (int)(len - 1), o->pattern, o->name);
    else
        snprintf(o->path, sizeof o->path, "%s", o->pattern);
    snprintf(o->status.device, sizeof o->status.device, "%.63s", o->path);
}

/* Opens the first name there is, from the one used last; a descriptor, or why not. */
static int open_some(struct ops243 *o) {
    size_t len = strlen(o->pattern);
    unsigned names = len > 0 && o->pattern[len - 1] == '*' ? NAMES_MAX : 1;
    int fd = ERR_NOENT;
    for (unsigned i = 0; i < names && fd < 0; i++) {
        name_make(o);
        fd = serial_open(o->path, baud_of(o));
        if (fd < 0)
            o->name = (o->name + 1) % names;
    }
    return fd;
}

/* What is under this name is no radar, or says nothing: next time the next name. */
static void give_up_name(struct ops243 *o, enum radar_state state, int64_t now_ns) {
    size_t len = strlen(o->pattern);
    if (o->pattern[len - 1] == '*')
        o->name = (o->name + 1) % NAMES_MAX;
    fall_back(o, state, now_ns);
}

static void due_closed(struct ops243 *o, int64_t now_ns) {
    o->baud_at = 0;
    int fd = open_some(o);
    if (fd < 0) {
        fall_back(o, RADAR_GONE, now_ns);
        return;
    }
    o->fd = fd;
    o->tries = 0;
    o->bytes_seen = o->foreign = false;
    if (o->status.state == RADAR_GONE)
        o->status.state = RADAR_STARTING;
    begin_drain(o, now_ns);
}

static void due_drain(struct ops243 *o, int64_t now_ns) {
    serial_drop_input(o->fd);
    forget_input(o);
    memset(&o->join, 0, sizeof o->join);
    if (send_text(o, "??", now_ns) != ERR_NODEV)
        enter(o, PHASE_PROBE, now_ns + PROBE_MS * MS);
}

/* A sensor does not say what we say; modems and terminals do. */
static bool echoes(const struct ops243 *o) {
    const struct ops243_splitter *s = &o->splitter;
    return s->len >= 2 && memcmp(s->line + s->len - 2, "??", 2) == 0;
}

/* Nothing understood at this rate: the next, and after the last begin anew. */
static void due_probe(struct ops243 *o, int64_t now_ns) {
    o->foreign = o->foreign || echoes(o);
    o->baud_at++;
    if (o->foreign) {
        give_up_name(o, RADAR_WRONG, now_ns);
    } else if (o->conf.baud != 0 || o->baud_at == BAUDS_COUNT) {
        o->baud_at = 0;
        give_up_name(o, o->bytes_seen ? RADAR_GARBAGE : RADAR_SILENT, now_ns);
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
    char text[OPS243_COMMAND_MAX];
    ops243_setup_command(&o->setup, o->command_at, text);
    if (send_text(o, text, now_ns) < 0)
        return;
    if (++o->command_at == ops243_setup_commands())
        enter(o, PHASE_READ_BACK, now_ns + READ_BACK_MS * MS);
}

static void begin_run(struct ops243 *o, int64_t now_ns) {
    if (send_text(o, "PA", now_ns) != 0)
        return;
    o->status.state = RADAR_READY;
    o->status.misset = OPS243_SETTING_NONE;
    o->heard_ns = now_ns;
    o->poked = false;
    o->tries = 0;
    o->back_off_ms = BACK_OFF_MS;
    o->context = (struct ops243_context){OPS243_UNIT_M_S, false};
    o->refused_in_row = o->bare_in_row = 0;
    o->bytes_since_line = 0;
    enter(o, PHASE_RUN, now_ns + QUIET_MS * MS);
}

static void due_read_back(struct ops243 *o, int64_t now_ns) {
    enum ops243_setting differs = ops243_setup_differs(&o->setup);
    if (differs == OPS243_SETTING_NONE) {
        begin_run(o, now_ns);
    } else if (++o->tries < TRIES) {
        begin_configure(o, now_ns);
    } else {
        /* Dumb after the change of rate: it did not follow us. */
        bool heard = ops243_setup_heard(&o->setup);
        o->raise_baud = o->raise_baud && heard;
        o->status.misset = heard ? differs : OPS243_SETTING_NONE;
        o->status.misset_name = ops243_setting_name(differs);
        fall_back(o, heard ? RADAR_MISSET : RADAR_SILENT, now_ns);
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

static void on_product(struct ops243 *o, const char *value) {
    snprintf(o->status.product, sizeof o->status.product, "%.15s", value);
}

static void on_version(struct ops243 *o, const char *value) {
    snprintf(o->status.firmware, sizeof o->status.firmware, "%.15s", value);
}

static void on_serial(struct ops243 *o, const char *value) {
    snprintf(o->status.serial, sizeof o->status.serial, "%.23s", value);
}

/* Its settings are lost: sends them again once it has booted. */
static void restarted(struct ops243 *o) {
    o->status.resets++;
    o->status.state = RADAR_STARTING;
    begin_configure(o, o->heard_ns + BOOT_MS * MS);
}

static void on_usb(struct ops243 *o, const char *value) {
    (void)value;
    restarted(o);
}

static const struct {
    const char *key;
    void (*on)(struct ops243 *o, const char *value);
} SETTINGS[] = {
    {"Product", on_product},
    {"Version", on_version},
    {"SerialNumber", on_serial},
    {"USB", on_usb},
};

static void on_setting(struct ops243 *o, const struct ops243_line *line) {
    ops243_setup_told(&o->setup, line);
    if (o->setup.sampling_hz > 0 && o->setup.sampling_hz < 1000000)
        o->status.max_speed_mm_s = ops243_max_speed_mm_s(o->setup.sampling_hz);
    for (unsigned i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
        if (strcmp(line->key, SETTINGS[i].key) == 0)
            SETTINGS[i].on(o, line->value);
}

/* Half the capture before it was told. */
static int64_t captured_ns(const struct ops243 *o, int64_t now_ns) {
    const struct ops243_setup *s = &o->setup;
    int64_t hz = s->sampling_hz > 0 ? s->sampling_hz : OPS243_SAMPLING_HZ;
    int64_t samples = s->samples > 0 && s->samples <= 4096 ? s->samples : OPS243_SAMPLES;
    return now_ns - samples * 1000000000 / hz / 2;
}

/* A line as such: counts it, and gives up the rate when too many mean nothing. */
static int on_text(struct ops243 *o, size_t len, struct ops243_line *ret_line) {
    int r = ops243_line_read(o->splitter.line, len, &o->context, ret_line);
    bool blank = r == 0 && ret_line->kind == OPS243_BLANK;
    o->status.lines += len > 0;
    if (r < 0) {
        o->status.refused++;
        o->refused_in_row++;
        o->foreign = o->foreign || ops243_line_foreign(o->splitter.line, len);
    } else if (!blank || o->phase == PHASE_RUN) {
        o->refused_in_row = 0;
        o->bytes_since_line = 0;
    }
    return r;
}

/* It reports as after power-on: started anew without a word, or its banner was lost. */
static bool forgot_settings(struct ops243 *o, const struct ops243_line *line) {
    if (line->kind == OPS243_SPEEDS)
        o->bare_in_row = line->targets[0].magnitude == 0 ? o->bare_in_row + 1 : 0;
    return o->bare_in_row >= BARE_LINES;
}

static void on_words(struct ops243 *o, const struct ops243_line *line, int64_t now_ns) {
    if (line->kind == OPS243_RESET && o->phase != PHASE_DRAIN)
        restarted(o);
    if (line->kind != OPS243_SETTING)
        return;
    if (o->phase == PHASE_PROBE)
        begin_configure(o, now_ns);
    on_setting(o, line);
}

/* True if a frame was written. */
static bool on_line(struct ops243 *o, size_t len, int64_t now_ns, struct radar_frame *ret_frame) {
    struct ops243_line line;
    bool running = o->phase == PHASE_RUN;
    int64_t t_ns = captured_ns(o, now_ns);
    if (o->conf.tap != NULL)
        o->conf.tap(o->conf.tap_ctx, o->splitter.line, len, t_ns, running);
    if (on_text(o, len, &line) < 0)
        return false;
    o->heard_ns = now_ns;
    o->poked = false;
    on_words(o, &line, now_ns);
    if (!running)
        return false;
    if (forgot_settings(o, &line))
        restarted(o);
    return ops243_join_line(&o->join, &line, t_ns, ret_frame);
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
            fall_back(o, o->foreign ? RADAR_WRONG : RADAR_GARBAGE, now_ns);
    }
    n += n < cap && ops243_join_end(&o->join, captured_ns(o, now_ns), &frames[n]);
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
    snprintf(o->pattern, sizeof o->pattern, "%s", conf->path);
    o->conf = *conf;
    o->conf.path = o->pattern;
    ops243_setup_init(&o->setup, conf->min_speed_mm_s, conf->min_magnitude);
    o->fd = -1;
    o->raise_baud = true;
    o->back_off_ms = BACK_OFF_MS;
    o->status.state = RADAR_STARTING;
    o->status.max_speed_mm_s = ops243_max_speed_mm_s(OPS243_SAMPLING_HZ);
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
