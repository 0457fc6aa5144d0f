/* sender: from the spools to the broker and back: the flow control of the whole system.
 *
 * Closes batches by size and age, alarms at once; publishes alarms before events before telemetry,
 * fresh or backlog alike in order; keeps at most `window` batches unacknowledged by the collector,
 * and alarms have a window of their own, so that a window full of backlog never delays one; backs
 * off with jitter when the link fails; sends again what was not acknowledged after `resend_ns`.
 * Only what is durable leaves.  The collector's acknowledgement, verified, frees the spool; a
 * PUBACK frees nothing.  While the link is down a batch closes by size only: what waits anyway is
 * packed better later.
 *
 * Promises (tests/core/sender_test.c, tests/sim/fleet_sim.c): the law above, whatever the link
 * does; after a reconnect every unacknowledged batch is sent again, alarms first; what a spool had
 * to drop is told as a gap event in the alarm class.
 * Decisions are pure: sender_step says what to do next and does it through the seams it is given.
 * Memory: the struct (one payload buffer, 1,024 events), no heap but OpenSSL's and zlib's within
 * batch_encode.  Threads: the loop's.  Time, randomness: given. */
#ifndef MOORWATCH_SENDER_H
#define MOORWATCH_SENDER_H

#include "clock.h"
#include "spool.h"
#include "topic.h"
#include "uplink.h"

struct sender_class_conf {
    uint32_t max_events;  /* a batch closes at so many, at most WIRE_EVENTS_MAX */
    int64_t max_age_ns;   /* or when its oldest event is so old; 0: at once */
    uint32_t sync_events; /* durable at so many unsynced events */
    int64_t sync_age_ns;  /* or so old; 0: at once, before anything else */
};

struct sender_conf {
    char device[WIRE_DEVICE_MAX + 1];
    struct sender_class_conf classes[CLASS_COUNT];
    unsigned window;   /* batches unacknowledged: 4; as many alarms again; at most 16 */
    int64_t resend_ns; /* no acknowledgement for so long: publish again */
    int64_t backoff_min_ns, backoff_max_ns;
};

extern const struct sender_conf SENDER_DEFAULTS;

#include "sender_state.h"

/* The spools are open and stay the caller's (NULL: a class that this device does not have, never
 * the alarm's); signer and collector_key likewise. */
void sender_init(struct sender *s, const struct sender_conf *conf,
                 struct spool *const spools[CLASS_COUNT], const struct seal_signer *signer,
                 const struct seal_key *collector_key, uint64_t boot_id, uint64_t random_seed);

/* Accepts an event into the spool of its class.  0; or 1: accepted, but the disk failed, and it is
 * held in memory until it succeeds.  An alarm is durable on a return of 0.  ERR_INVAL (not a valid
 * event), ERR_NODEV (no such spool), ERR_OVERFLOW (neither disk nor memory has room; it will be
 * told as a gap). */
MUST int sender_accept(struct sender *s, const struct event *event, int64_t now_ns);

/* The clock anchor that goes into the headers of batches sealed from now on, and of those sealed
 * later from events of this boot.  boot_ms: the boot clock at anchor->unix_ms. */
void sender_anchor(struct sender *s, const struct event_anchor *anchor, int64_t boot_ms);

/* Does everything that is due: syncs, reports drops, seals, connects, publishes.  Returns 0 or the
 * last disk error (counted; a later step tries again).  *ret_next_ns, written always: call again by
 * then. */
MUST int sender_step(struct sender *s, struct uplink *link, int64_t now_ns, int64_t *ret_next_ns);

/* What the link had to say. */
void sender_heard(struct sender *s, const struct uplink_event *event, int64_t now_ns);

/* Seals and syncs what is open: the daemon stops. */
MUST int sender_finish(struct sender *s, int64_t now_ns);

/* True while some spool cannot make its events durable: the local lamp may say so. */
bool sender_storage_fault(const struct sender *s);

#endif
