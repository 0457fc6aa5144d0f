#include "board.h"
#include "debounce.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BOARD(member) CONF_AT(struct board, member)
#define BUS(member) CONF_AT(struct board_bus, member)

static const struct conf_key BOARD_KEYS[] = {
    {"board", "id", CONF_STR, BOARD(id), 1, 0, NULL, NULL, NULL, "The file's name without .ini."},
    {"board", "name", CONF_STR, BOARD(name), 0, 0, "", NULL, NULL, "For people."},
    {"board", "compatible", CONF_STR, BOARD(compatible), 0, 0, "", NULL, NULL,
     "First word of /proc/device-tree/compatible; empty: not checked."},
    {"board", "support", CONF_CHOICE, BOARD(support), 0, 0, "community", "tested|community|host",
     NULL, "How sure we are."},
    {"board", "tested_on", CONF_STR, BOARD(tested_on), 0, 0, "", NULL, NULL, "Date and kernel."},
    {"board", "notes", CONF_STR, BOARD(notes), 0, 0, "", NULL, NULL, "What to know."},
    {"board", "release", CONF_CHOICE, BOARD(release), 0, 0, "unknown",
     "becomes-input|persists-unless-strict_gpiod|unknown", NULL,
     "What an output does when its daemon dies."},
    {"board", "pulls", CONF_BOOL, BOARD(pulls), 0, 0, "yes", NULL, NULL,
     "Whether Linux can set the chip's own resistors; no: the kit needs its own."},
    {"boot", "config", CONF_STR, BOARD(boot_config), 0, 0, "", NULL, NULL,
     "Paths of the boot configuration."},
    {"boot", "cmdline", CONF_STR, BOARD(boot_cmdline), 0, 0, "", NULL, NULL,
     "Paths of the kernel's command line."},
    {"boot", "filters", CONF_STR, BOARD(boot_filters), 0, 0, "", NULL, NULL,
     "Sections of that configuration that count on this board, beside [all]."},
    {"watchdog", "device", CONF_PATH, BOARD(watchdog), 0, 0, "", NULL, NULL, "Hardware watchdog."},
    {"watchdog", "max_s", CONF_U32, BOARD(watchdog_max_s), 0, 0, "0", NULL, "s", "Its longest."},
    {"rtc", "present", CONF_BOOL, BOARD(rtc), 0, 0, "no", NULL, NULL, "A clock with a battery."},
};

static const struct conf_key CHIP_KEYS[] = {
    {NULL, "label", CONF_STR, CONF_AT(struct board_chip, label), 1, 0, "", NULL, NULL, "Label."},
    {NULL, "min_lines", CONF_U32, CONF_AT(struct board_chip, min_lines), 0, 1024, "0", NULL, NULL,
     "Fewest lines that this chip may have."},
};

static const struct conf_key BUS_KEYS[] = {
    {NULL, "device", CONF_PATH, BUS(device), 1, 0, NULL, NULL, NULL, "Path of the device."},
    {NULL, "pins", CONF_STR, BUS(pins), 0, 0, "", NULL, NULL, "Pins that it takes."},
    {NULL, "needs", CONF_STR, BUS(needs), 0, 0, "", NULL, NULL, "What must be set."},
};

static const char *const BOOT_KINDS[] = {"config", "cmdline", "cmdline_not", "run"};

/* What a file may contain, for the reader who wrote something else. */
static const char SECTIONS[] =
    "board, chip NAME, connector NAME, uart, i2c, boot, boot USE, watchdog, rtc";

enum { BUS_UART, BUS_I2C, BUSES };
static const char *const BUS_WORDS[BUSES] = {"uart", "i2c"};

/* "chip main" with prefix "chip" gives "main"; NULL if the section is another. */
static const char *section_word(const char *section, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(section, prefix, n) == 0 && section[n] == ' ' && section[n + 1] != '\0'
               ? section + n + 1
               : NULL;
}

/* --- boards --------------------------------------------------------------------------------- */

/* A bus stands in a section of its own, "[i2c]" or "[i2c J8]", maybe before its connector. */
struct bus_read {
    char connector[BOARD_WORD_MAX + 1]; /* "": the first */
    struct board_bus bus;
    struct conf_seen seen;
    int line; /* 0: not given */
};

struct board_read {
    struct board *board;
    struct conf_seen seen, chips_seen[BOARD_CHIPS_MAX];
    struct bus_read buses[BUSES][BOARD_CONNECTORS_MAX];
};

