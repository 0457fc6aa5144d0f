/* seal_test: signatures against the openssl command, and keys that must be refused. */
#include "seal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/seal-test-XXXXXX";

/* Runs a shell command in the scratch directory. */
static int shell(const char *command) {
    char line[1024];
    (void)snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", dir, command);
    return system(line);
}

static const char *in_dir(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const uint8_t *data, size_t len) {
    FILE *f = fopen(in_dir(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static size_t get_file(const char *name, uint8_t *data, size_t cap) {
    FILE *f = fopen(in_dir(name), "rb");
    assert_non_null(f);
    size_t n = fread(data, 1, cap, f);
    (void)fclose(f);
    return n;
}

static int make_keys(void **state) {
    (void)state;
    assert_non_null(mkdtemp(dir));
    return shell("openssl ecparam -name prime256v1 -genkey -noout -out key.pem && "
                 "openssl ec -in key.pem -pubout -out pub.pem && "
                 "openssl req -x509 -key key.pem -subj /CN=kit -days 2 -out cert.pem && "
                 "openssl ecparam -name secp384r1 -genkey -noout -out p384.pem && "
                 "openssl ec -in p384.pem -pubout -out p384pub.pem && "
                 "openssl ec -in key.pem -aes128 -passout pass:x -out phrase.pem && "
                 "openssl genpkey -algorithm ed25519 -out ed.pem && echo hello > text.pem");
}

static int remove_keys(void **state) {
    (void)state;
    return shell("rm -rf \"$PWD\"");
}

/* DER by hand: two positive integers, a zero before a first bit that is set, no needless zeros. */
static size_t der_of(const uint8_t *raw, uint8_t *der) {
    size_t at = 2;
    for (int half = 0; half < 2; half++) {
        const uint8_t *n = raw + half * 32;
        size_t len = 32;
        while (len > 1 && *n == 0)
            n++, len--;
        size_t pad = *n >> 7;
        der[at++] = 2;
        der[at++] = (uint8_t)(len + pad);
        der[at] = 0;
        memcpy(der + at + pad, n, len);
        at += len + pad;
    }
    der[0] = 0x30;
    der[1] = (uint8_t)(at - 2);
    return at;
}

static void raw_of(const uint8_t *der, uint8_t *raw) {
    memset(raw, 0, SEAL_BYTES);
    const uint8_t *p = der + 2;
    for (int half = 0; half < 2; half++) {
        size_t len = p[1];
        const uint8_t *n = p + 2;
        p = n + len;
        for (; len > 32; len--)
            n++;
        memcpy(raw + half * 32 + 32 - len, n, len);
    }
}

/* Forty of each, so that short numbers and set first bits occur. */
static void test_openssl_verifies_ours(void **state) {
    (void)state;
    struct seal_signer signer;
    assert_int_equal(seal_signer_load(in_dir("key.pem"), &signer), 0);
    for (uint8_t i = 0; i < 40; i++) {
        uint8_t data[100], raw[SEAL_BYTES], der[80];
        memset(data, i, sizeof data);
        assert_int_equal(seal_sign(&signer, data, i, raw), 0);
        put_file("data", data, i);
        put_file("sig", der, der_of(raw, der));
        assert_int_equal(shell("openssl dgst -sha256 -verify pub.pem -signature sig data"), 0);
    }
    seal_signer_free(&signer);
    seal_signer_free(&signer);
}

static void test_we_verify_openssls(void **state) {
    (void)state;
    struct seal_key from_pub, from_cert;
    assert_int_equal(seal_key_load(in_dir("pub.pem"), &from_pub), 0);
    assert_int_equal(seal_key_load(in_dir("cert.pem"), &from_cert), 0);
    for (uint8_t i = 0; i < 40; i++) {
        uint8_t data[100], raw[SEAL_BYTES], der[80] = {0};
        memset(data, i, sizeof data);
        put_file("data", data, sizeof data);
        assert_int_equal(shell("openssl dgst -sha256 -sign key.pem -out sig data"), 0);
        assert_true(get_file("sig", der, sizeof der) > 60);
        raw_of(der, raw);
        assert_int_equal(seal_verify(&from_pub, data, sizeof data, raw), 0);
        assert_int_equal(seal_verify(&from_cert, data, sizeof data, raw), 0);
        assert_int_equal(seal_verify(&from_pub, data, sizeof data - 1, raw), ERR_KEY);
        raw[i] ^= 1;
        assert_int_equal(seal_verify(&from_pub, data, sizeof data, raw), ERR_KEY);
    }
    uint8_t zeros[SEAL_BYTES] = {0}, ones[SEAL_BYTES];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(seal_verify(&from_pub, zeros, 1, zeros), ERR_KEY);
    assert_int_equal(seal_verify(&from_pub, zeros, 1, ones), ERR_KEY);
    seal_key_free(&from_pub);
    seal_key_free(&from_cert);
}

static void test_refused_keys(void **state) {
    (void)state;
    struct seal_signer signer = {0};
    struct seal_key key = {0};
    static const char *const NOT_SIGNERS[] = {"p384.pem", "pub.pem",  "cert.pem",
                                              "ed.pem",   "text.pem", "phrase.pem"};
    for (size_t i = 0; i < sizeof NOT_SIGNERS / sizeof *NOT_SIGNERS; i++)
        assert_int_equal(seal_signer_load(in_dir(NOT_SIGNERS[i]), &signer), ERR_KEY);
    static const char *const NOT_KEYS[] = {"p384pub.pem", "key.pem", "text.pem"};
    for (size_t i = 0; i < sizeof NOT_KEYS / sizeof *NOT_KEYS; i++)
        assert_int_equal(seal_key_load(in_dir(NOT_KEYS[i]), &key), ERR_KEY);
    assert_int_equal(seal_signer_load(in_dir("none.pem"), &signer), ERR_NOENT);
    assert_int_equal(seal_key_load(in_dir("none.pem"), &key), ERR_NOENT);
    if (geteuid() != 0) { /* root reads everything */
        assert_int_equal(chmod(in_dir("key.pem"), 0), 0);
        assert_int_equal(seal_signer_load(in_dir("key.pem"), &signer), ERR_ACCESS);
        assert_int_equal(chmod(in_dir("key.pem"), 0600), 0);
    }
    assert_null(signer.key);
    assert_null(key.key);
    seal_signer_free(&signer);
    seal_key_free(&key);
}

static void test_points(void **state) {
    (void)state;
    struct seal_signer signer;
    struct seal_key key = {0};
    uint8_t point[SEAL_KEY_BYTES], raw[SEAL_BYTES];
    assert_int_equal(seal_signer_make(&signer), 0);
    assert_int_equal(seal_signer_public(&signer, point), 0);
    assert_int_equal(seal_key_from_bytes(point, &key), 0);
    assert_int_equal(seal_sign(&signer, point, sizeof point, raw), 0);
    assert_int_equal(seal_verify(&key, point, sizeof point, raw), 0);
    seal_key_free(&key);
    point[64] ^= 1; /* not on the curve */
    assert_int_equal(seal_key_from_bytes(point, &key), ERR_KEY);
    memset(point, 0, sizeof point);
    assert_int_equal(seal_key_from_bytes(point, &key), ERR_KEY);
    seal_signer_free(&signer);
}

static void test_hash(void **state) {
    (void)state;
    static const uint8_t ABC[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    uint8_t hash[SEAL_HASH_BYTES];
    seal_hash((const uint8_t *)"abc", 3, hash);
    assert_memory_equal(hash, ABC, sizeof ABC); /* FIPS 180-4's own example */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_verifies_ours),
        cmocka_unit_test(test_we_verify_openssls),
        cmocka_unit_test(test_refused_keys),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
