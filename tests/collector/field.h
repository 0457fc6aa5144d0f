/* field: a device's side of the wire, for the collector's tests. */
#ifndef MOORWATCH_FIELD_H
#define MOORWATCH_FIELD_H

#include "batch.h"
#include "store.h"
#include "topic.h"

#define FIELD_NOW INT64_C(1800000000000)

struct field_device {
    char id[WIRE_DEVICE_MAX + 1];
    struct seal_signer signer;
    uint64_t spool_id[CLASS_COUNT], seq[CLASS_COUNT], boot_id;
    int64_t anchor_boot_ms, anchor_unix_ms;
    uint8_t quality;
    uint8_t previous[CLASS_COUNT][WIRE_HASH_BYTES];
};

/* A payload with its topic. */
struct field_batch {
    char topic[TOPIC_MAX + 1];
    struct batch_header header;
    size_t len;
    uint8_t payload[8192];
};

/* Makes a key and registers the device (site "site-1" for a speedwatch). */
void field_device(struct field_device *d, const struct store *store, const char *id,
                  enum device_kind kind);
void field_free(struct field_device *d);
/* The next batch of the class; the chain goes on. */
void field_send(struct field_device *d, enum event_class cls, const struct event *events,
                size_t count, struct field_batch *ret_batch);
/* The same with a body and header of one's own: to lie with a true signature. */
void field_lie(struct field_device *d, const struct batch_header *header, const uint8_t *body,
               size_t len, struct field_batch *ret_batch);

struct event field_passage(int64_t t_ms, uint16_t speed_mph10);
struct event field_lock(int64_t t_ms, uint8_t lock, uint8_t what);

#endif
