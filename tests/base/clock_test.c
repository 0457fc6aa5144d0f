#include "clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void boot_time_never_steps_back(void **state) {
    (void)state;
    struct clock c = clock_system();
    int64_t last = c.boot_ns(c.ctx);
    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = c.boot_ns(c.ctx);
        assert_true(now >= last);
        last = now;
    }
}

static void wall_time_is_the_systems(void **state) {
    (void)state;
    struct clock c = clock_system();
    int64_t off = c.wall_ms(c.ctx) - (int64_t)time(NULL) * 1000;
    assert_true(off > -2000 && off < 3000);
    enum clock_quality q = c.quality(c.ctx);
    assert_true(q >= CLOCK_UNKNOWN && q <= CLOCK_NTP);
}

/* Two programs of one boot must agree: events of one are stamped by the other's boot id. */
static void boot_id_is_the_kernels(void **state) {
    (void)state;
    struct clock a = clock_system(), b = clock_system();
    assert_true(a.boot_id != 0);
    assert_true(a.boot_id == b.boot_id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_time_never_steps_back),
        cmocka_unit_test(wall_time_is_the_systems),
        cmocka_unit_test(boot_id_is_the_kernels),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
