#include "seal.h"
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { HALF = SEAL_BYTES / 2, DER_MAX = 80 };

/* Failures are told by our own code; OpenSSL's queue of them must not grow. */
static int failed(int err) {
    ERR_clear_error();
    return err;
}

static bool is_p256(EVP_PKEY *key) {
    char group[32];
    size_t len = 0;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                          &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* Takes the key over, or frees it. */
static int accept_key(EVP_PKEY *key, void **ret_key) {
    if (key == NULL)
        return failed(ERR_KEY);
    if (!is_p256(key)) {
        EVP_PKEY_free(key);
        return failed(ERR_KEY);
    }
    *ret_key = key;
    return 0;
}

/* A key with a pass phrase is refused: nobody is there to type it. */
static int no_phrase(char *buf, int size, int writing, void *arg) {
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static int open_error(void) {
    return errno == EACCES || errno == EPERM ? ERR_ACCESS : errno == ENOENT ? ERR_NOENT : ERR_IO;
}

int seal_signer_load(const char *pem_path, struct seal_signer *ret_signer) {
    errno = 0;
    BIO *file = BIO_new_file(pem_path, "r");
    if (file == NULL)
        return failed(open_error());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, no_phrase, NULL);
    BIO_free(file);
    return accept_key(key, &ret_signer->key);
}

int seal_signer_make(struct seal_signer *ret_signer) {
    return accept_key(EVP_EC_gen(SN_X9_62_prime256v1), &ret_signer->key);
}

void seal_signer_free(struct seal_signer *signer) {
    EVP_PKEY_free(signer->key);
    signer->key = NULL;
}

static int point_of(EVP_PKEY *key, uint8_t ret_point[SEAL_KEY_BYTES]) {
    uint8_t *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);
    int e = len == SEAL_KEY_BYTES && point[0] == 4 ? 0 : ERR_KEY;
    if (e == 0)
        memcpy(ret_point, point, SEAL_KEY_BYTES);
    OPENSSL_free(point);
    return e == 0 ? 0 : failed(e);
}

int seal_signer_public(const struct seal_signer *signer, uint8_t ret_point[SEAL_KEY_BYTES]) {
    return point_of(signer->key, ret_point);
}

int seal_key_bytes(const struct seal_key *key, uint8_t ret_point[SEAL_KEY_BYTES]) {
    return point_of(key->key, ret_point);
}

static EVP_PKEY *certificate_key(BIO *file) {
    X509 *certificate = PEM_read_bio_X509(file, NULL, no_phrase, NULL);
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    return key;
}

int seal_key_load(const char *pem_path, struct seal_key *ret_key) {
    errno = 0;
    BIO *file = BIO_new_file(pem_path, "r");
    if (file == NULL)
        return failed(open_error());
    EVP_PKEY *key = PEM_read_bio_PUBKEY(file, NULL, no_phrase, NULL);
    if (key == NULL) {
        (void)BIO_reset(file);
        key = certificate_key(file);
    }
    BIO_free(file);
    ERR_clear_error();
    return accept_key(key, &ret_key->key);
}

int seal_certificate_name(const char *pem_path, char *buf, size_t cap) {
    errno = 0;
    BIO *file = BIO_new_file(pem_path, "r");
    if (file == NULL)
        return failed(open_error());
    X509 *certificate = PEM_read_bio_X509(file, NULL, no_phrase, NULL);
    BIO_free(file);
    int len = -1;
    if (certificate != NULL)
        len = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, buf,
                                        (int)cap);
    X509_free(certificate);
    /* A cut name has lost its end, one with a zero within is a trick. */
    bool whole = len > 0 && (size_t)len < cap - 1 && strlen(buf) == (size_t)len;
    return whole ? 0 : failed(ERR_KEY);
}

int seal_key_from_bytes(const uint8_t point[SEAL_KEY_BYTES], struct seal_key *ret_key) {
    char group[] = SN_X9_62_prime256v1;
    uint8_t copy[SEAL_KEY_BYTES];
    memcpy(copy, point, sizeof copy);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    return accept_key(key, &ret_key->key);
}

void seal_key_free(struct seal_key *key) {
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

static bool from_der(const uint8_t *der, size_t len, uint8_t *ret_signature) {
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, HALF) == HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + HALF, HALF) == HALF;
    ECDSA_SIG_free(pair);
    return ok;
}

/* Returns the DER's length, 0 if it could not be made. */
static size_t to_der(const uint8_t *signature, uint8_t *der) {
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, HALF, NULL), *s = BN_bin2bn(signature + HALF, HALF, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return 0;
    }
    int len = i2d_ECDSA_SIG(pair, NULL) <= DER_MAX ? i2d_ECDSA_SIG(pair, &der) : 0;
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

int seal_sign(const struct seal_signer *signer, const uint8_t *data, size_t len,
              uint8_t ret_signature[SEAL_BYTES]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[DER_MAX];
    size_t der_len = sizeof der;
    bool ok = context != NULL &&
              EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
              EVP_DigestSign(context, der, &der_len, data, len) == 1 &&
              from_der(der, der_len, ret_signature);
    EVP_MD_CTX_free(context);
    return ok ? 0 : failed(ERR_KEY);
}

int seal_verify(const struct seal_key *key, const uint8_t *data, size_t len,
                const uint8_t signature[SEAL_BYTES]) {
    uint8_t der[DER_MAX];
    size_t der_len = to_der(signature, der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = der_len > 0 && context != NULL &&
              EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
              EVP_DigestVerify(context, der, der_len, data, len) == 1;
    EVP_MD_CTX_free(context);
    return ok ? 0 : failed(ERR_KEY);
}

void seal_hash(const uint8_t *data, size_t len, uint8_t ret_hash[SEAL_HASH_BYTES]) {
    /* Fails only without memory or without SHA-256: then nothing can go on. */
    if (EVP_Digest(data, len, ret_hash, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

int seal_random(void *buf, size_t len) {
    return RAND_bytes(buf, (int)len) == 1 ? 0 : failed(ERR_IO);
}

int seal_tls13_only(void) {
    static const char SETTINGS[] = "openssl_conf = top\n[top]\nssl_conf = ssl\n"
                                   "[ssl]\nsystem_default = floor\n"
                                   "[floor]\nMinProtocol = TLSv1.3\n";
    /* The system's own file first, or it would overrule ours when it is read later. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
        return failed(ERR_IO);
    CONF *conf = NCONF_new(NULL);
    BIO *text = BIO_new_mem_buf(SETTINGS, -1);
    bool ok = conf != NULL && text != NULL && NCONF_load_bio(conf, text, NULL) == 1 &&
              CONF_modules_load(conf, NULL, 0) == 1;
    BIO_free(text);
    NCONF_free(conf);
    return ok ? 0 : failed(ERR_IO);
}

void seal_tls_error(char *buf, size_t cap) {
    unsigned long error = ERR_peek_error();
    buf[0] = '\0';
    if (error != 0)
        ERR_error_string_n(error, buf, cap);
    ERR_clear_error();
}
