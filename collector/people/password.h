/* password: Argon2id hashes of passwords, and what makes a password fit.
 *
 * The only user of libargon2.  Parameters: 19 MiB, 2 passes, 1 lane, 16 bytes of salt, 32 of hash
 * (OWASP password storage cheat sheet, first Argon2id setting); a hash carries its own parameters,
 * so they may be raised without making old hashes useless. Guarded by
 * tests/collector/people_test.c.  Threads: any. */
#ifndef MOORWATCH_PASSWORD_H
#define MOORWATCH_PASSWORD_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>

/* A hash of the same cost as any other that no password fits: what a name that does not exist is
 * checked against. */
extern const char PASSWORD_DECOY[];

/* Writes the encoded hash, terminated.  ERR_NOMEM, ERR_OVERFLOW (cap too small), ERR_IO. */
MUST int password_hash(const char *password, char *ret_hash, size_t cap);
bool password_verify(const char *hash, const char *password);

#endif
