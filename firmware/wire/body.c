#include "body.h"
#include "column.h"
#include "moorwatch.pb.h"
#include "span.h"
#include <assert.h>
#include <pb_encode.h>
#include <string.h>

/* How a field stands in struct event, and so its limits. */
enum form {
    FORM_U8,
    FORM_U16,
    FORM_U32,
    FORM_U64,
    FORM_I16,
    FORM_I32,
    FORM_I64,
    FORM_BOOL,
    FORM_TIME, /* event.t_ms, as differences from row to row */
    FORM_SITE, /* event.session.site: the column holds its lengths */
};

static const struct {
    int64_t min, max;
} LIMITS[] = {
    [FORM_U8] = {0, UINT8_MAX},          [FORM_U16] = {0, UINT16_MAX},
    [FORM_U32] = {0, UINT32_MAX},        [FORM_U64] = {0, INT64_MAX},
    [FORM_I16] = {INT16_MIN, INT16_MAX}, [FORM_I32] = {INT32_MIN, INT32_MAX},
    [FORM_I64] = {INT64_MIN, INT64_MAX}, [FORM_BOOL] = {0, 1},
    [FORM_TIME] = {0, EVENT_TIME_MAX},   [FORM_SITE] = {0, EVENT_SITE_MAX},
};

struct field {
    uint16_t has, column; /* in moorwatch_Body */
    uint16_t at;          /* in struct event */
    uint8_t form;         /* enum form */
    uint8_t unit;         /* event's value = column's value * unit */
};

struct kind {
    uint16_t has, first; /* in moorwatch_Body */
    uint8_t kind, fields;
    const struct field *field;
};

