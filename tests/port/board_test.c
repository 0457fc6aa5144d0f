/* board: files that are right and every way in which they can be wrong. */
#include "board_explain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char BOARD[] =
    "[board]\nid = b\n[chip main]\nlabel = pinctrl-x\nmin_lines = 54\n"
    "[connector J8]\ntype = rpi-40\n3 = main:2 GPIO2|SDA1\n8 = main:14 GPIO14|TXD1\n"
    "11 = main:17 GPIO17\n13 = main:27 GPIO27\n15 = main:22 GPIO22\n"
    "[uart]\ndevice = /dev/serial0\npins = 8 10\n"
    "[i2c]\ndevice = /dev/i2c-1\npins = 3 5\n"
    "[connector Qwiic]\ntype = qwiic\n[i2c Qwiic]\ndevice = /dev/i2c-5\n"
    "[boot]\nconfig = /boot/config.txt\n"
    "[boot always]\nconfig = dtparam=strict_gpiod\nconfig = dtparam=watchdog=on\n"
    "[boot uart]\nconfig = dtparam=uart0=on\ncmdline_not = console=serial0\n"
    "[boot i2c]\nconfig = dtparam=i2c_arm=on\n[watchdog]\nmax_s = 15\n";
static const char KIT[] =
    "[kit]\nid = k\nconnector = rpi-40\n"
    "[in loop-1]\npin = 11\nactive = low\nbias = pull-up\ndebounce = 20 ms\n"
    "rest = on\n"
    "[out siren]\npin = 13\nsafe = off\nexternal_pull = down\nmax_on = 15 min\n"
    "[in motion-1]\npin = 15\n"
    "[motion 1]\ndriver = lis3dh\naddress = 0x19\ninterrupt = motion-1\nlock = 1\n"
    "[end-of-line 1]\ndriver = ads1115\naddress = 0x48\nchannel = 0\nlock = 1\n"
    "rest_mv = 1650\ntolerance_mv = 200\n"
    "[end-of-line 2]\ndriver = ads1115\naddress = 0x48\nchannel = 1\nlock = 2\n"
    "rest_mv = 1650\n"
    "[battery]\ndriver = ina219\naddress = 0x40\nshunt_mohm = 100\ncapacity_mah = 7000\n"
    "[gnss]\nconnect = gpsd\n[radar]\nconnect = none\n";

static void resolves(void **state) {
    (void)state;
    struct board b;
    struct kit k;
    struct conf_errors e;
    struct gpio_line lines[GPIO_LINES_MAX];
    conf_errors_init(&e, "f");
    assert_int_equal(0, board_load_text(BOARD, sizeof BOARD - 1, &b, &e));
    assert_int_equal(0, kit_load_text(KIT, sizeof KIT - 1, &k, &e));
    assert_int_equal(3, board_resolve(&b, &k, lines, &e));
    assert_string_equal("loop-1", lines[0].role);
    assert_string_equal("pinctrl-x", lines[0].chip);
    assert_string_equal("GPIO17", lines[0].names);
    assert_int_equal(17, lines[0].offset);
    assert_true(lines[0].active_low && lines[0].rest_active && !lines[0].output);
    assert_int_equal(GPIO_BIAS_PULL_UP, lines[0].bias);
    assert_int_equal(20000, lines[0].debounce_us);
    assert_int_equal(27, lines[1].offset);
    assert_true(lines[1].output && !lines[1].safe_active && !lines[1].active_low);
    assert_true(k.lines[1].max_on_ns == INT64_C(900000000000));
    assert_string_equal("/dev/i2c-1", board_i2c_device(&b, &k));
    assert_string_equal("", board_radar_device(&b, &k));
    assert_int_equal(2, b.connector_count);
    assert_string_equal("/dev/i2c-5", b.connectors[1].i2c.device);
}

static void devices(void **state) {
    (void)state;
    struct kit k;
    struct kit_device devices[KIT_DEVICES_MAX];
    struct conf_errors e;
    conf_errors_init(&e, "f");
    assert_int_equal(0, kit_load_text(KIT, sizeof KIT - 1, &k, &e));
    assert_int_equal(1, k.motion_count);
    assert_int_equal(KIT_LIS3DH, k.motions[0].driver);
    assert_int_equal(0x19, k.motions[0].address);
    assert_string_equal("motion-1", k.motions[0].interrupt);
    assert_int_equal(1, k.motions[0].lock);
    assert_int_equal(2, k.loop_count);
    assert_int_equal(1, k.loops[1].channel);
    assert_int_equal(1650, k.loops[0].rest_mv);
    assert_int_equal(200, k.loops[0].tolerance_mv);
    assert_int_equal(KIT_INA219, k.battery.driver);
    assert_int_equal(0x40, k.battery.address);
    assert_int_equal(7000, k.battery.capacity_mah);
    assert_int_equal(KIT_GNSS_GPSD, k.gnss);
    assert_int_equal(1u << KIT_USE_ALWAYS | 1u << KIT_USE_I2C | 1u << KIT_USE_GNSS, kit_uses(&k));
    assert_int_equal(4, kit_devices(&k, devices));
    assert_string_equal("end-of-line 2", devices[2].what);
    assert_string_equal("ina219", devices[3].driver);
}

