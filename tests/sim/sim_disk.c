#include "sim_disk.h"
#include "random.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static void bytes_resize(struct sim_bytes *b, int64_t size) {
    if (size > b->cap) {
        b->cap = size + size / 2 + 64;
        b->data = realloc(b->data, (size_t)b->cap);
        assert(b->data != NULL);
    }
    if (size > b->size)
        memset(b->data + b->size, 0, (size_t)(size - b->size));
    b->size = size;
}

static void bytes_copy(struct sim_bytes *to, const struct sim_bytes *from) {
    bytes_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->data, from->data, (size_t)from->size);
}

static void bytes_put(struct sim_bytes *b, int64_t offset, const uint8_t *data, size_t len) {
    if (len == 0)
        return;
    if (offset + (int64_t)len > b->size)
        bytes_resize(b, offset + (int64_t)len);
    memcpy(b->data + offset, data, len);
}

/* ---- names ---- */

static int dir_find(const struct sim_dir *dir, const char *name) {
    for (int i = 0; i < dir->count; i++)
        if (strcmp(dir->names[i].name, name) == 0)
            return i;
    return -1;
}

static void dir_set(struct sim_dir *dir, const char *name, int inode) {
    int i = dir_find(dir, name);
    if (i < 0) {
        assert(dir->count < SIM_DISK_FILES);
        i = dir->count++;
        strcpy(dir->names[i].name, name);
    }
    dir->names[i].inode = inode;
}

static void dir_unset(struct sim_dir *dir, const char *name) {
    int i = dir_find(dir, name);
    if (i >= 0)
        dir->names[i] = dir->names[--dir->count];
}

static void dir_copy(struct sim_dir *to, const struct sim_dir *from) {
    to->count = from->count;
    memcpy(to->names, from->names, (size_t)from->count * sizeof from->names[0]);
}

static void dir_apply(struct sim_dir *dir, const struct sim_pending *p) {
    int i;
    switch (p->kind) {
    case SIM_CREATE:
        if (dir_find(dir, p->to) < 0)
            dir_set(dir, p->to, p->inode);
        break;
    case SIM_RENAME:
        i = dir_find(dir, p->from);
        if (i >= 0 && dir->names[i].inode == p->inode) {
            dir_unset(dir, p->from);
            dir_set(dir, p->to, p->inode);
        }
        break;
    case SIM_REMOVE:
        i = dir_find(dir, p->from);
        if (i >= 0 && dir->names[i].inode == p->inode)
            dir_unset(dir, p->from);
        break;
    case SIM_WRITE:
    case SIM_TRUNCATE:
        break;
    }
}

static bool is_dir_op(const struct sim_pending *p) {
    return p->kind >= SIM_CREATE;
}

/* ---- inodes ---- */

static bool inode_named(const struct sim_disk *d, int inode) {
    for (int i = 0; i < d->seen.count; i++)
        if (d->seen.names[i].inode == inode)
            return true;
    for (int i = 0; i < d->platter.count; i++)
        if (d->platter.names[i].inode == inode)
            return true;
    for (int i = 0; i < d->pending_count; i++)
        if (d->pending[i].inode == inode)
            return true;
    for (int i = 0; i < SIM_DISK_HANDLES; i++)
        if (d->handles[i] == inode + 1)
            return true;
    return false;
}

static int inode_new(struct sim_disk *d) {
    for (int i = 0; i < d->inode_count; i++)
        if (!d->inodes[i].used || !inode_named(d, i)) {
            d->inodes[i].used = true;
            d->inodes[i].seen.size = d->inodes[i].platter.size = 0;
            return i;
        }
    assert(d->inode_count < SIM_DISK_FILES);
    d->inodes[d->inode_count].used = true;
    return d->inode_count++;
}

/* ---- what may go wrong ---- */

static bool tick(struct sim_disk *d) {
    if (!d->dead && ++d->ops == d->cut_at)
        d->dead = true;
    return !d->dead;
}

/* Before a call does anything: 0, or the error that it ends with. */
static int call_begin(struct sim_disk *d) {
    if (!tick(d))
        return ERR_IO;
    d->calls++;
    if (d->fail_from > 0 && d->calls >= d->fail_from && d->calls < d->fail_from + d->fail_count)
        return d->fail_error;
    return 0;
}

static int call_end(struct sim_disk *d, int r) {
    return tick(d) ? r : ERR_IO;
}

