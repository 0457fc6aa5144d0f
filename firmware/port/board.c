#include "board.h"
#include "debounce.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BOARD(member) CONF_AT(struct board, member)
#define KIT(member) CONF_AT(struct kit, member)
#define LINE(member) CONF_AT(struct kit_line, member)

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
    {"uart", "device", CONF_PATH, BOARD(uart), 0, 0, "", NULL, NULL, "UART of the connector."},
    {"uart", "pins", CONF_STR, BOARD(uart_pins), 0, 0, "", NULL, NULL, "Pins that it takes."},
    {"uart", "needs", CONF_STR, BOARD(uart_needs), 0, 0, "", NULL, NULL, "What must be set."},
    {"watchdog", "device", CONF_PATH, BOARD(watchdog), 0, 0, "", NULL, NULL, "Hardware watchdog."},
    {"watchdog", "max_s", CONF_U32, BOARD(watchdog_max_s), 0, 0, "0", NULL, "s", "Its longest."},
    {"rtc", "present", CONF_BOOL, BOARD(rtc), 0, 0, "no", NULL, NULL, "A clock with a battery."},
};

static const struct conf_key CHIP_KEYS[] = {
    {NULL, "label", CONF_STR, CONF_AT(struct board_chip, label), 1, 0, "", NULL, NULL, "Label."},
    {NULL, "min_lines", CONF_U32, CONF_AT(struct board_chip, min_lines), 0, 1024, "0", NULL, NULL,
     "Fewest lines that this chip may have."},
};

static const struct conf_key KIT_KEYS[] = {
    {"kit", "id", CONF_STR, KIT(id), 1, 0, NULL, NULL, NULL, "The file's name without .ini."},
    {"kit", "name", CONF_STR, KIT(name), 0, 0, "", NULL, NULL, "For people."},
    {"kit", "connector", CONF_STR, KIT(connector), 1, 0, NULL, NULL, NULL, "Connector it fits."},
    {"radar", "connect", CONF_CHOICE, KIT(radar), 0, 0, "none", "none|usb|uart", NULL, "How."},
    {"radar", "device", CONF_PATH, KIT(radar_device), 0, 0, "", NULL, NULL, "For usb: the path."},
};

static const struct conf_key LINE_KEYS[] = {
    {NULL, "pin", CONF_U32, LINE(pin), 1, 999, "1", NULL, NULL, "Pin of the connector."},
    {NULL, "active", CONF_CHOICE, LINE(active), 0, 0, "high", "high|low", NULL, "Level."},
    {NULL, "bias", CONF_CHOICE, LINE(bias), 0, 0, "as-is", "as-is|pull-up|pull-down|none", NULL,
     "The chip's own resistor."},
    {NULL, "debounce", CONF_DURATION, LINE(debounce_ns), 0, 1000, "20 ms", NULL, NULL, "Time."},
    {NULL, "filter", CONF_CHOICE, LINE(filter), 0, 0, "stable", "stable|first", NULL,
     "stable: a level that stands; first: the first edge, for pulses."},
    {NULL, "rest", CONF_CHOICE, LINE(rest), 0, 0, "off", "off|on", NULL, "On the host board."},
    {NULL, "safe", CONF_CHOICE, LINE(safe), 0, 0, "off", "off|on", NULL, "Outputs."},
    {NULL, "external_pull", CONF_CHOICE, LINE(external_pull), 0, 0, "unstated", "unstated|down|up",
     NULL, "Outputs: the resistor that holds the safe level."},
};

/* What an output must state itself, and what only one direction has. */
static const struct {
    const char *key;
    bool output, required;
} DIRECTIONS[] = {
    {"pin", false, true},          {"pin", true, true},        {"safe", true, true},
    {"external_pull", true, true}, {"active", false, false},   {"active", true, false},
    {"bias", false, false},        {"debounce", false, false}, {"filter", false, false},
    {"rest", false, false},
};

/* "chip main" with prefix "chip" gives "main"; NULL if the section is another. */
static const char *section_word(const char *section, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(section, prefix, n) == 0 && section[n] == ' ' && section[n + 1] != '\0'
               ? section + n + 1
               : NULL;
}

