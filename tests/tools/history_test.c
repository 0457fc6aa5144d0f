/* A past stands in the spools as a daemon would have left it: everything sealed, signed, chained,
 * and readable back, event for event. */
#include "history.h"
#include "spool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t MONDAY_S = 1761523200; /* 2025-10-27 */
static char folder[64], key_path[128], spool_dir[128];

static int make_folder(void **state) {
    (void)state;
    char command[512];
    snprintf(folder, sizeof folder, "/tmp/moorwatch-history-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(key_path, sizeof key_path, "%s/device.key", folder);
    snprintf(spool_dir, sizeof spool_dir, "%s/spool", folder);
    snprintf(command, sizeof command,
             "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s 2>/dev/null",
             key_path);
    return system(command);
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf -- %s", folder);
    return system(command);
}

static struct seal_key load_key(void) {
    struct seal_signer signer;
    struct seal_key key;
    uint8_t point[SEAL_KEY_BYTES];
    assert_int_equal(seal_signer_load(key_path, &signer), 0);
    assert_int_equal(seal_signer_public(&signer, point), 0);
    assert_int_equal(seal_key_from_bytes(point, &key), 0);
    seal_signer_free(&signer);
    return key;
}

/* Reads one class back: checks signatures, numbers, chain and times against the story. */
static size_t read_class(const struct disk *disk, enum event_class cls, const struct seal_key *key,
                         const struct story *story, uint64_t *ret_batches) {
    static struct spool spool;
    static uint8_t payload[WIRE_PAYLOAD_MAX];
    static struct event events[WIRE_EVENTS_MAX];
    struct spool_pending at, *after = NULL;
    uint8_t previous[WIRE_HASH_BYTES];
    size_t seen = 0, in_story = 0;
    assert_int_equal(spool_inspect(&spool, disk, cls), 0);
    for (uint64_t seq = 0; spool_next_batch(&spool, after, &at) == 0; seq++, after = &at) {
        struct batch_view view;
        int len = spool_read_batch(&spool, &at, payload, sizeof payload);
        assert_true(len > 0);
        assert_int_equal(batch_verify(payload, (size_t)len, key), 0);
        assert_int_equal(batch_peek(payload, (size_t)len, &view), 0);
        assert_int_equal(view.header.seq, seq);
        assert_int_equal(view.header.has_previous, seq > 0);
        if (seq > 0)
            assert_memory_equal(view.header.previous, previous, WIRE_HASH_BYTES);
        batch_hash(payload, (size_t)len, previous);
        int n = batch_decode(&view, events, WIRE_EVENTS_MAX);
        assert_int_equal(n, view.header.events);
        for (int i = 0; i < n; i++, seen++, in_story++) {
            while (event_class_of(story->events[in_story].event.kind) != cls)
                in_story++;
            assert_int_equal(batch_event_unix_ms(&view.header, events[i].t_ms),
                             story->events[in_story].unix_ms);
        }
        ++*ret_batches;
    }
    struct spool_stats stats;
    spool_stats(&spool, &stats);
    assert_int_equal(stats.unsealed, 0);
    assert_int_equal(stats.accepted, seen);
    spool_close(&spool);
    return seen;
}

static void hub_reads_back(void **state) {
    (void)state;
    struct story_span span = {MONDAY_S, 2, MONDAY_S + 14 * 86400};
    struct history_conf conf = {"hub-test", spool_dir, key_path, 3};
    struct history_result result = {0};
    struct story story = {0};
    struct chance c;
    struct disk disk;
    chance_init(&c, 3);
    assert_int_equal(story_hub(&story, &c, &span, 3, 4), 0);
    assert_int_equal(history_play(&conf, &story, &result), 0);
    assert_int_equal(result.events, story.count);

    struct seal_key key = load_key();
    uint64_t batches = 0;
    assert_int_equal(disk_posix(spool_dir, &disk), 0);
    size_t seen = read_class(&disk, CLASS_ALARM, &key, &story, &batches);
    seen += read_class(&disk, CLASS_TELEMETRY, &key, &story, &batches);
    assert_int_equal(seen, story.count);
    assert_int_equal(result.batches, batches);
    disk_posix_free(&disk);
    seal_key_free(&key);
    story_free(&story);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hub_reads_back)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
