#include "sensor.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double WAVELENGTH_MM = 299792458.0 / 24.125e9 * 1000.0;

struct reply {
    char *text;
    size_t len, cap;
    double now_s;
};

__attribute__((format(printf, 2, 3))) static void say(struct reply *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(r->text + r->len, r->cap - r->len, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < r->cap - r->len)
        r->len += (size_t)n;
    r->text[r->len] = '\0';
}

double sensor_bin_mm_s(const struct sensor *o) {
    return (double)o->sampling_hz / o->samples * WAVELENGTH_MM / 2.0;
}

int64_t sensor_frame_ns(const struct sensor *o) {
    return (int64_t)o->samples * 1000000000 / (int64_t)o->sampling_hz;
}

void sensor_init(struct sensor *o, const char *serial) {
    *o = (struct sensor){.text = {.unit = 'M', .digits = 2, .reports = 1},
                         .sampling_hz = 10000,
                         .samples = 1024,
                         .active = true,
                         .speed = true,
                         .min_magnitude = 20};
    snprintf(o->serial, sizeof o->serial, "%s", serial);
}

static void do_ask(struct sensor *o, char what, struct reply *r) {
    bool all = what == '?';
    if (all || what == 'P')
        say(r, "{\"Product\":\"OPS243\"}\r\n");
    if (all || what == 'V')
        say(r, "{\"Version\":\"1.3.9\"}\r\n");
    if (all || what == 'N')
        say(r, "{\"SerialNumber\":\"%s\"}\r\n", o->serial);
    if (what == 'B')
        say(r, "{\"Build\":\"20251014\"}\r\n");
    if (what == 'R')
        say(r, "{\"Reset\":\"Power on\"}\r\n");
    if (!all)
        return;
    say(r, "{\"SamplingRate\":%u, \"resolution\":%.4f}\r\n{\"SampleSize\":%u}\r\n", o->sampling_hz,
        sensor_bin_mm_s(o) / 1000.0, o->samples);
    say(r, "{\"PowerMode\":\"%s\"}\r\n{\"Squelch\":\"%.0f\"}\r\n",
        o->active ? "Continuous" : "Idle", o->min_magnitude);
    say(r, "{\"RequiredMinSpeed\":\"%.3f\"}\r\n", o->min_speed);
}

static void do_units(struct sensor *o, char what, struct reply *r) {
    if (what != '?' && strchr("MCFKS", what) != NULL)
        o->text.unit = what;
    say(r, "{\"Units\":\"%s\"}\r\n", sensor_unit_name(o->text.unit));
}

static void do_precision(struct sensor *o, char what, struct reply *r) {
    if (what >= '0' && what <= '5')
        o->text.digits = (unsigned)(what - '0');
    say(r, "{\"Precision\":%u}\r\n", o->text.digits);
}

static void do_sampling(struct sensor *o, char what, struct reply *r) {
    static const struct {
        char what;
        unsigned hz, samples;
    } S[] = {{'I', 1000, 0},  {'V', 5000, 0},  {'X', 10000, 0},  {'1', 10000, 0},
             {'2', 20000, 0}, {'L', 50000, 0}, {'C', 100000, 0}, {'>', 0, 1024},
             {'<', 0, 512},   {'[', 0, 256},   {'(', 0, 128}};
    for (unsigned i = 0; i < sizeof S / sizeof *S; i++) {
        if (S[i].what != what)
            continue;
        o->sampling_hz = S[i].hz != 0 ? S[i].hz : o->sampling_hz;
        o->samples = S[i].samples != 0 ? S[i].samples : o->samples;
    }
    if (what == '?' || strchr("IVX12LC", what) != NULL)
        say(r, "{\"SamplingRate\":%u, \"resolution\":%.4f}\r\n", o->sampling_hz,
            sensor_bin_mm_s(o) / 1000.0);
    if (what == '?' || strchr("><[(", what) != NULL)
        say(r, "{\"SampleSize\":%u}\r\n", o->samples);
}

static void do_range(struct sensor *o, char what, struct reply *r) {
    if (what == '>')
        o->min_speed = atof(o->command + 2);
    say(r, "{\"RequiredMinSpeed\":\"%.3f\"}\r\n", o->min_speed);
}

static void do_magnitude(struct sensor *o, char what, struct reply *r) {
    if (what == '>')
        o->min_magnitude = atof(o->command + 2);
    say(r, "{\"Squelch\":\"%.0f\"}\r\n", o->min_magnitude);
}

