/* store: the seam between the collector and its data base.
 *
 * Everything outside begin..commit is a transaction of its own.  What was committed survives a
 * power cut; what was not committed leaves no trace.  A batch's bytes are written once and never
 * change; all that is derived from them can be rebuilt.
 *
 * Implementations: collector/port/store_sqlite.c (a file, or memory for tests).
 * Contract: tests/collector/store_contract.h, run on each.
 *
 * Errors: every function returns >= 0 (often a count or an id) or an enum err.  ERR_IO,
 * ERR_NOSPACE, ERR_READONLY, ERR_BUSY mean "nothing was changed, try again": inside a transaction
 * the caller must then roll back.  ERR_NOENT: no such row.  ERR_INVAL: the caller's values make no
 * sense.
 *
 * Reading: a query calls each(arg, row) for every row, in the order that its comment says, at most
 * `limit` times (0: STORE_ROWS_MAX), and returns how many.  A non-zero return of each ends the
 * query and is returned if negative.  each() may not call the store.  Paging: hand the id of the
 * last row as `before`/`after`; 0 begins.
 * Times given as from..to are half open; from STORE_NEVER and to INT64_MAX leave them open.
 *
 * Threads: one store per thread; several stores on one data base see each other's commits.
 * Memory: the implementation's.  Time: given, never read. */
#ifndef MOORWATCH_STORE_H
#define MOORWATCH_STORE_H

#include "err.h"
#include "rows.h"
#include "topic.h"

enum { STORE_ROWS_MAX = 100000 };

/* Which passages, lock events, sessions: NULL or "" and 0 are "any". */
struct store_filter {
    const char *device, *site;
    uint32_t session;
    int lock;                   /* -1: any */
    uint64_t boot_id;           /* 0: any */
    int64_t from_ms, to_ms;     /* occurred; both 0: any time, unknown times too */
    int64_t from_t_ms, to_t_ms; /* since the boot; both 0: any; passages only */
    int64_t before;             /* id */
    size_t limit;
};

struct store_alert_filter {
    unsigned states;        /* 1 << enum alert_state, or'ed; 0: any */
    const char *device;     /* NULL: any */
    int lock;               /* -1: any */
    int kind;               /* 0: any */
    int64_t from_ms, to_ms; /* raised; both 0: any */
    int64_t before;         /* id */
    size_t limit;
};

/* Where something was last known to be, for correcting what an anchor or a session tells later. */
struct store_place {
    int64_t occurred_ms;
    uint8_t quality;
    char site[STORE_ID_MAX + 1];
    uint32_t session;
};

struct store {
    void *ctx;
    void (*close)(void *ctx);

    /* -- transactions: not nested -- */
    int (*begin)(void *ctx);
    int (*commit)(void *ctx);
    void (*rollback)(void *ctx); /* harmless without a transaction */

    /* -- batches: the record -- */
    /* 1: new, and *ret_id is its row.  0: the same bytes are there already, *ret_id is their row.
     * ERR_EXIST: other bytes are stored under this identity; nothing changed. */
    int (*batch_put)(void *ctx, const struct batch_header *header, const uint8_t *payload,
                     size_t len, int64_t received_ms, int64_t *ret_id);
    /* 1 and its row if this identity is stored, 0 if not. */
    int (*batch_find)(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                      uint64_t seq, int64_t *ret_id);
    /* The stored hash of a batch's payload: 1, or 0 if it is not there. */
    int (*batch_hash)(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                      uint64_t seq, uint8_t ret_hash[WIRE_HASH_BYTES]);
    /* In order of arrival, ids above `after`. */
    int (*batches)(void *ctx, int64_t after, size_t limit,
                   int (*each)(void *arg, const struct store_batch *row), void *arg);
    /* Batches from_seq .. to_seq will never come: `upto` may advance over them. */
    int (*lost_put)(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
                    uint64_t from_seq, uint64_t to_seq);
    /* What may be acknowledged: upto, and the lowest stored numbers beyond it. */
    int (*ack)(void *ctx, const char *device, uint64_t spool_id, enum event_class cls,
               struct ack *ret_ack);
    int (*streams)(void *ctx, const char *device,
                   int (*each)(void *arg, const struct store_stream *row), void *arg);
    int (*missing)(void *ctx, const char *device, size_t limit,
                   int (*each)(void *arg, const struct store_missing *row), void *arg);

