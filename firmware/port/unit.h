/* unit: what every field daemon does alike: options, configuration, spools, the link, GPIO, the
 * loop, heartbeats, clock anchors, faults, signals.  A daemon is a struct unit_app.
 *
 * The loop: one sd-event loop; everything that waits (GPIO, radar, link, clock) sits in one epoll
 * descriptor, one timer holds the nearest deadline.  After each wake-up unit_step runs all parts;
 * each does what is due and says when it wants to be called again.
 *
 * What fails at run time is said once and tried again: no GPIO chip, no disk space, no broker, a
 * certificate that does not fit, a clock that was never set.  A board or kit that cannot be used is
 * a GPIO fault (detail ERR_INVAL) until it is mended and the daemon started again.  Only a
 * configuration that cannot be meant stops the start (exit status 78).  SIGTERM: the app stops,
 * everything is sealed and synced, the link says "offline".
 *
 * Guarded by tests/system/daemon_test.py, which also counts allocations: none by this program after
 * READY (Paho, OpenSSL and zlib are the documented exceptions).  Memory: one static struct.
 * Threads: the loop's. */
#ifndef MOORWATCH_UNIT_H
#define MOORWATCH_UNIT_H

#include "clock.h"
#include "event.h"
#include "unit_conf.h"

struct unit;

struct unit_app {
    const char *name;    /* "padlock" */
    const char *purpose; /* one line for --help */
    const struct conf_key *keys;
    size_t key_count;
    struct unit_conf *conf; /* first member of the app's own struct */
    unsigned parts;         /* enum notify_part beyond loop, spool and GPIO */
    void *ctx;
    /* Checks what tables cannot: says why on standard error and returns ERR_INVAL. */
    int (*check)(void *ctx);
    /* The same for the board and kit.  Without them (unit_board(u)->lost) the daemon runs all the
     * same: no lines, an empty kit. */
    int (*fit)(void *ctx, const struct unit_board *board);
    /* The spools and lines are there (or reported missing).  0, or an error that ends the daemon.
     */
    int (*start)(void *ctx, struct unit *u, int64_t now_ns);
    /* A line of the bank, settled, moved (also after lines came late: each is then told once). */
    void (*edge)(void *ctx, struct unit *u, unsigned line, bool active, int64_t t_ns);
    /* Does what is due; returns when to be called again. */
    int64_t (*step)(void *ctx, struct unit *u, int64_t now_ns);
    void (*health)(void *ctx, struct event_health *health);
    void (*stop)(void *ctx, struct unit *u, int64_t now_ns);
};

/* Everything from argv to the exit status. */
int unit_main(const struct unit_app *app, int argc, char **argv);

/* For apps. ------------------------------------------------------------------------------------ */

/* Hands an event over to the spool of its class; the kind and its member are the caller's, the time
 * is t_ns.  A refusal is counted and told as a storage fault. */
void unit_tell(struct unit *u, struct event *event, int64_t t_ns);
/* Tells a fault when it begins and when it clears, once each. */
void unit_fault(struct unit *u, enum fault_code code, bool active, int32_t detail);
/* A sensor at this address of the I2C bus is silent, or answers again.  FAULT_SENSOR begins with
 * each that falls silent and clears when none is left. */
void unit_sensor_fault(struct unit *u, uint8_t address, bool active);
/* True if any fault of those in `codes` (1 << enum fault_code) is active. */
bool unit_faulty(const struct unit *u, unsigned codes);
/* A line by its role; < 0 if the kit has none. */
int unit_line(const struct unit *u, const char *role);
unsigned unit_lines(const struct unit *u);
bool unit_level(const struct unit *u, unsigned line); /* settled */
/* Sets an output; a line < 0 is no line.  What fails is a GPIO fault. */
void unit_set(struct unit *u, int line, bool active);
/* Wakes the loop when fd is readable; asking again for the same is free. */
void unit_watch(struct unit *u, int fd);
void unit_progress(struct unit *u, unsigned parts);
const struct unit_board *unit_board(const struct unit *u);
/* A small number kept in the state directory; `def` if it was never written or cannot be read. */
uint64_t unit_recall(struct unit *u, const char *name, uint64_t def);
void unit_remember(struct unit *u, const char *name, uint64_t value);
uint64_t unit_boot_id(const struct unit *u);

#endif
