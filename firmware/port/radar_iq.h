/* radar_iq: a K-LC class Doppler module on a sound card (or a recording of one), behind
 * core/radar.h.
 *
 * Samples from a source go through core/doppler into the same frames as the OPS243-A's.  A sound
 * card that is not there, goes or comes back is waited for with growing pauses (RADAR_GONE), also
 * one that cannot be used (RADAR_WRONG: mono); an overrun is counted as the frames it took; a
 * signal that is dead, clips or is the same on both channels is in the status (FAULT_RADAR_LEVEL),
 * and so are words for people.
 *
 * Promises (tests/port/radar_iq_test.c): step never blocks; memory is taken at open, but for what
 * alsa-lib takes when a card comes back; frames go forward in time.
 * Threads: the loop's.  Time: given; now_ns never steps back. */
#ifndef MOORWATCH_RADAR_IQ_H
#define MOORWATCH_RADAR_IQ_H

#include "iq_source.h"
#include "radar.h"

struct radar_iq_conf {
    const char *device;     /* "hw:1"; a path ("/...") is a recording, played as it was made */
    double carrier_hz;      /* 0: 24.125 GHz */
    bool swapped;           /* approaching reads as receding: I and Q have changed places */
    int32_t min_speed_mm_s; /* 0: 2 m/s */
    const struct iq_source_kind *source; /* NULL: as the device says; tests bring their own */
};

/* A device that is not there now is waited for.  ERR_INVAL (no device), ERR_TOOLONG, ERR_RANGE (a
 * carrier or speed outside what can be), ERR_NOMEM. */
MUST int radar_iq_open(const struct radar_iq_conf *conf, struct radar *ret_radar);

#endif