    /* -- refused and odd -- */
    /* Keeps the message, dropping the oldest beyond keep_rows or keep_bytes. */
    int (*refused_put)(void *ctx, const struct store_refused *row, size_t keep_rows,
                       size_t keep_bytes);
    int (*refused)(void *ctx, int64_t before, size_t limit,
                   int (*each)(void *arg, const struct store_refused *row), void *arg);
    int (*finding_put)(void *ctx, const struct store_finding *row);
    int (*findings)(void *ctx, const char *device, int64_t before, size_t limit,
                    int (*each)(void *arg, const struct store_finding *row), void *arg);
    int (*counter_add)(void *ctx, const char *name, uint64_t n);
    int (*counters)(void *ctx, int (*each)(void *arg, const struct store_counter *row), void *arg);

    /* -- derived rows: written by collector/ingest only; `id` of what is put is ignored -- */
    int (*passage_put)(void *ctx, const struct store_passage *row);
    /* Newest id first. */
    int (*passages)(void *ctx, const struct store_filter *filter,
                    int (*each)(void *arg, const struct store_passage *row), void *arg);
    int (*passage_move)(void *ctx, int64_t id, const struct store_place *to);
    /* Adds and takes away speeds (0.1 mph) of one hour.  ERR_RANGE, and nothing changed, if one is
     * to be taken that is not there. */
    int (*hour_change)(void *ctx, const char *site, int64_t hour_ms, uint8_t direction,
                       const uint16_t *add, size_t add_count, const uint16_t *take,
                       size_t take_count);
    /* By site, then hour, then direction. site NULL: all. */
    int (*hours)(void *ctx, const char *site, int64_t from_ms, int64_t to_ms, size_t limit,
                 int (*each)(void *arg, const struct store_hour *row), void *arg);

    /* Merges by (device, spool_id, session): a start, a stop or a check fills in its part. */
    int (*session_put)(void *ctx, const struct store_session *row);
    int (*session_get)(void *ctx, const char *device, uint64_t spool_id, uint32_t session,
                       struct store_session *ret_session);
    /* The session that was running at t_ms of that boot: 1, or 0. */
    int (*session_at)(void *ctx, const char *device, uint64_t boot_id, int64_t t_ms,
                      struct store_session *ret_session);
    int (*sessions)(void *ctx, const struct store_filter *filter,
                    int (*each)(void *arg, const struct store_session *row), void *arg);

    int (*lock_event_put)(void *ctx, const struct store_lock_event *row);
    int (*lock_events)(void *ctx, const struct store_filter *filter,
                       int (*each)(void *arg, const struct store_lock_event *row), void *arg);

    int (*health_put)(void *ctx, const struct store_health *row);
    int (*healths)(void *ctx, const struct store_filter *filter,
                   int (*each)(void *arg, const struct store_health *row), void *arg);
    /* The neighbours of t_ms among the heartbeats of one boot: bit 0 set if *ret_before is there,
     * bit 1 if *ret_after is. */
    int (*health_around)(void *ctx, const char *device, uint64_t boot_id, int64_t t_ms,
                         struct store_health *ret_before, struct store_health *ret_after);
    int (*awake_add)(void *ctx, const char *device, int64_t hour_ms, int64_t awake_ms);
    /* device NULL: all.  By device, then hour. */
    int (*awake)(void *ctx, const char *device, int64_t from_ms, int64_t to_ms, size_t limit,
                 int (*each)(void *arg, const struct store_awake *row), void *arg);

    int (*gap_put)(void *ctx, const struct store_gap *row);
    int (*gaps)(void *ctx, const struct store_filter *filter,
                int (*each)(void *arg, const struct store_gap *row), void *arg);
    int (*fault_put)(void *ctx, const struct store_fault *row);
    int (*faults)(void *ctx, const struct store_filter *filter,
                  int (*each)(void *arg, const struct store_fault *row), void *arg);

    /* 1 and the best anchor of that boot, or 0. */
    int (*anchor_get)(void *ctx, const char *device, uint64_t boot_id,
                      struct store_anchor *ret_anchor);
    /* Replaces it and gives every derived row of that boot, passages aside, its new time. */
    int (*anchor_put)(void *ctx, const struct store_anchor *row);
    /* When that boot began at the latest: the least of all `began_ms` told for it, this one
     * included. */
    int (*boot_heard)(void *ctx, const char *device, uint64_t boot_id, int64_t began_ms,
                      int64_t *ret_began_ms);
    /* Forgets all that is derived (not alerts, not the register): the first step of a rebuild. */
    int (*derived_clear)(void *ctx);