static void pending_forget(struct sim_disk *d, int i) {
    free(d->pending[i].data);
    memmove(d->pending + i, d->pending + i + 1,
            (size_t)(--d->pending_count - i) * sizeof d->pending[0]);
}

static void inode_apply(struct sim_inode *inode, const struct sim_pending *p) {
    if (p->kind == SIM_WRITE)
        bytes_put(&inode->platter, p->offset, p->data, p->len);
    else if (p->kind == SIM_TRUNCATE)
        bytes_resize(&inode->platter, p->offset);
}

/* The kernel writes back what it likes when it likes: the oldest goes out when there are many. */
static struct sim_pending *pending_new(struct sim_disk *d) {
    if (d->pending_count == SIM_DISK_PENDING) {
        struct sim_pending *p = &d->pending[0];
        if (is_dir_op(p))
            dir_apply(&d->platter, p);
        else
            inode_apply(&d->inodes[p->inode], p);
        pending_forget(d, 0);
    }
    struct sim_pending *p = &d->pending[d->pending_count++];
    *p = (struct sim_pending){0};
    return p;
}

/* ---- the seam ---- */

static int sim_list(void *ctx, int (*each)(void *, const char *, int64_t), void *arg) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    for (int i = 0; r == 0 && i < d->seen.count; i++)
        r = each(arg, d->seen.names[i].name, d->inodes[d->seen.names[i].inode].seen.size);
    return call_end(d, r);
}

static int sim_open(void *ctx, const char *name, int create) {
    struct sim_disk *d = ctx;
    int r = call_begin(d), h = 0;
    if (r < 0)
        return r;
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return ERR_INVAL;
    if (strlen(name) > DISK_NAME_MAX)
        return ERR_TOOLONG;
    while (h < SIM_DISK_HANDLES && d->handles[h] != 0)
        h++;
    if (h == SIM_DISK_HANDLES)
        return ERR_BUSY;
    int i = dir_find(&d->seen, name);
    if (i < 0 && !create)
        return call_end(d, ERR_NOENT);
    int inode = i >= 0 ? d->seen.names[i].inode : inode_new(d);
    d->handles[h] = inode + 1;
    if (i < 0) {
        struct sim_pending *p = pending_new(d);
        p->kind = SIM_CREATE;
        p->inode = inode;
        strcpy(p->to, name);
        dir_set(&d->seen, name, inode);
    }
    return call_end(d, h);
}

static void sim_close(void *ctx, int file) {
    ((struct sim_disk *)ctx)->handles[file] = 0;
}

static struct sim_inode *inode_of(struct sim_disk *d, int file) {
    assert(file >= 0 && file < SIM_DISK_HANDLES && d->handles[file] != 0);
    return &d->inodes[d->handles[file] - 1];
}

static int sim_read(void *ctx, int file, int64_t offset, void *buf, size_t len) {
    struct sim_disk *d = ctx;
    if (d->dead)
        return ERR_IO;
    d->calls++;
    if (d->fail_from > 0 && d->calls >= d->fail_from && d->calls < d->fail_from + d->fail_count &&
        d->fail_error == ERR_IO)
        return ERR_IO;
    const struct sim_bytes *b = &inode_of(d, file)->seen;
    if (offset >= b->size)
        return 0;
    if ((int64_t)len > b->size - offset)
        len = (size_t)(b->size - offset);
    memcpy(buf, b->data + offset, len);
    return (int)len;
}

static int sim_write(void *ctx, int file, int64_t offset, const void *buf, size_t len) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    if (r < 0)
        return r;
    struct sim_inode *inode = inode_of(d, file);
    int64_t grows = offset + (int64_t)len - inode->seen.size;
    if (d->capacity_bytes > 0 && grows > 0 && sim_disk_used(d) + grows > d->capacity_bytes)
        return call_end(d, ERR_NOSPACE);
    struct sim_pending *p = pending_new(d);
    p->kind = SIM_WRITE;
    p->inode = d->handles[file] - 1;
    p->offset = offset;
    p->len = len;
    p->data = malloc(len + 1);
    assert(p->data != NULL);
    memcpy(p->data, buf, len);
    bytes_put(&inode->seen, offset, buf, len);
    return call_end(d, 0);
}

