/* sensor: an OPS243-A as its host sees it: takes commands, answers them, tells frames as lines.
 *
 * The dialogue and the shapes of lines are those of OmniPreSense AN-010-AD as far as the drivers
 * of this world rely on them: two characters act at once, commands with a number wait for CR or LF,
 * Ctrl-C drops what was begun, unknown commands are passed over in silence, answers are JSON lines
 * in the stream.  Settings of the output (JSON, magnitude, time, units) start switched off, as
 * after power-on; power is continuous.
 * Guarded by tests/tools/sensor_test.c.  Pure.  Memory: the struct.  Speeds: mm/s inside, as
 * told: m/s, km/h or mph to F digits, + inbound. */
#ifndef KITSIM_SENSOR_H
#define KITSIM_SENSOR_H

#include "sensor_text.h"
#include <stddef.h>

enum { SENSOR_COMMAND_MAX = 32, SENSOR_REPLY_MAX = 1024, SENSOR_LINE_MAX = 512 };

struct sensor {
    char serial[16];
    char command[SENSOR_COMMAND_MAX];
    unsigned command_len;
    struct sensor_text text; /* how frames are told */
    unsigned sampling_hz, samples;
    bool active, speed;
    double min_speed, min_magnitude; /* in the units of the commands */
    double inbound_degrees, outbound_degrees;
    double clock_s; /* what C= set, minus the time it was set at */
    uint32_t commands;
};

void sensor_init(struct sensor *o, const char *serial);
/* What the host wrote.  Answers are written to reply, terminated; returns their length.  What does
 * not fit is not answered. */
size_t sensor_hear(struct sensor *o, const char *bytes, size_t len, double now_s, char *reply,
                   size_t cap);
/* The lines, CR LF terminated, that tell a frame; 0 if the settings leave nothing to tell. */
size_t sensor_tell(const struct sensor *o, const struct radar_frame *frame, double now_s,
                   char *line, size_t cap);
/* Width of a frequency bin in mm/s, and the time a frame takes, by the sampling settings. */
double sensor_bin_mm_s(const struct sensor *o);
int64_t sensor_frame_ns(const struct sensor *o);

#endif
