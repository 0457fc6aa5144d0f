/* body_fuzz: any bytes as an inflated body: no envelope, no deflate between the fuzzer and the
 * columns.  The first two bytes choose the class and the number of events. */
#include "body.h"
#include "pack.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct event events[WIRE_EVENTS_MAX], again[WIRE_EVENTS_MAX];
    static uint8_t body[WIRE_BODY_MAX];
    if (size < 2)
        return 0;
    enum event_class cls = (enum event_class)(data[0] % CLASS_COUNT);
    size_t count = 1 + (size_t)(data[0] / CLASS_COUNT * 256 + data[1]) % WIRE_EVENTS_MAX;
    int known = body_decode(data + 2, size - 2, cls, count, events);
    if (known > 0) {
        int len = body_encode(events, (size_t)known, body, sizeof body);
        if (len < 0 || body_decode(body, (size_t)len, cls, (size_t)known, again) != known ||
            memcmp(events, again, (size_t)known * sizeof *events) != 0)
            abort();
    }
    int e = pack_inflate(data + 2, size - 2, body, count);
    return e > 0 ? -1 : 0;
}