static int sim_truncate(void *ctx, int file, int64_t size) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    if (r < 0)
        return r;
    struct sim_inode *inode = inode_of(d, file);
    if (inode->seen.size == size)
        return call_end(d, 0);
    struct sim_pending *p = pending_new(d);
    p->kind = SIM_TRUNCATE;
    p->inode = d->handles[file] - 1;
    p->offset = size;
    bytes_resize(&inode->seen, size);
    return call_end(d, 0);
}

static bool overlap(const struct sim_pending *a, const struct sim_pending *b) {
    return a->kind == SIM_WRITE && b->kind == SIM_WRITE && a->inode == b->inode &&
           a->offset < b->offset + (int64_t)b->len && b->offset < a->offset + (int64_t)a->len;
}

/* What has been written again, and synced, does not come back older.  Returns where `i` went. */
static int limbo_forget(struct sim_disk *d, int i) {
    for (int k = i - 1; k >= 0; k--)
        if (d->pending[k].limbo && overlap(&d->pending[k], &d->pending[i])) {
            pending_forget(d, k);
            i--;
        }
    return i;
}

static int sim_sync(void *ctx, int file) {
    struct sim_disk *d = ctx;
    int r = call_begin(d), inode = d->handles[file] - 1;
    (void)inode_of(d, file);
    for (int i = 0; i < d->pending_count && !d->dead && !d->sync_lies;) {
        struct sim_pending *p = &d->pending[i];
        if (is_dir_op(p) || p->inode != inode || p->limbo) {
            i++;
        } else if (r < 0) {
            p->limbo = true;
            i++;
        } else {
            i = limbo_forget(d, i);
            inode_apply(&d->inodes[inode], &d->pending[i]);
            pending_forget(d, i);
        }
    }
    return r < 0 ? r : call_end(d, 0);
}

static int sim_rename(void *ctx, const char *from, const char *to) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    if (r < 0)
        return r;
    int i = dir_find(&d->seen, from);
    if (i < 0)
        return call_end(d, ERR_NOENT);
    struct sim_pending *p = pending_new(d);
    p->kind = SIM_RENAME;
    p->inode = d->seen.names[i].inode;
    strcpy(p->from, from);
    strcpy(p->to, to);
    dir_apply(&d->seen, p);
    return call_end(d, 0);
}

static int sim_remove(void *ctx, const char *name) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    if (r < 0)
        return r;
    int i = dir_find(&d->seen, name);
    if (i < 0)
        return call_end(d, ERR_NOENT);
    struct sim_pending *p = pending_new(d);
    p->kind = SIM_REMOVE;
    p->inode = d->seen.names[i].inode;
    strcpy(p->from, name);
    dir_apply(&d->seen, p);
    return call_end(d, 0);
}

static int sim_sync_dir(void *ctx) {
    struct sim_disk *d = ctx;
    int r = call_begin(d);
    if (r < 0)
        return r;
    for (int i = 0; i < d->pending_count && !d->sync_lies;)
        if (is_dir_op(&d->pending[i])) {
            dir_apply(&d->platter, &d->pending[i]);
            pending_forget(d, i);
        } else {
            i++;
        }
    return call_end(d, 0);
}

struct disk sim_disk_seam(struct sim_disk *d) {
    return (struct disk){
        .ctx = d,
        .list = sim_list,
        .open = sim_open,
        .close = sim_close,
        .read = sim_read,
        .write = sim_write,
        .truncate = sim_truncate,
        .sync = sim_sync,
        .rename = sim_rename,
        .remove = sim_remove,
        .sync_dir = sim_sync_dir,
    };
}

/* ---- the power ---- */

/* What a torn write leaves: 0 half, 1 half and zeros, 2 zeros, 3 some of its sectors. */
static void tear(struct sim_inode *inode, const struct sim_pending *p, int how, uint64_t *random) {
    size_t half = p->len / 2;
    uint8_t *zeros = calloc(1, p->len + 1);
    assert(zeros != NULL);
    if (how <= 1)
        bytes_put(&inode->platter, p->offset, p->data, half);
    if (how == 1)
        bytes_put(&inode->platter, p->offset + (int64_t)half, zeros, p->len - half);
    if (how == 2)
        bytes_put(&inode->platter, p->offset, zeros, p->len);
    for (size_t at = 0; how == 3 && at < p->len; at += 512)
        if (random_below(random, 2) == 0)
            bytes_put(&inode->platter, p->offset + (int64_t)at, p->data + at,
                      p->len - at < 512 ? p->len - at : 512);
    free(zeros);
}

