#include "verify_records.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify_device *verify_find(struct verify *v, const char *id) {
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->device[i].id, id) == 0)
            return &v->device[i];
    return NULL;
}

static struct verify_device *device_add(struct verify *v, const char *id) {
    struct verify_device *d = verify_find(v, id);
    if (d != NULL)
        return d;
    if (v->count == v->cap) {
        size_t cap = v->cap == 0 ? 64 : 2 * v->cap;
        struct verify_device *more = realloc(v->device, cap * sizeof *more);
        if (more == NULL)
            return NULL;
        v->device = more;
        v->cap = cap;
    }
    d = &v->device[v->count++];
    *d = (struct verify_device){0};
    snprintf(d->id, sizeof d->id, "%s", id);
    return d;
}

static int on_device(void *arg, const struct store_device_state *row) {
    struct verify_device *d = device_add(arg, row->device.id);
    if (d == NULL)
        return ERR_NOMEM;
    d->has_key = seal_key_from_bytes(row->device.key, &d->key) == 0;
    return 0;
}

void verify_free(struct verify *v) {
    for (size_t i = 0; i < v->count; i++)
        seal_key_free(&v->device[i].key);
    free(v->device);
    *v = (struct verify){0};
}

/* -- batches --------------------------------------------------------------------------------- */

struct walk {
    int64_t after;
    struct batch_header header; /* as the columns have it */
    size_t len;
    uint8_t payload[WIRE_PAYLOAD_MAX];
    struct event events[WIRE_EVENTS_MAX];
};

static int copy_batch(void *arg, const struct store_batch *row) {
    struct walk *w = arg;
    w->after = row->id;
    w->header = row->header;
    w->len = row->len < sizeof w->payload ? row->len : sizeof w->payload;
    memcpy(w->payload, row->payload, w->len);
    return 0;
}

/* The columns are what the store finds a batch by: they must be what was signed. */
static bool same_identity(const struct batch_header *a, const struct batch_header *b) {
    return strcmp(a->device, b->device) == 0 && a->spool_id == b->spool_id && a->cls == b->cls &&
           a->seq == b->seq && a->boot_id == b->boot_id && a->events == b->events;
}

static int chain_check(const struct verify *v, struct verify_device *d,
                       const struct batch_header *h) {
    uint8_t before[WIRE_HASH_BYTES];
    if (h->seq == 0)
        return 0;
    int r = v->store->batch_hash(v->store->ctx, h->device, h->spool_id, h->cls, h->seq - 1, before);
    if (r > 0 && (!h->has_previous || memcmp(before, h->previous, sizeof before) != 0))
        d->broken_chain++;
    return r < 0 ? r : 0;
}

static void body_check(struct walk *w, const struct batch_view *view, struct verify_device *d) {
    int n = batch_decode(view, w->events, WIRE_EVENTS_MAX);
    if (n < 0 || !same_identity(&view->header, &w->header)) {
        d->bad_body++;
        return;
    }
    for (int i = 0; i < n; i++) {
        d->passages += w->events[i].kind == EVENT_PASSAGE;
        d->lock_events += w->events[i].kind == EVENT_LOCK;
    }
}

static int batch_check(struct verify *v, struct walk *w) {
    struct batch_view view;
    struct verify_device *d = device_add(v, w->header.device);
    if (d == NULL)
        return ERR_NOMEM;
    d->batches++;
    d->events += w->header.events;
    d->events_of[w->header.cls] += w->header.events;
    if (!d->has_key || batch_verify(w->payload, w->len, &d->key) < 0)
        d->bad_signature++;
    if (batch_peek(w->payload, w->len, &view) < 0) {
        d->bad_body++;
        return 0;
    }
    body_check(w, &view, d);
    return chain_check(v, d, &view.header);
}

static int batches_check(struct verify *v) {
    struct walk *w = calloc(1, sizeof *w);
    int r = w == NULL ? ERR_NOMEM : 1;
    while (r > 0) {
        r = v->store->batches(v->store->ctx, w->after, 1, copy_batch, w);
        if (r <= 0)
            break;
        r = batch_check(v, w);
        r = r < 0 ? r : 1;
    }
    free(w);
    return r;
}

/* -- rows ------------------------------------------------------------------------------------ */

struct row_count {
    uint64_t n;
    int64_t last;
};

static int count_passage(void *arg, const struct store_passage *row) {
    struct row_count *c = arg;
    c->n++;
    c->last = row->id;
    return 0;
}

static int count_lock_event(void *arg, const struct store_lock_event *row) {
    struct row_count *c = arg;
    c->n++;
    c->last = row->id;
    return 0;
}

static uint64_t difference(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

static int rows_check(struct verify *v, struct verify_device *d) {
    const struct store *s = v->store;
    struct row_count passages = {0}, locks = {0};
    struct store_filter f = {.device = d->id, .lock = -1};
    int r;
    while ((r = s->passages(s->ctx, &f, count_passage, &passages)) > 0)
        f.before = passages.last;
    f.before = 0;
    while (r >= 0 && (r = s->lock_events(s->ctx, &f, count_lock_event, &locks)) > 0)
        f.before = locks.last;
    d->rows_wrong = difference(passages.n, d->passages) + difference(locks.n, d->lock_events);
    return r;
}

static int on_missing(void *arg, const struct store_missing *row) {
    struct verify_device *d = verify_find(arg, row->device);
    if (d != NULL)
        d->missing += row->to_seq - row->from_seq + 1;
    return 0;
}

static int on_gap(void *arg, const struct store_gap *row) {
    struct verify_device *d = verify_find(arg, row->device);
    if (d != NULL)
        d->events_dropped += row->gap.events;
    return 0;
}

int verify_records(struct verify *v) {
    const struct store *s = v->store;
    const struct store_filter any = {.lock = -1};
    int r = s->devices(s->ctx, on_device, v);
    if (r >= 0)
        r = batches_check(v);
    for (size_t i = 0; i < v->count && r >= 0; i++)
        r = rows_check(v, &v->device[i]);
    if (r >= 0)
        r = s->missing(s->ctx, NULL, 0, on_missing, v);
    if (r >= 0)
        r = s->gaps(s->ctx, &any, on_gap, v);
    return r;
}
