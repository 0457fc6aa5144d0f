/* radar_watch: the radar as the daemon watches over it: its driver, its faults, its raw log.
 *
 * One fault at a time says what is the matter with it, and the journal what to do; a sensor that is
 * being started again has not come back yet.  With a raw log every line is kept (ops243_rawlog.h).
 * Guarded by tests/system/daemon_test.py.  Memory: the struct, and the driver's at open.
 * Threads: the loop's. */
#ifndef SPEEDWATCH_RADAR_WATCH_H
#define SPEEDWATCH_RADAR_WATCH_H

#include "ops243_rawlog.h"
#include "radar.h"
#include "unit.h"

struct radar_watch_conf {
    char device[UNIT_PATH_MAX + 1]; /* empty: as board and kit say */
    uint32_t baud;
    int32_t min_speed_mm_s;
    uint32_t min_magnitude;
    char rawlog[UNIT_PATH_MAX + 1]; /* empty: none */
    uint32_t rawlog_mib;
    uint32_t carrier_mhz; /* of a Doppler module on a sound card */
    bool swapped;         /* its channels have changed places */
};

struct radar_watch {
    struct radar radar;
    bool open, logging;
    struct radar_status status;
    struct clock clock;
    struct ops243_rawlog rawlog;
    int rawlog_err; /* as last said */
};

/* driver: enum kit_radar_driver.  Says why not in the journal. */
MUST int radar_watch_open(struct radar_watch *w, const struct radar_watch_conf *conf,
                          unsigned driver, const char *device);
/* The driver's step; `frames` as many as fit. */
int radar_watch_step(struct radar_watch *w, int64_t now_ns, struct radar_frame *frames,
                     unsigned cap);
/* Tells and clears faults.  True if the sensor was lost just now: what was in view is cut. */
bool radar_watch_faults(struct radar_watch *w, struct unit *u, int64_t now_ns);
/* When to call again. */
int64_t radar_watch_next(struct radar_watch *w, struct unit *u, int64_t now_ns);
/* The tracks were closed: a session began (its number), ended (0), or the sensor was lost (-1). */
void radar_watch_cut(struct radar_watch *w, int64_t t_ns, int64_t session);
void radar_watch_close(struct radar_watch *w);

#endif
