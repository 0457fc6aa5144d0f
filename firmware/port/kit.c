#include "kit.h"
#include "debounce.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIT(member) CONF_AT(struct kit, member)
#define LINE(member) CONF_AT(struct kit_line, member)
#define MOTION(member) CONF_AT(struct kit_motion, member)
#define LOOP(member) CONF_AT(struct kit_loop, member)

static const char *const MOTION_DRIVERS[] = {"lis3dh", "adxl345"}; /* enum kit_motion_driver */
static const char *const LOOP_DRIVERS[] = {"ads1115"};             /* enum kit_loop_driver */
static const char *const BATTERY_DRIVERS[] = {"none", "ina219"};   /* enum kit_battery_driver */

static const struct conf_key KIT_KEYS[] = {
    {"kit", "id", CONF_STR, KIT(id), 1, 0, NULL, NULL, NULL, "The file's name without .ini."},
    {"kit", "name", CONF_STR, KIT(name), 0, 0, "", NULL, NULL, "For people."},
    {"kit", "connector", CONF_STR, KIT(connector), 1, 0, NULL, NULL, NULL,
     "The connector that it fits: rpi-40, mikrobus."},
    {"radar", "driver", CONF_CHOICE, KIT(radar.driver), 0, 0, "ops243a", "ops243a|iq", NULL,
     "The kind of radar."},
    {"radar", "connect", CONF_CHOICE, KIT(radar.connect), 0, 0, "none", "none|usb|uart|audio", NULL,
     "How it is wired."},
    {"radar", "device", CONF_STR, KIT(radar.device), 0, 0, "", NULL, NULL,
     "usb: a path; audio: an ALSA device; uart: none, the board says."},
    {"battery", "driver", CONF_CHOICE, KIT(battery.driver), 0, 0, "none", "none|ina219", NULL,
     "The gauge's chip."},
    {"battery", "address", CONF_STR, KIT(battery.address_text), 0, 0, "0x40", NULL, NULL,
     "On the I2C bus."},
    {"battery", "shunt_mohm", CONF_U32, KIT(battery.shunt_mohm), 1, 10000, "100", NULL, "mOhm",
     "The resistor that the current runs through."},
    {"battery", "capacity_mah", CONF_U32, KIT(battery.capacity_mah), 100, 1000000, "20000", NULL,
     "mAh", "What a full battery holds."},
    {"battery", "kind", CONF_CHOICE, KIT(battery.kind), 0, 0, "lifepo4", "lifepo4|lead-acid|li-ion",
     NULL, "What it is made of."},
    {"battery", "nominal_mv", CONF_U32, KIT(battery.nominal_mv), 1000, 60000, "12800", NULL, "mV",
     "Its nominal voltage: 12800 for four LiFePO4 cells, 12000 for a lead battery."},
    {"gnss", "connect", CONF_CHOICE, KIT(gnss), 0, 0, "none", "none|gpsd", NULL,
     "Where positions come from."},
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
    {NULL, "max_on", CONF_DURATION, LINE(max_on_ns), 0, 86400000, "0", NULL, NULL,
     "Outputs: longest time on; 0: no limit."},
};

static const struct conf_key MOTION_KEYS[] = {
    {NULL, "driver", CONF_CHOICE, MOTION(driver), 0, 0, NULL, "lis3dh|adxl345", NULL,
     "lis3dh or adxl345."},
    {NULL, "address", CONF_STR, MOTION(address_text), 1, 0, NULL, NULL, NULL,
     "On the I2C bus, such as 0x19."},
    {NULL, "interrupt", CONF_STR, MOTION(interrupt), 1, 0, NULL, NULL, NULL,
     "The role of the [in] line that its interrupt drives."},
    {NULL, "lock", CONF_U32, MOTION(lock), 0, 16, "0", NULL, NULL,
     "The lock that it sits on; 0: all."},
};

