/* ops243_line: what an OPS243-A says, line by line.
 *
 * Every shape of AN-010-AD and those seen in the field (reference: the table in
 * tests/port/ops243_line_test.c): plain, timed and human-timed reports, with or without units and
 * magnitudes, JSON with numbers quoted or not, alone or in arrays, object lines, alerts, settings,
 * reset banners, blank reports.  A line is classified by its keys, never by a substring.  Lines
 * that are not valid JSON where the manual's own are not (ALERT) are understood; half and merged
 * lines are refused unless a whole report can be read from the last brace on.
 *
 * Promises (tests/port/ops243_line_test.c, tests/fuzz/ops243_line_fuzz.c): no byte string crashes
 * or allocates; a refused line changes nothing; splitting does not depend on how bytes arrive.
 * Memory: the structs.  Threads: any.  Time: none.  Units: mm/s; magnitudes linear, rounded. */
#ifndef MOORWATCH_OPS243_LINE_H
#define MOORWATCH_OPS243_LINE_H

#include "err.h"
#include "radar.h"
#include <stddef.h>

enum { OPS243_LINE_MAX = 512, OPS243_WORD_MAX = 63 };

enum ops243_unit {
    OPS243_UNIT_NONE, /* not told */
    OPS243_UNIT_M_S,  /* the sensor's default */
    OPS243_UNIT_MPH,
    OPS243_UNIT_KM_H,
    OPS243_UNIT_FT_S,
    OPS243_UNIT_CM_S,
    OPS243_UNITS
};

enum ops243_kind {
    OPS243_BLANK,   /* nothing seen: empty, space, comma, a time alone, a zero speed */
    OPS243_SPEEDS,  /* targets */
    OPS243_FASTEST, /* object mode: one vehicle's DetectedObjectVelocity, told again if it grows */
    OPS243_OBJECT,  /* a vehicle that has passed, as the sensor saw it */
    OPS243_SETTING, /* key and value */
    OPS243_RESET,   /* the sensor has started anew */
    OPS243_NOTICE,  /* counts, alerts and other words that need no answer */
};

struct ops243_line {
    enum ops243_kind kind;
    enum ops243_unit unit; /* told in this line, or OPS243_UNIT_NONE */
    bool has_time;
    int64_t sensor_ms; /* the sensor's own clock: a cross-check only */
    unsigned count;    /* SPEEDS, FASTEST and OBJECT (1) */
    struct radar_target targets[RADAR_TARGETS_MAX];
    int64_t duration_ms;             /* OBJECT */
    char key[OPS243_WORD_MAX + 1];   /* SETTING, RESET, NOTICE */
    char value[OPS243_WORD_MAX + 1]; /* unquoted */
    char second[OPS243_WORD_MAX + 1],
        second_value[OPS243_WORD_MAX + 1]; /* SETTING: if there is one */
};

/* What must be known of earlier lines to read the next. */
struct ops243_context {
    enum ops243_unit unit; /* of numbers without one; OPS243_UNIT_NONE: m/s */
    bool timed;            /* reports carry a time: a number alone is a blank */
};

/* Reads one line (without its end).  Takes over into `context` what it tells of later lines.
 * ERR_BADMSG if not understood: both structs are then as they were. */
MUST int ops243_line_read(const char *line, size_t len, struct ops243_context *context,
                          struct ops243_line *ret_line);

/* True if these are the words of something that is no OPS243: a modem's (OK, ERROR, AT...) or a
 * GNSS receiver's ($GP...). */
bool ops243_line_foreign(const char *line, size_t len);

/* The unit named by a word ("mph", "kmph", "m-per-sec"); OPS243_UNIT_NONE if none. */
enum ops243_unit ops243_unit_named(const char *word, size_t len);

#endif
