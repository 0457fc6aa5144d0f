/* moorwatch verify: its praise and its blame.  A device with real spools on a real disk hands its
 * batches over by ingest; then the record, the rows or the delivery is broken, one at a time. */
#include "command.h"
#include "commands.h"
#include "disk.h"
#include "field.h"
#include "ingest.h"
#include "spool.h"
#include "store_sqlite.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BATCHES = 5, EVENTS = 4 };

static struct bench {
    char dir[64], db[96], spool_dir[96], out[96];
    struct store store;
    struct field_device kit;
    struct seal_signer signer;
    struct ingest in;
    struct disk disk;
    struct spool spool;
    uint64_t seq;
} b;

static void remove_tree(const char *path) {
    char command[160];
    snprintf(command, sizeof command, "rm -r '%s'", path);
    assert_int_equal(system(command), 0);
}

/* Journals, seals and (if `deliver`) hands over one batch; acknowledges if `ack`. */
static void one_batch(bool deliver, bool ack) {
    struct event events[EVENTS];
    struct field_batch batch;
    for (int i = 0; i < EVENTS; i++) {
        events[i] = field_passage(1000 * (int64_t)(b.seq + 1) + 10 * i, (uint16_t)(300 + i));
        assert_int_equal(spool_append_event(&b.spool, &events[i]), 0);
    }
    assert_int_equal(spool_sync(&b.spool), 0);
    b.kit.spool_id[CLASS_EVENT] = spool_id(&b.spool);
    b.kit.seq[CLASS_EVENT] = spool_next_seq(&b.spool);
    field_send(&b.kit, CLASS_EVENT, events, EVENTS, &batch);
    assert_int_equal(spool_append_batch(&b.spool, batch.payload, batch.len, EVENTS), 0);
    assert_int_equal(spool_sync(&b.spool), 0);
    struct ingest_message m = {batch.topic, batch.payload, batch.len, FIELD_NOW + (int64_t)b.seq};
    if (deliver)
        assert_int_equal(ingest_messages(&b.in, &m, 1, NULL), 0);
    const struct ack done = {.spool_id = spool_id(&b.spool),
                             .cls = CLASS_EVENT,
                             .has_upto = true,
                             .upto = batch.header.seq};
    if (ack)
        assert_true(spool_ack(&b.spool, &done) >= 0);
    assert_int_equal(spool_save(&b.spool), 0);
    b.seq++;
}

static int setup(void **state) {
    (void)state;
    memset(&b, 0, sizeof b);
    strcpy(b.dir, "/tmp/moorwatch-verify-XXXXXX");
    assert_non_null(mkdtemp(b.dir));
    snprintf(b.db, sizeof b.db, "%s/c.db", b.dir);
    snprintf(b.out, sizeof b.out, "%s/out", b.dir);
    snprintf(b.spool_dir, sizeof b.spool_dir, "%s/spool", b.dir);
    assert_int_equal(store_sqlite_open(b.db, STORE_SQLITE_CREATE, &b.store), 0);
    assert_int_equal(seal_signer_make(&b.signer), 0);
    field_device(&b.kit, &b.store, "kit-1", DEVICE_SPEEDWATCH);
    const struct ingest_out silent = {0};
    assert_int_equal(ingest_open(&b.in, &b.store, &b.signer, &INGEST_DEFAULTS, &silent), 0);
    assert_int_equal(disk_posix(b.spool_dir, &b.disk), 0);
    const struct spool_conf conf = {
        .cls = CLASS_EVENT, .segment_bytes = 256 * 1024, .quota_bytes = 4 * 1024 * 1024};
    assert_int_equal(spool_open(&b.spool, &b.disk, &conf, 77, 4711), 0);
    for (int i = 0; i < BATCHES; i++)
        one_batch(true, true);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    spool_close(&b.spool);
    disk_posix_free(&b.disk);
    ingest_close(&b.in);
    field_free(&b.kit);
    seal_signer_free(&b.signer);
    b.store.close(b.store.ctx);
    remove_tree(b.dir);
    return 0;
}

static char answer[4096];

