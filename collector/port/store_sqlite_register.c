/* The fleet's register: devices, sites, locks and the state they are in. */
#include "store_sqlite_own.h"
#include <string.h>

/* -- devices --------------------------------------------------------------------------------- */

static int device_put(void *ctx, const struct store_device *row, int64_t now_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO devices VALUES(?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                   " kind = excluded.kind, name = excluded.name, lpa = excluded.lpa,"
                   " site = excluded.site, easting = excluded.easting,"
                   " northing = excluded.northing, period_s = excluded.period_s,"
                   " revoked = excluded.revoked, key = excluded.key",
                   SQ_T(row->id), SQ_I(row->kind), SQ_T(row->name), SQ_T(row->lpa), SQ_T(row->site),
                   SQ_I(row->easting), SQ_I(row->northing), SQ_I(row->period_s), SQ_I(row->revoked),
                   SQ_B(row->key, SEAL_KEY_BYTES), SQ_I(now_ms));
    return r < 0 ? r : 0;
}

#define DEVICE_COLUMNS                                                                             \
    "id, kind, name, lpa, site, easting, northing, period_s, revoked, key, registered_ms"

static void device_read(sqlite3_stmt *s, struct store_device *row) {
    *row = (struct store_device){
        .kind = (enum device_kind)sq_int(s, 1),
        .easting = (int32_t)sq_int(s, 5),
        .northing = (int32_t)sq_int(s, 6),
        .period_s = (uint32_t)sq_int(s, 7),
        .revoked = sq_int(s, 8) != 0,
    };
    SQ_TEXT_INTO(s, 0, row->id);
    SQ_TEXT_INTO(s, 2, row->name);
    SQ_TEXT_INTO(s, 3, row->lpa);
    SQ_TEXT_INTO(s, 4, row->site);
    if (sqlite3_column_bytes(s, 9) == SEAL_KEY_BYTES)
        memcpy(row->key, sqlite3_column_blob(s, 9), SEAL_KEY_BYTES);
}

SQ_ROW_COPY(device)

static int device_get(void *ctx, const char *id, struct store_device *ret_device) {
    int r = sq_one(ctx, device_copy, ret_device,
                   "SELECT " DEVICE_COLUMNS " FROM devices WHERE id = ?", SQ_T(id));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int device_revoke(void *ctx, const char *id, bool revoked) {
    int r = sq_run(ctx, "UPDATE devices SET revoked = ?2 WHERE id = ?1", SQ_T(id), SQ_I(revoked));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int device_link(void *ctx, const char *id, bool online, int64_t now_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO seen(device, online, link_ms) VALUES(?1,?2,?3)"
                   " ON CONFLICT DO UPDATE SET online = ?2, link_ms = ?3",
                   SQ_T(id), SQ_I(online), SQ_I(now_ms));
    return r < 0 ? r : 0;
}

static int device_heard(void *ctx, const char *id, int64_t received_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO seen(device, received_ms) VALUES(?1,?2) ON CONFLICT DO UPDATE"
                   " SET received_ms = max(coalesce(received_ms, ?2), ?2)",
                   SQ_T(id), SQ_I(received_ms));
    return r < 0 ? r : 0;
}

/* -- devices with their state ---------------------------------------------------------------- */

static void device_state_read(sqlite3_stmt *s, struct store_device_state *row) {
    memset(row, 0, sizeof *row);
    device_read(s, &row->device);
    row->registered_ms = sq_int(s, 10);
    row->last_received_ms = sq_time(s, 11);
    row->has_link = sqlite3_column_type(s, 12) != SQLITE_NULL;
    row->online = sq_int(s, 12) != 0;
    row->link_ms = sq_time(s, 13);
    row->batches = (uint64_t)sq_int(s, 14);
    row->bytes = (uint64_t)sq_int(s, 15);
}

SQ_ROW_COPY(device_state)

static int missing_sum(void *arg, const struct store_missing *row) {
    uint64_t *sum = arg;
    *sum += row->to_seq - row->from_seq + 1;
    return 0;
}

/* Devices are few: each is read by itself, so that its heartbeat and holes can be read too. */
static int device_state_after(struct sq *q, const struct store *store, const char *after,
                              struct store_device_state *row) {
    int r = sq_one(q, device_state_copy, row,
                   "SELECT id, kind, name, lpa, site, easting, northing, period_s, revoked, key,"
                   " registered_ms, received_ms, online, link_ms,"
                   " (SELECT coalesce(sum(stored), 0) FROM streams WHERE streams.device = id),"
                   " (SELECT coalesce(sum(bytes), 0) FROM streams WHERE streams.device = id)"
                   " FROM devices LEFT JOIN seen ON seen.device = id WHERE id > ? ORDER BY id",
                   SQ_T(after));
    if (r <= 0)
        return r;
    int has = sq_health_newest(q, row->device.id, &row->health);
    row->has_health = has > 0;
    if (has >= 0)
        has = store->missing(q, row->device.id, 0, missing_sum, &row->missing);
    return has < 0 ? has : 1;
}

static int devices(void *ctx, int (*each)(void *arg, const struct store_device_state *row),
                   void *arg) {
    struct store store = {.ctx = ctx};
    store_sqlite_batches(&store);
    struct store_device_state row;
    char after[STORE_ID_MAX + 1] = "";
    int rows = 0, r;
    while ((r = device_state_after(ctx, &store, after, &row)) > 0) {
        rows++;
        memcpy(after, row.device.id, sizeof after);
        r = each(arg, &row);
        if (r != 0)
            break;
    }
    return r < 0 ? r : rows;
}

/* -- sites ----------------------------------------------------------------------------------- */

