/* alerts: from what devices tell to what a person must see, and back.
 *
 * The decisions are pure (alerts_decide); the flows below them read and write through the store
 * seam, inside a transaction that the caller of alerts_feed holds.
 *
 * Promises (tests/collector/alerts_test.c, a table of every state and signal):
 *   - an ALARM or TAMPER of a lock raises an alert; a pre-alarm never does;
 *   - a gate LEFT OPEN or FOUND OPEN raises one of its own, restored when it is closed;
 *   - repeats join the alert that is open for the same lock: one incident, one ring.  A tamper
 *     joining an alarm makes it a tamper alert, without ringing again.  An incident that was
 *     restored and acknowledged is over: what comes after it is a new one;
 *   - what is late is recorded as late, never rings, and joins no live alert.  Late is what
 *     occurred more than late_ms before it was received: by a synchronised clock (NTP, GNSS), or,
 *     where the device's clock cannot be trusted, by the earliest message of the same boot;
 *   - RESTORED is noted and closes nothing; older news never moves last_ms or restored_ms back;
 *   - acknowledging is not closing; closing takes a cause; a closed alert never opens again;
 *   - the state is in the store: after a restart the same signals repeat nothing;
 *   - a timeline is bounded: after ALERTS_ENTRIES_MAX events only the count goes on.
 * Memory: the caller's.  Threads: the store's.  Time: given. */
#ifndef MOORWATCH_ALERTS_H
#define MOORWATCH_ALERTS_H

#include "store.h"

/* Late by more than this is not live. */
enum { ALERTS_LATE_MS = 10 * 60 * 1000, ALERTS_ENTRIES_MAX = 50 };

enum alerts_signal_kind {
    SIGNAL_LOCK,   /* what: enum lock_what */
    SIGNAL_FAULT,  /* what: enum fault_code */
    SIGNAL_GAP,    /* what: enum event_class of what was dropped; count: events */
    SIGNAL_CLONED, /* a second payload under one identity */
};

/* Something that may concern an alert. */
struct alerts_signal {
    enum alerts_signal_kind kind;
    const char *device; /* id */
    uint8_t lock;       /* STORE_NO_LOCK if none */
    uint8_t what;
    uint8_t causes;      /* SIGNAL_LOCK: bits of enum lock_cause */
    bool active;         /* SIGNAL_FAULT: false: it has cleared */
    uint32_t count;      /* SIGNAL_GAP: events */
    int32_t detail;      /* SIGNAL_FAULT: as the code explains it (event.h); 0: none */
    int64_t occurred_ms; /* STORE_NEVER: unknown */
    uint8_t quality;     /* enum clock_quality of occurred_ms */
    int64_t latest_ms;   /* it occurred no later than this; STORE_NEVER: no bound */
    int64_t received_ms;
    const char *place; /* for the title: "plot 12, Ropner Park allotments"; "" if unknown */
};

enum alerts_action {
    ALERTS_NOTHING,
    ALERTS_RAISE, /* a new alert */
    ALERTS_JOIN,  /* counts into the alert at hand */
    ALERTS_NOTE,  /* only a line on its timeline */
};

struct alerts_decision {
    enum alerts_action action;
    bool ring;                /* tell people now */
    struct store_alert alert; /* as it is to be stored (id 0 for a new one) */
    char entry[STORE_TEXT_MAX + 1];
};

/* Pure.  `at_hand` is the newest unclosed alert of the same family (alerts_same_family), NULL if
 * there is none; for what is not a restore, of the same lateness.  `late_ms`: ALERTS_LATE_MS unless
 * a test says otherwise. */
void alerts_decide(const struct alerts_signal *signal, const struct store_alert *at_hand,
                   int64_t late_ms, struct alerts_decision *ret_decision);
bool alerts_is_late(const struct alerts_signal *signal, int64_t late_ms);
/* Alarm and tamper of one lock are one family, its standing open another; faults of one code; gaps
 * of one class. */
bool alerts_same_family(const struct store_alert *alert, const struct alerts_signal *signal);

/* What listeners are told after the commit. */
struct alerts_notice {
    bool ring; /* new and live: make a sound */
    struct store_alert alert;
};

/* Decides and stores, within the caller's transaction.  1 and the notice if something changed,
 * 0 if not, or the store's error. */
MUST int alerts_feed(const struct store *store, const struct alerts_signal *signal, int64_t late_ms,
                     struct alerts_notice *ret_notice);

/* People's side; each is a transaction of its own, with a line on the timeline and in the audit.
 * ERR_NOENT: no such alert.  ERR_EXIST: that has been done already (nothing changed): acknowledge
 * of an acknowledged or closed one, close of a closed one.  ERR_INVAL: no name, no cause. */
MUST int alerts_acknowledge(const struct store *store, int64_t id, const char *who, int64_t now_ms,
                            struct store_alert *ret_alert);
MUST int alerts_close(const struct store *store, int64_t id, const char *who, const char *cause,
                      int64_t now_ms, struct store_alert *ret_alert);
MUST int alerts_note(const struct store *store, int64_t id, const char *who, const char *text,
                     int64_t now_ms);

#endif
