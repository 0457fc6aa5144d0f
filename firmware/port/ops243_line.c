#include "ops243_line.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MICRO INT64_C(1000000)

enum { VALUES_MAX = RADAR_TARGETS_MAX, MAGNITUDE_MAX = 100000000 };
#define NUMBER_MAX (INT64_C(1000000000000) * MICRO) /* no figure of the sensor is larger */

struct text {
    const char *at, *end;
};

/* A number in millionths, and how many decimals it was told with. */
struct number {
    int64_t micro;
    unsigned decimals;
};

/* ---- words and numbers ---- */

static bool word_is(struct text t, const char *word) {
    size_t n = strlen(word);
    return (size_t)(t.end - t.at) == n && strncasecmp(t.at, word, n) == 0;
}

static struct text trimmed(struct text t) {
    while (t.at < t.end && (isspace((unsigned char)*t.at) || *t.at == '"'))
        t.at++;
    while (t.at < t.end && (isspace((unsigned char)t.end[-1]) || t.end[-1] == '"'))
        t.end--;
    return t;
}

static bool digits(struct text *t, struct number *n, bool fraction) {
    bool any = false;
    for (; t->at < t->end && isdigit((unsigned char)*t->at); t->at++, any = true) {
        if (fraction && n->decimals >= 6)
            continue;
        n->micro = n->micro * 10 + (*t->at - '0');
        n->decimals += fraction;
        if (n->micro > NUMBER_MAX / MICRO * (n->decimals > 0 ? MICRO : 1))
            return false;
    }
    return any;
}

/* The whole text is one decimal number, surrounded at most by blanks and quotes. */
static bool number_read(struct text t, struct number *ret_number) {
    struct number n = {0, 0};
    t = trimmed(t);
    bool minus = t.at < t.end && *t.at == '-';
    if (t.at < t.end && (*t.at == '-' || *t.at == '+'))
        t.at++;
    bool any = digits(&t, &n, false);
    if (t.at < t.end && *t.at == '.') {
        t.at++;
        any = digits(&t, &n, true) || any;
    }
    if (!any || t.at != t.end || n.micro > NUMBER_MAX)
        return false;
    for (unsigned i = n.decimals; i < 6; i++)
        n.micro *= 10;
    n.micro = minus ? -n.micro : n.micro;
    *ret_number = n;
    return true;
}

static const struct {
    const char *word;
    enum ops243_unit unit;
} UNIT_WORDS[] = {
    {"m", OPS243_UNIT_M_S},
    {"mps", OPS243_UNIT_M_S},
    {"m/s", OPS243_UNIT_M_S},
    {"m-per-sec", OPS243_UNIT_M_S},
    {"m-per-s", OPS243_UNIT_M_S},
    {"meters-per-sec", OPS243_UNIT_M_S},
    {"mph", OPS243_UNIT_MPH},
    {"miles-per-hour", OPS243_UNIT_MPH},
    {"miles-per-hr", OPS243_UNIT_MPH},
    {"kmph", OPS243_UNIT_KM_H},
    {"kph", OPS243_UNIT_KM_H},
    {"km/h", OPS243_UNIT_KM_H},
    {"kmh", OPS243_UNIT_KM_H},
    {"km-per-hr", OPS243_UNIT_KM_H},
    {"km-per-hour", OPS243_UNIT_KM_H},
    {"fps", OPS243_UNIT_FT_S},
    {"ft", OPS243_UNIT_FT_S},
    {"ft/s", OPS243_UNIT_FT_S},
    {"ft-per-sec", OPS243_UNIT_FT_S},
    {"feet-per-sec", OPS243_UNIT_FT_S},
    {"cm", OPS243_UNIT_CM_S},
    {"cmps", OPS243_UNIT_CM_S},
    {"cm/s", OPS243_UNIT_CM_S},
    {"cm-per-sec", OPS243_UNIT_CM_S},
};

enum ops243_unit ops243_unit_named(const char *word, size_t len) {
    struct text t = trimmed((struct text){word, word + len});
    for (unsigned i = 0; i < sizeof UNIT_WORDS / sizeof *UNIT_WORDS; i++)
        if (word_is(t, UNIT_WORDS[i].word))
            return UNIT_WORDS[i].unit;
    return OPS243_UNIT_NONE;
}

/* mm/s in one unit, as a fraction: the mile is 1609.344 m. */
static const struct {
    int64_t num, den;
} MM_S[OPS243_UNITS] = {
    [OPS243_UNIT_NONE] = {1000, 1},   [OPS243_UNIT_M_S] = {1000, 1},
    [OPS243_UNIT_MPH] = {44704, 100}, [OPS243_UNIT_KM_H] = {2500, 9},
    [OPS243_UNIT_FT_S] = {3048, 10},  [OPS243_UNIT_CM_S] = {10, 1},
};

