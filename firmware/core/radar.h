/* radar: the seam between the daemon and a speed sensor.
 *
 * Whatever the sensor, it becomes frames: what was seen at one moment, strongest first.  Speeds are
 * radial, mm/s, positive towards the sensor; magnitudes are the sensor's own linear figure.
 *
 * Implementations: firmware/port/radar_ops243.c (tests/port/ops243_test.c); tests feed frames
 * directly.
 * Threads: the loop's.  Memory: taken at open. */
#ifndef MOORWATCH_RADAR_H
#define MOORWATCH_RADAR_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>

enum { RADAR_TARGETS_MAX = 16 };

struct radar_target {
    int32_t speed_mm_s; /* > 0 inbound, < 0 outbound */
    uint32_t magnitude; /* 0: the sensor did not say */
};

struct radar_frame {
    int64_t t_ns; /* middle of the capture, monotonic */
    unsigned count;
    struct radar_target targets[RADAR_TARGETS_MAX];
};

enum radar_state {
    RADAR_STARTING,
    RADAR_READY,
    RADAR_SILENT,  /* the device is there and says nothing */
    RADAR_GARBAGE, /* bytes that mean nothing */
    RADAR_GONE,    /* no device of that name */
    RADAR_MISSET,  /* it answers, and does not take a setting: radar_status.misset */
    RADAR_WRONG,   /* something else answers: a modem, a GNSS receiver */
};

/* How strong an analogue signal is: FAULT_RADAR_LEVEL, with this as its detail. */
enum radar_level {
    RADAR_LEVEL_GOOD,  /* or the sensor measures itself */
    RADAR_LEVEL_DEAD,  /* a channel carries nothing: cable, supply, gain */
    RADAR_LEVEL_CLIPS, /* beyond full scale: strengths and images are wrong */
    RADAR_LEVEL_MONO,  /* both channels carry the same: no direction */
};

struct radar_status {
    enum radar_state state;
    enum radar_level level;
    uint32_t lines, refused, resets;
    uint32_t lost;          /* frames that an overrun took: HEALTH_FRAMES_LOST */
    const char *advice;     /* for people: what is wrong and what to do; static; NULL: nothing */
    int32_t max_speed_mm_s; /* beyond it speeds fold: PASSAGE_SATURATED near it */
    bool sound, mono;       /* RADAR_WRONG: a sound input is unfit; for it has one channel */
    unsigned misset;        /* which setting, in the driver's own count; 0: none */
    const char *misset_name;
    char device[64]; /* the name that was opened last */
    char product[16], firmware[16], serial[24];
};

struct radar {
    void *ctx;
    int (*fd)(void *ctx); /* pollable; may change after a reconnect: ask again after each call */
    /* Does what is due at now_ns (reads bytes, re-configures, re-opens).  Returns the number of
     * frames written, at most cap, 0 if none wait.  Never blocks. */
    int (*step)(void *ctx, int64_t now_ns, struct radar_frame *frames, unsigned cap);
    int64_t (*next_ns)(void *ctx); /* call step again by then even without bytes */
    void (*status)(void *ctx, struct radar_status *ret_status);
    void (*close)(void *ctx);
};

#endif