#define COLUMN(group, name, member, form, unit)                                                    \
    {                                                                                              \
        offsetof(moorwatch_Body, group.has_##name), offsetof(moorwatch_Body, group.name),          \
            offsetof(struct event, member), form, unit                                             \
    }
#define COUNTER(name, index) COLUMN(healths, name, health.counters[index], FORM_U32, 1)

static const struct field PASSAGES[] = {
    COLUMN(passages, time, t_ms, FORM_TIME, 10),
    COLUMN(passages, direction, passage.direction, FORM_U8, 1),
    COLUMN(passages, speed, passage.speed_mph10, FORM_U16, 1),
    COLUMN(passages, duration, passage.duration_ms, FORM_U32, 100),
    COLUMN(passages, magnitude, passage.magnitude_db, FORM_I16, 1),
    COLUMN(passages, quality, passage.quality, FORM_U8, 1),
    COLUMN(passages, flags, passage.flags, FORM_U8, 1),
};

static const struct field SESSIONS[] = {
    COLUMN(sessions, time, t_ms, FORM_TIME, 1),
    COLUMN(sessions, what, session.what, FORM_U8, 1),
    COLUMN(sessions, end, session.end, FORM_U8, 1),
    COLUMN(sessions, session, session.session, FORM_U32, 1),
    COLUMN(sessions, limit, session.limit_mph, FORM_U16, 1),
    COLUMN(sessions, expected, session.expected_mph10, FORM_U16, 1),
    COLUMN(sessions, measured, session.measured_mph10, FORM_U16, 1),
    COLUMN(sessions, passed, session.passed, FORM_BOOL, 1),
    COLUMN(sessions, vehicles, session.vehicles, FORM_U32, 1),
    COLUMN(sessions, site_length, session.site, FORM_SITE, 1),
    COLUMN(sessions, latitude, session.latitude_e7, FORM_I32, 1),
    COLUMN(sessions, longitude, session.longitude_e7, FORM_I32, 1),
    COLUMN(sessions, position_error, session.position_error_m, FORM_U16, 1),
};

static const struct field LOCKS[] = {
    COLUMN(locks, time, t_ms, FORM_TIME, 1),
    COLUMN(locks, lock, lock.lock, FORM_U8, 1),
    COLUMN(locks, what, lock.what, FORM_U8, 1),
    COLUMN(locks, causes, lock.causes, FORM_U8, 1),
};

static const struct field HEALTHS[] = {
    COLUMN(healths, time, t_ms, FORM_TIME, 1),
    COLUMN(healths, uptime, health.uptime_s, FORM_U32, 1),
    COLUMN(healths, battery, health.battery_mv, FORM_U16, 1),
    COLUMN(healths, temperature, health.temperature_c10, FORM_I16, 1),
    COLUMN(healths, signal, health.signal_dbm, FORM_I16, 1),
    COLUMN(healths, pending_alarm, health.spool_pending[CLASS_ALARM], FORM_U32, 1),
    COLUMN(healths, pending_event, health.spool_pending[CLASS_EVENT], FORM_U32, 1),
    COLUMN(healths, pending_telemetry, health.spool_pending[CLASS_TELEMETRY], FORM_U32, 1),
    COLUMN(healths, period, health.period_s, FORM_U32, 1),
    COUNTER(boots, HEALTH_BOOTS),
    COUNTER(events, HEALTH_EVENTS),
    COUNTER(events_dropped, HEALTH_EVENTS_DROPPED),
    COUNTER(records_lost, HEALTH_RECORDS_LOST),
    COUNTER(radar_lines, HEALTH_RADAR_LINES),
    COUNTER(radar_refused, HEALTH_RADAR_REFUSED),
    COUNTER(radar_resets, HEALTH_RADAR_RESETS),
    COUNTER(gpio_gaps, HEALTH_GPIO_GAPS),
    COUNTER(link_drops, HEALTH_LINK_DROPS),
    COUNTER(batches_resent, HEALTH_BATCHES_RESENT),
    COUNTER(acks_refused, HEALTH_ACKS_REFUSED),
    COUNTER(storage_errors, HEALTH_STORAGE_ERRORS),
    COUNTER(queue_refused, HEALTH_QUEUE_REFUSED),
    COUNTER(sensor_errors, HEALTH_SENSOR_ERRORS),
    COUNTER(motion_ignored, HEALTH_MOTION_IGNORED),
    COUNTER(gnss_refused, HEALTH_GNSS_REFUSED),
    COUNTER(frames_lost, HEALTH_FRAMES_LOST),
    COLUMN(healths, disk_free, health.disk_free_mib, FORM_U32, 1),
    COLUMN(healths, spool_days, health.spool_days, FORM_U16, 1),
    COLUMN(healths, battery_days, health.battery_days, FORM_U16, 1),
    COLUMN(healths, battery_current, health.battery_ma, FORM_I16, 1),
    COLUMN(healths, power_flags, health.power_flags, FORM_U8, 1),
    COLUMN(healths, clock_quality, health.clock_quality, FORM_U8, 1),
};
static_assert(HEALTH_COUNTERS == 17, "a new counter needs a column here and in moorwatch.proto");

static const struct field ANCHORS[] = {
    COLUMN(anchors, time, t_ms, FORM_TIME, 1),
    COLUMN(anchors, unix_ms, anchor.unix_ms, FORM_I64, 1),
    COLUMN(anchors, quality, anchor.quality, FORM_U8, 1),
    COLUMN(anchors, error, anchor.error_ms, FORM_U32, 1),
};

static const struct field GAPS[] = {
    COLUMN(gaps, time, t_ms, FORM_TIME, 1),
    COLUMN(gaps, class, gap.dropped_class, FORM_U8, 1),
    COLUMN(gaps, reason, gap.reason, FORM_U8, 1),
    COLUMN(gaps, from_seq, gap.from_seq, FORM_U64, 1),
    COLUMN(gaps, to_seq, gap.to_seq, FORM_U64, 1),
    COLUMN(gaps, events, gap.events, FORM_U32, 1),
    COLUMN(gaps, spool_high, gap.spool_high, FORM_U32, 1),
    COLUMN(gaps, spool_low, gap.spool_low, FORM_U32, 1),
};

static const struct field FAULTS[] = {
    COLUMN(faults, time, t_ms, FORM_TIME, 1),
    COLUMN(faults, code, fault.code, FORM_U8, 1),
    COLUMN(faults, active, fault.active, FORM_BOOL, 1),
    COLUMN(faults, detail, fault.detail, FORM_I32, 1),
};

#define KIND(number, group, table)                                                                 \
    {                                                                                              \
        offsetof(moorwatch_Body, has_##group), offsetof(moorwatch_Body, group.first), number,      \
            sizeof table / sizeof table[0], table                                                  \
    }
static const struct kind KINDS[] = {
    KIND(EVENT_PASSAGE, passages, PASSAGES), KIND(EVENT_SESSION, sessions, SESSIONS),
    KIND(EVENT_LOCK, locks, LOCKS),          KIND(EVENT_HEALTH, healths, HEALTHS),
    KIND(EVENT_ANCHOR, anchors, ANCHORS),    KIND(EVENT_GAP, gaps, GAPS),
    KIND(EVENT_FAULT, faults, FAULTS),
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0], COLUMNS_MAX = 80, KIND_VALUE_MAX = 63 };
enum { KIND_COLUMNS_MAX = 40 };
static_assert(sizeof HEALTHS / sizeof HEALTHS[0] <= KIND_COLUMNS_MAX, "the widest kind");

/* The worst row is a Healths row: a difference of 2^44 ms, the fields, the counters; in bits. */
enum {
    ROW_HEALTH = 45 + 2 * 32 + 6 * 16 + 2 * 8 + 4 * 32 + HEALTH_COUNTERS * 32,
    ROW_SESSION = 45 + 2 * 8 + 32 + 3 * 16 + 1 + 32 + 5 + 8 * EVENT_SITE_MAX + 2 * 32 + 16,
    ROW_ORDER = 3,
    COLUMN_OVERHEAD = 2 + 2 + 11 + 3 + 3 + 1, /* tag, length, base, code, bits' head, padding */
};
static_assert(ROW_SESSION < ROW_HEALTH, "the worst row is another");
static_assert(WIRE_EVENTS_MAX * (ROW_HEALTH + ROW_ORDER) / 8 + COLUMNS_MAX * COLUMN_OVERHEAD +
                      KIND_COUNT * 16 <=
                  WIRE_BODY_MAX,
              "a full batch of the worst events must fit into a body");

static int64_t load(const struct event *event, const struct field *f) {
    const char *p = (const char *)event + f->at;
    switch ((enum form)f->form) {
    case FORM_U8:
        return *(const uint8_t *)p;
    case FORM_U16:
        return *(const uint16_t *)p;
    case FORM_U32:
        return *(const uint32_t *)p;
    case FORM_I16:
        return *(const int16_t *)p;
    case FORM_I32:
        return *(const int32_t *)p;
    case FORM_BOOL:
        return *(const bool *)p;
    case FORM_SITE:
        return (int64_t)strlen(p);
    case FORM_U64:
        return (int64_t) * (const uint64_t *)p;
    case FORM_TIME:
    case FORM_I64:
        break;
    }
    return *(const int64_t *)p;
}

/* FORM_SITE's text is stored by its own pass. */
static void store(struct event *event, const struct field *f, int64_t value) {
    char *p = (char *)event + f->at;
    switch ((enum form)f->form) {
    case FORM_U8:
        *(uint8_t *)p = (uint8_t)value;
        break;
    case FORM_U16:
        *(uint16_t *)p = (uint16_t)value;
        break;
    case FORM_U32:
        *(uint32_t *)p = (uint32_t)value;
        break;
    case FORM_I16:
        *(int16_t *)p = (int16_t)value;
        break;
    case FORM_I32:
        *(int32_t *)p = (int32_t)value;
        break;
    case FORM_BOOL:
        *(bool *)p = value != 0;
        break;
    case FORM_U64:
        *(uint64_t *)p = (uint64_t)value;
        break;
    case FORM_TIME:
    case FORM_I64:
        *(int64_t *)p = value;
        break;
    case FORM_SITE:
        break;
    }
}

static bool *flag_at(moorwatch_Body *body, uint16_t at) {
    return (bool *)((char *)body + at);
}

static moorwatch_Column *column_at(moorwatch_Body *body, uint16_t at) {
    return (moorwatch_Column *)(void *)((char *)body + at);
}

static int64_t *first_at(moorwatch_Body *body, uint16_t at) {
    return (int64_t *)(void *)((char *)body + at);
}

/* ---- encoding ---- */

/* One column to be written: where its values come from. */
struct source {
    const struct event *events;
    size_t count;
    uint8_t kind;              /* 0: every event, its kind */
    const struct field *field; /* NULL: the kind itself */
    struct column_plan plan;
};

struct writer {
    moorwatch_Body body;
    struct source sources[COLUMNS_MAX];
    size_t used;
};

static size_t gather(const struct source *s, int64_t *values) {
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->field == NULL)
            values[n++] = s->events[i].kind;
        else if (s->events[i].kind == s->kind)
            values[n++] = load(&s->events[i], s->field) / s->field->unit;
    if (s->field == NULL || s->field->form != FORM_TIME)
        return n;
    for (size_t i = 0; i + 1 < n; i++)
        values[i] = values[i + 1] - values[i];
    return n - 1;
}

