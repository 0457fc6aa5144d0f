/* Batches, the queues they belong to, and what is missing of those. */
#include "store_sqlite_own.h"
#include <string.h>

/* One queue: what most statements here are about. */
#define QUEUE(device, spool_id, cls) SQ_T(device), SQ_I(spool_id), SQ_I(cls)

struct stored {
    int64_t id;
    uint8_t hash[WIRE_HASH_BYTES];
};

static int stored_row(sqlite3_stmt *s, void *sink) {
    struct stored *stored = sink;
    stored->id = sq_int(s, 0);
    if (sqlite3_column_bytes(s, 1) != WIRE_HASH_BYTES)
        return ERR_BADMSG;
    memcpy(stored->hash, sqlite3_column_blob(s, 1), WIRE_HASH_BYTES);
    return 0;
}

static int stored_find(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls,
                       uint64_t seq, struct stored *stored) {
    return sq_one(q, stored_row, stored,
                  "SELECT id, hash FROM batches WHERE device = ? AND spool = ? AND cls = ?"
                  " AND seq = ?",
                  QUEUE(device, spool_id, cls), SQ_I(seq));
}

/* -- how far a queue is whole ---------------------------------------------------------------- */

struct queue_state {
    int64_t upto, highest; /* -1: none */
};

static int queue_state_row(sqlite3_stmt *s, void *sink) {
    struct queue_state *state = sink;
    state->upto = sqlite3_column_type(s, 0) == SQLITE_NULL ? -1 : sq_int(s, 0);
    state->highest = sqlite3_column_type(s, 1) == SQLITE_NULL ? -1 : sq_int(s, 1);
    return 0;
}

static int queue_state(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls,
                       struct queue_state *state) {
    *state = (struct queue_state){-1, -1};
    return sq_one(q, queue_state_row, state,
                  "SELECT upto, highest FROM streams WHERE device = ? AND spool = ? AND cls = ?",
                  QUEUE(device, spool_id, cls));
}

/* The end of the known run (stored or declared lost) that `at` stands in; at - 1 if in none. */
static int run_end(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls,
                   int64_t at, int64_t *ret_end) {
    struct stored stored;
    int64_t next = at;
    for (;;) {
        int64_t lost_to = -1;
        int r = sq_one(q, sq_row_int, &lost_to,
                       "SELECT max(to_seq) FROM lost WHERE device = ? AND spool = ? AND cls = ?"
                       " AND from_seq <= ? AND to_seq >= ? HAVING max(to_seq) IS NOT NULL",
                       QUEUE(device, spool_id, cls), SQ_I(next), SQ_I(next));
        if (r == 0)
            r = stored_find(q, device, spool_id, cls, (uint64_t)next, &stored);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        next = (lost_to >= next ? lost_to : next) + 1;
    }
    *ret_end = next - 1;
    return 0;
}

static int upto_advance(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls) {
    struct queue_state state;
    int64_t end = -1;
    int r = queue_state(q, device, spool_id, cls, &state);
    if (r >= 0)
        r = run_end(q, device, spool_id, cls, state.upto + 1, &end);
    if (r < 0 || end <= state.upto)
        return r;
    return sq_run(q, "UPDATE streams SET upto = ?4 WHERE device = ?1 AND spool = ?2 AND cls = ?3",
                  QUEUE(device, spool_id, cls), SQ_I(end));
}

/* -- writing --------------------------------------------------------------------------------- */

static int batch_insert(struct sq *q, const struct batch_header *h, const uint8_t *payload,
                        size_t len, const uint8_t *hash, int64_t received_ms) {
    return sq_run(q,
                  "INSERT INTO batches(device, spool, cls, seq, schema, boot, anchor_boot_ms,"
                  " anchor_unix_ms, anchor_quality, previous, codec, body_size, events,"
                  " received_ms, hash, payload) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                  QUEUE(h->device, h->spool_id, h->cls), SQ_I(h->seq), SQ_I(h->schema),
                  SQ_I(h->boot_id), SQ_I(h->anchor_boot_ms), SQ_I(h->anchor_unix_ms),
                  SQ_I(h->anchor_quality),
                  SQ_B(h->has_previous ? h->previous : NULL, WIRE_HASH_BYTES), SQ_I(h->codec),
                  SQ_I(h->body_size), SQ_I(h->events), SQ_I(received_ms),
                  SQ_B(hash, WIRE_HASH_BYTES), SQ_B(payload, len));
}

