/* pack_test: what was packed comes back, exactly so much and no more. */
#include "pack.h"
#include "random_event.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 70000 };
static uint8_t plain[MANY], packed[MANY], back[MANY];

static void test_round_trip(void **state) {
    (void)state;
    struct random r = random_start(31);
    for (int round = 0; round < 200; round++) {
        size_t len = 1 + (size_t)random_below(&r, 3000);
        uint64_t letters = 1 + random_below(&r, 30);
        for (size_t i = 0; i < len; i++)
            plain[i] = (uint8_t)random_below(&r, letters);
        int n = pack_deflate(plain, len, packed, sizeof packed);
        assert_true(n > 0);
        assert_int_equal(pack_inflate(packed, (size_t)n, back, len), 0);
        assert_memory_equal(plain, back, len);
        assert_int_equal(pack_inflate(packed, (size_t)n, back, len + 1), ERR_BADMSG);
        assert_int_equal(pack_inflate(packed, (size_t)n, back, len - 1), ERR_OVERFLOW);
        assert_int_equal(pack_inflate(packed, (size_t)n + 1, back, len), ERR_BADMSG);
        assert_true(pack_inflate(packed, (size_t)n - 1, back, len) < 0);
        assert_int_equal(pack_deflate(plain, len, packed, (size_t)n - 1), ERR_OVERFLOW);
    }
}

static void test_bomb(void **state) {
    (void)state;
    memset(plain, 0, sizeof plain);
    int n = pack_deflate(plain, sizeof plain, packed, sizeof packed);
    assert_true(n > 0 && n < 200);
    uint8_t guarded[102];
    memset(guarded, 0x55, sizeof guarded);
    assert_int_equal(pack_inflate(packed, (size_t)n, guarded + 1, 100), ERR_OVERFLOW);
    assert_int_equal(guarded[0], 0x55);
    assert_int_equal(guarded[101], 0x55);
}

static void test_dictionary(void **state) {
    (void)state;
    assert_in_range(PACK_DICTIONARY_BYTES, 128, PACK_DICTIONARY_MAX);
    int n = pack_deflate(PACK_DICTIONARY, PACK_DICTIONARY_BYTES, packed, sizeof packed);
    assert_in_range(n, 1, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
