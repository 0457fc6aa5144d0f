/* Heartbeats, awake time, gaps, faults and the anchors that give all of them their time. */
#include "store_sqlite_own.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -- heartbeats ------------------------------------------------------------------------------ */

static void counters_write(const uint32_t *counters, char *buf, size_t cap) {
    size_t have = 0;
    for (int i = 0; i < HEALTH_COUNTERS && have < cap; i++)
        have +=
            (size_t)snprintf(buf + have, cap - have, "%s%" PRIu32, i > 0 ? " " : "", counters[i]);
}

/* Counters that a later program writes are passed over; those of an earlier one read as 0. */
static void counters_parse(const char *text, uint32_t *counters) {
    for (int i = 0; i < HEALTH_COUNTERS && text != NULL && *text != '\0'; i++) {
        char *end = NULL;
        counters[i] = (uint32_t)strtoul(text, &end, 10);
        text = end;
    }
}

static int health_put(void *ctx, const struct store_health *row) {
    const struct event_health *h = &row->health;
    char counters[HEALTH_COUNTERS * 11 + 1] = "";
    counters_write(h->counters, counters, sizeof counters);
    int64_t order =
        row->when.occurred_ms != STORE_NEVER ? row->when.occurred_ms : row->when.received_ms;
    int r = sq_run(ctx,
                   "INSERT INTO healths(device, boot, t_ms, occurred_ms, quality, received_ms,"
                   " order_ms, uptime_s, battery_mv, temperature_c10, signal_dbm, pending_alarm,"
                   " pending_event, pending_telemetry, period_s, counters, disk_free_mib,"
                   " spool_days, battery_days, battery_ma, power_flags, clock_quality)"
                   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   SQ_T(row->device), SQ_WHEN(row->when), SQ_I(order), SQ_I(h->uptime_s),
                   SQ_I(h->battery_mv), SQ_I(h->temperature_c10), SQ_I(h->signal_dbm),
                   SQ_I(h->spool_pending[CLASS_ALARM]), SQ_I(h->spool_pending[CLASS_EVENT]),
                   SQ_I(h->spool_pending[CLASS_TELEMETRY]), SQ_I(h->period_s), SQ_T(counters),
                   SQ_I(h->disk_free_mib), SQ_I(h->spool_days), SQ_I(h->battery_days),
                   SQ_I(h->battery_ma), SQ_I(h->power_flags), SQ_I(h->clock_quality));
    return r < 0 ? r : 0;
}

#define HEALTH_COLUMNS                                                                             \
    "id, device, boot, t_ms, occurred_ms, quality, received_ms, uptime_s, battery_mv,"             \
    " temperature_c10, signal_dbm, pending_alarm, pending_event, pending_telemetry, period_s,"     \
    " counters, disk_free_mib, spool_days, battery_days, battery_ma, power_flags, clock_quality"

void sq_health_read(sqlite3_stmt *s, struct store_health *row) {
    *row = (struct store_health){
        .id = sq_int(s, 0),
        .health = {.uptime_s = (uint32_t)sq_int(s, 7),
                   .battery_mv = (uint16_t)sq_int(s, 8),
                   .temperature_c10 = (int16_t)sq_int(s, 9),
                   .signal_dbm = (int16_t)sq_int(s, 10),
                   .spool_pending = {(uint32_t)sq_int(s, 11), (uint32_t)sq_int(s, 12),
                                     (uint32_t)sq_int(s, 13)},
                   .period_s = (uint32_t)sq_int(s, 14),
                   .disk_free_mib = (uint32_t)sq_int(s, 16),
                   .spool_days = (uint16_t)sq_int(s, 17),
                   .battery_days = (uint16_t)sq_int(s, 18),
                   .battery_ma = (int16_t)sq_int(s, 19),
                   .power_flags = (uint8_t)sq_int(s, 20),
                   .clock_quality = (uint8_t)sq_int(s, 21)},
    };
    SQ_TEXT_INTO(s, 1, row->device);
    sq_when(s, 2, &row->when);
    counters_parse((const char *)sqlite3_column_text(s, 15), row->health.counters);
}

#define health_read sq_health_read
SQ_ROWS(health)
SQ_ROW_COPY(health)

static int healths(void *ctx, const struct store_filter *f,
                   int (*each)(void *arg, const struct store_health *row), void *arg) {
    struct health_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT " HEALTH_COLUMNS " FROM healths");
    sq_where_filter(&w, f, "boot", "occurred_ms");
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, health_row, &sink, &w);
}

int sq_health_newest(struct sq *q, const char *device, struct store_health *ret_health) {
    return sq_one(q, health_copy, ret_health,
                  "SELECT " HEALTH_COLUMNS
                  " FROM healths WHERE device = ? ORDER BY order_ms DESC, t_ms DESC, id DESC",
                  SQ_T(device));
}

