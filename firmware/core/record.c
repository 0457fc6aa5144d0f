#include "record.h"
#include "crc.h"
#include <assert.h>
#include <string.h>

enum { EVENT_VERSION = 1, SEGMENT_VERSION = 1, SEGMENT_MAGIC = 0x5053574D /* "MWSP" */ };

void record_put(uint8_t *at, uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; i++, value >>= 8)
        at[i] = (uint8_t)value;
}

uint64_t record_get(const uint8_t *at, unsigned width) {
    uint64_t value = 0;
    for (unsigned i = width; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

/* ---- frames ---- */

uint32_t record_size(uint32_t len) {
    return (RECORD_HEADER + len + RECORD_STEP - 1) & ~(uint32_t)(RECORD_STEP - 1);
}

/* Over everything but the checksum itself. */
static uint32_t frame_crc(const uint8_t *buf, uint32_t size) {
    return crc32c(crc32c(0, buf, 4), buf + 8, size - 8);
}

uint32_t record_seal(uint8_t *buf, uint64_t number, enum record_type type, uint32_t len) {
    uint32_t size = record_size(len);
    memset(buf + RECORD_HEADER + len, 0, size - RECORD_HEADER - len);
    memset(buf, 0, RECORD_HEADER);
    record_put(buf, len, 4);
    record_put(buf + 8, number, 8);
    buf[16] = (uint8_t)type;
    record_put(buf + 4, frame_crc(buf, size), 4);
    return size;
}

int record_read(const uint8_t *buf, size_t avail, struct record *ret_record) {
    if (avail < RECORD_HEADER)
        return ERR_BADMSG;
    uint32_t len = (uint32_t)record_get(buf, 4);
    if (len == 0)
        return 0;
    if (len > SPOOL_RECORD_MAX - RECORD_HEADER - RECORD_STEP)
        return ERR_BADMSG;
    uint32_t size = record_size(len);
    if (size > avail)
        return ERR_AGAIN;
    if (frame_crc(buf, size) != record_get(buf + 4, 4))
        return ERR_BADMSG;
    *ret_record = (struct record){
        .number = record_get(buf + 8, 8),
        .type = buf[16],
        .len = len,
        .payload = buf + RECORD_HEADER,
    };
    return (int)size;
}

/* ---- events: a table of fields instead of one function for each kind ---- */

struct field {
    uint8_t kind;
    uint8_t width, count;
    uint16_t offset;
};

#define MANY(k, member, n)                                                                         \
    {                                                                                              \
        .kind = (k), .width = sizeof(((struct event *)0)->member) / (n), .count = (n),             \
        .offset = offsetof(struct event, member)                                                   \
    }
#define ONE(k, member) MANY(k, member, 1)
/* A run of the counters: those of a later program stand behind what an earlier one wrote. */
#define COUNTERS(from, to)                                                                         \
    {                                                                                              \
        .kind = EVENT_HEALTH, .width = sizeof(uint32_t), .count = (to) - (from),                   \
        .offset = offsetof(struct event, health.counters) + (from) * sizeof(uint32_t)              \
    }

/* The order is the format: new fields of a kind go after its last. */
static const struct field FIELDS[] = {
    ONE(EVENT_PASSAGE, passage.direction),
    ONE(EVENT_PASSAGE, passage.speed_mph10),
    ONE(EVENT_PASSAGE, passage.duration_ms),
    ONE(EVENT_PASSAGE, passage.magnitude_db),
    ONE(EVENT_PASSAGE, passage.quality),
    ONE(EVENT_PASSAGE, passage.flags),
    ONE(EVENT_SESSION, session.what),
    ONE(EVENT_SESSION, session.end),
    ONE(EVENT_SESSION, session.session),
    ONE(EVENT_SESSION, session.limit_mph),
    ONE(EVENT_SESSION, session.expected_mph10),
    ONE(EVENT_SESSION, session.measured_mph10),
    ONE(EVENT_SESSION, session.passed),
    ONE(EVENT_SESSION, session.vehicles),
    MANY(EVENT_SESSION, session.site, EVENT_SITE_MAX + 1),
    ONE(EVENT_SESSION, session.latitude_e7),
    ONE(EVENT_SESSION, session.longitude_e7),
    ONE(EVENT_SESSION, session.position_error_m),
    ONE(EVENT_LOCK, lock.lock),
    ONE(EVENT_LOCK, lock.what),
    ONE(EVENT_LOCK, lock.causes),
    ONE(EVENT_HEALTH, health.uptime_s),
    ONE(EVENT_HEALTH, health.battery_mv),
    ONE(EVENT_HEALTH, health.temperature_c10),
    ONE(EVENT_HEALTH, health.signal_dbm),
    MANY(EVENT_HEALTH, health.spool_pending, CLASS_COUNT),
    ONE(EVENT_HEALTH, health.period_s),
    COUNTERS(0, HEALTH_SENSOR_ERRORS),
    COUNTERS(HEALTH_SENSOR_ERRORS, HEALTH_FRAMES_LOST + 1),
    ONE(EVENT_HEALTH, health.disk_free_mib),
    ONE(EVENT_HEALTH, health.spool_days),
    ONE(EVENT_HEALTH, health.battery_days),
    ONE(EVENT_HEALTH, health.battery_ma),
    ONE(EVENT_HEALTH, health.power_flags),
    ONE(EVENT_HEALTH, health.clock_quality),
    ONE(EVENT_ANCHOR, anchor.unix_ms),
    ONE(EVENT_ANCHOR, anchor.quality),
    ONE(EVENT_ANCHOR, anchor.error_ms),
    ONE(EVENT_GAP, gap.dropped_class),
    ONE(EVENT_GAP, gap.reason),
    ONE(EVENT_GAP, gap.from_seq),
    ONE(EVENT_GAP, gap.to_seq),
    ONE(EVENT_GAP, gap.events),
    ONE(EVENT_GAP, gap.spool_high),
    ONE(EVENT_GAP, gap.spool_low),
    ONE(EVENT_FAULT, fault.code),
    ONE(EVENT_FAULT, fault.active),
    ONE(EVENT_FAULT, fault.detail),
};

enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0], EVENT_FIXED = 16 + 2 + 8 };

