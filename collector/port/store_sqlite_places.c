/* Wards, reports and the points that hotspots are made of. */
#include "store_sqlite_own.h"

static int ward_put(void *ctx, const struct store_ward *row) {
    struct sq_value json = {SQ_TEXT, 0, row->geojson, 0};
    int r = sq_run(ctx, "INSERT OR REPLACE INTO wards VALUES(?,?,?,?)", SQ_T(row->code),
                   SQ_T(row->name), SQ_T(row->district), json);
    return r < 0 ? r : 0;
}

static void ward_read(sqlite3_stmt *s, struct store_ward *row) {
    SQ_TEXT_INTO(s, 0, row->code);
    SQ_TEXT_INTO(s, 1, row->name);
    SQ_TEXT_INTO(s, 2, row->district);
    row->geojson = (const char *)sqlite3_column_text(s, 3);
    row->geojson_len = (size_t)sqlite3_column_bytes(s, 3);
}

SQ_ROWS(ward)

static int wards(void *ctx, int (*each)(void *arg, const struct store_ward *row), void *arg) {
    struct ward_sink sink = {each, arg};
    return sq_each_values(ctx, 0, ward_row, &sink,
                          "SELECT code, name, district, geojson FROM wards ORDER BY code", NULL, 0);
}

static int report_put(void *ctx, const struct store_report *row) {
    return sq_run(ctx,
                  "INSERT OR IGNORE INTO reports(source, kind, key, occurred_ms, precision,"
                  " easting, northing) VALUES(?,?,?,?,?,?,?)",
                  SQ_T(row->source), SQ_T(row->kind), SQ_T(row->key), SQ_I(row->occurred_ms),
                  SQ_I(row->precision), SQ_I(row->easting), SQ_I(row->northing));
}

static void report_read(sqlite3_stmt *s, struct store_report *row) {
    *row = (struct store_report){
        .id = sq_int(s, 0),
        .occurred_ms = sq_int(s, 4),
        .precision = (uint8_t)sq_int(s, 5),
        .easting = (int32_t)sq_int(s, 6),
        .northing = (int32_t)sq_int(s, 7),
    };
    SQ_TEXT_INTO(s, 1, row->source);
    SQ_TEXT_INTO(s, 2, row->kind);
    SQ_TEXT_INTO(s, 3, row->key);
}

SQ_ROWS(report)

static int reports(void *ctx, int64_t from_ms, int64_t to_ms, size_t limit,
                   int (*each)(void *arg, const struct store_report *row), void *arg) {
    struct report_sink sink = {each, arg};
    return sq_each(ctx, limit, report_row, &sink,
                   "SELECT id, source, kind, key, occurred_ms, precision, easting, northing"
                   " FROM reports WHERE occurred_ms >= ? AND occurred_ms < ?"
                   " ORDER BY occurred_ms, id",
                   SQ_I(from_ms), SQ_I(to_ms));
}

static void point_read(sqlite3_stmt *s, struct store_point *row) {
    *row = (struct store_point){
        .layer = (enum point_layer)sq_int(s, 0),
        .id = sq_int(s, 1),
        .occurred_ms = sq_int(s, 4),
        .precision = (uint8_t)sq_int(s, 5),
        .easting = (int32_t)sq_int(s, 6),
        .northing = (int32_t)sq_int(s, 7),
    };
    SQ_TEXT_INTO(s, 2, row->source);
    SQ_TEXT_INTO(s, 3, row->kind);
}

SQ_ROWS(point)

static int points(void *ctx, unsigned layers, int64_t from_ms, int64_t to_ms, size_t limit,
                  int (*each)(void *arg, const struct store_point *row), void *arg) {
    struct point_sink sink = {each, arg};
    return sq_each(ctx, limit, point_row, &sink,
                   "SELECT 1 AS layer, e.id, e.device, CASE e.what WHEN 4 THEN 'alarm'"
                   " ELSE 'tamper' END, e.occurred_ms AS at, 0, k.easting, k.northing"
                   " FROM lock_events e JOIN locks k ON k.device = e.device AND k.lock = e.lock"
                   " WHERE (?1 & 2) AND e.what IN (4, 5) AND e.occurred_ms >= ?2"
                   " AND e.occurred_ms < ?3 AND (k.easting <> 0 OR k.northing <> 0)"
                   " UNION ALL SELECT 2, id, source, kind, occurred_ms, precision, easting,"
                   " northing FROM reports WHERE (?1 & 4) AND occurred_ms >= ?2"
                   " AND occurred_ms < ?3 ORDER BY at, layer, 2",
                   SQ_I(layers), SQ_I(from_ms), SQ_I(to_ms));
}

_Static_assert(LOCK_ALARM == 4 && LOCK_TAMPER == 5, "as the query of points has them");
_Static_assert(1 << POINT_LOCK == 2 && 1 << POINT_REPORT == 4, "as the query of points has them");

void store_sqlite_places(struct store *store) {
    store->ward_put = ward_put;
    store->wards = wards;
    store->report_put = report_put;
    store->reports = reports;
    store->points = points;
}
