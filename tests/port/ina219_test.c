/* ina219: figures of the data sheet (SBOS448G) on a simulated register file; what it does when the
 * chip is silent, hangs, forgets, or is another. */
#include "i2c_dev.h"
#include "i2c_sim.h"
#include "ina219.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct i2c_sim *sim;
static struct i2c_bus bus;

static int begin(void **state) {
    (void)state;
    return i2c_sim_open(NULL, &sim, &bus) < 0 || i2c_sim_add(sim, 0x40, I2C_SIM_WORDS) < 0;
}

static int end(void **state) {
    (void)state;
    bus.close(bus.ctx);
    return 0;
}

static void say(const char *line) {
    assert_int_equal(i2c_sim_command(sim, line), 0);
}

static void figures_of_the_data_sheet(void **state) {
    (void)state;
    /* 11.98 V are 0x5D98 and the ready bit, 20 mV over the shunt 0x07D0 (its section 8.5). */
    static const struct {
        const char *bus_word, *shunt_word;
        uint32_t shunt_mohm;
        int mv, ma;
    } ROWS[] = {
        {"0x40 word 2 23962", "0x40 word 1 2000", 2, 11980, 10000},
        {"0x40 word 2 26402", "0x40 word 1 43", 10, 13200, 43},      /* 0x6722: a hub */
        {"0x40 word 2 26402", "0x40 word 1 65336", 10, 13200, -200}, /* 0xFF38: charging */
        {"0x40 word 2 2", "0x40 word 1 0", 100, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct ina219 g = {&bus, 0x40, ROWS[i].shunt_mohm};
        uint16_t mv = 7;
        int32_t ma = 7;
        say("0x40 word 0 14751"); /* as after its supply came */
        say(ROWS[i].bus_word);
        say(ROWS[i].shunt_word);
        assert_int_equal(ina219_read(&g, &mv, &ma), ERR_AGAIN);
        assert_int_equal(mv, 7);
        assert_int_equal(ina219_read(&g, &mv, &ma), 0);
        assert_int_equal(mv, ROWS[i].mv);
        assert_int_equal(ma, ROWS[i].ma);
    }
}

static void trouble(void **state) {
    (void)state;
    const struct ina219 g = {&bus, 0x40, 100}, nobody = {&bus, 0x41, 100};
    uint16_t mv = 7;
    int32_t ma = 7;
    assert_int_equal(ina219_read(&nobody, &mv, &ma), ERR_NODEV);
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_AGAIN);
    say("0x40 word 2 26403"); /* overflow */
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_RANGE);
    say("0x40 word 2 26402");
    say("0x40 word 1 32767");
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_RANGE);
    say("0x40 word 1 100");
    assert_int_equal(ina219_read(&g, &mv, &ma), 0);
    say("0x40 hang");
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_TIMEDOUT);
    say("0x40 silent");
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_NODEV);
    say("0x40 answer");
    assert_int_equal(ina219_read(&g, &mv, &ma), 0);
    assert_int_equal(ma, 10);
}

/* A chip that keeps nothing of what is written to it: some other device at that address. */
static int read_other(void *ctx, uint8_t address, uint8_t reg, uint8_t *bytes, size_t count) {
    (void)ctx;
    (void)address;
    (void)reg;
    for (size_t i = 0; i < count; i++)
        bytes[i] = 0x33;
    return 0;
}

static int write_other(void *ctx, uint8_t address, uint8_t reg, const uint8_t *bytes,
                       size_t count) {
    (void)ctx;
    (void)address;
    (void)reg;
    (void)bytes;
    (void)count;
    return 0;
}

static void another_chip(void **state) {
    (void)state;
    const struct i2c_bus other = {.read = read_other, .write = write_other, .transfer_max = 30};
    const struct ina219 g = {&other, 0x40, 100};
    uint16_t mv = 7;
    int32_t ma = 7;
    assert_int_equal(ina219_read(&g, &mv, &ma), ERR_PROTO);
    assert_int_equal(mv, 7);
}

/* On a bus of the kernel's: what is written there is read back; it ends with a figure or says why
 * not. */
static void a_bus_of_the_kernel(void **state) {
    (void)state;
    const char *path = getenv("MOORWATCH_I2C");
    if (path == NULL)
        print_message("skipped: MOORWATCH_I2C names no bus (tools/vm-test has one)\n");
    if (path == NULL)
        skip();
    struct i2c_bus real;
    uint16_t mv = 0;
    int32_t ma = 0;
    assert_int_equal(i2c_dev_open(path, &real), 0);
    const struct ina219 g = {&real, 0x40, 10};
    int err = ina219_read(&g, &mv, &ma);
    if (err == ERR_AGAIN)
        err = ina219_read(&g, &mv, &ma);
    print_message("%s: %d, %u mV, %d mA\n", path, err, mv, (int)ma);
    assert_int_equal(err, 0);
    real.close(real.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(figures_of_the_data_sheet, begin, end),
        cmocka_unit_test_setup_teardown(trouble, begin, end),
        cmocka_unit_test(another_chip),
        cmocka_unit_test(a_bus_of_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
