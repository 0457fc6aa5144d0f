/* board: what a board's connectors carry, from boards/NAME.ini, and the kit on it (kit.h) resolved
 * to lines of a GPIO bank, to devices, and to what the boot configuration must contain.
 *
 * A board file describes pins once, a kit file names pins of the connector only, so that kits and
 * boards multiply without copies (boards/README.md).  board_resolve joins the two and checks: the
 * connector and the pin exist, no pin twice, none that the UART or the I2C bus of this kit needs,
 * and the board has the buses that the kit's radar and sensors hang on.
 *
 * Promises (tests/port/board_test.c; tools/boardlint runs every board with every kit;
 * tests/fuzz/board_fuzz.c): any bytes give a board or a list of errors with file:line; a resolved
 * line has a chip, an offset and a role.
 * Memory: the caller's structs; the lines of board_resolve point into them.  Threads: any. */
#ifndef MOORWATCH_BOARD_H
#define MOORWATCH_BOARD_H

#include "kit.h"

enum {
    BOARD_CHIPS_MAX = 4,
    BOARD_CONNECTORS_MAX = 4,
    BOARD_PINS_MAX = 64,
    BOARD_BOOT_MAX = 24,
    BOARD_WORD_MAX = 31,
    BOARD_NAMES_MAX = 47,
    BOARD_TEXT_MAX = 127,
};

struct board_chip {
    char name[BOARD_WORD_MAX + 1];  /* "main", in this file only */
    char label[BOARD_WORD_MAX + 1]; /* the kernel's, matched whole */
    uint32_t min_lines;
};

/* A UART or an I2C bus of a connector.  `pins` are taken from the GPIO while it is used. */
struct board_bus {
    char device[BOARD_TEXT_MAX + 1]; /* empty: none */
    char pins[BOARD_WORD_MAX + 1];   /* "8 10" */
    char needs[BOARD_TEXT_MAX + 1];  /* what no file of the boot configuration can say */
};

struct board_connector {
    char name[BOARD_WORD_MAX + 1]; /* "J8", in this file only */
    char type[BOARD_WORD_MAX + 1]; /* "rpi-40": what a kit asks for */
    struct board_bus uart, i2c;
};

struct board_pin {
    unsigned connector, pin; /* index of the connector, number on it */
    unsigned chip, offset;
    char names[BOARD_NAMES_MAX + 1]; /* '|' between */
};

/* One thing that the boot configuration must contain when a kit uses `use` of the board. */
enum board_boot_kind {
    BOARD_BOOT_CONFIG,      /* a line of the boot configuration file */
    BOARD_BOOT_CMDLINE,     /* a word of the kernel's command line */
    BOARD_BOOT_CMDLINE_NOT, /* a word that must not be there */
    BOARD_BOOT_RUN,         /* a command to be run once */
};

struct board_boot {
    unsigned use;  /* enum kit_use */
    unsigned kind; /* enum board_boot_kind */
    char text[BOARD_TEXT_MAX + 1];
};

struct board {
    char id[BOARD_WORD_MAX + 1], name[BOARD_TEXT_MAX + 1], compatible[BOARD_TEXT_MAX + 1];
    char tested_on[BOARD_TEXT_MAX + 1], notes[BOARD_TEXT_MAX + 1];
    unsigned support; /* index in "tested|community|host" */
    bool pulls;       /* Linux can set the chip's own resistors */
    unsigned release; /* what an output does when nobody holds it: BOARD_RELEASE_* */
    struct board_chip chips[BOARD_CHIPS_MAX];
    unsigned chip_count;
    struct board_connector connectors[BOARD_CONNECTORS_MAX];
    unsigned connector_count;
    struct board_pin pins[BOARD_PINS_MAX];
    unsigned pin_count;
    char boot_config[BOARD_TEXT_MAX + 1]; /* its paths, '|' between; the first that exists counts */
    char boot_cmdline[BOARD_TEXT_MAX + 1]; /* likewise */
    char boot_filters[BOARD_WORD_MAX + 1]; /* its [sections] that count on this board, by spaces */
    struct board_boot boot[BOARD_BOOT_MAX];
    unsigned boot_count;
    char watchdog[BOARD_TEXT_MAX + 1];
    uint32_t watchdog_max_s;
    bool rtc;
};

enum board_support { BOARD_TESTED, BOARD_COMMUNITY, BOARD_HOST };
enum board_release { BOARD_RELEASE_INPUT, BOARD_RELEASE_PERSISTS, BOARD_RELEASE_UNKNOWN };

/* Reads one file.  Errors as conf_each gives them; *ret_board holds what could be read. */
MUST int board_load(const char *path, struct board *ret_board, struct conf_errors *errors);
MUST int board_load_text(const char *text, size_t len, struct board *ret_board,
                         struct conf_errors *errors);

/* Joins the two: one gpio_line per kit line, in order.  Returns their number; ERR_INVAL with the
 * reasons in `errors` (about the kit's file). */
MUST int board_resolve(const struct board *board, const struct kit *kit,
                       struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors);

/* For making outputs safe with files that have errors: only the kit's outputs, and of these only
 * those whose chip and pin are beyond doubt.  Returns their number; `errors` names each other. */
unsigned board_resolve_outputs(const struct board *board, const struct kit *kit,
                               struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors);

/* The connector that the kit goes on; NULL if the board has none of that type.  A kit claims the
 * boards for which this is not NULL. */
const struct board_connector *board_connector_for(const struct board *board, const struct kit *kit);

/* The GPIO behind a pin of one of the board's connectors; NULL if it has none. */
const struct board_pin *board_pin_at(const struct board *board,
                                     const struct board_connector *connector, unsigned pin);

/* True if the bus, while it is used, takes that pin from the GPIO. */
bool board_bus_takes(const struct board_bus *bus, unsigned pin);

/* The device of the kit's radar, of its I2C bus, on this board; "" if it has none. */
const char *board_radar_device(const struct board *board, const struct kit *kit);
const char *board_i2c_device(const struct board *board, const struct kit *kit);

#endif
