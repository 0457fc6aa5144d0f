#include "unit_measure.h"
#include "event.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, WEAKEST_DBM = -150 };

/* The beginning of the file, as text; false if there is none. */
static bool read_text(const char *path, char *text, size_t cap) {
    int fd = path[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool to_number(const char *text, long *ret_value) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text)
        return false;
    *ret_value = value;
    return true;
}

static bool read_number(const char *path, long *ret_value) {
    char text[TEXT_MAX];
    return read_text(path, text, sizeof text) && to_number(text, ret_value);
}

uint16_t unit_measure_battery_mv(const char *path) {
    long mv;
    return read_number(path, &mv) && mv > 0 && mv <= UINT16_MAX ? (uint16_t)mv : 0;
}

int16_t unit_measure_temperature_c10(const char *path) {
    long mc;
    bool good = read_number(path, &mc) && mc >= -60000 && mc <= 150000;
    return (int16_t)(good ? mc / 100 : INT16_MIN);
}

/* Two lines of heading, then "wlan0: 0000   54.  -56.  -256 ...": status, link, level. */
static bool wireless_level(const char *text, long *ret_dbm) {
    const char *colon = strchr(text, ':');
    char level[16];
    return colon != NULL && sscanf(colon + 1, "%*s %*s %15s", level) == 1 &&
           to_number(level, ret_dbm);
}

int16_t unit_measure_signal_dbm(const char *path) {
    char text[TEXT_MAX];
    long dbm;
    if (!read_text(path, text, sizeof text) ||
        (!to_number(text, &dbm) && !wireless_level(text, &dbm)))
        return 0;
    return dbm < 0 && dbm >= WEAKEST_DBM ? (int16_t)dbm : 0;
}

uint8_t unit_measure_power(const char *path) {
    char text[TEXT_MAX], *end;
    if (!read_text(path, text, sizeof text))
        return 0;
    unsigned long bits = strtoul(text, &end, 16);
    return (uint8_t)(end == text ? 0
                                 : (bits & 0xf) | (bits >> 16 & 0xf) << HEALTH_POWER_SINCE_BOOT);
}

int64_t unit_measure_free_mib(const char *directory) {
    struct statvfs fs;
    if (statvfs(directory, &fs) != 0)
        return -1;
    return (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize >> 20);
}
