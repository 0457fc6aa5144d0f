/* disk: the seam through which the spool touches a directory of files.
 *
 * Files are named within one directory; names hold no slash.  Nothing is buffered above the
 * kernel.  What a power cut may do: a write or truncation not yet followed by a successful sync may
 * be kept, lost or torn; a created, renamed or removed name not yet followed by sync_dir may be
 * either state.  A sync that returned 0 holds.  (A card that lies about its cache is outside the
 * promise.)
 *
 * All functions return >= 0 or an enum err; offsets and lengths in bytes.
 * Contract: tests/base/disk_contract.h, run on disk_posix and on the simulated disk of tests/sim.
 * Threads: the owner's.  Memory: the implementation's, taken when it is made. */
#ifndef MOORWATCH_DISK_H
#define MOORWATCH_DISK_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum { DISK_NAME_MAX = 63 };

struct disk {
    void *ctx;
    /* Calls each(arg, name, size_bytes) for every regular file, in no order; stops and returns what
     * each returned if that is not 0. */
    int (*list)(void *ctx, int (*each)(void *arg, const char *name, int64_t size), void *arg);
    /* Opens a file for reading and writing; creates it, empty, if `create`.  Returns a handle. */
    int (*open)(void *ctx, const char *name, int create);
    void (*close)(void *ctx, int file);
    /* Reads up to len bytes; returns how many (short only at the end of the file). */
    int (*read)(void *ctx, int file, int64_t offset, void *buf, size_t len);
    /* Writes all len bytes or fails; a failed write may have changed any of those bytes. */
    int (*write)(void *ctx, int file, int64_t offset, const void *buf, size_t len);
    int (*truncate)(void *ctx, int file, int64_t size);
    int (*sync)(void *ctx, int file);
    int (*rename)(void *ctx, const char *from, const char *to); /* replaces `to` */
    int (*remove)(void *ctx, const char *name);
    int (*sync_dir)(void *ctx);
};

/* A real directory, created if missing (mode 0700).  close() of the seam's handles is the user's;
 * disk_posix_free releases the directory.  At most DISK_POSIX_FILES_MAX handles open at once. */
enum { DISK_POSIX_FILES_MAX = 32 };
MUST int disk_posix(const char *path, struct disk *ret_disk);
void disk_posix_free(struct disk *disk);

#endif