static int health_around(void *ctx, const char *device, uint64_t boot_id, int64_t t_ms,
                         struct store_health *ret_before, struct store_health *ret_after) {
    int before =
        sq_one(ctx, health_copy, ret_before,
               "SELECT " HEALTH_COLUMNS " FROM healths WHERE device = ? AND boot = ? AND t_ms < ?"
               " ORDER BY t_ms DESC",
               SQ_T(device), SQ_I(boot_id), SQ_I(t_ms));
    if (before < 0)
        return before;
    int after = sq_one(ctx, health_copy, ret_after,
                       "SELECT " HEALTH_COLUMNS
                       " FROM healths WHERE device = ? AND boot = ? AND t_ms > ? ORDER BY t_ms",
                       SQ_T(device), SQ_I(boot_id), SQ_I(t_ms));
    return after < 0 ? after : before | after << 1;
}

/* -- awake time ------------------------------------------------------------------------------ */

static int awake_add(void *ctx, const char *device, int64_t hour_ms, int64_t awake_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO awake VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET"
                   " awake_ms = awake_ms + ?3",
                   SQ_T(device), SQ_I(hour_ms), SQ_I(awake_ms));
    if (r >= 0 && awake_ms < 0)
        r = sq_run(ctx, "DELETE FROM awake WHERE device = ? AND hour_ms = ? AND awake_ms <= 0",
                   SQ_T(device), SQ_I(hour_ms));
    return r < 0 ? r : 0;
}

static void awake_read(sqlite3_stmt *s, struct store_awake *row) {
    SQ_TEXT_INTO(s, 0, row->device);
    row->hour_ms = sq_int(s, 1);
    row->awake_ms = sq_int(s, 2);
}

SQ_ROWS(awake)

static int awake(void *ctx, const char *device, int64_t from_ms, int64_t to_ms, size_t limit,
                 int (*each)(void *arg, const struct store_awake *row), void *arg) {
    struct awake_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT device, hour_ms, awake_ms FROM awake");
    if (device != NULL)
        sq_where_add(&w, "device = ?", SQ_T(device));
    sq_where_add(&w, "hour_ms >= ?", SQ_I(from_ms));
    sq_where_add(&w, "hour_ms < ?", SQ_I(to_ms));
    sq_where_end(&w, " ORDER BY device, hour_ms");
    return sq_each_where(ctx, limit, awake_row, &sink, &w);
}

/* -- gaps and faults ------------------------------------------------------------------------- */

static int gap_put(void *ctx, const struct store_gap *row) {
    const struct event_gap *g = &row->gap;
    int r =
        sq_run(ctx,
               "INSERT INTO gaps(device, spool, boot, t_ms, occurred_ms, quality, received_ms,"
               " cls, reason, from_seq, to_seq, events) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
               SQ_T(row->device), SQ_I(row->spool_id), SQ_WHEN(row->when), SQ_I(g->dropped_class),
               SQ_I(g->reason), SQ_I(g->from_seq), SQ_I(g->to_seq), SQ_I(g->events));
    return r < 0 ? r : 0;
}

static void gap_read(sqlite3_stmt *s, struct store_gap *row) {
    *row = (struct store_gap){
        .id = sq_int(s, 0),
        .spool_id = (uint64_t)sq_int(s, 2),
        .gap = {.dropped_class = (uint8_t)sq_int(s, 8),
                .reason = (uint8_t)sq_int(s, 9),
                .spool_high = (uint32_t)((uint64_t)sq_int(s, 2) >> 32),
                .spool_low = (uint32_t)sq_int(s, 2),
                .from_seq = (uint64_t)sq_int(s, 10),
                .to_seq = (uint64_t)sq_int(s, 11),
                .events = (uint32_t)sq_int(s, 12)},
    };
    SQ_TEXT_INTO(s, 1, row->device);
    sq_when(s, 3, &row->when);
}

SQ_ROWS(gap)

static int gaps(void *ctx, const struct store_filter *f,
                int (*each)(void *arg, const struct store_gap *row), void *arg) {
    struct gap_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT id, device, spool, boot, t_ms, occurred_ms, quality, received_ms,"
                      " cls, reason, from_seq, to_seq, events FROM gaps");
    sq_where_filter(&w, f, "boot", "occurred_ms");
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, gap_row, &sink, &w);
}

static int fault_put(void *ctx, const struct store_fault *row) {
    int r = sq_run(ctx,
                   "INSERT INTO faults(device, boot, t_ms, occurred_ms, quality, received_ms,"
                   " code, active, detail) VALUES(?,?,?,?,?,?,?,?,?)",
                   SQ_T(row->device), SQ_WHEN(row->when), SQ_I(row->fault.code),
                   SQ_I(row->fault.active), SQ_I(row->fault.detail));
    return r < 0 ? r : 0;
}

static void fault_read(sqlite3_stmt *s, struct store_fault *row) {
    *row = (struct store_fault){
        .id = sq_int(s, 0),
        .fault = {.code = (uint8_t)sq_int(s, 7),
                  .active = sq_int(s, 8) != 0,
                  .detail = (int32_t)sq_int(s, 9)},
    };
    SQ_TEXT_INTO(s, 1, row->device);
    sq_when(s, 2, &row->when);
}

