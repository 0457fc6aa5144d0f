/* lock: one alarmed padlock, from its loops and impacts to what must be told.
 *
 * Closed and left alone for arm_delay it sets itself; opened with the key it unsets.  While set: a
 * first impact is a pre-alarm (a chirp, told but ringing nobody), `impacts` of them within the
 * window are an alarm with siren; forced open is an alarm; a cut loop or tilt is tamper, with
 * siren, at once; whole and quiet again is a restore.  While unset impacts are ignored and tamper
 * is still told, without siren.  A daemon that starts on a closed lock sets it at once, and knows
 * by lock_word what the last one left, so that a restart opens no hole.  Sirens sound in bursts,
 * and no more than siren_max together until they have rested; a strobe goes on for strobe_max, or
 * until all is whole and quiet.  An accelerometer says what it makes of a motion (motion.h): an
 * attack is an alarm, what is doubtful a pre-alarm. A lock that learns its place (learn.h) tells
 * impacts and motions but makes no noise for them; tamper and force sound as ever.  It needs no
 * network.
 *
 * Promises (tests/core/lock_test.c): a state and an input give the same output always; siren time
 * never exceeds siren_max between two rests, whatever happens; every edge that changes the state
 * is told, the restore too; repeats within `repeat_ns` are throttled, first edges never; a step
 * that comes late gives what the steps in time would have given; over a restart what was begun is
 * ended (restored, siren off), what is forced meanwhile is an alarm, and siren_max holds.
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot). */
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
    LOCK_INPUT_SHORT,   /* active: an end-of-line loop is bridged (eol.h) */
    LOCK_INPUTS
};

enum { LOCK_IMPACTS_MAX = 8 };

struct lock_conf {
    uint8_t fitted;           /* bit per enum lock_input: what is not fitted never troubles; with
                                 no key switch the shackle opens only by key */
    int64_t arm_delay_ns;     /* closed to set */
    int64_t impact_window_ns; /* `impacts` within it are an alarm */
    unsigned impacts;         /* how many: 1 .. LOCK_IMPACTS_MAX */
    int64_t impact_dead_ns;   /* pulses within it of a knock are that knock */
    int64_t chirp_ns;         /* the siren's chirp on a pre-alarm; 0: silent */
    int64_t siren_burst_ns;   /* one trigger sounds so long */
    int64_t siren_max_ns;     /* all together, until silent for siren_rest_ns */
    int64_t siren_rest_ns;
    int64_t strobe_max_ns; /* from the newest trouble on; 0: until restored */
    int64_t quiet_ns;      /* whole and quiet for so long: restored */
    int64_t repeat_ns;     /* the same alarm again is told at most so often */
};

/* Shackle, loop, tilt and impact fitted; 30 s, 2 impacts in 5 s, 60 s of siren, at most 15 min. */
extern const struct lock_conf LOCK_DEFAULTS;

enum lock_phase { LOCK_PHASE_OPEN, LOCK_PHASE_ARMING, LOCK_PHASE_SET };

/* Look, don't touch. */
struct lock {
    struct lock_conf conf;
    enum lock_phase phase;
    uint8_t inputs;       /* bit per enum lock_input */
    uint8_t causes;       /* LOCK_CAUSE_* of the present trouble; 0: none */
    bool sounding, chirp; /* the siren, and whether it is only a chirp */
    bool strobe, learning;
    unsigned knocks;                    /* used of knock_ns */
    int64_t knock_ns[LOCK_IMPACTS_MAX]; /* newest first */
    int64_t set_ns;                     /* arming ends */
    int64_t trouble_ns;                 /* newest edge of the trouble */
    int64_t told_ns, prealarm_ns;       /* when an alarm, a pre-alarm was last told */
    int64_t siren_on_ns, siren_until_ns, siren_off_ns, siren_used_ns;
    int64_t strobe_until_ns;
};

enum { LOCK_TELLS_MAX = 12 };

/* What one step wants done. */
struct lock_out {
    unsigned tells;                      /* how many of `tell` */
    enum lock_what tell[LOCK_TELLS_MAX]; /* in order */
    uint8_t causes[LOCK_TELLS_MAX];      /* of each: LOCK_CAUSE_*, all of the present trouble */
    bool siren, strobe;                  /* the levels wanted from now on */
    int64_t next_ns;                     /* call lock_tick by then; INT64_MAX: never */
};

/* `inputs` are the levels read at the start: a bit per enum lock_input.  `was` is the lock_word of
 * the last life, 0 if there was none.  Set then and open now without the key: an alarm, forced
 * while nobody looked; with the key: unset, and told.  It sounded: the siren's end is told.  Its
 * trouble is told again and sounds again, within what is left of siren_max, if it still stands;
 * else it is told restored after quiet_ns.  A siren whose time was used counts as silent from this
 * start on. */
void lock_init(struct lock *l, const struct lock_conf *conf, uint8_t inputs, uint32_t was,
               int64_t now_ns, struct lock_out *ret_out);
/* What must outlive the daemon: keep it when it differs from the one kept. */
uint32_t lock_word(const struct lock *l);
void lock_edge(struct lock *l, enum lock_input input, bool active, int64_t now_ns,
               struct lock_out *ret_out);
/* What an accelerometer makes of a motion: an attack, or (not `attack`) perhaps one.  The cause is
 * LOCK_CAUSE_MOTION, or LOCK_CAUSE_TILT for a lock that was turned.  Only while it is set. */
void lock_motion(struct lock *l, bool attack, enum lock_cause cause, int64_t now_ns,
                 struct lock_out *ret_out);
/* Learning begins or ends. */
void lock_learn(struct lock *l, bool learning, int64_t now_ns, struct lock_out *ret_out);
void lock_tick(struct lock *l, int64_t now_ns, struct lock_out *ret_out);
/* Another lock with the same siren sounds, or did until now: that is no rest for this one either.
 * So locks that share siren_max between them keep it together. */
void lock_neighbour(struct lock *l, int64_t now_ns);

#endif
