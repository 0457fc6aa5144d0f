/* batch: events of one class and one boot, to and from the bytes of one MQTT payload.
 *
 * Promises (tests/wire/batch_test.c, tests/vectors/):
 *   - what batch_encode wrote, batch_peek and batch_decode give back, field for field, in order;
 *   - a payload that batch_verify accepts is byte for byte what was signed;
 *   - batch_decode inflates and decodes within WIRE_* bounds whatever the bytes say: untrusted
 *     input costs at most WIRE_BODY_MAX bytes and bounded time, and never crashes;
 *   - a payload is never larger than WIRE_PAYLOAD_MAX (static assertions in batch.c).
 * Memory: the caller's; up to 200 KB of stack (two bodies); zlib and OpenSSL allocate inside pack
 * and seal.  Threads: any, one struct each.  Time: none. */
#ifndef MOORWATCH_BATCH_H
#define MOORWATCH_BATCH_H

#include "err.h"
#include "event.h"
#include "seal.h"
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_SCHEMA = 1,
    WIRE_DEVICE_MAX = 31,     /* characters of a device's name */
    WIRE_EVENTS_MAX = 768,    /* events in one batch */
    WIRE_BODY_MAX = 90112,    /* bytes of a body before compression */
    WIRE_PAYLOAD_MAX = 90624, /* bytes of one MQTT payload */
    WIRE_SIGNED_TAIL = 66,    /* a payload's last bytes: the signature and its field head */
    WIRE_HASH_BYTES = 16,     /* of the previous payload */
};

struct batch_header {
    uint32_t schema;
    char device[WIRE_DEVICE_MAX + 1];
    uint64_t spool_id;
    enum event_class cls;
    uint64_t seq;
    uint64_t boot_id;
    int64_t anchor_boot_ms, anchor_unix_ms;
    uint8_t anchor_quality; /* enum clock_quality */
    uint8_t previous[WIRE_HASH_BYTES];
    bool has_previous;
    uint32_t codec;
    uint32_t body_size; /* bytes, inflated */
    uint32_t events;
};

/* A received payload whose envelope has been read; points into the caller's bytes. */
struct batch_view {
    struct batch_header header;
    const uint8_t *body;
    size_t body_len;
};

/* Encodes and signs.  `header` gives everything but schema, codec, body_size and events, which are
 * set by this call.  All events must be of header->cls and valid, and there must be one
 * (ERR_INVAL). Returns the payload's length, at most WIRE_PAYLOAD_MAX; ERR_OVERFLOW (more than
 * `cap`, or too many events), ERR_KEY (the signer cannot sign). */
MUST int batch_encode(const struct batch_header *header, const struct event *events, size_t count,
                      const struct seal_signer *signer, uint8_t *payload, size_t cap);

/* Reads the envelope and header only: enough to know whose key must verify it.  Nothing in
 * *ret_view is to be believed before batch_verify.  ERR_BADMSG, ERR_OVERFLOW, ERR_VERSION. */
MUST int batch_peek(const uint8_t *payload, size_t len, struct batch_view *ret_view);

/* 0 if the payload was signed by `key`, ERR_KEY if not. */
MUST int batch_verify(const uint8_t *payload, size_t len, const struct seal_key *key);

/* Inflates and decodes a verified view.  Returns the number of events that this reader knows; the
 * rest of header.events carry kinds or codes of a later schema.  ERR_BADMSG, ERR_OVERFLOW (a bomb,
 * or more than `cap` events), ERR_RANGE (a field outside its limits), ERR_VERSION (an unknown
 * codec). */
MUST int batch_decode(const struct batch_view *view, struct event *events, size_t cap);

/* The hash by which the next payload of the class names this one. */
void batch_hash(const uint8_t *payload, size_t len, uint8_t ret_hash[WIRE_HASH_BYTES]);

/* When an event of this header happened: Unix milliseconds by the header's anchor.  Meaningless if
 * anchor_quality is CLOCK_UNKNOWN. */
int64_t batch_event_unix_ms(const struct batch_header *header, int64_t t_ms);

#endif
