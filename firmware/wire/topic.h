/* topic: MQTT topic names and the collector's acknowledgement.
 *
 *   mw/1/<device>/a|e|t    device -> collector: a batch of class alarm, event, telemetry (QoS 1)
 *   mw/1/<device>/status   device -> collector: retained "online" or, as last will, "offline"
 *   mw/1/<device>/ack      collector -> device: a signed Acknowledgement (QoS 1)
 *
 * Guarded by tests/wire/topic_test.c.  Memory: the caller's.  Threads: any. */
#ifndef MOORWATCH_TOPIC_H
#define MOORWATCH_TOPIC_H

#include "batch.h"

enum { TOPIC_MAX = 64, ACK_ALSO_MAX = 32, ACK_PAYLOAD_MAX = 512 };

enum topic_kind { TOPIC_BATCH, TOPIC_STATUS, TOPIC_ACK };

/* A device's name is 1..WIRE_DEVICE_MAX of a-z 0-9 and '-', beginning with a letter. */
bool topic_device_valid(const char *device);

/* Writes the topic, terminated.  Returns its length; ERR_INVAL for a name that is not valid. */
MUST int topic_batch(char *buf, size_t cap, const char *device, enum event_class cls);
MUST int topic_status(char *buf, size_t cap, const char *device);
MUST int topic_ack(char *buf, size_t cap, const char *device);

/* What the collector subscribes to. */
#define TOPIC_ALL_BATCHES "mw/1/+/+"

struct topic {
    enum topic_kind kind;
    enum event_class cls; /* TOPIC_BATCH */
    char device[WIRE_DEVICE_MAX + 1];
};

/* ERR_BADMSG if it is none of ours. */
MUST int topic_parse(const char *name, size_t len, struct topic *ret_topic);

/* The collector has committed every batch up to and including `upto` of this spool and class, as
 * far as they were not declared lost by a gap, and those in `also` beyond it. */
struct ack {
    uint64_t spool_id;
    enum event_class cls;
    bool has_upto;
    uint64_t upto;
    size_t also_count;
    uint64_t also[ACK_ALSO_MAX];
};

/* True if the acknowledgement says that batch `seq` of its spool and class is committed. */
bool ack_covers(const struct ack *ack, uint64_t seq);

/* Signed by the collector and bound to the device's name.  Returns the payload's length. */
MUST int ack_encode(const struct ack *ack, const char *device, const struct seal_signer *signer,
                    uint8_t *payload, size_t cap);
/* ERR_KEY (forged, or for another device), ERR_BADMSG. */
MUST int ack_decode(const uint8_t *payload, size_t len, const char *device,
                    const struct seal_key *key, struct ack *ret_ack);

#endif
