/* sim_disk: a directory in memory that loses power.
 *
 * Keeps two states: what the program sees, and what is on the platter.  A write, truncation,
 * creation, rename or removal is pending until the sync that covers it; a power cut gives each
 * pending one a fate: lost, kept or torn.  A sync that was made to fail leaves its writes in limbo,
 * as Linux does: a later sync does not write them again, and a cut may keep or lose them.
 * Obeys tests/base/disk_contract.h. */
#ifndef MOORWATCH_SIM_DISK_H
#define MOORWATCH_SIM_DISK_H

#include "disk.h"
#include <stdbool.h>
#include <stdint.h>

enum { SIM_DISK_FILES = 640, SIM_DISK_PENDING = 256, SIM_DISK_HANDLES = 32 };

struct sim_bytes {
    uint8_t *data;
    int64_t size, cap;
};

/* A file, named or not. */
struct sim_inode {
    bool used;
    struct sim_bytes seen, platter;
};

struct sim_name {
    char name[DISK_NAME_MAX + 1];
    int inode;
};

struct sim_dir {
    int count;
    struct sim_name names[SIM_DISK_FILES];
};

enum sim_pending_kind { SIM_WRITE, SIM_TRUNCATE, SIM_CREATE, SIM_RENAME, SIM_REMOVE };

struct sim_pending {
    enum sim_pending_kind kind;
    int inode;
    bool limbo;
    int64_t offset; /* or the new size */
    size_t len;
    uint8_t *data;
    char from[DISK_NAME_MAX + 1], to[DISK_NAME_MAX + 1];
};

struct sim_disk {
    int inode_count;
    struct sim_inode inodes[SIM_DISK_FILES];
    struct sim_dir seen, platter;
    int pending_count;
    struct sim_pending pending[SIM_DISK_PENDING];
    int handles[SIM_DISK_HANDLES]; /* inode + 1, 0: free */

    long ops;        /* operations so far: two for each call, before and after */
    long cut_at;     /* at this one the power goes; 0: never */
    bool dead;       /* the power is gone: everything fails */
    long fail_from;  /* calls from this one on fail; 0: none */
    long fail_count; /* how many */
    int fail_error;  /* with this enum err */
    long calls;
    bool sync_lies;         /* a planted bug of the disk: sync does nothing */
    int64_t capacity_bytes; /* 0: no limit */
};

void sim_disk_init(struct sim_disk *d);
void sim_disk_free(struct sim_disk *d);
/* `to` is initialised and its old content freed. */
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from);
struct disk sim_disk_seam(struct sim_disk *d);

/* Fates: 0 everything pending is lost, 1 everything kept, 2..4 the last write torn (half; half and
 * zeros; zeros) and the rest kept, others: each by `random`. */
enum { SIM_FATES_FIXED = 5 };
/* The power comes back: what is on the platter is what there is.  Handles are closed. */
void sim_disk_reboot(struct sim_disk *d, int fate, uint64_t *random);
/* The daemon died, the kernel lives: handles are closed, nothing is lost.  What was in limbo is
 * written by the next sync again: that a kernel may not do so is a limit told in SPOOL.md 7. */
void sim_disk_kill(struct sim_disk *d);
/* Bytes of all files as seen. */
int64_t sim_disk_used(const struct sim_disk *d);
/* The file as seen; NULL if there is none. */
struct sim_bytes *sim_disk_file(struct sim_disk *d, const char *name);

#endif
