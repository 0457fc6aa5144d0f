/* passage_csv: passages as lines of CSV.
 *
 *   t_ms,direction,speed_mph,duration_ms,magnitude_db
 *   61250,out,31.4,2700,41
 *
 * t_ms in steps of 10, direction in or out, speed with one decimal, duration in steps of 100, peak
 * magnitude in whole decibels.  What is between the steps is refused, never rounded: reading back
 * what was written gives the same events.
 * Guarded by tests/tools/codec_cli_test.sh.  Memory: the caller's.  Threads: the owner's. */
#ifndef MOORWATCH_PASSAGE_CSV_H
#define MOORWATCH_PASSAGE_CSV_H

#include "csv.h"
#include "event.h"
#include <stdio.h>

enum { PASSAGE_CSV_COLUMNS = 5, PASSAGE_CSV_SAYS = 160 };

struct passage_csv {
    int column[PASSAGE_CSV_COLUMNS]; /* where each of the five stands in this file */
    char says[PASSAGE_CSV_SAYS];     /* words for what was wrong last */
};

/* Takes the header line, which csv_next has just read.  0, or ERR_BADMSG with `says` set. */
MUST int passage_csv_header(struct passage_csv *p, const struct csv *csv);
/* Takes a line.  0, or ERR_BADMSG with `says` set. */
MUST int passage_csv_read(struct passage_csv *p, const struct csv *csv, struct event *ret_event);

void passage_csv_write_header(FILE *to);
void passage_csv_write(FILE *to, const struct event *event);

#endif
