/* unit_bank: an output's longest time, with the clock in the test's hand, on host lines; lines that
 * fail, on a bank that does as the test says. */
#include "gpio_chip.h"
#include "log.h"
#include "unit_bank.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOOP, SIREN, LAMP, LINES };
static const int64_t S = 1000000000;
static char folder[64], state_path[96];
static struct unit_conf conf;
static struct unit_board board;

static void moved(void *ctx, unsigned line, bool active, int64_t t_ns) {
    (void)ctx;
    (void)line;
    (void)active;
    (void)t_ns;
}

static bool on(const char *role) {
    char name[32];
    int level, found = -1;
    FILE *f = fopen(state_path, "r");
    assert_non_null(f);
    while (fscanf(f, "%31s %d", name, &level) == 2)
        if (strcmp(name, role) == 0)
            found = level;
    fclose(f);
    assert_true(found >= 0);
    return found == 1;
}

static int make_board(void **state) {
    (void)state;
    snprintf(conf.gpio_state, sizeof conf.gpio_state, "%s", state_path);
    board.board.support = BOARD_HOST;
    board.count = LINES;
    board.lines[LOOP] = (struct gpio_line){.role = "loop-1", .rest_active = true};
    board.lines[SIREN] = (struct gpio_line){.role = "siren", .output = true};
    board.lines[LAMP] = (struct gpio_line){.role = "lamp", .output = true, .safe_active = true};
    board.kit.lines[SIREN].max_on_ns = 10 * S;
    return 0;
}

static void a_siren_is_cut_off(void **state) {
    struct unit_bank b;
    (void)state;
    unit_bank_init(&b, &conf, &board, "test");
    assert_true(unit_bank_faulty(&b));
    assert_true(unit_bank_open(&b, 0));
    assert_false(unit_bank_faulty(&b));
    assert_true(on("lamp") && !on("siren"));
    assert_int_equal(INT64_MAX, unit_bank_due(&b)); /* a lamp has no limit */
    unit_bank_set(&b, SIREN, true, 5 * S);
    assert_true(on("siren"));
    assert_int_equal(15 * S, unit_bank_due(&b));
    unit_bank_set(&b, SIREN, true, 14 * S); /* wanting it again wins no time */
    unit_bank_step(&b, 15 * S - 1, moved, NULL);
    assert_true(on("siren") && !unit_bank_faulty(&b));
    unit_bank_step(&b, 15 * S, moved, NULL);
    assert_true(!on("siren") && on("lamp"));
    assert_true(unit_bank_faulty(&b));
    assert_true(unit_bank_level(&b, SIREN)); /* what is wanted, so that it can be unwanted */
    unit_bank_set(&b, SIREN, true, 16 * S);
    unit_bank_step(&b, 16 * S, moved, NULL);
    assert_false(on("siren"));
    unit_bank_set(&b, SIREN, false, 17 * S);
    assert_false(unit_bank_faulty(&b));
    unit_bank_set(&b, SIREN, true, 18 * S);
    assert_true(on("siren"));
    assert_int_equal(28 * S, unit_bank_due(&b));
    unit_bank_set(&b, SIREN, false, 19 * S);
    assert_int_equal(INT64_MAX, unit_bank_due(&b));
    unit_bank_set(&b, SIREN, true, 20 * S);
    unit_bank_close(&b);
    assert_false(on("siren"));
}

static void only_outputs_are_made_safe(void **state) {
    struct unit_conf no_state = {.gpio_script = "/nonexistent"}; /* inputs would want it */
    (void)state;
    memcpy(no_state.gpio_state, conf.gpio_state, sizeof no_state.gpio_state);
    unlink(state_path);
    assert_int_equal(0, unit_bank_make_safe(&no_state, &board, "test"));
    assert_true(on("lamp") && !on("siren"));
    snprintf(no_state.gpio_state, sizeof no_state.gpio_state, "/nonexistent/outputs");
    assert_true(unit_bank_make_safe(&no_state, &board, "test") < 0);
}