enum { SPEED_MAX_MM_S = 1000000 };

/* Rounded away from zero to mm/s, so that 30.0 mph, told in tenths and floored to tenths later, is
 * 30.0 and not 29.9; false beyond what any radar tells. */
static bool speed_from(int64_t micro, enum ops243_unit unit, int32_t *ret_mm_s) {
    int64_t size = micro < 0 ? -micro : micro;
    if (size > 10000 * MICRO)
        return false;
    int64_t den = MM_S[unit].den * MICRO;
    int64_t mm_s = (size * MM_S[unit].num + den - 1) / den;
    if (mm_s > SPEED_MAX_MM_S)
        return false;
    *ret_mm_s = (int32_t)(micro < 0 ? -mm_s : mm_s);
    return true;
}

static uint32_t magnitude_from(int64_t micro) {
    int64_t whole = (micro + MICRO / 2) / MICRO;
    return whole < 0 ? 0 : whole > MAGNITUDE_MAX ? MAGNITUDE_MAX : (uint32_t)whole;
}

static void word_copy(char *buf, struct text t) {
    size_t n = (size_t)(t.end - t.at);
    n = n > OPS243_WORD_MAX ? OPS243_WORD_MAX : n;
    for (size_t i = 0; i < n; i++)
        buf[i] = isprint((unsigned char)t.at[i]) ? t.at[i] : '?';
    buf[n] = '\0';
}

/* ---- JSON, as the sensor writes it ---- */

/* One key with its value: up to VALUES_MAX scalars, quotes taken off. */
struct member {
    struct text key;
    unsigned count;
    struct text values[VALUES_MAX];
    bool nested; /* the value is an object: its members follow as if they were ours */
};

static void skip_blanks(struct text *t) {
    while (t->at < t->end && isspace((unsigned char)*t->at))
        t->at++;
}