static struct board_chip *chip_named(struct board *b, const char *name, size_t len) {
    for (unsigned i = 0; i < b->chip_count; i++)
        if (strlen(b->chips[i].name) == len && memcmp(b->chips[i].name, name, len) == 0)
            return &b->chips[i];
    return NULL;
}

static void read_chip(struct board_read *r, const char *name, const struct conf_item *item,
                      struct conf_errors *errors) {
    struct board *b = r->board;
    struct board_chip *chip = chip_named(b, name, strlen(name));
    if (chip == NULL && (b->chip_count == BOARD_CHIPS_MAX || strlen(name) > BOARD_WORD_MAX)) {
        conf_error(errors, item->line, item->name, "more than %d chips, or too long a name",
                   BOARD_CHIPS_MAX);
        return;
    }
    if (chip == NULL) {
        chip = &b->chips[b->chip_count++];
        memcpy(chip->name, name, strlen(name) + 1);
    }
    conf_set(CHIP_KEYS, COUNT(CHIP_KEYS), chip, &r->chips_seen[chip - b->chips], item, errors);
}

static bool number(const char *text, size_t len, unsigned *ret_number) {
    unsigned n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || n > 9999)
            return false;
        n = n * 10 + (unsigned)(text[i] - '0');
    }
    *ret_number = n;
    return len > 0;
}

const struct board_pin *board_pin_at(const struct board *board,
                                     const struct board_connector *connector, unsigned pin) {
    for (unsigned i = 0; connector != NULL && i < board->pin_count; i++)
        if (board->pins[i].pin == pin && connector == &board->connectors[board->pins[i].connector])
            return &board->pins[i];
    return NULL;
}

/* "11 = main:17 GPIO17|OTHER" */
static void read_pin(struct board *b, const struct board_connector *connector,
                     const struct conf_item *item, struct conf_errors *errors) {
    struct board_pin p = {.connector = (unsigned)(connector - b->connectors)};
    const char *colon = strchr(item->value, ':');
    if (!number(item->name, strlen(item->name), &p.pin)) {
        conf_error(errors, item->line, item->name, "is neither \"type\" nor the number of a pin");
        return;
    }
    size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
    if (digits == 0 || !number(colon + 1, digits, &p.offset)) {
        conf_error(errors, item->line, item->name, "write it as chip:offset NAME|OTHER-NAME");
        return;
    }
    const struct board_chip *chip = chip_named(b, item->value, (size_t)(colon - item->value));
    const char *names = colon + 1 + digits;
    names += strspn(names, " \t");
    if (chip == NULL)
        conf_error(errors, item->line, item->name, "no section [chip %.*s] above this line",
                   (int)(colon - item->value), item->value);
    else if (chip->min_lines > 0 && p.offset >= chip->min_lines)
        conf_error(errors, item->line, item->name, "the chip has no line %u: its min_lines says %u",
                   p.offset, chip->min_lines);
    else if (strlen(names) > BOARD_NAMES_MAX)
        conf_error(errors, item->line, item->name, "names longer than %d", BOARD_NAMES_MAX);
    else if (board_pin_at(b, connector, p.pin) != NULL)
        conf_error(errors, item->line, item->name, "given twice");
    else if (b->pin_count == BOARD_PINS_MAX)
        conf_error(errors, item->line, item->name, "more than %d pins", BOARD_PINS_MAX);
    else {
        p.chip = (unsigned)(chip - b->chips);
        memcpy(p.names, names, strlen(names));
        b->pins[b->pin_count++] = p;
    }
}

static struct board_connector *connector_named(struct board *b, const char *name) {
    for (unsigned i = 0; i < b->connector_count; i++)
        if (strcmp(b->connectors[i].name, name) == 0)
            return &b->connectors[i];
    return NULL;
}

static void read_connector(struct board_read *r, const char *name, const struct conf_item *item,
                           struct conf_errors *errors) {
    struct board *b = r->board;
    struct board_connector *c = connector_named(b, name);
    if (c == NULL &&
        (b->connector_count == BOARD_CONNECTORS_MAX || strlen(name) > BOARD_WORD_MAX)) {
        conf_error(errors, item->line, item->name, "more than %d connectors, or too long a name",
                   BOARD_CONNECTORS_MAX);
        return;
    }
    if (c == NULL) {
        c = &b->connectors[b->connector_count++];
        memcpy(c->name, name, strlen(name) + 1);
    }
    if (strcmp(item->name, "type") != 0)
        read_pin(b, c, item, errors);
    else if (c->type[0] != '\0' || strlen(item->value) > BOARD_WORD_MAX)
        conf_error(errors, item->line, item->name, "given twice, or too long");
    else
        memcpy(c->type, item->value, strlen(item->value));
}