static void do_output(struct sensor *o, char what, struct reply *r) {
    struct {
        char letter;
        bool *flag;
    } flags[] = {{'J', &o->text.json},
                 {'S', &o->speed},
                 {'M', &o->text.magnitude},
                 {'T', &o->text.time},
                 {'U', &o->text.units}};
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (what == flags[i].letter)
            *flags[i].flag = true;
        else if (what == flags[i].letter + ('a' - 'A'))
            *flags[i].flag = false;
        if (what == '?' && *flags[i].flag)
            say(r, "{\"OutputFeature\":\"%c\"}\r\n", flags[i].letter);
    }
    if (what == '=' || (what >= '1' && what <= '9')) {
        int n = what == '=' ? (int)strtol(o->command + 2, NULL, 10) : what - '0';
        o->text.reports = n >= 1 && n <= RADAR_TARGETS_MAX ? (unsigned)n : o->text.reports;
        say(r, "{\"NumReports\":%u}\r\n", o->text.reports);
    } else if (what != '?') {
        say(r, "{\"OutputFeature\":\"%c\"}\r\n", what);
    }
}

static void do_power(struct sensor *o, char what, struct reply *r) {
    if (what == 'A' || what == 'I')
        o->active = what == 'A';
    if (what == '!') {
        char serial[sizeof o->serial];
        memcpy(serial, o->serial, sizeof serial);
        sensor_init(o, serial);
        say(r, "{\"Reset\" : \"Board was reset.\"}\r\n");
        return;
    }
    say(r, "{\"PowerMode\":\"%s\"}\r\n", o->active ? "Continuous" : "Idle");
}

static void do_angle(struct sensor *o, char what, struct reply *r) {
    double degrees = atof(o->command + 3);
    if (what == '/' && o->command[2] == '+')
        o->inbound_degrees = degrees;
    else if (what == '/' && o->command[2] == '-')
        o->outbound_degrees = degrees;
    say(r, "{\"InboundSensorAngleDegrees\" : %.2f, \"OutboundSensorAngleDegrees\" : %.2f}\r\n",
        o->inbound_degrees, o->outbound_degrees);
}

static void do_clock(struct sensor *o, char what, struct reply *r) {
    if (what == '=')
        o->clock_s = floor(atof(o->command + 2)) - r->now_s;
    say(r, "{\"Clock\":\"%.0f\"}\r\n", floor(o->clock_s + r->now_s));
}

static const struct {
    char first;
    void (*act)(struct sensor *o, char second, struct reply *r);
    const char *with_number; /* second characters that wait for the end of the line */
} COMMANDS[] = {
    {'?', do_ask, ""},       {'U', do_units, ""},   {'F', do_precision, ""},
    {'S', do_sampling, "="}, {'R', do_range, "><"}, {'M', do_magnitude, "><"},
    {'O', do_output, "="},   {'P', do_power, ""},   {'^', do_angle, "/"},
    {'C', do_clock, "=Z"},
};
enum { COMMANDS_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

/* Of commands that are not acted on: these wait for the end of the line too. */
static bool wants_line(const struct sensor *o) {
    for (unsigned i = 0; i < COMMANDS_COUNT; i++)
        if (COMMANDS[i].first == o->command[0])
            return strchr(COMMANDS[i].with_number, o->command[1]) != NULL;
    return strchr("=<>", o->command[1]) != NULL;
}

static void act(struct sensor *o, struct reply *r) {
    o->command[o->command_len] = '\0';
    o->command_len = 0;
    o->commands++;
    for (unsigned i = 0; i < COMMANDS_COUNT; i++)
        if (COMMANDS[i].first == o->command[0])
            COMMANDS[i].act(o, o->command[1], r);
}

static void hear_one(struct sensor *o, char c, struct reply *r) {
    bool end = c == '\r' || c == '\n', line = o->command_len >= 2;
    if (c == 3) /* Ctrl-C */
        o->command_len = 0;
    else if (end && line)
        act(o, r);
    else if (end)
        o->command_len = 0;
    else if (o->command_len < SENSOR_COMMAND_MAX - 1)
        o->command[o->command_len++] = c;
    if (o->command_len == 2 && !wants_line(o))
        act(o, r);
}

size_t sensor_hear(struct sensor *o, const char *bytes, size_t len, double now_s, char *reply,
                   size_t cap) {
    struct reply r = {.text = reply, .cap = cap, .now_s = now_s};
    reply[0] = '\0';
    for (size_t i = 0; i < len; i++)
        hear_one(o, bytes[i], &r);
    return r.len;
}

/* The targets that pass the filters. */
static unsigned audible(const struct sensor *o, const struct radar_frame *frame,
                        struct radar_target ret_targets[RADAR_TARGETS_MAX]) {
    unsigned n = 0;
    double least_mm_s = o->min_speed * sensor_unit_mm_s(o->text.unit);
    for (unsigned i = 0; i < frame->count; i++)
        if (abs(frame->targets[i].speed_mm_s) > least_mm_s &&
            frame->targets[i].magnitude > o->min_magnitude)
            ret_targets[n++] = frame->targets[i];
    return n;
}

size_t sensor_tell(const struct sensor *o, const struct radar_frame *frame, double now_s,
                   char *line, size_t cap) {
    struct radar_target targets[RADAR_TARGETS_MAX];
    unsigned n = o->active && o->speed ? audible(o, frame, targets) : 0;
    return sensor_text(&o->text, targets, n, o->clock_s + now_s, line, cap);
}
