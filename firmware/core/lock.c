#include "lock.h"
#include <assert.h>
#include <string.h>

#define SECONDS INT64_C(1000000000)
#define BIT(input) (1u << (input))

/* Far enough back to be out of every window, near enough that differences cannot overflow. */
static const int64_t LONG_AGO_NS = INT64_MIN / 4;
static const int64_t NEVER_NS = INT64_MAX;

/* What a place has of its own, and a lock learns: no noise is made for it meanwhile. */
static const unsigned LEARNT = LOCK_CAUSE_IMPACT | LOCK_CAUSE_MOTION;

/* Inputs whose level is trouble as long as it stands. */
static const struct {
    enum lock_input input;
    bool active;
    enum lock_cause cause;
} TAMPERS[] = {
    {LOCK_INPUT_LOOP, false, LOCK_CAUSE_LOOP},
    {LOCK_INPUT_TILT, true, LOCK_CAUSE_TILT},
    {LOCK_INPUT_SHORT, true, LOCK_CAUSE_SHORT},
};
enum { TAMPERS_COUNT = sizeof TAMPERS / sizeof TAMPERS[0] };

/* lock_word: causes in the lowest byte, then these, then the siren time used, in parts of
 * siren_max rounded up: coarse, so that chirps rarely change it. */
enum { WAS_CAUSES = 0x3F, WAS_SET = 0x100, WAS_SOUNDING = 0x200, WAS_STROBE = 0x400 };
enum { WAS_USED_SHIFT = 16, USED_PARTS = 16 };

const struct lock_conf LOCK_DEFAULTS = {
    .fitted = BIT(LOCK_INPUT_SHACKLE) | BIT(LOCK_INPUT_LOOP) | BIT(LOCK_INPUT_TILT) |
              BIT(LOCK_INPUT_IMPACT),
    .arm_delay_ns = 30 * SECONDS,
    .impact_window_ns = 5 * SECONDS,
    .impacts = 2,
    .impact_dead_ns = SECONDS / 5,
    .chirp_ns = SECONDS / 2,
    .siren_burst_ns = 60 * SECONDS,
    .siren_max_ns = 900 * SECONDS,
    .siren_rest_ns = 3600 * SECONDS,
    .strobe_max_ns = 0,
    .quiet_ns = 60 * SECONDS,
    .repeat_ns = 300 * SECONDS,
};

static bool is(const struct lock *l, enum lock_input input) {
    return (l->inputs & BIT(input)) != 0;
}

static bool fitted(const struct lock *l, enum lock_input input) {
    return (l->conf.fitted & BIT(input)) != 0;
}

static void tell_why(struct lock_out *out, enum lock_what what, unsigned causes) {
    assert(out->tells < LOCK_TELLS_MAX);
    out->causes[out->tells] = (uint8_t)causes;
    out->tell[out->tells++] = what;
}

static void tell(struct lock_out *out, enum lock_what what) {
    tell_why(out, what, 0);
}

/* Opened, or to be opened, by somebody who has the key. */
static bool unset_wanted(const struct lock *l) {
    return is(l, LOCK_INPUT_KEY) || (!is(l, LOCK_INPUT_SHACKLE) && !fitted(l, LOCK_INPUT_KEY));
}

/* The causes that last as long as a level does. */
static unsigned causes_now(const struct lock *l) {
    unsigned causes = 0;
    for (unsigned i = 0; i < TAMPERS_COUNT; i++)
        if (is(l, TAMPERS[i].input) == TAMPERS[i].active)
            causes |= TAMPERS[i].cause;
    if (l->phase == LOCK_PHASE_SET && !is(l, LOCK_INPUT_SHACKLE))
        causes |= LOCK_CAUSE_SHACKLE;
    return causes;
}

/* --- siren and strobe ----------------------------------------------------------------------- */

static void siren_stop(struct lock *l, int64_t now_ns, struct lock_out *out) {
    if (!l->sounding)
        return;
    l->sounding = false;
    l->siren_used_ns += now_ns - l->siren_on_ns;
    l->siren_off_ns = now_ns;
    if (!l->chirp)
        tell(out, LOCK_SIREN_OFF);
}

