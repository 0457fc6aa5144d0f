#include "ops243_line.h"
#include "ops243_text.h"
#include <ctype.h>
#include <string.h>

enum { MAGNITUDE_MAX = 100000000 };

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
    if (size > 10000 * OPS243_MICRO)
        return false;
    int64_t den = MM_S[unit].den * OPS243_MICRO;
    int64_t mm_s = (size * MM_S[unit].num + den - 1) / den;
    if (mm_s > SPEED_MAX_MM_S)
        return false;
    *ret_mm_s = (int32_t)(micro < 0 ? -mm_s : mm_s);
    return true;
}

static uint32_t magnitude_from(int64_t micro) {
    int64_t whole = (micro + OPS243_MICRO / 2) / OPS243_MICRO;
    return whole < 0 ? 0 : whole > MAGNITUDE_MAX ? MAGNITUDE_MAX : (uint32_t)whole;
}

static void word_copy(char *buf, struct ops243_text t) {
    size_t n = (size_t)(t.end - t.at);
    n = n > OPS243_WORD_MAX ? OPS243_WORD_MAX : n;
    for (size_t i = 0; i < n; i++)
        buf[i] = isprint((unsigned char)t.at[i]) ? t.at[i] : '?';
    buf[n] = '\0';
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
    int64_t speed[OPS243_VALUES_MAX], magnitude[OPS243_VALUES_MAX];
    int direction[OPS243_VALUES_MAX];
    struct ops243_text key, value, second, second_value;
    bool broken; /* a figure that is not one */
};

static bool figure(struct report *r, struct ops243_text t, int64_t *ret_micro) {
    struct ops243_number n;
    if (!ops243_number(t, &n)) {
        r->broken = true;
        return false;
    }
    *ret_micro = n.micro;
    return true;
}

static void on_speed(struct report *r, const struct ops243_member *m) {
    r->seen |= SEEN_SPEED;
    for (r->speeds = 0; r->speeds < m->count; r->speeds++)
        if (!figure(r, m->values[r->speeds], &r->speed[r->speeds]))
            return;
}

static void on_fastest(struct report *r, const struct ops243_member *m) {
    on_speed(r, m);
    r->seen |= SEEN_FASTEST;
}

static void on_magnitude(struct report *r, const struct ops243_member *m) {
    for (r->magnitudes = 0; r->magnitudes < m->count; r->magnitudes++)
        if (!figure(r, m->values[r->magnitudes], &r->magnitude[r->magnitudes]))
            return;
}

static int direction_of(struct ops243_text t) {
    if (ops243_word_is(t, "inbound") || ops243_word_is(t, "in") ||
        ops243_word_is(t, "object_inbound"))
        return 1;
    if (ops243_word_is(t, "outbound") || ops243_word_is(t, "out") ||
        ops243_word_is(t, "object_outbound"))
        return -1;
    return 0;
}

static void on_direction(struct report *r, const struct ops243_member *m) {
    for (r->directions = 0; r->directions < m->count; r->directions++)
        r->direction[r->directions] = direction_of(m->values[r->directions]);
}

static void on_unit(struct report *r, const struct ops243_member *m) {
    if (m->count == 0)
        return;
    r->unit = ops243_unit_named(m->values[0].at, (size_t)(m->values[0].end - m->values[0].at));
    r->seen |= SEEN_KEY;
    r->key = m->key;
    r->value = m->values[0];
}

static void on_ms(struct report *r, const struct ops243_member *m, int64_t *ret_ms) {
    int64_t micro;
    if (m->count > 0 && figure(r, m->values[0], &micro))
        *ret_ms = micro / 1000;
}

static void on_time(struct report *r, const struct ops243_member *m) {
    struct ops243_number n;
    /* Human time has blanks and colons: of no use to us. */
    if (m->count == 0 || !ops243_number(m->values[0], &n))
        return;
    r->has_time = true;
    r->time_ms = n.micro / 1000;
}

static void on_start(struct report *r, const struct ops243_member *m) {
    r->seen |= SEEN_OBJECT;
    on_ms(r, m, &r->start_ms);
}

static void on_end(struct report *r, const struct ops243_member *m) {
    r->seen |= SEEN_OBJECT;
    on_ms(r, m, &r->end_ms);
}

static void on_delta(struct report *r, const struct ops243_member *m) {
    int64_t micro = 0;
    if (m->count > 0 && figure(r, m->values[0], &micro))
        r->duration_ms = micro / OPS243_MICRO;
}

static void on_peak(struct report *r, const struct ops243_member *m) {
    r->seen |= SEEN_OBJECT;
    on_magnitude(r, m);
}

static void on_max_mps(struct report *r, const struct ops243_member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_M_S;
}

static void on_max_mph(struct report *r, const struct ops243_member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_MPH;
}

static void on_max_kmph(struct report *r, const struct ops243_member *m) {
    on_speed(r, m);
    r->unit = OPS243_UNIT_KM_H;
}

static void on_reset(struct report *r, const struct ops243_member *m) {
    r->seen |= SEEN_RESET;
    r->key = m->key;
    if (m->count > 0)
        r->value = m->values[0];
}

static void on_counts(struct report *r, const struct ops243_member *m) {
    (void)m;
    r->seen |= SEEN_COUNTS;
}

