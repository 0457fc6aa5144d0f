/* Users, their logins, the audit and the settings. */
#include "store_sqlite_own.h"
#include <string.h>

static int user_put(void *ctx, const struct store_user *row) {
    int r =
        sq_run(ctx, "INSERT OR REPLACE INTO users VALUES(?,?,?,?,?)", SQ_T(row->name),
               SQ_T(row->role), SQ_T(row->password), SQ_I(row->disabled), SQ_I(row->created_ms));
    return r < 0 ? r : 0;
}

static void user_read(sqlite3_stmt *s, struct store_user *row) {
    SQ_TEXT_INTO(s, 0, row->name);
    SQ_TEXT_INTO(s, 1, row->role);
    SQ_TEXT_INTO(s, 2, row->password);
    row->disabled = sq_int(s, 3) != 0;
    row->created_ms = sq_int(s, 4);
}

SQ_ROWS(user)
SQ_ROW_COPY(user)

static int user_get(void *ctx, const char *name, struct store_user *ret_user) {
    int r = sq_one(ctx, user_copy, ret_user,
                   "SELECT name, role, password, disabled, created_ms FROM users WHERE name = ?",
                   SQ_T(name));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int users(void *ctx, int (*each)(void *arg, const struct store_user *row), void *arg) {
    struct user_sink sink = {each, arg};
    return sq_each_values(ctx, 0, user_row, &sink,
                          "SELECT name, role, password, disabled, created_ms FROM users"
                          " ORDER BY name",
                          NULL, 0);
}

/* -- logins ---------------------------------------------------------------------------------- */

static int login_put(void *ctx, const struct store_login *row) {
    int r = sq_run(ctx, "INSERT OR REPLACE INTO logins VALUES(?,?,?,?)",
                   SQ_B(row->token_hash, STORE_TOKEN_BYTES), SQ_T(row->user), SQ_I(row->created_ms),
                   SQ_I(row->expires_ms));
    return r < 0 ? r : 0;
}

static void login_read(sqlite3_stmt *s, struct store_login *row) {
    memset(row, 0, sizeof *row);
    if (sqlite3_column_bytes(s, 0) == STORE_TOKEN_BYTES)
        memcpy(row->token_hash, sqlite3_column_blob(s, 0), STORE_TOKEN_BYTES);
    SQ_TEXT_INTO(s, 1, row->user);
    row->created_ms = sq_int(s, 2);
    row->expires_ms = sq_int(s, 3);
}

SQ_ROW_COPY(login)

static int login_get(void *ctx, const uint8_t token_hash[STORE_TOKEN_BYTES], int64_t now_ms,
                     struct store_login *ret_login) {
    return sq_one(ctx, login_copy, ret_login,
                  "SELECT token, user, created_ms, expires_ms FROM logins WHERE token = ?"
                  " AND expires_ms > ?",
                  SQ_B(token_hash, STORE_TOKEN_BYTES), SQ_I(now_ms));
}

static int login_remove(void *ctx, const uint8_t token_hash[STORE_TOKEN_BYTES]) {
    int r = sq_run(ctx, "DELETE FROM logins WHERE token = ?", SQ_B(token_hash, STORE_TOKEN_BYTES));
    return r == 0 ? ERR_NOENT : r < 0 ? r : 0;
}

static int logins_end(void *ctx, const char *user, int64_t now_ms) {
    if (user != NULL)
        return sq_run(ctx, "DELETE FROM logins WHERE user = ?", SQ_T(user));
    return sq_run(ctx, "DELETE FROM logins WHERE expires_ms <= ?", SQ_I(now_ms));
}

/* -- the audit ------------------------------------------------------------------------------- */

static int audit_put(void *ctx, const struct store_audit *row) {
    int r = sq_run(ctx, "INSERT INTO audits(at_ms, who, action, object) VALUES(?,?,?,?)",
                   SQ_I(row->at_ms), SQ_T(row->who), SQ_T(row->action), SQ_T(row->object));
    return r < 0 ? r : 0;
}

static void audit_read(sqlite3_stmt *s, struct store_audit *row) {
    row->id = sq_int(s, 0);
    row->at_ms = sq_int(s, 1);
    SQ_TEXT_INTO(s, 2, row->who);
    SQ_TEXT_INTO(s, 3, row->action);
    SQ_TEXT_INTO(s, 4, row->object);
}

SQ_ROWS(audit)

static int audits(void *ctx, int64_t before, size_t limit,
                  int (*each)(void *arg, const struct store_audit *row), void *arg) {
    struct audit_sink sink = {each, arg};
    return sq_each(ctx, limit, audit_row, &sink,
                   "SELECT id, at_ms, who, action, object FROM audits WHERE id < ?"
                   " ORDER BY id DESC",
                   SQ_I(before == 0 ? INT64_MAX : before));
}

/* -- settings -------------------------------------------------------------------------------- */

static int setting_version(struct sq *q, const char *key) {
    int64_t version = 0;
    int r = sq_one(q, sq_row_int, &version,
                   "SELECT coalesce(max(version), 0) FROM settings WHERE key = ?", SQ_T(key));
    return r < 0 ? r : (int)version;
}

/* One statement, so that two writers never take the same number. */
static int setting_put(void *ctx, const char *key, const char *text, const char *who,
                       int64_t now_ms) {
    int r = sq_run(ctx,
                   "INSERT INTO settings SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4"
                   " FROM settings WHERE key = ?1",
                   SQ_T(key), SQ_T(text), SQ_T(who), SQ_I(now_ms));
    return r < 0 ? r : setting_version(ctx, key);
}

struct text_sink {
    char *buf;
    size_t cap, len;
};

static int text_row(sqlite3_stmt *s, void *p) {
    struct text_sink *sink = p;
    sink->len = (size_t)sqlite3_column_bytes(s, 0);
    if (sink->len >= sink->cap)
        return ERR_OVERFLOW;
    memcpy(sink->buf, sqlite3_column_text(s, 0), sink->len);
    sink->buf[sink->len] = '\0';
    return 0;
}

static int setting_get(void *ctx, const char *key, char *buf, size_t cap) {
    struct text_sink sink = {buf, cap, 0};
    int r = sq_one(ctx, text_row, &sink,
                   "SELECT text FROM settings WHERE key = ? ORDER BY version DESC", SQ_T(key));
    if (r <= 0)
        return r == 0 ? ERR_NOENT : r;
    return (int)sink.len;
}

void store_sqlite_people(struct store *store) {
    store->user_put = user_put;
    store->user_get = user_get;
    store->users = users;
    store->login_put = login_put;
    store->login_get = login_get;
    store->login_remove = login_remove;
    store->logins_end = logins_end;
    store->audit_put = audit_put;
    store->audits = audits;
    store->setting_put = setting_put;
    store->setting_get = setting_get;
}