#define SITE_COLUMNS "id, name, road, lpa, ward, limit_mph, easting, northing, approved_until_ms"

static int site_put(void *ctx, const struct store_site *row) {
    int r = sq_run(ctx, "INSERT OR REPLACE INTO sites(" SITE_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?)",
                   SQ_T(row->id), SQ_T(row->name), SQ_T(row->road), SQ_T(row->lpa), SQ_T(row->ward),
                   SQ_I(row->limit_mph), SQ_I(row->easting), SQ_I(row->northing),
                   SQ_M(row->approved_until_ms));
    return r < 0 ? r : 0;
}

static void site_read(sqlite3_stmt *s, struct store_site *row) {
    *row = (struct store_site){
        .limit_mph = (uint16_t)sq_int(s, 5),
        .easting = (int32_t)sq_int(s, 6),
        .northing = (int32_t)sq_int(s, 7),
        .approved_until_ms = sq_time(s, 8),
    };
    SQ_TEXT_INTO(s, 0, row->id);
    SQ_TEXT_INTO(s, 1, row->name);
    SQ_TEXT_INTO(s, 2, row->road);
    SQ_TEXT_INTO(s, 3, row->lpa);
    SQ_TEXT_INTO(s, 4, row->ward);
}

SQ_ROWS(site)
SQ_ROW_COPY(site)

static int site_get(void *ctx, const char *id, struct store_site *ret_site) {
    int r = sq_one(ctx, site_copy, ret_site, "SELECT " SITE_COLUMNS " FROM sites WHERE id = ?",
                   SQ_T(id));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int sites(void *ctx, int (*each)(void *arg, const struct store_site *row), void *arg) {
    struct site_sink sink = {each, arg};
    return sq_each_values(ctx, 0, site_row, &sink, "SELECT " SITE_COLUMNS " FROM sites ORDER BY id",
                          NULL, 0);
}

/* -- locks ----------------------------------------------------------------------------------- */

static int lock_put(void *ctx, const struct store_lock *row) {
    int r = sq_run(ctx, "INSERT OR REPLACE INTO locks VALUES(?,?,?,?,?,?)", SQ_T(row->device),
                   SQ_I(row->lock), SQ_T(row->plot), SQ_T(row->allotment), SQ_I(row->easting),
                   SQ_I(row->northing));
    return r < 0 ? r : 0;
}

static void lock_read(sqlite3_stmt *s, struct store_lock *row) {
    *row = (struct store_lock){
        .lock = (uint8_t)sq_int(s, 1),
        .easting = (int32_t)sq_int(s, 4),
        .northing = (int32_t)sq_int(s, 5),
    };
    SQ_TEXT_INTO(s, 0, row->device);
    SQ_TEXT_INTO(s, 2, row->plot);
    SQ_TEXT_INTO(s, 3, row->allotment);
}

SQ_ROW_COPY(lock)

static int lock_get(void *ctx, const char *device, uint8_t lock, struct store_lock *ret_lock) {
    int r = sq_one(ctx, lock_copy, ret_lock,
                   "SELECT device, lock, plot, allotment, easting, northing FROM locks"
                   " WHERE device = ? AND lock = ?",
                   SQ_T(device), SQ_I(lock));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

/* The newest event about one part of a lock; lock_events_state holds them in this order. */
#define NEWEST(about)                                                                              \
    "(SELECT what FROM lock_events e WHERE e.device = k.device AND e.lock = k.lock AND e.about "   \
    "= " #about " ORDER BY order_ms DESC, t_ms DESC, id DESC LIMIT 1)"

static void lock_state_read(sqlite3_stmt *s, struct store_lock_state *row) {
    int64_t closed = sq_int(s, 6), alarm = sq_int(s, 7), set = sq_int(s, 8);
    memset(row, 0, sizeof *row);
    lock_read(s, &row->lock);
    row->has_closed = closed != 0;
    row->closed = closed == LOCK_CLOSED;
    row->has_set = set != 0;
    row->set = set == LOCK_SET;
    row->alarmed = alarm == LOCK_ALARM || alarm == LOCK_TAMPER;
    row->siren = sq_int(s, 9) == LOCK_SIREN_ON;
    row->last_what = (uint8_t)sq_int(s, 10);
    if (row->last_what != 0)
        sq_when(s, 11, &row->latest);
    else
        row->latest.occurred_ms = STORE_NEVER;
}

SQ_ROWS(lock_state)

static int locks(void *ctx, int (*each)(void *arg, const struct store_lock_state *row), void *arg) {
    struct lock_state_sink sink = {each, arg};
    return sq_each_values(
        ctx, 0, lock_state_row, &sink,
        "SELECT k.device, k.lock, plot, allotment, easting, northing, " NEWEST(1) ", " NEWEST(
            2) ", " NEWEST(3) ", " NEWEST(4) ", what, boot, t_ms, occurred_ms, quality,"
                                             " received_ms FROM locks k LEFT JOIN lock_events n ON "
                                             "n.id = (SELECT id FROM"
                                             " lock_events e WHERE e.device = k.device AND e.lock "
                                             "= k.lock"
                                             " ORDER BY order_ms DESC, t_ms DESC, id DESC LIMIT 1) "
                                             "ORDER BY k.device, k.lock",
        NULL, 0);
}

void store_sqlite_register(struct store *store) {
    store->device_put = device_put;
    store->device_get = device_get;
    store->device_revoke = device_revoke;
    store->device_link = device_link;
    store->device_heard = device_heard;
    store->devices = devices;
    store->site_put = site_put;
    store->site_get = site_get;
    store->sites = sites;
    store->lock_put = lock_put;
    store->lock_get = lock_get;
    store->locks = locks;
}
