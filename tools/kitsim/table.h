/* table: reads a small CSV file with a heading row, line by line.
 *
 * Fields may be quoted; no field holds a line break.  What is not a number reads as the default.
 * Guarded by tests/tools/kitsim_test.c.  Memory: stdio's and the struct.  Threads: one each. */
#ifndef KITSIM_TABLE_H
#define KITSIM_TABLE_H

#include "err.h"
#include <stdbool.h>
#include <stdio.h>

enum { TABLE_LINE_MAX = 1024, TABLE_FIELDS_MAX = 32 };

struct table {
    FILE *file;
    int columns;
    char heading[TABLE_LINE_MAX], line[TABLE_LINE_MAX];
    char *names[TABLE_FIELDS_MAX], *fields[TABLE_FIELDS_MAX];
    int fields_count;
};

MUST int table_open(const char *path, struct table *ret_table);
void table_close(struct table *table);
/* The index of a column, -1 if there is none. */
int table_column(const struct table *table, const char *name);
/* False at the end of the file. */
bool table_next(struct table *table);
/* The field of the current row as a number; `otherwise` if there is none or column is -1. */
double table_number(const struct table *table, int column, double otherwise);

#endif
