#include "crc.h"
#include <stdbool.h>

/* Slice by 4: table k gives the effect of a byte that stands k bytes further back. */
static uint32_t table[4][256];
static bool ready;

static void table_make(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = (c >> 1) ^ ((c & 1) != 0 ? UINT32_C(0x82F63B78) : 0);
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 4; k++)
            table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xFF];
    ready = true;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len) {
    if (!ready)
        table_make();
    const uint8_t *p = data;
    uint32_t c = ~crc;
    for (; len >= 4; len -= 4, p += 4) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        c = table[3][c & 0xFF] ^ table[2][c >> 8 & 0xFF] ^ table[1][c >> 16 & 0xFF] ^
            table[0][c >> 24];
    }
    for (; len > 0; len--, p++)
        c = (c >> 8) ^ table[0][(c ^ *p) & 0xFF];
    return ~c;
}
