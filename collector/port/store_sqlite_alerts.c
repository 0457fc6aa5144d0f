/* Alerts and their timelines. */
#include "store_sqlite_own.h"

#define ALERT_COLUMNS                                                                              \
    "kind, state, severity, device, lock, detail, late, title, events, raised_ms, occurred_ms,"    \
    " last_ms, restored_ms, acknowledged_ms, closed_ms, acknowledged_by, closed_by, cause"

#define ALERT_VALUES(a)                                                                            \
    SQ_I((a)->kind), SQ_I((a)->state), SQ_I((a)->severity), SQ_T((a)->device), SQ_I((a)->lock),    \
        SQ_I((a)->detail), SQ_I((a)->late), SQ_T((a)->title), SQ_I((a)->events),                   \
        SQ_I((a)->raised_ms), SQ_M((a)->occurred_ms), SQ_M((a)->last_ms), SQ_M((a)->restored_ms),  \
        SQ_M((a)->acknowledged_ms), SQ_M((a)->closed_ms), SQ_T((a)->acknowledged_by),              \
        SQ_T((a)->closed_by), SQ_T((a)->cause)

static int alert_put(void *ctx, const struct store_alert *row) {
    struct sq *q = ctx;
    if (row->id != 0) {
        int r = sq_run(q,
                       "UPDATE alerts SET (" ALERT_COLUMNS
                       ") = (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE id = ?",
                       ALERT_VALUES(row), SQ_I(row->id));
        return r == 0 ? ERR_NOENT : r < 0 ? r : (int)row->id;
    }
    int r = sq_run(
        q, "INSERT INTO alerts(" ALERT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        ALERT_VALUES(row));
    return r < 0 ? r : (int)sqlite3_last_insert_rowid(q->db);
}

static void alert_read(sqlite3_stmt *s, struct store_alert *row) {
    *row = (struct store_alert){
        .id = sq_int(s, 18),
        .kind = (enum alert_kind)sq_int(s, 0),
        .state = (enum alert_state)sq_int(s, 1),
        .severity = (enum alert_severity)sq_int(s, 2),
        .lock = (uint8_t)sq_int(s, 4),
        .detail = (uint8_t)sq_int(s, 5),
        .late = sq_int(s, 6) != 0,
        .events = (uint32_t)sq_int(s, 8),
        .raised_ms = sq_int(s, 9),
        .occurred_ms = sq_time(s, 10),
        .last_ms = sq_time(s, 11),
        .restored_ms = sq_time(s, 12),
        .acknowledged_ms = sq_time(s, 13),
        .closed_ms = sq_time(s, 14),
    };
    SQ_TEXT_INTO(s, 3, row->device);
    SQ_TEXT_INTO(s, 7, row->title);
    SQ_TEXT_INTO(s, 15, row->acknowledged_by);
    SQ_TEXT_INTO(s, 16, row->closed_by);
    SQ_TEXT_INTO(s, 17, row->cause);
}

SQ_ROWS(alert)
SQ_ROW_COPY(alert)

static int alert_get(void *ctx, int64_t id, struct store_alert *ret_alert) {
    int r = sq_one(ctx, alert_copy, ret_alert,
                   "SELECT " ALERT_COLUMNS ", id FROM alerts WHERE id = ?", SQ_I(id));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int alerts(void *ctx, const struct store_alert_filter *f,
                  int (*each)(void *arg, const struct store_alert *row), void *arg) {
    struct alert_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT " ALERT_COLUMNS ", id FROM alerts");
    if (f->device != NULL && f->device[0] != '\0')
        sq_where_add(&w, "device = ?", SQ_T(f->device));
    if (f->lock >= 0)
        sq_where_add(&w, "lock = ?", SQ_I(f->lock));
    if (f->kind != 0)
        sq_where_add(&w, "kind = ?", SQ_I(f->kind));
    if (f->states != 0)
        sq_where_add(&w, "(1 << state) & ?", SQ_I(f->states));
    if (f->from_ms != 0 || f->to_ms != 0) {
        sq_where_add(&w, "raised_ms >= ?", SQ_I(f->from_ms));
        sq_where_add(&w, "raised_ms < ?", SQ_I(f->to_ms));
    }
    if (f->before != 0)
        sq_where_add(&w, "id < ?", SQ_I(f->before));
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, alert_row, &sink, &w);
}

static int alert_count(void *ctx, unsigned states) {
    int64_t n = 0;
    int r = sq_one(ctx, sq_row_int, &n,
                   "SELECT count(*) FROM alerts WHERE ?1 = 0 OR (1 << state) & ?1", SQ_I(states));
    return r < 0 ? r : (int)n;
}

static int entry_put(void *ctx, const struct store_alert_entry *row) {
    int r =
        sq_run(ctx, "INSERT INTO entries(alert, at_ms, occurred_ms, who, text) VALUES(?,?,?,?,?)",
               SQ_I(row->alert), SQ_I(row->at_ms), SQ_M(row->occurred_ms), SQ_T(row->who),
               SQ_T(row->text));
    return r < 0 ? r : 0;
}

static void alert_entry_read(sqlite3_stmt *s, struct store_alert_entry *row) {
    *row = (struct store_alert_entry){
        .id = sq_int(s, 0),
        .alert = sq_int(s, 1),
        .at_ms = sq_int(s, 2),
        .occurred_ms = sq_time(s, 3),
    };
    SQ_TEXT_INTO(s, 4, row->who);
    SQ_TEXT_INTO(s, 5, row->text);
}

SQ_ROWS(alert_entry)

static int entries(void *ctx, int64_t alert, size_t limit,
                   int (*each)(void *arg, const struct store_alert_entry *row), void *arg) {
    struct alert_entry_sink sink = {each, arg};
    return sq_each(ctx, limit, alert_entry_row, &sink,
                   "SELECT id, alert, at_ms, occurred_ms, who, text FROM entries WHERE alert = ?"
                   " ORDER BY id",
                   SQ_I(alert));
}

void store_sqlite_alerts(struct store *store) {
    store->alert_put = alert_put;
    store->alert_get = alert_get;
    store->alerts = alerts;
    store->alert_count = alert_count;
    store->entry_put = entry_put;
    store->entries = entries;
}