static void siren_start(struct lock *l, int64_t length_ns, bool chirp, int64_t now_ns,
                        struct lock_out *out) {
    if (l->sounding && (chirp || !l->chirp))
        return;
    siren_stop(l, now_ns, out);
    int64_t room_ns = l->conf.siren_max_ns - l->siren_used_ns;
    if (length_ns > room_ns)
        length_ns = room_ns;
    if (length_ns <= 0)
        return;
    l->sounding = true;
    l->chirp = chirp;
    l->siren_on_ns = now_ns;
    l->siren_until_ns = now_ns + length_ns;
    if (!chirp)
        tell_why(out, LOCK_SIREN_ON, l->causes);
}

static void strobe_start(struct lock *l, int64_t now_ns) {
    l->strobe = true;
    l->strobe_until_ns = l->conf.strobe_max_ns > 0 ? now_ns + l->conf.strobe_max_ns : NEVER_NS;
}

/* --- trouble -------------------------------------------------------------------------------- */

static void trouble(struct lock *l, enum lock_cause cause, enum lock_what what, int64_t now_ns,
                    struct lock_out *out) {
    l->trouble_ns = now_ns;
    if ((l->causes & cause) == 0 || now_ns - l->told_ns >= l->conf.repeat_ns) {
        l->causes |= (uint8_t)cause;
        l->told_ns = now_ns;
        tell_why(out, what, l->causes);
    }
    if (l->phase != LOCK_PHASE_SET || (l->learning && (cause & LEARNT) != 0))
        return;
    strobe_start(l, now_ns);
    siren_start(l, l->conf.siren_burst_ns, false, now_ns, out);
}

static void prealarm(struct lock *l, enum lock_cause cause, int64_t now_ns, struct lock_out *out) {
    if (now_ns - l->prealarm_ns >= l->conf.repeat_ns) {
        tell_why(out, LOCK_PREALARM, cause);
        l->prealarm_ns = now_ns;
    }
    if (!l->learning)
        siren_start(l, l->conf.chirp_ns, true, now_ns, out);
}

static void restore(struct lock *l, int64_t now_ns, struct lock_out *out) {
    siren_stop(l, now_ns, out);
    l->strobe = false;
    tell_why(out, LOCK_RESTORED, l->causes);
    l->causes = 0;
    l->knocks = 0;
}

static bool knocked_often(const struct lock *l) {
    unsigned n = l->conf.impacts;
    return l->knocks >= n && l->knock_ns[0] - l->knock_ns[n - 1] <= l->conf.impact_window_ns;
}

static void knock(struct lock *l, int64_t now_ns, struct lock_out *out) {
    if (l->phase != LOCK_PHASE_SET ||
        (l->knocks > 0 && now_ns - l->knock_ns[0] < l->conf.impact_dead_ns))
        return;
    memmove(l->knock_ns + 1, l->knock_ns, (LOCK_IMPACTS_MAX - 1) * sizeof l->knock_ns[0]);
    l->knock_ns[0] = now_ns;
    if (l->knocks < LOCK_IMPACTS_MAX)
        l->knocks++;
    if (l->causes != 0)
        l->trouble_ns = now_ns;
    if (knocked_often(l))
        trouble(l, LOCK_CAUSE_IMPACT, LOCK_ALARM, now_ns, out);
    else if (l->causes == 0)
        prealarm(l, LOCK_CAUSE_IMPACT, now_ns, out);
}

/* --- set and unset -------------------------------------------------------------------------- */

static void set(struct lock *l, struct lock_out *out) {
    l->phase = LOCK_PHASE_SET;
    l->knocks = 0;
    l->prealarm_ns = LONG_AGO_NS;
    tell(out, LOCK_SET);
}

/* Whoever has the key has ended it: what remains wrong stays trouble, without siren. */
static void unset(struct lock *l, int64_t now_ns, struct lock_out *out) {
    bool was_set = l->phase == LOCK_PHASE_SET;
    l->phase = LOCK_PHASE_OPEN;
    l->strobe = false;
    siren_stop(l, now_ns, out);
    if (was_set)
        tell(out, LOCK_UNSET);
    if (l->causes != 0 && causes_now(l) == 0)
        restore(l, now_ns, out);
}

