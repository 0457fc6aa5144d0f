/* people: who may log in, as what, and who is logged in now.
 *
 * Promises (tests/collector/people_test.c):
 *   - no default password: a book without users lets nobody in;
 *   - a password is kept only as an Argon2id hash (19 MiB, 2 passes, 1 lane, 16 bytes of salt), and
 *     a name that does not exist costs as much time as one that does;
 *   - a login is 256 random bits known to the browser alone; the book keeps their SHA-256;
 *   - a login ends after PEOPLE_IDLE_MS without a request, after PEOPLE_LOGIN_MS whatever happens,
 *     when its user logs out, is removed or gets a new password or role;
 *   - failures are throttled (throttle.h), and the answer to a throttled try never tells whether
 *     the password was right.
 *
 * Users and logins are kept by the store that each call is given (collector/store/store.h).
 * Memory: the caller's struct; Argon2 allocates 19 MiB for the length of one hash.
 * Threads: one struct people may be used by several threads at once, each with a store of its own;
 * at most PEOPLE_HASHES_MAX hashes are computed at a time. */
#ifndef MOORWATCH_PEOPLE_H
#define MOORWATCH_PEOPLE_H

#include "err.h"
#include "store.h"
#include "throttle.h"
#include <pthread.h>
#include <stdint.h>

enum {
    PEOPLE_NAME_MAX = STORE_ID_MAX,
    PEOPLE_PASSWORD_MIN = 12, /* characters */
    PEOPLE_PASSWORD_MAX = 256,
    PEOPLE_GENERATED_MAX = 31, /* characters of a generated password */
    PEOPLE_TOKEN_MAX = 64,     /* hex digits of a login */
    PEOPLE_CSRF_MAX = 32,      /* hex digits of its CSRF token */
    PEOPLE_HASHES_MAX = 2,
    PEOPLE_IDLE_MS = 2 * 3600 * 1000,
    PEOPLE_LOGIN_MS = 12 * 3600 * 1000, /* one shift and a bit */
};

/* In order of what they may do: each may do all that those before it may (collector/api/routes.c
 * says what that is). */
enum people_role {
    ROLE_NOBODY = 0,
    ROLE_VIEWER,
    ROLE_VOLUNTEER,
    ROLE_ANALYST,
    ROLE_PCSO,
    ROLE_OFFICER,
    ROLE_SUPERVISOR,
    ROLE_ADMINISTRATOR,
};

struct people {
    pthread_mutex_t lock;
    pthread_cond_t free_hash;
    unsigned hashing;
    struct throttle throttle;
};

void people_init(struct people *people);
void people_free(struct people *people);

/* "administrator", "officer", "supervisor", "pcso", "volunteer", "analyst", "viewer". */
const char *people_role_name(enum people_role role);
enum people_role people_role_find(const char *name); /* ROLE_NOBODY if there is none */
/* 2..PEOPLE_NAME_MAX of a-z 0-9 . - _, beginning with a letter. */
int people_name_valid(const char *name);
/* NULL if the password will do, or a sentence that says what is wrong with it. */
const char *people_password_fault(const char *name, const char *password);
/* 100 random bits in four groups of letters and digits that are hard to mix up. */
MUST int people_password_make(char ret_password[PEOPLE_GENERATED_MAX + 1]);

/* Also brings back a user who was removed.  ERR_INVAL (name, role or password), ERR_EXIST, and
 * what the store says. */
MUST int people_add(const struct store *store, const char *name, enum people_role role,
                    const char *password, int64_t now_ms);
/* A NULL password or ROLE_NOBODY leaves that as it is.  Ends the user's logins.  ERR_NOENT. */
MUST int people_change(const struct store *store, const char *name, enum people_role role,
                       const char *password, int64_t now_ms);
/* The name stays in the audit and may be added again; its logins end.  ERR_NOENT. */
MUST int people_remove(const struct store *store, const char *name, int64_t now_ms);

/* Someone who is logged in. */
struct people_session {
    char name[PEOPLE_NAME_MAX + 1];
    enum people_role role;
    char csrf[PEOPLE_CSRF_MAX + 1]; /* must come back in a header with each write */
};

/* Checks a password and begins a login.  `peer` is the address the try comes from.
 * ERR_ACCESS (wrong name or password), ERR_AGAIN (too many failures: *ret_wait_s seconds). */
MUST int people_login(struct people *people, const struct store *store, const char *name,
                      const char *password, const char *peer, int64_t now_ms,
                      char ret_token[PEOPLE_TOKEN_MAX + 1], int64_t *ret_wait_s);
/* Who holds this token.  ERR_ACCESS if nobody does, or it has ended. */
MUST int people_check(const struct store *store, const char *token, int64_t now_ms,
                      struct people_session *ret_session);
/* The same question without use: the login is not prolonged.  ERR_ACCESS. */
MUST int people_holds(const struct store *store, const char *token, int64_t now_ms);
MUST int people_logout(const struct store *store, const char *token);

#endif
