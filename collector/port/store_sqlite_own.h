/* store_sqlite_own: what the store_sqlite*.c files share; nobody else includes it.
 * Guarded by tests/collector/store_contract.h.
 *
 * Statements are prepared once and kept by their text.  Values are bound and columns are read
 * through the helpers below, so that STORE_NEVER and NULL, and bounds of texts, are met in one
 * place. Numbers of 64 bits without sign are stored as their two's complement. */
#ifndef MOORWATCH_STORE_SQLITE_OWN_H
#define MOORWATCH_STORE_SQLITE_OWN_H

#include "store.h"
#include <sqlite3.h>

enum { SQ_STATEMENTS = 256, SQ_SQL_MAX = 1200 };

struct sq {
    sqlite3 *db;
    struct sq_statement {
        char *sql;
        sqlite3_stmt *stmt;
    } statements[SQ_STATEMENTS];
    char error[256];
};

struct sq_value {
    enum { SQ_INT, SQ_TIME, SQ_TEXT, SQ_BLOB } type;
    int64_t i;
    const void *p;
    size_t len;
};

#define SQ_I(x) ((struct sq_value){SQ_INT, (int64_t)(x), NULL, 0})
#define SQ_M(x) ((struct sq_value){SQ_TIME, (x), NULL, 0})
#define SQ_T(x) ((struct sq_value){SQ_TEXT, 0, (x), 0})
#define SQ_B(p, n) ((struct sq_value){SQ_BLOB, 0, (p), (n)})

/* Runs a statement that gives no rows.  Returns how many rows it changed. */
#define sq_run(q, sql, ...) sq_run_values(q, sql, SQ_VALUES(__VA_ARGS__))
/* Calls row(stmt, sink) for each row, at most `limit` times; returns how many. */
#define sq_each(q, limit, row, sink, sql, ...)                                                     \
    sq_each_values(q, limit, row, sink, sql, SQ_VALUES(__VA_ARGS__))
/* Reads the first row: 1, or 0 if there is none. */
#define sq_one(q, row, sink, sql, ...) sq_each(q, 1, row, sink, sql, __VA_ARGS__)
#define SQ_VALUES(...)                                                                             \
    (const struct sq_value[]){__VA_ARGS__},                                                        \
        sizeof((const struct sq_value[]){__VA_ARGS__}) / sizeof(struct sq_value)

typedef int sq_row_fn(sqlite3_stmt *s, void *sink);
MUST int sq_run_values(struct sq *q, const char *sql, const struct sq_value *values, size_t n);
MUST int sq_each_values(struct sq *q, size_t limit, sq_row_fn *row, void *sink, const char *sql,
                        const struct sq_value *values, size_t n);
/* SQLite's code as one of ours, its words kept. */
MUST int sq_fail(struct sq *q, int code);

/* Statements without values or rows. */
MUST int sq_exec(struct sq *q, const char *sql);
/* Ends a transaction of our own: commits if `r` is good, else rolls back and hands `r` on. */
MUST int sq_finish(struct sq *q, int r);

int64_t sq_int(sqlite3_stmt *s, int column);
int64_t sq_time(sqlite3_stmt *s, int column);
void sq_text(sqlite3_stmt *s, int column, char *buf, size_t cap);
#define SQ_TEXT_INTO(s, column, array) sq_text(s, column, array, sizeof(array))
/* sink: int64_t, the first column. */
int sq_row_int(sqlite3_stmt *s, void *sink);

/* Five columns of a struct store_when, from `column` on: boot, t_ms, occurred_ms, quality,
 * received_ms. */
void sq_when(sqlite3_stmt *s, int column, struct store_when *ret_when);
#define SQ_WHEN(w)                                                                                 \
    SQ_I((w).boot_id), SQ_I((w).t_ms), SQ_M((w).occurred_ms), SQ_I((w).quality),                   \
        SQ_I((w).received_ms)

/* A WHERE clause that grows condition by condition. */
struct sq_where {
    char sql[SQ_SQL_MAX];
    struct sq_value values[12];
    size_t count;
};
void sq_where_init(struct sq_where *w, const char *select);
void sq_where_add(struct sq_where *w, const char *condition, struct sq_value value);
void sq_where_end(struct sq_where *w, const char *tail);
#define sq_each_where(q, limit, row, sink, w)                                                      \
    sq_each_values(q, limit, row, sink, (w)->sql, (w)->values, (w)->count)
/* The usual conditions of a struct store_filter; prefixes as the columns are called. */
void sq_where_filter(struct sq_where *w, const struct store_filter *f, const char *boot,
                     const char *occurred);

/* Declares the sink and the row function of a struct store_NAME that NAME_read fills. */
#define SQ_ROWS(name)                                                                              \
    struct name##_sink {                                                                           \
        int (*each)(void *arg, const struct store_##name *row);                                    \
        void *arg;                                                                                 \
    };                                                                                             \
    static int name##_row(sqlite3_stmt *s, void *p) {                                              \
        const struct name##_sink *sink = p;                                                        \
        struct store_##name row;                                                                   \
        name##_read(s, &row);                                                                      \
        return sink->each(sink->arg, &row);                                                        \
    }
/* The row function that copies one row into a struct store_NAME. */
#define SQ_ROW_COPY(name)                                                                          \
    static int name##_copy(sqlite3_stmt *s, void *p) {                                             \
        name##_read(s, p);                                                                         \
        return 0;                                                                                  \
    }

/* Columns as store_sqlite_times.c selects them; the newest heartbeat of a device: 1, or 0. */
void sq_health_read(sqlite3_stmt *s, struct store_health *row);
MUST int sq_health_newest(struct sq *q, const char *device, struct store_health *ret_health);

/* Each fills in its part of the seam. */
void store_sqlite_batches(struct store *store);
void store_sqlite_odd(struct store *store);
void store_sqlite_derived(struct store *store);
void store_sqlite_times(struct store *store);
void store_sqlite_register(struct store *store);
void store_sqlite_places(struct store *store);
void store_sqlite_alerts(struct store *store);
void store_sqlite_people(struct store *store);

/* Statements that lead from version n of the schema to n + 1, NULL at the end.  A data base is made
 * by all of them, so that an old one and a new one are the same. */
enum { STORE_SQLITE_VERSION = 2 };
extern const char *const *const STORE_SQLITE_UPGRADES[STORE_SQLITE_VERSION];
/* [n]: temporary views through which a data base of version n reads as one of the newest. */
extern const char *const STORE_SQLITE_VIEWS[STORE_SQLITE_VERSION];

#endif
