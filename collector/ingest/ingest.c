#include "ingest.h"
#include "derive.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ingest_conf INGEST_DEFAULTS = {
    .late_ms = ALERTS_LATE_MS,
    .refused_rows = INGEST_REFUSED_ROWS,
    .refused_bytes = INGEST_REFUSED_BYTES,
};

/* An acknowledgement that is due: of one queue, with the numbers that have just come. */
struct due {
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    enum event_class cls;
    size_t count;
    uint64_t seq[ACK_ALSO_MAX];
};

struct ingest_group {
    struct due due[INGEST_GROUP_MAX];
    size_t dues;
    struct alerts_notice notice[INGEST_NOTICES_MAX];
    size_t notices;
    struct ingest_counts counts;
    struct event events[WIRE_EVENTS_MAX];
};

/* One message on its way. */
struct flow {
    struct ingest *in;
    const struct ingest_message *message;
    struct topic topic;
    struct store_device device;
    const struct seal_key *key;
    struct batch_view view;
    int64_t found; /* row of a duplicate */
    size_t count;  /* events */
};

/* What a check says beside an enum err: go on, know it already, or refuse. */
enum { GO_ON = 0, KNOWN = 1, REFUSE = 2 };
#define REFUSE_AS(reason) (REFUSE + (int)(reason))

/* -- the checks, in order -------------------------------------------------------------------- */

static int check_topic(struct flow *f) {
    if (topic_parse(f->message->topic, strlen(f->message->topic), &f->topic) < 0)
        return REFUSE_AS(REFUSED_TOPIC);
    return f->message->len > WIRE_PAYLOAD_MAX ? REFUSE_AS(REFUSED_OVERSIZED) : GO_ON;
}

static int check_device(struct flow *f) {
    int r = fleet_find(&f->in->fleet, f->in->store, f->topic.device, &f->device, &f->key);
    if (r == ERR_NOENT)
        return REFUSE_AS(REFUSED_UNKNOWN);
    if (r == ERR_KEY)
        return REFUSE_AS(REFUSED_SIGNATURE);
    if (r < 0)
        return r;
    return f->device.revoked ? REFUSE_AS(REFUSED_REVOKED) : GO_ON;
}

static int check_envelope(struct flow *f) {
    int r = batch_peek(f->message->payload, f->message->len, &f->view);
    if (r < 0)
        return REFUSE_AS(r == ERR_VERSION ? REFUSED_VERSION : REFUSED_MALFORMED);
    const struct batch_header *h = &f->view.header;
    if (strcmp(h->device, f->topic.device) != 0 || h->cls != f->topic.cls)
        return REFUSE_AS(REFUSED_WRONG_NAME);
    return GO_ON;
}

static int check_signature(struct flow *f) {
    if (batch_verify(f->message->payload, f->message->len, f->key) < 0)
        return REFUSE_AS(REFUSED_SIGNATURE);
    return f->view.header.seq >= INT64_MAX ? REFUSE_AS(REFUSED_RANGE) : GO_ON;
}

static int check_known(struct flow *f) {
    const struct batch_header *h = &f->view.header;
    const struct store *s = f->in->store;
    uint8_t stored[WIRE_HASH_BYTES], hash[WIRE_HASH_BYTES];
    int r = s->batch_hash(s->ctx, h->device, h->spool_id, h->cls, h->seq, stored);
    if (r <= 0)
        return r;
    batch_hash(f->message->payload, f->message->len, hash);
    return memcmp(stored, hash, sizeof hash) == 0 ? KNOWN : REFUSE_AS(REFUSED_IDENTITY);
}

static int check_body(struct flow *f) {
    static const struct {
        int err;
        enum refusal reason;
    } REASONS[] = {
        {ERR_OVERFLOW, REFUSED_BOMB}, {ERR_RANGE, REFUSED_RANGE}, {ERR_VERSION, REFUSED_VERSION}};
    struct ingest_group *g = f->in->group;
    int n = batch_decode(&f->view, g->events, WIRE_EVENTS_MAX);
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++)
        if (n == REASONS[i].err)
            return REFUSE_AS(REASONS[i].reason);
    if (n < 0)
        return REFUSE_AS(REFUSED_CONTENT);
    f->count = (size_t)n;
    for (size_t i = 0; i < f->count; i++) {
        const struct event *e = &g->events[i];
        if (!event_valid(e) || event_class_of(e->kind) != f->view.header.cls)
            return REFUSE_AS(REFUSED_RANGE);
    }
    return GO_ON;
}

static int (*const CHECKS[])(struct flow *f) = {check_envelope, check_signature, check_known,
                                                check_body};

/* -- what a check led to --------------------------------------------------------------------- */

static int tell_alert(void *arg, const struct alerts_signal *signal) {
    struct ingest *in = arg;
    struct alerts_notice notice;
    int r = alerts_feed(in->store, signal, in->conf.late_ms, &notice);
    if (r <= 0)
        return r;
    struct ingest_group *g = in->group;
    /* The pages are told of each alert once per group, as it stands at the end. */
    for (size_t i = 0; i < g->notices; i++)
        if (g->notice[i].alert.id == notice.alert.id) {
            notice.ring = notice.ring || g->notice[i].ring;
            g->notice[i] = notice;
            return 0;
        }
    if (g->notices < INGEST_NOTICES_MAX)
        g->notice[g->notices++] = notice;
    return 0;
}

