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
 * is dropped, and the drop is told by spool_dropped until it has been reported. Memory: the struct,
 * no heap.  Threads: the loop's.  Time: given, only stored. */
#ifndef MOORWATCH_SPOOL_H
#define MOORWATCH_SPOOL_H

#include "batch.h"
#include "disk.h"
#include "topic.h"

enum {
    SPOOL_SEGMENTS_MAX = 512,
    SPOOL_RECORD_MAX = WIRE_PAYLOAD_MAX + 64,
};

struct spool_conf {
    enum event_class cls;   /* names the files; several classes share one disk */
    uint32_t segment_bytes; /* 64 KiB (alarm, telemetry) or 256 KiB (event); >= 2 payloads */
    int64_t quota_bytes;
};

/* What had to be dropped since the last report. */
struct spool_drop {
    uint64_t from_seq, to_seq; /* batches that will never come; from > to: only unsealed events */
    uint32_t events;
    enum gap_reason reason;
};

struct spool; /* defined below its users' view: visible, caller-owned, look, don't touch */

/* A journalled event that is not sealed yet, or a sealed batch that is not acknowledged yet. */
struct spool_pending {
    uint64_t seq;      /* batch number */
    uint64_t spool_id; /* of the payload: an older identity may still wait */
    uint32_t len;
    uint32_t events;
};

#include "spool_state.h"

/* Opens or makes the queue.  `fresh_id` is a random number that becomes the spool_id if none can be
 * continued; `boot_id` is stamped on new segments.  Never refuses to start for damage: unreadable
 * segments are set aside (kept: 4) and counted.  ERR_IO, ERR_NOSPACE, ERR_READONLY from the disk.
 */
MUST int spool_open(struct spool *s, const struct disk *disk, const struct spool_conf *conf,
                    uint64_t boot_id, uint64_t fresh_id);
void spool_close(struct spool *s);

/* Journals one event.  Volatile until spool_sync.  ERR_NOSPACE (nothing more can be dropped),
 * ERR_IO (queue unchanged). */
MUST int spool_append_event(struct spool *s, const struct event *event);
/* The unsealed events, oldest boot first, of one boot only: up to cap; *ret_boot_id names it. */
MUST int spool_events(struct spool *s, struct event *events, size_t cap, uint64_t *ret_boot_id);
/* Stores a sealed batch numbered spool_next_seq(s), consuming the `events` oldest unsealed events.
 */
MUST int spool_append_batch(struct spool *s, const uint8_t *payload, size_t len, uint32_t events);
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

/* The first durable, unacknowledged batch that stands after `after` in the log (NULL: from the
 * start).  ERR_NOENT if there is none. */
MUST int spool_next_batch(struct spool *s, const struct spool_pending *after,
                          struct spool_pending *ret_pending);
/* Its bytes.  Returns the length. ERR_STALE if it is no longer there. */
MUST int spool_read_batch(struct spool *s, const struct spool_pending *which, uint8_t *payload,
                          size_t cap);
/* Applies an acknowledgement: returns how many batches it freed.  Lagging on disk by design: a lost
 * cursor only causes duplicates. */
MUST int spool_ack(struct spool *s, const struct ack *ack);
/* 1 and the drop, if something was dropped that has not been reported; 0 if not. */
int spool_dropped(const struct spool *s, struct spool_drop *ret_drop);
/* The drop has been journalled as a gap event: forget it. */
void spool_drop_reported(struct spool *s, const struct spool_drop *drop);

#endif