/* A member in the machine's own byte order, as a number. */
static uint64_t member_load(const uint8_t *at, unsigned width) {
    uint64_t v = 0;
    switch (width) {
    case 1:
        return *at;
    case 2: {
        uint16_t x;
        memcpy(&x, at, sizeof x);
        return x;
    }
    case 4: {
        uint32_t x;
        memcpy(&x, at, sizeof x);
        return x;
    }
    default:
        memcpy(&v, at, sizeof v);
        return v;
    }
}

static void member_store(uint8_t *at, uint64_t value, unsigned width) {
    uint16_t v2 = (uint16_t)value;
    uint32_t v4 = (uint32_t)value;
    switch (width) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2:
        memcpy(at, &v2, sizeof v2);
        break;
    case 4:
        memcpy(at, &v4, sizeof v4);
        break;
    default:
        memcpy(at, &value, sizeof value);
        break;
    }
}

uint32_t record_put_event(uint8_t *buf, const struct record_event *about,
                          const struct event *event) {
    record_put(buf, about->ordinal, 8);
    record_put(buf + 8, about->boot_id, 8);
    buf[16] = EVENT_VERSION;
    buf[17] = event->kind;
    record_put(buf + 18, (uint64_t)event->t_ms, 8);
    uint32_t at = EVENT_FIXED;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        for (unsigned k = 0; FIELDS[i].kind == event->kind && k < FIELDS[i].count; k++) {
            const uint8_t *member = (const uint8_t *)event + FIELDS[i].offset;
            assert(at + FIELDS[i].width <= RECORD_EVENT_MAX);
            record_put(buf + at, member_load(member + k * FIELDS[i].width, FIELDS[i].width),
                       FIELDS[i].width);
            at += FIELDS[i].width;
        }
    return at;
}

/* A bool may only hold 0 or 1, whatever the bytes say. */
static void tidy_bools(struct event *event, uint8_t passed, uint8_t active) {
    if (event->kind == EVENT_SESSION)
        event->session.passed = passed != 0;
    if (event->kind == EVENT_FAULT)
        event->fault.active = active != 0;
}

int record_get_event(const struct record *record, struct record_event *ret_about,
                     struct event *ret_event) {
    const uint8_t *p = record->payload;
    if (record->type != RECORD_EVENT || record->len < EVENT_FIXED)
        return ERR_BADMSG;
    if (p[16] != EVENT_VERSION || event_class_of(p[17]) == CLASS_COUNT)
        return ERR_VERSION;
    struct event event = {.kind = p[17], .t_ms = (int64_t)record_get(p + 18, 8)};
    uint8_t passed = 0, active = 0;
    uint32_t at = EVENT_FIXED;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        for (unsigned k = 0; FIELDS[i].kind == event.kind && k < FIELDS[i].count; k++) {
            const struct field *f = &FIELDS[i];
            if (at + f->width > record->len)
                break;
            if (f->offset == offsetof(struct event, session.passed) && event.kind == EVENT_SESSION)
                passed = p[at];
            else if (f->offset == offsetof(struct event, fault.active) && event.kind == EVENT_FAULT)
                active = p[at];
            else
                member_store((uint8_t *)&event + f->offset + k * f->width,
                             record_get(p + at, f->width), f->width);
            at += f->width;
        }
    tidy_bools(&event, passed, active);
    *ret_about =
        (struct record_event){.ordinal = record_get(p, 8), .boot_id = record_get(p + 8, 8)};
    *ret_event = event;
    return 0;
}

