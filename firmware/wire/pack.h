/* pack: raw deflate with a preset dictionary, and its bounded inverse.
 *
 * The only user of zlib in `wire`.  Promises (tests/wire/pack_test.c): pack_inflate writes at most
 * `size` bytes whatever it is given, and accepts exactly `size` bytes with nothing before, between
 * or behind.  Memory: zlib allocates and frees within the call (about 40 KB to deflate, 10 KB to
 * inflate).  Threads: any. */
#ifndef MOORWATCH_PACK_H
#define MOORWATCH_PACK_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum { PACK_DICTIONARY_MAX = 512 };

/* Dictionary 1.  Its bytes are part of the contract: another dictionary is another codec. */
extern const uint8_t PACK_DICTIONARY[];
extern const size_t PACK_DICTIONARY_BYTES;

/* Returns the packed length; ERR_OVERFLOW if it does not fit into `cap`; ERR_NOMEM. */
MUST int pack_deflate(const uint8_t *plain, size_t len, uint8_t *packed, size_t cap);

/* 0 if `packed` holds exactly `size` bytes, now in `plain`.  ERR_OVERFLOW if it holds more,
 * ERR_BADMSG if it holds fewer, is damaged or has bytes behind it; ERR_NOMEM. */
MUST int pack_inflate(const uint8_t *packed, size_t len, uint8_t *plain, size_t size);

#endif
