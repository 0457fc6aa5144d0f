#include "batch.h"
#include "body.h"
#include "envelope.h"
#include "pack.h"
#include "topic.h"
#include <string.h>

enum codec { CODEC_PLAIN = 0, CODEC_DEFLATE_1 = 1 };

static bool header_valid(const struct batch_header *h) {
    return topic_device_valid(h->device) && (unsigned)h->cls < CLASS_COUNT && h->seq <= INT64_MAX &&
           h->anchor_boot_ms >= 0 && h->anchor_boot_ms <= EVENT_TIME_MAX &&
           h->anchor_unix_ms >= 0 && h->anchor_unix_ms <= EVENT_UNIX_MAX &&
           h->anchor_quality <= 3 && h->events >= 1;
}

static bool events_valid(const struct event *events, size_t count, enum event_class cls) {
    for (size_t i = 0; i < count; i++)
        if (!event_valid(&events[i]) || event_class_of((enum event_kind)events[i].kind) != cls)
            return false;
    return true;
}

int batch_encode(const struct batch_header *header, const struct event *events, size_t count,
                 const struct seal_signer *signer, uint8_t *payload, size_t cap) {
    struct batch_header h = *header;
    if (count > WIRE_EVENTS_MAX)
        return ERR_OVERFLOW;
    h.schema = WIRE_SCHEMA;
    h.events = (uint32_t)count;
    if (!header_valid(&h) || !events_valid(events, count, h.cls))
        return ERR_INVAL;
    uint8_t plain[WIRE_BODY_MAX], packed[WIRE_BODY_MAX];
    int plain_len = body_encode(events, count, plain, sizeof plain);
    if (plain_len < 0)
        return plain_len;
    int packed_len = pack_deflate(plain, (size_t)plain_len, packed, (size_t)plain_len);
    bool smaller = packed_len >= 0 && packed_len < plain_len;
    h.codec = smaller ? CODEC_DEFLATE_1 : CODEC_PLAIN;
    h.body_size = (uint32_t)plain_len;
    struct batch_view view = {h, smaller ? packed : plain,
                              (size_t)(smaller ? packed_len : plain_len)};
    return envelope_write(&view, signer, payload, cap);
}

int batch_peek(const uint8_t *payload, size_t len, struct batch_view *ret_view) {
    if (len > WIRE_PAYLOAD_MAX)
        return ERR_OVERFLOW;
    struct batch_view view;
    int e = envelope_read(payload, len, &view);
    if (e < 0)
        return e;
    if (view.header.schema != WIRE_SCHEMA)
        return ERR_VERSION;
    if (!header_valid(&view.header))
        return ERR_BADMSG;
    *ret_view = view;
    return 0;
}

int batch_verify(const uint8_t *payload, size_t len, const struct seal_key *key) {
    if (!envelope_sealed(payload, len))
        return ERR_KEY;
    return seal_verify(key, payload, len - WIRE_SIGNED_TAIL, payload + len - SEAL_BYTES);
}

int batch_decode(const struct batch_view *view, struct event *events, size_t cap) {
    const struct batch_header *h = &view->header;
    if (h->body_size > WIRE_BODY_MAX || h->events > WIRE_EVENTS_MAX || h->events > cap)
        return ERR_OVERFLOW;
    uint8_t plain[WIRE_BODY_MAX];
    const uint8_t *body = view->body;
    if (h->codec == CODEC_DEFLATE_1) {
        int e = pack_inflate(view->body, view->body_len, plain, h->body_size);
        if (e < 0)
            return e;
        body = plain;
    } else if (h->codec != CODEC_PLAIN) {
        return ERR_VERSION;
    } else if (view->body_len != h->body_size) {
        return ERR_BADMSG;
    }
    return body_decode(body, h->body_size, h->cls, h->events, events);
}

void batch_hash(const uint8_t *payload, size_t len, uint8_t ret_hash[WIRE_HASH_BYTES]) {
    uint8_t hash[SEAL_HASH_BYTES];
    seal_hash(payload, len, hash);
    memcpy(ret_hash, hash, WIRE_HASH_BYTES);
}

int64_t batch_event_unix_ms(const struct batch_header *header, int64_t t_ms) {
    return header->anchor_unix_ms + (t_ms - header->anchor_boot_ms);
}
