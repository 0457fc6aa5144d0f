#include "spool.h"
#include "record.h"
#include "spool_cursor.h"
#include "spool_log.h"
#include <string.h>

/* ---- appending ---- */

int spool_append_event(struct spool *s, const struct event *event) {
    uint8_t *payload = NULL;
    int r = spool_log_room(s, RECORD_EVENT_MAX, &payload);
    if (r < 0) {
        const struct spool_drop refused = {
            .spool_id = s->spool_id, .from_seq = 1, .events = 1, .reason = GAP_QUEUE_FULL};
        spool_cursor_drop(s, &refused);
        return r;
    }
    const struct record_event about = {.ordinal = s->now.accepted, .boot_id = s->boot_id};
    uint32_t len = record_put_event(payload, &about, event);
    if (s->tally.unsealed == 0)
        s->unsealed = spool_log_end(s);
    s->now.accepted++;
    s->tally.unsealed++;
    s->held_tally.unsealed++;
    spool_log_push(s, RECORD_EVENT, len);
    return 0;
}

int spool_append_anchor(struct spool *s, const struct spool_anchor *anchor) {
    uint8_t *payload = NULL;
    int r = spool_log_room(s, RECORD_ANCHOR_BYTES, &payload);
    if (r < 0)
        return r;
    spool_log_learn(s, anchor);
    spool_log_push(s, RECORD_ANCHOR, record_put_anchor(payload, anchor));
    return 0;
}

/* Walks over the unsealed events; the record's own bytes are not looked at again. */
struct unsealed_walk {
    struct spool_pos pos, at;
    struct record_event about;
    struct event event;
};

static int unsealed_next(struct spool *s, struct unsealed_walk *w) {
    struct record record;
    int r;
    while ((r = spool_log_next(s, &w->pos, &record, &w->at)) > 0)
        if (record_get_event(&record, &w->about, &w->event) == 0 &&
            w->about.ordinal >= s->now.sealed)
            return 1;
    return r;
}

int spool_events(struct spool *s, struct event *events, size_t cap, uint64_t *ret_boot_id) {
    struct unsealed_walk w = {.pos = s->unsealed};
    uint64_t boot_id = 0;
    int n = 0, r = 0;
    if (s->tally.unsealed == 0)
        return 0;
    while ((size_t)n < cap && (r = unsealed_next(s, &w)) > 0) {
        if (n > 0 && w.about.boot_id != boot_id)
            break;
        boot_id = w.about.boot_id;
        events[n++] = w.event;
    }
    if (r < 0)
        return r;
    if (n > 0)
        *ret_boot_id = boot_id;
    return n;
}

/* The oldest unsealed events, as many as a batch takes. */
struct span {
    uint64_t from, to;     /* their ordinals: [from, to) */
    struct spool_pos past; /* behind the last of them */
};

static int span(struct spool *s, uint32_t events, struct span *ret_span) {
    struct unsealed_walk w = {.pos = s->unsealed};
    struct span x = {.from = s->now.sealed, .to = s->now.sealed, .past = s->unsealed};
    if (events > s->tally.unsealed)
        return ERR_INVAL;
    for (uint32_t i = 0; i < events; i++) {
        int r = unsealed_next(s, &w);
        if (r <= 0)
            return r < 0 ? r : ERR_INVAL;
        if (i == 0)
            x.from = w.about.ordinal;
        x.to = w.about.ordinal + 1;
        x.past = w.pos;
    }
    *ret_span = x;
    return 0;
}

/* Takes the oldest events off the tallies: those of the first segments that have any. */
static void consume(struct spool *s, const struct span *x, uint32_t events) {
    uint32_t left = events;
    for (unsigned i = 0; i < s->segment_count && left > 0; i++) {
        uint32_t *has = &s->segments[i].tally.unsealed;
        uint32_t n = *has < left ? *has : left;
        *has -= n;
        left -= n;
    }
    s->held_tally.unsealed -= left;
    s->tally.unsealed -= events;
    s->unsealed = x->past;
    s->now.sealed = x->to;
}

