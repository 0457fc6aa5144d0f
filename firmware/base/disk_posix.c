/* The disk seam on a directory of a POSIX file system. */
#include "disk.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct posix_dir {
    int fd;
    int files; /* handles open */
};

/* A quota or a file-size limit that is used up is a full disk to whoever writes. */
static int fail(void) {
    if (errno == EDQUOT || errno == EFBIG)
        return ERR_NOSPACE;
    return errno > 0 ? -errno : ERR_IO;
}

static int dir_fd(void *ctx) {
    return ((struct posix_dir *)ctx)->fd;
}

static int list_entry(int fd, const char *name, int (*each)(void *, const char *, int64_t),
                      void *arg) {
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : fail(); /* removed while we look */
    if (!S_ISREG(st.st_mode) || strlen(name) > DISK_NAME_MAX)
        return 0;
    return each(arg, name, st.st_size);
}

static int posix_list(void *ctx, int (*each)(void *, const char *, int64_t), void *arg) {
    int fd = openat(dir_fd(ctx), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail();
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = fail();
        close(fd);
        return r;
    }
    int r = 0;
    struct dirent *e;
    while (r == 0 && (errno = 0, e = readdir(dir)) != NULL)
        r = list_entry(dir_fd(ctx), e->d_name, each, arg);
    if (r == 0 && errno != 0)
        r = fail();
    closedir(dir);
    return r;
}

static int posix_open(void *ctx, const char *name, int create) {
    struct posix_dir *d = ctx;
    if (strchr(name, '/') != NULL || name[0] == '\0')
        return ERR_INVAL;
    if (strlen(name) > DISK_NAME_MAX)
        return ERR_TOOLONG;
    if (d->files == DISK_POSIX_FILES_MAX)
        return ERR_BUSY;
    int flags = O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(d->fd, name, flags | O_RDWR | (create ? O_CREAT : 0), 0600);
    /* What may only be read can still be looked at; the first write says that it is read-only. */
    if (fd < 0 && !create && (errno == EROFS || errno == EACCES))
        fd = openat(d->fd, name, flags | O_RDONLY);
    if (fd < 0)
        return fail();
    d->files++;
    return fd;
}

static void posix_close(void *ctx, int file) {
    ((struct posix_dir *)ctx)->files--;
    close(file);
}

static int posix_read(void *ctx, int file, int64_t offset, void *buf, size_t len) {
    (void)ctx;
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(file, (char *)buf + done, len - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail();
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int)done;
}

static int posix_write(void *ctx, int file, int64_t offset, const void *buf, size_t len) {
    (void)ctx;
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(file, (const char *)buf + done, len - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EBADF ? ERR_READONLY : fail();
        if (n == 0)
            return ERR_IO;
        done += (size_t)n;
    }
    return 0;
}

static int posix_truncate(void *ctx, int file, int64_t size) {
    (void)ctx;
    return ftruncate(file, size) == 0 ? 0 : fail();
}

/* fdatasync also writes the size of a file that has grown. */
static int posix_sync(void *ctx, int file) {
    (void)ctx;
    return fdatasync(file) == 0 ? 0 : fail();
}

static int posix_rename(void *ctx, const char *from, const char *to) {
    int fd = dir_fd(ctx);
    return renameat(fd, from, fd, to) == 0 ? 0 : fail();
}

static int posix_remove(void *ctx, const char *name) {
    return unlinkat(dir_fd(ctx), name, 0) == 0 ? 0 : fail();
}

static int posix_sync_dir(void *ctx) {
    return fsync(dir_fd(ctx)) == 0 ? 0 : fail();
}

/* A new directory's own name must survive a power cut too. */
static void sync_parent(int fd) {
    int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return;
    (void)fsync(parent);
    close(parent);
}

static int dir_open(const char *path) {
    int made = mkdir(path, 0700) == 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && made)
        sync_parent(fd);
    return fd;
}

int disk_posix(const char *path, struct disk *ret_disk) {
    int fd = dir_open(path);
    if (fd < 0)
        return fail();
    struct posix_dir *d = malloc(sizeof *d);
    if (d == NULL) {
        close(fd);
        return ERR_NOMEM;
    }
    *d = (struct posix_dir){.fd = fd};
    *ret_disk = (struct disk){
        .ctx = d,
        .list = posix_list,
        .open = posix_open,
        .close = posix_close,
        .read = posix_read,
        .write = posix_write,
        .truncate = posix_truncate,
        .sync = posix_sync,
        .rename = posix_rename,
        .remove = posix_remove,
        .sync_dir = posix_sync_dir,
    };
    return 0;
}

void disk_posix_free(struct disk *disk) {
    struct posix_dir *d = disk->ctx;
    if (d == NULL)
        return;
    close(d->fd);
    free(d);
    *disk = (struct disk){0};
}
