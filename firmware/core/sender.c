#include "sender.h"
#include <assert.h>
#include <string.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

static const int64_t CONNECT_TIMEOUT_NS = 30 * SECOND;
static const int64_t DISK_RETRY_NS = 1 * SECOND;
static const int64_t SAVE_NS = 10 * SECOND;
static const int64_t LINK_FULL_NS = 100 * MS;

enum { WINDOW_MAX = SENDER_FLIGHTS_MAX / 2 };

const struct sender_conf SENDER_DEFAULTS = {
    .classes =
        {
            [CLASS_ALARM] = {.max_events = 64, .sync_events = 1},
            [CLASS_EVENT] = {.max_events = 250,
                             .max_age_ns = 60 * SECOND,
                             .sync_events = 32,
                             .sync_age_ns = 5 * SECOND},
            [CLASS_TELEMETRY] = {.max_events = 64,
                                 .max_age_ns = 60 * SECOND,
                                 .sync_events = 64,
                                 .sync_age_ns = 60 * SECOND},
        },
    .window = 4,
    .resend_ns = 30 * SECOND,
    .backoff_min_ns = 1 * SECOND,
    .backoff_max_ns = 300 * SECOND,
};

/* splitmix64: only to spread the devices' retries. */
static uint64_t random_next(struct sender *s) {
    uint64_t z = (s->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int64_t after(int64_t ns, int64_t delay_ns) {
    return ns == INT64_MAX ? INT64_MAX : ns + delay_ns;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void sender_init(struct sender *s, const struct sender_conf *conf,
                 struct spool *const spools[CLASS_COUNT], const struct seal_signer *signer,
                 const struct seal_key *collector_key, uint64_t boot_id, uint64_t random_seed) {
    assert(spools[CLASS_ALARM] != NULL && conf->window >= 1 && conf->window <= WINDOW_MAX);
    memset(s, 0, sizeof *s);
    s->conf = *conf;
    s->signer = signer;
    s->collector_key = collector_key;
    s->boot_id = boot_id;
    s->random = random_seed;
    s->connect_ns = s->publish_ns = INT64_MIN;
    for (int c = 0; c < CLASS_COUNT; c++) {
        struct sender_open *o = &s->open[c];
        assert(conf->classes[c].max_events >= 1 && conf->classes[c].max_events <= WIRE_EVENTS_MAX);
        s->spools[c] = spools[c];
        o->oldest_ns = o->unsynced_ns = o->save_ns = INT64_MAX;
        o->retry_ns = INT64_MIN;
        /* What an earlier life left unsealed is old enough. */
        if (spools[c] != NULL && spool_unsealed(spools[c]) > 0)
            o->oldest_ns = INT64_MIN;
    }
}

/* ---- accepting ---- */

static int sync_class(struct sender *s, enum event_class cls, int64_t now_ns) {
    struct sender_open *o = &s->open[cls];
    int r = spool_sync(s->spools[cls]);
    if (r < 0) {
        s->counters.storage_errors++;
        o->retry_ns = now_ns + DISK_RETRY_NS;
        return r;
    }
    o->unsynced = 0;
    o->unsynced_ns = INT64_MAX;
    return 0;
}

static int take(struct sender *s, enum event_class cls, const struct event *event, int64_t now_ns) {
    struct sender_open *o = &s->open[cls];
    int r = spool_append_event(s->spools[cls], event);
    if (r < 0)
        return r;
    s->counters.accepted++;
    o->unsynced++;
    o->unsynced_ns = earlier(o->unsynced_ns, now_ns);
    o->oldest_ns = earlier(o->oldest_ns, now_ns);
    if (s->conf.classes[cls].sync_age_ns > 0 && o->unsynced < s->conf.classes[cls].sync_events)
        return 0;
    return sync_class(s, cls, now_ns) < 0 ? 1 : 0;
}

int sender_accept(struct sender *s, const struct event *event, int64_t now_ns) {
    enum event_class cls = event_class_of(event->kind);
    if (cls == CLASS_COUNT || !event_valid(event))
        return ERR_INVAL;
    if (s->spools[cls] == NULL)
        return ERR_NODEV;
    return take(s, cls, event, now_ns);
}

/* Worth a record of its own: the first, another quality, or more than a second off. */
static bool anchor_is_news(const struct spool_anchor *old, const struct spool_anchor *new) {
    if (old->boot_id == 0 || new->quality != old->quality)
        return true;
    int64_t drift = (new->unix_ms - old->unix_ms) - (new->boot_ms - old->boot_ms);
    return drift > 1000 || drift < -1000;
}

void sender_anchor(struct sender *s, const struct event_anchor *anchor, int64_t boot_ms) {
    const struct spool_anchor new = {.boot_id = s->boot_id,
                                     .boot_ms = boot_ms,
                                     .unix_ms = anchor->unix_ms,
                                     .quality = anchor->quality};
    bool news = anchor_is_news(&s->anchor, &new);
    s->anchor = new;
    for (int c = 0; news && c < CLASS_COUNT; c++)
        if (s->spools[c] != NULL && spool_append_anchor(s->spools[c], &new) < 0)
            s->counters.storage_errors++;
}

/* ---- what the spools have to say ---- */

static int report_drop(struct sender *s, enum event_class cls, int64_t now_ns) {
    struct spool_drop drop;
    while (s->spools[cls] != NULL && spool_dropped(s->spools[cls], &drop) > 0) {
        const struct event event = {
            .t_ms = now_ns / MS,
            .kind = EVENT_GAP,
            .gap = {.dropped_class = (uint8_t)cls,
                    .spool_high = (uint32_t)(drop.spool_id >> 32),
                    .spool_low = (uint32_t)drop.spool_id,
                    .reason = (uint8_t)drop.reason,
                    .from_seq = drop.from_seq,
                    .to_seq = drop.to_seq,
                    .events = drop.events},
        };
        int r = take(s, CLASS_ALARM, &event, now_ns);
        if (r != 0)
            return r < 0 ? r : ERR_IO; /* told again when it can be durable */
        s->counters.gaps_told++;
        spool_drop_reported(s->spools[cls], &drop);
    }
    return 0;
}

/* A fault is told once when it begins and once when it ends. */
static void tell_fault(struct sender *s, enum event_class cls, int error, int64_t now_ns) {
    struct sender_open *o = &s->open[cls];
    if (o->fault == (error < 0))
        return;
    const struct event event = {
        .t_ms = now_ns / MS,
        .kind = EVENT_FAULT,
        .fault = {.code = FAULT_STORAGE, .active = error < 0, .detail = error},
    };
    o->fault = error < 0;
    if (take(s, CLASS_ALARM, &event, now_ns) < 0)
        s->counters.storage_errors++;
}

bool sender_storage_fault(const struct sender *s) {
    for (int c = 0; c < CLASS_COUNT; c++)
        if (s->open[c].fault)
            return true;
    return false;
}

/* ---- sealing ---- */

static struct batch_header header_of(const struct sender *s, enum event_class cls,
                                     uint64_t boot_id) {
    struct spool *spool = s->spools[cls];
    struct spool_anchor anchor = {0};
    if (boot_id == s->boot_id)
        anchor = s->anchor;
    if (anchor.quality == 0)
        (void)spool_anchor(spool, boot_id, &anchor);
    struct batch_header h = {
        .schema = WIRE_SCHEMA,
        .spool_id = spool_id(spool),
        .cls = cls,
        .seq = spool_next_seq(spool),
        .boot_id = boot_id,
        .anchor_boot_ms = anchor.boot_ms,
        .anchor_unix_ms = anchor.unix_ms,
        .anchor_quality = anchor.quality,
    };
    memcpy(h.device, s->conf.device, sizeof h.device);
    h.has_previous = spool_previous(spool, h.previous);
    return h;
}

/* Events that passed an earlier program's limits but not this one's must not block the queue. */
static size_t keep_valid(struct sender *s, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (event_valid(&s->events[i]))
            s->events[kept++] = s->events[i];
        else
            s->counters.damaged++;
    return kept;
}

/* Seals the oldest events of one boot.  Returns how many, 0 if there are none. */
static int seal_one(struct sender *s, enum event_class cls) {
    struct spool *spool = s->spools[cls];
    uint64_t boot_id = 0;
    size_t cap = s->conf.classes[cls].max_events;
    /* Halved when the events are so unlike each other that a payload cannot hold them. */
    for (; cap > 0; cap /= 2) {
        int n = spool_events(spool, s->events, cap, &boot_id);
        if (n <= 0)
            return n;
        size_t valid = keep_valid(s, (size_t)n);
        struct batch_header h = header_of(s, cls, boot_id);
        int len = batch_encode(&h, s->events, valid, s->signer, s->payload, sizeof s->payload);
        int r = len < 0 ? len : spool_append_batch(spool, s->payload, (size_t)len, (uint32_t)n);
        if (r == ERR_OVERFLOW && cap > 1)
            continue;
        if (r == ERR_STALE)
            return 1; /* some had to be dropped: look again */
        return r < 0 ? r : n;
    }
    return 0;
}

static bool seal_due(const struct sender *s, enum event_class cls, int64_t now_ns) {
    const struct sender_class_conf *conf = &s->conf.classes[cls];
    uint32_t waiting = spool_unsealed(s->spools[cls]);
    if (waiting == 0)
        return false;
    if (waiting >= conf->max_events)
        return true;
    return s->link == SENDER_UP && now_ns >= after(s->open[cls].oldest_ns, conf->max_age_ns);
}

static int seal_class(struct sender *s, enum event_class cls, int64_t now_ns, bool all) {
    struct sender_open *o = &s->open[cls];
    bool aged = all || (s->link == SENDER_UP &&
                        now_ns >= after(o->oldest_ns, s->conf.classes[cls].max_age_ns));
    while (seal_due(s, cls, now_ns) || (aged && spool_unsealed(s->spools[cls]) > 0)) {
        int n = seal_one(s, cls);
        if (n < 0) {
            s->counters.storage_errors++;
            o->retry_ns = now_ns + DISK_RETRY_NS;
            return n;
        }
        if (n == 0) {
            o->oldest_ns = INT64_MAX;
            break;
        }
        o->oldest_ns = spool_unsealed(s->spools[cls]) > 0 ? now_ns : INT64_MAX;
        int r = sync_class(s, cls, now_ns);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool sync_due(const struct sender *s, enum event_class cls, int64_t now_ns) {
    const struct sender_open *o = &s->open[cls];
    return !spool_durable(s->spools[cls]) &&
           (o->unsynced >= s->conf.classes[cls].sync_events || o->unsynced_ns == INT64_MAX ||
            now_ns >= after(o->unsynced_ns, s->conf.classes[cls].sync_age_ns));
}

static int class_step(struct sender *s, enum event_class cls, int64_t now_ns) {
    struct sender_open *o = &s->open[cls];
    if (s->spools[cls] == NULL || now_ns < o->retry_ns)
        return 0;
    int r = report_drop(s, cls, now_ns);
    if (r >= 0 && sync_due(s, cls, now_ns))
        r = sync_class(s, cls, now_ns);
    if (r >= 0)
        r = seal_class(s, cls, now_ns, false);
    if (r >= 0 && now_ns >= o->save_ns) {
        r = spool_save(s->spools[cls]);
        o->save_ns = r < 0 ? now_ns + SAVE_NS : INT64_MAX;
    }
    tell_fault(s, cls, r, now_ns);
    return r;
}

/* ---- the link ---- */

static void link_lost(struct sender *s, int64_t now_ns) {
    int64_t delay = s->conf.backoff_min_ns;
    for (unsigned i = 0; i < s->failures && delay < s->conf.backoff_max_ns; i++)
        delay *= 2;
    delay = earlier(delay, s->conf.backoff_max_ns);
    /* Half of it by chance: a fleet that lost its broker does not come back as one. */
    delay = delay / 2 + (int64_t)(random_next(s) % (uint64_t)(delay / 2 + 1));
    if (s->link == SENDER_UP)
        s->counters.link_drops++;
    s->link = SENDER_DOWN;
    s->failures++;
    s->connect_ns = now_ns + delay;
    s->flight_count = 0;
}

static void link_up(struct sender *s) {
    s->link = SENDER_UP;
    s->failures = 0;
    s->flight_count = 0;
    s->publish_ns = INT64_MIN;
    for (int c = 0; c < CLASS_COUNT; c++)
        s->open[c].has_last = false;
}

static void link_step(struct sender *s, struct uplink *link, int64_t now_ns) {
    if (s->link == SENDER_CONNECTING && now_ns >= s->connect_ns) {
        link->disconnect(link->ctx);
        link_lost(s, now_ns);
    }
    if (s->link != SENDER_DOWN || now_ns < s->connect_ns)
        return;
    s->link = SENDER_CONNECTING;
    s->connect_ns = now_ns + CONNECT_TIMEOUT_NS;
    if (link->connect(link->ctx) < 0)
        link_lost(s, now_ns);
}

/* ---- publishing ---- */

static unsigned in_flight(const struct sender *s, bool alarms) {
    unsigned n = 0;
    for (unsigned i = 0; i < s->flight_count; i++)
        n += (s->flights[i].cls == CLASS_ALARM) == alarms;
    return n;
}

static void flight_remove(struct sender *s, unsigned i) {
    s->flight_count--;
    memmove(s->flights + i, s->flights + i + 1, (s->flight_count - i) * sizeof s->flights[0]);
}

/* Reads a batch and hands it to the link.  0; ERR_STALE: nothing to send here; other errors. */
static int publish(struct sender *s, struct uplink *link, enum event_class cls,
                   const struct spool_pending *batch, int64_t now_ns) {
    char topic[TOPIC_MAX];
    int len = spool_read_batch(s->spools[cls], batch, s->payload, sizeof s->payload);
    if (len == ERR_BADMSG) {
        s->counters.damaged++;
        return ERR_STALE;
    }
    if (len < 0)
        return len;
    int r = topic_batch(topic, sizeof topic, s->conf.device, cls);
    if (r >= 0)
        r = link->publish(link->ctx, topic, s->payload, (size_t)len);
    if (r == ERR_NOTCONN)
        link_lost(s, now_ns);
    else if (r < 0)
        s->publish_ns = now_ns + LINK_FULL_NS;
    if (r < 0)
        return r;
    struct sender_open *o = &s->open[cls];
    s->counters.published++;
    if (o->has_sent && batch->number <= o->sent_number)
        s->counters.resent++;
    else
        o->sent_number = batch->number;
    o->has_sent = true;
    return 0;
}

static bool may_publish(const struct sender *s, int64_t now_ns) {
    return s->link == SENDER_UP && now_ns >= s->publish_ns;
}

static void resend_class(struct sender *s, struct uplink *link, enum event_class cls,
                         int64_t now_ns) {
    for (unsigned i = 0; i < s->flight_count && may_publish(s, now_ns);) {
        struct sender_flight *f = &s->flights[i];
        int r = 0;
        if (f->cls == cls && now_ns >= f->sent_ns + s->conf.resend_ns) {
            r = publish(s, link, cls, &f->batch, now_ns);
            if (r == 0)
                f->sent_ns = now_ns;
        }
        if (r == ERR_STALE)
            flight_remove(s, i);
        else
            i++;
    }
}

static void publish_class(struct sender *s, struct uplink *link, enum event_class cls,
                          int64_t now_ns) {
    struct sender_open *o = &s->open[cls];
    bool alarms = cls == CLASS_ALARM;
    while (may_publish(s, now_ns) && in_flight(s, alarms) < s->conf.window) {
        struct spool_pending next;
        int r = spool_next_batch(s->spools[cls], o->has_last ? &o->last : NULL, &next);
        if (r < 0)
            return;
        r = publish(s, link, cls, &next, now_ns);
        if (r < 0 && r != ERR_STALE)
            return;
        o->last = next;
        o->has_last = true;
        if (r == 0)
            s->flights[s->flight_count++] =
                (struct sender_flight){.cls = cls, .batch = next, .sent_ns = now_ns};
    }
}

static int64_t next_wake(const struct sender *s, int64_t now_ns) {
    int64_t next = s->link == SENDER_UP ? INT64_MAX : s->connect_ns;
    for (int c = 0; c < CLASS_COUNT; c++) {
        const struct sender_open *o = &s->open[c];
        const struct sender_class_conf *conf = &s->conf.classes[c];
        int64_t due = earlier(after(o->unsynced_ns, conf->sync_age_ns), o->save_ns);
        if (s->link == SENDER_UP)
            due = earlier(due, after(o->oldest_ns, conf->max_age_ns));
        if (due < o->retry_ns)
            due = o->retry_ns;
        next = earlier(next, due);
    }
    for (unsigned i = 0; i < s->flight_count; i++)
        next = earlier(next, s->flights[i].sent_ns + s->conf.resend_ns);
    if (s->link == SENDER_UP && s->publish_ns > now_ns)
        next = earlier(next, s->publish_ns);
    return next > now_ns ? next : now_ns + MS;
}

int sender_step(struct sender *s, struct uplink *link, int64_t now_ns, int64_t *ret_next_ns) {
    int result = 0;
    link_step(s, link, now_ns);
    /* The alarms twice: the other classes' gaps and faults are alarms too. */
    static const enum event_class ORDER[] = {CLASS_ALARM, CLASS_EVENT, CLASS_TELEMETRY,
                                             CLASS_ALARM};
    for (unsigned i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
        int r = class_step(s, ORDER[i], now_ns);
        if (r < 0)
            result = r;
    }
    for (int c = 0; c < CLASS_COUNT; c++)
        if (s->spools[c] != NULL) {
            resend_class(s, link, (enum event_class)c, now_ns);
            publish_class(s, link, (enum event_class)c, now_ns);
        }
    *ret_next_ns = next_wake(s, now_ns);
    return result;
}

/* ---- hearing ---- */

static bool settles(const struct ack *ack, const struct sender_flight *f) {
    return f->cls == ack->cls && f->batch.spool_id == ack->spool_id &&
           ack_covers(ack, f->batch.seq);
}

static void heard_ack(struct sender *s, const uint8_t *data, size_t len, int64_t now_ns) {
    struct ack ack;
    int r = ack_decode(data, len, s->conf.device, s->collector_key, &ack);
    if (r >= 0 && s->spools[ack.cls] == NULL)
        r = ERR_INVAL;
    if (r >= 0)
        r = spool_ack(s->spools[ack.cls], &ack);
    if (r < 0) {
        s->counters.acks_refused++;
        return;
    }
    s->counters.acks++;
    for (unsigned i = s->flight_count; i > 0; i--)
        if (settles(&ack, &s->flights[i - 1]))
            flight_remove(s, i - 1);
    if (r > 0)
        s->open[ack.cls].save_ns = earlier(s->open[ack.cls].save_ns, now_ns + SAVE_NS);
}

void sender_heard(struct sender *s, const struct uplink_event *event, int64_t now_ns) {
    switch (event->kind) {
    case UPLINK_UP:
        link_up(s);
        break;
    case UPLINK_DOWN:
        /* An old connection's end that is heard late changes nothing. */
        if (s->link != SENDER_DOWN)
            link_lost(s, now_ns);
        break;
    case UPLINK_MESSAGE:
        heard_ack(s, event->data, event->len, now_ns);
        break;
    case UPLINK_PUBACK:
        break; /* the broker's word frees nothing */
    }
}

int sender_finish(struct sender *s, int64_t now_ns) {
    int result = 0;
    for (int c = 0; c < CLASS_COUNT; c++) {
        if (s->spools[c] == NULL)
            continue;
        int r = seal_class(s, (enum event_class)c, now_ns, true);
        if (r >= 0)
            r = sync_class(s, (enum event_class)c, now_ns);
        if (r >= 0)
            r = spool_save(s->spools[c]);
        if (r < 0)
            result = r;
    }
    return result;
}
