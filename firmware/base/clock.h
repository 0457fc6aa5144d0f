/* clock: the seam for time and for the identity of this boot.
 *
 * Decisions never see it: they take `now` as a parameter.  Only the event loops hold one.
 * Real: clock_system (CLOCK_MONOTONIC, as the kernel stamps GPIO edges; CLOCK_REALTIME, the
 * kernel's boot id).  Simulated: tests/sim. Guarded by tests/base/clock_test.c.  Threads: any. */
#ifndef MOORWATCH_CLOCK_H
#define MOORWATCH_CLOCK_H

#include <stdint.h>

/* How far the wall clock may be trusted; the order is the order of trust. */
enum clock_quality {
    CLOCK_UNKNOWN = 0,  /* never set: may be 1970 */
    CLOCK_RESTORED = 1, /* from an RTC or the last shutdown: late by an unknown time */
    CLOCK_NTP = 2,      /* the kernel says synchronised */
    CLOCK_GNSS = 3,     /* disciplined by satellite time */
};

struct clock {
    void *ctx;
    int64_t (*boot_ns)(void *ctx); /* nanoseconds since boot, never steps back */
    int64_t (*wall_ms)(void *ctx); /* milliseconds since 1970 UTC; may step */
    enum clock_quality (*quality)(void *ctx);
    uint64_t boot_id; /* random per boot; 0 is never used */
};

/* The system's clocks.  boot_id is the first 8 bytes of /proc/sys/kernel/random/boot_id. */
struct clock clock_system(void);

#endif
