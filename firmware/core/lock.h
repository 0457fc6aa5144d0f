/* lock: one alarmed padlock, from its loops and impacts to what must be told.
 *
 * Closed and left alone for arm_delay it sets itself; opened with the key it unsets.  While set: a
 * first impact is a pre-alarm (a chirp, told but ringing nobody), a second within the window is an
 * alarm with siren; a cut loop or tilt is tamper, with siren, at once; the loop whole and quiet
 * again is a restore.  While unset impacts are ignored and tamper is still told.  The siren stops
 * after siren_max whatever happens.  It needs no network.
 *
 * Promises (tests/core/lock_test.c): a state and an input give the same output always; siren time
 * never exceeds siren_max per activation; every edge that changes the state is told, the restore
 * too; repeats within `repeat_ns` are throttled, first edges never. Memory: the struct.  Threads:
 * the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_LOCK_H
#define MOORWATCH_LOCK_H

#include "event.h"
#include <stddef.h>

enum lock_input {
    LOCK_INPUT_SHACKLE, /* active: closed */
    LOCK_INPUT_LOOP,    /* active: whole; inactive: cut */
    LOCK_INPUT_TILT,    /* active: tilted or the case is open */
    LOCK_INPUT_IMPACT,  /* active: a knock (pulses) */
    LOCK_INPUT_KEY,     /* active: the key switch says unset */
    LOCK_INPUTS
};

struct lock_conf {
    int64_t arm_delay_ns;     /* closed to set */
    int64_t impact_window_ns; /* two impacts within it are an alarm */
    unsigned impacts;         /* how many */
    int64_t impact_dead_ns;   /* pulses closer than this are one knock */
    int64_t chirp_ns;         /* the siren's chirp on a pre-alarm; 0: silent */
    int64_t siren_max_ns;
    int64_t quiet_ns;  /* whole and quiet for so long: restored */
    int64_t repeat_ns; /* the same alarm again is told at most so often */
};

extern const struct lock_conf LOCK_DEFAULTS;

enum lock_phase {
    LOCK_PHASE_OPEN,
    LOCK_PHASE_ARMING,
    LOCK_PHASE_ARMED,
    LOCK_PHASE_PREALARM,
    LOCK_PHASE_ALARM,
    LOCK_PHASE_TAMPER
};

struct lock {
    struct lock_conf conf;
    enum lock_phase phase;
    uint8_t inputs; /* bit per enum lock_input */
    unsigned knocks;
    int64_t phase_ns; /* when the phase began */
    int64_t knock_ns, first_knock_ns, told_ns, trouble_ns;
    bool siren;
    int64_t siren_until_ns;
};

enum { LOCK_TELLS_MAX = 6 };

/* What one step wants done. */
struct lock_out {
    unsigned tells;                      /* how many of `tell` */
    enum lock_what tell[LOCK_TELLS_MAX]; /* in order */
    bool siren;                          /* the level wanted from now on */
    int64_t next_ns;                     /* call lock_tick by then; INT64_MAX: never */
};

/* `inputs` are the levels read at the start: a bit per enum lock_input. */
void lock_init(struct lock *l, const struct lock_conf *conf, uint8_t inputs, int64_t now_ns,
               struct lock_out *ret_out);
void lock_edge(struct lock *l, enum lock_input input, bool active, int64_t now_ns,
               struct lock_out *ret_out);
void lock_tick(struct lock *l, int64_t now_ns, struct lock_out *ret_out);

#endif
