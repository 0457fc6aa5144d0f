#include "notify.h"
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

void notify_init(struct notify *n, unsigned needed) {
    uint64_t usec = 0;
    *n = (struct notify){.needed = needed};
    if (sd_watchdog_enabled(0, &usec) > 0)
        n->period_ns = (int64_t)(usec * 1000 / 3);
}

void notify_ready(struct notify *n) {
    n->progress = 0;
    sd_notify(0, "READY=1");
}

void notify_stopping(void) {
    sd_notify(0, "STOPPING=1");
}

void notify_status(struct notify *n, const char *status) {
    char line[sizeof n->status + 8];
    if (strncmp(n->status, status, sizeof n->status - 1) == 0)
        return;
    snprintf(n->status, sizeof n->status, "%s", status);
    snprintf(line, sizeof line, "STATUS=%s", n->status);
    sd_notify(0, line);
}

void notify_progress(struct notify *n, unsigned parts) {
    n->progress |= parts;
}

int64_t notify_step(struct notify *n, int64_t now_ns) {
    if (n->period_ns == 0)
        return INT64_MAX;
    if (now_ns < n->next_ns)
        return n->next_ns;
    if ((n->progress & n->needed) == n->needed) {
        sd_notify(0, "WATCHDOG=1");
        n->progress = 0;
    }
    n->next_ns = now_ns + n->period_ns;
    return n->next_ns;
}
