/* passage: radar frames to vehicles.
 *
 * A fixed table of tracks.  A target joins the track of its own sign whose *predicted* speed is
 * nearest (gate 1.0 m/s + 1.0 m/s per second); a magnitude that collapses while the speed jumps
 * back begins a new vehicle of a platoon; a track closes after a silence and counts as a vehicle if
 * it was seen often and long enough.  The speed reported is the 90th percentile of its radial
 * speeds. Method and figures: firmware/core/README.md; measured by tools/bench radar.
 *
 * Promises (tests/core/passage_test.c, tests/sim/radar_test.c): the output depends on the frames
 * alone (not on how they were grouped into calls), a shift in time shifts the output, mirrored
 * signs give mirrored directions; at most PASSAGE_TRACKS vehicles at once, the rest is counted.
 * Memory: the struct, no heap.  Threads: the loop's.  Units: mm/s, ns. */
#ifndef MOORWATCH_PASSAGE_H
#define MOORWATCH_PASSAGE_H

#include "event.h"
#include "radar.h"

enum { PASSAGE_TRACKS = 8, PASSAGE_HITS_MAX = 256 };

struct passage_conf {
    int32_t min_speed_mm_s; /* slower targets are not vehicles */
    int32_t max_speed_mm_s; /* of the sensor: near it PASSAGE_SATURATED, at it refused */
    uint32_t min_magnitude;
    int32_t gate_mm_s;  /* at dt = 0 */
    int32_t gate_mm_s2; /* grows with the time since the last hit */
    int64_t silence_ns; /* a track without a hit for so long is closed */
    unsigned min_hits;  /* to count as a vehicle */
    int64_t min_duration_ns;
    int64_t long_ns; /* PASSAGE_LONG from here */
};

extern const struct passage_conf PASSAGE_DEFAULTS;

/* Private to passage.c: look, don't touch. */
struct passage_track {
    bool used;
    int sign;
    int64_t first_ns, last_ns;
    int32_t last_mm_s, rate_mm_s2;
    uint32_t magnitude_peak, magnitude_last;
    int32_t low_mm_s; /* slowest since the peak of magnitude */
    unsigned hits;
    uint8_t flags;
    uint16_t kept;
    int32_t speeds[PASSAGE_HITS_MAX]; /* mm/s, absolute, as they came */
    uint32_t magnitudes[PASSAGE_HITS_MAX];
};

struct passage {
    struct passage_conf conf;
    struct passage_track tracks[PASSAGE_TRACKS];
    uint32_t refused_targets; /* no room, or outside the limits */
};

/* One vehicle, in the units of the sensor's side. */
struct passage_vehicle {
    int64_t first_ns, last_ns;
    enum direction direction;
    int32_t speed_mm_s; /* p90 */
    int32_t max_mm_s, median_mm_s;
    uint32_t magnitude; /* peak */
    unsigned hits;
    enum passage_quality quality;
    uint8_t flags; /* enum passage_flag */
};

void passage_init(struct passage *p, const struct passage_conf *conf);
/* Feeds one frame (frames in order of time; an earlier one is refused and counted).  Vehicles that
 * ended by frame->t_ns are written; returns how many, at most PASSAGE_TRACKS. */
unsigned passage_frame(struct passage *p, const struct radar_frame *frame,
                       struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]);
/* Lets time pass without a frame: closes what has fallen silent by now_ns. */
unsigned passage_tick(struct passage *p, int64_t now_ns,
                      struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]);
/* Closes every track now: the session ends. */
unsigned passage_flush(struct passage *p, struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]);

/* The vehicle as the wire tells it: speed floored to 0.1 mph (1 mph = 447.04 mm/s), duration to 0.1
 * s, magnitude to whole dB (20 log10); t_ms = first_ns in milliseconds, floored to 10. */
void passage_event(const struct passage_vehicle *vehicle, struct event *ret_event);

#endif