static const struct conf_key LOOP_KEYS[] = {
    {NULL, "driver", CONF_CHOICE, LOOP(driver), 0, 0, NULL, "ads1115", NULL, "ads1115."},
    {NULL, "address", CONF_STR, LOOP(address_text), 1, 0, NULL, NULL, NULL,
     "On the I2C bus, such as 0x48."},
    {NULL, "channel", CONF_U32, LOOP(channel), 0, 3, NULL, NULL, NULL, "Input of the ADC, 0 to 3."},
    {NULL, "lock", CONF_U32, LOOP(lock), 1, 16, NULL, NULL, NULL, "The lock that it guards."},
    {NULL, "rest_mv", CONF_U32, LOOP(rest_mv), 1, 6000, NULL, NULL, "mV",
     "Voltage of the whole loop."},
    {NULL, "tolerance_mv", CONF_U32, LOOP(tolerance_mv), 1, 3000, "150", NULL, "mV",
     "How far it may be from that."},
};

/* What an output must state itself, and what only one direction has. */
static const struct {
    const char *key;
    bool output, required;
    const char *help;
} DIRECTIONS[] = {
    {"pin", false, true, "the number on the connector"},
    {"pin", true, true, "the number on the connector"},
    {"safe", true, true, "off or on, the state when nobody drives it"},
    {"external_pull", true, true, "up or down, the resistor on the kit that holds that state"},
    {"active", false, false, NULL},
    {"active", true, false, NULL},
    {"max_on", true, false, NULL},
    {"bias", false, false, NULL},
    {"debounce", false, false, NULL},
    {"filter", false, false, NULL},
    {"rest", false, false, NULL},
};

/* What a file may contain, for the reader who wrote something else. */
static const char SECTIONS[] =
    "kit, in ROLE, out ROLE, radar, motion N, end-of-line N, battery, gnss";

/* Outputs that trouble the neighbours when they stay on. */
static const char *const LOUD[] = {"siren", "strobe", "beacon"};

/* Addresses that the chips can be set to. */
struct addresses {
    const char *driver;
    uint8_t first, last, other;
};

static const struct addresses ADDRESSES[] = {
    {"lis3dh", 0x18, 0x19, 0},
    {"adxl345", 0x1d, 0x1d, 0x53},
    {"ads1115", 0x48, 0x4b, 0},
    {"ina219", 0x40, 0x4f, 0},
};

/* A section of a free number: "motion 2". */
struct numbered {
    const char *word;
    const struct conf_key *keys;
    size_t key_count;
};

static const struct numbered MOTIONS = {"motion", MOTION_KEYS, COUNT(MOTION_KEYS)};
static const struct numbered LOOPS = {"end-of-line", LOOP_KEYS, COUNT(LOOP_KEYS)};

struct kit_read {
    struct kit *kit;
    struct conf_seen seen, lines_seen[GPIO_LINES_MAX], motions_seen[KIT_MOTIONS_MAX],
        loops_seen[KIT_LOOPS_MAX];
};

/* "in loop-1" with prefix "in" gives "loop-1"; NULL if the section is another. */
static const char *section_word(const char *section, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(section, prefix, n) == 0 && section[n] == ' ' && section[n + 1] != '\0'
               ? section + n + 1
               : NULL;
}

/* --- lines ---------------------------------------------------------------------------------- */

