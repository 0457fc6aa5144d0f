/* Passages, hours, sessions and lock events. */
#include "histogram.h"
#include "store_sqlite_own.h"
#include <string.h>

/* -- passages -------------------------------------------------------------------------------- */

static int passage_put(void *ctx, const struct store_passage *row) {
    const struct event_passage *p = &row->passage;
    int r = sq_run(ctx,
                   "INSERT INTO passages(batch, device, site, session, boot, t_ms, occurred_ms,"
                   " quality, received_ms, direction, speed, duration_ms, magnitude, grade, flags)"
                   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   SQ_I(row->batch), SQ_T(row->device), SQ_T(row->site), SQ_I(row->session),
                   SQ_WHEN(row->when), SQ_I(p->direction), SQ_I(p->speed_mph10),
                   SQ_I(p->duration_ms), SQ_I(p->magnitude_db), SQ_I(p->quality), SQ_I(p->flags));
    return r < 0 ? r : 0;
}

static void passage_read(sqlite3_stmt *s, struct store_passage *row) {
    *row = (struct store_passage){
        .id = sq_int(s, 0),
        .batch = sq_int(s, 1),
        .session = (uint32_t)sq_int(s, 4),
        .passage = {.direction = (uint8_t)sq_int(s, 10),
                    .speed_mph10 = (uint16_t)sq_int(s, 11),
                    .duration_ms = (uint32_t)sq_int(s, 12),
                    .magnitude_db = (int16_t)sq_int(s, 13),
                    .quality = (uint8_t)sq_int(s, 14),
                    .flags = (uint8_t)sq_int(s, 15)},
    };
    SQ_TEXT_INTO(s, 2, row->device);
    SQ_TEXT_INTO(s, 3, row->site);
    sq_when(s, 5, &row->when);
}

SQ_ROWS(passage)

static int passages(void *ctx, const struct store_filter *f,
                    int (*each)(void *arg, const struct store_passage *row), void *arg) {
    struct passage_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT id, batch, device, site, session, boot, t_ms, occurred_ms, quality,"
                      " received_ms, direction, speed, duration_ms, magnitude, grade, flags"
                      " FROM passages");
    sq_where_filter(&w, f, "boot", "occurred_ms");
    if (f->site != NULL && f->site[0] != '\0')
        sq_where_add(&w, "site = ?", SQ_T(f->site));
    if (f->session != 0)
        sq_where_add(&w, "session = ?", SQ_I(f->session));
    if (f->from_t_ms != 0 || f->to_t_ms != 0) {
        sq_where_add(&w, "t_ms >= ?", SQ_I(f->from_t_ms));
        sq_where_add(&w, "t_ms < ?", SQ_I(f->to_t_ms));
    }
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, passage_row, &sink, &w);
}

static int passage_move(void *ctx, int64_t id, const struct store_place *to) {
    int r = sq_run(ctx,
                   "UPDATE passages SET occurred_ms = ?2, quality = ?3, site = ?4, session = ?5"
                   " WHERE id = ?1",
                   SQ_I(id), SQ_M(to->occurred_ms), SQ_I(to->quality), SQ_T(to->site),
                   SQ_I(to->session));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

/* -- hours ----------------------------------------------------------------------------------- */

static int bins_row(sqlite3_stmt *s, void *sink) {
    return histogram_decode(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), sink);
}

static int bins_change(struct histogram *h, const uint16_t *add, size_t add_count,
                       const uint16_t *take, size_t take_count) {
    int r = 0;
    for (size_t i = 0; i < add_count && r >= 0; i++)
        r = histogram_add(h, add[i]);
    for (size_t i = 0; i < take_count && r >= 0; i++)
        r = histogram_remove(h, take[i]);
    return r == ERR_NOENT ? ERR_RANGE : r;
}

