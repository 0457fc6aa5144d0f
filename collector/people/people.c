#include "people.h"
#include "password.h"
#include "seal.h"
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const ROLES[] = {
    [ROLE_VIEWER] = "viewer",
    [ROLE_VOLUNTEER] = "volunteer",
    [ROLE_ANALYST] = "analyst",
    [ROLE_PCSO] = "pcso",
    [ROLE_OFFICER] = "officer",
    [ROLE_SUPERVISOR] = "supervisor",
    [ROLE_ADMINISTRATOR] = "administrator",
};
#define ROLES_N ((enum people_role)(sizeof ROLES / sizeof *ROLES))

/* Moving the end at every request would make each page view a disk sync. */
enum { END_STEP_MS = 60 * 1000 };

void people_init(struct people *people) {
    *people = (struct people){0};
    int r = pthread_mutex_init(&people->lock, NULL);
    r |= pthread_cond_init(&people->free_hash, NULL);
    assert(r == 0);
}

void people_free(struct people *people) {
    pthread_mutex_destroy(&people->lock);
    pthread_cond_destroy(&people->free_hash);
}

const char *people_role_name(enum people_role role) {
    return role > ROLE_NOBODY && role < ROLES_N ? ROLES[role] : "nobody";
}

enum people_role people_role_find(const char *name) {
    for (unsigned i = ROLE_VIEWER; i < ROLES_N; i++)
        if (strcmp(ROLES[i], name) == 0)
            return (enum people_role)i;
    return ROLE_NOBODY;
}

int people_name_valid(const char *name) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyz";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    size_t len = strlen(name);
    return len >= 2 && len <= PEOPLE_NAME_MAX && strchr(first, name[0]) != NULL &&
           strspn(name, rest) == len;
}

static int user_fill(struct store_user *user, const char *password) {
    if (people_password_fault(user->name, password) != NULL)
        return ERR_INVAL;
    return password_hash(password, user->password, sizeof user->password);
}

/* A user who may log in. */
static int user_find(const struct store *store, const char *name, struct store_user *ret_user) {
    int r = people_name_valid(name) ? store->user_get(store->ctx, name, ret_user) : ERR_NOENT;
    return r >= 0 && ret_user->disabled ? ERR_NOENT : r;
}

int people_add(const struct store *store, const char *name, enum people_role role,
               const char *password, int64_t now_ms) {
    struct store_user user;
    if (!people_name_valid(name) || role <= ROLE_NOBODY || role >= ROLES_N)
        return ERR_INVAL;
    int r = user_find(store, name, &user);
    if (r != ERR_NOENT)
        return r < 0 ? r : ERR_EXIST;
    user = (struct store_user){.created_ms = now_ms};
    snprintf(user.name, sizeof user.name, "%s", name);
    snprintf(user.role, sizeof user.role, "%s", ROLES[role]);
    r = user_fill(&user, password);
    return r < 0 ? r : store->user_put(store->ctx, &user);
}

static int user_keep(const struct store *store, const struct store_user *user, int64_t now_ms) {
    int r = store->user_put(store->ctx, user);
    return r < 0 ? r : store->logins_end(store->ctx, user->name, now_ms);
}

int people_change(const struct store *store, const char *name, enum people_role role,
                  const char *password, int64_t now_ms) {
    struct store_user user;
    int r = user_find(store, name, &user);
    if (r < 0)
        return r;
    if (role != ROLE_NOBODY)
        snprintf(user.role, sizeof user.role, "%s", people_role_name(role));
    if (password != NULL)
        r = user_fill(&user, password);
    return r < 0 ? r : user_keep(store, &user, now_ms);
}

int people_remove(const struct store *store, const char *name, int64_t now_ms) {
    struct store_user user;
    int r = user_find(store, name, &user);
    if (r < 0)
        return r;
    user.disabled = true;
    user.password[0] = '\0';
    return user_keep(store, &user, now_ms);
}

