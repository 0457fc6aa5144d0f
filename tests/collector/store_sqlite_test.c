#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_contract.h"
#include "store_sqlite.h"
#include <sqlite3.h>

static bool in_memory;
static char dir[64], path[96];
static struct contract contract;

static void open_again(struct contract *c) {
    c->store.close(c->store.ctx);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITE, &c->store), 0);
}

int contract_setup(void **state) {
    strcpy(dir, "/tmp/moorwatch-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/store.db", dir);
    contract.again = in_memory ? NULL : open_again;
    *state = &contract;
    return store_sqlite_open(in_memory ? ":memory:" : path, STORE_SQLITE_CREATE, &contract.store);
}

int contract_teardown(void **state) {
    (void)state;
    contract.store.close(contract.store.ctx);
    static const char *const SUFFIX[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, SUFFIX[i]);
        unlink(name);
    }
    return rmdir(dir);
}

static void raw(const char *sql, int expected) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), expected);
    sqlite3_close(db);
}

static void refuses_what_is_not_its_own(void **state) {
    (void)state;
    struct store other;
    assert_int_equal(store_sqlite_open("/nonexistent/x.db", STORE_SQLITE_READ, &other), ERR_NOENT);
    assert_int_equal(store_sqlite_open("/nonexistent/x.db", STORE_SQLITE_CREATE, &other),
                     ERR_ACCESS);
    raw("PRAGMA user_version = 99", SQLITE_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READ, &other), ERR_VERSION);
    raw("PRAGMA user_version = 1; PRAGMA application_id = 7", SQLITE_OK);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITE, &other), ERR_BADMSG);
}

/* Not even by hand, with SQLite's own tools. */
static void bytes_of_a_batch_cannot_be_changed(void **state) {
    (void)state;
    raw("INSERT INTO batches VALUES(1,'a',1,0,0,1,1,0,0,0,NULL,0,1,1,0,x'00',x'00')", SQLITE_OK);
    raw("UPDATE batches SET payload = x'01'", SQLITE_CONSTRAINT);
    raw("DELETE FROM batches", SQLITE_CONSTRAINT);
}

static void settings_are_those_of_a_record(void **state) {
    (void)state;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), "wal");
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* A data base as version 1 left it: the columns that came later are gone again. */
static const char AS_VERSION_1[] =
    "ALTER TABLE sessions DROP COLUMN latitude_e7; ALTER TABLE sessions DROP COLUMN longitude_e7;"
    "ALTER TABLE sessions DROP COLUMN position_error_m;"
    "ALTER TABLE lock_events DROP COLUMN causes; ALTER TABLE healths DROP COLUMN disk_free_mib;"
    "ALTER TABLE healths DROP COLUMN spool_days; ALTER TABLE healths DROP COLUMN battery_days;"
    "ALTER TABLE healths DROP COLUMN battery_ma; ALTER TABLE healths DROP COLUMN power_flags;"
    "ALTER TABLE healths DROP COLUMN clock_quality; PRAGMA user_version = 1;"
    "INSERT INTO healths VALUES(1,'hub-1',5,100,NULL,0,7,7,60,3600,65,-70,0,0,0,600,'1 2 3')";

static void an_older_data_base_is_brought_up_to_date(void **state) {
    struct contract *c = *state;
    struct store store;
    struct store_health before, after;
    raw(AS_VERSION_1, SQLITE_OK);
    c->store.close(c->store.ctx);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READ, &store), 0); /* left as it is */
    assert_int_equal(store.health_around(store.ctx, "hub-1", 5, 200, &before, &after), 1);
    assert_true(before.health.battery_mv == 3600 && before.health.battery_days == 0);
    const struct store_filter any = {.lock = -1};
    assert_int_equal(store.sessions(store.ctx, &any, NULL, NULL), 0);
    assert_int_equal(store.lock_events(store.ctx, &any, NULL, NULL), 0);
    store.close(store.ctx);
    raw("SELECT battery_days FROM healths", SQLITE_ERROR);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_WRITE, &c->store), 0);
    const struct store *s = &c->store;
    assert_int_equal(s->health_around(s->ctx, "hub-1", 5, 200, &before, &after), 1);
    assert_int_equal(before.health.battery_mv, 3600);
    assert_int_equal(before.health.counters[2], 3);
    assert_int_equal(before.health.battery_days, 0); /* was not told */
    before.when.t_ms = 200;
    before.health.battery_days = 30;
    assert_int_equal(s->health_put(s->ctx, &before), 0);
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READ, &store), 0);
    store.close(store.ctx);
}

/* Stopped half way, it is as it was: the next open does it whole. */
static void an_upgrade_is_whole_or_not_at_all(void **state) {
    struct contract *c = *state;
    struct store store;
    raw(AS_VERSION_1, SQLITE_OK);
    raw("ALTER TABLE healths ADD COLUMN clock_quality", SQLITE_OK); /* the last step stumbles */
    assert_true(store_sqlite_open(path, STORE_SQLITE_WRITE, &store) < 0);
    raw("SELECT battery_days FROM healths", SQLITE_ERROR);
    raw("ALTER TABLE healths DROP COLUMN clock_quality", SQLITE_OK);
    open_again(c);
    raw("SELECT battery_days FROM healths", SQLITE_OK);
}

static int count(void *arg, const struct store_counter *row) {
    (void)row;
    ++*(int *)arg;
    return 0;
}

/* Two threads' stores on one file: the reader sees what was committed, and only that. */
static void readers_see_commits(void **state) {
    struct contract *c = *state;
    const struct store *w = &c->store;
    struct store r;
    int n = 0;
    assert_int_equal(store_sqlite_open(path, STORE_SQLITE_READ, &r), 0);
    assert_int_equal(w->begin(w->ctx), 0);
    assert_int_equal(w->counter_add(w->ctx, "x", 1), 0);
    assert_int_equal(r.counters(r.ctx, count, &n), 0);
    assert_int_equal(w->commit(w->ctx), 0);
    assert_int_equal(r.counters(r.ctx, count, &n), 1);
    assert_int_equal(r.counter_add(r.ctx, "x", 1), ERR_READONLY);
    assert_true(strlen(store_sqlite_error(&r)) > 0);
    r.close(r.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {STORE_CONTRACT};
    const struct CMUnitTest own[] = {
        STORE_CONTRACT,
        cmocka_unit_test_setup_teardown(refuses_what_is_not_its_own, contract_setup,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(bytes_of_a_batch_cannot_be_changed, contract_setup,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(settings_are_those_of_a_record, contract_setup,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(an_older_data_base_is_brought_up_to_date, contract_setup,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(an_upgrade_is_whole_or_not_at_all, contract_setup,
                                        contract_teardown),
        cmocka_unit_test_setup_teardown(readers_see_commits, contract_setup, contract_teardown),
    };
    in_memory = true;
    int failed = cmocka_run_group_tests_name("store, in memory", tests, NULL, NULL);
    in_memory = false;
    return failed + cmocka_run_group_tests_name("store, in a file", own, NULL, NULL);
}
