/* batch_fuzz: any bytes as a payload.  What peek lets through is decoded although nobody signed it;
 * what decodes is valid, encodes, and decodes to the same.  And what verifies is what was signed.
 */
#include "batch.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event events[WIRE_EVENTS_MAX], again[WIRE_EVENTS_MAX];
static uint8_t payload[WIRE_PAYLOAD_MAX];

static void check(int holds) {
    if (!holds)
        abort();
}

static void encode_again(const struct batch_view *view, size_t count) {
    static struct seal_signer signer;
    struct batch_view other;
    if (signer.key == NULL)
        check(seal_signer_make(&signer) == 0);
    int len = batch_encode(&view->header, events, count, &signer, payload, sizeof payload);
    check(len > 0);
    check(batch_peek(payload, (size_t)len, &other) == 0);
    check(batch_decode(&other, again, count) == (int)count);
    check(memcmp(events, again, count * sizeof *events) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct seal_key key;
    if (key.key == NULL)
        check(seal_key_load(SOURCE_DIR "/tests/vectors/test.pub", &key) == 0);
    struct batch_view view;
    bool believed = batch_verify(data, size, &key) == 0;
    int e = batch_peek(data, size, &view);
    if (e < 0)
        return 0;
    int count = batch_decode(&view, events, WIRE_EVENTS_MAX);
    check(!believed || count == (int)view.header.events);
    check(count <= (int)view.header.events);
    for (int i = 0; i < count; i++)
        check(event_valid(&events[i]));
    if (count > 0)
        encode_again(&view, (size_t)count);
    return 0;
}
