#include "field.h"
#include "clock.h"
#include "envelope.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void field_device(struct field_device *d, const struct store *store, const char *id,
                  enum device_kind kind) {
    *d = (struct field_device){.boot_id = 77,
                               .spool_id = {11, 22, UINT64_C(0x8000000000000033)},
                               .anchor_boot_ms = 1000000,
                               .anchor_unix_ms = FIELD_NOW,
                               .quality = CLOCK_NTP};
    snprintf(d->id, sizeof d->id, "%s", id);
    assert_int_equal(seal_signer_make(&d->signer), 0);
    struct store_device row = {.kind = kind, .period_s = 60};
    snprintf(row.id, sizeof row.id, "%s", id);
    snprintf(row.name, sizeof row.name, "Device %s", id);
    if (kind == DEVICE_SPEEDWATCH)
        snprintf(row.site, sizeof row.site, "site-1");
    assert_int_equal(seal_signer_public(&d->signer, row.key), 0);
    assert_int_equal(store->device_put(store->ctx, &row, FIELD_NOW), 0);
}

void field_free(struct field_device *d) {
    seal_signer_free(&d->signer);
}

static struct batch_header next_header(struct field_device *d, enum event_class cls) {
    struct batch_header h = {.schema = WIRE_SCHEMA,
                             .spool_id = d->spool_id[cls],
                             .cls = cls,
                             .seq = d->seq[cls],
                             .boot_id = d->boot_id,
                             .anchor_boot_ms = d->anchor_boot_ms,
                             .anchor_unix_ms = d->anchor_unix_ms,
                             .anchor_quality = d->quality,
                             .has_previous = d->seq[cls] > 0};
    memcpy(h.device, d->id, sizeof h.device);
    if (h.has_previous)
        memcpy(h.previous, d->previous[cls], sizeof h.previous);
    return h;
}

void field_send(struct field_device *d, enum event_class cls, const struct event *events,
                size_t count, struct field_batch *b) {
    b->header = next_header(d, cls);
    int len = batch_encode(&b->header, events, count, &d->signer, b->payload, sizeof b->payload);
    assert_true(len > 0);
    b->len = (size_t)len;
    assert_true(topic_batch(b->topic, sizeof b->topic, d->id, cls) > 0);
    batch_hash(b->payload, b->len, d->previous[cls]);
    d->seq[cls]++;
}

void field_lie(struct field_device *d, const struct batch_header *header, const uint8_t *body,
               size_t len, struct field_batch *b) {
    struct batch_view view = {.header = *header, .body = body, .body_len = len};
    b->header = *header;
    int r = envelope_write(&view, &d->signer, b->payload, sizeof b->payload);
    assert_true(r > 0);
    b->len = (size_t)r;
    assert_true(topic_batch(b->topic, sizeof b->topic, d->id, header->cls) > 0);
}

struct event field_passage(int64_t t_ms, uint16_t speed_mph10) {
    return (struct event){.kind = EVENT_PASSAGE,
                          .t_ms = t_ms,
                          .passage = {.direction = DIRECTION_OUT,
                                      .speed_mph10 = speed_mph10,
                                      .duration_ms = 1500,
                                      .magnitude_db = 40,
                                      .quality = QUALITY_A}};
}

struct event field_lock(int64_t t_ms, uint8_t lock, uint8_t what) {
    return (struct event){.kind = EVENT_LOCK, .t_ms = t_ms, .lock = {.lock = lock, .what = what}};
}
