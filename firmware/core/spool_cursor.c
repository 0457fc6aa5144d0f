#include "spool_cursor.h"
#include "crc.h"
#include "spool_log.h"
#include <string.h>

/* The slots lie in different pages and erase-block halves: one torn write spoils one of them. */
enum {
    SLOT_BYTES = 96,
    SLOT_APART = 4096,
    SLOT_CRC_AT = SLOT_BYTES - 4,
    SLOT_MAGIC = 0x4353574D, /* "MWSC" */
    SLOT_VERSION = 1,
    SLOT_NUMBERS = 9,
    READ_ATTEMPTS = 10,
};

/* ---- the file ---- */

static void slot_put(uint8_t *slot, const struct spool *s, uint64_t generation,
                     const struct spool_cursor *c) {
    const uint64_t numbers[SLOT_NUMBERS] = {generation,    c->number,       c->ordinal,
                                            c->spool_id,   c->seq,          c->dropped,
                                            c->log_number, c->log_accepted, c->log_next_seq};
    memset(slot, 0, SLOT_BYTES);
    record_put(slot, SLOT_MAGIC, 4);
    record_put(slot + 4, SLOT_VERSION, 2);
    slot[6] = (uint8_t)s->conf.cls;
    for (unsigned i = 0; i < SLOT_NUMBERS; i++)
        record_put(slot + 8 + 8 * i, numbers[i], 8);
    record_put(slot + SLOT_CRC_AT, crc32c(0, slot, SLOT_CRC_AT), 4);
}

static bool slot_get(const uint8_t *slot, const struct spool *s, uint64_t *ret_generation,
                     struct spool_cursor *ret_cursor) {
    uint64_t n[SLOT_NUMBERS];
    if (record_get(slot, 4) != SLOT_MAGIC || record_get(slot + 4, 2) != SLOT_VERSION ||
        slot[6] != s->conf.cls || record_get(slot + SLOT_CRC_AT, 4) != crc32c(0, slot, SLOT_CRC_AT))
        return false;
    for (unsigned i = 0; i < SLOT_NUMBERS; i++)
        n[i] = record_get(slot + 8 + 8 * i, 8);
    *ret_generation = n[0];
    *ret_cursor = (struct spool_cursor){.number = n[1],
                                        .ordinal = n[2],
                                        .spool_id = n[3],
                                        .seq = n[4],
                                        .dropped = n[5],
                                        .log_number = n[6],
                                        .log_accepted = n[7],
                                        .log_next_seq = n[8]};
    return true;
}

static int cursor_file(struct spool *s, int create) {
    if (s->cursor_file >= 0)
        return s->cursor_file;
    char name[DISK_NAME_MAX + 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_CURSOR, 0, name);
    s->cursor_file = s->disk.open(s->disk.ctx, name, create);
    return s->cursor_file;
}

int spool_cursor_load(struct spool *s) {
    int file = cursor_file(s, 0);
    if (file == ERR_NOENT)
        return 0;
    if (file < 0)
        return file;
    for (int i = 0; i < 2; i++) {
        uint8_t slot[SLOT_BYTES] = {0};
        uint64_t generation = 0;
        struct spool_cursor cursor;
        int r = ERR_IO;
        for (int attempt = 0; r < 0 && attempt < READ_ATTEMPTS; attempt++)
            r = s->disk.read(s->disk.ctx, file, (int64_t)i * SLOT_APART, slot, sizeof slot);
        if (spool_log_result(s, r) < 0 || !slot_get(slot, s, &generation, &cursor))
            continue;
        if (s->cursor_found && generation < s->cursor_generation)
            continue;
        s->cursor_found = true;
        s->cursor_generation = generation;
        s->cursor = s->saved = cursor;
    }
    return 0;
}

static bool same(const struct spool_cursor *a, const struct spool_cursor *b) {
    return a->number == b->number && a->ordinal == b->ordinal && a->spool_id == b->spool_id &&
           a->seq == b->seq && a->dropped == b->dropped && a->log_number == b->log_number;
}

