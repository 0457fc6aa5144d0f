#include "spool_world.h"
#include "crc.h"
#include "random.h"
#include "record.h"
#include <string.h>

enum { PAYLOAD_FIXED = 24, PADDING = 240, DRAIN_ROUNDS = 400 };

static void violate(struct world *w, const char *what) {
    if (w->violation == NULL)
        w->violation = what;
}

void world_init(struct world *w, uint64_t seed, bool pressure) {
    memset(w, 0, sizeof *w);
    w->random = seed;
    w->next_serial = 1;
    w->pressure = pressure;
}

bool world_open(struct world *w, struct spool *s, struct sim_disk *d,
                const struct spool_conf *conf) {
    const struct disk disk = sim_disk_seam(d);
    w->lives++;
    w->disk = d;
    memset(w->unsynced, 0, sizeof w->unsynced);
    if (spool_open(s, &disk, conf, 1000 + w->lives, 0xF00D0000 + w->lives) == 0)
        return true;
    if (!d->dead && !w->faulty)
        violate(w, "the spool does not open");
    return false;
}

/* ---- the device's side ---- */

static void append(struct world *w, struct spool *s) {
    if (w->next_serial == WORLD_SERIALS)
        return;
    unsigned serial = w->next_serial++;
    const struct event event = {.t_ms = serial, .kind = EVENT_LOCK, .lock = {.what = LOCK_OPENED}};
    if (spool_append_event(s, &event) == 0)
        w->accepted[serial] = w->unsynced[serial] = true;
    else if (!w->faulty && !w->disk->dead)
        violate(w, "an event was refused");
}

static void sync_all(struct world *w, struct spool *s) {
    if (spool_sync(s) < 0)
        return;
    if (!spool_durable(s))
        violate(w, "a good sync left something that is not durable");
    for (unsigned i = 1; i < w->next_serial; i++)
        w->durable[i] = w->durable[i] || w->unsynced[i];
    memset(w->unsynced, 0, sizeof w->unsynced);
}

static size_t payload_make(struct world *w, struct spool *s, const struct event *events, int count,
                           uint8_t *payload) {
    record_put(payload, spool_id(s), 8);
    record_put(payload + 8, spool_next_seq(s), 8);
    record_put(payload + 16, (uint64_t)count, 8);
    size_t len = PAYLOAD_FIXED;
    for (int i = 0; i < count; i++, len += 8)
        record_put(payload + len, (uint64_t)events[i].t_ms, 8);
    for (uint32_t n = random_below(&w->random, PADDING); n > 0; n--)
        payload[len++] = (uint8_t)random_next(&w->random);
    return len;
}

static int seal(struct world *w, struct spool *s) {
    struct event events[WORLD_BATCH];
    uint8_t payload[PAYLOAD_FIXED + 8 * WORLD_BATCH + PADDING];
    uint64_t boot_id = 0;
    size_t cap = 1 + random_below(&w->random, WORLD_BATCH);
    int n = spool_events(s, events, cap, &boot_id);
    if (n <= 0)
        return n;
    if (boot_id <= 1000 || boot_id > 1000 + w->lives)
        violate(w, "an event of a boot that never was");
    size_t len = payload_make(w, s, events, n, payload);
    int r = spool_append_batch(s, payload, len, (uint32_t)n);
    if (r < 0 && r != ERR_STALE && !w->faulty && !w->disk->dead)
        violate(w, "a batch was refused");
    return r < 0 ? r : n;
}

static void report(struct world *w, struct spool *s) {
    struct spool_drop drop;
    while (spool_dropped(s, &drop) > 0 && w->told_count < WORLD_TOLD) {
        w->told[w->told_count++] = drop;
        w->told_events += drop.events;
        spool_drop_reported(s, &drop);
    }
}

/* With room for everything nothing that has left may be called lost. */
static void check_told(struct world *w) {
    for (unsigned i = 0; i < w->shown_count && !w->pressure; i++)
        for (unsigned k = 0; k < w->told_count; k++)
            if (w->told[k].spool_id == w->shown[i].spool_id &&
                w->told[k].from_seq <= w->shown[i].seq && w->shown[i].seq <= w->told[k].to_seq)
                violate(w, "what has arrived was told as lost");
}

/* ---- the collector's side ---- */

