/* barrier: a gate that may stand open at some hours only, or not for long.
 *
 * Hours are Europe/London civil time, "06:00-21:00" or across midnight "22:00-05:30"; they are
 * judged only while the clock is known (a clock from 1970 accuses nobody).  Told once each: open
 * outside its hours, or still open when they end, or open longer than the limit (LOCK_LEFT_OPEN);
 * open outside its hours when first looked at (LOCK_FOUND_OPEN).  Closing it ends it.
 *
 * Promises (tests/core/barrier_test.c): London time as the C library has it; pure; a step that
 * comes late tells what the steps in time would have told.
 * Memory: the struct.  Threads: the loop's.  Time: given. */
#ifndef MOORWATCH_BARRIER_H
#define MOORWATCH_BARRIER_H

#include "err.h"
#include "event.h"
#include <stdbool.h>

/* Minutes of the day; both equal: at all hours. */
struct barrier_hours {
    uint16_t from_min, to_min;
};

/* "HH:MM-HH:MM", or "" for all hours.  0, ERR_INVAL. */
MUST int barrier_hours_parse(const char *text, struct barrier_hours *ret_hours);
/* Minute of the day in London. */
unsigned barrier_london_minute(int64_t unix_ms);
bool barrier_allowed(const struct barrier_hours *hours, int64_t unix_ms);

struct barrier_conf {
    struct barrier_hours hours;
    int64_t open_limit_ns; /* 0: none */
};

/* Look, don't touch. */
struct barrier {
    struct barrier_conf conf;
    bool open, judged;          /* judged: its hours have been looked at since the start */
    bool told_hours, told_long; /* of this opening */
    int64_t open_ns;
};

/* What one step wants done. */
struct barrier_out {
    unsigned tells;
    enum lock_what tell[2];
    uint8_t causes[2];
    int64_t next_ns; /* call barrier_step by then; INT64_MAX: never */
};

void barrier_init(struct barrier *b, const struct barrier_conf *conf);
/* The barrier is open or not; unix_ms is asked only if the clock is known. */
void barrier_step(struct barrier *b, bool open, int64_t now_ns, bool clock_known, int64_t unix_ms,
                  struct barrier_out *ret_out);

#endif
