/* malloc_count: preloaded into a daemon, counts who takes memory on its main thread.
 *
 * MALLOC_COUNT names a file of 8-byte counters, shared with the test: [0] calls from the program
 * itself, [1] from libsystemd, [2] from libgpiod and libinih, [3] from everything else (Paho,
 * OpenSSL, zlib: the documented exceptions, and libc on their behalf). */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROGRAM, SYSTEMD, OTHERS_OF_OURS, REST, KINDS };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

static uint64_t *counters;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("MALLOC_COUNT");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, KINDS * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        counters = at;
}

static int kind_of(const char *object) {
    if (strstr(object, "libsystemd") != NULL)
        return SYSTEMD;
    if (strstr(object, "libgpiod") != NULL || strstr(object, "libinih") != NULL)
        return OTHERS_OF_OURS;
    return strstr(object, ".so") == NULL ? PROGRAM : REST;
}

static void count(const void *caller) {
    Dl_info info;
    if (counters != NULL && gettid() == getpid() && dladdr(caller, &info) != 0)
        counters[kind_of(info.dli_fname)]++;
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(p, size);
}
