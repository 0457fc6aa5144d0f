/* pty: a pseudo terminal that plays a serial device, under a name that stays the same.
 *
 * The far end is kept open here too, so that a daemon may come and go; it is raw, so that bytes
 * pass unchanged.  Guarded by tests/system/run_check.  Memory: the struct.  Threads: one. */
#ifndef KITSIM_PTY_H
#define KITSIM_PTY_H

#include "err.h"

struct pty {
    int fd; /* the sensor's end, non-blocking */
    int far;
    char link[256];
};

/* Makes the pty and a symbolic link to its far end (replacing one that is there). */
MUST int pty_open(struct pty *p, const char *link);
void pty_close(struct pty *p);

#endif