static void on_alert(struct report *r, const struct ops243_member *m) {
    on_reset(r, m);
    r->seen = (r->seen & ~(unsigned)SEEN_RESET) | SEEN_ALERT;
}

static const struct {
    const char *key;
    void (*on)(struct report *r, const struct ops243_member *m);
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

static void on_member(struct report *r, const struct ops243_member *m) {
    for (unsigned i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (ops243_word_is(m->key, KEYS[i].key)) {
            KEYS[i].on(r, m);
            return;
        }
    /* The first key of a line that is no report names the setting. */
    if ((r->seen & SEEN_KEY) == 0 && m->count > 0) {
        r->key = m->key;
        r->value = m->values[0];
    } else if (r->second.at == NULL && m->count > 0) {
        r->second = m->key;
        r->second_value = m->values[0];
    }
    r->seen |= SEEN_KEY;
}

/* Members up to the closing braces; depth is that of objects within objects. */
static bool json_read(struct ops243_text t, struct report *r) {
    unsigned depth = 1;
    if (!ops243_take(&t, '{'))
        return false;
    if (ops243_take(&t, '}'))
        depth = 0;
    while (depth > 0) {
        struct ops243_member m;
        if (!ops243_member(&t, &m))
            return false;
        on_member(r, &m);
        depth += m.nested;
        while (!m.nested && depth > 0 && ops243_take(&t, '}'))
            depth--;
        if (depth > 0 && !m.nested && !ops243_take(&t, ','))
            return false;
    }
    ops243_skip_blanks(&t);
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
    if (r->second.at != NULL) {
        word_copy(l.second, r->second);
        word_copy(l.second_value, r->second_value);
    }
    if (l.kind == OPS243_RESET)
        *context = (struct ops243_context){OPS243_UNIT_NONE, false};
    else if (r->unit != OPS243_UNIT_NONE && l.kind != OPS243_OBJECT && l.kind != OPS243_NOTICE)
        context->unit = r->unit;
    *ret_line = l;
    return 0;
}

/* A line cut short by the next one: what stands from the last brace on may be whole. */
static struct ops243_text last_object(struct ops243_text t) {
    const char *brace = t.end;
    while (brace > t.at && *--brace != '{')
        ;
    return (struct ops243_text){brace, t.end};
}

static int json_line(struct ops243_text t, struct ops243_context *context,
                     struct ops243_line *ret_line) {
    struct report r = {0};
    if (json_read(t, &r))
        return report_take(&r, context, ret_line);
    struct ops243_text rest = last_object(t);
    memset(&r, 0, sizeof r);
    if (rest.at == t.at || !json_read(rest, &r))
        return ERR_BADMSG;
    return report_take(&r, context, ret_line);
}

/* ---- plain reports: fields between commas ---- */

struct fields {
    unsigned numbers;
    struct ops243_number number[3];
    enum ops243_unit unit;
    bool human_time;
};

static bool is_human_time(struct ops243_text t) {
    return t.end - t.at >= 16 && isalpha((unsigned char)*t.at) &&
           memchr(t.at, ':', (size_t)(t.end - t.at)) != NULL;
}

static bool field_read(struct ops243_text t, struct fields *f) {
    struct ops243_number n;
    t = ops243_trimmed(t);
    if (ops243_number(t, &n)) {
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

static bool fields_read(struct ops243_text t, struct fields *f) {
    for (;;) {
        const char *comma = memchr(t.at, ',', (size_t)(t.end - t.at));
        if (!field_read((struct ops243_text){t.at, comma != NULL ? comma : t.end}, f))
            return false;
        if (comma == NULL)
            return true;
        t.at = comma + 1;
    }
}

/* Times are told with three decimals and grow beyond any magnitude; magnitudes with none or two. */
static bool is_time(const struct ops243_number *n) {
    return n->micro >= 0 && (n->decimals == 3 || n->micro > MAGNITUDE_MAX * OPS243_MICRO);
}

static int plain_line(struct ops243_text t, struct ops243_context *context,
                      struct ops243_line *ret_line) {
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

bool ops243_line_foreign(const char *line, size_t len) {
    static const struct {
        const char *begins;
        bool whole;
    } WORDS[] = {
        {"OK", true},           {"ERROR", true}, {"RING", true},   {"CONNECT", false},
        {"NO CARRIER", true},   {"+C", false},   {"+Q", false},    {"AT", false},
        {"COMMAND NOT", false}, {"$G", false},   {"$PMTK", false}, {"login:", false},
    };
    struct ops243_text t = ops243_trimmed((struct ops243_text){line, line + len});
    len = (size_t)(t.end - t.at);
    for (unsigned i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        size_t n = strlen(WORDS[i].begins);
        if (len >= n && memcmp(t.at, WORDS[i].begins, n) == 0 && (!WORDS[i].whole || len == n))
            return true;
    }
    return false;
}

static bool is_blank(struct ops243_text t) {
    while (t.at < t.end && (isspace((unsigned char)*t.at) || *t.at == ','))
        t.at++;
    return t.at == t.end;
}

int ops243_line_read(const char *line, size_t len, struct ops243_context *context,
                     struct ops243_line *ret_line) {
    struct ops243_text t = {line, line + len};
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
    struct ops243_text rest = last_object(t);
    return r < 0 && *rest.at == '{' ? json_line(rest, context, ret_line) : r;
}