static int queue_count(struct sq *q, const struct batch_header *h, size_t len) {
    return sq_run(q,
                  "INSERT INTO streams(device, spool, cls, highest, stored, events, bytes)"
                  " VALUES(?1,?2,?3,?4,1,?5,?6) ON CONFLICT DO UPDATE SET"
                  " highest = max(coalesce(highest, -1), ?4), stored = stored + 1,"
                  " events = events + ?5, bytes = bytes + ?6",
                  QUEUE(h->device, h->spool_id, h->cls), SQ_I(h->seq), SQ_I(h->events), SQ_I(len));
}

static int batch_add(struct sq *q, const struct batch_header *h, const uint8_t *payload, size_t len,
                     const uint8_t *hash, int64_t received_ms) {
    int r = batch_insert(q, h, payload, len, hash, received_ms);
    if (r >= 0)
        r = queue_count(q, h, len);
    if (r >= 0)
        r = upto_advance(q, h->device, h->spool_id, h->cls);
    return r;
}

static int batch_put(void *ctx, const struct batch_header *h, const uint8_t *payload, size_t len,
                     int64_t received_ms, int64_t *ret_id) {
    struct sq *q = ctx;
    if (h->seq > INT64_MAX || h->cls >= CLASS_COUNT || len == 0)
        return ERR_INVAL;
    struct stored stored;
    uint8_t hash[WIRE_HASH_BYTES];
    batch_hash(payload, len, hash);
    int r = stored_find(q, h->device, h->spool_id, h->cls, h->seq, &stored);
    if (r < 0)
        return r;
    if (r > 0) {
        if (memcmp(stored.hash, hash, sizeof hash) != 0)
            return ERR_EXIST;
        *ret_id = stored.id;
        return 0;
    }
    bool own_tx = sqlite3_get_autocommit(q->db) != 0;
    r = own_tx ? sq_exec(q, "BEGIN IMMEDIATE") : 0;
    if (r < 0)
        return r;
    r = batch_add(q, h, payload, len, hash, received_ms);
    int64_t id = 0;
    if (r >= 0)
        r = sq_one(q, sq_row_int, &id,
                   "SELECT id FROM batches WHERE device = ? AND spool = ? AND cls = ?"
                   " AND seq = ?",
                   QUEUE(h->device, h->spool_id, h->cls), SQ_I(h->seq));
    if (own_tx)
        r = sq_finish(q, r);
    if (r < 0)
        return r;
    *ret_id = id;
    return 1;
}

static int lost_add(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls,
                    uint64_t from_seq, uint64_t to_seq) {
    int r = sq_run(q, "INSERT OR IGNORE INTO lost VALUES(?,?,?,?,?)", QUEUE(device, spool_id, cls),
                   SQ_I(from_seq), SQ_I(to_seq));
    if (r == 0)
        return 0;
    if (r > 0)
        r = sq_run(q,
                   "INSERT INTO streams(device, spool, cls, lost) VALUES(?1,?2,?3,?4)"
                   " ON CONFLICT DO UPDATE SET lost = lost + ?4",
                   QUEUE(device, spool_id, cls), SQ_I(to_seq - from_seq + 1));
    return r < 0 ? r : upto_advance(q, device, spool_id, cls);
}

static int lost_put(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                    uint64_t from_seq, uint64_t to_seq) {
    struct sq *q = ctx;
    if (from_seq > to_seq || to_seq >= INT64_MAX || cls >= CLASS_COUNT)
        return ERR_INVAL;
    bool own_tx = sqlite3_get_autocommit(q->db) != 0;
    int r = own_tx ? sq_exec(q, "BEGIN IMMEDIATE") : 0;
    if (r < 0)
        return r;
    r = lost_add(q, device, spool_id, cls, from_seq, to_seq);
    if (own_tx)
        r = sq_finish(q, r);
    return r < 0 ? r : 0;
}

/* -- reading --------------------------------------------------------------------------------- */

static int batch_find(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                      uint64_t seq, int64_t *ret_id) {
    struct stored stored;
    int r = stored_find(ctx, device, spool_id, cls, seq, &stored);
    if (r > 0)
        *ret_id = stored.id;
    return r;
}

static int hash_get(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                    uint64_t seq, uint8_t ret_hash[WIRE_HASH_BYTES]) {
    struct stored stored;
    int r = stored_find(ctx, device, spool_id, cls, seq, &stored);
    if (r > 0)
        memcpy(ret_hash, stored.hash, WIRE_HASH_BYTES);
    return r;
}