/* An hour without vehicles has no row: rebuilt and corrected hours must be the same. */
static int hour_write(struct sq *q, const char *site, int64_t hour_ms, uint8_t direction,
                      const struct histogram *h) {
    static _Thread_local uint8_t blob[HISTOGRAM_BLOB_MAX];
    if (h->n == 0)
        return sq_run(q, "DELETE FROM hours WHERE site = ? AND hour_ms = ? AND direction = ?",
                      SQ_T(site), SQ_I(hour_ms), SQ_I(direction));
    int len = histogram_encode(h, blob, sizeof blob);
    if (len < 0)
        return len;
    return sq_run(q, "INSERT OR REPLACE INTO hours VALUES(?,?,?,?,?)", SQ_T(site), SQ_I(hour_ms),
                  SQ_I(direction), SQ_I(h->n), SQ_B(blob, (size_t)len));
}

static int hour_change(void *ctx, const char *site, int64_t hour_ms, uint8_t direction,
                       const uint16_t *add, size_t add_count, const uint16_t *take,
                       size_t take_count) {
    static _Thread_local struct histogram h;
    h = (struct histogram){0};
    int r = sq_one(ctx, bins_row, &h,
                   "SELECT bins FROM hours WHERE site = ? AND hour_ms = ? AND direction = ?",
                   SQ_T(site), SQ_I(hour_ms), SQ_I(direction));
    if (r >= 0)
        r = bins_change(&h, add, add_count, take, take_count);
    if (r >= 0)
        r = hour_write(ctx, site, hour_ms, direction, &h);
    return r < 0 ? r : 0;
}

static void hour_read(sqlite3_stmt *s, struct store_hour *row) {
    *row = (struct store_hour){
        .hour_ms = sq_int(s, 1),
        .direction = (uint8_t)sq_int(s, 2),
        .n = (uint32_t)sq_int(s, 3),
        .bins = sqlite3_column_blob(s, 4),
        .bins_len = (size_t)sqlite3_column_bytes(s, 4),
    };
    SQ_TEXT_INTO(s, 0, row->site);
}

SQ_ROWS(hour)

static int hours(void *ctx, const char *site, int64_t from_ms, int64_t to_ms, size_t limit,
                 int (*each)(void *arg, const struct store_hour *row), void *arg) {
    struct hour_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT site, hour_ms, direction, n, bins FROM hours");
    if (site != NULL)
        sq_where_add(&w, "site = ?", SQ_T(site));
    sq_where_add(&w, "hour_ms >= ?", SQ_I(from_ms));
    sq_where_add(&w, "hour_ms < ?", SQ_I(to_ms));
    sq_where_end(&w, " ORDER BY site, hour_ms, direction");
    return sq_each_where(ctx, limit, hour_row, &sink, &w);
}

/* -- sessions -------------------------------------------------------------------------------- */

#define SESSION_COLUMNS                                                                            \
    "id, device, spool, session, site, limit_mph, start_boot, start_t, start_ms, start_quality,"   \
    " start_received, stop_boot, stop_t, stop_ms, stop_quality, stop_received, end, vehicles,"     \
    " checked, expected, measured, latitude_e7, longitude_e7, position_error_m"

static void session_read(sqlite3_stmt *s, struct store_session *row) {
    *row = (struct store_session){
        .id = sq_int(s, 0),
        .spool_id = (uint64_t)sq_int(s, 2),
        .session = (uint32_t)sq_int(s, 3),
        .limit_mph = (uint16_t)sq_int(s, 5),
        .end = (uint8_t)sq_int(s, 16),
        .vehicles = (uint32_t)sq_int(s, 17),
        .check = (uint8_t)sq_int(s, 18),
        .expected_mph10 = (uint16_t)sq_int(s, 19),
        .measured_mph10 = (uint16_t)sq_int(s, 20),
        .latitude_e7 = (int32_t)sq_int(s, 21),
        .longitude_e7 = (int32_t)sq_int(s, 22),
        .position_error_m = (uint16_t)sq_int(s, 23),
    };
    SQ_TEXT_INTO(s, 1, row->device);
    SQ_TEXT_INTO(s, 4, row->site);
    sq_when(s, 6, &row->start);
    sq_when(s, 11, &row->stop);
}

