/* ads1115: voltages of a simulated chip, channel by channel, and a chip that is not there. */
#include "ads1115.h"
#include "i2c_sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void channels(void **state) {
    (void)state;
    static const int32_t MV[] = {1650, 3300, 0, 12};
    struct i2c_sim *sim;
    struct i2c_bus bus;
    char text[64];
    int32_t mv = -1;
    assert_int_equal(0, i2c_sim_open(NULL, &sim, &bus));
    assert_int_equal(0, i2c_sim_add(sim, 0x48, I2C_SIM_ADS1115));
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "0x48 mv %u %d", i, MV[i]);
        assert_int_equal(0, i2c_sim_command(sim, text));
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(0, ads1115_read_mv(&bus, 0x48, i, &mv));
        assert_in_range(mv - MV[i] + 2, 0, 4);
    }
    mv = 77;
    assert_int_equal(ERR_INVAL, ads1115_read_mv(&bus, 0x48, 4, &mv));
    assert_int_equal(ERR_NODEV, ads1115_read_mv(&bus, 0x49, 0, &mv));
    assert_int_equal(0, i2c_sim_command(sim, "0x48 hang"));
    assert_int_equal(ERR_TIMEDOUT, ads1115_read_mv(&bus, 0x48, 0, &mv));
    assert_int_equal(77, mv);
    bus.close(bus.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(channels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