/* The device that is cloned keeps its first word; a person must look at the second. */
static int cloned(struct flow *f) {
    const struct batch_header *h = &f->view.header;
    struct store_finding row = {.received_ms = f->message->received_ms,
                                .kind = FINDING_CLONED,
                                .spool_id = h->spool_id,
                                .cls = h->cls,
                                .seq = h->seq,
                                .text = "other bytes are stored under this identity"};
    snprintf(row.device, sizeof row.device, "%s", h->device);
    int r = f->in->store->finding_put(f->in->store->ctx, &row);
    struct alerts_signal s = {.kind = SIGNAL_CLONED,
                              .device = h->device,
                              .lock = STORE_NO_LOCK,
                              .occurred_ms = f->message->received_ms,
                              .latest_ms = STORE_NEVER,
                              .received_ms = f->message->received_ms,
                              .place = f->device.name};
    return r < 0 ? r : tell_alert(f->in, &s);
}

static int refuse(struct flow *f, enum refusal reason) {
    const struct ingest_message *m = f->message;
    struct store_refused row = {.received_ms = m->received_ms,
                                .reason = reason,
                                .len = m->len,
                                .payload = m->payload,
                                .kept = m->len < WIRE_PAYLOAD_MAX ? m->len : WIRE_PAYLOAD_MAX};
    snprintf(row.topic, sizeof row.topic, "%s", m->topic);
    if (reason != REFUSED_TOPIC)
        snprintf(row.device, sizeof row.device, "%s", f->topic.device);
    const struct ingest_conf *c = &f->in->conf;
    int r = f->in->store->refused_put(f->in->store->ctx, &row, c->refused_rows, c->refused_bytes);
    if (r >= 0 && reason == REFUSED_IDENTITY)
        r = cloned(f);
    f->in->group->counts.refused++;
    return r < 0 ? r : (int)INGEST_REFUSED;
}

static void ack_due(struct ingest_group *g, const struct batch_header *h) {
    struct due *d = NULL;
    for (size_t i = 0; i < g->dues && d == NULL; i++)
        if (g->due[i].count < ACK_ALSO_MAX && g->due[i].cls == h->cls &&
            g->due[i].spool_id == h->spool_id && strcmp(g->due[i].device, h->device) == 0)
            d = &g->due[i];
    if (d == NULL) {
        d = &g->due[g->dues++];
        *d = (struct due){.spool_id = h->spool_id, .cls = h->cls};
        snprintf(d->device, sizeof d->device, "%s", h->device);
    }
    d->seq[d->count++] = h->seq;
}

static int chain_check(struct flow *f) {
    const struct batch_header *h = &f->view.header;
    const struct store *s = f->in->store;
    uint8_t before[WIRE_HASH_BYTES];
    if (h->seq == 0)
        return 0;
    int r = s->batch_hash(s->ctx, h->device, h->spool_id, h->cls, h->seq - 1, before);
    if (r <= 0 || (h->has_previous && memcmp(before, h->previous, sizeof before) == 0))
        return r;
    struct store_finding row = {.received_ms = f->message->received_ms,
                                .kind = FINDING_CHAIN_BROKEN,
                                .spool_id = h->spool_id,
                                .cls = h->cls,
                                .seq = h->seq,
                                .text = "does not name the hash of the batch before it"};
    snprintf(row.device, sizeof row.device, "%s", h->device);
    return s->finding_put(s->ctx, &row);
}

static int keep(struct flow *f) {
    const struct store *s = f->in->store;
    struct ingest_group *g = f->in->group;
    struct derive_source source = {
        .header = &f->view.header, .device = &f->device, .received_ms = f->message->received_ms};
    int r = chain_check(f);
    if (r >= 0)
        r = s->batch_put(s->ctx, &f->view.header, f->message->payload, f->message->len,
                         f->message->received_ms, &source.batch);
    if (r >= 0)
        r = derive_batch(s, &source, g->events, f->count, tell_alert, f->in);
    if (r < 0)
        return r;
    g->counts.batches++;
    g->counts.events += f->count;
    if (f->view.header.cls == CLASS_EVENT)
        for (size_t i = 0; i < f->count; i++)
            g->counts.passages += g->events[i].kind == EVENT_PASSAGE;
    return INGEST_STORED;
}

static int batch(struct flow *f) {
    int r = GO_ON;
    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0] && r == GO_ON; i++)
        r = CHECKS[i](f);
    if (r < 0)
        return r;
    if (r >= REFUSE)
        return refuse(f, (enum refusal)(r - REFUSE));
    int outcome = r == KNOWN ? (int)INGEST_DUPLICATE : keep(f);
    if (outcome < 0)
        return outcome;
    f->in->group->counts.duplicates += outcome == INGEST_DUPLICATE;
    ack_due(f->in->group, &f->view.header);
    r = f->in->store->device_heard(f->in->store->ctx, f->topic.device, f->message->received_ms);
    return r < 0 ? r : outcome;
}

