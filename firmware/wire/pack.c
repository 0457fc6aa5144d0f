#include "pack.h"
#include <zlib.h>

/* A small window and hash: a body is a few hundred bytes, and a device's memory is not free. */
enum { DEFLATE_WINDOW = -12, DEFLATE_MEMORY = 6, INFLATE_WINDOW = -15 };

static int result(int code) {
    return code == Z_MEM_ERROR ? ERR_NOMEM : ERR_BADMSG;
}

int pack_deflate(const uint8_t *plain, size_t len, uint8_t *packed, size_t cap) {
    z_stream z = {0};
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW, DEFLATE_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    int r = deflateSetDictionary(&z, PACK_DICTIONARY, (uInt)PACK_DICTIONARY_BYTES);
    z.next_in = (z_const Bytef *)plain;
    z.avail_in = (uInt)len;
    z.next_out = packed;
    z.avail_out = (uInt)cap;
    if (r == Z_OK)
        r = deflate(&z, Z_FINISH);
    size_t used = cap - z.avail_out;
    (void)deflateEnd(&z);
    return r == Z_STREAM_END ? (int)used : ERR_OVERFLOW;
}

static int inflate_all(z_stream *z) {
    if (inflateSetDictionary(z, PACK_DICTIONARY, (uInt)PACK_DICTIONARY_BYTES) != Z_OK)
        return ERR_BADMSG;
    int r = inflate(z, Z_FINISH);
    if (r == Z_STREAM_END)
        return z->avail_in == 0 && z->avail_out == 0 ? 0 : ERR_BADMSG;
    /* Full before its end: it holds more than it says, or stops exactly at the brim. */
    return r == Z_BUF_ERROR && z->avail_out == 0 ? ERR_OVERFLOW : result(r);
}

int pack_inflate(const uint8_t *packed, size_t len, uint8_t *plain, size_t size) {
    z_stream z = {.next_in = (z_const Bytef *)packed, .avail_in = (uInt)len};
    int r = inflateInit2(&z, INFLATE_WINDOW);
    if (r != Z_OK)
        return result(r);
    z.next_out = plain;
    z.avail_out = (uInt)size;
    r = inflate_all(&z);
    (void)inflateEnd(&z);
    return r;
}
