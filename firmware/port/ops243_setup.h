/* ops243_setup: the settings an OPS243-A is given, and whether it has them.
 *
 * Volatile ones only: nothing here is written to the sensor's flash (never A! or AX).  Its own
 * angle correction is set to zero: the angle is corrected afterwards, from the site, so that raw
 * speeds stay raw.  20 ksps and 1024 samples reach 139 mph; X2 halves the step between speeds
 * (0.061 m/s) at no cost in time, so that a tuning fork can be told to half a percent. Guarded by
 * tests/port/ops243_test.c.  Pure.  Memory: the struct. */
#ifndef MOORWATCH_OPS243_SETUP_H
#define MOORWATCH_OPS243_SETUP_H

#include "ops243_line.h"

enum { OPS243_COMMAND_MAX = 24, OPS243_SAMPLING_HZ = 20000, OPS243_SAMPLES = 1024 };

/* What can differ from what was set. */
enum ops243_setting {
    OPS243_SETTING_NONE,
    OPS243_SETTING_UNITS,
    OPS243_SETTING_SAMPLING,
    OPS243_SETTING_SAMPLES,
    OPS243_SETTING_MIN_SPEED,
    OPS243_SETTING_MIN_MAGNITUDE,
    OPS243_SETTING_ANGLE,
    OPS243_SETTINGS
};

struct ops243_setup {
    int32_t min_speed_m_s;
    uint32_t min_magnitude;
    /* What the sensor has told; -1: nothing. */
    int64_t sampling_hz, samples, told_min_speed_mm_s, told_min_magnitude;
    int64_t angle_in_mdeg, angle_out_mdeg;
    enum ops243_unit unit;
};

/* 0: the sensor's usual least speed (2 m/s) and magnitude (20). */
void ops243_setup_init(struct ops243_setup *s, int32_t min_speed_mm_s, uint32_t min_magnitude);
/* Forgets what the sensor has told. */
void ops243_setup_forget(struct ops243_setup *s);
/* How many commands there are, and one of them, to be sent 100 ms apart. */
unsigned ops243_setup_commands(void);
void ops243_setup_command(const struct ops243_setup *s, unsigned index,
                          char ret_text[OPS243_COMMAND_MAX]);
/* Takes what an answer says. */
void ops243_setup_told(struct ops243_setup *s, const struct ops243_line *line);
/* True if it has answered at all. */
bool ops243_setup_heard(const struct ops243_setup *s);
/* The first setting that the sensor has not, or OPS243_SETTING_NONE.  Units and sampling must have
 * been told; the others must not have been told otherwise. */
enum ops243_setting ops243_setup_differs(const struct ops243_setup *s);
/* "units", "sampling rate"; "none". */
const char *ops243_setting_name(enum ops243_setting setting);

/* Half the rate is the largest Doppler shift; 24.125 GHz has a wavelength of 12.4266 mm. */
int32_t ops243_max_speed_mm_s(int64_t sampling_hz);

#endif
