/* board_boot, board_find: config.txt as the firmware reads it, the fragment that a board wants, and
 * a machine in a directory: right, with lines missing, of another kind, unknown. */
#include "board_boot.h"
#include "board_find.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char BOARD[] =
    "[board]\nid = b\ncompatible = acme,one\n[chip main]\nlabel = l\n[connector J8]\n"
    "type = rpi-40\n11 = main:17\n[boot]\nconfig = /boot/firmware/config.txt|/boot/config.txt\n"
    "cmdline = /boot/cmdline.txt\nfilters = pi4\n[boot uart]\nconfig = dtoverlay=disable-bt\n"
    "config = enable_uart=1\ncmdline_not = console=serial0\nrun = systemctl disable hciuart\n"
    "[boot always]\nconfig = dtparam=strict_gpiod\nconfig = dtparam=watchdog=on\n"
    "[watchdog]\nmax_s = 15\ndevice = /dev/watchdog0\n";

static struct board board(void) {
    static struct board b;
    static struct conf_errors e;
    conf_errors_init(&e, "f");
    assert_int_equal(0, board_load_text(BOARD, sizeof BOARD - 1, &b, &e));
    return b;
}

static void reads_config(void **state) {
    (void)state;
    static const struct {
        const char *text, *item;
        bool has;
    } CASES[] = {
        {"dtparam=watchdog=on", "dtparam=watchdog=on", true},
        {"dtparam=watchdog", "dtparam=watchdog=on", true},
        {"  dtparam=i2c_arm=on,watchdog=yes\r\n", "dtparam=watchdog=on", true},
        {"#dtparam=watchdog=on\n", "dtparam=watchdog=on", false},
        {"dtparam=watchdog=on\ndtparam=watchdog=off\n", "dtparam=watchdog=on", false},
        {"dtparam=watchdog=off\ndtparam=watchdog=on\n", "dtparam=watchdog=on", true},
        {"dtparam=watchdogs=on\n", "dtparam=watchdog=on", false},
        {"dtparam=audio=on\n", "dtparam=audio=off", false},
        {"dtparam=audio=off\n", "dtparam=audio=off", true},
        {"enable_uart=1\n", "enable_uart=1", true},
        {"enable_uart = 1\n", "enable_uart=1", true},
        {"enable_uart=1\nenable_uart=0\n", "enable_uart=1", false},
        {"[pi5]\nenable_uart=1\n", "enable_uart=1", false},
        {"[pi4]\nenable_uart=1\n", "enable_uart=1", true},
        {"[pi5]\n[all]\nenable_uart=1\n", "enable_uart=1", true},
        {"dtoverlay=disable-bt\n", "dtoverlay=disable-bt", true},
        {"dtoverlay=disable-bt-too\n", "dtoverlay=disable-bt", false},
        {"overlays=i2c1-pi uart5\n", "overlays=uart5", true},
        {"overlays=i2c1-pi\n", "overlays=uart5", false},
        {"", "enable_uart=1", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (board_boot_has(CASES[i].text, "pi4", CASES[i].item) != CASES[i].has)
            fail_msg("%s in: %s", CASES[i].item, CASES[i].text);
    assert_true(board_boot_cmdline_has("a console=serial0,115200 b\n", "console=serial0"));
    assert_true(board_boot_cmdline_has("a quiet", "quiet"));
    assert_false(board_boot_cmdline_has("a console=serial01", "console=serial0"));
}

static void writes_fragments(void **state) {
    (void)state;
    char text[1000] = "";
    struct board b = board();
    FILE *f = fmemopen(text, sizeof text, "w");
    board_boot_write(&b, 1u << KIT_USE_ALWAYS | 1u << KIT_USE_UART, f);
    fclose(f);
    assert_string_equal("enable_uart=1\ndtoverlay=\ndtparam=strict_gpiod\ndtparam=watchdog=on\n"
                        "dtoverlay=disable-bt\n"
                        "# the kernel's command line must not contain: console=serial0\n"
                        "# run once: systemctl disable hciuart\n"
                        "# systemd: RuntimeWatchdogSec at most 15 s\n",
                        text);
    memset(text, 0, sizeof text);
    f = fmemopen(text, sizeof text, "w");
    board_boot_write(&b, 1u << KIT_USE_ALWAYS, f);
    fclose(f);
    assert_null(strstr(text, "uart"));
}

/* --- a machine in a directory --------------------------------------------------------------- */

static char root[64];

static void put(const char *path, const char *text, size_t len) {
    char name[256];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *p = strchr(name + strlen(root) + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(name, 0700);
        *p = '/';
    }
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_int_equal(len, fwrite(text, 1, len, f));
    fclose(f);
}

static int make_root(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/board_boot_test.XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static unsigned check(unsigned uses, char *text, size_t cap) {
    struct board b = board();
    memset(text, 0, cap);
    FILE *f = fmemopen(text, cap, "w");
    unsigned missing = board_boot_check(&b, uses, root, f);
    fclose(f);
    return missing;
}

static void looks_at_the_machine(void **state) {
    (void)state;
    static const char CONFIG[] = "dtparam=watchdog=on,strict_gpiod\nenable_uart=1\n";
    static const char TREE[] = "acme,one\0acme,soc";
    static const char INCLUDES[] = "[pi5]\nx=1\n[all]\n include moorwatch.txt\n";
    char text[1000];
    const unsigned all = 1u << KIT_USE_ALWAYS | 1u << KIT_USE_UART;
    assert_int_equal(0, check(all, text, sizeof text));
    assert_string_equal(
        "not checked: this machine has no device tree, and the board file is for acme,one\n", text);
    put("/sys/firmware/devicetree/base/compatible", TREE, sizeof TREE);
    assert_int_equal(0, check(all, text, sizeof text));
    assert_non_null(strstr(text, "not checked: /boot/firmware/config.txt|/boot/config.txt is not"));
    put("/boot/config.txt", CONFIG, sizeof CONFIG - 1);
    put("/boot/cmdline.txt", "console=serial0,115200 quiet\n", 29);
    put("/sys/class/watchdog/watchdog0/state", "inactive\n", 9);
    assert_int_equal(3, check(all, text, sizeof text));
    assert_string_equal("warning: /boot/config.txt: missing: dtoverlay=disable-bt\n"
                        "warning: /boot/cmdline.txt: must not be there: console=serial0\n"
                        "warning: /dev/watchdog0 is not fed: RuntimeWatchdogSec at most 15 s in a "
                        "file of /etc/systemd/system.conf.d\n",
                        text);
    put("/sys/class/watchdog/watchdog0/state", "active\n", 7);
    assert_int_equal(0, check(1u << KIT_USE_ALWAYS, text, sizeof text));
    assert_string_equal("checked: /boot/config.txt is right\n", text);
    put("/boot/config.txt", INCLUDES, sizeof INCLUDES - 1);
    assert_int_equal(2, check(1u << KIT_USE_ALWAYS, text, sizeof text));
    put("/boot/moorwatch.txt", CONFIG, sizeof CONFIG - 1);
    assert_int_equal(0, check(1u << KIT_USE_ALWAYS, text, sizeof text));
    put("/sys/firmware/devicetree/base/compatible", "acme,two", 9);
    assert_int_equal(0, check(all, text, sizeof text));
    assert_string_equal(
        "not checked: this machine is acme,two, and the board file is for acme,one\n", text);
}

static void finds_the_board(void **state) {
    (void)state;
    static const char TREE[] = "acme,one-plus\0acme,one\0acme,soc";
    char dir[128], path[256];
    snprintf(dir, sizeof dir, "%s/boards", root);
    put("/boards/a.ini", "[board]\nid = a\n", 15); /* broken: passed over */
    put("/boards/b.ini", BOARD, sizeof BOARD - 1);
    put("/sys/firmware/devicetree/base/compatible", TREE, sizeof TREE);
    assert_int_equal(0, board_find(dir, root, path, sizeof path));
    assert_string_equal("/boards/b.ini", path + strlen(root));
    put("/sys/firmware/devicetree/base/compatible", "acme,two", 9);
    assert_int_equal(ERR_NOENT, board_find(dir, root, path, sizeof path));
    assert_string_equal("acme,two", path);
    assert_int_equal(ERR_NOENT, board_find(dir, "/nowhere", path, sizeof path));
    assert_string_equal("", path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_config),
        cmocka_unit_test(writes_fragments),
        cmocka_unit_test_setup_teardown(looks_at_the_machine, make_root, remove_root),
        cmocka_unit_test_setup_teardown(finds_the_board, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
