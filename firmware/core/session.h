/* session: one button at the roadside, and what the lamp says.
 *
 * Press: start a session at the configured site; press again: stop.  A session ends itself at
 * max_ns.  A check (tuning fork or known speed) can run before or within a session.  Passages are
 * told only while a session is on.  The lamp shows a fault above everything: a session that cannot
 * record must not look as if it did.
 *
 * Promises (tests/core/session_test.c): pure; session numbers grow by one; a stop always follows a
 * start, also after a restart of the daemon (SESSION_END_RESTART); a late step gives what the steps
 * in time would have given.  After a crash counting goes on: the next session begins at once, for
 * what was left of max_ns, if the boot is the same and the daemon lived SESSION_RESUME_NS ago or
 * later.  After a reboot it stays stopped: somebody may have carried the kit away.  A check within
 * a session carries its number, one before it carries the number that the next session will have.
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_SESSION_H
#define MOORWATCH_SESSION_H

#include "event.h"

struct session_conf {
    char site[EVENT_SITE_MAX + 1];
    uint16_t limit_mph;
    int64_t max_ns;     /* hard stop: 120 minutes */
    int64_t check_ns;   /* how long a check listens: 5 s */
    int32_t check_mm_s; /* what the fork should read */
    int32_t check_tolerance_mm_s;
};

enum session_lamp { LAMP_READY, LAMP_RECORDING, LAMP_CHECKING, LAMP_FAULT };

struct session {
    struct session_conf conf;
    bool on, checking;
    uint32_t number;
    uint32_t vehicles;
    int64_t start_ns, check_start_ns;
    int64_t check_sum_mm_s;
    unsigned check_n;        /* samples that may be the fork, of either sign: it has no direction */
    unsigned check_others;   /* samples of something else */
    int32_t check_mean_mm_s; /* of the last check; 0: too little was heard */
};

enum { SESSION_TELLS_MAX = 3, SESSION_CHECK_LEAST = 8 };

#define SESSION_RESUME_NS INT64_C(300000000000)

/* What is known of a session without a stop. */
struct session_left {
    uint64_t boot_id;           /* of the boot that it began in */
    int64_t start_ns, alive_ns; /* its begin, and when it was last known to be on */
};

struct session_out {
    unsigned tells;
    struct event_session tell[SESSION_TELLS_MAX];
    int64_t next_ns; /* call session_tick by then; INT64_MAX: never */
};

/* `last` is the number of the newest session known to the spool, 0 if none; `unfinished`: it had
 * no stop, and is stopped now. */
void session_init(struct session *s, const struct session_conf *conf, uint32_t last,
                  bool unfinished, struct session_out *ret_out);
/* After session_init of an unfinished session: begins the next one if it was left just now. */
void session_resume(struct session *s, const struct session_left *left, uint64_t boot_id,
                    int64_t now_ns, struct session_out *ret_out);
void session_button(struct session *s, int64_t now_ns, struct session_out *ret_out);
/* Ends a session for another reason, if one is on. */
void session_stop(struct session *s, enum session_end why, int64_t now_ns,
                  struct session_out *ret_out);
void session_check_begin(struct session *s, int64_t now_ns, struct session_out *ret_out);
/* A target seen; heard only while checking.  What is more than 15 % off is traffic; fewer than
 * SESSION_CHECK_LEAST of the rest are nothing heard, and that is not passed. */
void session_check_sample(struct session *s, int32_t speed_mm_s);
void session_tick(struct session *s, int64_t now_ns, struct session_out *ret_out);
/* What to show; `fault`: something in the unit (radar silent, disk full) keeps it from recording.
 */
enum session_lamp session_lamp(const struct session *s, bool fault);
/* Counts a vehicle; false if no session is on and it must not be told. */
bool session_vehicle(struct session *s);

#endif
