#include "password.h"
#include "people.h"
#include "seal.h"
#include <argon2.h>
#include <stdio.h>
#include <string.h>

enum { COST_KIB = 19456, COST_PASSES = 2, COST_LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };

const char PASSWORD_DECOY[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int password_hash(const char *password, char *ret_hash, size_t cap) {
    uint8_t salt[SALT_BYTES];
    int r = seal_random(salt, sizeof salt);
    if (r < 0)
        return r;
    r = argon2id_hash_encoded(COST_PASSES, COST_KIB, COST_LANES, password, strlen(password), salt,
                              sizeof salt, HASH_BYTES, ret_hash, cap);
    if (r == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR_NOMEM;
    return r == ARGON2_OK ? 0 : r == ARGON2_ENCODING_FAIL ? ERR_OVERFLOW : ERR_IO;
}

bool password_verify(const char *hash, const char *password) {
    return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
}

/* Long enough for the rule and still the first things that a guesser tries. */
static const char *const COMMON[] = {
    "password1234",       "passwordpassword", "123456789012",   "qwertyuiop12",   "moorwatch123",
    "moorwatchmoorwatch", "administrator",    "administrator1", "letmeinletmein", "cleveland1234",
};

const char *people_password_fault(const char *name, const char *password) {
    size_t len = strlen(password);
    if (len < PEOPLE_PASSWORD_MIN)
        return "the password is too short: use at least 12 characters, three or four random words "
               "are good";
    if (len > PEOPLE_PASSWORD_MAX)
        return "the password is longer than 256 characters";
    if (strstr(password, name) != NULL)
        return "the password must not contain the name";
    for (size_t i = 0; i < sizeof COMMON / sizeof *COMMON; i++)
        if (strcmp(password, COMMON[i]) == 0)
            return "that password is one of the first that anybody would try";
    if (strspn(password, (const char[]){password[0], '\0'}) == len)
        return "the password is one character repeated";
    return NULL;
}

int people_password_make(char ret_password[PEOPLE_GENERATED_MAX + 1]) {
    static const char letters[] = "abcdefghjkmnpqrstvwxyz0123456789"; /* 32: no i l o u */
    enum { GROUPS = 4, GROUP = 5 };
    uint8_t bytes[GROUPS * GROUP];
    int r = seal_random(bytes, sizeof bytes);
    if (r < 0)
        return r;
    char *at = ret_password;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        if (i > 0 && i % GROUP == 0)
            *at++ = '-';
        *at++ = letters[bytes[i] & 31];
    }
    *at = '\0';
    return 0;
}
