/* gpio_chip: what can be said without wires, and the contract on gpio-sim where
 * MOORWATCH_GPIO_SIM names the directory of a simulated bank (label moorwatch-sim, lines 0 to 2:
 * /sys/devices/platform/gpio-sim.0/gpiochipN).  Elsewhere the contract is skipped. */
#include "gpio_chip.h"
#include "gpio_contract.h"
#include "log.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct gpio_line LINES[CONTRACT_LINES] = {
    [CONTRACT_LOOP] = {.role = "loop-1", .chip = "moorwatch-sim", .offset = 0},
    [CONTRACT_KNOCK] = {.role = "impact-1", .chip = "moorwatch-sim", .offset = 1},
    [CONTRACT_SIREN] = {.role = "siren", .chip = "moorwatch-sim", .offset = 2, .output = true},
};

static void names_are_matched_whole(void **state) {
    (void)state;
    assert_true(gpio_name_accepted("GPIO2|SDA1", "SDA1"));
    assert_true(gpio_name_accepted("GPIO2|SDA1", "GPIO2"));
    assert_false(gpio_name_accepted("GPIO27|SDA1", "GPIO2"));
    assert_false(gpio_name_accepted("GPIO2", "GPIO27"));
    assert_true(gpio_name_accepted("", "GPIO27"));
    assert_true(gpio_name_accepted("GPIO2", NULL)); /* a kernel without names */
    assert_true(strncmp(gpio_chip_library(), "libgpiod ", 9) == 0);
}

static void a_board_that_is_not_this_one(void **state) {
    (void)state;
    struct gpio_line line = {.role = "siren", .chip = "no-such-label", .output = true};
    char why[GPIO_WHY_BYTES] = "";
    struct gpio g;
    assert_true(gpio_chip_open(&line, 1, "test", why, &g) < 0);
    assert_non_null(strstr(why, "siren: no GPIO chip labelled \"no-such-label\""));
}

static void sim_write(const char *sim, const char *role, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/sim_gpio%d/pull", sim, strcmp(role, "loop-1") == 0 ? 0 : 1);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void sim_move(void *world, const char *role, bool active) {
    sim_write(world, role, active ? "pull-up" : "pull-down");
}

static int sim_output(void *world, const char *role) {
    char path[256];
    int level = -1;
    (void)role;
    snprintf(path, sizeof path, "%s/sim_gpio2/value", (const char *)world);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(1, fscanf(f, "%d", &level));
    fclose(f);
    return level;
}

static void keeps_the_contract(void **state) {
    (void)state;
    char *sim = getenv("MOORWATCH_GPIO_SIM"), why[GPIO_WHY_BYTES] = "";
    if (sim == NULL) {
        print_message("skipped: no simulated GPIO chip (MOORWATCH_GPIO_SIM is not set)\n");
        skip();
    }
    sim_write(sim, "loop-1", "pull-up");
    sim_write(sim, "impact-1", "pull-down");
    struct gpio g, second;
    assert_int_equal(0, gpio_chip_open(LINES, CONTRACT_LINES, "test", why, &g));
    assert_int_equal(ERR_BUSY, gpio_chip_open(LINES, CONTRACT_LINES, "other", why, &second));
    assert_non_null(strstr(why, "held by test"));
    struct gpio_contract c = {&g, sim, sim_move, sim_output};
    gpio_contract_run(&c);
}

int main(void) {
    log_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_matched_whole),
        cmocka_unit_test(a_board_that_is_not_this_one),
        cmocka_unit_test(keeps_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