static bool write_bits(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const struct source *s = *arg;
    int64_t values[WIRE_EVENTS_MAX];
    uint8_t bits[WIRE_EVENTS_MAX * 8];
    if (s->plan.bytes == 0)
        return true;
    if (stream->callback != NULL) /* not only measuring */
        column_write(&s->plan, values, gather(s, values), bits);
    return pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, bits, s->plan.bytes);
}

static bool write_sites(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const struct source *s = *arg;
    size_t total = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EVENT_SESSION)
            total += strlen(s->events[i].session.site);
    if (total == 0)
        return true;
    bool ok = pb_encode_tag_for_field(stream, field) && pb_encode_varint(stream, total);
    for (size_t i = 0; ok && i < s->count; i++) {
        const struct event_session *row = &s->events[i].session;
        if (s->events[i].kind == EVENT_SESSION)
            ok = pb_write(stream, (const pb_byte_t *)row->site, strlen(row->site));
    }
    return ok;
}

/* Plans a column; one that is all zeros stays out. */
static void add_column(struct writer *w, const struct source *source, bool *has,
                       moorwatch_Column *column) {
    int64_t values[WIRE_EVENTS_MAX];
    assert(w->used < COLUMNS_MAX);
    struct source *s = &w->sources[w->used];
    *s = *source;
    s->plan = column_plan(values, gather(s, values));
    if (s->plan.base == 0 && s->plan.bytes == 0)
        return;
    w->used++;
    *has = true;
    *column = (moorwatch_Column){
        .base = s->plan.base,
        .code = s->plan.code,
        .bits = {.funcs.encode = write_bits, .arg = s},
    };
}