/* --- boards --------------------------------------------------------------------------------- */

struct board_read {
    struct board *board;
    struct conf_seen seen, chips_seen[BOARD_CHIPS_MAX];
    char connector_section[CONF_NAME_MAX + 1];
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

static const struct board_pin *pin_numbered(const struct board *b, unsigned pin) {
    for (unsigned i = 0; i < b->pin_count; i++)
        if (b->pins[i].pin == pin)
            return &b->pins[i];
    return NULL;
}

/* "11 = main:17 GPIO17|OTHER" */
static void read_pin(struct board *b, const struct conf_item *item, struct conf_errors *errors) {
    struct board_pin p = {0};
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
        conf_error(errors, item->line, item->name, "no section [chip %.*s] above",
                   (int)(colon - item->value), item->value);
    else if (chip->min_lines > 0 && p.offset >= chip->min_lines)
        conf_error(errors, item->line, item->name, "the chip has no line %u", p.offset);
    else if (strlen(names) > BOARD_NAMES_MAX)
        conf_error(errors, item->line, item->name, "names longer than %d", BOARD_NAMES_MAX);
    else if (pin_numbered(b, p.pin) != NULL)
        conf_error(errors, item->line, item->name, "given twice");
    else if (b->pin_count == BOARD_PINS_MAX)
        conf_error(errors, item->line, item->name, "more than %d pins", BOARD_PINS_MAX);
    else {
        p.chip = (unsigned)(chip - b->chips);
        memcpy(p.names, names, strlen(names));
        b->pins[b->pin_count++] = p;
    }
}

static void read_connector(struct board_read *r, const struct conf_item *item,
                           struct conf_errors *errors) {
    struct board *b = r->board;
    if (r->connector_section[0] == '\0')
        memcpy(r->connector_section, item->section, strlen(item->section) + 1);
    if (strcmp(r->connector_section, item->section) != 0)
        conf_error(errors, item->line, item->name, "a second connector");
    else if (strcmp(item->name, "type") != 0)
        read_pin(b, item, errors);
    else if (b->connector[0] != '\0' || strlen(item->value) > BOARD_WORD_MAX)
        conf_error(errors, item->line, item->name, "given twice, or too long");
    else
        memcpy(b->connector, item->value, strlen(item->value));
}

static void read_board(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct board_read *r = arg;
    const char *chip = section_word(item->section, "chip");
    if (chip != NULL)
        read_chip(r, chip, item, errors);
    else if (section_word(item->section, "connector") != NULL)
        read_connector(r, item, errors);
    else
        conf_set(BOARD_KEYS, COUNT(BOARD_KEYS), r->board, &r->seen, item, errors);
}

static void board_begin(struct board_read *r, struct board *b) {
    *r = (struct board_read){.board = b};
    memset(b, 0, sizeof *b);
    conf_defaults(BOARD_KEYS, COUNT(BOARD_KEYS), b);
}

static int board_end(const struct board_read *r, int result, struct conf_errors *errors) {
    const struct board *b = r->board;
    if (result != 0 && result != ERR_INVAL)
        return result;
    conf_missing(BOARD_KEYS, COUNT(BOARD_KEYS), &r->seen, NULL, errors);
    for (unsigned i = 0; i < b->chip_count; i++)
        if (b->chips[i].label[0] == '\0')
            conf_error(errors, 0, NULL, "[chip %s] label: missing", b->chips[i].name);
    if (b->connector[0] == '\0' || b->pin_count == 0)
        conf_error(errors, 0, NULL, "no [connector ...] with a type and pins");
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

/* --- kits ----------------------------------------------------------------------------------- */

struct kit_read {
    struct kit *kit;
    struct conf_seen seen, lines_seen[GPIO_LINES_MAX];
};

static struct kit_line *line_of(struct kit_read *r, const char *role, bool output, int at,
                                struct conf_errors *errors) {
    struct kit *k = r->kit;
    for (unsigned i = 0; i < k->line_count; i++)
        if (strcmp(k->lines[i].role, role) == 0) {
            if (k->lines[i].output == output)
                return &k->lines[i];
            conf_error(errors, at, role, "is an input and an output");
            return NULL;
        }
    if (k->line_count == GPIO_LINES_MAX || strlen(role) > BOARD_WORD_MAX) {
        conf_error(errors, at, NULL, "more than %d lines, or too long a role", GPIO_LINES_MAX);
        return NULL;
    }
    struct kit_line *l = &k->lines[k->line_count++];
    conf_defaults(LINE_KEYS, COUNT(LINE_KEYS), l);
    memcpy(l->role, role, strlen(role) + 1);
    l->output = output;
    l->line = at;
    return l;
}

static bool allowed(const char *key, bool output) {
    bool known = false;
    for (size_t i = 0; i < COUNT(DIRECTIONS); i++)
        if (strcmp(DIRECTIONS[i].key, key) == 0) {
            known = true;
            if (DIRECTIONS[i].output == output)
                return true;
        }
    return !known;
}

static void read_kit(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct kit_read *r = arg;
    const char *in = section_word(item->section, "in"), *out = section_word(item->section, "out");
    if (in == NULL && out == NULL) {
        conf_set(KIT_KEYS, COUNT(KIT_KEYS), r->kit, &r->seen, item, errors);
        return;
    }
    struct kit_line *l = line_of(r, in != NULL ? in : out, out != NULL, item->line, errors);
    if (l == NULL)
        return;
    if (!allowed(item->name, l->output))
        conf_error(errors, item->line, item->name, "is not for an %s",
                   l->output ? "output" : "input");
    else
        conf_set(LINE_KEYS, COUNT(LINE_KEYS), l, &r->lines_seen[l - r->kit->lines], item, errors);
}

static bool was_given(const struct conf_seen *seen, const char *key) {
    for (size_t i = 0; i < COUNT(LINE_KEYS); i++)
        if (strcmp(LINE_KEYS[i].name, key) == 0)
            return (seen->bits[i / 8] >> (i % 8) & 1) != 0;
    return false;
}

static void check_line(const struct kit_line *l, const struct conf_seen *seen,
                       struct conf_errors *errors) {
    for (size_t i = 0; i < COUNT(DIRECTIONS); i++)
        if (DIRECTIONS[i].required && DIRECTIONS[i].output == l->output &&
            !was_given(seen, DIRECTIONS[i].key))
            conf_error(errors, l->line, l->role, "%s: missing", DIRECTIONS[i].key);
    if (!l->output || l->external_pull == KIT_PULL_UNSTATED)
        return;
    bool safe_high = (l->safe == KIT_ON) == (l->active == KIT_HIGH);
    if (safe_high != (l->external_pull == KIT_PULL_UP))
        conf_error(errors, l->line, l->role, "external_pull works against the safe level");
}

static void kit_begin(struct kit_read *r, struct kit *k) {
    *r = (struct kit_read){.kit = k};
    memset(k, 0, sizeof *k);
    conf_defaults(KIT_KEYS, COUNT(KIT_KEYS), k);
}

static int kit_end(const struct kit_read *r, int result, struct conf_errors *errors) {
    if (result != 0 && result != ERR_INVAL)
        return result;
    conf_missing(KIT_KEYS, COUNT(KIT_KEYS), &r->seen, NULL, errors);
    for (unsigned i = 0; i < r->kit->line_count; i++)
        check_line(&r->kit->lines[i], &r->lines_seen[i], errors);
    return errors->count > 0 ? ERR_INVAL : 0;
}

int kit_load(const char *path, struct kit *ret_kit, struct conf_errors *errors) {
    struct kit_read r;
    kit_begin(&r, ret_kit);
    conf_errors_init(errors, path);
    return kit_end(&r, conf_each(path, read_kit, &r, errors), errors);
}

int kit_load_text(const char *text, size_t len, struct kit *ret_kit, struct conf_errors *errors) {
    struct kit_read r;
    kit_begin(&r, ret_kit);
    return kit_end(&r, conf_each_text(text, len, read_kit, &r, errors), errors);
}

/* --- both ----------------------------------------------------------------------------------- */

static bool uart_takes(const struct board *board, unsigned pin) {
    for (const char *p = board->uart_pins; *p != '\0';) {
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
        .names = pin->names,
        .output = l->output,
        .active_low = l->active == KIT_LOW,
        .safe_active = l->safe == KIT_ON,
        .rest_active = l->rest == KIT_ON,
        .bias = (enum gpio_bias)l->bias,
        .debounce_us = l->filter == DEBOUNCE_STABLE ? (uint32_t)(l->debounce_ns / 1000) : 0,
    };
}

int board_resolve(const struct board *board, const struct kit *kit,
                  struct gpio_line lines[GPIO_LINES_MAX], struct conf_errors *errors) {
    if (strcmp(board->connector, kit->connector) != 0)
        conf_error(errors, 0, NULL, "kit %s fits connector %s, but board %s has %s", kit->id,
                   kit->connector, board->id, board->connector);
    if (kit->radar == KIT_RADAR_UART && board->uart[0] == '\0')
        conf_error(errors, 0, NULL, "the radar needs a UART, board %s names none", board->id);
    for (unsigned i = 0; i < kit->line_count; i++) {
        const struct kit_line *l = &kit->lines[i];
        const struct board_pin *pin = pin_numbered(board, l->pin);
        for (unsigned k = 0; k < i; k++)
            if (kit->lines[k].pin == l->pin)
                conf_error(errors, l->line, l->role, "pin %u is already %s", l->pin,
                           kit->lines[k].role);
        if (kit->radar == KIT_RADAR_UART && uart_takes(board, l->pin))
            conf_error(errors, l->line, l->role, "pin %u belongs to the radar's UART", l->pin);
        if (pin == NULL)
            conf_error(errors, l->line, l->role, "board %s has no GPIO on pin %u", board->id,
                       l->pin);
        else
            lines[i] = line_for(board, pin, l);
    }
    return errors->count > 0 ? ERR_INVAL : (int)kit->line_count;
}

const char *board_radar_device(const struct board *board, const struct kit *kit) {
    if (kit->radar == KIT_RADAR_NONE)
        return "";
    return kit->radar == KIT_RADAR_UART ? board->uart : kit->radar_device;
}

void board_explain(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                   unsigned count, FILE *out) {
    static const char *const BIAS[] = {"as is", "pull-up", "pull-down", "none"};
    static const char *const RELEASE[] = {
        "an output becomes an input when the daemon dies",
        "an output keeps its level when the daemon dies unless dtparam=strict_gpiod is set",
        "what an output does when the daemon dies is not known: fit the pull resistors"};
    fprintf(out, "board %s (%s), kit %s (%s)\n", board->id, board->name, kit->id, kit->name);
    fprintf(out, "%-4s %-16s %-4s %-18s %-5s %-12s %-5s %-10s %s\n", "pin", "role", "dir", "chip",
            "line", "names", "when", "bias", "at rest");
    for (unsigned i = 0; i < count; i++) {
        const struct gpio_line *l = &lines[i];
        fprintf(out, "%-4" PRIu32 " %-16s %-4s %-18s %-5u %-12s %-5s %-10s %s\n", kit->lines[i].pin,
                l->role, l->output ? "out" : "in", l->chip, l->offset, l->names,
                l->active_low ? "low" : "high", BIAS[l->bias],
                !l->output       ? "-"
                : l->safe_active ? "on"
                                 : "off");
    }
    fprintf(out, "%s\n", RELEASE[board->release]);
    const char *radar = board_radar_device(board, kit);
    if (radar[0] != '\0')
        fprintf(out, "radar on %s%s%s\n", radar,
                kit->radar == KIT_RADAR_UART && board->uart_needs[0] != '\0' ? ", needs " : "",
                kit->radar == KIT_RADAR_UART ? board->uart_needs : "");
}