int spool_append_batch(struct spool *s, const uint8_t *payload, size_t len, uint32_t events) {
    uint8_t *room = NULL;
    struct span before, x;
    if (len > WIRE_PAYLOAD_MAX)
        return ERR_OVERFLOW;
    int r = span(s, events, &before);
    /* Two batches that are not durable could be lost one without the other; the events of the
     * first would then look consumed. */
    if (r >= 0 && s->held_batch)
        r = spool_sync(s);
    if (r >= 0)
        r = spool_log_room(s, RECORD_BATCH_PREFIX + (uint32_t)len, &room);
    if (r < 0)
        return r;
    /* Making room may have dropped some of these very events. */
    r = span(s, events, &x);
    if (r == ERR_INVAL || (r >= 0 && (x.from != before.from || x.to != before.to)))
        return ERR_STALE;
    if (r < 0)
        return r;
    struct record_batch batch = {.from = x.from,
                                 .to = x.to,
                                 .spool_id = s->spool_id,
                                 .seq = s->now.next_seq,
                                 .events = events};
    batch_hash(payload, len, batch.hash);
    record_put_batch(room, &batch);
    memcpy(room + RECORD_BATCH_PREFIX, payload, len);
    consume(s, &x, events);
    if (s->tally.unacked == 0)
        s->head = spool_log_end(s);
    s->held_tally.unacked++;
    s->held_tally.unacked_events += events;
    s->tally.unacked++;
    s->tally.unacked_events += events;
    s->now.next_seq++;
    s->now.has_previous = true;
    memcpy(s->now.previous, batch.hash, WIRE_HASH_BYTES);
    s->held_batch = true;
    spool_log_push(s, RECORD_BATCH, RECORD_BATCH_PREFIX + (uint32_t)len);
    return 0;
}

/* ---- looking ---- */

uint64_t spool_id(const struct spool *s) {
    return s->spool_id;
}

uint64_t spool_next_seq(const struct spool *s) {
    return s->now.next_seq;
}

bool spool_previous(const struct spool *s, uint8_t ret_hash[WIRE_HASH_BYTES]) {
    if (s->now.has_previous)
        memcpy(ret_hash, s->now.previous, WIRE_HASH_BYTES);
    return s->now.has_previous;
}

uint32_t spool_unsealed(const struct spool *s) {
    return s->tally.unsealed;
}

uint32_t spool_unacked(const struct spool *s) {
    return s->tally.unacked;
}

bool spool_durable(const struct spool *s) {
    return s->held_len == 0;
}

bool spool_anchor(const struct spool *s, uint64_t boot_id, struct spool_anchor *ret_anchor) {
    for (unsigned i = 0; i < s->anchor_count; i++)
        if (s->anchors[i].boot_id == boot_id) {
            *ret_anchor = s->anchors[i];
            return true;
        }
    return false;
}

void spool_stats(const struct spool *s, struct spool_stats *ret_stats) {
    struct spool_stats stats = {
        .spool_id = s->spool_id,
        .next_seq = s->now.next_seq,
        .acked_seq = s->cursor.spool_id == s->spool_id ? s->cursor.seq : 0,
        .accepted = s->now.accepted,
        .dropped = s->dropped,
        .refused = s->refused,
        .unsealed = s->tally.unsealed,
        .unacked = s->tally.unacked,
        .unacked_events = s->tally.unacked_events,
        .segments = s->segment_count,
        .set_aside = s->set_aside,
        .records_lost = s->records_lost,
        .storage_errors = s->storage_errors,
    };
    for (unsigned i = 0; i < s->segment_count; i++)
        stats.bytes += s->segments[i].bytes;
    *ret_stats = stats;
}

/* ---- sealed batches ---- */

int spool_next_batch(struct spool *s, const struct spool_pending *after,
                     struct spool_pending *ret_pending) {
    struct spool_pos pos = after != NULL ? after->at : s->head, at;
    struct record record;
    struct record_batch batch;
    int r;
    if (s->tally.unacked == 0)
        return ERR_NOENT;
    while ((r = spool_log_next(s, &pos, &record, &at)) > 0) {
        if (record.number >= s->durable.number)
            return ERR_NOENT;
        if (after != NULL && at.segment == after->at.segment && at.offset <= after->at.offset)
            continue;
        if (record.number < s->cursor.number || record_get_batch(&record, &batch) < 0 ||
            spool_cursor_is_early(s, batch.spool_id, batch.seq))
            continue;
        *ret_pending = (struct spool_pending){
            .seq = batch.seq,
            .spool_id = batch.spool_id,
            .len = record.len - RECORD_BATCH_PREFIX,
            .events = batch.events,
            .at = at,
            .number = record.number,
        };
        return 0;
    }
    return r < 0 ? r : ERR_NOENT;
}

