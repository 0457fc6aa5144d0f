/* ops243_text: words, numbers and JSON as an OPS243-A writes them.
 *
 * Part of ops243_line.  Texts point into the line that is read; nothing is copied.
 * Guarded by tests/port/ops243_line_test.c and tests/fuzz/ops243_line_fuzz.c.  Pure. */
#ifndef MOORWATCH_OPS243_TEXT_H
#define MOORWATCH_OPS243_TEXT_H

#include "ops243_line.h"

#define OPS243_MICRO INT64_C(1000000)

enum { OPS243_VALUES_MAX = RADAR_TARGETS_MAX };

struct ops243_text {
    const char *at, *end;
};

/* A number in millionths, and how many decimals it was told with. */
struct ops243_number {
    int64_t micro;
    unsigned decimals;
};

/* One key with its value: up to OPS243_VALUES_MAX scalars, quotes taken off. */
struct ops243_member {
    struct ops243_text key;
    unsigned count;
    struct ops243_text values[OPS243_VALUES_MAX];
    bool nested; /* the value is an object: its members follow as if they were ours */
};

/* Whatever the case of the letters. */
bool ops243_word_is(struct ops243_text t, const char *word);
/* Without the blanks and quotes around it. */
struct ops243_text ops243_trimmed(struct ops243_text t);
/* The whole text is one decimal number, surrounded at most by blanks and quotes. */
bool ops243_number(struct ops243_text t, struct ops243_number *ret_number);
void ops243_skip_blanks(struct ops243_text *t);
/* Blanks and then this character; else nothing is taken. */
bool ops243_take(struct ops243_text *t, char c);
bool ops243_member(struct ops243_text *t, struct ops243_member *ret_member);

#endif
