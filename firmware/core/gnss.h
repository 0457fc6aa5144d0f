/* gnss: whether a fix can be believed: where this unit is, and what time it is there.
 *
 * A receiver without sky says nothing: that is normal.  A receiver in trouble, or one that is being
 * fooled, says things that cannot be: the island at 0, 0; a mile since the last second; a date
 * before this program was made (also by the 1,024 weeks after which a receiver's week counter
 * begins anew); an error larger than the answer.  Such a fix is refused and counted, and a run of
 * them is a fault.  A unit that really has moved is believed once its new place has held for
 * GNSS_MOVED_FIXES.
 *
 * Time: the receiver's second arrives late by an unknown delay, never early, so that the earliest
 * of the last arrivals is the best; a pulse per second (PPS) takes the delay away.
 *
 * Promises (tests/core/gnss_test.c): pure; no refused fix moves the position or the time.
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot).  Angles: 1e-7 degrees,
 * WGS 84. */
#ifndef MOORWATCH_GNSS_H
#define MOORWATCH_GNSS_H

#include <stdbool.h>
#include <stdint.h>

/* What was heard of the receiver at one moment. */
struct gnss_fix {
    int64_t t_ns;    /* arrival, since boot */
    int mode;        /* 0, 1: none; 2: without height; 3: with */
    int64_t unix_ms; /* of the fix; 0: not said */
    bool pps;        /* t_ns is the moment of the second itself, by its pulse: time only */
    int32_t latitude_e7, longitude_e7;
    double error_m; /* horizontal, 95 %; 0: not said */
    double hdop;    /* 0: not said */
};

enum gnss_verdict {
    GNSS_GOOD,
    GNSS_NO_FIX,      /* normal: counted nowhere */
    GNSS_NOWHERE,     /* 0, 0, or outside of the globe */
    GNSS_VAGUE,       /* error or dilution too large */
    GNSS_JUMPED,      /* too far from the last one for the time between */
    GNSS_DATE,        /* before this program was made, or far beyond it */
    GNSS_ROLLOVER,    /* that, by a whole number of 1,024 weeks: an old receiver */
    GNSS_TIME_JUMPED, /* against the last one, by more than the time between */
    GNSS_VERDICTS
};
/* "good", "no fix", "moved faster than anything on wheels" ...: for the log; never NULL. */
const char *gnss_verdict_name(enum gnss_verdict verdict);

enum {
    GNSS_MOVED_FIXES = 20, /* a new place, or a new time, has to hold for so many */
    GNSS_FAULT_FIXES = 10, /* refused in a row: a fault */
    GNSS_CLEAR_FIXES = 30, /* good in a row: it has cleared */
    GNSS_POSITION_S = 300, /* a position is known for so long after its fix */
    GNSS_TIME_S = 120,     /* so is the time */
    GNSS_ARRIVALS = 16,
};

struct gnss_spot {
    int64_t t_ns;
    int32_t latitude_e7, longitude_e7;
    double error_m;
};

struct gnss {
    bool placed;
    struct gnss_spot spot;  /* the last good one */
    struct gnss_spot other; /* where refused fixes say we are */
    unsigned other_fixes;
    int64_t offset_ms[GNSS_ARRIVALS]; /* unix minus boot at each arrival; newest last */
    unsigned offsets;
    int64_t other_offset_ms;
    unsigned other_times;
    int64_t time_ns;                   /* of the newest */
    int64_t pulse_offset_ms, pulse_ns; /* pulse_ns 0: none */
    unsigned good_run, refused_run;
    bool fault;
    uint32_t refused;
    enum gnss_verdict last;
};

/* Takes what was heard; the verdict on it.  Start from a struct of zeros. */
enum gnss_verdict gnss_fix(struct gnss *g, const struct gnss_fix *fix);
/* The position, if one is known at that moment. */
bool gnss_position(const struct gnss *g, int64_t now_ns, struct gnss_spot *ret_spot);
/* The time of that moment by satellites, and how far it may be off; false if it is not known. */
bool gnss_time(const struct gnss *g, int64_t now_ns, int64_t *ret_unix_ms, uint32_t *ret_error_ms);
/* Metres between two places, on a sphere. */
double gnss_distance_m(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7, int32_t lon_b_e7);

#endif
