/* board: what a board's header carries and what a kit needs, from boards/NAME.ini and
 * boards/kits/NAME.ini, resolved to lines of a GPIO bank.
 *
 * A board file describes pins once, a kit file names pins of the connector only, so that kits and
 * boards multiply without copies (boards/README.md).  board_resolve joins the two and checks: the
 * pin exists, no pin twice, none that the radar's UART needs, outputs state their safe level and
 * the resistor that holds it when nobody drives.
 *
 * Promises (tests/port/board_test.c; tests/port/boardlint.c runs every board with every kit;
 * tests/fuzz/board_fuzz.c): any bytes give a board or a list of errors with file:line; a resolved
 * line has a chip, an offset and a role.
 * Memory: the caller's structs; the lines of board_resolve point into them.  Threads: any. */
#ifndef MOORWATCH_BOARD_H
#define MOORWATCH_BOARD_H

#include "conf.h"
#include "gpio.h"
#include <stdio.h>

enum {
    BOARD_CHIPS_MAX = 4,
    BOARD_PINS_MAX = 48,
    BOARD_WORD_MAX = 31,
    BOARD_NAMES_MAX = 47,
    BOARD_TEXT_MAX = 127,
};

struct board_chip {
    char name[BOARD_WORD_MAX + 1];  /* "main", in this file only */
    char label[BOARD_WORD_MAX + 1]; /* the kernel's, matched whole */
    uint32_t min_lines;
};

struct board_pin {
    unsigned pin; /* number on the connector */
    unsigned chip, offset;
    char names[BOARD_NAMES_MAX + 1]; /* '|' between */
};

struct board {
    char id[BOARD_WORD_MAX + 1], name[BOARD_TEXT_MAX + 1], compatible[BOARD_TEXT_MAX + 1];
    char tested_on[BOARD_TEXT_MAX + 1], notes[BOARD_TEXT_MAX + 1];
    unsigned support; /* index in "tested|community|host" */
    unsigned release; /* what an output does when nobody holds it: BOARD_RELEASE_* */
    char connector[BOARD_WORD_MAX + 1]; /* "rpi-40" */
    struct board_chip chips[BOARD_CHIPS_MAX];
    unsigned chip_count;
    struct board_pin pins[BOARD_PINS_MAX];
    unsigned pin_count;
    char uart[BOARD_TEXT_MAX + 1]; /* device of the connector's UART, empty: none */
    char uart_needs[BOARD_TEXT_MAX + 1];
    char uart_pins[BOARD_WORD_MAX + 1]; /* "8 10" */
    char watchdog[BOARD_TEXT_MAX + 1];
    uint32_t watchdog_max_s;
    bool rtc;
};

enum board_support { BOARD_TESTED, BOARD_COMMUNITY, BOARD_HOST };
enum board_release { BOARD_RELEASE_INPUT, BOARD_RELEASE_PERSISTS, BOARD_RELEASE_UNKNOWN };

struct kit_line {
    char role[BOARD_WORD_MAX + 1];
    uint32_t pin;
    bool output, has_safe;
    unsigned active;        /* KIT_HIGH, KIT_LOW */
    unsigned bias;          /* index in "as-is|pull-up|pull-down|none", = enum gpio_bias */
    unsigned rest;          /* KIT_OFF, KIT_ON: inputs: what the host board shows at first */
    unsigned safe;          /* KIT_OFF, KIT_ON */
    unsigned external_pull; /* KIT_PULL_*: outputs: the resistor on the kit */
    unsigned filter;        /* enum debounce_mode */
    int64_t debounce_ns;
    int line; /* where in the file */
};

enum { KIT_HIGH, KIT_LOW };
enum { KIT_OFF, KIT_ON };
enum { KIT_PULL_UNSTATED, KIT_PULL_DOWN, KIT_PULL_UP };

enum kit_radar { KIT_RADAR_NONE, KIT_RADAR_USB, KIT_RADAR_UART };

struct kit {
    char id[BOARD_WORD_MAX + 1], name[BOARD_TEXT_MAX + 1], connector[BOARD_WORD_MAX + 1];
    unsigned radar;                        /* enum kit_radar */
    char radar_device[BOARD_TEXT_MAX + 1]; /* usb: a path; uart: the board says */
    struct kit_line lines[GPIO_LINES_MAX];
    unsigned line_count;
};

/* Read one file each.  Errors as conf_each gives them; *ret_ holds what could be read. */
MUST int board_load(const char *path, struct board *ret_board, struct conf_errors *errors);
MUST int board_load_text(const char *text, size_t len, struct board *ret_board,
                         struct conf_errors *errors);
MUST int kit_load(const char *path, struct kit *ret_kit, struct conf_errors *errors);
MUST int kit_load_text(const char *text, size_t len, struct kit *ret_kit,
                       struct conf_errors *errors);

/* Joins the two: one gpio_line per kit line, in order.  Returns their number; ERR_INVAL with the
 * reasons in `errors` (about the kit's file). */
MUST int board_resolve(const struct board *board, const struct kit *kit,
                       struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors);

/* The device of the kit's radar on this board; "" if it has none. */
const char *board_radar_device(const struct board *board, const struct kit *kit);

/* The pins as they resolve, for an installer with a meter in hand. */
void board_explain(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                   unsigned count, FILE *out);

#endif