SQ_ROWS(session)
SQ_ROW_COPY(session)

static int session_get(void *ctx, const char *device, uint64_t spool_id, uint32_t session,
                       struct store_session *ret_session) {
    int r = sq_one(ctx, session_copy, ret_session,
                   "SELECT " SESSION_COLUMNS
                   " FROM sessions WHERE device = ? AND spool = ? AND session = ?",
                   SQ_T(device), SQ_I(spool_id), SQ_I(session));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

/* What `part` tells is taken over; what it does not tell stays. */
static void session_merge(struct store_session *whole, const struct store_session *part) {
    if (part->start.boot_id != 0)
        whole->start = part->start;
    if (part->site[0] != '\0') {
        memcpy(whole->site, part->site, sizeof whole->site);
        whole->limit_mph = part->limit_mph;
    }
    if (part->position_error_m != 0) {
        whole->latitude_e7 = part->latitude_e7;
        whole->longitude_e7 = part->longitude_e7;
        whole->position_error_m = part->position_error_m;
    }
    if (part->stop.boot_id != 0) {
        whole->stop = part->stop;
        whole->end = part->end;
        whole->vehicles = part->vehicles;
    }
    if (part->check != 0) {
        whole->check = part->check;
        whole->expected_mph10 = part->expected_mph10;
        whole->measured_mph10 = part->measured_mph10;
    }
}

static int session_put(void *ctx, const struct store_session *row) {
    struct store_session whole;
    int r = session_get(ctx, row->device, row->spool_id, row->session, &whole);
    if (r < 0 && r != ERR_NOENT)
        return r;
    if (r == ERR_NOENT)
        whole = *row;
    else
        session_merge(&whole, row);
    r = sq_run(ctx,
               "INSERT INTO sessions(device, spool, session, site, limit_mph, start_boot, start_t,"
               " start_ms, start_quality, start_received, stop_boot, stop_t, stop_ms,"
               " stop_quality, stop_received, end, vehicles, checked, expected, measured,"
               " latitude_e7, longitude_e7, position_error_m)"
               " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
               " ON CONFLICT DO UPDATE SET site = excluded.site,"
               " limit_mph = excluded.limit_mph, start_boot = excluded.start_boot,"
               " start_t = excluded.start_t, start_ms = excluded.start_ms,"
               " start_quality = excluded.start_quality, start_received = excluded.start_received,"
               " stop_boot = excluded.stop_boot, stop_t = excluded.stop_t,"
               " stop_ms = excluded.stop_ms, stop_quality = excluded.stop_quality,"
               " stop_received = excluded.stop_received, end = excluded.end,"
               " vehicles = excluded.vehicles, checked = excluded.checked,"
               " expected = excluded.expected, measured = excluded.measured,"
               " latitude_e7 = excluded.latitude_e7, longitude_e7 = excluded.longitude_e7,"
               " position_error_m = excluded.position_error_m",
               SQ_T(whole.device), SQ_I(whole.spool_id), SQ_I(whole.session), SQ_T(whole.site),
               SQ_I(whole.limit_mph), SQ_WHEN(whole.start), SQ_WHEN(whole.stop), SQ_I(whole.end),
               SQ_I(whole.vehicles), SQ_I(whole.check), SQ_I(whole.expected_mph10),
               SQ_I(whole.measured_mph10), SQ_I(whole.latitude_e7), SQ_I(whole.longitude_e7),
               SQ_I(whole.position_error_m));
    return r < 0 ? r : 0;
}

static int session_at(void *ctx, const char *device, uint64_t boot_id, int64_t t_ms,
                      struct store_session *ret_session) {
    struct store_session at;
    int r = sq_one(ctx, session_copy, &at,
                   "SELECT " SESSION_COLUMNS " FROM sessions WHERE device = ? AND start_boot = ?"
                   " AND start_t <= ? ORDER BY start_t DESC, id DESC",
                   SQ_T(device), SQ_I(boot_id), SQ_I(t_ms));
    if (r <= 0)
        return r;
    if (at.stop.boot_id == boot_id && at.stop.t_ms < t_ms)
        return 0;
    *ret_session = at;
    return 1;
}

static int sessions(void *ctx, const struct store_filter *f,
                    int (*each)(void *arg, const struct store_session *row), void *arg) {
    struct session_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT " SESSION_COLUMNS " FROM sessions");
    sq_where_filter(&w, f, "start_boot", "start_ms");
    if (f->site != NULL && f->site[0] != '\0')
        sq_where_add(&w, "site = ?", SQ_T(f->site));
    if (f->session != 0)
        sq_where_add(&w, "session = ?", SQ_I(f->session));
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, session_row, &sink, &w);
}

