#include "derive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rebuild {
    const struct store *store;
    int64_t after;
    struct batch_header header;
    int64_t received_ms;
    size_t len;
    uint8_t payload[WIRE_PAYLOAD_MAX];
    struct event events[WIRE_EVENTS_MAX];
};

static int copy_batch(void *arg, const struct store_batch *row) {
    struct rebuild *r = arg;
    if (row->len > sizeof r->payload)
        return ERR_OVERFLOW;
    r->after = row->id;
    r->header = row->header;
    r->received_ms = row->received_ms;
    r->len = row->len;
    memcpy(r->payload, row->payload, row->len);
    return 0;
}

static int rebuild_one(struct rebuild *b) {
    struct batch_view view;
    struct store_device device = {0};
    int r = b->store->device_get(b->store->ctx, b->header.device, &device);
    if (r < 0 && r != ERR_NOENT)
        return r;
    r = batch_peek(b->payload, b->len, &view);
    if (r < 0)
        return r;
    int count = batch_decode(&view, b->events, WIRE_EVENTS_MAX);
    if (count < 0)
        return count;
    struct derive_source source = {.header = &view.header,
                                   .device = &device,
                                   .batch = b->after,
                                   .received_ms = b->received_ms,
                                   .rebuilding = true};
    return derive_batch(b->store, &source, b->events, (size_t)count, NULL, NULL);
}

static int rebuild_all(struct rebuild *b) {
    int batches = 0;
    int r = b->store->derived_clear(b->store->ctx);
    while (r >= 0) {
        r = b->store->batches(b->store->ctx, b->after, 1, copy_batch, b);
        if (r <= 0)
            break;
        batches++;
        r = rebuild_one(b);
    }
    return r < 0 ? r : batches;
}

int derive_rebuild(const struct store *store) {
    struct rebuild *b = calloc(1, sizeof *b);
    if (b == NULL)
        return ERR_NOMEM;
    b->store = store;
    int batches = store->begin(store->ctx);
    if (batches >= 0)
        batches = rebuild_all(b);
    int r = batches < 0 ? batches : store->commit(store->ctx);
    if (r < 0)
        store->rollback(store->ctx);
    free(b);
    return r < 0 ? r : batches;
}
