#include "ops243_split.h"

/* Ends the line in hand; -1 if there is nothing to tell of it. */
static int split_end(struct ops243_splitter *s) {
    int len = s->too_long ? -1 : (int)s->len;
    s->overlong += s->too_long;
    s->too_long = false;
    s->len = 0;
    return len;
}

size_t ops243_split(struct ops243_splitter *s, const char *bytes, size_t len, int *ret_len) {
    *ret_len = -1;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        bool second = c == '\n' && s->returned;
        s->returned = c == '\r' || (c == '\0' && s->returned);
        if (second)
            continue;
        if (c == '\r' || c == '\n') {
            *ret_len = split_end(s);
            if (*ret_len >= 0)
                return i + 1;
        } else if (c != '\0' && s->len < OPS243_LINE_MAX) {
            s->line[s->len++] = c;
        } else if (c != '\0') {
            s->too_long = true;
        }
    }
    return len;
}
