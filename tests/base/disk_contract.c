#include "disk_contract.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct found {
    int count;
    int64_t size;
    const char *name;
};

static int each(void *arg, const char *name, int64_t size) {
    struct found *f = arg;
    f->count++;
    if (strcmp(name, f->name) == 0)
        f->size = size;
    return 0;
}

static struct found list(const struct disk *d, const char *name) {
    struct found f = {.name = name, .size = -1};
    assert_int_equal(d->list(d->ctx, each, &f), 0);
    return f;
}

static int stop(void *arg, const char *name, int64_t size) {
    (void)arg;
    (void)name;
    (void)size;
    return 7;
}

static void files_come_and_go(const struct disk *d) {
    assert_int_equal(list(d, "a").count, 0);
    assert_int_equal(d->open(d->ctx, "a", 0), ERR_NOENT);
    int a = d->open(d->ctx, "a", 1);
    assert_true(a >= 0);
    assert_int_equal(list(d, "a").size, 0);
    assert_int_equal(d->list(d->ctx, stop, NULL), 7);
    d->close(d->ctx, a);
    assert_int_equal(d->rename(d->ctx, "a", "b"), 0);
    assert_int_equal(list(d, "a").size, -1);
    assert_int_equal(list(d, "b").size, 0);
    assert_int_equal(d->rename(d->ctx, "a", "b"), ERR_NOENT);
    assert_int_equal(d->sync_dir(d->ctx), 0);
    assert_int_equal(d->remove(d->ctx, "b"), 0);
    assert_int_equal(d->remove(d->ctx, "b"), ERR_NOENT);
    assert_int_equal(list(d, "b").count, 0);
}

static void names_are_checked(const struct disk *d) {
    char name[DISK_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[DISK_NAME_MAX + 1] = '\0';
    assert_int_equal(d->open(d->ctx, name, 1), ERR_TOOLONG);
    assert_int_equal(d->open(d->ctx, "../up", 1), ERR_INVAL);
    assert_int_equal(d->open(d->ctx, "", 1), ERR_INVAL);
}

static void bytes_are_kept(const struct disk *d) {
    char buf[16] = "";
    int f = d->open(d->ctx, "bytes", 1);
    assert_true(f >= 0);
    assert_int_equal(d->read(d->ctx, f, 0, buf, sizeof buf), 0);
    assert_int_equal(d->write(d->ctx, f, 4, "middle", 6), 0);
    assert_int_equal(d->read(d->ctx, f, 0, buf, sizeof buf), 10);
    assert_memory_equal(buf, "\0\0\0\0middle", 10); /* the hole reads as zeros */
    assert_int_equal(d->write(d->ctx, f, 0, "over", 4), 0);
    assert_int_equal(d->read(d->ctx, f, 2, buf, 4), 4);
    assert_memory_equal(buf, "ermi", 4);
    assert_int_equal(d->read(d->ctx, f, 8, buf, sizeof buf), 2);
    assert_int_equal(d->read(d->ctx, f, 1000, buf, sizeof buf), 0);
    assert_int_equal(d->sync(d->ctx, f), 0);
    d->close(d->ctx, f);
    f = d->open(d->ctx, "bytes", 0);
    assert_int_equal(d->read(d->ctx, f, 0, buf, 4), 4);
    assert_memory_equal(buf, "over", 4);
    d->close(d->ctx, f);
}

static void sizes_change(const struct disk *d) {
    char buf[16] = "";
    int f = d->open(d->ctx, "bytes", 0);
    assert_int_equal(d->truncate(d->ctx, f, 2), 0);
    assert_int_equal(list(d, "bytes").size, 2);
    assert_int_equal(d->truncate(d->ctx, f, 6), 0);
    assert_int_equal(d->read(d->ctx, f, 0, buf, sizeof buf), 6);
    assert_memory_equal(buf, "ov\0\0\0\0", 6); /* what was cut off does not come back */
    d->close(d->ctx, f);
}

static void a_rename_replaces(const struct disk *d) {
    char buf[4] = "";
    int new = d->open(d->ctx, "new", 1);
    assert_int_equal(d->write(d->ctx, new, 0, "new", 3), 0);
    assert_int_equal(d->rename(d->ctx, "new", "bytes"), 0);
    assert_int_equal(list(d, "bytes").count, 1);
    /* The handle follows the file, not the name. */
    assert_int_equal(d->write(d->ctx, new, 0, "N", 1), 0);
    int f = d->open(d->ctx, "bytes", 0);
    assert_int_equal(d->read(d->ctx, f, 0, buf, 3), 3);
    assert_memory_equal(buf, "New", 3);
    d->close(d->ctx, f);
    d->close(d->ctx, new);
    assert_int_equal(d->remove(d->ctx, "bytes"), 0);
}

static void handles_are_bounded(const struct disk *d) {
    int files[DISK_POSIX_FILES_MAX];
    for (int i = 0; i < DISK_POSIX_FILES_MAX; i++) {
        files[i] = d->open(d->ctx, "many", 1);
        assert_true(files[i] >= 0);
    }
    assert_int_equal(d->open(d->ctx, "many", 1), ERR_BUSY);
    for (int i = 0; i < DISK_POSIX_FILES_MAX; i++)
        d->close(d->ctx, files[i]);
    int f = d->open(d->ctx, "many", 0);
    assert_true(f >= 0);
    /* A removed file lives on for who has it open. */
    assert_int_equal(d->remove(d->ctx, "many"), 0);
    assert_int_equal(d->write(d->ctx, f, 0, "x", 1), 0);
    d->close(d->ctx, f);
}

void disk_contract(const struct disk *disk) {
    files_come_and_go(disk);
    names_are_checked(disk);
    bytes_are_kept(disk);
    sizes_change(disk);
    a_rename_replaces(disk);
    handles_are_bounded(disk);
    assert_int_equal(list(disk, "").count, 0);
}