static void explains(void **state) {
    (void)state;
    static const char *const SAID[] = {
        "11   loop-1           in   pinctrl-x          17",
        "siren            off, held by a pull-down resistor on the kit, at most 15 min at a time",
        "motion 1 (lis3dh) at 0x19 on /dev/i2c-1",
        "the boot configuration must contain (/boot/config.txt):",
        "dtparam=strict_gpiod",
        "dtparam=i2c_arm=on",
        "RuntimeWatchdogSec at most 15 s",
    };
    char text[4000] = "";
    struct board b;
    struct kit k;
    struct conf_errors e;
    struct gpio_line lines[GPIO_LINES_MAX];
    conf_errors_init(&e, "f");
    assert_int_equal(0, board_load_text(BOARD, sizeof BOARD - 1, &b, &e));
    assert_int_equal(0, kit_load_text(KIT, sizeof KIT - 1, &k, &e));
    assert_int_equal(3, board_resolve(&b, &k, lines, &e));
    FILE *f = fmemopen(text, sizeof text, "w");
    board_explain(&b, &k, lines, 3, f);
    fclose(f);
    for (size_t i = 0; i < sizeof SAID / sizeof SAID[0]; i++)
        if (strstr(text, SAID[i]) == NULL)
            fail_msg("not said: %s\nin: %s", SAID[i], text);
    assert_null(strstr(text, "uart0")); /* nothing that this kit does not use */
    assert_null(strstr(text, "fit 10 kOhm"));
    b.pulls = false;
    f = fmemopen(text, sizeof text, "w");
    board_explain(&b, &k, lines, 3, f);
    fclose(f);
    assert_non_null(strstr(text, "fit 10 kOhm:\n  loop-1           to 3.3 V\n\n"));
}

/* `from` in the good file becomes `to`; the first error must read so. */
static void broken(const char *good, const char *from, const char *to, const char *error) {
    char text[4096];
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
    assert_true(n > 0 && (size_t)n < sizeof text);
    assert_int_equal(ERR_INVAL, result);
    assert_string_equal(error, e.text[0]);
}

static void boards_that_are_wrong(void **state) {
    (void)state;
    broken(BOARD, "id = b", "idd = b", "f:2: idd: unknown key in [board]");
    broken(BOARD, "id = b\n", "", "f: [board] id: missing: The file's name without .ini.");
    broken(BOARD, "main:17", "mian:17", "f:10: 11: no section [chip mian] above this line");
    broken(BOARD, "main:17", "main:54", "f:10: 11: the chip has no line 54: its min_lines says 54");
    broken(BOARD, "main:17 GPIO17", "GPIO17", "f:10: 11: write it as chip:offset NAME|OTHER-NAME");
    broken(BOARD, "11 =", "8 =", "f:10: 8: given twice");
    broken(BOARD, "11 =", "x11 =", "f:10: x11: is neither \"type\" nor the number of a pin");
    broken(BOARD, "label = pinctrl-x\n", "",
           "f: [chip main] label: missing: as gpioinfo prints it");
    broken(BOARD, "type = rpi-40\n", "",
           "f: [connector J8] type: missing: what kits ask for: rpi-40");
    broken(
        BOARD, "[uart]", "[wart]",
        "f:14: device: unknown section [wart]: there are board, chip NAME, connector NAME, uart, "
        "i2c, boot, boot USE, watchdog, rtc");
    broken(BOARD, "[i2c Qwiic]", "[i2c Quick]", "f:22: i2c: no section [connector Quick]");
    broken(BOARD, "[i2c Qwiic]", "[i2c J8]", "f:22: i2c: connector J8 has one already");
    broken(BOARD, "[i2c]\ndevice = /dev/i2c-1\n", "[i2c]\n",
           "f: [i2c] device: missing: Path of the device.");
    broken(BOARD, "[boot i2c]", "[boot spi]",
           "f:32: config: [boot spi]: after boot comes always, uart, i2c, audio or gnss");
    broken(BOARD, "cmdline_not =", "command =",
           "f:30: command: unknown key in [boot uart]: config, cmdline, cmdline_not or run");
    broken(BOARD, "[i2c Qwiic]\ndevice = /dev/i2c-5\n", "",
           "f: [connector Qwiic] has neither pins nor an I2C bus");
}

