/* gpio_chip: what can be said without wires, and the contract and the chips' own promises on
 * gpio-sim where MOORWATCH_GPIO_SIM names its folder in configfs (tools/vm-test).  Elsewhere the
 * latter are skipped. */
#include "gpio_chip.h"
#include "gpio_contract.h"
#include "gpio_sim.h"
#include "log.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Two chips in one bank: the lamp and the knock sit on the second. */
enum { LOOP_AT, REED_AT = 3, SIREN_AT = 5, SECOND_KNOCK_AT = 1, SECOND_LAMP_AT = 2 };
enum { PACE_MS = 8 };

static const struct gpio_line LINES[CONTRACT_LINES] = {
    [CONTRACT_LOOP] = {.role = "loop-1", .chip = "mw-first", .offset = LOOP_AT, .chip_lines = 8},
    [CONTRACT_KNOCK] = {.role = "impact-1", .chip = "mw-second", .offset = SECOND_KNOCK_AT},
    [CONTRACT_REED] = {.role = "reed",
                       .chip = "mw-first",
                       .offset = REED_AT,
                       .active_low = true,
                       .bias = GPIO_BIAS_PULL_UP,
                       .debounce_us = CONTRACT_DEBOUNCE_US},
    [CONTRACT_SIREN] = {.role = "siren", .chip = "mw-first", .offset = SIREN_AT, .output = true},
    [CONTRACT_LAMP] = {.role = "lamp",
                       .chip = "mw-second",
                       .offset = SECOND_LAMP_AT,
                       .output = true,
                       .active_low = true,
                       .safe_active = true},
};

struct world {
    struct gpio_sim first, second;
};