static struct world_shown *shown_find(struct world *w, uint64_t id, uint64_t seq) {
    for (unsigned i = 0; i < w->shown_count; i++)
        if (w->shown[i].spool_id == id && w->shown[i].seq == seq)
            return &w->shown[i];
    return NULL;
}

static bool was_told(const struct world *w, uint64_t id, uint64_t seq) {
    for (unsigned i = 0; i < w->told_count; i++)
        if (w->told[i].spool_id == id && w->told[i].from_seq <= seq && seq <= w->told[i].to_seq)
            return true;
    return false;
}

static void receive(struct world *w, const uint8_t *payload, size_t len,
                    const struct spool_pending *p) {
    uint64_t sum = (uint64_t)len << 32 | crc32c(0, payload, len);
    if (record_get(payload, 8) != p->spool_id || record_get(payload + 8, 8) != p->seq ||
        len < PAYLOAD_FIXED + 8 * p->events || record_get(payload + 16, 8) != p->events) {
        violate(w, "a payload that is not what was appended");
        return;
    }
    const struct world_shown *known = shown_find(w, p->spool_id, p->seq);
    if (known != NULL) {
        if (known->sum != sum)
            violate(w, "one number, two payloads");
        return;
    }
    if (w->shown_count == WORLD_SHOWN)
        return;
    struct world_shown *x = &w->shown[w->shown_count++];
    *x = (struct world_shown){.spool_id = p->spool_id, .seq = p->seq, .sum = sum};
    x->count = p->events;
    for (unsigned i = 0; i < p->events; i++) {
        unsigned serial = (unsigned)record_get(payload + PAYLOAD_FIXED + 8 * i, 8);
        if (serial >= WORLD_SERIALS || !w->accepted[serial])
            violate(w, "an event that never was");
        else if (w->sealed_out[serial])
            violate(w, "one event in two batches");
        else
            w->sealed_out[serial] = true;
        x->serials[i] = (uint16_t)serial;
    }
}

/* Everything that may leave, leaves. */
static void show(struct world *w, struct spool *s) {
    static uint8_t payload[WIRE_PAYLOAD_MAX];
    struct spool_pending pending, before;
    const struct spool_pending *after = NULL;
    int guard = 0;
    while (spool_next_batch(s, after, &pending) == 0 && ++guard < WORLD_SHOWN) {
        int len = spool_read_batch(s, &pending, payload, sizeof payload);
        if (len < 0 && !w->faulty && !w->disk->dead)
            violate(w, "a pending batch cannot be read");
        if (len >= 0)
            receive(w, payload, (size_t)len, &pending);
        before = pending;
        after = &before;
    }
}

/* The truth about one identity: everything up to here has come or was told lost. */
static struct ack ack_make(struct world *w, uint64_t id) {
    struct ack ack = {.spool_id = id, .cls = CLASS_ALARM};
    for (uint64_t seq = 0; shown_find(w, id, seq) != NULL || was_told(w, id, seq); seq++) {
        ack.has_upto = true;
        ack.upto = seq;
    }
    for (unsigned i = 0; i < w->shown_count && ack.also_count < ACK_ALSO_MAX; i++)
        if (w->shown[i].spool_id == id && (!ack.has_upto || w->shown[i].seq > ack.upto))
            ack.also[ack.also_count++] = w->shown[i].seq;
    return ack;
}

static void acknowledge(struct world *w, struct spool *s, struct ack *ack) {
    if (spool_ack(s, ack) < 0)
        return;
    for (unsigned i = 0; i < w->shown_count; i++) {
        struct world_shown *x = &w->shown[i];
        bool also = false;
        for (size_t k = 0; k < ack->also_count; k++)
            also = also || ack->also[k] == x->seq;
        if (x->spool_id == ack->spool_id && (also || (ack->has_upto && x->seq <= ack->upto)))
            x->acked = true;
    }
}

static void acknowledge_some(struct world *w, struct spool *s) {
    if (w->shown_count == 0)
        return;
    struct ack ack = ack_make(w, w->shown[random_below(&w->random, w->shown_count)].spool_id);
    if (ack.has_upto && random_below(&w->random, 2) == 0)
        ack.upto = random_below(&w->random, (uint32_t)ack.upto + 1);
    if (random_below(&w->random, 2) == 0)
        ack.also_count = 0;
    acknowledge(w, s, &ack);
}

