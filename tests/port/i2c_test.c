/* i2c: the simulated bus behaves as buses and chips do; a bus of the kernel's that is not there is
 * an error and no more.  With MOORWATCH_I2C=/dev/i2c-N, which must hold a chip or i2c-stub at
 * 0x18, the same registers are written and read back there. */
#include "i2c.h"
#include "i2c_dev.h"
#include "i2c_sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct i2c_sim *sim;
static struct i2c_bus bus;

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int begin(void **state) {
    (void)state;
    assert_int_equal(0, i2c_sim_open(NULL, &sim, &bus));
    assert_int_equal(0, i2c_sim_add(sim, 0x18, I2C_SIM_LIS3DH));
    assert_int_equal(0, i2c_sim_add(sim, 0x48, I2C_SIM_ADS1115));
    assert_int_equal(0, i2c_sim_add(sim, 0x40, I2C_SIM_WORDS));
    return 0;
}

static int end(void **state) {
    (void)state;
    bus.close(bus.ctx);
    return 0;
}

static void registers(void **state) {
    (void)state;
    uint8_t who = 0;
    uint16_t word = 0;
    assert_int_equal(ERR_EXIST, i2c_sim_add(sim, 0x18, I2C_SIM_WORDS));
    assert_int_equal(0, i2c_read_8(&bus, 0x18, 0x0f, &who));
    assert_int_equal(0x33, who);
    assert_int_equal(0, i2c_write_8(&bus, 0x18, 0x20, 0x57));
    assert_int_equal(0, i2c_read_8(&bus, 0x18, 0x20, &who));
    assert_int_equal(0x57, who);
    assert_int_equal(0, i2c_write_16(&bus, 0x40, 5, 0x1234));
    assert_int_equal(0, i2c_read_16(&bus, 0x40, 5, &word));
    assert_int_equal(0x1234, word);
    assert_int_equal(0, i2c_sim_command(sim, "0x40 word 2 8000"));
    assert_int_equal(0, i2c_read_16(&bus, 0x40, 2, &word));
    assert_int_equal(8000, word);
}

static void a_fifo_keeps_the_newest(void **state) {
    (void)state;
    uint8_t bytes[12], source;
    char text[64];
    for (int i = 1; i <= 40; i++) {
        snprintf(text, sizeof text, "0x18 sample %d -%d 1000", i, i);
        assert_int_equal(0, i2c_sim_command(sim, text));
    }
    assert_int_equal(0, i2c_read_8(&bus, 0x18, 0x2f, &source));
    assert_int_equal(0x40 | 31, source);
    assert_int_equal(0, i2c_read(&bus, 0x18, 0x28 | 0x80, bytes, sizeof bytes));
    assert_int_equal(9 * 16, bytes[0] | bytes[1] << 8);
    assert_int_equal(10 * 16, bytes[6] | bytes[7] << 8);
    /* Without the bit that counts up, every byte is the first one's. */
    assert_int_equal(0, i2c_read(&bus, 0x18, 0x28, bytes, 6));
    assert_int_equal(bytes[0], bytes[4]);
}

static void what_goes_wrong_on_a_bus(void **state) {
    (void)state;
    uint8_t value = 7;
    assert_int_equal(ERR_NODEV, i2c_read_8(&bus, 0x19, 0, &value));
    assert_int_equal(0, i2c_sim_command(sim, "0x18 silent"));
    assert_int_equal(ERR_NODEV, i2c_write_8(&bus, 0x18, 0, 1));
    int64_t from = now_ms();
    assert_int_equal(0, i2c_sim_command(sim, "0x18 hang"));
    assert_int_equal(ERR_TIMEDOUT, i2c_read_8(&bus, 0x18, 0x0f, &value));
    assert_true(now_ms() - from < 10 * I2C_PATIENCE_MS);
    assert_int_equal(7, value); /* untouched */
    assert_int_equal(0, i2c_sim_command(sim, "0x18 answer"));
    assert_int_equal(0, i2c_read_8(&bus, 0x18, 0x0f, &value));
    static const char *const NONSENSE[] = {"",
                                           "0x18",
                                           "0x77 silent",
                                           "0x18 dance",
                                           "0x48 mv 9 1",
                                           "0x48 mv 1 99999",
                                           "0x18 sample 1 2",
                                           "0x18 stuck"};
    for (size_t i = 0; i < sizeof NONSENSE / sizeof NONSENSE[0]; i++)
        assert_int_equal(ERR_INVAL, i2c_sim_command(sim, NONSENSE[i]));
}

static void a_bus_of_the_kernels(void **state) {
    (void)state;
    struct i2c_bus real;
    uint8_t value = 0, block[6];
    assert_int_equal(ERR_NOENT, i2c_dev_open("/dev/i2c-nothing", &real));
    assert_true(i2c_dev_open("/dev/null", &real) < 0); /* no bus */
    const char *path = getenv("MOORWATCH_I2C");
    if (path == NULL) {
        print_message("skipped: no MOORWATCH_I2C=/dev/i2c-N with a chip or i2c-stub at 0x18\n");
        skip();
    }
    assert_int_equal(0, i2c_dev_open(path, &real));
    assert_int_equal(0, i2c_write_8(&real, 0x18, 0x32, 0x05));
    assert_int_equal(0, i2c_read_8(&real, 0x18, 0x32, &value));
    assert_int_equal(0x05, value);
    assert_int_equal(0, i2c_read(&real, 0x18, 0x28 | 0x80, block, sizeof block));
    assert_int_equal(ERR_NODEV, i2c_read_8(&real, 0x77, 0, &value));
    real.close(real.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers, begin, end),
        cmocka_unit_test_setup_teardown(a_fifo_keeps_the_newest, begin, end),
        cmocka_unit_test_setup_teardown(what_goes_wrong_on_a_bus, begin, end),
        cmocka_unit_test(a_bus_of_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
