/* The simulated disk obeys the contract of a real one, and loses what a real one may lose. */
#include "disk_contract.h"
#include "sim_disk.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sim_disk sim;
static uint64_t random_state = 1;

static struct disk fresh(void) {
    sim_disk_free(&sim);
    return sim_disk_seam(&sim);
}

static void obeys_the_contract(void **state) {
    (void)state;
    struct disk d = fresh();
    disk_contract(&d);
}

static int file_with(const struct disk *d, const char *text, bool sync) {
    int f = d->open(d->ctx, "f", 1);
    assert_int_equal(d->write(d->ctx, f, 0, text, strlen(text)), 0);
    if (sync) {
        assert_int_equal(d->sync(d->ctx, f), 0);
        assert_int_equal(d->sync_dir(d->ctx), 0);
    }
    return f;
}

static void keeps_what_was_synced(void **state) {
    (void)state;
    struct disk d = fresh();
    int f = file_with(&d, "old", true);
    assert_int_equal(d.write(d.ctx, f, 0, "new", 3), 0);
    sim_disk_reboot(&sim, 0, &random_state);
    assert_memory_equal(sim_disk_file(&sim, "f")->data, "old", 3);
}

static void may_keep_what_was_not(void **state) {
    (void)state;
    struct disk d = fresh();
    int f = file_with(&d, "old", true);
    assert_int_equal(d.write(d.ctx, f, 0, "new", 3), 0);
    sim_disk_reboot(&sim, 1, &random_state);
    assert_memory_equal(sim_disk_file(&sim, "f")->data, "new", 3);
}

static void loses_a_name_that_was_not_synced(void **state) {
    (void)state;
    struct disk d = fresh();
    int f = file_with(&d, "text", false);
    assert_int_equal(d.sync(d.ctx, f), 0);
    sim_disk_reboot(&sim, 0, &random_state);
    assert_null(sim_disk_file(&sim, "f"));
}

static void does_not_write_again_after_a_failed_sync(void **state) {
    (void)state;
    struct disk d = fresh();
    int f = file_with(&d, "old", true);
    assert_int_equal(d.write(d.ctx, f, 0, "new", 3), 0);
    sim.fail_from = sim.calls + 1;
    sim.fail_count = 1;
    sim.fail_error = ERR_IO;
    assert_int_equal(d.sync(d.ctx, f), ERR_IO);
    assert_int_equal(d.sync(d.ctx, f), 0); /* and means nothing */
    sim_disk_reboot(&sim, 0, &random_state);
    assert_memory_equal(sim_disk_file(&sim, "f")->data, "old", 3);
}

static int forget(void **state) {
    (void)state;
    sim_disk_free(&sim);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(obeys_the_contract),
        cmocka_unit_test(keeps_what_was_synced),
        cmocka_unit_test(may_keep_what_was_not),
        cmocka_unit_test(loses_a_name_that_was_not_synced),
        cmocka_unit_test(does_not_write_again_after_a_failed_sync),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