static void batch_read(sqlite3_stmt *s, struct store_batch *row) {
    *row = (struct store_batch){
        .id = sq_int(s, 0),
        .header = {.spool_id = (uint64_t)sq_int(s, 2),
                   .cls = (enum event_class)sq_int(s, 3),
                   .seq = (uint64_t)sq_int(s, 4),
                   .schema = (uint32_t)sq_int(s, 5),
                   .boot_id = (uint64_t)sq_int(s, 6),
                   .anchor_boot_ms = sq_int(s, 7),
                   .anchor_unix_ms = sq_int(s, 8),
                   .anchor_quality = (uint8_t)sq_int(s, 9),
                   .codec = (uint32_t)sq_int(s, 11),
                   .body_size = (uint32_t)sq_int(s, 12),
                   .events = (uint32_t)sq_int(s, 13)},
        .received_ms = sq_int(s, 14),
        .payload = sqlite3_column_blob(s, 15),
        .len = (size_t)sqlite3_column_bytes(s, 15),
    };
    SQ_TEXT_INTO(s, 1, row->header.device);
    row->header.has_previous = sqlite3_column_bytes(s, 10) == WIRE_HASH_BYTES;
    if (row->header.has_previous)
        memcpy(row->header.previous, sqlite3_column_blob(s, 10), WIRE_HASH_BYTES);
}

SQ_ROWS(batch)

static int batches(void *ctx, int64_t after, size_t limit,
                   int (*each)(void *arg, const struct store_batch *row), void *arg) {
    struct batch_sink sink = {each, arg};
    return sq_each(ctx, limit, batch_row, &sink,
                   "SELECT id, device, spool, cls, seq, schema, boot, anchor_boot_ms,"
                   " anchor_unix_ms, anchor_quality, previous, codec, body_size, events,"
                   " received_ms, payload FROM batches WHERE id > ? ORDER BY id",
                   SQ_I(after));
}

static int also_row(sqlite3_stmt *s, void *sink) {
    struct ack *a = sink;
    a->also[a->also_count++] = (uint64_t)sq_int(s, 0);
    return 0;
}

static int ack(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
               struct ack *ret_ack) {
    struct queue_state state;
    int r = queue_state(ctx, device, spool_id, cls, &state);
    struct ack a = {.spool_id = spool_id,
                    .cls = cls,
                    .has_upto = state.upto >= 0,
                    .upto = state.upto >= 0 ? (uint64_t)state.upto : 0};
    if (r >= 0)
        r = sq_each(ctx, ACK_ALSO_MAX, also_row, &a,
                    "SELECT seq FROM batches WHERE device = ? AND spool = ? AND cls = ?"
                    " AND seq > ? ORDER BY seq",
                    QUEUE(device, spool_id, cls), SQ_I(state.upto));
    if (r < 0)
        return r;
    *ret_ack = a;
    return 0;
}

static void stream_read(sqlite3_stmt *s, struct store_stream *row) {
    *row = (struct store_stream){
        .spool_id = (uint64_t)sq_int(s, 1),
        .cls = (enum event_class)sq_int(s, 2),
        .stored = (uint64_t)sq_int(s, 3),
        .events = (uint64_t)sq_int(s, 4),
        .has_upto = sqlite3_column_type(s, 5) != SQLITE_NULL,
        .upto = (uint64_t)sq_int(s, 5),
        .highest = (uint64_t)sq_int(s, 6),
        .declared_lost = (uint64_t)sq_int(s, 7),
    };
    SQ_TEXT_INTO(s, 0, row->device);
}

SQ_ROWS(stream)

static int streams(void *ctx, const char *device,
                   int (*each)(void *arg, const struct store_stream *row), void *arg) {
    struct stream_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT device, spool, cls, stored, events, upto, highest, lost"
                      " FROM streams");
    if (device != NULL)
        sq_where_add(&w, "device = ?", SQ_T(device));
    sq_where_end(&w, " ORDER BY device, spool, cls");
    return sq_each_where(ctx, 0, stream_row, &sink, &w);
}

/* -- what is missing ------------------------------------------------------------------------- */

struct missing_walk {
    struct sq *q;
    size_t limit, found;
    int (*each)(void *arg, const struct store_missing *row);
    void *arg;
};

