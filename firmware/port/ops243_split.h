/* ops243_split: bytes to lines.
 *
 * CR, LF or both end a line; NULs are dropped; a line over OPS243_LINE_MAX is skipped to its end
 * and counted.  Guarded by tests/port/ops243_line_test.c and tests/fuzz/ops243_line_fuzz.c: it does
 * not matter how the bytes arrive.  Memory: the struct.  Threads: any. */
#ifndef MOORWATCH_OPS243_SPLIT_H
#define MOORWATCH_OPS243_SPLIT_H

#include "ops243_line.h"

struct ops243_splitter {
    char line[OPS243_LINE_MAX];
    size_t len;
    bool too_long;     /* the line in hand: skipped to its end */
    bool returned;     /* the last end was a CR: an LF belongs to it */
    uint32_t overlong; /* how many were */
};

/* Takes bytes up to and including the end of a line and returns how many it took; *ret_len is the
 * length of the line now in `line`, or -1 if none is complete. */
size_t ops243_split(struct ops243_splitter *s, const char *bytes, size_t len, int *ret_len);

#endif
