/* Who may log in, for how long, and how often one may guess. */
#include "password.h"
#include "people.h"
#include "seal.h"
#include "store_sqlite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0 INT64_C(1790000000000)
static const char GOOD[] = "three dry sheep";

static struct store store;
static struct people people;

static int setup(void **state) {
    (void)state;
    people_init(&people);
    return store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &store);
}

static int teardown(void **state) {
    (void)state;
    store.close(store.ctx);
    people_free(&people);
    return 0;
}

static int login(const char *name, const char *password, const char *peer, int64_t now,
                 char token[PEOPLE_TOKEN_MAX + 1]) {
    int64_t wait;
    return people_login(&people, &store, name, password, peer, now, token, &wait);
}

static void add(const char *name, enum people_role role) {
    assert_int_equal(people_add(&store, name, role, GOOD, T0), 0);
}

static void nobody_by_default(void **state) {
    (void)state;
    static const char *const names[] = {"admin", "administrator", "root", "moorwatch", ""};
    static const char *const passwords[] = {"", "admin", "moorwatch", "password"};
    char token[PEOPLE_TOKEN_MAX + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof passwords / sizeof *passwords; j++)
            assert_int_equal(login(names[i], passwords[j], "p", T0, token), ERR_ACCESS);
    assert_false(password_verify(PASSWORD_DECOY, ""));
    assert_false(password_verify("", ""));
}

static void logs_in_and_out(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1], other[PEOPLE_TOKEN_MAX + 1];
    struct people_session who, again;
    add("anna", ROLE_PCSO);
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    assert_int_equal(login("anna", GOOD, "p", T0, other), 0);
    assert_string_not_equal(token, other);
    assert_int_equal(people_check(&store, token, T0 + 1, &who), 0);
    assert_string_equal(who.name, "anna");
    assert_int_equal(who.role, ROLE_PCSO);
    assert_int_equal(strlen(who.csrf), PEOPLE_CSRF_MAX);
    assert_int_equal(people_check(&store, other, T0 + 1, &again), 0);
    assert_string_not_equal(who.csrf, again.csrf);
    assert_int_equal(people_logout(&store, token), 0);
    assert_int_equal(people_check(&store, token, T0 + 1, &who), ERR_ACCESS);
    assert_int_equal(people_check(&store, other, T0 + 1, &who), 0);
    assert_int_equal(people_logout(&store, token), 0);
}

static void strangers_tokens_are_refused(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1], wrong[PEOPLE_TOKEN_MAX + 1];
    struct people_session who;
    add("anna", ROLE_PCSO);
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    for (size_t i = 0; i < PEOPLE_TOKEN_MAX; i++) {
        memcpy(wrong, token, sizeof token);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_int_equal(people_check(&store, wrong, T0, &who), ERR_ACCESS);
    }
    assert_int_equal(people_check(&store, "", T0, &who), ERR_ACCESS);
    assert_int_equal(people_check(&store, "' OR 1=1 --", T0, &who), ERR_ACCESS);
}

/* What is kept does not let its reader in. */
static void keeps_only_hashes(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1];
    uint8_t key[STORE_TOKEN_BYTES];
    struct store_user user;
    struct store_login kept;
    add("anna", ROLE_PCSO);
    assert_int_equal(store.user_get(store.ctx, "anna", &user) >= 0, 1);
    assert_non_null(strstr(user.password, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_null(strstr(user.password, GOOD));
    assert_true(password_verify(user.password, GOOD));
    assert_false(password_verify(user.password, "three dry sheeP"));
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    seal_hash((const uint8_t *)token, PEOPLE_TOKEN_MAX, key);
    assert_int_equal(store.login_get(store.ctx, key, T0, &kept), 1);
    assert_string_equal(kept.user, "anna");
    assert_int_equal(login("anna", user.password, "p", T0, token), ERR_ACCESS);
}

static void ends_when_idle(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1];
    struct people_session who;
    add("anna", ROLE_PCSO);
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    int64_t at = T0 + PEOPLE_IDLE_MS - 1;
    assert_int_equal(people_check(&store, token, at, &who), 0);
    assert_int_equal(people_check(&store, token, at + PEOPLE_IDLE_MS - 1, &who), 0);
    at += PEOPLE_IDLE_MS - 1;
    assert_int_equal(people_check(&store, token, at + PEOPLE_IDLE_MS + 1, &who), ERR_ACCESS);
}

static void ends_after_a_shift(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1];
    struct people_session who;
    add("anna", ROLE_PCSO);
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    for (int64_t t = 0; t < PEOPLE_LOGIN_MS; t += PEOPLE_IDLE_MS / 2)
        assert_int_equal(people_check(&store, token, T0 + t, &who), 0);
    assert_int_equal(people_check(&store, token, T0 + PEOPLE_LOGIN_MS, &who), ERR_ACCESS);
}

