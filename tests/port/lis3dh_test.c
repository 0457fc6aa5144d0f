/* lis3dh and adxl345: one contract for both drivers, on simulated chips.  With
 * MOORWATCH_I2C=/dev/i2c-N and i2c-stub at 0x18 and 0x53 (i2c-stub chip_addr=0x18,0x53) the same
 * settings are written to registers of a real bus of the kernel's. */
#include "adxl345.h"
#include "i2c_dev.h"
#include "i2c_sim.h"
#include "lis3dh.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct i2c_sim *sim;
static struct i2c_bus bus;
static struct lis3dh lis = {&bus, 0x18, 200, 124};
static struct adxl345 adxl = {&bus, 0x53, 200, 125};
static struct motion_sensor sensors[2];
static const char *const ADDRESS[] = {"0x18", "0x53"};

static int begin(void **state) {
    (void)state;
    assert_int_equal(0, i2c_sim_open(NULL, &sim, &bus));
    assert_int_equal(0, i2c_sim_add(sim, 0x18, I2C_SIM_LIS3DH));
    assert_int_equal(0, i2c_sim_add(sim, 0x53, I2C_SIM_ADXL345));
    sensors[0] = lis3dh_sensor(&lis);
    sensors[1] = adxl345_sensor(&adxl);
    return 0;
}

static int end(void **state) {
    (void)state;
    bus.close(bus.ctx);
    return 0;
}

static void say(unsigned which, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(unsigned which, const char *format, ...) {
    char text[128];
    va_list args;
    int n = snprintf(text, sizeof text, "%s ", ADDRESS[which]);
    va_start(args, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    assert_int_equal(0, i2c_sim_command(sim, text));
}

static void samples_come_in_order(void **state) {
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct motion_sample got[MOTION_SENSOR_FIFO];
        bool lost = true;
        assert_int_equal(0, sensors[k].start(sensors[k].ctx));
        assert_int_equal(0, sensors[k].read(sensors[k].ctx, got, &lost));
        assert_false(lost);
        for (int i = 0; i < 20; i++)
            say(k, "sample %d %d %d", -300 * i, 250 * i, 1000);
        assert_int_equal(20, sensors[k].read(sensors[k].ctx, got, &lost));
        assert_false(lost);
        for (int i = 0; i < 20; i++) {
            assert_in_range(got[i].mg[0] + 300 * i + 20, 0, 40); /* a step of the chip's */
            assert_in_range(got[i].mg[1] - 250 * i + 20, 0, 40);
            assert_in_range(got[i].mg[2] - 1000 + 20, 0, 40);
        }
        for (int i = 0; i < 90; i++)
            say(k, "sample %d 0 1000", i * 10);
        assert_int_equal(MOTION_SENSOR_FIFO, sensors[k].read(sensors[k].ctx, got, &lost));
        assert_true(lost);
        assert_in_range(got[0].mg[0], 570, 580); /* the newest 32 are kept */
        say(k, "sample 30000 -30000 0");
        assert_int_equal(1, sensors[k].read(sensors[k].ctx, got, &lost));
        assert_true(got[0].mg[0] > 7900 && got[0].mg[1] < -7900); /* clipped, not wrapped */
    }
}

static void what_does_not_answer(void **state) {
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct motion_sample got[MOTION_SENSOR_FIFO];
        bool lost = false;
        say(k, "stranger");
        assert_int_equal(ERR_PROTO, sensors[k].start(sensors[k].ctx));
        say(k, "silent");
        assert_int_equal(ERR_NODEV, sensors[k].start(sensors[k].ctx));
        assert_int_equal(ERR_NODEV, sensors[k].read(sensors[k].ctx, got, &lost));
        say(k, "answer");
        assert_int_equal(ERR_STALE, sensors[k].read(sensors[k].ctx, got, &lost)); /* not set up */
        assert_int_equal(0, sensors[k].start(sensors[k].ctx));
        assert_int_equal(0, sensors[k].read(sensors[k].ctx, got, &lost));
        say(k, "hang");
        assert_int_equal(ERR_TIMEDOUT, sensors[k].read(sensors[k].ctx, got, &lost));
        say(k, "answer");
        /* A brown-out: it is there and has forgotten all. */
        uint8_t reg = k == 0 ? 0x20 : 0x2d;
        assert_int_equal(0, i2c_write_8(&bus, k == 0 ? 0x18 : 0x53, reg, 0));
        assert_int_equal(ERR_STALE, sensors[k].read(sensors[k].ctx, got, &lost));
    }
}