int spool_cursor_save(struct spool *s) {
    if (s->read_only)
        return ERR_READONLY;
    struct spool_cursor next = s->drop_count > 0 ? s->saved : s->cursor;
    next.log_number = s->durable.number;
    next.log_accepted = s->durable.accepted;
    next.log_next_seq = s->durable.next_seq;
    if (s->cursor_safe && same(&next, &s->saved))
        return 0;
    int file = cursor_file(s, 1);
    if (file < 0)
        return spool_log_result(s, file);
    uint64_t generation = s->cursor_generation + 1;
    uint8_t slot[SLOT_BYTES];
    slot_put(slot, s, generation, &next);
    int r =
        s->disk.write(s->disk.ctx, file, (int64_t)(generation % 2) * SLOT_APART, slot, sizeof slot);
    if (r >= 0)
        r = s->disk.sync(s->disk.ctx, file);
    if (r >= 0 && !s->cursor_safe)
        r = s->disk.sync_dir(s->disk.ctx);
    if (r < 0)
        return spool_log_result(s, r);
    s->cursor_generation = generation;
    s->cursor_found = s->cursor_safe = true;
    s->saved = next;
    s->unsaved_acks = 0;
    return 0;
}

void spool_cursor_try(struct spool *s) {
    if (spool_cursor_save(s) < 0)
        return;
}

/* ---- settled out of turn ---- */

static int early_index(const struct spool *s, uint64_t spool_id, uint64_t seq) {
    for (unsigned i = 0; i < s->early_count; i++)
        if (s->early[i].spool_id == spool_id && s->early[i].seq == seq)
            return (int)i;
    return -1;
}

bool spool_cursor_is_early(const struct spool *s, uint64_t spool_id, uint64_t seq) {
    return early_index(s, spool_id, seq) >= 0;
}

bool spool_cursor_early(struct spool *s, uint64_t spool_id, uint64_t seq) {
    if (s->early_count == SPOOL_EARLY_ACKS)
        return false;
    s->early[s->early_count++] = (struct spool_early){.spool_id = spool_id, .seq = seq};
    return true;
}

static bool early_take(struct spool *s, uint64_t spool_id, uint64_t seq) {
    int i = early_index(s, spool_id, seq);
    if (i < 0)
        return false;
    s->early[i] = s->early[--s->early_count];
    return true;
}

bool spool_cursor_acks(const struct ack *ack, uint64_t spool_id, uint64_t seq) {
    return ack != NULL && ack->spool_id == spool_id && ack_covers(ack, seq);
}

/* ---- what is missing ---- */

static bool has_batches(const struct spool_drop *drop) {
    return drop->from_seq <= drop->to_seq;
}

/* Told as one: the same reason, and batches in a row or none at all. */
static bool drops_join(const struct spool_drop *a, const struct spool_drop *b) {
    if (a->spool_id != b->spool_id || a->reason != b->reason || has_batches(a) != has_batches(b))
        return false;
    return !has_batches(a) || b->from_seq == a->to_seq + 1;
}

void spool_cursor_drop(struct spool *s, const struct spool_drop *drop) {
    struct spool_drop *last = s->drop_count > 0 ? &s->drops[s->drop_count - 1] : NULL;
    bool joins = last != NULL && drops_join(last, drop);
    if (drop->reason == GAP_QUEUE_FULL)
        s->refused += drop->events;
    else
        s->dropped += drop->events;
    if (!joins && s->drop_count < SPOOL_DROPS) {
        s->drops[s->drop_count++] = *drop;
        return;
    }
    /* With the table full the last entry covers what comes after it too. */
    last->events += drop->events;
    if (has_batches(drop) && has_batches(last) && last->spool_id == drop->spool_id)
        last->to_seq = drop->to_seq;
}

/* Compares what the cursor expects next with what comes next; the difference will never come. */
static void note_missing(struct spool *s, uint64_t spool_id, uint64_t seq, uint64_t ordinal) {
    const struct spool_cursor *c = &s->cursor;
    uint64_t from = c->spool_id == spool_id ? c->seq : 0;
    uint64_t events = ordinal > c->ordinal ? ordinal - c->ordinal : 0;
    if (seq <= from && events == 0)
        return;
    struct spool_drop drop = {
        .spool_id = spool_id,
        .from_seq = from,
        .to_seq = seq - 1,
        .events = events < UINT32_MAX ? (uint32_t)events : UINT32_MAX,
        .reason = GAP_DAMAGED,
    };
    if (seq <= from) {
        drop.from_seq = 1; /* no batch: from > to */
        drop.to_seq = 0;
    }
    /* Only a full disk takes whole segments from the front of the log. */
    if (s->segment_count == 0 || c->ordinal < s->segments[0].accepted)
        drop.reason = GAP_DISK_FULL;
    spool_cursor_drop(s, &drop);
}

