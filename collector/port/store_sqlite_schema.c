#include "store_sqlite_own.h"

/* Times are Unix milliseconds; NULL is "unknown" or "not yet".  order_ms is occurred_ms where that
 * is known, else received_ms: by it, newest means newest. */
static const char *const FIRST[] = {
    "CREATE TABLE batches(id INTEGER PRIMARY KEY, device TEXT NOT NULL, spool INTEGER NOT NULL,"
    " cls INTEGER NOT NULL, seq INTEGER NOT NULL, schema INTEGER NOT NULL, boot INTEGER NOT NULL,"
    " anchor_boot_ms INTEGER NOT NULL, anchor_unix_ms INTEGER NOT NULL,"
    " anchor_quality INTEGER NOT NULL, previous BLOB, codec INTEGER NOT NULL,"
    " body_size INTEGER NOT NULL, events INTEGER NOT NULL, received_ms INTEGER NOT NULL,"
    " hash BLOB NOT NULL, payload BLOB NOT NULL, UNIQUE(device, spool, cls, seq));",
    "CREATE TRIGGER batches_kept BEFORE DELETE ON batches BEGIN"
    " SELECT RAISE(ABORT, 'batches are written once'); END;",
    "CREATE TRIGGER batches_unchanged BEFORE UPDATE ON batches BEGIN"
    " SELECT RAISE(ABORT, 'batches are written once'); END;",
    "CREATE TABLE streams(device TEXT NOT NULL, spool INTEGER NOT NULL, cls INTEGER NOT NULL,"
    " upto INTEGER, highest INTEGER, stored INTEGER NOT NULL DEFAULT 0,"
    " events INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
    " lost INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(device, spool, cls)) WITHOUT ROWID;",
    "CREATE TABLE lost(device TEXT NOT NULL, spool INTEGER NOT NULL, cls INTEGER NOT NULL,"
    " from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,"
    " PRIMARY KEY(device, spool, cls, from_seq, to_seq)) WITHOUT ROWID;",
    "CREATE TABLE refused(id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL,"
    " reason INTEGER NOT NULL, device TEXT NOT NULL, topic TEXT NOT NULL, len INTEGER NOT NULL,"
    " kept INTEGER NOT NULL, payload BLOB);",
    "CREATE TABLE findings(id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, device TEXT NOT NULL, spool INTEGER NOT NULL, cls INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, text TEXT NOT NULL);",
    "CREATE INDEX findings_device ON findings(device);",
    "CREATE TABLE counters(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;",

    "CREATE TABLE passages(id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, device TEXT NOT NULL,"
    " site TEXT NOT NULL, session INTEGER NOT NULL, boot INTEGER NOT NULL, t_ms INTEGER NOT NULL,"
    " occurred_ms INTEGER, quality INTEGER NOT NULL, received_ms INTEGER NOT NULL,"
    " direction INTEGER NOT NULL, speed INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
    " magnitude INTEGER NOT NULL, grade INTEGER NOT NULL, flags INTEGER NOT NULL);",
    "CREATE INDEX passages_site ON passages(site, occurred_ms);",
    "CREATE INDEX passages_boot ON passages(device, boot, t_ms);",
    "CREATE TABLE hours(site TEXT NOT NULL, hour_ms INTEGER NOT NULL, direction INTEGER NOT NULL,"
    " n INTEGER NOT NULL, bins BLOB NOT NULL, PRIMARY KEY(site, hour_ms, direction))"
    " WITHOUT ROWID;",
    "CREATE TABLE sessions(id INTEGER PRIMARY KEY, device TEXT NOT NULL, spool INTEGER NOT NULL,"
    " session INTEGER NOT NULL, site TEXT NOT NULL, limit_mph INTEGER NOT NULL,"
    " start_boot INTEGER NOT NULL, start_t INTEGER, start_ms INTEGER, start_quality INTEGER,"
    " start_received INTEGER, stop_boot INTEGER NOT NULL, stop_t INTEGER, stop_ms INTEGER,"
    " stop_quality INTEGER, stop_received INTEGER, end INTEGER NOT NULL,"
    " vehicles INTEGER NOT NULL, checked INTEGER NOT NULL, expected INTEGER NOT NULL,"
    " measured INTEGER NOT NULL, UNIQUE(device, spool, session));",
    "CREATE INDEX sessions_boot ON sessions(device, start_boot, start_t);",
    "CREATE TABLE lock_events(id INTEGER PRIMARY KEY, batch INTEGER NOT NULL,"
    " device TEXT NOT NULL, lock INTEGER NOT NULL, what INTEGER NOT NULL, about INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, t_ms INTEGER NOT NULL, occurred_ms INTEGER,"
    " quality INTEGER NOT NULL, received_ms INTEGER NOT NULL, order_ms INTEGER NOT NULL);",
    "CREATE INDEX lock_events_state ON lock_events(device, lock, about, order_ms, t_ms);",
    "CREATE INDEX lock_events_boot ON lock_events(device, boot);",
    "CREATE INDEX lock_events_time ON lock_events(what, occurred_ms);",
    "CREATE TABLE healths(id INTEGER PRIMARY KEY, device TEXT NOT NULL, boot INTEGER NOT NULL,"
    " t_ms INTEGER NOT NULL, occurred_ms INTEGER, quality INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, order_ms INTEGER NOT NULL, uptime_s INTEGER NOT NULL,"
    " battery_mv INTEGER NOT NULL, temperature_c10 INTEGER NOT NULL, signal_dbm INTEGER NOT NULL,"
    " pending_alarm INTEGER NOT NULL, pending_event INTEGER NOT NULL,"
    " pending_telemetry INTEGER NOT NULL, period_s INTEGER NOT NULL, counters TEXT NOT NULL);",
    "CREATE INDEX healths_order ON healths(device, order_ms, t_ms);",
    "CREATE INDEX healths_boot ON healths(device, boot, t_ms);",
    "CREATE TABLE awake(device TEXT NOT NULL, hour_ms INTEGER NOT NULL,"
    " awake_ms INTEGER NOT NULL, PRIMARY KEY(device, hour_ms)) WITHOUT ROWID;",
    "CREATE TABLE gaps(id INTEGER PRIMARY KEY, device TEXT NOT NULL, spool INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, t_ms INTEGER NOT NULL, occurred_ms INTEGER,"
    " quality INTEGER NOT NULL, received_ms INTEGER NOT NULL, cls INTEGER NOT NULL,"
    " reason INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,"
    " events INTEGER NOT NULL);",
    "CREATE INDEX gaps_boot ON gaps(device, boot);",
    "CREATE TABLE faults(id INTEGER PRIMARY KEY, device TEXT NOT NULL, boot INTEGER NOT NULL,"
    " t_ms INTEGER NOT NULL, occurred_ms INTEGER, quality INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, code INTEGER NOT NULL, active INTEGER NOT NULL,"
    " detail INTEGER NOT NULL);",
    "CREATE INDEX faults_boot ON faults(device, boot);",
    "CREATE TABLE anchors(device TEXT NOT NULL, boot INTEGER NOT NULL, boot_ms INTEGER NOT NULL,"
    " unix_ms INTEGER NOT NULL, quality INTEGER NOT NULL, error_ms INTEGER NOT NULL,"
    " PRIMARY KEY(device, boot)) WITHOUT ROWID;",

    "CREATE TABLE boots(device TEXT NOT NULL, boot INTEGER NOT NULL, began_ms INTEGER NOT NULL,"
    " PRIMARY KEY(device, boot)) WITHOUT ROWID;",
    "CREATE TABLE devices(id TEXT PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL,"
    " lpa TEXT NOT NULL, site TEXT NOT NULL, easting INTEGER NOT NULL, northing INTEGER NOT NULL,"
    " period_s INTEGER NOT NULL, revoked INTEGER NOT NULL, key BLOB NOT NULL,"
    " registered_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE seen(device TEXT PRIMARY KEY, received_ms INTEGER, online INTEGER,"
    " link_ms INTEGER) WITHOUT ROWID;",
    "CREATE TABLE sites(id TEXT PRIMARY KEY, name TEXT NOT NULL, road TEXT NOT NULL,"
    " lpa TEXT NOT NULL, ward TEXT NOT NULL, limit_mph INTEGER NOT NULL,"
    " easting INTEGER NOT NULL, northing INTEGER NOT NULL, approved_until_ms INTEGER)"
    " WITHOUT ROWID;",
    "CREATE TABLE locks(device TEXT NOT NULL, lock INTEGER NOT NULL, plot TEXT NOT NULL,"
    " allotment TEXT NOT NULL, easting INTEGER NOT NULL, northing INTEGER NOT NULL,"
    " PRIMARY KEY(device, lock)) WITHOUT ROWID;",
    "CREATE TABLE wards(code TEXT PRIMARY KEY, name TEXT NOT NULL, district TEXT NOT NULL,"
    " geojson TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE reports(id INTEGER PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL,"
    " key TEXT NOT NULL, occurred_ms INTEGER NOT NULL, precision INTEGER NOT NULL,"
    " easting INTEGER NOT NULL, northing INTEGER NOT NULL, UNIQUE(source, key));",
    "CREATE INDEX reports_time ON reports(occurred_ms);",

    "CREATE TABLE alerts(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
    " severity INTEGER NOT NULL, device TEXT NOT NULL, lock INTEGER NOT NULL,"
    " detail INTEGER NOT NULL, late INTEGER NOT NULL, title TEXT NOT NULL,"
    " events INTEGER NOT NULL, raised_ms INTEGER NOT NULL, occurred_ms INTEGER, last_ms INTEGER,"
    " restored_ms INTEGER, acknowledged_ms INTEGER, closed_ms INTEGER,"
    " acknowledged_by TEXT NOT NULL, closed_by TEXT NOT NULL, cause TEXT NOT NULL);",
    "CREATE INDEX alerts_state ON alerts(state);",
    "CREATE INDEX alerts_device ON alerts(device, state);",
    "CREATE TABLE entries(id INTEGER PRIMARY KEY, alert INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, occurred_ms INTEGER, who TEXT NOT NULL, text TEXT NOT NULL);",
    "CREATE INDEX entries_alert ON entries(alert);",

    "CREATE TABLE users(name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL,"
    " disabled INTEGER NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE logins(token BLOB PRIMARY KEY, user TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE audits(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, object TEXT NOT NULL);",
    "CREATE TABLE settings(key TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,"
    " who TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY(key, version)) WITHOUT ROWID;",
    "PRAGMA application_id = 1297044311;", /* "MOOW" */
    "PRAGMA user_version = 1;",
    NULL,
};

