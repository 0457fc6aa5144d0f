/* span: bytes of a message, left where they are: nanopb's bytes fields without a copy.
 *
 * Memory: none of its own.  Threads: any.  Guarded by tests/wire/batch_test.c. */
#ifndef MOORWATCH_SPAN_H
#define MOORWATCH_SPAN_H

#include <pb_decode.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *at;
    size_t len;
    bool seen;
};

/* A stream over *cursor, which moves as it is read; span_note needs this stream and no other. */
pb_istream_t span_stream(const uint8_t **cursor, size_t len);
/* A field whose place is noted in *span, which must be zero; a second such field is an error. */
pb_callback_t span_note(struct span *span);
/* A field that is written from *span, if it is seen. */
pb_callback_t span_write(const struct span *span);

#endif
