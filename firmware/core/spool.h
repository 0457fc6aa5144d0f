/* spool: the device's durable queue of one class, on a disk that loses power.
 *
 * One log of records in pre-zeroed segment files.  An EVENT record is the journal: something that
 * happened and has not been sealed yet.  A BATCH record holds the bytes of one payload, sealed, and
 * by its arrival consumes the events before it.  Acknowledged batches free their segments.
 * On disk: firmware/core/SPOOL.md.
 *
 * Promises (tests/sim/power_test.c cuts the power at every disk operation, twice over):
 *   - what was appended before a spool_sync that returned 0 survives any power cut and reads back
 *     byte for byte until it is acknowledged or reported dropped;
 *   - a batch number that was durable names one payload for ever; (spool_id, seq) is never reused;
 *   - a damaged record costs that record, never the start: it is counted and passed over;
 *   - the disk use is bounded by quota_bytes (+ one segment): when full, the oldest whole segment
 *     is dropped, and the drop is told by spool_dropped until it has been reported, also after a
 *     power cut.
 * Memory: the struct (about 240 KiB), no heap.  Threads: the loop's.  Time: given, only stored. */
#ifndef MOORWATCH_SPOOL_H
#define MOORWATCH_SPOOL_H

#include "batch.h"
#include "disk.h"
#include "topic.h"

enum {
    SPOOL_SEGMENTS_MAX = 512,
    SPOOL_SEGMENT_BYTES_MIN = 2048,
    SPOOL_SEGMENT_BYTES_MAX = 1 << 20,
    SPOOL_BAD_KEPT = 4, /* segments set aside, per class */
    SPOOL_RECORD_MAX = WIRE_PAYLOAD_MAX + 128,
};

struct spool_conf {
    enum event_class cls;   /* names the files; several classes share one disk */
    uint32_t segment_bytes; /* 64 KiB (alarm, telemetry) or 256 KiB (event), a multiple of 512 */
    int64_t quota_bytes;    /* two segments at least */
};

/* What had to be dropped since the last report. */
struct spool_drop {
    uint64_t spool_id; /* whose batches */
    uint64_t from_seq,
        to_seq; /* batches that will never come; from = to + 1: only unsealed events */
    uint32_t events;
    enum gap_reason reason;
};

/* Where a record stands, for the spool itself. */
struct spool_pos {
    uint64_t segment; /* number of its first record */
    uint32_t offset;
};

/* A sealed batch that is not acknowledged yet. */
struct spool_pending {
    uint64_t seq;      /* batch number */
    uint64_t spool_id; /* of the payload: an older identity may still wait */
    uint32_t len;
    uint32_t events;
    struct spool_pos at;
    uint64_t number; /* of the record */
};

/* The wall clock of one boot, as far as it was known. */
struct spool_anchor {
    uint64_t boot_id;
    int64_t boot_ms, unix_ms;
    uint8_t quality; /* enum clock_quality */
};

/* For people and for `moorwatch verify`. */
struct spool_stats {
    uint64_t spool_id;
    uint64_t next_seq;       /* of that identity */
    uint64_t acked_seq;      /* batches of that identity below this one are acknowledged */
    uint64_t accepted;       /* events journalled in the life of the directory, durable or held */
    uint64_t dropped;        /* of these, dropped for want of room or lost to damage */
    uint64_t refused;        /* beside these, since the open: neither disk nor memory took them */
    uint32_t unsealed;       /* events */
    uint32_t unacked;        /* batches */
    uint32_t unacked_events; /* events in them */
    uint32_t segments, set_aside;
    uint32_t records_lost;   /* damaged records met by this open */
    uint32_t storage_errors; /* failed disk operations since this open */
    int64_t bytes;           /* on disk, without what was set aside */
};

struct spool; /* visible, caller-owned; look, don't touch */

#include "spool_state.h"

/* Opens or makes the queue.  `fresh_id` is a random number, not 0, that becomes the spool_id if
 * none can be continued safely; `boot_id` is stamped on the events appended from now on.  Never
 * refuses to start for damage: unreadable segments are set aside (kept: SPOOL_BAD_KEPT) and
 * counted.  Makes no segment: the first sync does.  ERR_INVAL (conf), ERR_IO, ERR_NOSPACE,
 * ERR_READONLY from the disk. */
