/* kit: what is plugged on a board: its lines by connector pin, its radar, sensors, battery and
 * GNSS, from boards/kits/NAME.ini.
 *
 * A kit file names pins of a connector and devices on its buses and nothing of any board, so that
 * it fits every board with that connector (board.h joins the two; boards/README.md tells how to
 * write one).
 *
 * Promises (tests/port/board_test.c, tests/fuzz/board_fuzz.c): any bytes give a kit or a list of
 * errors with file:line and what to do; a kit that loads has safe outputs (each states its safe
 * level, the resistor that holds it, and sirens and beacons how long they may be on), radar driver
 * and connection that go together, no bus address twice, and interrupt roles that are inputs.
 * Memory: the caller's struct, no pointers in it.  Threads: any. */
#ifndef MOORWATCH_KIT_H
#define MOORWATCH_KIT_H

#include "conf.h"
#include "gpio.h"

enum {
    KIT_WORD_MAX = 31,
    KIT_TEXT_MAX = 127,
    KIT_MOTIONS_MAX = 8,
    KIT_LOOPS_MAX = 16,
};

struct kit_line {
    char role[KIT_WORD_MAX + 1];
    uint32_t pin;
    bool output;
    unsigned active;        /* KIT_HIGH, KIT_LOW */
    unsigned bias;          /* index in "as-is|pull-up|pull-down|none", = enum gpio_bias */
    unsigned rest;          /* KIT_OFF, KIT_ON: inputs: what the host board shows at first */
    unsigned safe;          /* KIT_OFF, KIT_ON */
    unsigned external_pull; /* KIT_PULL_*: outputs: the resistor on the kit */
    unsigned filter;        /* enum debounce_mode */
    int64_t debounce_ns;
    int64_t max_on_ns; /* outputs: longest time on without a pause; 0: no limit */
    int line;          /* where in the file */
};

enum { KIT_HIGH, KIT_LOW };
enum { KIT_OFF, KIT_ON };
enum { KIT_PULL_UNSTATED, KIT_PULL_DOWN, KIT_PULL_UP };

enum kit_radar_driver { KIT_OPS243A, KIT_IQ };
enum kit_radar_connect { KIT_RADAR_NONE, KIT_RADAR_USB, KIT_RADAR_UART, KIT_RADAR_AUDIO };

struct kit_radar {
    unsigned driver;  /* enum kit_radar_driver */
    unsigned connect; /* enum kit_radar_connect */
    char
        device[KIT_TEXT_MAX + 1]; /* usb: a path; audio: an ALSA device; uart: "", the board says */
};

/* An accelerometer, "[motion N]".  `lock`: the lock it sits on, counted from 1; 0: all of the hub.
 * `interrupt`: the role of an [in] line. */
enum kit_motion_driver { KIT_LIS3DH, KIT_ADXL345 };

struct kit_motion {
    uint32_t number; /* N */
    unsigned driver; /* enum kit_motion_driver */
    uint8_t address;
    char interrupt[KIT_WORD_MAX + 1];
    uint32_t lock;
    char address_text[8];
    int line;
};

/* A loop with a resistor at its end, read by an ADC, "[end-of-line N]".  Whole: rest_mv, give or
 * take tolerance_mv; else cut, shorted or bridged. */
enum kit_loop_driver { KIT_ADS1115 };

struct kit_loop {
    uint32_t number;
    unsigned driver; /* enum kit_loop_driver */
    uint8_t address;
    uint32_t channel, lock;
    uint32_t rest_mv, tolerance_mv;
    char address_text[8];
    int line;
};

enum kit_battery_driver { KIT_BATTERY_NONE, KIT_INA219 };

struct kit_battery {
    unsigned driver; /* enum kit_battery_driver */
    uint8_t address;
    uint32_t shunt_mohm, capacity_mah;
    unsigned kind; /* enum battery_kind of core/battery.h */
    uint32_t nominal_mv;
    char address_text[8];
    int line;
};

enum kit_gnss { KIT_GNSS_NONE, KIT_GNSS_GPSD };

struct kit {
    char id[KIT_WORD_MAX + 1], name[KIT_TEXT_MAX + 1], connector[KIT_WORD_MAX + 1];
    struct kit_radar radar;
    struct kit_line lines[GPIO_LINES_MAX];
    unsigned line_count;
    struct kit_motion motions[KIT_MOTIONS_MAX];
    unsigned motion_count;
    struct kit_loop loops[KIT_LOOPS_MAX];
    unsigned loop_count;
    struct kit_battery battery;
    unsigned gnss; /* enum kit_gnss */
};

/* What a kit uses of its board, as bits 1 << enum kit_use. */
enum kit_use { KIT_USE_ALWAYS, KIT_USE_UART, KIT_USE_I2C, KIT_USE_AUDIO, KIT_USE_GNSS, KIT_USES };

/* Reads one file.  Errors as conf_each gives them; *ret_kit holds what could be read. */
MUST int kit_load(const char *path, struct kit *ret_kit, struct conf_errors *errors);
MUST int kit_load_text(const char *text, size_t len, struct kit *ret_kit,
                       struct conf_errors *errors);

unsigned kit_uses(const struct kit *kit);
const char *kit_use_name(enum kit_use use);

/* Name, address and driver of each device on the kit's I2C bus, for those who list them. */
struct kit_device {
    char what[KIT_WORD_MAX + 16]; /* "motion 1" */
    const char *driver;
    uint8_t address;
    int line;
};
enum { KIT_DEVICES_MAX = KIT_MOTIONS_MAX + KIT_LOOPS_MAX + 1 };
unsigned kit_devices(const struct kit *kit, struct kit_device devices[KIT_DEVICES_MAX]);

#endif
