#include "ops243_setup.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MIN_SPEED_M_S = 2, DEFAULT_MIN_MAGNITUDE = 20 };

/* ---- what is set, in this order ---- */

static void command_plain(const struct ops243_setup *s, const char *text, char *buf) {
    (void)s;
    snprintf(buf, OPS243_COMMAND_MAX, "%s", text);
}

static void command_speed(const struct ops243_setup *s, const char *text, char *buf) {
    snprintf(buf, OPS243_COMMAND_MAX, "%s%d\r", text, (int)s->min_speed_m_s);
}

static void command_magnitude(const struct ops243_setup *s, const char *text, char *buf) {
    snprintf(buf, OPS243_COMMAND_MAX, "%s%u\r", text, (unsigned)s->min_magnitude);
}

static const struct command {
    const char *text;
    void (*make)(const struct ops243_setup *s, const char *text, char *buf);
} COMMANDS[] = {
    {"\003", command_plain}, /* Ctrl-C drops half a command */
    {"PI", command_plain},     {"UM", command_plain},
    {"F2", command_plain},     {"S2", command_plain},
    {"S>", command_plain},     {"X2", command_plain},
    {"R|", command_plain},     {"R>", command_speed},
    {"M>", command_magnitude}, {"K+", command_plain},
    {"^/+0\r", command_plain}, {"^/-0\r", command_plain},
    {"OJ", command_plain},     {"OS", command_plain},
    {"OM", command_plain},     {"OT", command_plain},
    {"OU", command_plain},     {"O=3\r", command_plain}, /* both of two vehicles in one frame */
    {"Ov", command_plain},                               /* by strength, not by speed */
    {"BZ", command_plain},                               /* a blank report is a sign of life */
    {"U?", command_plain},     {"R?", command_plain},
    {"M?", command_plain},     {"^?", command_plain},
    {"??", command_plain},
};
enum { COMMANDS_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

unsigned ops243_setup_commands(void) {
    return COMMANDS_COUNT;
}

void ops243_setup_command(const struct ops243_setup *s, unsigned index,
                          char ret_text[OPS243_COMMAND_MAX]) {
    COMMANDS[index].make(s, COMMANDS[index].text, ret_text);
}

void ops243_setup_init(struct ops243_setup *s, int32_t min_speed_mm_s, uint32_t min_magnitude) {
    *s = (struct ops243_setup){
        .min_speed_m_s = min_speed_mm_s >= 1000 ? min_speed_mm_s / 1000 : DEFAULT_MIN_SPEED_M_S,
        .min_magnitude = min_magnitude > 0 ? min_magnitude : DEFAULT_MIN_MAGNITUDE,
    };
    ops243_setup_forget(s);
}

void ops243_setup_forget(struct ops243_setup *s) {
    s->sampling_hz = s->samples = s->told_min_speed_mm_s = s->told_min_magnitude = -1;
    s->angle_in_mdeg = s->angle_out_mdeg = -1;
    s->unit = OPS243_UNIT_NONE;
}

/* ---- what it says ---- */

/* A decimal in thousandths; -1 if it is none. */
static int64_t milli(const char *text) {
    char *end;
    double value = strtod(text, &end);
    return end == text || !(value >= 0 && value < 1e12) ? -1 : (int64_t)(value * 1000 + 0.5);
}

static void told_one(struct ops243_setup *s, const char *key, const char *value) {
    const struct {
        const char *key;
        int64_t *to;
        int64_t unit; /* in thousandths */
    } told[] = {
        {"SamplingRate", &s->sampling_hz, 1000},
        {"SampleSize", &s->samples, 1000},
        {"RequiredMinSpeed", &s->told_min_speed_mm_s, 1},
        {"Squelch", &s->told_min_magnitude, 1000},
        {"InboundSensorAngleDegrees", &s->angle_in_mdeg, 1},
        {"OutboundSensorAngleDegrees", &s->angle_out_mdeg, 1},
    };
    for (unsigned i = 0; i < sizeof told / sizeof *told; i++)
        if (strcmp(key, told[i].key) == 0)
            *told[i].to = milli(value) / told[i].unit;
}

void ops243_setup_told(struct ops243_setup *s, const struct ops243_line *line) {
    if (line->unit != OPS243_UNIT_NONE)
        s->unit = line->unit;
    told_one(s, line->key, line->value);
    told_one(s, line->second, line->second_value);
}

bool ops243_setup_heard(const struct ops243_setup *s) {
    return s->sampling_hz >= 0;
}

static bool otherwise(int64_t told, int64_t want) {
    return told >= 0 && told != want;
}

enum ops243_setting ops243_setup_differs(const struct ops243_setup *s) {
    const struct {
        bool wrong;
        enum ops243_setting setting;
    } checks[] = {
        {s->unit != OPS243_UNIT_M_S, OPS243_SETTING_UNITS},
        {s->sampling_hz != OPS243_SAMPLING_HZ, OPS243_SETTING_SAMPLING},
        {otherwise(s->samples, OPS243_SAMPLES), OPS243_SETTING_SAMPLES},
        {otherwise(s->told_min_speed_mm_s, s->min_speed_m_s * 1000), OPS243_SETTING_MIN_SPEED},
        {otherwise(s->told_min_magnitude, s->min_magnitude), OPS243_SETTING_MIN_MAGNITUDE},
        {otherwise(s->angle_in_mdeg, 0) || otherwise(s->angle_out_mdeg, 0), OPS243_SETTING_ANGLE},
    };
    for (unsigned i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i].wrong)
            return checks[i].setting;
    return OPS243_SETTING_NONE;
}

const char *ops243_setting_name(enum ops243_setting setting) {
    static const char *const NAMES[OPS243_SETTINGS] = {
        [OPS243_SETTING_NONE] = "none",
        [OPS243_SETTING_UNITS] = "units",
        [OPS243_SETTING_SAMPLING] = "sampling rate",
        [OPS243_SETTING_SAMPLES] = "sample size",
        [OPS243_SETTING_MIN_SPEED] = "least speed",
        [OPS243_SETTING_MIN_MAGNITUDE] = "least magnitude",
        [OPS243_SETTING_ANGLE] = "angle correction",
    };
    return (unsigned)setting < OPS243_SETTINGS ? NAMES[setting] : "unknown";
}

int32_t ops243_max_speed_mm_s(int64_t sampling_hz) {
    return (int32_t)(sampling_hz * 124266 / 40000);
}
