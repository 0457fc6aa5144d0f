/* csv: one line of a CSV file at a time, as spreadsheets and R write them.
 *
 * Commas; cells may stand in double quotes ("" for one quote); CRLF or LF; a byte order mark before
 * the first line is dropped.  A quoted cell may not run over the end of its line.
 * Guarded by tests/tools/speeds_cli_test.sh, tests/fuzz/csv_fuzz.c.  Memory: the line is cut in
 * place, csv_close frees. Threads: the owner's. */
#ifndef MOORWATCH_CSV_H
#define MOORWATCH_CSV_H

#include "err.h"
#include <stddef.h>
#include <stdio.h>

enum { CSV_CELLS_MAX = 256 };

struct csv {
    FILE *from;
    char *line;
    size_t cap;
    long number; /* of the line last read, from 1 */
    size_t cells;
    char *cell[CSV_CELLS_MAX]; /* without quotes and surrounding blanks */
};

/* 1 with the cells of the next line that is not blank; 0 at the end; ERR_IO; ERR_BADMSG: a quote
 * that does not close, text after a closing quote, a zero byte; ERR_OVERFLOW: too many cells. */
MUST int csv_next(struct csv *csv);

/* Words for what csv_next returned. */
const char *csv_words(int err);

/* The column of this name, whatever its case, or -1. */
int csv_column(const struct csv *csv, const char *name);

void csv_close(struct csv *csv);

#endif