/* Settles set and unset after the shackle or the key moved. */
static void settle(struct lock *l, int64_t now_ns, struct lock_out *out) {
    if (unset_wanted(l)) {
        unset(l, now_ns, out);
    } else if (l->phase == LOCK_PHASE_SET) {
        if (!is(l, LOCK_INPUT_SHACKLE))
            trouble(l, LOCK_CAUSE_SHACKLE, LOCK_ALARM, now_ns, out);
    } else if (!is(l, LOCK_INPUT_SHACKLE)) {
        l->phase = LOCK_PHASE_OPEN;
    } else if (l->phase == LOCK_PHASE_OPEN) {
        l->phase = LOCK_PHASE_ARMING;
        l->set_ns = now_ns + l->conf.arm_delay_ns;
    }
}

/* --- time ----------------------------------------------------------------------------------- */

static int64_t restore_due(const struct lock *l) {
    return l->causes != 0 && causes_now(l) == 0 ? l->trouble_ns + l->conf.quiet_ns : NEVER_NS;
}

/* The siren has rested: its time is whole again. */
static int64_t rested_due(const struct lock *l) {
    return !l->sounding && l->siren_used_ns > 0 ? l->siren_off_ns + l->conf.siren_rest_ns
                                                : NEVER_NS;
}

static int64_t next_due(const struct lock *l) {
    int64_t due = restore_due(l);
    if (rested_due(l) < due)
        due = rested_due(l);
    if (l->phase == LOCK_PHASE_ARMING && l->set_ns < due)
        due = l->set_ns;
    if (l->sounding && l->siren_until_ns < due)
        due = l->siren_until_ns;
    if (l->strobe && l->strobe_until_ns < due)
        due = l->strobe_until_ns;
    return due;
}

/* What has come due by now, each at its own time, so that a late call changes nothing. */
static void advance(struct lock *l, int64_t now_ns, struct lock_out *out) {
    for (int64_t due = next_due(l); due <= now_ns; due = next_due(l)) {
        if (l->sounding && l->siren_until_ns == due)
            siren_stop(l, due, out);
        else if (l->strobe && l->strobe_until_ns == due)
            l->strobe = false;
        else if (l->phase == LOCK_PHASE_ARMING && l->set_ns == due)
            set(l, out);
        else if (rested_due(l) == due)
            l->siren_used_ns = 0;
        else
            restore(l, due, out);
    }
}

static void finish(const struct lock *l, struct lock_out *out) {
    out->siren = l->sounding;
    out->strobe = l->strobe;
    out->next_ns = next_due(l);
}

/* --- the outside ---------------------------------------------------------------------------- */

static void tampered(struct lock *l, enum lock_input input, int64_t now_ns, struct lock_out *out) {
    for (unsigned i = 0; i < TAMPERS_COUNT; i++) {
        if (TAMPERS[i].input != input)
            continue;
        if (is(l, input) == TAMPERS[i].active)
            trouble(l, TAMPERS[i].cause, LOCK_TAMPER, now_ns, out);
        else
            l->trouble_ns = now_ns;
    }
}

static void apply(struct lock *l, enum lock_input input, int64_t now_ns, struct lock_out *out) {
    bool active = is(l, input);
    switch (input) {
    case LOCK_INPUT_SHACKLE:
        tell(out, active ? LOCK_CLOSED : LOCK_OPENED);
        l->trouble_ns = now_ns;
        settle(l, now_ns, out);
        break;
    case LOCK_INPUT_KEY:
        settle(l, now_ns, out);
        break;
    case LOCK_INPUT_IMPACT:
        if (active)
            knock(l, now_ns, out);
        break;
    default:
        tampered(l, input, now_ns, out);
    }
}

/* What was going on when the last life ended.  How long the siren has been silent nobody knows, so
 * that its rest begins now. */
static void recall(struct lock *l, uint32_t was, int64_t now_ns, struct lock_out *out) {
    unsigned parts = was >> WAS_USED_SHIFT < USED_PARTS ? was >> WAS_USED_SHIFT : USED_PARTS;
    l->causes = was & WAS_CAUSES;
    l->trouble_ns = now_ns;
    if (parts > 0) {
        l->siren_used_ns = l->conf.siren_max_ns / USED_PARTS * parts;
        l->siren_off_ns = now_ns;
    }
    if ((was & WAS_SOUNDING) != 0)
        tell(out, LOCK_SIREN_OFF);
}