static void settle_one(struct sim_disk *d, const struct sim_pending *p, int fate, bool last_write,
                       uint64_t *random) {
    bool by_chance = fate >= SIM_FATES_FIXED;
    if (is_dir_op(p)) {
        if (fate != 0 && (!by_chance || random_below(random, 2) == 0))
            dir_apply(&d->platter, p);
        return;
    }
    struct sim_inode *inode = &d->inodes[p->inode];
    int how = by_chance ? (int)random_below(random, 6) : fate == 0 ? 0 : 1;
    if (fate > 1 && !by_chance && last_write && p->kind == SIM_WRITE)
        how = fate; /* 2..4 */
    if (p->kind == SIM_TRUNCATE && how > 1)
        how = 1;
    if (how == 1)
        inode_apply(inode, p);
    else if (how > 1)
        tear(inode, p, how - 2, random);
}

static void handles_close(struct sim_disk *d) {
    memset(d->handles, 0, sizeof d->handles);
}

void sim_disk_reboot(struct sim_disk *d, int fate, uint64_t *random) {
    int last = -1;
    for (int i = 0; i < d->pending_count; i++)
        if (d->pending[i].kind == SIM_WRITE)
            last = i;
    for (int i = 0; i < d->pending_count; i++)
        settle_one(d, &d->pending[i], fate, i == last, random);
    while (d->pending_count > 0)
        pending_forget(d, d->pending_count - 1);
    handles_close(d);
    dir_copy(&d->seen, &d->platter);
    for (int i = 0; i < d->inode_count; i++)
        bytes_copy(&d->inodes[i].seen, &d->inodes[i].platter);
    d->dead = false;
    d->ops = d->calls = d->cut_at = d->fail_from = 0;
}

void sim_disk_kill(struct sim_disk *d) {
    handles_close(d);
    for (int i = 0; i < d->pending_count; i++)
        d->pending[i].limbo = false;
}

/* ---- housekeeping ---- */

void sim_disk_init(struct sim_disk *d) {
    memset(d, 0, sizeof *d);
}

void sim_disk_free(struct sim_disk *d) {
    for (int i = 0; i < d->inode_count; i++) {
        free(d->inodes[i].seen.data);
        free(d->inodes[i].platter.data);
    }
    for (int i = 0; i < d->pending_count; i++)
        free(d->pending[i].data);
    sim_disk_init(d);
}

static void pending_copy(struct sim_pending *to, const struct sim_pending *from) {
    *to = *from;
    if (from->data == NULL)
        return;
    to->data = malloc(from->len + 1);
    assert(to->data != NULL);
    memcpy(to->data, from->data, from->len);
}

void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from) {
    static const struct sim_inode NONE;
    for (int i = 0; i < to->pending_count; i++)
        free(to->pending[i].data);
    int most = to->inode_count > from->inode_count ? to->inode_count : from->inode_count;
    for (int i = 0; i < most; i++) {
        const struct sim_inode *source = i < from->inode_count ? &from->inodes[i] : &NONE;
        to->inodes[i].used = source->used;
        bytes_copy(&to->inodes[i].seen, &source->seen);
        bytes_copy(&to->inodes[i].platter, &source->platter);
    }
    to->inode_count = most;
    dir_copy(&to->seen, &from->seen);
    dir_copy(&to->platter, &from->platter);
    to->pending_count = from->pending_count;
    for (int i = 0; i < from->pending_count; i++)
        pending_copy(&to->pending[i], &from->pending[i]);
    memcpy(to->handles, from->handles, sizeof to->handles);
    to->ops = from->ops;
    to->cut_at = from->cut_at;
    to->dead = from->dead;
    to->fail_from = from->fail_from;
    to->fail_count = from->fail_count;
    to->fail_error = from->fail_error;
    to->calls = from->calls;
    to->sync_lies = from->sync_lies;
    to->capacity_bytes = from->capacity_bytes;
}

int64_t sim_disk_used(const struct sim_disk *d) {
    int64_t used = 0;
    for (int i = 0; i < d->seen.count; i++)
        used += d->inodes[d->seen.names[i].inode].seen.size;
    return used;
}

struct sim_bytes *sim_disk_file(struct sim_disk *d, const char *name) {
    int i = dir_find(&d->seen, name);
    return i < 0 ? NULL : &d->inodes[d->seen.names[i].inode].seen;
}