/* -- lock events ----------------------------------------------------------------------------- */

/* Which part of a lock's state an event is about. */
static int about(uint8_t what) {
    static const uint8_t ABOUT[] = {
        [LOCK_CLOSED] = 1,   [LOCK_OPENED] = 1,    [LOCK_PREALARM] = 5, [LOCK_ALARM] = 2,
        [LOCK_TAMPER] = 2,   [LOCK_RESTORED] = 2,  [LOCK_SET] = 3,      [LOCK_UNSET] = 3,
        [LOCK_SIREN_ON] = 4, [LOCK_SIREN_OFF] = 4,
    };
    return what < sizeof ABOUT ? ABOUT[what] : 0;
}

static int lock_event_put(void *ctx, const struct store_lock_event *row) {
    int64_t order =
        row->when.occurred_ms != STORE_NEVER ? row->when.occurred_ms : row->when.received_ms;
    int r = sq_run(ctx,
                   "INSERT INTO lock_events(batch, device, lock, what, about, boot, t_ms,"
                   " occurred_ms, quality, received_ms, order_ms, causes)"
                   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                   SQ_I(row->batch), SQ_T(row->device), SQ_I(row->lock.lock), SQ_I(row->lock.what),
                   SQ_I(about(row->lock.what)), SQ_WHEN(row->when), SQ_I(order),
                   SQ_I(row->lock.causes));
    return r < 0 ? r : 0;
}

static void lock_event_read(sqlite3_stmt *s, struct store_lock_event *row) {
    *row = (struct store_lock_event){
        .id = sq_int(s, 0),
        .batch = sq_int(s, 1),
        .lock = {.lock = (uint8_t)sq_int(s, 3),
                 .what = (uint8_t)sq_int(s, 4),
                 .causes = (uint8_t)sq_int(s, 10)},
    };
    SQ_TEXT_INTO(s, 2, row->device);
    sq_when(s, 5, &row->when);
}

SQ_ROWS(lock_event)

static int lock_events(void *ctx, const struct store_filter *f,
                       int (*each)(void *arg, const struct store_lock_event *row), void *arg) {
    struct lock_event_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT id, batch, device, lock, what, boot, t_ms, occurred_ms, quality,"
                      " received_ms, causes FROM lock_events");
    sq_where_filter(&w, f, "boot", "occurred_ms");
    if (f->lock >= 0)
        sq_where_add(&w, "lock = ?", SQ_I(f->lock));
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, lock_event_row, &sink, &w);
}

void store_sqlite_derived(struct store *store) {
    store->passage_put = passage_put;
    store->passages = passages;
    store->passage_move = passage_move;
    store->hour_change = hour_change;
    store->hours = hours;
    store->session_put = session_put;
    store->session_get = session_get;
    store->session_at = session_at;
    store->sessions = sessions;
    store->lock_event_put = lock_event_put;
    store->lock_events = lock_events;
}