static void add_kind(struct writer *w, const struct kind *k, struct source *source) {
    size_t i = 0;
    while (i < source->count && source->events[i].kind != k->kind)
        i++;
    if (i == source->count)
        return;
    source->kind = k->kind;
    *flag_at(&w->body, k->has) = true;
    *first_at(&w->body, k->first) = source->events[i].t_ms / k->field[0].unit;
    for (size_t f = 0; f < k->fields; f++) {
        source->field = &k->field[f];
        add_column(w, source, flag_at(&w->body, k->field[f].has),
                   column_at(&w->body, k->field[f].column));
    }
}

int body_encode(const struct event *events, size_t count, uint8_t *buf, size_t cap) {
    assert(count <= WIRE_EVENTS_MAX);
    struct writer w = {0};
    struct source source = {.events = events, .count = count};
    add_column(&w, &source, &w.body.has_order, &w.body.order);
    for (size_t k = 0; k < KIND_COUNT; k++)
        add_kind(&w, &KINDS[k], &source);
    w.body.sessions.site = (pb_callback_t){.funcs.encode = write_sites, .arg = &source};
    pb_ostream_t stream = pb_ostream_from_buffer(buf, cap);
    if (!pb_encode(&stream, moorwatch_Body_fields, &w.body))
        return ERR_OVERFLOW;
    return (int)stream.bytes_written;
}

/* ---- decoding ---- */

struct reader {
    moorwatch_Body body;
    struct span order, site, spans[KIND_COUNT][KIND_COLUMNS_MAX];
};

static bool read_body(struct reader *r, const uint8_t *bytes, size_t len) {
    r->body.order.bits = span_note(&r->order);
    r->body.sessions.site = span_note(&r->site);
    for (size_t k = 0; k < KIND_COUNT; k++)
        for (size_t f = 0; f < KINDS[k].fields; f++)
            column_at(&r->body, KINDS[k].field[f].column)->bits = span_note(&r->spans[k][f]);
    pb_istream_t stream = span_stream(&bytes, len);
    return pb_decode(&stream, moorwatch_Body_fields, &r->body);
}

