#include "disk_contract.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/moorwatch-disk-XXXXXX";

static int make_dir(void **state) {
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state) {
    (void)state;
    return rmdir(dir);
}

static void obeys_the_contract(void **state) {
    (void)state;
    struct disk disk;
    assert_int_equal(disk_posix(dir, &disk), 0);
    disk_contract(&disk);
    disk_posix_free(&disk);
    disk_posix_free(&disk); /* twice is fine */
}

static void makes_its_directory_private(void **state) {
    (void)state;
    char path[64];
    struct disk disk;
    struct stat st;
    snprintf(path, sizeof path, "%s/made", dir);
    assert_int_equal(disk_posix(path, &disk), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    disk_posix_free(&disk);
    assert_int_equal(rmdir(path), 0);
}

static void says_why_not(void **state) {
    (void)state;
    struct disk disk = {0};
    assert_int_equal(disk_posix("/proc/no-such-place/spool", &disk), ERR_NOENT);
    assert_null(disk.ctx);
}

/* A link planted in the directory must not lead the spool elsewhere. */
static void follows_no_links(void **state) {
    (void)state;
    char path[64];
    struct disk disk;
    snprintf(path, sizeof path, "%s/link", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(disk_posix(dir, &disk), 0);
    assert_true(disk.open(disk.ctx, "link", 0) < 0);
    assert_int_equal(disk.remove(disk.ctx, "link"), 0);
    disk_posix_free(&disk);
}

/* The file-size limit stands for a quota: both are a full disk, and room again is room again. */
static void a_limit_is_a_full_disk(void **state) {
    (void)state;
    struct disk disk;
    struct rlimit before, small;
    uint8_t page[4096] = {0};
    assert_int_equal(disk_posix(dir, &disk), 0);
    int f = disk.open(disk.ctx, "limited", 1);
    assert_true(f >= 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){sizeof page, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN); /* as the daemons do */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int within = disk.write(disk.ctx, f, 0, page, sizeof page);
    int beyond = disk.write(disk.ctx, f, sizeof page, page, sizeof page);
    int longer = disk.truncate(disk.ctx, f, 2 * sizeof page);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(within >= 0);
    assert_int_equal(beyond, ERR_NOSPACE);
    assert_int_equal(longer, ERR_NOSPACE);
    assert_true(disk.write(disk.ctx, f, sizeof page, page, sizeof page) >= 0);
    disk.close(disk.ctx, f);
    assert_int_equal(disk.remove(disk.ctx, "limited"), 0);
    disk_posix_free(&disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(obeys_the_contract),     cmocka_unit_test(makes_its_directory_private),
        cmocka_unit_test(says_why_not),           cmocka_unit_test(follows_no_links),
        cmocka_unit_test(a_limit_is_a_full_disk),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
