#include "pty.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int make_far(struct pty *p) {
    char name[64];
    struct termios raw;
    if (grantpt(p->fd) != 0 || unlockpt(p->fd) != 0 || ptsname_r(p->fd, name, sizeof name) != 0)
        return -errno;
    p->far = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->far < 0 || tcgetattr(p->far, &raw) != 0)
        return -errno;
    cfmakeraw(&raw);
    if (tcsetattr(p->far, TCSANOW, &raw) != 0)
        return -errno;
    unlink(p->link);
    return symlink(name, p->link) == 0 ? 0 : -errno;
}

int pty_open(struct pty *p, const char *link) {
    *p = (struct pty){.fd = -1, .far = -1};
    if (strlen(link) >= sizeof p->link)
        return ERR_TOOLONG;
    snprintf(p->link, sizeof p->link, "%s", link);
    p->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->fd < 0)
        return -errno;
    int r = make_far(p);
    if (r < 0)
        pty_close(p);
    return r;
}

void pty_close(struct pty *p) {
    if (p->far >= 0)
        close(p->far);
    if (p->fd >= 0)
        close(p->fd);
    if (p->link[0] != '\0')
        unlink(p->link);
    *p = (struct pty){.fd = -1, .far = -1};
}
