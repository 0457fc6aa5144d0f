#include "mwb.h"

enum { LENGTH_BYTES = 4 };

int mwb_write(FILE *to, const uint8_t *payload, size_t len) {
    uint8_t head[LENGTH_BYTES];
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        head[i] = (uint8_t)(len >> 8 * i);
    bool ok = fwrite(head, 1, sizeof head, to) == sizeof head && fwrite(payload, 1, len, to) == len;
    return ok ? 0 : ERR_IO;
}

int mwb_read(FILE *from, uint8_t payload[WIRE_PAYLOAD_MAX]) {
    uint8_t head[LENGTH_BYTES];
    size_t got = fread(head, 1, sizeof head, from);
    if (got < sizeof head)
        return ferror(from) ? ERR_IO : got == 0 ? 0 : ERR_BADMSG;
    uint32_t len = 0;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        len |= (uint32_t)head[i] << 8 * i;
    if (len == 0 || len > WIRE_PAYLOAD_MAX)
        return ERR_OVERFLOW;
    if (fread(payload, 1, len, from) != len)
        return ferror(from) ? ERR_IO : ERR_BADMSG;
    return (int)len;
}