/* Ordinal of the oldest event that waits to be sealed. */
static int first_unsealed(struct spool *s, uint64_t *ret_ordinal) {
    struct spool_pos pos = s->unsealed, at;
    struct record record;
    struct record_event about;
    struct event event;
    *ret_ordinal = s->now.accepted;
    if (s->tally.unsealed == 0)
        return 0;
    int r;
    while ((r = spool_log_next(s, &pos, &record, &at)) > 0)
        if (record_get_event(&record, &about, &event) == 0 && about.ordinal >= s->now.sealed) {
            *ret_ordinal = about.ordinal;
            return 0;
        }
    return r;
}

/* All batches are settled: the cursor stands at the end of what is durable. */
static int advance_to_end(struct spool *s) {
    uint64_t ordinal = s->cursor.ordinal;
    int r = s->held_batch ? 0 : first_unsealed(s, &ordinal);
    if (r < 0)
        return r;
    /* One of the two identities has only just begun: nothing of it can be missing. */
    bool renewed = s->cursor.spool_id != s->spool_id && s->cursor.number >= s->durable.number;
    note_missing(s, s->spool_id, renewed ? 0 : s->durable.next_seq, ordinal);
    if (ordinal > s->cursor.ordinal)
        s->cursor.ordinal = ordinal;
    s->cursor.number = s->durable.number;
    s->cursor.spool_id = s->spool_id;
    s->cursor.seq = s->durable.next_seq;
    return 0;
}

static void settle(struct spool *s, struct spool_pos at, uint32_t events) {
    struct spool_tally *part = spool_log_tally(s, at);
    part->unacked--;
    part->unacked_events -= events;
    s->tally.unacked--;
    s->tally.unacked_events -= events;
}

/* Events that could not be read when the batch was sealed: within its span, but not in it. */
static void note_unread(struct spool *s, const struct record_batch *batch) {
    uint64_t spanned = batch->to - batch->from;
    if (spanned <= batch->events)
        return;
    const struct spool_drop drop = {.spool_id = batch->spool_id,
                                    .from_seq = 1, /* no batch: from > to */
                                    .events = (uint32_t)(spanned - batch->events),
                                    .reason = GAP_DAMAGED};
    spool_cursor_drop(s, &drop);
}

/* Passes one batch if it is settled: 1, 0 if the head stays before it. */
static int advance_over(struct spool *s, const struct record *record,
                        const struct record_batch *batch, struct spool_pos at,
                        const struct ack *ack, int *settled) {
    note_missing(s, batch->spool_id, batch->seq, batch->from);
    s->cursor.number = record->number;
    s->cursor.ordinal = batch->from;
    s->cursor.spool_id = batch->spool_id;
    s->cursor.seq = batch->seq;
    s->head = at;
    if (!early_take(s, batch->spool_id, batch->seq)) {
        if (!spool_cursor_acks(ack, batch->spool_id, batch->seq))
            return 0;
        settle(s, at, batch->events);
        (*settled)++;
    }
    note_unread(s, batch);
    s->cursor.number = record->number + 1;
    s->cursor.ordinal = batch->to;
    s->cursor.seq = batch->seq + 1;
    return 1;
}

/* Early ones that the cursor has passed because they are gone. */
static void early_purge(struct spool *s) {
    for (unsigned i = s->early_count; i > 0; i--)
        if (s->early[i - 1].spool_id == s->cursor.spool_id && s->early[i - 1].seq < s->cursor.seq)
            s->early[i - 1] = s->early[--s->early_count];
}

static int advance(struct spool *s, const struct ack *ack) {
    struct spool_pos pos = s->head, at;
    struct record record;
    struct record_batch batch;
    int settled = 0, r;
    while ((r = spool_log_next(s, &pos, &record, &at)) > 0) {
        if (record.number >= s->durable.number)
            break;
        if (record.number < s->cursor.number || record_get_batch(&record, &batch) < 0)
            continue;
        if (!advance_over(s, &record, &batch, at, ack, &settled))
            return settled;
        s->head = pos;
    }
    if (r < 0)
        return r;
    return (r = advance_to_end(s)) < 0 ? r : settled;
}

int spool_cursor_advance(struct spool *s, const struct ack *ack) {
    int r = advance(s, ack);
    early_purge(s);
    return r;
}
