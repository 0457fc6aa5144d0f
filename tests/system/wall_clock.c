/* wall_clock: preloaded into a daemon, shifts the wall clock under it, and under TLS in it.
 *
 * WALL_CLOCK names a file that holds a shift in seconds (8 bytes, shared with the test, which may
 * change it at any time).  A shifted clock is not synchronised; the boot clock is left alone. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static const int64_t *shift;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("WALL_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        shift = at;
}

static int64_t shift_s(void) {
    return shift != NULL ? *shift : 0;
}

int clock_gettime(clockid_t id, struct timespec *ret_time) {
    int r = (int)syscall(SYS_clock_gettime, id, ret_time);
    if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ret_time->tv_sec += shift_s();
    return r;
}

time_t time(time_t *ret_time) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

int adjtimex(struct timex *tx) {
    int state = (int)syscall(SYS_adjtimex, tx);
    if (shift_s() == 0)
        return state;
    tx->status |= STA_UNSYNC;
    return TIME_ERROR;
}
