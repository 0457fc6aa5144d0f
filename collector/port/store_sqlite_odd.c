/* What was refused, what was odd, and the counters. */
#include "store_sqlite_own.h"
#include <stdio.h>

static int counter_add(void *ctx, const char *name, uint64_t n) {
    int r = sq_run(ctx, "INSERT INTO counters VALUES(?1, ?2) ON CONFLICT DO UPDATE SET n = n + ?2",
                   SQ_T(name), SQ_I(n));
    return r < 0 ? r : 0;
}

static void counter_read(sqlite3_stmt *s, struct store_counter *row) {
    SQ_TEXT_INTO(s, 0, row->name);
    row->n = (uint64_t)sq_int(s, 1);
}

SQ_ROWS(counter)

static int counters(void *ctx, int (*each)(void *arg, const struct store_counter *row), void *arg) {
    struct counter_sink sink = {each, arg};
    return sq_each_values(ctx, 0, counter_row, &sink, "SELECT name, n FROM counters ORDER BY name",
                          NULL, 0);
}

/* -- refused --------------------------------------------------------------------------------- */

/* Deletes the oldest until what is left fits; returns how many went. */
static int refused_trim(struct sq *q, size_t keep_rows, size_t keep_bytes) {
    return sq_run(q,
                  "DELETE FROM refused WHERE id <= coalesce((SELECT max(id) FROM ("
                  " SELECT id, row_number() OVER newest AS rows, sum(kept) OVER newest AS bytes"
                  " FROM refused WINDOW newest AS (ORDER BY id DESC))"
                  " WHERE rows > ? OR bytes > ?), 0)",
                  SQ_I(keep_rows), SQ_I(keep_bytes));
}

static int refused_put(void *ctx, const struct store_refused *row, size_t keep_rows,
                       size_t keep_bytes) {
    char name[STORE_NAME_MAX + 1];
    snprintf(name, sizeof name, "refused.%s", refusal_name(row->reason));
    int r = sq_run(ctx,
                   "INSERT INTO refused(received_ms, reason, device, topic, len, kept, payload)"
                   " VALUES(?,?,?,?,?,?,?)",
                   SQ_I(row->received_ms), SQ_I(row->reason), SQ_T(row->device), SQ_T(row->topic),
                   SQ_I(row->len), SQ_I(row->kept), SQ_B(row->payload, row->kept));
    if (r >= 0)
        r = counter_add(ctx, name, 1);
    if (r >= 0)
        r = refused_trim(ctx, keep_rows, keep_bytes);
    if (r > 0)
        r = counter_add(ctx, "refused.dropped", (uint64_t)r);
    return r < 0 ? r : 0;
}

static void refused_read(sqlite3_stmt *s, struct store_refused *row) {
    *row = (struct store_refused){
        .id = sq_int(s, 0),
        .received_ms = sq_int(s, 1),
        .reason = (enum refusal)sq_int(s, 2),
        .len = (size_t)sq_int(s, 5),
        .payload = sqlite3_column_blob(s, 6),
        .kept = (size_t)sqlite3_column_bytes(s, 6),
    };
    SQ_TEXT_INTO(s, 3, row->device);
    SQ_TEXT_INTO(s, 4, row->topic);
}

SQ_ROWS(refused)

static int refused(void *ctx, int64_t before, size_t limit,
                   int (*each)(void *arg, const struct store_refused *row), void *arg) {
    struct refused_sink sink = {each, arg};
    return sq_each(ctx, limit, refused_row, &sink,
                   "SELECT id, received_ms, reason, device, topic, len, payload FROM refused"
                   " WHERE id < ? ORDER BY id DESC",
                   SQ_I(before == 0 ? INT64_MAX : before));
}

/* -- findings -------------------------------------------------------------------------------- */

static int finding_put(void *ctx, const struct store_finding *row) {
    char name[STORE_NAME_MAX + 1];
    snprintf(name, sizeof name, "finding.%s", finding_name(row->kind));
    int r = sq_run(ctx,
                   "INSERT INTO findings(received_ms, kind, device, spool, cls, seq, text)"
                   " VALUES(?,?,?,?,?,?,?)",
                   SQ_I(row->received_ms), SQ_I(row->kind), SQ_T(row->device), SQ_I(row->spool_id),
                   SQ_I(row->cls), SQ_I(row->seq), SQ_T(row->text));
    return r < 0 ? r : counter_add(ctx, name, 1);
}

static void finding_read(sqlite3_stmt *s, struct store_finding *row) {
    *row = (struct store_finding){
        .id = sq_int(s, 0),
        .received_ms = sq_int(s, 1),
        .kind = (enum finding)sq_int(s, 2),
        .spool_id = (uint64_t)sq_int(s, 4),
        .cls = (enum event_class)sq_int(s, 5),
        .seq = (uint64_t)sq_int(s, 6),
    };
    SQ_TEXT_INTO(s, 3, row->device);
    SQ_TEXT_INTO(s, 7, row->text);
}

SQ_ROWS(finding)

static int findings(void *ctx, const char *device, int64_t before, size_t limit,
                    int (*each)(void *arg, const struct store_finding *row), void *arg) {
    struct finding_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT id, received_ms, kind, device, spool, cls, seq, text FROM findings");
    if (device != NULL)
        sq_where_add(&w, "device = ?", SQ_T(device));
    if (before != 0)
        sq_where_add(&w, "id < ?", SQ_I(before));
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, limit, finding_row, &sink, &w);
}

void store_sqlite_odd(struct store *store) {
    store->counter_add = counter_add;
    store->counters = counters;
    store->refused_put = refused_put;
    store->refused = refused;
    store->finding_put = finding_put;
    store->findings = findings;
}
