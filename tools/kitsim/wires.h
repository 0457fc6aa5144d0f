/* wires: the far end of a daemon's simulated GPIO (firmware/port/gpio_host.h), by roles.
 *
 * Levels go as datagrams to the daemon's socket, outputs are read from its state file.  A daemon
 * that comes back has made a new socket: the owner is told WIRES_UP and sets everything again.
 * Guarded by tests/system/run_check.  Memory: the struct.  Threads: one.  Time: given (monotonic
 * ns). */
#ifndef KITSIM_WIRES_H
#define KITSIM_WIRES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { WIRES_OUTPUTS_MAX = 16, WIRES_ROLE_MAX = 31 };
enum wires_change { WIRES_SAME, WIRES_UP, WIRES_DOWN };

struct wires_output {
    char role[WIRES_ROLE_MAX + 1];
    bool active;
};

struct wires {
    char path[108]; /* the socket */
    char state[256];
    int fd;               /* < 0: nobody is there */
    ino_t inode;          /* of the socket last connected to */
    struct timespec made; /* an inode's number may be used again */
    int64_t look_ns;
    unsigned outputs_count;
    struct wires_output outputs[WIRES_OUTPUTS_MAX];
};

/* state may be "": outputs are not watched. */
void wires_init(struct wires *w, const char *path, const char *state);
void wires_close(struct wires *w);
/* Connects if there is a new daemon; tells the outputs that have changed: each(arg, role, active).
 */
enum wires_change wires_step(struct wires *w, int64_t now_ns,
                             void (*each)(void *arg, const char *role, bool active), void *arg);
void wires_set(struct wires *w, const char *role, bool active);

#endif
