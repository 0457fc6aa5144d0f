/* record: the bytes of a spool's log: frames, the events in them, segment headers.
 *
 * Little endian, whatever the machine.  Layouts: SPOOL.md.  An event's encoding has a version and
 * only ever grows at its end: a shorter one reads as zeros there, the surplus of a longer one is
 * passed over, so that a spool outlives an upgrade and a step back.
 *
 * Promises (tests/core/record_test.c): what was put is got; bytes that no record_seal made are
 * refused but for one in 2^32; no read beyond the length given.
 * Memory: the caller's.  Threads: any. */
#ifndef MOORWATCH_RECORD_H
#define MOORWATCH_RECORD_H

#include "err.h"
#include "event.h"
#include "spool.h"
#include <stddef.h>
#include <stdint.h>

enum record_type { RECORD_EVENT = 1, RECORD_BATCH = 2, RECORD_ANCHOR = 3 };

enum {
    RECORD_HEADER = 24, /* before the payload */
    RECORD_STEP = 8,    /* records begin at multiples of it */
    RECORD_EVENT_MAX = 256,
    RECORD_ANCHOR_BYTES = 25,
    RECORD_BATCH_PREFIX = 56,
    RECORD_SEGMENT_HEADER = 128,
};

struct record {
    uint64_t number; /* counts up by one in the log */
    uint8_t type;    /* enum record_type, or one that this program does not know */
    uint32_t len;
    const uint8_t *payload;
};

/* What stands before the payload in a BATCH record. */
struct record_batch {
    uint64_t from, to; /* ordinals of the events that it consumed: [from, to) */
    uint64_t spool_id, seq;
    uint32_t events;
    uint8_t hash[WIRE_HASH_BYTES]; /* batch_hash of the payload */
};

struct record_event {
    uint64_t ordinal;
    uint64_t boot_id;
};

/* Unsigned little-endian numbers of 1..8 bytes. */
void record_put(uint8_t *at, uint64_t value, unsigned width);
uint64_t record_get(const uint8_t *at, unsigned width);

/* Bytes of a whole record with a payload of len bytes. */
uint32_t record_size(uint32_t len);
/* Frames the payload that stands at buf + RECORD_HEADER.  Returns record_size(len). */
uint32_t record_seal(uint8_t *buf, uint64_t number, enum record_type type, uint32_t len);
/* Reads the record at buf.  Returns its size; 0 where nothing was ever written (a zero length);
 * ERR_BADMSG; ERR_AGAIN: it may be one, of more than `avail` bytes. */
MUST int record_read(const uint8_t *buf, size_t avail, struct record *ret_record);

/* The payloads.  Put returns the bytes written, at most RECORD_EVENT_MAX and RECORD_ANCHOR_BYTES;
 * get returns 0, ERR_BADMSG, ERR_VERSION (an event of a kind or version that is not known). */
uint32_t record_put_event(uint8_t *buf, const struct record_event *about,
                          const struct event *event);
MUST int record_get_event(const struct record *record, struct record_event *ret_about,
                          struct event *ret_event);
void record_put_batch(uint8_t *buf, const struct record_batch *batch);
MUST int record_get_batch(const struct record *record, struct record_batch *ret_batch);
uint32_t record_put_anchor(uint8_t *buf, const struct spool_anchor *anchor);
MUST int record_get_anchor(const struct record *record, struct spool_anchor *ret_anchor);

/* The header of a segment file. */
struct record_segment {
    enum event_class cls;
    uint32_t segment_bytes;
    uint64_t boot_id, spool_id;
    struct spool_mark mark;
    struct spool_anchor anchor; /* the newest known; quality 0: none */
};
void record_put_segment(uint8_t buf[RECORD_SEGMENT_HEADER], const struct record_segment *segment);
/* ERR_BADMSG; ERR_VERSION: a later format. */
MUST int record_get_segment(const uint8_t buf[RECORD_SEGMENT_HEADER],
                            struct record_segment *ret_segment);

#endif