static void a_change_ends_logins(void **state) {
    (void)state;
    static const char new_password[] = "four wet cows mooing";
    char token[PEOPLE_TOKEN_MAX + 1];
    struct people_session who;
    add("anna", ROLE_PCSO);
    assert_int_equal(login("anna", GOOD, "p", T0, token), 0);
    assert_true(people_change(&store, "anna", ROLE_NOBODY, new_password, T0) >= 0);
    assert_int_equal(people_check(&store, token, T0, &who), ERR_ACCESS);
    assert_int_equal(login("anna", GOOD, "p", T0, token), ERR_ACCESS);
    assert_int_equal(login("anna", new_password, "p", T0, token), 0);
    assert_true(people_change(&store, "anna", ROLE_OFFICER, NULL, T0) >= 0);
    assert_int_equal(people_check(&store, token, T0, &who), ERR_ACCESS);
    assert_int_equal(login("anna", new_password, "p", T0, token), 0);
    assert_int_equal(people_check(&store, token, T0, &who), 0);
    assert_int_equal(who.role, ROLE_OFFICER);
    assert_true(people_remove(&store, "anna", T0) >= 0);
    assert_int_equal(people_check(&store, token, T0, &who), ERR_ACCESS);
    assert_int_equal(login("anna", new_password, "p", T0, token), ERR_ACCESS);
    assert_int_equal(people_remove(&store, "anna", T0), ERR_NOENT);
    assert_int_equal(people_add(&store, "anna", ROLE_VIEWER, GOOD, T0), 0);
}

static void refuses_bad_names_and_passwords(void **state) {
    (void)state;
    static const char *const names[] = {
        "",           "a",     "Anna", "an na",
        "1anna",      "anna'", "a/b",  "abcdefghijklmnopqrstuvwxyzabcdefg",
        "\xc3\xa4nna"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(people_add(&store, names[i], ROLE_PCSO, GOOD, T0), ERR_INVAL);
    static const char *const passwords[] = {"", "short", "password1234", "xxxxxxxxxxxxxxxx",
                                            "anna-anna-anna"};
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++)
        assert_int_equal(people_add(&store, "anna", ROLE_PCSO, passwords[i], T0), ERR_INVAL);
    assert_int_equal(people_add(&store, "anna", ROLE_NOBODY, GOOD, T0), ERR_INVAL);
    assert_int_equal(people_add(&store, "anna", (enum people_role)99, GOOD, T0), ERR_INVAL);
    add("anna", ROLE_PCSO);
    assert_int_equal(people_add(&store, "anna", ROLE_PCSO, GOOD, T0), ERR_EXIST);
}

static void makes_fit_passwords(void **state) {
    (void)state;
    char a[PEOPLE_GENERATED_MAX + 1], b[PEOPLE_GENERATED_MAX + 1];
    assert_int_equal(people_password_make(a), 0);
    assert_int_equal(people_password_make(b), 0);
    assert_string_not_equal(a, b);
    assert_null(people_password_fault("anna", a));
    assert_int_equal(strlen(a), 23);
}

static void every_role_has_a_name(void **state) {
    (void)state;
    for (int i = ROLE_VIEWER; i <= ROLE_ADMINISTRATOR; i++)
        assert_int_equal(people_role_find(people_role_name((enum people_role)i)), i);
    assert_int_equal(people_role_find("nobody"), ROLE_NOBODY);
    assert_int_equal(people_role_find(""), ROLE_NOBODY);
}

static void guessing_is_slow(void **state) {
    (void)state;
    char token[PEOPLE_TOKEN_MAX + 1];
    int64_t wait = 0;
    add("anna", ROLE_PCSO);
    for (int i = 0; i < 5; i++)
        assert_int_equal(login("anna", "wrong wrong wrong", "10.0.0.1", T0, token), ERR_ACCESS);
    /* The right password does not help either: the answer must not tell. */
    assert_int_equal(people_login(&people, &store, "anna", GOOD, "10.0.0.1", T0, token, &wait),
                     ERR_AGAIN);
    assert_int_equal(wait, 1);
    assert_int_equal(login("anna", GOOD, "10.0.0.2", T0, token), 0);
    assert_int_equal(login("anna", GOOD, "10.0.0.1", T0 + 1000, token), 0);
    assert_int_equal(login("anna", "wrong wrong wrong", "10.0.0.1", T0 + 1000, token), ERR_ACCESS);
}

/* Pure: the waits of many failures, one after the other as soon as allowed. */
static void waits_double(void **state) {
    (void)state;
    static struct throttle throttle;
    memset(&throttle, 0, sizeof throttle);
    int64_t now = T0;
    int tries = 0;
    while (now < T0 + 86400000) {
        now += throttle_wait(&throttle, "anna", "peer", now);
        throttle_failure(&throttle, "anna", "peer", now);
        tries++;
    }
    /* 5 at once, 1 to 512 s doubling, then one in 15 minutes. */
    assert_in_range(tries, 90, 115);
}

static void the_table_is_bounded(void **state) {
    (void)state;
    static struct throttle throttle;
    memset(&throttle, 0, sizeof throttle);
    char name[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "u%d", i);
        throttle_failure(&throttle, name, "one peer", T0 + i);
    }
    assert_true(throttle_wait(&throttle, "fresh", "one peer", T0 + 5000) > 0);
    assert_int_equal(throttle_wait(&throttle, "fresh", "other peer", T0 + 5000), 0);
    assert_int_equal(
        throttle_wait(&throttle, "fresh", "one peer", T0 + 5000 + THROTTLE_WAIT_MAX_MS), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nobody_by_default),
        TEST(logs_in_and_out),
        TEST(strangers_tokens_are_refused),
        TEST(keeps_only_hashes),
        TEST(ends_when_idle),
        TEST(ends_after_a_shift),
        TEST(a_change_ends_logins),
        TEST(refuses_bad_names_and_passwords),
        TEST(makes_fit_passwords),
        TEST(every_role_has_a_name),
        TEST(guessing_is_slow),
        TEST(waits_double),
        TEST(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