static void read_bus(struct board_read *r, int which, const char *connector,
                     const struct conf_item *item, struct conf_errors *errors) {
    struct bus_read *bus = r->buses[which], *end = bus + BOARD_CONNECTORS_MAX;
    while (bus < end && bus->line != 0 && strcmp(bus->connector, connector) != 0)
        bus++;
    if (bus == end || strlen(connector) > BOARD_WORD_MAX) {
        conf_error(errors, item->line, item->name, "more than %d buses, or too long a name",
                   BOARD_CONNECTORS_MAX);
        return;
    }
    if (bus->line == 0) {
        bus->line = item->line;
        memcpy(bus->connector, connector, strlen(connector) + 1);
    }
    conf_set(BUS_KEYS, COUNT(BUS_KEYS), &bus->bus, &bus->seen, item, errors);
}

/* "[boot i2c] config = dtparam=i2c_arm=on"; a key may stand several times. */
static void read_boot(struct board *b, const char *use, const struct conf_item *item,
                      struct conf_errors *errors) {
    struct board_boot boot = {0};
    while (boot.use < KIT_USES && strcmp(kit_use_name(boot.use), use) != 0)
        boot.use++;
    while (boot.kind < COUNT(BOOT_KINDS) && strcmp(BOOT_KINDS[boot.kind], item->name) != 0)
        boot.kind++;
    if (boot.use == KIT_USES)
        conf_error(errors, item->line, item->name,
                   "[boot %s]: after boot comes always, uart, i2c, audio or gnss", use);
    else if (boot.kind == COUNT(BOOT_KINDS))
        conf_error(errors, item->line, item->name,
                   "unknown key in [%s]: config, cmdline, cmdline_not or run", item->section);
    else if (item->value[0] == '\0' || strlen(item->value) > BOARD_TEXT_MAX)
        conf_error(errors, item->line, item->name, "is empty, or longer than %d", BOARD_TEXT_MAX);
    else if (b->boot_count == BOARD_BOOT_MAX)
        conf_error(errors, item->line, item->name, "more than %d of these", BOARD_BOOT_MAX);
    else {
        memcpy(boot.text, item->value, strlen(item->value));
        b->boot[b->boot_count++] = boot;
    }
}

/* "i2c" and "i2c J8": the bus and its connector.  False: another section. */
static bool bus_section(const char *section, int *ret_which, const char **ret_connector) {
    for (int i = 0; i < BUSES; i++) {
        const char *word = section_word(section, BUS_WORDS[i]);
        if (word == NULL && strcmp(section, BUS_WORDS[i]) != 0)
            continue;
        *ret_which = i;
        *ret_connector = word != NULL ? word : "";
        return true;
    }
    return false;
}

static bool is_known(const char *section) {
    for (size_t i = 0; i < COUNT(BOARD_KEYS); i++)
        if (strcmp(BOARD_KEYS[i].section, section) == 0)
            return true;
    return false;
}

static void read_board(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct board_read *r = arg;
    const char *chip = section_word(item->section, "chip");
    const char *connector = section_word(item->section, "connector");
    const char *use = section_word(item->section, "boot"), *of;
    int which;
    if (chip != NULL)
        read_chip(r, chip, item, errors);
    else if (connector != NULL)
        read_connector(r, connector, item, errors);
    else if (bus_section(item->section, &which, &of))
        read_bus(r, which, of, item, errors);
    else if (use != NULL)
        read_boot(r->board, use, item, errors);
    else if (is_known(item->section))
        conf_set(BOARD_KEYS, COUNT(BOARD_KEYS), r->board, &r->seen, item, errors);
    else
        conf_error(errors, item->line, item->name, "unknown section [%s]: there are %s",
                   item->section, SECTIONS);
}

static void board_begin(struct board_read *r, struct board *b) {
    *r = (struct board_read){.board = b};
    memset(b, 0, sizeof *b);
    conf_defaults(BOARD_KEYS, COUNT(BOARD_KEYS), b);
}