/* --- lines that fail ------------------------------------------------------------------------ */

static struct fake {
    int open_err, read_err, level_err, set_err, fd;
    unsigned opened, closed, stranger;
    bool on[LINES];
} fake;

static int fake_fd(void *ctx) {
    (void)ctx;
    return fake.fd;
}

static int fake_read(void *ctx, struct gpio_edge *edges, unsigned cap) {
    (void)ctx;
    (void)edges;
    (void)cap;
    return fake.read_err;
}

static int fake_level(void *ctx, unsigned line) {
    (void)ctx;
    (void)line;
    return fake.level_err < 0 ? fake.level_err : 1;
}

static int fake_set(void *ctx, unsigned line, bool active) {
    (void)ctx;
    if (fake.set_err == 0)
        fake.on[line] = active;
    return fake.set_err;
}

static void fake_close(void *ctx) {
    (void)ctx;
    close(fake.fd);
    fake.closed++;
}

/* In the place of gpio_v1.c or gpio_v2.c; its descriptor is in trouble from the beginning. */
int gpio_chip_open(const struct gpio_line *lines, unsigned count, const char *consumer,
                   char why[GPIO_WHY_BYTES], struct gpio *ret_gpio) {
    int ends[2];
    (void)consumer;
    snprintf(why, GPIO_WHY_BYTES, "as the test says");
    if (fake.open_err < 0)
        return fake.open_err;
    assert_int_equal(0, pipe(ends));
    close(ends[1]);
    fake.fd = ends[0];
    fake.opened++;
    for (unsigned i = 0; i < count; i++)
        fake.on[i] = lines[i].safe_active;
    *ret_gpio = (struct gpio){.stranger = fake.stranger,
                              .fd = fake_fd,
                              .read = fake_read,
                              .level = fake_level,
                              .set = fake_set,
                              .close = fake_close};
    return 0;
}

static int make_chip(void **state) {
    make_board(state);
    board.board.support = BOARD_HOST + 1;
    fake = (struct fake){0};
    return 0;
}

static void open_chip(struct unit_bank *b) {
    unit_bank_init(b, &conf, &board, "test");
    assert_true(unit_bank_open(b, 0));
    assert_true(unit_bank_step(b, 0, moved, NULL) > 0);
    assert_false(unit_bank_faulty(b));
}

/* Fails at 100 s, is closed in that step and opened at once, fails again, and is then tried once a
 * minute, faulty throughout, until it works at 220 s. */
static void fails_and_comes_back(int *err) {
    struct unit_bank b;
    struct epoll_event e = {.events = EPOLLIN}, ready;
    int set = epoll_create1(EPOLL_CLOEXEC);
    open_chip(&b);
    assert_int_equal(0, epoll_ctl(set, EPOLL_CTL_ADD, b.gpio.fd(b.gpio.ctx), &e));
    assert_int_equal(1, epoll_wait(set, &ready, 1, 0));
    *err = ERR_NODEV;
    if (err == &fake.set_err) {
        unit_bank_set(&b, SIREN, true, 100 * S);
        assert_true(unit_bank_due(&b) <= 100 * S); /* at once, not at the next event */
    }
    assert_true(unit_bank_step(&b, 100 * S, moved, NULL) <= 100 * S);
    assert_true(unit_bank_faulty(&b) && fake.closed == 1);
    assert_int_equal(ERR_NODEV, unit_bank_detail(&b));
    assert_int_equal(0, epoll_wait(set, &ready, 1, 0)); /* nothing to spin on */
    for (int64_t t = 100 * S; t < 220 * S; t += S) {
        unit_bank_open(&b, t);
        int64_t next = unit_bank_step(&b, t, moved, NULL);
        assert_true(next > t && next <= t + 60 * S && unit_bank_due(&b) > t);
        assert_true(unit_bank_faulty(&b));
        assert_int_equal(ERR_NODEV, unit_bank_detail(&b));
        assert_true(b.said);
    }
    assert_int_equal(3, fake.opened);
    *err = 0;
    assert_true(unit_bank_open(&b, 220 * S));
    unit_bank_step(&b, 220 * S, moved, NULL);
    assert_false(unit_bank_faulty(&b) || b.said);
    assert_true(fake.on[SIREN] == (err == &fake.set_err)); /* as wanted */
    unit_bank_close(&b);
    assert_int_equal(fake.opened, fake.closed);
    close(set);
}