static bool take(struct text *t, char c) {
    skip_blanks(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool quoted(struct text *t, struct text *ret_word) {
    if (!take(t, '"'))
        return false;
    const char *close = memchr(t->at, '"', (size_t)(t->end - t->at));
    if (close == NULL)
        return false;
    *ret_word = (struct text){t->at, close};
    t->at = close + 1;
    return true;
}

/* A quoted string, or bare words up to what may follow a value. */
static bool scalar(struct text *t, struct text *ret_word) {
    skip_blanks(t);
    if (t->at < t->end && *t->at == '"')
        return quoted(t, ret_word);
    const char *from = t->at;
    while (t->at < t->end && strchr(",]}{[\"", *t->at) == NULL)
        t->at++;
    *ret_word = trimmed((struct text){from, t->at});
    return ret_word->at < ret_word->end;
}

static bool array(struct text *t, struct member *m) {
    if (take(t, ']'))
        return true;
    do {
        struct text word;
        if (!scalar(t, &word))
            return false;
        if (m->count < VALUES_MAX)
            m->values[m->count++] = word;
    } while (take(t, ','));
    return take(t, ']');
}

static bool member(struct text *t, struct member *ret_member) {
    struct member m = {.count = 0, .nested = false};
    if (!quoted(t, &m.key) || !take(t, ':'))
        return false;
    if (take(t, '['))
        m.count = 0, m.nested = !array(t, &m);
    else if (take(t, '{'))
        m.nested = true;
    else
        m.nested = !scalar(t, &m.values[m.count++]);
    bool bad = m.nested && t->at[-1] != '{';
    *ret_member = m;
    return !bad;
}

/* ---- what the keys mean ---- */

enum {
    SEEN_SPEED = 1,
    SEEN_FASTEST = 2,
    SEEN_OBJECT = 4,
    SEEN_RESET = 8,
    SEEN_COUNTS = 16,
    SEEN_ALERT = 32,
    SEEN_KEY = 64
};

/* All that one JSON line told, before units are known. */
struct report {
    unsigned seen;
    enum ops243_unit unit;
    bool has_time;
    int64_t time_ms, start_ms, end_ms, duration_ms;
    unsigned speeds, magnitudes, directions;
    int64_t speed[VALUES_MAX], magnitude[VALUES_MAX];
    int direction[VALUES_MAX];
    struct text key, value;
    bool broken; /* a figure that is not one */
};

static bool figure(struct report *r, struct text t, int64_t *ret_micro) {
    struct number n;
    if (!number_read(t, &n)) {
        r->broken = true;
        return false;
    }
    *ret_micro = n.micro;
    return true;
}

static void on_speed(struct report *r, const struct member *m) {
    r->seen |= SEEN_SPEED;
    for (r->speeds = 0; r->speeds < m->count; r->speeds++)
        if (!figure(r, m->values[r->speeds], &r->speed[r->speeds]))
            return;
}

static void on_fastest(struct report *r, const struct member *m) {
    on_speed(r, m);
    r->seen |= SEEN_FASTEST;
}

static void on_magnitude(struct report *r, const struct member *m) {
    for (r->magnitudes = 0; r->magnitudes < m->count; r->magnitudes++)
        if (!figure(r, m->values[r->magnitudes], &r->magnitude[r->magnitudes]))
            return;
}

static int direction_of(struct text t) {
    if (word_is(t, "inbound") || word_is(t, "in") || word_is(t, "object_inbound"))
        return 1;
    if (word_is(t, "outbound") || word_is(t, "out") || word_is(t, "object_outbound"))
        return -1;
    return 0;
}

static void on_direction(struct report *r, const struct member *m) {
    for (r->directions = 0; r->directions < m->count; r->directions++)
        r->direction[r->directions] = direction_of(m->values[r->directions]);
}

static void on_unit(struct report *r, const struct member *m) {
    if (m->count == 0)
        return;
    r->unit = ops243_unit_named(m->values[0].at, (size_t)(m->values[0].end - m->values[0].at));
    r->seen |= SEEN_KEY;
    r->key = m->key;
    r->value = m->values[0];
}

static void on_ms(struct report *r, const struct member *m, int64_t *ret_ms) {
    int64_t micro;
    if (m->count > 0 && figure(r, m->values[0], &micro))
        *ret_ms = micro / 1000;
}

static void on_time(struct report *r, const struct member *m) {
    struct number n;
    /* Human time has blanks and colons: of no use to us. */
    if (m->count == 0 || !number_read(m->values[0], &n))
        return;
    r->has_time = true;
    r->time_ms = n.micro / 1000;
}

static void on_start(struct report *r, const struct member *m) {
    r->seen |= SEEN_OBJECT;
    on_ms(r, m, &r->start_ms);
}

static void on_end(struct report *r, const struct member *m) {
    r->seen |= SEEN_OBJECT;
    on_ms(r, m, &r->end_ms);
}

static void on_delta(struct report *r, const struct member *m) {
    int64_t micro = 0;
    if (m->count > 0 && figure(r, m->values[0], &micro))
        r->duration_ms = micro / MICRO;
}

static void on_peak(struct report *r, const struct member *m) {
    r->seen |= SEEN_OBJECT;
    on_magnitude(r, m);
}

static void on_max_mps(struct report *r, const struct member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_M_S;
}

static void on_max_mph(struct report *r, const struct member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_MPH;
}

static void on_max_kmph(struct report *r, const struct member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_KM_H;
}

static void on_reset(struct report *r, const struct member *m) {
    r->seen |= SEEN_RESET;
    r->key = m->key;
    if (m->count > 0)
        r->value = m->values[0];
}

static void on_counts(struct report *r, const struct member *m) {
    (void)m;
    r->seen |= SEEN_COUNTS;
}

static void on_alert(struct report *r, const struct member *m) {
    on_reset(r, m);
    r->seen = (r->seen & ~(unsigned)SEEN_RESET) | SEEN_ALERT;
}

static const struct {
    const char *key;
    void (*on)(struct report *r, const struct member *m);
} KEYS[] = {
    {"speed", on_speed},
    {"DetectedObjectVelocity", on_fastest},
    {"magnitude", on_magnitude},
    {"direction", on_direction},
    {"dir", on_direction},
    {"classifier", on_direction},
    {"unit", on_unit},
    {"units", on_unit},
    {"time", on_time},
    {"start_time", on_start},
    {"end_time", on_end},
    {"delta_time_msec", on_delta},
    {"max_speed_mps", on_max_mps},
    {"max_mps", on_max_mps},
    {"max_speed_mph", on_max_mph},
    {"max_mph", on_max_mph},
    {"max_speed_kmph", on_max_kmph},
    {"max_kmph", on_max_kmph},
    {"max_magnitude", on_peak},
    {"max_mag", on_peak},
    {"Reset", on_reset},
    {"TimedSpeedCounts", on_counts},
    {"ALERT", on_alert},
};

static void on_member(struct report *r, const struct member *m) {
    for (unsigned i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (word_is(m->key, KEYS[i].key)) {
            KEYS[i].on(r, m);
            return;
        }
    /* The first key of a line that is no report names the setting. */
    if ((r->seen & SEEN_KEY) == 0 && m->count > 0) {
        r->key = m->key;
        r->value = m->values[0];
    }
    r->seen |= SEEN_KEY;
}

/* Members up to the closing braces; depth is that of objects within objects. */
static bool json_read(struct text t, struct report *r) {
    unsigned depth = 1;
    if (!take(&t, '{'))
        return false;
    if (take(&t, '}'))
        depth = 0;
    while (depth > 0) {
        struct member m;
        if (!member(&t, &m))
            return false;
        on_member(r, &m);
        depth += m.nested;
        while (!m.nested && depth > 0 && take(&t, '}'))
            depth--;
        if (depth > 0 && !m.nested && !take(&t, ','))
            return false;
    }
    skip_blanks(&t);
    return t.at == t.end && !r->broken;
}

static enum ops243_kind kind_of(const struct report *r) {
    static const struct {
        unsigned bit;
        enum ops243_kind kind;
    } RANKS[] = {
        {SEEN_RESET, OPS243_RESET},     {SEEN_COUNTS, OPS243_NOTICE}, {SEEN_ALERT, OPS243_NOTICE},
        {SEEN_FASTEST, OPS243_FASTEST}, {SEEN_OBJECT, OPS243_OBJECT}, {SEEN_SPEED, OPS243_SPEEDS},
        {SEEN_KEY, OPS243_SETTING},
    };
    for (unsigned i = 0; i < sizeof RANKS / sizeof *RANKS; i++)
        if (r->seen & RANKS[i].bit)
            return RANKS[i].kind;
    return OPS243_BLANK;
}

/* One target; a direction key gives the sign where the number has none. */
static int target_from(const struct report *r, unsigned i, enum ops243_unit unit,
                       struct ops243_line *l) {
    struct radar_target *t = &l->targets[l->count];
    if (!speed_from(r->speed[i], unit, &t->speed_mm_s))
        return ERR_BADMSG;
    int direction = r->directions == 0 ? 0 : r->direction[i < r->directions ? i : 0];
    if (direction < 0 && t->speed_mm_s > 0)
        t->speed_mm_s = -t->speed_mm_s;
    t->magnitude = i < r->magnitudes ? magnitude_from(r->magnitude[i]) : 0;
    l->count += t->speed_mm_s != 0;
    return 0;
}

static int report_take(const struct report *r, struct ops243_context *context,
                       struct ops243_line *ret_line) {
    struct ops243_line l = {.kind = kind_of(r), .unit = r->unit};
    l.has_time = r->has_time;
    l.sensor_ms = r->has_time ? r->time_ms : 0;
    l.duration_ms = r->duration_ms > 0 ? r->duration_ms : r->end_ms - r->start_ms;
    enum ops243_unit unit = r->unit != OPS243_UNIT_NONE ? r->unit : context->unit;
    bool speeds = l.kind == OPS243_SPEEDS || l.kind == OPS243_FASTEST || l.kind == OPS243_OBJECT;
    for (unsigned i = 0; speeds && i < r->speeds; i++)
        if (target_from(r, i, unit, &l) < 0)
            return ERR_BADMSG;
    if (l.kind == OPS243_SPEEDS && l.count == 0)
        l.kind = OPS243_BLANK;
    if (r->key.at != NULL)
        word_copy(l.key, r->key);
    if (r->value.at != NULL)
        word_copy(l.value, r->value);
    if (l.kind == OPS243_RESET)
        *context = (struct ops243_context){OPS243_UNIT_NONE, false};
    else if (r->unit != OPS243_UNIT_NONE && l.kind != OPS243_OBJECT && l.kind != OPS243_NOTICE)
        context->unit = r->unit;
    *ret_line = l;
    return 0;
}

/* A line cut short by the next one: what stands from the last brace on may be whole. */
static struct text last_object(struct text t) {
    const char *brace = t.end;
    while (brace > t.at && *--brace != '{')
        ;
    return (struct text){brace, t.end};
}

static int json_line(struct text t, struct ops243_context *context, struct ops243_line *ret_line) {
    struct report r = {0};
    if (json_read(t, &r))
        return report_take(&r, context, ret_line);
    struct text rest = last_object(t);
    memset(&r, 0, sizeof r);
    if (rest.at == t.at || !json_read(rest, &r))
        return ERR_BADMSG;
    return report_take(&r, context, ret_line);
}

/* ---- plain reports: fields between commas ---- */

struct fields {
    unsigned numbers;
    struct number number[3];
    enum ops243_unit unit;
    bool human_time;
};

static bool is_human_time(struct text t) {
    return t.end - t.at >= 16 && isalpha((unsigned char)*t.at) &&
           memchr(t.at, ':', (size_t)(t.end - t.at)) != NULL;
}

static bool field_read(struct text t, struct fields *f) {
    struct number n;
    t = trimmed(t);
    if (number_read(t, &n)) {
        if (f->numbers == 3)
            return false;
        f->number[f->numbers++] = n;
        return true;
    }
    if (is_human_time(t)) {
        f->human_time = true;
        return true;
    }
    f->unit = ops243_unit_named(t.at, (size_t)(t.end - t.at));
    return f->unit != OPS243_UNIT_NONE;
}

static bool fields_read(struct text t, struct fields *f) {
    for (;;) {
        const char *comma = memchr(t.at, ',', (size_t)(t.end - t.at));
        if (!field_read((struct text){t.at, comma != NULL ? comma : t.end}, f))
            return false;
        if (comma == NULL)
            return true;
        t.at = comma + 1;
    }
}

/* Times are told with three decimals and grow beyond any magnitude; magnitudes with none or two. */
static bool is_time(const struct number *n) {
    return n->micro >= 0 && (n->decimals == 3 || n->micro > MAGNITUDE_MAX * MICRO);
}

static int plain_line(struct text t, struct ops243_context *context, struct ops243_line *ret_line) {
    struct fields f = {0};
    if (!fields_read(t, &f))
        return ERR_BADMSG;
    struct ops243_line l = {.kind = OPS243_SPEEDS, .unit = f.unit};
    bool timed = f.numbers >= 2 && is_time(&f.number[0]);
    bool weighed = f.numbers == 3 || (f.numbers == 2 && !timed);
    if (f.numbers == 3 && !timed)
        return ERR_BADMSG;
    if (weighed && f.number[f.numbers - 2].micro < 0)
        return ERR_BADMSG;
    l.has_time = timed;
    l.sensor_ms = timed ? f.number[0].micro / 1000 : 0;
    bool alone = f.numbers == 1 && context->timed && !f.human_time;
    enum ops243_unit unit = f.unit != OPS243_UNIT_NONE ? f.unit : context->unit;
    if (f.numbers > 0 && !alone) {
        if (!speed_from(f.number[f.numbers - 1].micro, unit, &l.targets[0].speed_mm_s))
            return ERR_BADMSG;
        if (weighed)
            l.targets[0].magnitude = magnitude_from(f.number[f.numbers - 2].micro);
        l.count = l.targets[0].speed_mm_s != 0;
    }
    if (l.count == 0)
        l.kind = OPS243_BLANK;
    context->timed = context->timed || timed;
    if (f.unit != OPS243_UNIT_NONE)
        context->unit = f.unit;
    *ret_line = l;
    return 0;
}

/* ---- lines ---- */

static bool is_blank(struct text t) {
    while (t.at < t.end && (isspace((unsigned char)*t.at) || *t.at == ','))
        t.at++;
    return t.at == t.end;
}

int ops243_line_read(const char *line, size_t len, struct ops243_context *context,
                     struct ops243_line *ret_line) {
    struct text t = {line, line + len};
    while (t.at < t.end && isspace((unsigned char)*t.at))
        t.at++;
    while (t.at < t.end && isspace((unsigned char)t.end[-1]))
        t.end--;
    if (is_blank(t)) {
        *ret_line = (struct ops243_line){.kind = OPS243_BLANK};
        return 0;
    }
    if (*t.at == '{')
        return json_line(t, context, ret_line);
    int r = plain_line(t, context, ret_line);
    struct text rest = last_object(t);
    return r < 0 && *rest.at == '{' ? json_line(rest, context, ret_line) : r;
}

/* Ends the line in hand; -1 if there is nothing to tell of it. */
static int split_end(struct ops243_splitter *s) {
    int len = s->too_long ? -1 : (int)s->len;
    s->overlong += s->too_long;
    s->too_long = false;
    s->len = 0;
    return len;
}

size_t ops243_split(struct ops243_splitter *s, const char *bytes, size_t len, int *ret_len) {
    *ret_len = -1;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        bool second = c == '\n' && s->returned;
        s->returned = c == '\r' || (c == '\0' && s->returned);
        if (second)
            continue;
        if (c == '\r' || c == '\n') {
            *ret_len = split_end(s);
            if (*ret_len >= 0)
                return i + 1;
        } else if (c != '\0' && s->len < OPS243_LINE_MAX) {
            s->line[s->len++] = c;
        } else if (c != '\0') {
            s->too_long = true;
        }
    }
    return len;
}
