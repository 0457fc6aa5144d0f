/* session: one button at the roadside, and what the lamp says.
 *
 * Press: start a session at the configured site; press again: stop.  A session ends itself at
 * max_ns.  A check (tuning fork or known speed) can run before or within a session.  Passages are
 * told only while a session is on.
 *
 * Promises (tests/core/session_test.c): pure; session numbers grow by one; a stop always follows a
 * start, also after a restart of the daemon (SESSION_END_RESTART).
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_SESSION_H
#define MOORWATCH_SESSION_H

#include "event.h"

struct session_conf {
    char site[EVENT_SITE_MAX + 1];
    uint16_t limit_mph;
    int64_t max_ns;       /* hard stop: 120 minutes */
    int64_t check_ns;     /* how long a check listens: 5 s */
    uint16_t check_mph10; /* what the fork should read */
    uint16_t check_tolerance_mph10;
};

enum session_lamp { LAMP_OFF, LAMP_READY, LAMP_RECORDING, LAMP_CHECKING, LAMP_FAULT };

struct session {
    struct session_conf conf;
    bool on, checking;
    uint32_t number;
    uint32_t vehicles;
    int64_t start_ns, check_start_ns;
    int64_t check_sum_mm_s;
    unsigned check_n;
};

enum { SESSION_TELLS_MAX = 2 };

struct session_out {
    unsigned tells;
    struct event_session tell[SESSION_TELLS_MAX];
    enum session_lamp lamp;
    int64_t next_ns;
};

/* `last` is the number of the newest session known to the spool, 0 if none; `unfinished`: it had
 * no stop, and is stopped now. */
void session_init(struct session *s, const struct session_conf *conf, uint32_t last,
                  bool unfinished, struct session_out *ret_out);
void session_button(struct session *s, int64_t now_ns, struct session_out *ret_out);
void session_check_begin(struct session *s, int64_t now_ns, struct session_out *ret_out);
/* A target seen while checking. */
void session_check_sample(struct session *s, int32_t speed_mm_s);
void session_tick(struct session *s, int64_t now_ns, struct session_out *ret_out);
/* Counts a vehicle; false if no session is on and it must not be told. */
bool session_vehicle(struct session *s);

#endif