/* Runs the command with its output in `answer`. */
static int verify(bool with_spool, bool json) {
    char *argv[] = {"verify", "--db", b.db, NULL, NULL, NULL, NULL};
    int argc = 3;
    if (json)
        argv[argc++] = "--json";
    if (with_spool) {
        argv[argc++] = "--spool";
        argv[argc++] = b.spool_dir;
    }
    fflush(stdout);
    int keep = dup(1), file = open(b.out, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    assert_true(keep >= 0 && file >= 0 && dup2(file, 1) >= 0);
    int status = COMMAND_VERIFY.run(argc, argv);
    fflush(stdout);
    assert_true(dup2(keep, 1) >= 0);
    close(keep);
    ssize_t n = pread(file, answer, sizeof answer - 1, 0);
    assert_true(n >= 0);
    answer[n] = '\0';
    close(file);
    return status;
}

static void says(const char *text) {
    if (strstr(answer, text) == NULL)
        fail_msg("'%s' is not in:\n%s", text, answer);
}

/* With the guards taken away, as an attacker with the file would. */
static void tamper(const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(b.db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER IF EXISTS batches_kept;"
                                  "DROP TRIGGER IF EXISTS batches_unchanged",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_whole_record_is_praised(void **state) {
    (void)state;
    assert_int_equal(verify(false, true), 0);
    says("\"events_stored\":20,\"lost\":0,\"duplicated\":0");
    says("\"batches\":5");
    assert_int_equal(verify(true, true), 0);
    says("\"events_sent\":20,\"events_stored\":20,\"lost\":0,\"duplicated\":0,\"pending\":0");
    says("\"spools\":true,\"good\":true");
    assert_int_equal(verify(true, false), 0);
    says("kit-1");
}

static void what_waits_is_not_lost(void **state) {
    (void)state;
    one_batch(false, false); /* still in the spool */
    one_batch(true, false);  /* stored, the acknowledgement is on its way */
    const struct event e = field_passage(900000, 310);
    assert_int_equal(spool_append_event(&b.spool, &e), 0);
    assert_int_equal(spool_sync(&b.spool), 0);
    assert_int_equal(verify(true, true), 1); /* batch 5 is missing before batch 6 */
    says("\"missing_batches\":1");
    says("\"events_sent\":28,\"events_stored\":24,\"lost\":0,\"duplicated\":0,\"pending\":9");
}

static void what_was_acknowledged_and_is_not_there_is_lost(void **state) {
    (void)state;
    one_batch(false, true);
    assert_int_equal(verify(false, true), 0); /* nobody else could know */
    assert_int_equal(verify(true, true), 1);
    says("\"events_sent\":24,\"events_stored\":20,\"lost\":4");
    says("\"good\":false");
}

static void every_tampering_is_found(void **state) {
    (void)state;
    static const struct {
        const char *sql, *says;
    } TABLE[] = {
        {"UPDATE batches SET payload = CAST(substr(payload, 1, 40) || x'00' || substr(payload, 42)"
         " AS BLOB) WHERE seq = 2",
         "\"bad_signatures\":1"},
        {"UPDATE batches SET hash = x'00112233445566778899aabbccddeeff' WHERE seq = 1",
         "\"broken_chains\":1"},
        {"UPDATE batches SET seq = 9 WHERE seq = 4", "\"bad_bodies\":1"},
        {"DELETE FROM batches WHERE seq = 3; UPDATE streams SET upto = 2, stored = 4",
         "\"missing_batches\":1"},
        {"DELETE FROM passages WHERE id = 3", "\"wrong_rows\":1"},
        {"INSERT INTO passages SELECT id + 100, batch, device, site, session, boot, t_ms,"
         " occurred_ms, quality, received_ms, direction, speed, duration_ms, magnitude, grade,"
         " flags FROM passages WHERE id = 4",
         "\"wrong_rows\":1"},
        {"UPDATE devices SET key = x'04'", "\"bad_signatures\":5"},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (i > 0) {
            assert_int_equal(teardown(NULL), 0);
            assert_int_equal(setup(NULL), 0);
        }
        assert_int_equal(verify(true, true), 0);
        tamper(TABLE[i].sql);
        if (verify(true, true) != 1)
            fail_msg("not found: %s\n%s", TABLE[i].sql, answer);
        says(TABLE[i].says);
    }
}

static void a_rebuild_mends_the_rows(void **state) {
    (void)state;
    char *argv[] = {"rebuild", "--db", b.db};
    tamper("DELETE FROM passages WHERE id % 2 = 0; DELETE FROM hours");
    assert_int_equal(verify(false, true), 1);
    assert_int_equal(COMMAND_REBUILD.run(3, argv), 0);
    assert_int_equal(verify(false, true), 0);
}

static void a_wrong_call_is_told(void **state) {
    (void)state;
    char *nothing[] = {"verify"}, *odd[] = {"verify", "--db", b.db, "--what"};
    char *absent[] = {"verify", "--db", "/nonexistent.db"};
    char *spool[] = {"verify", "--db", b.db, "--spool", "/nonexistent"};
    assert_int_equal(COMMAND_VERIFY.run(1, nothing), 2);
    assert_int_equal(COMMAND_VERIFY.run(4, odd), 2);
    assert_int_equal(COMMAND_VERIFY.run(3, absent), 1);
    assert_int_equal(COMMAND_VERIFY.run(5, spool), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_whole_record_is_praised),
        TEST(what_waits_is_not_lost),
        TEST(what_was_acknowledged_and_is_not_there_is_lost),
        TEST(every_tampering_is_found),
        TEST(a_rebuild_mends_the_rows),
        TEST(a_wrong_call_is_told),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
