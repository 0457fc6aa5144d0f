/* column: whole numbers to and from bits, one code per column.
 *
 * Three codes, of which the writer takes the shortest: the value's offset above `base` in a
 * Golomb-Rice code (unsigned: delays, counts), its zigzagged difference from `base` in the same
 * (values about a middle: speeds, loudness), or its offset in a fixed width (directions, rare
 * extremes).  A fixed width always fits, so a column of n values whose span needs w bits never
 * takes more than n * w bits.  WIRE.md 4 says the code in full.
 *
 * Promises (tests/wire/column_test.c): what was planned and written reads back, value for value;
 * the reader is bounded by the bits there are, refuses bits left over, and never overflows.
 * Memory: the caller's.  Threads: any. */
#ifndef MOORWATCH_COLUMN_H
#define MOORWATCH_COLUMN_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum column_code { COLUMN_UNSIGNED = 0, COLUMN_ZIGZAG = 1, COLUMN_FIXED = 2 };

/* How a column will be written. */
struct column_plan {
    int64_t base;
    uint32_t code; /* enum column_code in bits 0-1, the parameter k above */
    size_t bytes;  /* of the bits; 0: every value is `base` */
};

/* A column as received; points into the message. */
struct column {
    int64_t base;
    uint32_t code;
    const uint8_t *bits;
    size_t len;
};

/* The shortest code for these values.  Their span must be below 2^63. */
struct column_plan column_plan(const int64_t *values, size_t count);

/* Writes exactly plan->bytes bytes. */
void column_write(const struct column_plan *plan, const int64_t *values, size_t count,
                  uint8_t *bits);

/* Reads `count` values.  0, or ERR_BADMSG (too few bits, too many, an unknown code, overflow). */
MUST int column_read(const struct column *column, size_t count, int64_t *ret_values);

#endif
