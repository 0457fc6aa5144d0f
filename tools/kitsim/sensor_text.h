/* sensor_text: frames as text, in every shape that an OPS243-A tells them.
 *
 * The one place for it: the simulated sensor (sensor.h) and recorded scenes (kitsim radar) both
 * tell their frames with it.  Shapes as in OmniPreSense AN-010-AD: a line for each target, or one
 * JSON object whose numbers are quoted when alone and an array when there may be several. Guarded
 * by tests/tools/sensor_test.c.  Pure.  Memory: the caller's. */
#ifndef KITSIM_SENSOR_TEXT_H
#define KITSIM_SENSOR_TEXT_H

#include "radar.h"
#include <stddef.h>

struct sensor_text {
    char unit; /* M, C, F, K, S: the letter of the U command */
    unsigned digits;
    unsigned reports; /* targets told per frame */
    bool json, magnitude, time, units;
};

/* The lines, CR LF terminated, that tell the first of these targets; 0 if there are none. */
size_t sensor_text(const struct sensor_text *how, const struct radar_target *targets,
                   unsigned count, double time_s, char *lines, size_t cap);

/* Of a unit's letter; an unknown one is m/s. */
double sensor_unit_mm_s(char letter);
const char *sensor_unit_name(char letter); /* "m-per-sec", as U? answers */

/* Shapes by name: "plain", "timed", "weighed", "units", "json", "json-timed", "array".  False if
 * there is none. */
bool sensor_text_named(const char *name, struct sensor_text *ret_text);

#endif
