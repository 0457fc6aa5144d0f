/* ingest: a message from a broker -> the record, its rows, an acknowledgement, an alert.
 *
 *   topic -> device registered and not revoked? -> envelope -> header names the topic's device and
 *   class -> signature -> known already? -> bounded inflate and decode -> ranges -> one
 *   transaction for all messages at hand -> commit -> acknowledge -> tell the listeners
 *
 * Promises (tests/collector/ingest_test.c):
 *   - nothing is acknowledged that is not committed; duplicates are acknowledged again;
 *   - every message that is refused is counted and kept (bounded), with its reason;
 *   - nothing in a payload is believed before its signature was verified, and nothing of a device
 *     that is not registered or is revoked is stored;
 *   - if the store fails, nothing of the group is stored, acknowledged or told: the same group may
 *     be handed over again;
 *   - a broken hash chain is a finding, not a refusal.
 * Memory: about 200 kB taken by ingest_open and one parsed key per device.  Threads: one.
 * Time: given with each message. */
#ifndef MOORWATCH_INGEST_H
#define MOORWATCH_INGEST_H

#include "alerts.h"
#include "fleet.h"
#include "seal.h"
#include "store.h"

enum {
    INGEST_GROUP_MAX = 256, /* messages of one transaction */
    INGEST_NOTICES_MAX = 64,
    INGEST_REFUSED_ROWS = 1000,
    INGEST_REFUSED_BYTES = 8 * 1024 * 1024,
};

struct ingest_message {
    const char *topic; /* terminated */
    const uint8_t *payload;
    size_t len;
    int64_t received_ms;
};

enum ingest_outcome {
    INGEST_STORED,
    INGEST_DUPLICATE,
    INGEST_REFUSED,
    INGEST_STATUS,  /* a device came or went */
    INGEST_IGNORED, /* our own acknowledgement, heard back */
};

/* What ingest tells, after the commit only.  Any may be NULL. */
struct ingest_out {
    void *ctx;
    void (*ack)(void *ctx, const char *topic, const uint8_t *payload, size_t len);
    void (*alert)(void *ctx, const struct alerts_notice *notice);
};

struct ingest_counts {
    uint64_t batches, events, passages, duplicates, refused, acks, failures;
};

struct ingest_conf {
    int64_t late_ms;
    size_t refused_rows, refused_bytes;
};
/* What a collector uses. */
extern const struct ingest_conf INGEST_DEFAULTS;

struct ingest {
    const struct store *store;
    const struct seal_signer *signer;
    struct ingest_conf conf;
    struct ingest_out out;
    struct ingest_counts counts; /* since the start; look, don't touch */
    struct fleet fleet;
    struct ingest_group *group;
};

/* The store, the signer and what `out` points to must live until ingest_close. */
MUST int ingest_open(struct ingest *ingest, const struct store *store,
                     const struct seal_signer *signer, const struct ingest_conf *conf,
                     const struct ingest_out *out);
void ingest_close(struct ingest *ingest);

/* One transaction for all; count <= INGEST_GROUP_MAX.  ret_outcomes may be NULL.
 * 0, or the store's error and nothing has happened. */
MUST int ingest_messages(struct ingest *ingest, const struct ingest_message *messages, size_t count,
                         enum ingest_outcome *ret_outcomes);

#endif
