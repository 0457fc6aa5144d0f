#include "envelope.h"
#include "moorwatch.pb.h"
#include "span.h"
#include <assert.h>
#include <pb_encode.h>
#include <string.h>

/* Field 15, length-delimited, 64 bytes: the same in Envelope and in Acknowledgement. */
enum { SIGNATURE_FIELD = 15 };
static const uint8_t SIGNATURE_HEAD[] = {SIGNATURE_FIELD << 3 | PB_WT_STRING, SEAL_BYTES};
static_assert(moorwatch_Envelope_signature_tag == SIGNATURE_FIELD, "its last field");
static_assert(moorwatch_Acknowledgement_signature_tag == SIGNATURE_FIELD, "its last field");
static_assert(sizeof SIGNATURE_HEAD + SEAL_BYTES == WIRE_SIGNED_TAIL, "the tail is the signature");
static_assert(moorwatch_Header_size + 3 + WIRE_BODY_MAX + 4 + WIRE_SIGNED_TAIL <= WIRE_PAYLOAD_MAX,
              "the largest payload is within its bound");
static_assert(sizeof((moorwatch_Header){0}.device) == WIRE_DEVICE_MAX + 1, "device's bound");
static_assert(sizeof((moorwatch_Header){0}.previous.bytes) == WIRE_HASH_BYTES, "hash's bound");

bool envelope_sealed(const uint8_t *payload, size_t len) {
    return len > WIRE_SIGNED_TAIL &&
           memcmp(payload + len - WIRE_SIGNED_TAIL, SIGNATURE_HEAD, sizeof SIGNATURE_HEAD) == 0;
}

int envelope_seal(uint8_t *payload, size_t used, size_t cap, const struct seal_signer *signer) {
    if (cap < WIRE_SIGNED_TAIL || used > cap - WIRE_SIGNED_TAIL)
        return ERR_OVERFLOW;
    uint8_t signature[SEAL_BYTES];
    int e = seal_sign(signer, payload, used, signature);
    if (e < 0)
        return e;
    memcpy(payload + used, SIGNATURE_HEAD, sizeof SIGNATURE_HEAD);
    memcpy(payload + used + sizeof SIGNATURE_HEAD, signature, SEAL_BYTES);
    return (int)(used + WIRE_SIGNED_TAIL);
}

static moorwatch_Header message_of(const struct batch_header *h) {
    moorwatch_Header m = {
        .schema = h->schema,
        .spool_id = h->spool_id,
        .class = (uint32_t)h->cls,
        .seq = h->seq,
        .boot_id = h->boot_id,
        .anchor_boot_ms = h->anchor_boot_ms,
        .anchor_unix_ms = h->anchor_unix_ms,
        .anchor_quality = h->anchor_quality,
        .codec = h->codec,
        .body_size = h->body_size,
        .events = h->events,
    };
    memcpy(m.device, h->device, sizeof m.device);
    m.previous.size = h->has_previous ? WIRE_HASH_BYTES : 0;
    memcpy(m.previous.bytes, h->previous, WIRE_HASH_BYTES);
    return m;
}

int envelope_write(const struct batch_view *view, const struct seal_signer *signer,
                   uint8_t *payload, size_t cap) {
    uint8_t header[moorwatch_Header_size];
    moorwatch_Header message = message_of(&view->header);
    pb_ostream_t inner = pb_ostream_from_buffer(header, sizeof header);
    bool ok = pb_encode(&inner, moorwatch_Header_fields, &message);
    assert(ok);
    struct span head = {header, inner.bytes_written, true};
    struct span body = {view->body, view->body_len, true};
    moorwatch_Envelope envelope = {.header = span_write(&head), .body = span_write(&body)};
    pb_ostream_t outer = pb_ostream_from_buffer(payload, cap);
    if (!pb_encode(&outer, moorwatch_Envelope_fields, &envelope))
        return ERR_OVERFLOW;
    return envelope_seal(payload, outer.bytes_written, cap, signer);
}

static int read_header(const struct span *span, struct batch_header *ret_header) {
    moorwatch_Header m = moorwatch_Header_init_zero;
    const uint8_t *cursor = span->at;
    pb_istream_t stream = span_stream(&cursor, span->len);
    if (!pb_decode(&stream, moorwatch_Header_fields, &m))
        return ERR_BADMSG;
    bool has_previous = m.previous.size != 0;
    if ((has_previous && m.previous.size != WIRE_HASH_BYTES) || m.anchor_quality > UINT8_MAX)
        return ERR_BADMSG;
    struct batch_header h = {
        .schema = m.schema,
        .spool_id = m.spool_id,
        .cls = m.class < CLASS_COUNT ? (enum event_class)m.class : CLASS_COUNT,
        .seq = m.seq,
        .boot_id = m.boot_id,
        .anchor_boot_ms = m.anchor_boot_ms,
        .anchor_unix_ms = m.anchor_unix_ms,
        .anchor_quality = (uint8_t)m.anchor_quality,
        .has_previous = has_previous,
        .codec = m.codec,
        .body_size = m.body_size,
        .events = m.events,
    };
    memcpy(h.device, m.device, sizeof h.device);
    if (has_previous)
        memcpy(h.previous, m.previous.bytes, WIRE_HASH_BYTES);
    *ret_header = h;
    return 0;
}

int envelope_read(const uint8_t *payload, size_t len, struct batch_view *ret_view) {
    if (!envelope_sealed(payload, len))
        return ERR_BADMSG;
    struct span header = {0}, body = {0}, signature = {0};
    moorwatch_Envelope envelope = {span_note(&header), span_note(&body), span_note(&signature)};
    const uint8_t *cursor = payload;
    pb_istream_t stream = span_stream(&cursor, len);
    if (!pb_decode(&stream, moorwatch_Envelope_fields, &envelope) || !header.seen || !body.seen ||
        !signature.seen || signature.at != payload + len - SEAL_BYTES)
        return ERR_BADMSG;
    struct batch_view view = {.body = body.at, .body_len = body.len};
    int e = read_header(&header, &view.header);
    if (e == 0)
        *ret_view = view;
    return e;
}