static struct kit_line *line_of(struct kit_read *r, const char *role, bool output, int at,
                                struct conf_errors *errors) {
    struct kit *k = r->kit;
    for (unsigned i = 0; i < k->line_count; i++)
        if (strcmp(k->lines[i].role, role) == 0) {
            if (k->lines[i].output == output)
                return &k->lines[i];
            conf_error(errors, at, role,
                       "is an input and an output: give one of them another role");
            return NULL;
        }
    if (k->line_count == GPIO_LINES_MAX || strlen(role) > KIT_WORD_MAX) {
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

static void read_line(struct kit_read *r, const char *role, bool output,
                      const struct conf_item *item, struct conf_errors *errors) {
    struct kit_line *l = line_of(r, role, output, item->line, errors);
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

static bool is_loud(const char *role) {
    for (size_t i = 0; i < COUNT(LOUD); i++)
        if (strncmp(role, LOUD[i], strlen(LOUD[i])) == 0)
            return true;
    return false;
}

static void check_line(const struct kit_line *l, const struct conf_seen *seen,
                       struct conf_errors *errors) {
    for (size_t i = 0; i < COUNT(DIRECTIONS); i++)
        if (DIRECTIONS[i].required && DIRECTIONS[i].output == l->output &&
            !was_given(seen, DIRECTIONS[i].key))
            conf_error(errors, l->line, l->role, "%s: missing: %s", DIRECTIONS[i].key,
                       DIRECTIONS[i].help);
    if (!l->output)
        return;
    if (is_loud(l->role) && l->max_on_ns == 0)
        conf_error(errors, l->line, l->role,
                   "max_on: missing: how long it may sound or shine at most, such as 15 min");
    bool safe_high = (l->safe == KIT_ON) == (l->active == KIT_HIGH);
    if (l->external_pull != KIT_PULL_UNSTATED && safe_high != (l->external_pull == KIT_PULL_UP))
        conf_error(errors, l->line, l->role,
                   "external_pull works against the safe level: here it must be %s",
                   safe_high ? "up" : "down");
}

/* --- sensors -------------------------------------------------------------------------------- */

static bool small_number(const char *text, uint32_t *ret_number) {
    size_t n = strspn(text, "0123456789");
    *ret_number = (uint32_t)strtoul(text, NULL, 10);
    return n > 0 && n < 4 && text[n] == '\0' && *ret_number > 0;
}

static void read_motion(struct kit_read *r, uint32_t number, const struct conf_item *item,
                        struct conf_errors *errors) {
    struct kit *k = r->kit;
    unsigned i = 0;
    while (i < k->motion_count && k->motions[i].number != number)
        i++;
    if (i == KIT_MOTIONS_MAX) {
        conf_error(errors, item->line, NULL, "more than %d [motion N]", KIT_MOTIONS_MAX);
        return;
    }
    if (i == k->motion_count) {
        k->motion_count++;
        conf_defaults(MOTION_KEYS, COUNT(MOTION_KEYS), &k->motions[i]);
        k->motions[i].number = number;
        k->motions[i].line = item->line;
    }
    conf_set(MOTION_KEYS, COUNT(MOTION_KEYS), &k->motions[i], &r->motions_seen[i], item, errors);
}

static void read_loop(struct kit_read *r, uint32_t number, const struct conf_item *item,
                      struct conf_errors *errors) {
    struct kit *k = r->kit;
    unsigned i = 0;
    while (i < k->loop_count && k->loops[i].number != number)
        i++;
    if (i == KIT_LOOPS_MAX) {
        conf_error(errors, item->line, NULL, "more than %d [end-of-line N]", KIT_LOOPS_MAX);
        return;
    }
    if (i == k->loop_count) {
        k->loop_count++;
        conf_defaults(LOOP_KEYS, COUNT(LOOP_KEYS), &k->loops[i]);
        k->loops[i].number = number;
        k->loops[i].line = item->line;
    }
    conf_set(LOOP_KEYS, COUNT(LOOP_KEYS), &k->loops[i], &r->loops_seen[i], item, errors);
}

static bool number_of(const struct numbered *kind, const struct conf_item *item,
                      uint32_t *ret_number, struct conf_errors *errors) {
    const char *word = section_word(item->section, kind->word);
    if (small_number(word, ret_number))
        return true;
    conf_error(errors, item->line, item->name, "write [%s N] with N from 1 to 999", kind->word);
    return false;
}

/* "0x19", among those that the driver's chip can have. */
static uint8_t address_of(const char *driver, const char *text, int line, const char *what,
                          struct conf_errors *errors) {
    char *end;
    unsigned long v = strtoul(text, &end, 0);
    for (size_t i = 0; i < COUNT(ADDRESSES); i++) {
        const struct addresses *a = &ADDRESSES[i];
        if (strcmp(a->driver, driver) != 0)
            continue;
        if (*end == '\0' && v > 0 && ((v >= a->first && v <= a->last) || v == a->other))
            return (uint8_t)v;
        conf_error(errors, line, what,
                   a->other != 0 ? "address \"%s\": %s takes 0x%02x to 0x%02x, or 0x%02x"
                                 : "address \"%s\": %s takes 0x%02x to 0x%02x",
                   text, driver, a->first, a->last, a->other);
    }
    return 0;
}

unsigned kit_devices(const struct kit *kit, struct kit_device devices[KIT_DEVICES_MAX]) {
    unsigned n = 0;
    for (unsigned i = 0; i < kit->motion_count; i++, n++) {
        const struct kit_motion *m = &kit->motions[i];
        devices[n] = (struct kit_device){
            .driver = MOTION_DRIVERS[m->driver], .address = m->address, .line = m->line};
        snprintf(devices[n].what, sizeof devices[n].what, "motion %u", m->number);
    }
    for (unsigned i = 0; i < kit->loop_count; i++, n++) {
        const struct kit_loop *l = &kit->loops[i];
        devices[n] = (struct kit_device){
            .driver = LOOP_DRIVERS[l->driver], .address = l->address, .line = l->line};
        snprintf(devices[n].what, sizeof devices[n].what, "end-of-line %u", l->number);
    }
    if (kit->battery.driver != KIT_BATTERY_NONE) {
        devices[n] = (struct kit_device){"battery", BATTERY_DRIVERS[kit->battery.driver],
                                         kit->battery.address, kit->battery.line};
        n++;
    }
    return n;
}

static void check_addresses(struct kit *k, struct conf_errors *errors) {
    struct kit_device devices[KIT_DEVICES_MAX];
    for (unsigned i = 0; i < k->motion_count; i++) {
        struct kit_motion *m = &k->motions[i];
        m->address =
            address_of(MOTION_DRIVERS[m->driver], m->address_text, m->line, "motion", errors);
    }
    for (unsigned i = 0; i < k->loop_count; i++) {
        struct kit_loop *l = &k->loops[i];
        l->address =
            address_of(LOOP_DRIVERS[l->driver], l->address_text, l->line, "end-of-line", errors);
    }
    if (k->battery.driver != KIT_BATTERY_NONE)
        k->battery.address = address_of(BATTERY_DRIVERS[k->battery.driver], k->battery.address_text,
                                        k->battery.line, "battery", errors);
    unsigned n = kit_devices(k, devices);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            /* Two inputs of one ADC share its address. */
            if (devices[i].address != 0 && devices[i].address == devices[j].address &&
                (strcmp(devices[i].driver, "ads1115") != 0 ||
                 strcmp(devices[j].driver, "ads1115") != 0))
                conf_error(errors, devices[i].line, devices[i].what,
                           "address 0x%02x is already that of %s: set another on the chip",
                           devices[i].address, devices[j].what);
}

static void check_channels(const struct kit *k, struct conf_errors *errors) {
    for (unsigned i = 0; i < k->loop_count; i++) {
        const struct kit_loop *l = &k->loops[i];
        if (l->tolerance_mv >= l->rest_mv)
            conf_error(errors, l->line, "end-of-line",
                       "tolerance_mv must be below rest_mv: a shorted loop reads 0");
        for (unsigned j = 0; j < i; j++)
            if (l->address == k->loops[j].address && l->channel == k->loops[j].channel)
                conf_error(errors, l->line, "end-of-line",
                           "channel %u of 0x%02x is already that of end-of-line %u", l->channel,
                           l->address, k->loops[j].number);
    }
}

static void check_interrupts(const struct kit *k, struct conf_errors *errors) {
    for (unsigned i = 0; i < k->motion_count; i++) {
        const struct kit_motion *m = &k->motions[i];
        bool there = false;
        for (unsigned j = 0; j < k->line_count; j++)
            there = there || (!k->lines[j].output && strcmp(k->lines[j].role, m->interrupt) == 0);
        if (m->interrupt[0] != '\0' && !there)
            conf_error(errors, m->line, "motion",
                       "interrupt: no section [in %s] with its pin in this kit", m->interrupt);
        for (unsigned j = 0; j < i; j++)
            if (m->interrupt[0] != '\0' && strcmp(m->interrupt, k->motions[j].interrupt) == 0)
                conf_error(errors, m->line, "motion",
                           "interrupt: %s is already that of motion %u: give each its own line",
                           m->interrupt, k->motions[j].number);
    }
}

/* --- radar ---------------------------------------------------------------------------------- */

static void check_radar(const struct kit *k, struct conf_errors *errors) {
    const struct kit_radar *r = &k->radar;
    bool audio = r->connect == KIT_RADAR_AUDIO, named = r->device[0] != '\0';
    if (r->driver == KIT_IQ && !audio)
        conf_error(errors, 0, NULL, "[radar] driver iq listens to a sound card: connect = audio");
    else if (r->driver == KIT_OPS243A && audio)
        conf_error(errors, 0, NULL, "[radar] driver ops243a speaks on usb or uart, not on audio");
    if ((r->connect == KIT_RADAR_USB || audio) && !named)
        conf_error(errors, 0, NULL, "[radar] device: missing: %s",
                   audio ? "the ALSA device, such as hw:CARD=radar"
                         : "the path of the serial device");
    if (r->connect == KIT_RADAR_UART && named)
        conf_error(errors, 0, NULL, "[radar] device: leave it out, the board names its UART");
}

/* --- the file ------------------------------------------------------------------------------- */

static bool is_known(const char *section) {
    for (size_t i = 0; i < COUNT(KIT_KEYS); i++)
        if (strcmp(KIT_KEYS[i].section, section) == 0)
            return true;
    return false;
}

static void read_kit(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct kit_read *r = arg;
    const char *in = section_word(item->section, "in"), *out = section_word(item->section, "out");
    uint32_t number;
    if (in != NULL || out != NULL) {
        read_line(r, in != NULL ? in : out, out != NULL, item, errors);
    } else if (section_word(item->section, "motion") != NULL) {
        if (number_of(&MOTIONS, item, &number, errors))
            read_motion(r, number, item, errors);
    } else if (section_word(item->section, "end-of-line") != NULL) {
        if (number_of(&LOOPS, item, &number, errors))
            read_loop(r, number, item, errors);
    } else if (is_known(item->section)) {
        if (strcmp(item->section, "battery") == 0 && r->kit->battery.line == 0)
            r->kit->battery.line = item->line;
        conf_set(KIT_KEYS, COUNT(KIT_KEYS), r->kit, &r->seen, item, errors);
    } else {
        conf_error(errors, item->line, item->name, "unknown section [%s]: there are %s",
                   item->section, SECTIONS);
    }
}

static void kit_begin(struct kit_read *r, struct kit *k) {
    *r = (struct kit_read){.kit = k};
    memset(k, 0, sizeof *k);
    conf_defaults(KIT_KEYS, COUNT(KIT_KEYS), k);
}

static void numbered_missing(const struct numbered *kind, uint32_t number,
                             const struct conf_seen *seen, struct conf_errors *errors) {
    char where[32];
    snprintf(where, sizeof where, "%s %u", kind->word, number);
    conf_missing(kind->keys, kind->key_count, seen, where, errors);
}

static int kit_end(const struct kit_read *r, int result, struct conf_errors *errors) {
    struct kit *k = r->kit;
    if (result != 0 && result != ERR_INVAL)
        return result;
    conf_missing(KIT_KEYS, COUNT(KIT_KEYS), &r->seen, NULL, errors);
    for (unsigned i = 0; i < k->line_count; i++)
        check_line(&k->lines[i], &r->lines_seen[i], errors);
    for (unsigned i = 0; i < k->motion_count; i++)
        numbered_missing(&MOTIONS, k->motions[i].number, &r->motions_seen[i], errors);
    for (unsigned i = 0; i < k->loop_count; i++)
        numbered_missing(&LOOPS, k->loops[i].number, &r->loops_seen[i], errors);
    if (k->battery.line != 0 && k->battery.driver == KIT_BATTERY_NONE)
        conf_error(errors, k->battery.line, "battery", "driver: missing: ina219");
    check_radar(k, errors);
    if (errors->count == 0) {
        check_addresses(k, errors);
        check_channels(k, errors);
        check_interrupts(k, errors);
    }
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

unsigned kit_uses(const struct kit *kit) {
    unsigned uses = 1u << KIT_USE_ALWAYS;
    if (kit->radar.connect == KIT_RADAR_UART)
        uses |= 1u << KIT_USE_UART;
    if (kit->radar.connect == KIT_RADAR_AUDIO)
        uses |= 1u << KIT_USE_AUDIO;
    if (kit->motion_count + kit->loop_count > 0 || kit->battery.driver != KIT_BATTERY_NONE)
        uses |= 1u << KIT_USE_I2C;
    if (kit->gnss != KIT_GNSS_NONE)
        uses |= 1u << KIT_USE_GNSS;
    return uses;
}

const char *kit_use_name(enum kit_use use) {
    static const char *const NAMES[KIT_USES] = {"always", "uart", "i2c", "audio", "gnss"};
    return NAMES[use];
}
