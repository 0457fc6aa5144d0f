/* derive: from a verified batch to the rows that can be asked for.
 *
 * Runs inside the caller's transaction; reads and writes through the store seam only.
 *
 * Promises (tests/collector/derive_test.c):
 *   - derive_rebuild, from the batches alone, gives the same passages, hours, sessions, lock
 *     events, heartbeats, awake time, gaps and faults as the incremental way gave, in whatever
 *     order anchors and sessions came (a property test compares them);
 *   - of the anchors of one boot the best counts for all of its events (of equal quality the
 *     first): a better one corrects what was stored, the hours and the awake time with it;
 *   - a passage belongs to the session that was running, else to the device's own site; a session
 *     that is told later than its passages takes them over;
 *   - an hour of a device without heartbeats is unknown, never zero: a heartbeat proves the device
 *     awake back to the one before, at most one promised period.
 * Memory: a few kilobytes on the stack.  Threads: the store's.  Time: given. */
#ifndef MOORWATCH_DERIVE_H
#define MOORWATCH_DERIVE_H

#include "alerts.h"
#include "store.h"

struct derive_source {
    const struct batch_header *header;
    const struct store_device *device;
    int64_t batch; /* row id */
    int64_t received_ms;
    bool rebuilding; /* no findings, no signals: they were told the first time */
};

/* Writes the derived rows of one batch.  Calls signal(arg, ...) for each event that may concern an
 * alert, in order; a negative return ends it.  0 or the store's error. */
MUST int derive_batch(const struct store *store, const struct derive_source *source,
                      const struct event *events, size_t count,
                      int (*signal)(void *arg, const struct alerts_signal *signal), void *arg);

/* Forgets every derived row and makes it anew from the batches, in one transaction.  Batches whose
 * device is no longer registered keep their rows (site from their sessions only).
 * Returns how many batches were read. */
MUST int derive_rebuild(const struct store *store);

/* The part of [from_ms, to_ms) that a heartbeat at `t_ms` proves awake, in the boot's time.
 * `before` NULL: the first of its boot.  Pure. */
void derive_awake_span(const struct store_health *before, int64_t t_ms,
                       const struct event_health *health, int64_t *ret_from, int64_t *ret_to);

#endif