/* The first number from `at` on that is known, stored or declared lost; ret_known = INT64_MAX if
 * there is none. */
static int next_known(struct sq *q, const char *device, uint64_t spool_id, enum event_class cls,
                      int64_t at, int64_t *ret_known) {
    int64_t known = INT64_MAX;
    int r = sq_one(q, sq_row_int, &known,
                   "SELECT min(n) FROM (SELECT min(seq) AS n FROM batches WHERE device = ?1"
                   " AND spool = ?2 AND cls = ?3 AND seq >= ?4 UNION ALL"
                   " SELECT max(from_seq, ?4) FROM lost WHERE device = ?1 AND spool = ?2"
                   " AND cls = ?3 AND to_seq >= ?4) HAVING min(n) IS NOT NULL",
                   QUEUE(device, spool_id, cls), SQ_I(at));
    if (r >= 0)
        *ret_known = known;
    return r;
}

static int missing_in(struct missing_walk *walk, const char *device, uint64_t spool_id,
                      enum event_class cls) {
    struct queue_state state;
    int r = queue_state(walk->q, device, spool_id, cls, &state);
    int64_t at = state.upto + 1;
    while (r >= 0 && at < state.highest && walk->found < walk->limit) {
        int64_t known = at;
        r = next_known(walk->q, device, spool_id, cls, at, &known);
        if (r < 0 || known > state.highest)
            break;
        if (known > at) {
            struct store_missing row = {.spool_id = spool_id,
                                        .cls = cls,
                                        .from_seq = (uint64_t)at,
                                        .to_seq = (uint64_t)known - 1};
            memccpy(row.device, device, '\0', sizeof row.device - 1);
            walk->found++;
            r = walk->each(walk->arg, &row);
            if (r != 0)
                return r;
        }
        r = run_end(walk->q, device, spool_id, cls, known, &at);
        at++;
    }
    return r < 0 ? r : 0;
}

enum { QUEUES_AT_ONCE = 64 };

struct broken_queues {
    struct store_stream row[QUEUES_AT_ONCE];
    size_t count;
};

static int broken_queue_row(sqlite3_stmt *s, void *sink) {
    struct broken_queues *broken = sink;
    stream_read(s, &broken->row[broken->count++]);
    return 0;
}

/* Queues with a hole, a page at a time: the statement must be done before the holes are sought. */
static int broken_queues(struct sq *q, const char *device, const struct store_stream *after,
                         struct broken_queues *page) {
    struct sq_where w;
    page->count = 0;
    sq_where_init(&w, "SELECT device, spool, cls, stored, events, upto, highest, lost"
                      " FROM streams");
    if (device != NULL)
        sq_where_add(&w, "device = ?1", SQ_T(device));
    else
        sq_where_add(&w, "?1 IS NOT NULL", SQ_I(0));
    if (after != NULL) {
        sq_where_add(&w, "(device, spool, cls) > (?2, ?3, ?4)", SQ_T(after->device));
        w.values[w.count++] = SQ_I(after->spool_id);
        w.values[w.count++] = SQ_I(after->cls);
    }
    sq_where_end(&w, " AND coalesce(upto, -1) < highest ORDER BY device, spool, cls");
    return sq_each_where(q, QUEUES_AT_ONCE, broken_queue_row, page, &w);
}

static int missing(void *ctx, const char *device, size_t limit,
                   int (*each)(void *arg, const struct store_missing *row), void *arg) {
    struct missing_walk walk = {
        .q = ctx, .limit = limit == 0 ? STORE_ROWS_MAX : limit, .each = each, .arg = arg};
    struct broken_queues page;
    struct store_stream last, *after = NULL;
    int r;
    while ((r = broken_queues(ctx, device, after, &page)) > 0) {
        for (size_t i = 0; i < page.count; i++) {
            r = missing_in(&walk, page.row[i].device, page.row[i].spool_id, page.row[i].cls);
            if (r != 0)
                return r < 0 ? r : (int)walk.found;
        }
        last = page.row[page.count - 1];
        after = &last;
    }
    return r < 0 ? r : (int)walk.found;
}

void store_sqlite_batches(struct store *store) {
    store->batch_put = batch_put;
    store->batch_find = batch_find;
    store->batch_hash = hash_get;
    store->batches = batches;
    store->lost_put = lost_put;
    store->ack = ack;
    store->streams = streams;
    store->missing = missing;
}
