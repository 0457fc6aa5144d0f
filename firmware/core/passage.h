/* passage: radar frames to vehicles.
 *
 * A fixed table of tracks.  A target joins the track of its own sign whose *predicted* speed is
 * nearest (magnitude settles a tie); speed and magnitude that jump the way a leaving vehicle's
 * never do begin the next vehicle of a platoon, from the hit where they jumped; a track ends
 * after a silence and counts as a vehicle if it was seen often, long and smoothly enough and is
 * no tone, echo or image.  An ended track waits until every other that may be a part of the same
 * body (the cab and the trailer of a lorry) has ended too; one of them is told.  The speed reported
 * is the 90th percentile of its radial speeds.
 * Method, figures and limits: firmware/core/PASSAGE.md; measured by radarbench (tools/bench).
 *
 * Rooms: passage_track (hits to a track), passage_jump (the next vehicle took over), passage_judge
 * (vehicle or not), passage_body (one body or two), passage (frames, association, time).
 *
 * Promises (tests/core/passage_test.c, tests/sim/radar_test.c): the output depends on the frames
 * alone (not on how they were grouped into calls), a shift in time shifts the output, mirrored
 * signs give mirrored directions; at most PASSAGE_TRACKS vehicles at once, the rest is counted.
 * Memory: the struct, no heap.  Threads: the loop's.  Units: mm/s, ns. */
#ifndef MOORWATCH_PASSAGE_H
#define MOORWATCH_PASSAGE_H

#include "event.h"
#include "radar.h"

enum { PASSAGE_TRACKS = 16, PASSAGE_HITS_MAX = 256, PASSAGE_TONES = 4 };

struct passage_conf {
    int32_t min_speed_mm_s; /* slower targets are not vehicles */
    int32_t max_speed_mm_s; /* of the sensor: near it PASSAGE_SATURATED, at it refused */
    uint32_t min_magnitude;
    int32_t gate_mm_s;  /* at dt = 0 */
    int32_t gate_mm_s2; /* grows with the time since the last hit */
    int64_t
        silence_ns;    /* a track without a hit for so long, or four of its usual intervals, ends */
    unsigned min_hits; /* to count as a vehicle */
    int64_t min_duration_ns;
    int32_t min_travel_mm;  /* speed times duration */
    int32_t max_noise_mm_s; /* typical scatter beyond which it is rain, not a vehicle */
    int64_t long_ns;        /* PASSAGE_LONG from here */
};

extern const struct passage_conf PASSAGE_DEFAULTS;

/* Private to passage*.c: look, don't touch. */
struct passage_hit {
    int64_t t_ns;
    int32_t mm_s;    /* absolute */
    int32_t log_mag; /* log2 of the magnitude in 1/256; 0: the sensor did not say */
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

struct passage_track {
    bool used;
    bool ended; /* a vehicle that waits for the rest of its body, if there is one */
    int sign;
    int64_t first_ns, last_ns;
    int64_t masked_ns; /* silence explained by stronger targets of the other direction */
    int32_t level_mm_s, rate_mm_s2; /* filtered, at last_ns */
    int32_t log_mag, log_peak;      /* filtered; 0: never told */
    int64_t interval_ns;            /* between hits, filtered */
    int32_t noise_mm_s, noise_log;  /* typical scatter of single hits */
    uint32_t magnitude;             /* peak */
    unsigned age;                   /* hits in the filter */
    unsigned hits, shadowed;        /* all of it; those beside a stronger twin */
    unsigned beside;                /* those beside a stronger target of about the same speed */
    unsigned mirrored;              /* those that look like the image of another track */
    uint8_t flags;                  /* enum passage_flag */
    uint32_t company;               /* tracks (1 << index) of its direction beside it */
    unsigned kept, stride;          /* every stride'th hit is kept, so that any length fits */
    struct passage_hit hit[PASSAGE_HITS_MAX];
    struct passage_vehicle vehicle; /* once ended */
};

struct passage {
    struct passage_conf conf;
    struct passage_track tracks[PASSAGE_TRACKS];
    int64_t first_ns, last_ns; /* frames seen: the first, the newest */
    int64_t frame_ns;          /* usual time between frames, as learnt */
    bool begun;
    unsigned capacity; /* most targets seen in one frame: a full frame hides the rest */
    struct {
        int32_t mm_s;
        int64_t t_ns;
    } tones[PASSAGE_TONES]; /* the last tracks refused as tones, newest at tone_at - 1 */
    unsigned tone_at;
    uint32_t refused_targets; /* no room, or outside the limits */
    uint32_t refused_frames;  /* earlier than one already seen */
    uint32_t refused_tracks;  /* long enough, but tones, echoes, images or scatter */
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
