#include "store_sqlite.h"
#include "store_sqlite_own.h"
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 1297044311, BUSY_MS = 5000 };

static const struct {
    int code, err;
} CODES[] = {
    {SQLITE_FULL, ERR_NOSPACE},   {SQLITE_READONLY, ERR_READONLY}, {SQLITE_BUSY, ERR_BUSY},
    {SQLITE_LOCKED, ERR_BUSY},    {SQLITE_NOMEM, ERR_NOMEM},       {SQLITE_NOTADB, ERR_BADMSG},
    {SQLITE_CORRUPT, ERR_BADMSG}, {SQLITE_CONSTRAINT, ERR_INVAL},  {SQLITE_TOOBIG, ERR_OVERFLOW},
    {SQLITE_PERM, ERR_ACCESS},    {SQLITE_CANTOPEN, ERR_ACCESS},
};

int sq_fail(struct sq *q, int code) {
    if (q->db != NULL)
        snprintf(q->error, sizeof q->error, "%s", sqlite3_errmsg(q->db));
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++)
        if (CODES[i].code == (code & 0xff))
            return CODES[i].err;
    return ERR_IO;
}

/* -- statements ------------------------------------------------------------------------------ */

static unsigned text_hash(const char *text) {
    unsigned h = 2166136261u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

static int statement_make(struct sq *q, struct sq_statement *slot, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v3(q->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK)
        return sq_fail(q, code);
    char *copy = strdup(sql);
    if (copy == NULL) {
        sqlite3_finalize(stmt);
        return ERR_NOMEM;
    }
    *slot = (struct sq_statement){.sql = copy, .stmt = stmt};
    return 0;
}

/* The texts are ours and few: a table that overflows is a bug. */
static int statement(struct sq *q, const char *sql, sqlite3_stmt **ret_stmt) {
    unsigned at = text_hash(sql) % SQ_STATEMENTS;
    for (unsigned tried = 0; tried < SQ_STATEMENTS; tried++, at = (at + 1) % SQ_STATEMENTS) {
        struct sq_statement *slot = &q->statements[at];
        if (slot->sql == NULL) {
            int r = statement_make(q, slot, sql);
            if (r < 0)
                return r;
        }
        if (strcmp(slot->sql, sql) == 0) {
            *ret_stmt = slot->stmt;
            return 0;
        }
    }
    assert(false && "more statements than SQ_STATEMENTS");
    return ERR_NOMEM;
}

static int bind(sqlite3_stmt *s, int at, const struct sq_value *v) {
    switch (v->type) {
    case SQ_TIME:
        if (v->i == STORE_NEVER)
            return sqlite3_bind_null(s, at);
        return sqlite3_bind_int64(s, at, v->i);
    case SQ_TEXT:
        return sqlite3_bind_text(s, at, v->p != NULL ? v->p : "", -1, SQLITE_STATIC);
    case SQ_BLOB:
        if (v->p == NULL)
            return sqlite3_bind_zeroblob(s, at, 0);
        return sqlite3_bind_blob64(s, at, v->p, v->len, SQLITE_STATIC);
    case SQ_INT:
        break;
    }
    return sqlite3_bind_int64(s, at, v->i);
}

static int bind_all(struct sq *q, const char *sql, const struct sq_value *values, size_t n,
                    sqlite3_stmt **ret_stmt) {
    sqlite3_stmt *s = NULL;
    int r = statement(q, sql, &s);
    if (r < 0)
        return r;
    assert(sqlite3_stmt_busy(s) == 0 && "each() may not call the store");
    for (size_t i = 0; i < n; i++) {
        int code = bind(s, (int)i + 1, &values[i]);
        if (code != SQLITE_OK)
            return sq_fail(q, code);
    }
    *ret_stmt = s;
    return 0;
}

/* The bound texts belong to the caller: none may stay behind. */
static void release(sqlite3_stmt *s) {
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

int sq_run_values(struct sq *q, const char *sql, const struct sq_value *values, size_t n) {
    sqlite3_stmt *s = NULL;
    int r = bind_all(q, sql, values, n, &s);
    if (r < 0)
        return r;
    int code = sqlite3_step(s);
    r = code == SQLITE_DONE || code == SQLITE_ROW ? sqlite3_changes(q->db) : sq_fail(q, code);
    release(s);
    return r;
}

int sq_each_values(struct sq *q, size_t limit, sq_row_fn *row, void *sink, const char *sql,
                   const struct sq_value *values, size_t n) {
    sqlite3_stmt *s = NULL;
    int r = bind_all(q, sql, values, n, &s);
    if (r < 0)
        return r;
    int rows = 0, code = SQLITE_DONE;
    if (limit == 0 || limit > STORE_ROWS_MAX)
        limit = STORE_ROWS_MAX;
    while ((size_t)rows < limit && (code = sqlite3_step(s)) == SQLITE_ROW) {
        rows++;
        r = row(s, sink);
        if (r != 0)
            break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        r = sq_fail(q, code);
    release(s);
    return r < 0 ? r : rows;
}

/* -- columns --------------------------------------------------------------------------------- */

int64_t sq_int(sqlite3_stmt *s, int column) {
    return sqlite3_column_int64(s, column);
}

int64_t sq_time(sqlite3_stmt *s, int column) {
    if (sqlite3_column_type(s, column) == SQLITE_NULL)
        return STORE_NEVER;
    return sqlite3_column_int64(s, column);
}

void sq_text(sqlite3_stmt *s, int column, char *buf, size_t cap) {
    const unsigned char *text = sqlite3_column_text(s, column);
    snprintf(buf, cap, "%s", text != NULL ? (const char *)text : "");
}

int sq_row_int(sqlite3_stmt *s, void *sink) {
    *(int64_t *)sink = sq_int(s, 0);
    return 0;
}

void sq_when(sqlite3_stmt *s, int column, struct store_when *ret_when) {
    *ret_when = (struct store_when){
        .boot_id = (uint64_t)sq_int(s, column),
        .t_ms = sq_int(s, column + 1),
        .occurred_ms = sq_time(s, column + 2),
        .quality = (uint8_t)sq_int(s, column + 3),
        .received_ms = sq_int(s, column + 4),
    };
}

/* -- conditions ------------------------------------------------------------------------------ */

static void where_append(struct sq_where *w, const char *text) {
    size_t have = strlen(w->sql);
    int n = snprintf(w->sql + have, sizeof w->sql - have, "%s", text);
    assert(n >= 0 && (size_t)n < sizeof w->sql - have);
}

void sq_where_init(struct sq_where *w, const char *select) {
    w->sql[0] = '\0';
    w->count = 0;
    where_append(w, select);
    where_append(w, " WHERE 1");
}

void sq_where_add(struct sq_where *w, const char *condition, struct sq_value value) {
    assert(w->count < sizeof w->values / sizeof w->values[0]);
    where_append(w, " AND ");
    where_append(w, condition);
    w->values[w->count++] = value;
}

void sq_where_end(struct sq_where *w, const char *tail) {
    where_append(w, tail);
}

static bool given(const char *text) {
    return text != NULL && text[0] != '\0';
}

void sq_where_filter(struct sq_where *w, const struct store_filter *f, const char *boot,
                     const char *occurred) {
    char text[64];
    if (given(f->device))
        sq_where_add(w, "device = ?", SQ_T(f->device));
    if (f->boot_id != 0) {
        snprintf(text, sizeof text, "%s = ?", boot);
        sq_where_add(w, text, SQ_I(f->boot_id));
    }
    if (f->from_ms != 0 || f->to_ms != 0) {
        snprintf(text, sizeof text, "%s >= ?", occurred);
        sq_where_add(w, text, SQ_I(f->from_ms));
        snprintf(text, sizeof text, "%s < ?", occurred);
        sq_where_add(w, text, SQ_I(f->to_ms));
    }
    if (f->before != 0)
        sq_where_add(w, "id < ?", SQ_I(f->before));
}

/* -- the data base --------------------------------------------------------------------------- */

int sq_exec(struct sq *q, const char *sql) {
    int code = sqlite3_exec(q->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : sq_fail(q, code);
}

/* Taken for writing at once: an upgrade in the middle could fail as busy after work was done. */
static int tx_begin(void *ctx) {
    return sq_exec(ctx, "BEGIN IMMEDIATE");
}

static int tx_commit(void *ctx) {
    return sq_exec(ctx, "COMMIT");
}

static void tx_rollback(void *ctx) {
    struct sq *q = ctx;
    if (sqlite3_get_autocommit(q->db) == 0)
        sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
}

int sq_finish(struct sq *q, int r) {
    if (r >= 0) {
        int done = tx_commit(q);
        r = done < 0 ? done : r;
    }
    if (r < 0)
        tx_rollback(q);
    return r;
}

static void sq_close(void *ctx) {
    struct sq *q = ctx;
    for (size_t i = 0; i < SQ_STATEMENTS; i++) {
        sqlite3_finalize(q->statements[i].stmt);
        free(q->statements[i].sql);
    }
    sqlite3_close(q->db);
    free(q);
}

static int pragma_int(struct sq *q, const char *sql, int64_t *ret_value) {
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(q->db, sql, -1, &s, NULL);
    if (code != SQLITE_OK)
        return sq_fail(q, code);
    code = sqlite3_step(s);
    int r = code == SQLITE_ROW ? 0 : sq_fail(q, code);
    if (r == 0)
        *ret_value = sq_int(s, 0);
    sqlite3_finalize(s);
    return r;
}

static int schema_step(struct sq *q, int64_t version) {
    int r = 0;
    const char *const *sql = STORE_SQLITE_UPGRADES[version];
    for (; r == 0 && *sql != NULL; sql++)
        r = sq_exec(q, *sql);
    return r;
}

/* All or nothing: a power cut leaves the old version. */
static int schema_upgrade(struct sq *q) {
    int r = tx_begin(q);
    if (r < 0)
        return r;
    int64_t version = 0;
    r = pragma_int(q, "PRAGMA user_version", &version);
    /* Another program may have done it while this one waited. */
    for (; r == 0 && version < STORE_SQLITE_VERSION; version++)
        r = schema_step(q, version);
    if (r == 0)
        r = tx_commit(q);
    if (r < 0)
        tx_rollback(q);
    return r;
}

static int schema_check(struct sq *q, enum store_sqlite_mode mode) {
    int64_t version = 0, id = 0, tables = 0;
    int r = pragma_int(q, "PRAGMA user_version", &version);
    if (r == 0)
        r = pragma_int(q, "PRAGMA application_id", &id);
    if (r == 0)
        r = pragma_int(q, "SELECT count(*) FROM sqlite_master", &tables);
    if (r < 0)
        return r;
    if (version == 0 && id == 0 && tables == 0)
        return mode == STORE_SQLITE_CREATE ? schema_upgrade(q) : ERR_NOENT;
    if (id != APPLICATION_ID)
        return ERR_BADMSG;
    if (version == STORE_SQLITE_VERSION)
        return 0;
    if (version <= 0 || version > STORE_SQLITE_VERSION)
        return ERR_VERSION;
    return mode == STORE_SQLITE_READ ? sq_exec(q, STORE_SQLITE_VIEWS[version]) : schema_upgrade(q);
}

static int db_open(struct sq *q, const char *path, enum store_sqlite_mode mode) {
    static const int FLAGS[] = {
        [STORE_SQLITE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [STORE_SQLITE_WRITE] = SQLITE_OPEN_READWRITE,
        [STORE_SQLITE_READ] = SQLITE_OPEN_READONLY,
    };
    if (mode != STORE_SQLITE_CREATE && access(path, F_OK) != 0)
        return ERR_NOENT;
    int code = sqlite3_open_v2(path, &q->db, FLAGS[mode] | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return sq_fail(q, code);
    sqlite3_extended_result_codes(q->db, 1);
    sqlite3_busy_timeout(q->db, BUSY_MS);
    int r = 0;
    if (mode != STORE_SQLITE_READ)
        r = sq_exec(q, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    return r < 0 ? r : schema_check(q, mode);
}

int store_sqlite_open(const char *path, enum store_sqlite_mode mode, struct store *ret_store) {
    struct sq *q = calloc(1, sizeof *q);
    if (q == NULL)
        return ERR_NOMEM;
    int r = db_open(q, path, mode);
    if (r < 0) {
        sq_close(q);
        return r;
    }
    struct store store = {.ctx = q,
                          .close = sq_close,
                          .begin = tx_begin,
                          .commit = tx_commit,
                          .rollback = tx_rollback};
    store_sqlite_batches(&store);
    store_sqlite_odd(&store);
    store_sqlite_derived(&store);
    store_sqlite_times(&store);
    store_sqlite_register(&store);
    store_sqlite_places(&store);
    store_sqlite_alerts(&store);
    store_sqlite_people(&store);
    *ret_store = store;
    return 0;
}

const char *store_sqlite_error(const struct store *store) {
    const struct sq *q = store->ctx;
    return q->error;
}
