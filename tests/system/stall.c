/* stall: preloaded into a daemon, makes a part of it hang: fdatasync while the file that
 * STALL_DISK names is there, reads of the terminal STALL_DEVICE while STALL_RADAR's is. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_while(const char *variable) {
    const char *path = getenv(variable);
    while (path != NULL && access(path, F_OK) == 0)
        usleep(20000);
}

int fdatasync(int fd) {
    wait_while("STALL_DISK");
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t read(int fd, void *buf, size_t count) {
    char name[32] = "";
    const char *device = getenv("STALL_DEVICE");
    if (device != NULL && ttyname_r(fd, name, sizeof name) == 0 && strcmp(name, device) == 0)
        wait_while("STALL_RADAR");
    return syscall(SYS_read, fd, buf, count);
}
