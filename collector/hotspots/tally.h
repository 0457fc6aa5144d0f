/* tally: adds up what happened in each square of a lattice, the same way whatever the order.
 *
 * Rows are sorted by square, newest first, then by weight, and only then added: the same events in
 * any order give the same bytes.  Guarded by tests/collector/hotspots_test.c (order).
 * Memory: tally_make takes two arrays, tally_free gives them back.  Threads: any. */
#ifndef MOORWATCH_TALLY_H
#define MOORWATCH_TALLY_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

struct tally_row {
    int32_t col; /* of the lattice, may be negative */
    int32_t row;
    int64_t at_ms;
    double weight;
    double raw; /* added up beside the weight */
    uint32_t index;
};

struct tally_square {
    int32_t col;
    int32_t row;
    double weight;
    double raw;
    uint32_t first; /* its rows */
    uint32_t count;
};

struct tally {
    struct tally_row *row;
    size_t rows;
    struct tally_square *square; /* by row, then column */
    size_t squares;
};

/* Takes over `row` (malloc'd, may be NULL if rows is 0) in any case. */
MUST int tally_make(struct tally_row *row, size_t rows, struct tally *ret_tally);
void tally_free(struct tally *tally);

#endif
