#include "crc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 3720 B.4, and the check value of the catalogue of parametrised CRCs. */
static void published_vectors(void **state) {
    (void)state;
    uint8_t b[32] = {0};
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(0, b, 32), 0x8A9136AA);
    memset(b, 0xFF, sizeof b);
    assert_int_equal(crc32c(0, b, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++)
        b[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, b, 32), 0x46DD794E);
}

static uint32_t bitwise(const uint8_t *p, size_t len) {
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = (c >> 1) ^ ((c & 1) != 0 ? UINT32_C(0x82F63B78) : 0);
    }
    return ~c;
}

static void agrees_with_the_definition_at_every_length_and_split(void **state) {
    (void)state;
    uint8_t b[70];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof b; len++) {
        uint32_t want = bitwise(b, len);
        for (size_t cut = 0; cut <= len; cut++)
            assert_int_equal(crc32c(crc32c(0, b, cut), b + cut, len - cut), want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(agrees_with_the_definition_at_every_length_and_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
