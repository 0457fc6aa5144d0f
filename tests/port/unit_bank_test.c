/* unit_bank: an output's longest time, with the clock in the test's hand, on host lines. */
#include "log.h"
#include "unit_bank.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORM_PLAIN);
    snprintf(folder, sizeof folder, "/tmp/unit_bank_test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(state_path, sizeof state_path, "%s/outputs", folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_siren_is_cut_off, make_board),
        cmocka_unit_test_setup(only_outputs_are_made_safe, make_board),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(state_path);
    rmdir(folder);
    return failed;
}
