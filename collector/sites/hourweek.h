/* hourweek: the hour of the week in Europe/London, the unit of exposure and of tasking.
 *
 * 0 is Monday 00:00 to 01:00, 167 Sunday 23:00 to 24:00, on the wall clock: half past eight is the
 * school run in summer and winter.  In the night of October's change the hour from 01:00 comes
 * twice and both fall into one bin; in March's it does not come.  Exposure in hours must therefore
 * be counted, never assumed to be one per week.
 *
 * Guarded by tests/collector/hourweek_test.c.  Memory: none.  Threads: any. */
#ifndef MOORWATCH_HOURWEEK_H
#define MOORWATCH_HOURWEEK_H

#include <stddef.h>
#include <stdint.h>

enum { HOURWEEK_COUNT = 168 };

int hourweek_of_ms(int64_t unix_ms);

/* "Monday" for 0 to 23, and so on. */
const char *hourweek_day(int hourweek);

/* "Tuesday 16:00" into buf (at least 16 bytes), which is returned. */
char *hourweek_words(int hourweek, char *buf, size_t cap);

#endif