static void hex_write(const uint8_t *bytes, size_t n, char *ret_text) {
    for (size_t i = 0; i < n; i++)
        snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

static void login_key(const char *token, uint8_t ret_key[STORE_TOKEN_BYTES]) {
    seal_hash((const uint8_t *)token, strlen(token), ret_key);
}

/* Bound to the login, and useless for finding the token it comes from. */
static void csrf_of(const char *token, char ret_csrf[PEOPLE_CSRF_MAX + 1]) {
    char text[PEOPLE_TOKEN_MAX + 8];
    uint8_t hash[SEAL_HASH_BYTES];
    int n = snprintf(text, sizeof text, "csrf:%s", token);
    seal_hash((const uint8_t *)text, (size_t)n, hash);
    hex_write(hash, PEOPLE_CSRF_MAX / 2, ret_csrf);
}

static bool password_right(struct people *people, const char *hash, const char *password) {
    pthread_mutex_lock(&people->lock);
    while (people->hashing >= PEOPLE_HASHES_MAX)
        pthread_cond_wait(&people->free_hash, &people->lock);
    people->hashing++;
    pthread_mutex_unlock(&people->lock);
    bool right = password_verify(hash, password);
    pthread_mutex_lock(&people->lock);
    people->hashing--;
    pthread_cond_signal(&people->free_hash);
    pthread_mutex_unlock(&people->lock);
    return right;
}

static int64_t wait_ms(struct people *people, const char *name, const char *peer, int64_t now_ms) {
    pthread_mutex_lock(&people->lock);
    int64_t wait = throttle_wait(&people->throttle, name, peer, now_ms);
    pthread_mutex_unlock(&people->lock);
    return wait;
}

static void outcome(struct people *people, bool right, const char *name, const char *peer,
                    int64_t now_ms) {
    pthread_mutex_lock(&people->lock);
    if (right)
        throttle_success(&people->throttle, name, peer);
    else
        throttle_failure(&people->throttle, name, peer, now_ms);
    pthread_mutex_unlock(&people->lock);
}

static int login_begin(const struct store *store, const char *name, int64_t now_ms,
                       char ret_token[PEOPLE_TOKEN_MAX + 1]) {
    uint8_t bytes[PEOPLE_TOKEN_MAX / 2];
    int r = seal_random(bytes, sizeof bytes);
    if (r < 0)
        return r;
    char token[PEOPLE_TOKEN_MAX + 1];
    hex_write(bytes, sizeof bytes, token);
    struct store_login login = {.created_ms = now_ms, .expires_ms = now_ms + PEOPLE_IDLE_MS};
    login_key(token, login.token_hash);
    snprintf(login.user, sizeof login.user, "%s", name);
    r = store->logins_end(store->ctx, NULL, now_ms);
    if (r >= 0)
        r = store->login_put(store->ctx, &login);
    if (r >= 0)
        memcpy(ret_token, token, sizeof token);
    return r < 0 ? r : 0;
}

int people_login(struct people *people, const struct store *store, const char *name,
                 const char *password, const char *peer, int64_t now_ms,
                 char ret_token[PEOPLE_TOKEN_MAX + 1], int64_t *ret_wait_s) {
    int64_t wait = wait_ms(people, name, peer, now_ms);
    if (wait > 0) {
        *ret_wait_s = (wait + 999) / 1000;
        return ERR_AGAIN;
    }
    struct store_user user = {0};
    int r = user_find(store, name, &user);
    if (r < 0 && r != ERR_NOENT)
        return r;
    bool known = r >= 0;
    bool right = password_right(people, known ? user.password : PASSWORD_DECOY, password) && known;
    outcome(people, right, name, peer, now_ms);
    return right ? login_begin(store, name, now_ms, ret_token) : ERR_ACCESS;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int login_prolong(const struct store *store, struct store_login *login, int64_t now_ms) {
    int64_t end = earlier(now_ms + PEOPLE_IDLE_MS, login->created_ms + PEOPLE_LOGIN_MS);
    if (end - login->expires_ms < END_STEP_MS)
        return 0;
    login->expires_ms = end;
    return store->login_put(store->ctx, login);
}

static int login_find(const struct store *store, const char *token, int64_t now_ms,
                      struct store_login *ret_login, struct store_user *ret_user) {
    uint8_t key[STORE_TOKEN_BYTES];
    if (strlen(token) != PEOPLE_TOKEN_MAX)
        return ERR_ACCESS;
    login_key(token, key);
    int r = store->login_get(store->ctx, key, now_ms, ret_login);
    if (r <= 0)
        return r == 0 || r == ERR_NOENT ? ERR_ACCESS : r;
    r = user_find(store, ret_login->user, ret_user);
    return r == ERR_NOENT ? ERR_ACCESS : r;
}

int people_check(const struct store *store, const char *token, int64_t now_ms,
                 struct people_session *ret_session) {
    struct store_login login;
    struct store_user user = {0};
    int r = login_find(store, token, now_ms, &login, &user);
    if (r >= 0)
        r = login_prolong(store, &login, now_ms);
    if (r < 0)
        return r == ERR_NOENT ? ERR_ACCESS : r;
    snprintf(ret_session->name, sizeof ret_session->name, "%s", user.name);
    ret_session->role = people_role_find(user.role);
    csrf_of(token, ret_session->csrf);
    return 0;
}

int people_holds(const struct store *store, const char *token, int64_t now_ms) {
    struct store_login login;
    struct store_user user = {0};
    int r = login_find(store, token, now_ms, &login, &user);
    return r < 0 ? r : 0;
}

int people_logout(const struct store *store, const char *token) {
    uint8_t key[STORE_TOKEN_BYTES];
    if (strlen(token) != PEOPLE_TOKEN_MAX)
        return 0;
    login_key(token, key);
    int r = store->login_remove(store->ctx, key);
    return r == ERR_NOENT ? 0 : r;
}
