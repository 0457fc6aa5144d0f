/* seal: ECDSA P-256 signatures over SHA-256, as 64 bytes (r then s, big endian).
 *
 * The only user of OpenSSL in `wire`.  A device signs its batches; the collector signs its
 * acknowledgements; each side verifies the other's.  A key is a PEM file: the same key is the
 * device's TLS client key.
 * Guarded by tests/wire/seal_test.c, which checks against the openssl command.
 * Memory: one OpenSSL key per handle, freed by seal_*_free (which accepts a zeroed struct).
 * Threads: a handle may be used by several threads at once after it is made. */
#ifndef MOORWATCH_SEAL_H
#define MOORWATCH_SEAL_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum {
    SEAL_BYTES = 64,      /* a signature */
    SEAL_KEY_BYTES = 65,  /* a public key: the uncompressed point, 04 x y */
    SEAL_HASH_BYTES = 32, /* SHA-256 */
};

struct seal_signer {
    void *key; /* EVP_PKEY, private */
};

struct seal_key {
    void *key; /* EVP_PKEY, public */
};

/* Reads a PEM private key.  ERR_NOENT, ERR_ACCESS, ERR_KEY (not P-256, or not a key). */
MUST int seal_signer_load(const char *pem_path, struct seal_signer *ret_signer);
/* Makes a key that lives in memory only: for tests and simulators. */
MUST int seal_signer_make(struct seal_signer *ret_signer);
void seal_signer_free(struct seal_signer *signer);
/* The public half of a signer. */
MUST int seal_signer_public(const struct seal_signer *signer, uint8_t ret_point[SEAL_KEY_BYTES]);

/* A public key from a PEM file (a public key or a certificate), or from its bytes. */
MUST int seal_key_load(const char *pem_path, struct seal_key *ret_key);
MUST int seal_key_from_bytes(const uint8_t point[SEAL_KEY_BYTES], struct seal_key *ret_key);
/* The bytes that seal_key_from_bytes takes. */
MUST int seal_key_bytes(const struct seal_key *key, uint8_t ret_point[SEAL_KEY_BYTES]);
void seal_key_free(struct seal_key *key);

/* The common name of a certificate (PEM), terminated: a device's certificate bears its name.
 * ERR_NOENT, ERR_ACCESS, ERR_KEY (no certificate, or no name that fits into `cap`). */
MUST int seal_certificate_name(const char *pem_path, char *buf, size_t cap);

MUST int seal_sign(const struct seal_signer *signer, const uint8_t *data, size_t len,
                   uint8_t ret_signature[SEAL_BYTES]);
/* 0 if it holds, ERR_KEY if not. */
MUST int seal_verify(const struct seal_key *key, const uint8_t *data, size_t len,
                     const uint8_t signature[SEAL_BYTES]);
void seal_hash(const uint8_t *data, size_t len, uint8_t ret_hash[SEAL_HASH_BYTES]);
/* Fills buf with random bytes fit for keys and identities. */
MUST int seal_random(void *buf, size_t len);

/* From now on every TLS connection of this process is of version 1.3 or newer, whichever library
 * makes it (OpenSSL's system default; Paho has no setting that works).  Call once, before the first
 * connection.  ERR_IO if OpenSSL does not take it: then do not connect. */
MUST int seal_tls13_only(void);
/* OpenSSL's words for what first went wrong in this thread, terminated; then all are forgotten.
 * "" if nothing did.  For the callbacks of a library that keeps them to itself. */
void seal_tls_error(char *buf, size_t cap);

#endif