/* The thresholds as the data sheets count them. */
static void what_is_written(void **state) {
    (void)state;
    static const struct {
        uint8_t address, reg, value;
    } WANTED[] = {
        {0x18, 0x20, 0x67}, {0x18, 0x23, 0xa0}, {0x18, 0x24, 0x48}, {0x18, 0x2e, 0x80},
        {0x18, 0x30, 0x2a}, {0x18, 0x32, 2},    {0x53, 0x24, 2},    {0x53, 0x27, 0xf0},
        {0x53, 0x2c, 0x0b}, {0x53, 0x2e, 0x10}, {0x53, 0x31, 0x0b}, {0x53, 0x2d, 0x08},
    };
    for (unsigned k = 0; k < 2; k++)
        assert_int_equal(0, sensors[k].start(sensors[k].ctx));
    for (size_t i = 0; i < sizeof WANTED / sizeof WANTED[0]; i++) {
        uint8_t value = 0;
        assert_int_equal(0, i2c_read_8(&bus, WANTED[i].address, WANTED[i].reg, &value));
        assert_int_equal(WANTED[i].value, value);
    }
}

static void on_a_bus_of_the_kernels(void **state) {
    (void)state;
    const char *path = getenv("MOORWATCH_I2C");
    struct motion_sample got[MOTION_SENSOR_FIFO];
    bool lost = false;
    if (path == NULL) {
        print_message("skipped: no MOORWATCH_I2C=/dev/i2c-N with i2c-stub at 0x18 and 0x53\n");
        skip();
    }
    bus.close(bus.ctx);
    assert_int_equal(0, i2c_dev_open(path, &bus));
    /* A stub is memory: it is told who it is, and holds one sample for ever. */
    static const uint8_t ONE_G[] = {0x00, 0x00, 0x00, 0x00, 0xa0, 0x0f}; /* 4000 / 4 mg */
    assert_int_equal(0, i2c_write_8(&bus, 0x18, 0x0f, 0x33));
    assert_int_equal(0, i2c_write_8(&bus, 0x18, 0x2f, 3));
    for (uint8_t i = 0; i < 30; i++)
        assert_int_equal(0, i2c_write_8(&bus, 0x18, (uint8_t)((0x28 | 0x80) + i), ONE_G[i % 6]));
    assert_int_equal(0, sensors[0].start(sensors[0].ctx));
    assert_int_equal(3, sensors[0].read(sensors[0].ctx, got, &lost));
    assert_int_equal(1000, got[2].mg[2]);
    assert_int_equal(0, i2c_write_8(&bus, 0x53, 0x00, 0xe5));
    assert_int_equal(0, i2c_write_8(&bus, 0x53, 0x39, 2));
    assert_int_equal(0, i2c_write_8(&bus, 0x53, 0x37, 1)); /* 256 steps: 1 g */
    assert_int_equal(0, sensors[1].start(sensors[1].ctx));
    assert_int_equal(2, sensors[1].read(sensors[1].ctx, got, &lost));
    assert_int_equal(1000, got[1].mg[2]);
    uint8_t value = 0;
    assert_int_equal(0, i2c_read_8(&bus, 0x53, 0x2d, &value));
    assert_int_equal(0x08, value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_come_in_order, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_answer, begin, end),
        cmocka_unit_test_setup_teardown(what_is_written, begin, end),
        cmocka_unit_test_setup_teardown(on_a_bus_of_the_kernels, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