static void kits_that_are_wrong(void **state) {
    (void)state;
    broken(KIT, "pin = 11", "pin = 12", "f:5: loop-1: board b has no GPIO on pin 12 of J8");
    broken(KIT, "pin = 13", "pin = 11", "f:11: siren: pin 11 is already loop-1: give it another");
    broken(KIT, "pin = 13\n", "", "f:11: siren: pin: missing: the number on the connector");
    broken(KIT, "safe = off\n", "",
           "f:11: siren: safe: missing: off or on, the state when nobody drives it");
    broken(
        KIT, "external_pull = down\n", "",
        "f:11: siren: external_pull: missing: up or down, the resistor on the kit that holds that "
        "state");
    broken(KIT, "external_pull = down", "external_pull = up",
           "f:11: siren: external_pull works against the safe level: here it must be down");
    broken(KIT, "max_on = 15 min\n", "",
           "f:11: siren: max_on: missing: how long it may sound or shine at most, such as 15 min");
    broken(KIT, "bias = pull-up", "safe = on", "f:7: safe: is not for an input");
    broken(KIT, "bias = pull-up", "bias = up",
           "f:7: bias: \"up\" is none of as-is|pull-up|pull-down|none");
    broken(KIT, "[out siren]", "[out loop-1]",
           "f:11: loop-1: is an input and an output: give one of them another role");
    broken(KIT, "connector = rpi-40", "connector = mikrobus",
           "f: kit k needs a connector mikrobus: board b has none");
    broken(
        KIT, "[gnss]", "[gps]",
        "f:41: connect: unknown section [gps]: there are kit, in ROLE, out ROLE, radar, motion N, "
        "end-of-line N, battery, gnss");
}

static void buses_that_are_wrong(void **state) {
    (void)state;
    broken(KIT, "pin = 11", "pin = 3",
           "f:5: loop-1: pin 3 belongs to the sensors' I2C bus: use another");
    broken(KIT, "connect = gpsd\n", "connect = none\n[in key]\npin = 3\n",
           "f:43: key: pin 3 belongs to the sensors' I2C bus: use another");
    broken(KIT, "address = 0x19", "address = 0x1a",
           "f:18: motion: address \"0x1a\": lis3dh takes 0x18 to 0x19");
    broken(KIT, "interrupt = motion-1", "interrupt = motion-2",
           "f:18: motion: interrupt: no section [in motion-2] with its pin in this kit");
    broken(KIT, "interrupt = motion-1", "interrupt = siren",
           "f:18: motion: interrupt: no section [in siren] with its pin in this kit");
    broken(KIT, "address = 0x19", "address = 0x53",
           "f:18: motion: address \"0x53\": lis3dh takes 0x18 to 0x19");
    broken(KIT, "driver = lis3dh\naddress = 0x19", "driver = adxl345\naddress = 25",
           "f:18: motion: address \"25\": adxl345 takes 0x1d to 0x1d, or 0x53");
    broken(KIT, "address = 0x40", "address = 0x48",
           "f:36: battery: address 0x48 is already that of end-of-line 1: set another on the chip");
    broken(KIT, "channel = 1", "channel = 0",
           "f:30: end-of-line: channel 0 of 0x48 is already that of end-of-line 1");
    broken(KIT, "tolerance_mv = 200", "tolerance_mv = 2000",
           "f:23: end-of-line: tolerance_mv must be below rest_mv: a shorted loop reads 0");
    broken(KIT, "[motion 1]", "[motion one]",
           "f:18: driver: write [motion N] with N from 1 to 999");
    broken(KIT, "driver = lis3dh\n", "", "f: [motion 1] driver: missing: lis3dh or adxl345.");
    broken(KIT, "driver = ina219\n", "", "f:36: battery: driver: missing: ina219");
}

static void radars_that_are_wrong(void **state) {
    (void)state;
    broken(KIT, "[in loop-1]\npin = 11", "[radar]\nconnect = uart\n[in loop-1]\npin = 8",
           "f:45: connect: given twice");
    broken(KIT, "connect = none", "connect = uart\n[in key]\npin = 8",
           "f:45: key: pin 8 belongs to the radar's UART: use another");
    broken(KIT, "connect = none", "connect = usb",
           "f: [radar] device: missing: the path of the serial device");
    broken(KIT, "connect = none", "connect = audio\ndevice = hw:1",
           "f: [radar] driver ops243a speaks on usb or uart, not on audio");
    broken(KIT, "connect = none", "driver = iq\nconnect = usb\ndevice = /dev/x",
           "f: [radar] driver iq listens to a sound card: connect = audio");
    broken(KIT, "connect = none", "connect = uart\ndevice = /dev/x",
           "f: [radar] device: leave it out, the board names its UART");
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
        cmocka_unit_test(devices),
        cmocka_unit_test(explains),
        cmocka_unit_test(boards_that_are_wrong),
        cmocka_unit_test(kits_that_are_wrong),
        cmocka_unit_test(buses_that_are_wrong),
        cmocka_unit_test(radars_that_are_wrong),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
