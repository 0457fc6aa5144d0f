/* envelope: the outer message of a payload, and its header and signature.
 *
 * Strict: each of the three fields once, the signature last and of 64 bytes; fields that this
 * reader does not know are skipped (they are under the signature all the same).
 * Guarded by tests/wire/batch_test.c.  Memory: the caller's.  Threads: any. */
#ifndef MOORWATCH_ENVELOPE_H
#define MOORWATCH_ENVELOPE_H

#include "batch.h"

/* Returns the length; ERR_OVERFLOW, ERR_KEY. */
MUST int envelope_write(const struct batch_view *view, const struct seal_signer *signer,
                        uint8_t *payload, size_t cap);
/* 0 or ERR_BADMSG.  The view points into the payload; its header is as received. */
MUST int envelope_read(const uint8_t *payload, size_t len, struct batch_view *ret_view);

/* Signs payload[0, used) and appends the signature field.  Returns the new length; ERR_OVERFLOW,
 * ERR_KEY.  Also ends an acknowledgement. */
MUST int envelope_seal(uint8_t *payload, size_t used, size_t cap, const struct seal_signer *signer);
/* True if the payload ends with the head of a signature field and 64 bytes. */
bool envelope_sealed(const uint8_t *payload, size_t len);

#endif