static void names_are_matched_whole(void **state) {
    (void)state;
    assert_true(gpio_chip_accepts("GPIO2|SDA1", "SDA1"));
    assert_true(gpio_chip_accepts("GPIO2|SDA1", "GPIO2"));
    assert_false(gpio_chip_accepts("GPIO27|SDA1", "GPIO2"));
    assert_false(gpio_chip_accepts("GPIO2", "GPIO27"));
    const struct gpio_line l = {.role = "siren", .chip = "main", .names = "GPIO2|SDA1"};
    assert_true(gpio_chip_strange(&l, "GPIO27"));
    assert_false(gpio_chip_strange(&l, "SDA1"));
    assert_true(gpio_chip_accepts("", "GPIO27"));
    assert_true(gpio_chip_accepts("GPIO2", NULL)); /* a kernel without names */
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

static void stamps_of_either_clock(void **state) {
    const int64_t s = 1000000000, up = 5000 * s, wall = INT64_C(1795000000) * s;
    (void)state;
    assert_int_equal(up - 7, gpio_chip_time_ns(up - 7, up, wall));
    assert_int_equal(up, gpio_chip_time_ns(up, up, wall));
    /* Kernels before 5.7 stamp with the wall clock. */
    assert_int_equal(up - 3 * s, gpio_chip_time_ns(wall - 3 * s, up, wall));
    /* It was set back, or forward, since. */
    assert_int_equal(up, gpio_chip_time_ns(wall + 9 * s, up, wall));
    assert_int_equal(up, gpio_chip_time_ns(wall - 3600 * s, up, wall));
    /* Just booted. */
    assert_int_equal(2 * s, gpio_chip_time_ns(wall - 3 * s, 2 * s, wall));
}

static void edges_are_sorted_by_time(void **state) {
    (void)state;
    struct gpio_edge e[] = {{.t_ns = 5, .line = 1, .active = true},
                            {.t_ns = 9, .line = 1},
                            {.t_ns = 3, .line = 2},
                            {.t_ns = 5, .line = 2},
                            {.t_ns = 5, .line = 1, .active = false}};
    gpio_chip_sort(e, 5);
    assert_int_equal(3, e[0].t_ns);
    assert_true(e[1].line == 1 && e[1].active);
    assert_int_equal(2, e[2].line);
    assert_true(e[3].line == 1 && !e[3].active);
    assert_int_equal(9, e[4].t_ns);
}

/* --- on simulated chips ---------------------------------------------------------------------- */

static void need_sim(void) {
    if (gpio_sim_root() == NULL) {
        print_message("skipped: no simulated GPIO chip (MOORWATCH_GPIO_SIM is not set)\n");
        skip();
    }
}

static void make_world(struct world *w) {
    gpio_sim_make(&w->first, "first", "mw-first", 8, NULL);
    gpio_sim_make(&w->second, "second", "mw-second", 4, NULL);
    gpio_sim_pull(&w->first, LOOP_AT, true);
    gpio_sim_pull(&w->first, REED_AT, true);
}

static void drop_world(const struct world *w) {
    gpio_sim_drop(&w->first);
    gpio_sim_drop(&w->second);
}

static void sim_move(void *world, unsigned line, bool active) {
    const struct world *w = world;
    if (line == CONTRACT_KNOCK)
        gpio_sim_pull(&w->second, SECOND_KNOCK_AT, active);
    else if (line == CONTRACT_LOOP)
        gpio_sim_pull(&w->first, LOOP_AT, active);
    else
        gpio_sim_pull(&w->first, REED_AT, !active);
}

static void sim_burst(void *world, unsigned line, unsigned moves) {
    const struct timespec pace = {.tv_nsec = PACE_MS * 1000000L};
    for (unsigned i = 0; i < moves; i++) {
        sim_move(world, line, i % 2 != 0);
        nanosleep(&pace, NULL);
    }
}

static int sim_output(void *world, unsigned line) {
    const struct world *w = world;
    return line == CONTRACT_SIREN ? gpio_sim_value(&w->first, SIREN_AT)
                                  : !gpio_sim_value(&w->second, SECOND_LAMP_AT);
}

static struct gpio open_lines(const struct gpio_line *lines, unsigned count) {
    char why[GPIO_WHY_BYTES] = "";
    struct gpio g;
    int err = gpio_chip_open(lines, count, "test", why, &g);
    if (err != 0)
        print_message("%s\n", why);
    assert_int_equal(0, err);
    return g;
}

static void keeps_the_contract(void **state) {
    struct world w;
    (void)state;
    need_sim();
    make_world(&w);
    struct gpio g = open_lines(LINES, CONTRACT_LINES);
    struct gpio_contract c = {&g, &w, sim_move, sim_burst, sim_output, gpio_chip_queue(), PACE_MS};
    gpio_contract_run(&c);
    drop_world(&w);
}

static void expect_refusal(const struct gpio_line *lines, unsigned count, int err,
                           const char *words) {
    char why[GPIO_WHY_BYTES] = "";
    struct gpio g;
    assert_int_equal(err, gpio_chip_open(lines, count, "other", why, &g));
    print_message("  %s\n", why);
    assert_non_null(strstr(why, words));
}

static void a_line_in_use(void **state) {
    struct world w;
    (void)state;
    need_sim();
    make_world(&w);
    struct gpio g = open_lines(LINES, CONTRACT_LINES);
    expect_refusal(LINES, CONTRACT_LINES, ERR_BUSY, "loop-1: line 0 of mw-first: ");
    expect_refusal(LINES, CONTRACT_LINES, ERR_BUSY, "held by test");
    expect_refusal(&LINES[CONTRACT_SIREN], 1, ERR_BUSY, "siren: line 5 of mw-first: ");
    assert_int_equal(0, g.set(g.ctx, CONTRACT_SIREN, true)); /* a refusal takes nothing away */
    assert_int_equal(1, sim_output(&w, CONTRACT_SIREN));
    g.close(g.ctx);
    g = open_lines(LINES, CONTRACT_LINES);
    g.close(g.ctx);
    drop_world(&w);
}

static void a_label_borne_twice(void **state) {
    struct world w;
    struct gpio_sim twin;
    (void)state;
    need_sim();
    make_world(&w);
    gpio_sim_make(&twin, "twin", "mw-second", 4, NULL);
    expect_refusal(LINES, CONTRACT_LINES, ERR_EXIST, "2 GPIO chips are labelled \"mw-second\"");
    gpio_sim_drop(&twin);
    /* A part of a label, and a link that keeps an old number alive, are no twins. */
    gpio_sim_make(&twin, "twin", "mw-second-b", 4, NULL);
    assert_int_equal(0, symlink("gpiochip0", "/dev/gpiochip99"));
    struct gpio g = open_lines(LINES, CONTRACT_LINES);
    g.close(g.ctx);
    unlink("/dev/gpiochip99");
    gpio_sim_drop(&twin);
    drop_world(&w);
}

static void a_chip_with_fewer_lines(void **state) {
    struct world w;
    struct gpio_line line = LINES[CONTRACT_LOOP];
    (void)state;
    need_sim();
    make_world(&w);
    line.chip_lines = 54;
    expect_refusal(&line, 1, ERR_NODEV, "mw-first has 8 lines, the board file wants at least 54");
    line.chip_lines = 8;
    line.offset = 8;
    expect_refusal(&line, 1, ERR_RANGE, "mw-first has no line 8");
    line.offset = 7;
    struct gpio g = open_lines(&line, 1);
    g.close(g.ctx);
    drop_world(&w);
}

/* Outputs with different polarity share no request, and still obey one by one. */
static void mixed_outputs(void **state) {
    struct world w;
    struct gpio_line lines[4];
    (void)state;
    need_sim();
    make_world(&w);
    for (unsigned i = 0; i < 4; i++)
        lines[i] = (struct gpio_line){.role = "lamp",
                                      .chip = "mw-first",
                                      .offset = 2 * i + 1 - (i > 2),
                                      .output = true,
                                      .active_low = i % 2 != 0,
                                      .safe_active = i >= 2};
    struct gpio g = open_lines(lines, 4);
    for (unsigned bits = 0; bits < 16; bits++) {
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(0, g.set(g.ctx, i, (bits >> i & 1) != 0));
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal((bits >> i & 1) != lines[i].active_low,
                             gpio_sim_value(&w.first, lines[i].offset));
    }
    g.close(g.ctx);
    drop_world(&w);
}

int main(void) {
    log_init();
    print_message("%s\n", gpio_chip_library());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_matched_whole), cmocka_unit_test(a_board_that_is_not_this_one),
        cmocka_unit_test(stamps_of_either_clock),  cmocka_unit_test(edges_are_sorted_by_time),
        cmocka_unit_test(keeps_the_contract),      cmocka_unit_test(a_line_in_use),
        cmocka_unit_test(a_label_borne_twice),     cmocka_unit_test(a_chip_with_fewer_lines),
        cmocka_unit_test(mixed_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