    /* -- the fleet's register: put replaces -- */
    int (*device_put)(void *ctx, const struct store_device *row, int64_t now_ms);
    int (*device_get)(void *ctx, const char *id, struct store_device *ret_device);
    int (*device_revoke)(void *ctx, const char *id, bool revoked);
    int (*device_link)(void *ctx, const char *id, bool online, int64_t now_ms);
    int (*device_heard)(void *ctx, const char *id, int64_t received_ms);
    /* By id. */
    int (*devices)(void *ctx, int (*each)(void *arg, const struct store_device_state *row),
                   void *arg);
    int (*site_put)(void *ctx, const struct store_site *row);
    int (*site_get)(void *ctx, const char *id, struct store_site *ret_site);
    int (*sites)(void *ctx, int (*each)(void *arg, const struct store_site *row), void *arg);
    int (*lock_put)(void *ctx, const struct store_lock *row);
    int (*lock_get)(void *ctx, const char *device, uint8_t lock, struct store_lock *ret_lock);
    int (*locks)(void *ctx, int (*each)(void *arg, const struct store_lock_state *row), void *arg);
    int (*ward_put)(void *ctx, const struct store_ward *row);
    int (*wards)(void *ctx, int (*each)(void *arg, const struct store_ward *row), void *arg);
    /* 1: new, 0: (source, key) is there already. */
    int (*report_put)(void *ctx, const struct store_report *row);
    int (*reports)(void *ctx, int64_t from_ms, int64_t to_ms, size_t limit,
                   int (*each)(void *arg, const struct store_report *row), void *arg);
    /* Alarms and tampers of locks that have a position, and reports, oldest first; layers:
     * 1 << enum point_layer or'ed. A time that is unknown is left out. */
    int (*points)(void *ctx, unsigned layers, int64_t from_ms, int64_t to_ms, size_t limit,
                  int (*each)(void *arg, const struct store_point *row), void *arg);

    /* -- alerts: the decisions are collector/alerts' -- */
    /* id 0: a new one, its id is returned; else replaces it. */
    int (*alert_put)(void *ctx, const struct store_alert *row);
    int (*alert_get)(void *ctx, int64_t id, struct store_alert *ret_alert);
    /* Newest id first. */
    int (*alerts)(void *ctx, const struct store_alert_filter *filter,
                  int (*each)(void *arg, const struct store_alert *row), void *arg);
    int (*alert_count)(void *ctx, unsigned states);
    int (*entry_put)(void *ctx, const struct store_alert_entry *row);
    /* Oldest first. */
    int (*entries)(void *ctx, int64_t alert, size_t limit,
                   int (*each)(void *arg, const struct store_alert_entry *row), void *arg);

    /* -- people -- */
    int (*user_put)(void *ctx, const struct store_user *row);
    int (*user_get)(void *ctx, const char *name, struct store_user *ret_user);
    int (*users)(void *ctx, int (*each)(void *arg, const struct store_user *row), void *arg);
    int (*login_put)(void *ctx, const struct store_login *row);
    /* 1 and the login if it has not expired at now_ms, 0 if there is none. */
    int (*login_get)(void *ctx, const uint8_t token_hash[STORE_TOKEN_BYTES], int64_t now_ms,
                     struct store_login *ret_login);
    int (*login_remove)(void *ctx, const uint8_t token_hash[STORE_TOKEN_BYTES]);
    /* Ends all of one user's, or (NULL) those that expired before now_ms.  Returns how many. */
    int (*logins_end)(void *ctx, const char *user, int64_t now_ms);
    int (*audit_put)(void *ctx, const struct store_audit *row);
    int (*audits)(void *ctx, int64_t before, size_t limit,
                  int (*each)(void *arg, const struct store_audit *row), void *arg);

    /* -- settings and other documents: text with a version -- */
    /* Stores a new version and returns its number, from 1. */
    int (*setting_put)(void *ctx, const char *key, const char *text, const char *who,
                       int64_t now_ms);
    /* The newest version into buf, terminated; returns its length.  ERR_NOENT, ERR_OVERFLOW. */
    int (*setting_get)(void *ctx, const char *key, char *buf, size_t cap);
};

#endif
