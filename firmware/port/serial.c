#include "serial.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    unsigned baud;
    speed_t speed;
} BAUDS[] = {
    {9600, B9600}, {19200, B19200}, {57600, B57600}, {115200, B115200}, {230400, B230400},
};

static const speed_t *speed_of(unsigned baud) {
    for (unsigned i = 0; i < sizeof BAUDS / sizeof *BAUDS; i++)
        if (BAUDS[i].baud == baud)
            return &BAUDS[i].speed;
    return NULL;
}

int serial_baud_known(unsigned baud) {
    return speed_of(baud) != NULL;
}

int serial_set_baud(int fd, unsigned baud) {
    struct termios t;
    const speed_t *speed = speed_of(baud);
    if (speed == NULL)
        return ERR_INVAL;
    if (tcgetattr(fd, &t) < 0)
        return errno == ENOTTY ? ERR_NODEV : -errno;
    cfmakeraw(&t);
    t.c_cflag |= CLOCAL | CREAD;
    t.c_cflag &= ~(tcflag_t)(CRTSCTS | CSTOPB);
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    if (cfsetispeed(&t, *speed) < 0 || cfsetospeed(&t, *speed) < 0 ||
        tcsetattr(fd, TCSANOW, &t) < 0)
        return -errno;
    return 0;
}

int serial_open(const char *path, unsigned baud) {
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = serial_set_baud(fd, baud);
    /* ModemManager and the curious stay out while we hold it. */
    if (r == 0 && ioctl(fd, TIOCEXCL) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

int serial_read(int fd, char *buf, size_t cap) {
    ssize_t n = read(fd, buf, cap);
    if (n > 0)
        return (int)n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_AGAIN;
    if (n < 0)
        return ERR_NODEV;
    /* VMIN 0 also reads as nothing: a line that is gone tells so when asked for its modem state or
     * its queue. */
    int waiting;
    return ioctl(fd, FIONREAD, &waiting) < 0 ? ERR_NODEV : ERR_AGAIN;
}

int serial_write(int fd, const char *text, size_t len) {
    ssize_t n = write(fd, text, len);
    if (n == (ssize_t)len)
        return 0;
    /* Half a command is worse than none: the caller sends Ctrl-C before it tries again. */
    if (n >= 0 || errno == EAGAIN || errno == EINTR)
        return ERR_AGAIN;
    return ERR_NODEV;
}

void serial_drop_input(int fd) {
    tcflush(fd, TCIFLUSH);
}

void serial_close(int fd) {
    if (fd < 0)
        return;
    ioctl(fd, TIOCNXCL);
    close(fd);
}
