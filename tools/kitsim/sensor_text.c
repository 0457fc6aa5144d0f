#include "sensor_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct unit {
    char letter;
    const char *name, *brief;
    double mm_s;
};

static const struct unit UNITS[] = {
    {'M', "m-per-sec", "mps", 1000.0},      {'C', "cm-per-sec", "cmps", 10.0},
    {'F', "ft-per-sec", "fps", 304.8},      {'K', "km-per-hr", "kmph", 1000.0 / 3.6},
    {'S', "miles-per-hour", "mph", 447.04},
};

static const struct {
    const char *name;
    struct sensor_text text;
} SHAPES[] = {
    {"plain", {.unit = 'M', .digits = 2, .reports = 1}},
    {"timed", {.unit = 'M', .digits = 2, .reports = 1, .time = true}},
    {"weighed", {.unit = 'M', .digits = 2, .reports = 3, .time = true, .magnitude = true}},
    {"units", {.unit = 'S', .digits = 1, .reports = 3, .magnitude = true, .units = true}},
    {"json", {.unit = 'M', .digits = 2, .reports = 1, .json = true, .magnitude = true}},
    {"json-timed",
     {.unit = 'K',
      .digits = 2,
      .reports = 1,
      .json = true,
      .magnitude = true,
      .time = true,
      .units = true}},
    {"array", {.unit = 'M', .digits = 2, .reports = 3, .json = true, .magnitude = true}},
};
enum { SHAPES_COUNT = sizeof SHAPES / sizeof *SHAPES };

bool sensor_text_named(const char *name, struct sensor_text *ret_text) {
    for (unsigned i = 0; i < SHAPES_COUNT; i++)
        if (strcmp(SHAPES[i].name, name) == 0) {
            *ret_text = SHAPES[i].text;
            return true;
        }
    return false;
}

static const struct unit *unit_of(char letter) {
    for (unsigned i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
        if (UNITS[i].letter == letter)
            return &UNITS[i];
    return &UNITS[0];
}

double sensor_unit_mm_s(char letter) {
    return unit_of(letter)->mm_s;
}

const char *sensor_unit_name(char letter) {
    return unit_of(letter)->name;
}

struct out {
    char *text;
    size_t len, cap;
};

__attribute__((format(printf, 2, 3))) static void say(struct out *o, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->text + o->len, o->cap - o->len, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < o->cap - o->len)
        o->len += (size_t)n;
    o->text[o->len] = '\0';
}

static double figure(const struct sensor_text *how, const struct radar_target *t, bool speed) {
    return speed ? t->speed_mm_s / unit_of(how->unit)->mm_s : (double)t->magnitude;
}

static void say_member(const struct sensor_text *how, const struct radar_target *targets,
                       unsigned n, bool speed, struct out *o) {
    say(o, "%s\"%s\":%s", o->text[o->len - 1] == '{' ? "" : ", ", speed ? "speed" : "magnitude",
        how->reports > 1 ? "[" : "\"");
    for (unsigned i = 0; i < n; i++)
        say(o, "%s%.*f", i > 0 ? ", " : "", (int)how->digits, figure(how, &targets[i], speed));
    say(o, "%s", how->reports > 1 ? "]" : "\"");
}

static void say_json(const struct sensor_text *how, const struct radar_target *targets, unsigned n,
                     double time_s, struct out *o) {
    say(o, "{");
    if (how->time)
        say(o, "\"time\" : \"%.3f\"", time_s);
    if (how->units)
        say(o, "%s\"unit\" : \"%s\"", how->time ? ", " : "", unit_of(how->unit)->brief);
    if (how->magnitude)
        say_member(how, targets, n, false, o);
    say_member(how, targets, n, true, o);
    say(o, "}\r\n");
}

static void say_plain(const struct sensor_text *how, const struct radar_target *target,
                      double time_s, struct out *o) {
    if (how->time)
        say(o, "%.3f,", time_s);
    if (how->units)
        say(o, "\"%s\",", unit_of(how->unit)->brief);
    if (how->magnitude)
        say(o, "%.0f,", figure(how, target, false));
    say(o, "%.*f\r\n", (int)how->digits, figure(how, target, true));
}

size_t sensor_text(const struct sensor_text *how, const struct radar_target *targets,
                   unsigned count, double time_s, char *lines, size_t cap) {
    struct out o = {.text = lines, .cap = cap};
    unsigned n = count < how->reports ? count : how->reports;
    lines[0] = '\0';
    if (how->json && n > 0)
        say_json(how, targets, n, time_s, &o);
    for (unsigned i = 0; i < n && !how->json; i++)
        say_plain(how, &targets[i], time_s, &o);
    return o.len;
}