static struct column column_of(const moorwatch_Column *c, const struct span *span) {
    return (struct column){c->base, c->code, span->at, span->len};
}

/* The events of one kind, by their place in the batch. */
struct rows {
    struct event *events;
    size_t count;
    uint16_t at[WIRE_EVENTS_MAX];
};

static int scatter(const struct rows *rows, const struct field *f, const int64_t *values) {
    for (size_t i = 0; i < rows->count; i++) {
        int64_t value;
        if (__builtin_mul_overflow(values[i], (int64_t)f->unit, &value) ||
            value < LIMITS[f->form].min || value > LIMITS[f->form].max)
            return ERR_RANGE;
        store(&rows->events[rows->at[i]], f, value);
    }
    return 0;
}

/* Differences to times, in place; there is one fewer of them. */
static int undo_differences(int64_t *values, size_t count, int64_t first) {
    int64_t time = first;
    for (size_t i = 0; i < count; i++) {
        int64_t difference = values[i];
        values[i] = time;
        if (i + 1 < count && __builtin_add_overflow(time, difference, &time))
            return ERR_RANGE;
    }
    return 0;
}

static int read_sites(const struct rows *rows, const int64_t *lengths, const struct span *text) {
    size_t used = 0;
    for (size_t i = 0; i < rows->count; i++) {
        size_t len = (size_t)lengths[i];
        if (len > text->len - used)
            return ERR_BADMSG;
        if (len > 0)
            memcpy(rows->events[rows->at[i]].session.site, text->at + used, len);
        used += len;
    }
    return used == text->len ? 0 : ERR_BADMSG;
}

static int read_field(struct reader *r, const struct kind *k, size_t f, const struct rows *rows) {
    const struct field *field = &k->field[f];
    struct column column = column_of(column_at(&r->body, field->column), &r->spans[k - KINDS][f]);
    int64_t values[WIRE_EVENTS_MAX];
    bool time = field->form == FORM_TIME;
    int e = column_read(&column, time && rows->count > 0 ? rows->count - 1 : rows->count, values);
    if (e == 0 && time)
        e = undo_differences(values, rows->count, *first_at(&r->body, k->first));
    if (e == 0)
        e = scatter(rows, field, values);
    if (e == 0 && field->form == FORM_SITE)
        e = read_sites(rows, values, &r->site);
    return e;
}

static int read_kind(struct reader *r, const struct kind *k, struct event *events, size_t count) {
    struct rows rows = {.events = events};
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == k->kind)
            rows.at[rows.count++] = (uint16_t)i;
    int e = 0;
    for (size_t f = 0; f < k->fields && e == 0; f++)
        e = read_field(r, k, f, &rows);
    return e;
}

/* Blank events of the kinds that this reader knows; returns how many. */
static int read_order(const struct reader *r, enum event_class cls, size_t count,
                      struct event *events) {
    int64_t kinds[WIRE_EVENTS_MAX];
    struct column column = column_of(&r->body.order, &r->order);
    int e = column_read(&column, count, kinds);
    if (e < 0)
        return e;
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (kinds[i] < 1 || kinds[i] > KIND_VALUE_MAX)
            return ERR_RANGE;
        if (kinds[i] > KIND_COUNT)
            continue;
        if (event_class_of((enum event_kind)kinds[i]) != cls)
            return ERR_RANGE;
        events[known] = (struct event){0};
        events[known++].kind = (uint8_t)kinds[i];
    }
    return (int)known;
}

/* Drops what carries a code of a later schema; the rest must be valid. */
static int keep_known(struct event *events, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!event_known(&events[i]))
            continue;
        if (!event_valid(&events[i]))
            return ERR_RANGE;
        events[kept++] = events[i];
    }
    return (int)kept;
}

int body_decode(const uint8_t *body, size_t len, enum event_class cls, size_t count,
                struct event *events) {
    assert(count <= WIRE_EVENTS_MAX);
    struct reader r = {0};
    if (!read_body(&r, body, len))
        return ERR_BADMSG;
    int known = read_order(&r, cls, count, events);
    if (known < 0)
        return known;
    for (size_t k = 0; k < KIND_COUNT; k++) {
        int e = read_kind(&r, &KINDS[k], events, (size_t)known);
        if (e < 0)
            return e;
    }
    return keep_known(events, (size_t)known);
}