static int status(struct flow *f) {
    static const char ONLINE[] = "online";
    const struct ingest_message *m = f->message;
    bool online = m->len == sizeof ONLINE - 1 && memcmp(m->payload, ONLINE, sizeof ONLINE - 1) == 0;
    int r = f->in->store->device_link(f->in->store->ctx, f->topic.device, online, m->received_ms);
    return r < 0 ? r : (int)INGEST_STATUS;
}

static int message_take(struct ingest *in, const struct ingest_message *message) {
    struct flow f = {.in = in, .message = message};
    int r = check_topic(&f);
    if (r == GO_ON && f.topic.kind == TOPIC_ACK)
        return INGEST_IGNORED;
    if (r == GO_ON)
        r = check_device(&f);
    if (r < 0)
        return r;
    if (r >= REFUSE)
        return refuse(&f, (enum refusal)(r - REFUSE));
    return f.topic.kind == TOPIC_STATUS ? status(&f) : batch(&f);
}

/* -- after the commit ------------------------------------------------------------------------ */

/* What has just come is always named, even behind more holes than `also` can list. */
static void ack_name(struct ack *ack, const struct due *d) {
    struct ack named = *ack;
    named.also_count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (!ack_covers(&named, d->seq[i]))
            named.also[named.also_count++] = d->seq[i];
    for (size_t i = 0; i < ack->also_count && named.also_count < ACK_ALSO_MAX; i++)
        if (!ack_covers(&named, ack->also[i]))
            named.also[named.also_count++] = ack->also[i];
    *ack = named;
}

/* A device that gets no acknowledgement sends again: a failure here costs only that. */
static void ack_send(struct ingest *in, const struct due *d) {
    struct ack ack;
    uint8_t payload[ACK_PAYLOAD_MAX];
    char topic[TOPIC_MAX + 1];
    int r = in->store->ack(in->store->ctx, d->device, d->spool_id, d->cls, &ack);
    if (r >= 0)
        r = topic_ack(topic, sizeof topic, d->device);
    if (r >= 0) {
        ack_name(&ack, d);
        r = ack_encode(&ack, d->device, in->signer, payload, sizeof payload);
    }
    if (r < 0) {
        in->counts.failures++;
        return;
    }
    in->counts.acks++;
    in->out.ack(in->out.ctx, topic, payload, (size_t)r);
}

static void tell_all(struct ingest *in) {
    struct ingest_group *g = in->group;
    in->counts.batches += g->counts.batches;
    in->counts.events += g->counts.events;
    in->counts.passages += g->counts.passages;
    in->counts.duplicates += g->counts.duplicates;
    in->counts.refused += g->counts.refused;
    for (size_t i = 0; i < g->dues && in->out.ack != NULL; i++)
        ack_send(in, &g->due[i]);
    for (size_t i = 0; i < g->notices && in->out.alert != NULL; i++)
        in->out.alert(in->out.ctx, &g->notice[i]);
}

static int counters_store(struct ingest *in) {
    const struct store *s = in->store;
    const struct ingest_counts *c = &in->group->counts;
    const struct {
        const char *name;
        uint64_t n;
    } rows[] = {{"batches.stored", c->batches},
                {"batches.duplicate", c->duplicates},
                {"events.stored", c->events},
                {"passages.stored", c->passages}};
    int r = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && r >= 0; i++)
        if (rows[i].n > 0)
            r = s->counter_add(s->ctx, rows[i].name, rows[i].n);
    return r;
}

/* -- the group ------------------------------------------------------------------------------- */

int ingest_messages(struct ingest *in, const struct ingest_message *messages, size_t count,
                    enum ingest_outcome *ret_outcomes) {
    assert(count <= INGEST_GROUP_MAX);
    const struct store *s = in->store;
    enum ingest_outcome outcomes[INGEST_GROUP_MAX];
    in->group->dues = in->group->notices = 0;
    in->group->counts = (struct ingest_counts){0};
    int r = s->begin(s->ctx);
    for (size_t i = 0; i < count && r >= 0; i++) {
        r = message_take(in, &messages[i]);
        if (r >= 0)
            outcomes[i] = (enum ingest_outcome)r;
    }
    if (r >= 0)
        r = counters_store(in);
    if (r >= 0)
        r = s->commit(s->ctx);
    if (r < 0) {
        s->rollback(s->ctx);
        in->counts.failures++;
        return r;
    }
    if (ret_outcomes != NULL)
        memcpy(ret_outcomes, outcomes, count * sizeof outcomes[0]);
    tell_all(in);
    return 0;
}

int ingest_open(struct ingest *in, const struct store *store, const struct seal_signer *signer,
                const struct ingest_conf *conf, const struct ingest_out *out) {
    struct ingest_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return ERR_NOMEM;
    *in = (struct ingest){
        .store = store, .signer = signer, .conf = *conf, .out = *out, .group = group};
    return 0;
}

void ingest_close(struct ingest *in) {
    fleet_free(&in->fleet);
    free(in->group);
    *in = (struct ingest){0};
}
