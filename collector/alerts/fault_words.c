#include "fault_words.h"
#include "err.h"
#include "event.h"
#include <stdbool.h>
#include <stdio.h>

static void error(int32_t detail, char *buf, size_t cap) {
    if (detail < 0)
        snprintf(buf, cap, "%s", err_text(detail));
}

static void silent(int32_t detail, char *buf, size_t cap) {
    if (detail == ERR_NODEV)
        snprintf(buf, cap, "the device is gone");
    else
        error(detail, buf, cap);
}

static void resets(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "%d time%s since the start", (int)detail, detail == 1 ? "" : "s");
}

static void setting(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "setting %d is not taken", (int)detail);
}

static void inputs(int32_t detail, char *buf, size_t cap) {
    if (detail == ERR_NODEV)
        snprintf(buf, cap, "the lines cannot be opened");
    else if (detail == ERR_INVAL)
        snprintf(buf, cap, "its board or kit file cannot be used");
    else if (detail > 0)
        snprintf(buf, cap, "line %d of the kit was on too long or bears a strange name",
                 (int)detail);
    else
        error(detail, buf, cap);
}

static void step(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "stepped by %.1f s", detail / 1000.0);
}

static void volts(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "%.2f V", detail / 1000.0);
}

static void wrong(int32_t detail, char *buf, size_t cap) {
    static const char *const WORDS[] = {
        [WRONG_TALKS] = "a modem or a receiver answers",
        [WRONG_MONO] = "the sound card hears one channel only: a stereo line input is needed",
        [WRONG_INPUT] = "the sound input does not suit the radar",
    };
    if (detail > 0 && detail <= WRONG_INPUT)
        snprintf(buf, cap, "%s", WORDS[detail]);
}

static void sensor(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "sensor at 0x%02x", (unsigned)detail);
}

static void days(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "%d day%s left", (int)detail, detail == 1 ? "" : "s");
}

static void power(int32_t detail, char *buf, size_t cap) {
    static const char *const WORDS[] = {"under voltage", "clock limited", "throttled", "hot"};
    size_t len = 0;
    for (unsigned i = 0; i < HEALTH_POWER_SINCE_BOOT; i++)
        if (((unsigned)detail >> i & 1) != 0 && len < cap)
            len += (size_t)snprintf(buf + len, cap - len, "%s%s", len > 0 ? ", " : "", WORDS[i]);
}

/* As enum gnss_verdict counts them. */
static void position(int32_t detail, char *buf, size_t cap) {
    static const char *const WORDS[] = {
        [2] = "nowhere on the globe",     [3] = "too vague",
        [4] = "moved faster than it can", [5] = "a date that cannot be",
        [6] = "a date 1,024 weeks off",   [7] = "the time jumped",
    };
    if (detail >= 2 && detail <= 7)
        snprintf(buf, cap, "%s", WORDS[detail]);
}

/* As enum radar_level counts them. */
static void level(int32_t detail, char *buf, size_t cap) {
    static const char *const WORDS[] = {
        [1] = "a channel carries no signal",
        [2] = "the signal clips: turn the gain down",
        [3] = "both channels carry the same: a stereo line input is needed",
    };
    if (detail >= 1 && detail <= 3)
        snprintf(buf, cap, "%s", WORDS[detail]);
}

static void disk(int32_t detail, char *buf, size_t cap) {
    snprintf(buf, cap, "%d MiB left", (int)detail);
}

void fault_words(uint8_t code, int32_t detail, char *buf, size_t cap) {
    static void (*const WORDS[])(int32_t detail, char *buf, size_t cap) = {
        [FAULT_RADAR_SILENT] = silent, [FAULT_RADAR_RESET] = resets, [FAULT_RADAR_CONFIG] = setting,
        [FAULT_STORAGE] = error,       [FAULT_GPIO] = inputs,        [FAULT_CLOCK_STEP] = step,
        [FAULT_BATTERY_LOW] = volts,   [FAULT_RADAR_WRONG] = wrong,  [FAULT_SENSOR] = sensor,
        [FAULT_BATTERY_SOON] = days,   [FAULT_POWER] = power,        [FAULT_GNSS] = position,
        [FAULT_RADAR_LEVEL] = level,   [FAULT_DISK_LOW] = disk,
    };
    buf[0] = '\0';
    if (detail != 0 && code < sizeof WORDS / sizeof WORDS[0] && WORDS[code] != NULL)
        WORDS[code](detail, buf, cap);
}
