/* notify: what the service manager hears, and an honest watchdog.
 *
 * WATCHDOG=1 is sent only when every part that was named at the start has made progress since the
 * last one: a loop that turns while its spool writer hangs must be restarted.  A sensor that is
 * silent is progress (it was asked); a disk that fails is progress (it answered).
 *
 * Guarded by tests/port/notify_test.c.  Memory: the struct, no heap.  Threads: the loop's.
 * The only user of sd-daemon.h. */
#ifndef MOORWATCH_NOTIFY_H
#define MOORWATCH_NOTIFY_H

#include <stdint.h>

enum notify_part { NOTIFY_LOOP = 1, NOTIFY_SPOOL = 2, NOTIFY_RADAR = 4, NOTIFY_GPIO = 8 };

struct notify {
    unsigned needed;   /* enum notify_part */
    unsigned progress; /* made since the last WATCHDOG=1 */
    int64_t period_ns; /* between two; 0: no watchdog is asked for */
    int64_t next_ns;
    char status[160];
};

void notify_init(struct notify *n, unsigned needed);
void notify_ready(struct notify *n);
void notify_stopping(void);
/* One line for `systemctl status`; sent when it differs from the last. */
void notify_status(struct notify *n, const char *status);
void notify_progress(struct notify *n, unsigned parts);
/* Sends WATCHDOG=1 if it is time and deserved.  Returns when to call again; INT64_MAX: never. */
int64_t notify_step(struct notify *n, int64_t now_ns);

#endif