static void place_bus(struct board *b, int which, const struct bus_read *bus,
                      struct conf_errors *errors) {
    struct board_connector *c =
        bus->connector[0] == '\0' ? &b->connectors[0] : connector_named(b, bus->connector);
    conf_missing(BUS_KEYS, COUNT(BUS_KEYS), &bus->seen, BUS_WORDS[which], errors);
    if (c == NULL) {
        conf_error(errors, bus->line, BUS_WORDS[which], "no section [connector %s]",
                   bus->connector);
        return;
    }
    struct board_bus *to = which == BUS_UART ? &c->uart : &c->i2c;
    if (to->device[0] != '\0')
        conf_error(errors, bus->line, BUS_WORDS[which], "connector %s has one already", c->name);
    *to = bus->bus;
}

static bool has_pins(const struct board *b, unsigned connector) {
    for (unsigned i = 0; i < b->pin_count; i++)
        if (b->pins[i].connector == connector)
            return true;
    return false;
}

static void check_connectors(const struct board *b, struct conf_errors *errors) {
    if (b->connector_count == 0)
        conf_error(errors, 0, NULL, "no [connector NAME] with a type and pins");
    for (unsigned i = 0; i < b->connector_count; i++) {
        const struct board_connector *c = &b->connectors[i];
        if (c->type[0] == '\0')
            conf_error(errors, 0, NULL, "[connector %s] type: missing: what kits ask for: rpi-40",
                       c->name);
        if (!has_pins(b, i) && c->i2c.device[0] == '\0')
            conf_error(errors, 0, NULL, "[connector %s] has neither pins nor an I2C bus", c->name);
    }
}

static int board_end(const struct board_read *r, int result, struct conf_errors *errors) {
    struct board *b = r->board;
    if (result != 0 && result != ERR_INVAL)
        return result;
    conf_missing(BOARD_KEYS, COUNT(BOARD_KEYS), &r->seen, NULL, errors);
    for (unsigned i = 0; i < b->chip_count; i++)
        if (b->chips[i].label[0] == '\0')
            conf_error(errors, 0, NULL, "[chip %s] label: missing: as gpioinfo prints it",
                       b->chips[i].name);
    for (int which = 0; which < BUSES; which++)
        for (unsigned i = 0; i < BOARD_CONNECTORS_MAX; i++)
            if (r->buses[which][i].line != 0)
                place_bus(b, which, &r->buses[which][i], errors);
    check_connectors(b, errors);
    return errors->count > 0 ? ERR_INVAL : 0;
}

int board_load(const char *path, struct board *ret_board, struct conf_errors *errors) {
    struct board_read r;
    board_begin(&r, ret_board);
    conf_errors_init(errors, path);
    return board_end(&r, conf_each(path, read_board, &r, errors), errors);
}

int board_load_text(const char *text, size_t len, struct board *ret_board,
                    struct conf_errors *errors) {
    struct board_read r;
    board_begin(&r, ret_board);
    return board_end(&r, conf_each_text(text, len, read_board, &r, errors), errors);
}

/* --- both ----------------------------------------------------------------------------------- */

bool board_bus_takes(const struct board_bus *bus, unsigned pin) {
    for (const char *p = bus->pins; *p != '\0';) {
        unsigned n;
        size_t len = strcspn(p, " ");
        if (number(p, len, &n) && n == pin)
            return true;
        p += len + strspn(p + len, " ");
    }
    return false;
}

static struct gpio_line line_for(const struct board *board, const struct board_pin *pin,
                                 const struct kit_line *l) {
    return (struct gpio_line){
        .role = l->role,
        .chip = board->chips[pin->chip].label,
        .offset = pin->offset,
        .chip_lines = board->chips[pin->chip].min_lines,
        .names = pin->names,
        .output = l->output,
        .active_low = l->active == KIT_LOW,
        .safe_active = l->safe == KIT_ON,
        .rest_active = l->rest == KIT_ON,
        .bias = (enum gpio_bias)l->bias,
        .debounce_us = l->filter == DEBOUNCE_STABLE ? (uint32_t)(l->debounce_ns / 1000) : 0,
    };
}

const struct board_connector *board_connector_for(const struct board *board,
                                                  const struct kit *kit) {
    for (unsigned i = 0; i < board->connector_count; i++)
        if (strcmp(board->connectors[i].type, kit->connector) == 0)
            return &board->connectors[i];
    return NULL;
}