/* ---- batches, anchors, segments ---- */

void record_put_batch(uint8_t *buf, const struct record_batch *batch) {
    record_put(buf, batch->from, 8);
    record_put(buf + 8, batch->to, 8);
    record_put(buf + 16, batch->spool_id, 8);
    record_put(buf + 24, batch->seq, 8);
    record_put(buf + 32, batch->events, 8);
    memcpy(buf + 40, batch->hash, WIRE_HASH_BYTES);
}

int record_get_batch(const struct record *record, struct record_batch *ret_batch) {
    const uint8_t *p = record->payload;
    if (record->type != RECORD_BATCH || record->len < RECORD_BATCH_PREFIX)
        return ERR_BADMSG;
    *ret_batch = (struct record_batch){
        .from = record_get(p, 8),
        .to = record_get(p + 8, 8),
        .spool_id = record_get(p + 16, 8),
        .seq = record_get(p + 24, 8),
        .events = (uint32_t)record_get(p + 32, 4),
    };
    memcpy(ret_batch->hash, p + 40, WIRE_HASH_BYTES);
    return 0;
}

uint32_t record_put_anchor(uint8_t *buf, const struct spool_anchor *anchor) {
    record_put(buf, anchor->boot_id, 8);
    record_put(buf + 8, (uint64_t)anchor->boot_ms, 8);
    record_put(buf + 16, (uint64_t)anchor->unix_ms, 8);
    buf[24] = anchor->quality;
    return RECORD_ANCHOR_BYTES;
}

static void anchor_get(const uint8_t *p, struct spool_anchor *ret_anchor) {
    *ret_anchor = (struct spool_anchor){
        .boot_id = record_get(p, 8),
        .boot_ms = (int64_t)record_get(p + 8, 8),
        .unix_ms = (int64_t)record_get(p + 16, 8),
        .quality = p[24],
    };
}

int record_get_anchor(const struct record *record, struct spool_anchor *ret_anchor) {
    if (record->type != RECORD_ANCHOR || record->len < RECORD_ANCHOR_BYTES)
        return ERR_BADMSG;
    anchor_get(record->payload, ret_anchor);
    return 0;
}

enum { SEGMENT_CRC_AT = RECORD_SEGMENT_HEADER - 4 };

void record_put_segment(uint8_t buf[RECORD_SEGMENT_HEADER], const struct record_segment *segment) {
    const struct spool_mark *mark = &segment->mark;
    memset(buf, 0, RECORD_SEGMENT_HEADER);
    record_put(buf, SEGMENT_MAGIC, 4);
    record_put(buf + 4, SEGMENT_VERSION, 2);
    buf[6] = (uint8_t)segment->cls;
    buf[7] = mark->has_previous;
    record_put(buf + 8, segment->segment_bytes, 4);
    record_put(buf + 16, segment->boot_id, 8);
    record_put(buf + 24, segment->spool_id, 8);
    record_put(buf + 32, mark->number, 8);
    record_put(buf + 40, mark->accepted, 8);
    record_put(buf + 48, mark->sealed, 8);
    record_put(buf + 56, mark->next_seq, 8);
    memcpy(buf + 64, mark->previous, WIRE_HASH_BYTES);
    (void)record_put_anchor(buf + 80, &segment->anchor);
    record_put(buf + SEGMENT_CRC_AT, crc32c(0, buf, SEGMENT_CRC_AT), 4);
}

int record_get_segment(const uint8_t buf[RECORD_SEGMENT_HEADER],
                       struct record_segment *ret_segment) {
    if (record_get(buf, 4) != SEGMENT_MAGIC || buf[6] >= CLASS_COUNT ||
        record_get(buf + SEGMENT_CRC_AT, 4) != crc32c(0, buf, SEGMENT_CRC_AT))
        return ERR_BADMSG;
    if (record_get(buf + 4, 2) != SEGMENT_VERSION)
        return ERR_VERSION;
    struct record_segment segment = {
        .cls = buf[6],
        .segment_bytes = (uint32_t)record_get(buf + 8, 4),
        .boot_id = record_get(buf + 16, 8),
        .spool_id = record_get(buf + 24, 8),
        .mark = {.number = record_get(buf + 32, 8),
                 .accepted = record_get(buf + 40, 8),
                 .sealed = record_get(buf + 48, 8),
                 .next_seq = record_get(buf + 56, 8),
                 .has_previous = buf[7] != 0},
    };
    memcpy(segment.mark.previous, buf + 64, WIRE_HASH_BYTES);
    anchor_get(buf + 80, &segment.anchor);
    *ret_segment = segment;
    return 0;
}
