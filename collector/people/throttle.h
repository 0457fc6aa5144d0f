/* throttle: how long a failed login must wait before the next try.
 *
 * Counts failures by name and address together (5 free), by address (30 free) and by name (100
 * free: many addresses guessing at one person); each further failure doubles the wait from 1 second
 * up to THROTTLE_WAIT_MAX_MS.  A count is forgotten THROTTLE_FORGET_MS after its last failure, and
 * the count of name and address together on success.  The table is bounded: the count that failed
 * longest ago makes room.
 * Pure: (state, input, now).  Guarded by tests/collector/people_test.c.  Threads: the owner's. */
#ifndef MOORWATCH_THROTTLE_H
#define MOORWATCH_THROTTLE_H

#include <stdint.h>

enum {
    THROTTLE_ROWS = 1024,
    THROTTLE_WAIT_MAX_MS = 15 * 60 * 1000,
    THROTTLE_FORGET_MS = 30 * 60 * 1000,
};

struct throttle_row {
    uint64_t key; /* 0: free */
    uint32_t failures;
    int64_t last_ms, until_ms;
};

struct throttle {
    struct throttle_row rows[THROTTLE_ROWS]; /* {0} is empty */
};

/* Milliseconds to wait before a try may be made; 0 is now. */
int64_t throttle_wait(const struct throttle *throttle, const char *name, const char *peer,
                      int64_t now_ms);
void throttle_failure(struct throttle *throttle, const char *name, const char *peer,
                      int64_t now_ms);
void throttle_success(struct throttle *throttle, const char *name, const char *peer);

#endif