/* Set or not, as the shackle and the key stand now. */
static void begin(struct lock *l, uint32_t was, int64_t now_ns, struct lock_out *out) {
    const bool closed = is(l, LOCK_INPUT_SHACKLE), was_set = (was & WAS_SET) != 0;
    if (!closed)
        tell(out, LOCK_OPENED);
    if (unset_wanted(l)) {
        if (closed || was_set)
            tell(out, LOCK_UNSET);
        unset(l, now_ns, out);
    } else if (closed) {
        set(l, out);
    } else if (was_set) { /* forced while nobody looked */
        l->phase = LOCK_PHASE_SET;
        trouble(l, LOCK_CAUSE_SHACKLE, LOCK_ALARM, now_ns, out);
    }
    if (l->phase == LOCK_PHASE_SET && (was & WAS_STROBE) != 0)
        strobe_start(l, now_ns);
}

void lock_init(struct lock *l, const struct lock_conf *conf, uint8_t inputs, uint32_t was,
               int64_t now_ns, struct lock_out *ret_out) {
    assert(conf->impacts >= 1 && conf->impacts <= LOCK_IMPACTS_MAX);
    *ret_out = (struct lock_out){0};
    *l = (struct lock){.conf = *conf};
    l->told_ns = l->prealarm_ns = l->siren_off_ns = LONG_AGO_NS;
    l->inputs = (uint8_t)((inputs & conf->fitted) |
                          (~conf->fitted & (BIT(LOCK_INPUT_SHACKLE) | BIT(LOCK_INPUT_LOOP))));
    l->inputs &= (uint8_t)~BIT(LOCK_INPUT_IMPACT);
    recall(l, was, now_ns, ret_out);
    begin(l, was, now_ns, ret_out);
    for (unsigned i = 0; i < TAMPERS_COUNT; i++)
        if (is(l, TAMPERS[i].input) == TAMPERS[i].active) {
            l->told_ns = LONG_AGO_NS; /* each is told once more */
            trouble(l, TAMPERS[i].cause, LOCK_TAMPER, now_ns, ret_out);
        }
    finish(l, ret_out);
}

uint32_t lock_word(const struct lock *l) {
    uint32_t word = l->causes & WAS_CAUSES;
    int64_t used_ns = l->siren_used_ns;
    if (l->sounding) /* all that it may: nobody knows when it will be cut short */
        used_ns += l->siren_until_ns - l->siren_on_ns;
    int64_t part_ns = l->conf.siren_max_ns / USED_PARTS;
    if (used_ns > 0 && part_ns > 0)
        word |= (uint32_t)((used_ns + part_ns - 1) / part_ns) << WAS_USED_SHIFT;
    if (l->phase == LOCK_PHASE_SET)
        word |= WAS_SET;
    if (l->sounding && !l->chirp)
        word |= WAS_SOUNDING;
    return l->strobe ? word | WAS_STROBE : word;
}

void lock_edge(struct lock *l, enum lock_input input, bool active, int64_t now_ns,
               struct lock_out *ret_out) {
    *ret_out = (struct lock_out){0};
    advance(l, now_ns, ret_out);
    if (fitted(l, input) && is(l, input) != active) {
        l->inputs = (uint8_t)(l->inputs ^ BIT(input));
        apply(l, input, now_ns, ret_out);
    }
    finish(l, ret_out);
}

void lock_motion(struct lock *l, bool attack, enum lock_cause cause, int64_t now_ns,
                 struct lock_out *ret_out) {
    *ret_out = (struct lock_out){0};
    advance(l, now_ns, ret_out);
    if (l->phase == LOCK_PHASE_SET && attack)
        trouble(l, cause, LOCK_ALARM, now_ns, ret_out);
    else if (l->phase == LOCK_PHASE_SET && l->causes == 0)
        prealarm(l, cause, now_ns, ret_out);
    finish(l, ret_out);
}

void lock_learn(struct lock *l, bool learning, int64_t now_ns, struct lock_out *ret_out) {
    *ret_out = (struct lock_out){0};
    advance(l, now_ns, ret_out);
    if (l->learning != learning) {
        l->learning = learning;
        tell(ret_out, learning ? LOCK_LEARNING : LOCK_LEARNED);
    }
    finish(l, ret_out);
}

void lock_tick(struct lock *l, int64_t now_ns, struct lock_out *ret_out) {
    *ret_out = (struct lock_out){0};
    advance(l, now_ns, ret_out);
    finish(l, ret_out);
}

void lock_neighbour(struct lock *l, int64_t now_ns) {
    if (l->siren_off_ns < now_ns)
        l->siren_off_ns = now_ns;
}
