/* board: files that are right and every way in which they can be wrong. */
#include "board.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char BOARD[] = "[board]\nid = b\n[chip main]\nlabel = pinctrl-x\nmin_lines = 54\n"
                            "[connector J8]\ntype = rpi-40\n8 = main:14 GPIO14|TXD1\n"
                            "11 = main:17 GPIO17\n13 = main:27 GPIO27\n"
                            "[uart]\ndevice = /dev/serial0\npins = 8 10\n";
static const char KIT[] = "[kit]\nid = k\nconnector = rpi-40\n"
                          "[in loop-1]\npin = 11\nactive = low\nbias = pull-up\ndebounce = 20 ms\n"
                          "rest = on\n[out siren]\npin = 13\nsafe = off\nexternal_pull = down\n";

static void resolves(void **state) {
    (void)state;
    struct board b;
    struct kit k;
    struct conf_errors e;
    struct gpio_line lines[GPIO_LINES_MAX];
    conf_errors_init(&e, "f");
    assert_int_equal(0, board_load_text(BOARD, sizeof BOARD - 1, &b, &e));
    assert_int_equal(0, kit_load_text(KIT, sizeof KIT - 1, &k, &e));
    assert_int_equal(2, board_resolve(&b, &k, lines, &e));
    assert_string_equal("loop-1", lines[0].role);
    assert_string_equal("pinctrl-x", lines[0].chip);
    assert_string_equal("GPIO17", lines[0].names);
    assert_int_equal(17, lines[0].offset);
    assert_true(lines[0].active_low && lines[0].rest_active && !lines[0].output);
    assert_int_equal(GPIO_BIAS_PULL_UP, lines[0].bias);
    assert_int_equal(20000, lines[0].debounce_us);
    assert_int_equal(27, lines[1].offset);
    assert_true(lines[1].output && !lines[1].safe_active && !lines[1].active_low);
    char text[2000] = "";
    FILE *f = fmemopen(text, sizeof text, "w");
    board_explain(&b, &k, lines, 2, f);
    fclose(f);
    assert_non_null(strstr(text, "11   loop-1           in   pinctrl-x          17"));
}

/* `from` in the good file becomes `to`; the first error must read so. */
static void broken(const char *good, const char *from, const char *to, const char *error) {
    char text[2048];
    struct board b;
    struct kit k;
    struct conf_errors e;
    struct gpio_line lines[GPIO_LINES_MAX];
    const char *at = strstr(good, from);
    assert_non_null(at);
    int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    conf_errors_init(&e, "f");
    const char *board = good == BOARD ? text : BOARD, *kit = good == KIT ? text : KIT;
    int result = board_load_text(board, strlen(board), &b, &e);
    if (result == 0)
        result = kit_load_text(kit, strlen(kit), &k, &e);
    if (result == 0)
        result = board_resolve(&b, &k, lines, &e);
    assert_true(n > 0 && result == ERR_INVAL);
    assert_string_equal(error, e.text[0]);
}

static void boards_that_are_wrong(void **state) {
    (void)state;
    broken(BOARD, "id = b", "idd = b", "f:2: idd: unknown key in [board]");
    broken(BOARD, "id = b\n", "", "f: [board] id: missing: The file's name without .ini.");
    broken(BOARD, "main:17", "mian:17", "f:9: 11: no section [chip mian] above");
    broken(BOARD, "main:17", "main:54", "f:9: 11: the chip has no line 54");
    broken(BOARD, "main:17 GPIO17", "GPIO17", "f:9: 11: write it as chip:offset NAME|OTHER-NAME");
    broken(BOARD, "11 =", "8 =", "f:9: 8: given twice");
    broken(BOARD, "11 =", "x11 =", "f:9: x11: is neither \"type\" nor the number of a pin");
    broken(BOARD, "label = pinctrl-x\n", "", "f: [chip main] label: missing");
    broken(BOARD, "type = rpi-40\n", "", "f: no [connector ...] with a type and pins");
    broken(BOARD, "[uart]", "[wart]", "f:12: device: unknown section [wart]");
}

static void kits_that_are_wrong(void **state) {
    (void)state;
    broken(KIT, "pin = 11", "pin = 12", "f:5: loop-1: board b has no GPIO on pin 12");
    broken(KIT, "pin = 13", "pin = 11", "f:11: siren: pin 11 is already loop-1");
    broken(KIT, "pin = 13\n", "", "f:11: siren: pin: missing");
    broken(KIT, "safe = off\n", "", "f:11: siren: safe: missing");
    broken(KIT, "external_pull = down\n", "", "f:11: siren: external_pull: missing");
    broken(KIT, "external_pull = down", "external_pull = up",
           "f:11: siren: external_pull works against the safe level");
    broken(KIT, "bias = pull-up", "safe = on", "f:7: safe: is not for an input");
    broken(KIT, "bias = pull-up", "bias = up",
           "f:7: bias: \"up\" is none of as-is|pull-up|pull-down|none");
    broken(KIT, "[out siren]", "[out loop-1]", "f:11: loop-1: is an input and an output");
    broken(KIT, "connector = rpi-40", "connector = mikrobus",
           "f: kit k fits connector mikrobus, but board b has rpi-40");
    broken(KIT, "[in loop-1]\npin = 11", "[radar]\nconnect = uart\n[in loop-1]\npin = 8",
           "f:7: loop-1: pin 8 belongs to the radar's UART");
}

/* Any bytes are a board or errors: run under the sanitizers. */
static void any_bytes(void **state) {
    (void)state;
    const char *given = getenv("MOORWATCH_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 3;
    for (int round = 0; round < 4000; round++) {
        char text[sizeof BOARD > sizeof KIT ? sizeof BOARD : sizeof KIT];
        struct board b;
        struct kit k;
        struct conf_errors e;
        const char *good = round % 2 == 0 ? BOARD : KIT;
        size_t len = strlen(good);
        memcpy(text, good, len + 1);
        for (int i = 0; i < 5; i++)
            text[(unsigned)rand_r(&seed) % len] = (char)rand_r(&seed);
        conf_errors_init(&e, "f");
        int result =
            round % 2 == 0 ? board_load_text(text, len, &b, &e) : kit_load_text(text, len, &k, &e);
        assert_int_equal(result == 0, e.count == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves),
        cmocka_unit_test(boards_that_are_wrong),
        cmocka_unit_test(kits_that_are_wrong),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
