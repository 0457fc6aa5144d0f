/* board: any bytes are a board, a kit or errors; what resolves has a chip and a role. */
#include "board.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char BOARD[] =
    "[board]\nid = b\n[chip main]\nlabel = l\n[connector J8]\ntype = rpi-40\n"
    "3 = main:2\n8 = main:14 A\n11 = main:17 B|C\n13 = main:27\n[uart]\ndevice = /dev/u\n"
    "pins = 8\n[i2c]\ndevice = /dev/i\npins = 3\n";

static void require(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct board board, good;
    struct kit kit;
    struct conf_errors e;
    struct gpio_line lines[GPIO_LINES_MAX];
    struct kit_device devices[KIT_DEVICES_MAX];
    conf_errors_init(&e, "x");
    int r = board_load_text((const char *)data, size, &board, &e);
    require((r == 0) == (e.count == 0));
    conf_errors_init(&e, "x");
    r = kit_load_text((const char *)data, size, &kit, &e);
    require((r == 0) == (e.count == 0));
    if (r != 0)
        return 0;
    require(kit_devices(&kit, devices) <= KIT_DEVICES_MAX);
    conf_errors_init(&e, "x");
    if (board_load_text(BOARD, sizeof BOARD - 1, &good, &e) != 0)
        abort();
    int n = board_resolve(&good, &kit, lines, &e);
    for (int i = 0; i < n; i++)
        require(lines[i].role[0] != '\0' && strcmp(lines[i].chip, "l") == 0);
    return 0;
}