static void failures_are_faults(void **state) {
    int *const errs[] = {&fake.read_err, &fake.level_err, &fake.set_err};
    for (unsigned i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        make_chip(state);
        fails_and_comes_back(errs[i]);
    }
}

static void a_chip_that_is_gone_for_long(void **state) {
    struct unit_bank b;
    (void)state;
    open_chip(&b);
    fake.read_err = fake.open_err = ERR_NODEV;
    unit_bank_step(&b, 100 * S, moved, NULL);
    assert_false(unit_bank_open(&b, 100 * S));
    assert_int_equal(160 * S, unit_bank_step(&b, 100 * S, moved, NULL));
    assert_int_equal(ERR_NODEV, unit_bank_detail(&b));
    fake.read_err = fake.open_err = 0;
    assert_false(unit_bank_open(&b, 160 * S - 1));
    assert_true(unit_bank_open(&b, 160 * S));
    unit_bank_step(&b, 160 * S, moved, NULL);
    assert_false(unit_bank_faulty(&b));
    unit_bank_close(&b);
}

static void a_siren_that_does_not_go_off(void **state) {
    struct unit_bank b;
    (void)state;
    open_chip(&b);
    unit_bank_set(&b, SIREN, true, 90 * S);
    fake.set_err = ERR_IO;
    unit_bank_step(&b, 100 * S, moved, NULL);
    assert_true(fake.closed == 1 && unit_bank_faulty(&b));
    assert_int_equal(INT64_MAX, unit_bank_due(&b));
    fake.set_err = 0;
    assert_true(unit_bank_open(&b, 100 * S)); /* the request itself makes it safe */
    unit_bank_step(&b, 100 * S, moved, NULL);
    assert_false(fake.on[SIREN]);
    assert_int_equal(SIREN + 1, unit_bank_detail(&b)); /* wanted still, and cut */
    unit_bank_set(&b, SIREN, false, 101 * S);
    assert_false(unit_bank_faulty(&b));
    unit_bank_close(&b);
}

static void a_strange_name_is_told_and_used(void **state) {
    struct unit_bank b;
    (void)state;
    fake.stranger = LAMP + 1;
    unit_bank_init(&b, &conf, &board, "test");
    assert_true(unit_bank_open(&b, 0));
    assert_true(unit_bank_step(&b, 0, moved, NULL) > 0);
    assert_true(unit_bank_faulty(&b) && b.open && fake.on[LAMP]);
    assert_int_equal(LAMP + 1, unit_bank_detail(&b));
    fake.level_err = ERR_IO; /* the worse goes first */
    unit_bank_step(&b, S, moved, NULL);
    assert_int_equal(ERR_IO, unit_bank_detail(&b));
    unit_bank_close(&b);
}

int main(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORM_PLAIN);
    snprintf(folder, sizeof folder, "/tmp/unit_bank_test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(state_path, sizeof state_path, "%s/outputs", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_siren_is_cut_off, make_board),
        cmocka_unit_test_setup(only_outputs_are_made_safe, make_board),
        cmocka_unit_test(failures_are_faults),
        cmocka_unit_test_setup(a_chip_that_is_gone_for_long, make_chip),
        cmocka_unit_test_setup(a_siren_that_does_not_go_off, make_chip),
        cmocka_unit_test_setup(a_strange_name_is_told_and_used, make_chip),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(state_path);
    rmdir(folder);
    return failed;
}