/* From version 1: what devices tell since they have gauges, receivers and more sensors.  What a row
 * was not told reads as "not measured"; `moorwatch rebuild` fills in what its batch did tell. */
static const char *const TO_2[] = {
    "ALTER TABLE sessions ADD COLUMN latitude_e7 INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE sessions ADD COLUMN longitude_e7 INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE sessions ADD COLUMN position_error_m INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE lock_events ADD COLUMN causes INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN disk_free_mib INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN spool_days INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN battery_days INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN battery_ma INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN power_flags INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE healths ADD COLUMN clock_quality INTEGER NOT NULL DEFAULT 0;",
    "PRAGMA user_version = 2;",
    NULL,
};

/* Before a table of the same name: what a reader asks for is there, as a row not told would have
 * it. */
const char *const STORE_SQLITE_VIEWS[STORE_SQLITE_VERSION] = {
    [1] = "CREATE TEMP VIEW sessions AS SELECT *, 0 AS latitude_e7, 0 AS longitude_e7,"
          " 0 AS position_error_m FROM main.sessions;"
          "CREATE TEMP VIEW lock_events AS SELECT *, 0 AS causes FROM main.lock_events;"
          "CREATE TEMP VIEW healths AS SELECT *, 0 AS disk_free_mib, 0 AS spool_days,"
          " 0 AS battery_days, 0 AS battery_ma, 0 AS power_flags, 0 AS clock_quality"
          " FROM main.healths;",
};

/* [n]: from version n to n + 1. */
const char *const *const STORE_SQLITE_UPGRADES[STORE_SQLITE_VERSION] = {
    [0] = FIRST,
    [1] = TO_2,
};