/* ---- work ---- */

static void reopen(struct world *w, struct spool *s, struct sim_disk *d,
                   const struct spool_conf *conf) {
    bool tidy = random_below(&w->random, 2) == 0;
    if (tidy)
        spool_close(s);
    sim_disk_kill(d);
    if (!world_open(w, s, d, conf) && w->faulty) {
        d->fail_from = 0; /* the daemon is started again and again until it succeeds */
        if (!world_open(w, s, d, conf))
            violate(w, "the spool does not open on a disk that works again");
    }
    /* What was read at the open counts as durable; what was only held is gone. */
    if (!d->dead && w->violation == NULL)
        world_check(w, s, d, conf);
}

static void step(struct world *w, struct spool *s, struct sim_disk *d,
                 const struct spool_conf *conf) {
    uint32_t what = random_below(&w->random, 100);
    if (what < 40)
        append(w, s);
    else if (what < 56)
        sync_all(w, s);
    else if (what < 72)
        (void)seal(w, s);
    else if (what < 82)
        show(w, s);
    else if (what < 92)
        acknowledge_some(w, s);
    else if (what < 95)
        report(w, s);
    else if (what < 97 && spool_save(s) == 0)
        w->saved_number = s->saved.number;
    else if (what >= 97)
        reopen(w, s, d, conf);
    if (s->cursor_safe && s->saved.number > w->saved_number && !d->dead)
        w->saved_number = s->saved.number;
}

void world_work(struct world *w, struct spool *s, struct sim_disk *d, const struct spool_conf *conf,
                unsigned steps) {
    for (unsigned i = 0; i < steps && !d->dead && w->violation == NULL; i++)
        step(w, s, d, conf);
}

/* ---- checks ---- */

/* What has left and was not acknowledged must still be there, or told as dropped. */
static void check_shown(struct world *w, struct spool *s) {
    for (unsigned i = 0; i < w->shown_count; i++) {
        const struct world_shown *x = &w->shown[i];
        if (x->spool_id == spool_id(s) && x->seq >= spool_next_seq(s))
            violate(w, "a number that has left would be given again");
    }
}

void world_check(struct world *w, struct spool *s, struct sim_disk *d,
                 const struct spool_conf *conf) {
    if (s->cursor.number < w->saved_number)
        violate(w, "a saved acknowledgement is forgotten");
    check_shown(w, s);
    int64_t most = conf->quota_bytes + (1 + SPOOL_BAD_KEPT) * (int64_t)conf->segment_bytes + 8192;
    if (sim_disk_used(d) > most)
        violate(w, "more of the disk than the quota");
    show(w, s);
}

static void check_arrived(struct world *w) {
    uint64_t lost = 0;
    for (unsigned i = 1; i < w->next_serial; i++)
        if (w->durable[i] && !w->sealed_out[i])
            lost++;
    if (lost > 0 && !w->pressure)
        violate(w, "a durable event is lost");
    if (lost > w->told_events)
        violate(w, "more is lost than was told");
}

static void acknowledge_all(struct world *w, struct spool *s) {
    for (unsigned i = 0; i < w->shown_count; i++) {
        if (w->shown[i].acked)
            continue;
        struct ack ack = ack_make(w, w->shown[i].spool_id);
        acknowledge(w, s, &ack);
    }
}

void world_drain(struct world *w, struct spool *s) {
    int round = 0;
    for (; round < DRAIN_ROUNDS && w->violation == NULL; round++) {
        int sealed = seal(w, s);
        sync_all(w, s);
        show(w, s);
        report(w, s);
        acknowledge_all(w, s);
        /* Shown and acknowledged before a cut, waiting again after it: acknowledged again. */
        for (unsigned i = 0; spool_unacked(s) > 0 && i < w->shown_count; i++) {
            struct ack ack = ack_make(w, w->shown[i].spool_id);
            acknowledge(w, s, &ack);
        }
        if (sealed == 0 && spool_unacked(s) == 0 && spool_unsealed(s) == 0 && s->drop_count == 0)
            break;
    }
    if (round == DRAIN_ROUNDS)
        violate(w, "the queue does not run dry");
    check_arrived(w);
    check_told(w);
}
