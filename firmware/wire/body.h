/* body: events to and from the Body message: columns by kind.
 *
 * One table says which field of which kind is which column; nothing else knows.
 * Promises (tests/wire/batch_test.c, body_test.c): body_decode gives back what body_encode was
 * given, in its order; kinds, columns and codes that this reader does not know are skipped, never
 * an error. Memory: about 10 KB of stack, no heap.  Threads: any. */
#ifndef MOORWATCH_BODY_H
#define MOORWATCH_BODY_H

#include "batch.h"

/* Returns the length, at most WIRE_BODY_MAX for valid events; ERR_OVERFLOW if beyond `cap`. */
MUST int body_encode(const struct event *events, size_t count, uint8_t *buf, size_t cap);

/* `count` is the header's word and at most WIRE_EVENTS_MAX; `events` has room for so many.
 * Returns how many events are known to this reader, <= count.  ERR_BADMSG, ERR_RANGE. */
MUST int body_decode(const uint8_t *body, size_t len, enum event_class cls, size_t count,
                     struct event *events);

#endif
