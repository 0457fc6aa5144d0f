#include "span.h"
#include <pb_encode.h>
#include <string.h>

/* Substreams share the cursor: so a callback knows its place in the bytes. */
static bool cursor_read(pb_istream_t *stream, pb_byte_t *buf, size_t count) {
    const uint8_t **cursor = stream->state;
    if (buf != NULL)
        memcpy(buf, *cursor, count);
    *cursor += count;
    return true;
}

pb_istream_t span_stream(const uint8_t **cursor, size_t len) {
    return (pb_istream_t){.callback = cursor_read, .state = cursor, .bytes_left = len};
}

static bool note(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    (void)field;
    struct span *span = *arg;
    /* nanopb copies a field that came as a number into a stream of its own: not bytes of ours. */
    if (span->seen || stream->callback != cursor_read)
        return false;
    *span = (struct span){*(const uint8_t **)stream->state, stream->bytes_left, true};
    return pb_read(stream, NULL, stream->bytes_left);
}

pb_callback_t span_note(struct span *span) {
    return (pb_callback_t){.funcs.decode = note, .arg = span};
}

static bool write_one(pb_ostream_t *stream, const pb_field_t *field, void *const *arg) {
    const struct span *span = *arg;
    return !span->seen || (pb_encode_tag_for_field(stream, field) &&
                           pb_encode_string(stream, span->at, span->len));
}

pb_callback_t span_write(const struct span *span) {
    return (pb_callback_t){.funcs.encode = write_one, .arg = (void *)(uintptr_t)span};
}