SQ_ROWS(fault)

static int faults(void *ctx, const struct store_filter *f,
                  int (*each)(void *arg, const struct store_fault *row), void *arg) {
    struct fault_sink sink = {each, arg};
    struct sq_where w;
    sq_where_init(&w, "SELECT id, device, boot, t_ms, occurred_ms, quality, received_ms, code,"
                      " active, detail FROM faults");
    sq_where_filter(&w, f, "boot", "occurred_ms");
    sq_where_end(&w, " ORDER BY id DESC");
    return sq_each_where(ctx, f->limit, fault_row, &sink, &w);
}

/* -- anchors --------------------------------------------------------------------------------- */

static void anchor_read(sqlite3_stmt *s, struct store_anchor *row) {
    *row = (struct store_anchor){
        .boot_id = (uint64_t)sq_int(s, 1),
        .boot_ms = sq_int(s, 2),
        .unix_ms = sq_int(s, 3),
        .quality = (uint8_t)sq_int(s, 4),
        .error_ms = (uint32_t)sq_int(s, 5),
    };
    SQ_TEXT_INTO(s, 0, row->device);
}

SQ_ROW_COPY(anchor)

static int anchor_get(void *ctx, const char *device, uint64_t boot_id,
                      struct store_anchor *ret_anchor) {
    return sq_one(ctx, anchor_copy, ret_anchor,
                  "SELECT device, boot, boot_ms, unix_ms, quality, error_ms FROM anchors"
                  " WHERE device = ? AND boot = ?",
                  SQ_T(device), SQ_I(boot_id));
}

/* ?3: what to add to t_ms; ?4: the quality. */
static const char *const RETIME[] = {
    "UPDATE lock_events SET occurred_ms = t_ms + ?3, order_ms = t_ms + ?3, quality = ?4"
    " WHERE device = ?1 AND boot = ?2",
    "UPDATE healths SET occurred_ms = t_ms + ?3, order_ms = t_ms + ?3, quality = ?4"
    " WHERE device = ?1 AND boot = ?2",
    "UPDATE gaps SET occurred_ms = t_ms + ?3, quality = ?4 WHERE device = ?1 AND boot = ?2",
    "UPDATE faults SET occurred_ms = t_ms + ?3, quality = ?4 WHERE device = ?1 AND boot = ?2",
    "UPDATE sessions SET start_ms = start_t + ?3, start_quality = ?4"
    " WHERE device = ?1 AND start_boot = ?2",
    "UPDATE sessions SET stop_ms = stop_t + ?3, stop_quality = ?4"
    " WHERE device = ?1 AND stop_boot = ?2",
};

static int anchor_put(void *ctx, const struct store_anchor *row) {
    int r = sq_run(ctx, "INSERT OR REPLACE INTO anchors VALUES(?,?,?,?,?,?)", SQ_T(row->device),
                   SQ_I(row->boot_id), SQ_I(row->boot_ms), SQ_I(row->unix_ms), SQ_I(row->quality),
                   SQ_I(row->error_ms));
    for (size_t i = 0; i < sizeof RETIME / sizeof RETIME[0] && r >= 0; i++)
        r = sq_run(ctx, RETIME[i], SQ_T(row->device), SQ_I(row->boot_id),
                   SQ_I(row->unix_ms - row->boot_ms), SQ_I(row->quality));
    return r < 0 ? r : 0;
}

static int boot_heard(void *ctx, const char *device, uint64_t boot_id, int64_t began_ms,
                      int64_t *ret_began_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO boots VALUES(?1,?2,?3) ON CONFLICT DO UPDATE"
                   " SET began_ms = min(began_ms, ?3)",
                   SQ_T(device), SQ_I(boot_id), SQ_I(began_ms));
    if (r < 0)
        return r;
    r = sq_one(ctx, sq_row_int, ret_began_ms,
               "SELECT began_ms FROM boots WHERE device = ? AND boot = ?", SQ_T(device),
               SQ_I(boot_id));
    return r < 0 ? r : 0;
}

static int derived_clear(void *ctx) {
    return sq_exec(ctx, "DELETE FROM passages; DELETE FROM hours; DELETE FROM sessions;"
                        "DELETE FROM lock_events; DELETE FROM healths; DELETE FROM awake;"
                        "DELETE FROM gaps; DELETE FROM faults; DELETE FROM anchors");
}

void store_sqlite_times(struct store *store) {
    store->health_put = health_put;
    store->healths = healths;
    store->health_around = health_around;
    store->awake_add = awake_add;
    store->awake = awake;
    store->gap_put = gap_put;
    store->gaps = gaps;
    store->fault_put = fault_put;
    store->faults = faults;
    store->anchor_get = anchor_get;
    store->anchor_put = anchor_put;
    store->boot_heard = boot_heard;
    store->derived_clear = derived_clear;
}