/* A batch that was readable and is not any more: settled, and missing from now on. */
static int give_up(struct spool *s, const struct spool_pending *which) {
    if (!spool_cursor_early(s, which->spool_id, which->seq))
        return ERR_BADMSG;
    struct spool_tally *part = spool_log_tally(s, which->at);
    part->unacked--;
    part->unacked_events -= which->events;
    s->tally.unacked--;
    s->tally.unacked_events -= which->events;
    s->records_lost++;
    int r = spool_cursor_advance(s, NULL);
    return r < 0 ? r : ERR_BADMSG;
}

int spool_read_batch(struct spool *s, const struct spool_pending *which, uint8_t *payload,
                     size_t cap) {
    struct spool_pos pos = which->at, at;
    struct record record;
    struct record_batch batch;
    int index = spool_log_index(s, pos.segment);
    if (index < 0 || pos.offset >= s->segments[index].end || which->number < s->cursor.number ||
        spool_cursor_is_early(s, which->spool_id, which->seq))
        return ERR_STALE;
    s->window_len = 0; /* from the disk, not from what was read some time ago */
    int r = spool_log_next(s, &pos, &record, &at);
    if (r < 0)
        return r;
    if (r == 0 || at.segment != which->at.segment || at.offset != which->at.offset)
        return give_up(s, which);
    if (record_get_batch(&record, &batch) < 0 || record.number != which->number)
        return ERR_STALE;
    size_t len = record.len - RECORD_BATCH_PREFIX;
    if (len > cap)
        return ERR_OVERFLOW;
    memcpy(payload, record.payload + RECORD_BATCH_PREFIX, len);
    return (int)len;
}

/* ---- acknowledgements ---- */

/* Batches behind the head that `ack` names: at most so many that it pays to look at. */
static int ack_out_of_turn(struct spool *s, const struct ack *ack) {
    struct spool_pending pending;
    bool have = false;
    int settled = 0, r = 0;
    for (int looked = 0; looked < SPOOL_EARLY_ACKS; looked++) {
        struct spool_pending next;
        r = spool_next_batch(s, have ? &pending : NULL, &next);
        if (r < 0)
            break;
        pending = next;
        have = true;
        if (!spool_cursor_acks(ack, next.spool_id, next.seq))
            continue;
        if (!spool_cursor_early(s, next.spool_id, next.seq))
            break;
        struct spool_tally *part = spool_log_tally(s, next.at);
        part->unacked--;
        part->unacked_events -= next.events;
        s->tally.unacked--;
        s->tally.unacked_events -= next.events;
        settled++;
    }
    return r < 0 && r != ERR_NOENT ? r : settled;
}

int spool_ack(struct spool *s, const struct ack *ack) {
    if (s->read_only)
        return ERR_READONLY;
    if (ack->cls != s->conf.cls)
        return ERR_INVAL;
    if (ack->has_upto && ack->spool_id == s->spool_id && ack->upto >= s->durable.next_seq)
        return ERR_RANGE;
    int settled = spool_cursor_advance(s, ack);
    if (settled < 0)
        return settled;
    int early = ack_out_of_turn(s, ack);
    if (early > 0)
        settled += early;
    s->unsaved_acks += (uint32_t)settled;
    if (s->unsaved_acks >= SPOOL_CURSOR_EVERY)
        spool_cursor_try(s); /* counted; lagging costs duplicates only */
    spool_log_free(s);
    return settled;
}

int spool_save(struct spool *s) {
    return spool_cursor_save(s);
}

/* ---- drops ---- */

int spool_dropped(const struct spool *s, struct spool_drop *ret_drop) {
    if (s->drop_count == 0)
        return 0;
    *ret_drop = s->drops[0];
    return 1;
}

void spool_drop_reported(struct spool *s, const struct spool_drop *drop) {
    struct spool_drop *first = &s->drops[0];
    if (s->drop_count == 0 || first->spool_id != drop->spool_id ||
        first->from_seq != drop->from_seq)
        return;
    first->events -= drop->events < first->events ? drop->events : first->events;
    if (first->from_seq <= first->to_seq)
        first->from_seq = drop->to_seq + 1;
    if (first->events == 0 && first->from_seq > first->to_seq) {
        s->drop_count--;
        memmove(s->drops, s->drops + 1, s->drop_count * sizeof s->drops[0]);
    }
    if (s->drop_count == 0) {
        s->cursor.dropped = s->dropped;
        spool_cursor_try(s); /* counted; a loss told twice is better than one not told */
        spool_log_free(s);
    }
}
