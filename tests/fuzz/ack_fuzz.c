/* ack_fuzz: any bytes as an acknowledgement; only the golden one is ever believed. */
#include "topic.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Signs what comes, so that the fields behind the signature are met too. */
static void decode_signed(const uint8_t *data, size_t size) {
    static struct seal_signer signer;
    static struct seal_key key;
    uint8_t payload[ACK_PAYLOAD_MAX + 2 + SEAL_BYTES], point[SEAL_KEY_BYTES];
    struct ack ack, again;
    if (signer.key == NULL && (seal_signer_make(&signer) | seal_signer_public(&signer, point) |
                               seal_key_from_bytes(point, &key)) != 0)
        abort();
    if (size > ACK_PAYLOAD_MAX)
        return;
    memcpy(payload, data, size);
    payload[size] = 0x7a;
    payload[size + 1] = SEAL_BYTES;
    if (seal_sign(&signer, payload, size, payload + size + 2) < 0)
        abort();
    if (ack_decode(payload, size + 2 + SEAL_BYTES, "kit-stockton-1", &key, &ack) < 0)
        return;
    int len = ack_encode(&ack, "kit-stockton-1", &signer, payload, ACK_PAYLOAD_MAX);
    if (len < 0 || ack_decode(payload, (size_t)len, "kit-stockton-1", &key, &again) < 0 ||
        again.upto != ack.upto || again.also_count != ack.also_count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct seal_key key;
    struct ack ack;
    if (key.key == NULL && seal_key_load(SOURCE_DIR "/tests/vectors/test.pub", &key) < 0)
        abort();
    if (ack_decode(data, size, "kit-stockton-1", &key, &ack) == 0 && ack.upto != 1234)
        abort();
    decode_signed(data, size);
    return 0;
}
