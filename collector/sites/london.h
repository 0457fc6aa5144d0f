/* london: the clock on the wall in Europe/London, from UTC and back, without asking the system.
 *
 * British Summer Time (UTC + 1 h) runs from the last Sunday of March, 01:00 UTC, to the last Sunday
 * of October, 01:00 UTC: the law since 1996 (Directive 2000/84/EC, kept in the Summer Time Act
 * 1972 as amended).  Years 1970 to 9999; before 1996 the same rule is applied, which is off by
 * some weeks in spring and autumn.
 *
 * Guarded by tests/collector/hourweek_test.c, hour by hour 1996 to 2037 against the C library.
 * Memory: none.  Threads: any.  Units: seconds since 1970 UTC. */
#ifndef MOORWATCH_LONDON_H
#define MOORWATCH_LONDON_H

#include <stdbool.h>
#include <stdint.h>

struct london_time {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
    int hour;
    int minute;
    int second;
    int weekday; /* 0 = Monday */
    bool summer; /* BST */
};

struct london_time london_from_unix(int64_t unix_s);

/* The moment of a time on the wall (weekday and summer are not read).  A time that the clocks skip
 * in March gives the moment an hour later on the wall; one that comes twice in October, the first.
 */
int64_t london_to_unix(int year, int month, int day, int hour, int minute);

/* Days since 1970-01-01 of a civil date; the day part may run over (day 32 is the 1st). */
int64_t london_days(int year, int month, int day);

#endif