static void check_buses(const struct board *board, const struct kit *kit,
                        const struct board_connector *c, struct conf_errors *errors) {
    unsigned uses = kit_uses(kit);
    if ((uses & 1u << KIT_USE_UART) != 0 && c->uart.device[0] == '\0')
        conf_error(errors, 0, NULL, "the radar needs a UART: board %s names none for connector %s",
                   board->id, c->name);
    if ((uses & 1u << KIT_USE_I2C) != 0 && c->i2c.device[0] == '\0')
        conf_error(errors, 0, NULL, "the sensors need I2C: board %s names none for connector %s",
                   board->id, c->name);
}

static void check_pin(const struct kit *kit, unsigned index, const struct board_connector *c,
                      struct conf_errors *errors) {
    const struct kit_line *l = &kit->lines[index];
    unsigned uses = kit_uses(kit);
    for (unsigned k = 0; k < index; k++)
        if (kit->lines[k].pin == l->pin)
            conf_error(errors, l->line, l->role, "pin %u is already %s: give it another", l->pin,
                       kit->lines[k].role);
    if ((uses & 1u << KIT_USE_UART) != 0 && board_bus_takes(&c->uart, l->pin))
        conf_error(errors, l->line, l->role, "pin %u belongs to the radar's UART: use another",
                   l->pin);
    if ((uses & 1u << KIT_USE_I2C) != 0 && board_bus_takes(&c->i2c, l->pin))
        conf_error(errors, l->line, l->role, "pin %u belongs to the sensors' I2C bus: use another",
                   l->pin);
}

int board_resolve(const struct board *board, const struct kit *kit,
                  struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors) {
    const struct board_connector *c = board_connector_for(board, kit);
    if (c == NULL) {
        conf_error(errors, 0, NULL, "kit %s needs a connector %s: board %s has none", kit->id,
                   kit->connector, board->id);
        return ERR_INVAL;
    }
    check_buses(board, kit, c, errors);
    for (unsigned i = 0; i < kit->line_count; i++) {
        const struct kit_line *l = &kit->lines[i];
        const struct board_pin *pin = board_pin_at(board, c, l->pin);
        check_pin(kit, i, c, errors);
        if (pin == NULL)
            conf_error(errors, l->line, l->role, "board %s has no GPIO on pin %u of %s", board->id,
                       l->pin, c->name);
        else
            lines[i] = line_for(board, pin, l);
    }
    return errors->count > 0 ? ERR_INVAL : (int)kit->line_count;
}

/* A pin that an input has too, before or behind, may be driven from outside. */
static bool shared(const struct kit *kit, unsigned index) {
    for (unsigned k = 0; k < kit->line_count; k++)
        if (k != index && kit->lines[k].pin == kit->lines[index].pin)
            return true;
    return false;
}

unsigned board_resolve_outputs(const struct board *board, const struct kit *kit,
                               struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors) {
    const struct board_connector *c = board_connector_for(board, kit);
    unsigned uses = kit_uses(kit), count = 0;
    for (unsigned i = 0; i < kit->line_count; i++) {
        const struct kit_line *l = &kit->lines[i];
        const struct board_pin *pin = c != NULL ? board_pin_at(board, c, l->pin) : NULL;
        if (!l->output)
            continue;
        if (pin == NULL || board->chips[pin->chip].label[0] == '\0')
            conf_error(errors, l->line, l->role, "board %s has no GPIO chip and line for pin %u",
                       board->id, l->pin);
        else if (shared(kit, i) ||
                 ((uses & 1u << KIT_USE_UART) != 0 && board_bus_takes(&c->uart, l->pin)) ||
                 ((uses & 1u << KIT_USE_I2C) != 0 && board_bus_takes(&c->i2c, l->pin)))
            conf_error(errors, l->line, l->role, "pin %u has another use too", l->pin);
        else
            lines[count++] = line_for(board, pin, l);
    }
    return count;
}

const char *board_radar_device(const struct board *board, const struct kit *kit) {
    const struct board_connector *c = board_connector_for(board, kit);
    if (kit->radar.connect != KIT_RADAR_UART)
        return kit->radar.device;
    return c != NULL ? c->uart.device : "";
}

const char *board_i2c_device(const struct board *board, const struct kit *kit) {
    const struct board_connector *c = board_connector_for(board, kit);
    return c != NULL && (kit_uses(kit) & 1u << KIT_USE_I2C) != 0 ? c->i2c.device : "";
}