MUST int spool_open(struct spool *s, const struct disk *disk, const struct spool_conf *conf,
                    uint64_t boot_id, uint64_t fresh_id);
/* Opens for looking only: nothing is written, its owner may be at work meanwhile.  Everything that
 * changes the spool returns ERR_READONLY. ERR_NOENT if this class has no segment here. */
MUST int spool_inspect(struct spool *s, const struct disk *disk, enum event_class cls);
/* Saves the cursor as far as the disk allows; unsynced records are lost.  A zeroed struct is fine.
 */
void spool_close(struct spool *s);

/* Journals one event.  Volatile until spool_sync.  A disk that fails is told by the sync: the
 * record is held in memory till then.  ERR_OVERFLOW (too much is held and the disk will not take
 * it: the queue is unchanged, the event is told as dropped). */
MUST int spool_append_event(struct spool *s, const struct event *event);
/* The unsealed events, oldest boot first, of one boot only: up to cap; *ret_boot_id names it. */
MUST int spool_events(struct spool *s, struct event *events, size_t cap, uint64_t *ret_boot_id);
/* Stores a sealed batch numbered spool_next_seq(s), consuming the `events` oldest unsealed events.
 * ERR_STALE: to make room some of them had to be dropped: ask spool_events again.
 * ERR_OVERFLOW: larger than a segment, or no room in memory; ERR_INVAL: more events than there are;
 * ERR_IO, ERR_NOSPACE: an earlier batch is not durable yet and cannot be made so. */
MUST int spool_append_batch(struct spool *s, const uint8_t *payload, size_t len, uint32_t events);
/* Remembers the wall clock of a boot for events that are sealed after a restart.  As an event. */
MUST int spool_append_anchor(struct spool *s, const struct spool_anchor *anchor);
/* Makes everything appended durable.  After an error nothing since the last good sync may be
 * assumed; the records are still held and the next sync writes them again. */
MUST int spool_sync(struct spool *s);

uint64_t spool_id(const struct spool *s);
uint64_t spool_next_seq(const struct spool *s);
/* Hash of the newest payload of this identity; false if there is none yet. */
bool spool_previous(const struct spool *s, uint8_t ret_hash[WIRE_HASH_BYTES]);
uint32_t spool_unsealed(const struct spool *s);
uint32_t spool_unacked(const struct spool *s);
/* True if everything appended is durable. */
bool spool_durable(const struct spool *s);
/* The best anchor known for a boot; false if none is. */
bool spool_anchor(const struct spool *s, uint64_t boot_id, struct spool_anchor *ret_anchor);
void spool_stats(const struct spool *s, struct spool_stats *ret_stats);

/* The first durable, unacknowledged batch that stands after `after` in the log (NULL: from the
 * start).  ERR_NOENT if there is none. */
MUST int spool_next_batch(struct spool *s, const struct spool_pending *after,
                          struct spool_pending *ret_pending);
/* Its bytes.  Returns the length. ERR_STALE if it is no longer there; ERR_BADMSG if it has been
 * damaged since (it is given up and told by spool_dropped); ERR_IO; ERR_OVERFLOW (cap). */
MUST int spool_read_batch(struct spool *s, const struct spool_pending *which, uint8_t *payload,
                          size_t cap);
/* Applies an acknowledgement: returns how many batches it freed.  Lagging on disk by design: a lost
 * cursor only causes duplicates.  ERR_RANGE: it acknowledges numbers that were never given (a
 * restored copy of a card?): nothing was freed. */
MUST int spool_ack(struct spool *s, const struct ack *ack);
/* Makes the acknowledgements so far durable (spool_ack does it itself every 50 batches and before
 * a segment is freed). */
MUST int spool_save(struct spool *s);
/* 1 and the drop, if something was dropped that has not been reported; 0 if not. */
int spool_dropped(const struct spool *s, struct spool_drop *ret_drop);
/* The drop has been journalled as a gap event: forget it (a later, larger one is kept). */
void spool_drop_reported(struct spool *s, const struct spool_drop *drop);

#endif
