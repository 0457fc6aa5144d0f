#include "alerts.h"
#include "clock.h"
#include "fault_words.h"
#include <stdio.h>
#include <string.h>

/* A lock that was attacked, not only left open. */
static bool is_break_in(const struct alerts_signal *s) {
    return s->kind == SIGNAL_LOCK && (s->what == LOCK_ALARM || s->what == LOCK_TAMPER);
}

/* -- words ----------------------------------------------------------------------------------- */

static void capital(char *text) {
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
}

static const char *signal_word(const struct alerts_signal *s) {
    switch (s->kind) {
    case SIGNAL_LOCK:
        return lock_what_name(s->what);
    case SIGNAL_FAULT:
        return fault_code_name(s->what);
    case SIGNAL_GAP:
        return event_class_name(s->what);
    case SIGNAL_CLONED:
        break;
    }
    return "cloned identity";
}

/* What made a lock speak: " (shaken, turned)"; a second sensor makes it more than a knock. */
static void causes_add(char *text, size_t cap, const struct alerts_signal *s) {
    static const struct {
        uint8_t cause;
        const char *words;
    } CAUSES[] = {
        {LOCK_CAUSE_SHACKLE, "shackle open"},    {LOCK_CAUSE_LOOP, "loop cut"},
        {LOCK_CAUSE_SHORT, "loop bridged"},      {LOCK_CAUSE_TILT, "turned or opened"},
        {LOCK_CAUSE_IMPACT, "knocks"},           {LOCK_CAUSE_MOTION, "worked on"},
        {LOCK_CAUSE_HOURS, "outside its hours"},
    };
    unsigned count = 0;
    size_t len = strlen(text);
    for (size_t i = 0; s->kind == SIGNAL_LOCK && i < sizeof CAUSES / sizeof CAUSES[0]; i++)
        if ((s->causes & CAUSES[i].cause) != 0 && len + 1 < cap)
            len += (size_t)snprintf(text + len, cap - len, "%s%s", count++ > 0 ? ", " : " (",
                                    CAUSES[i].words);
    if (count > 0 && len + 1 < cap)
        snprintf(text + len, cap - len, "%s)",
                 count > 1 && is_break_in(s) ? ": confirmed by a second sensor" : "");
}

/* What a fault is about: ": sensor at 0x18". */
static void detail_add(char *text, size_t cap, const struct alerts_signal *s) {
    char words[96] = "";
    size_t len = strlen(text);
    if (s->kind == SIGNAL_FAULT)
        fault_words(s->what, s->detail, words, sizeof words);
    if (words[0] != '\0')
        snprintf(text + len, cap - len, ": %s", words);
}

static void title_write(char *buf, size_t cap, const struct alerts_signal *s) {
    const char *place = s->place != NULL && s->place[0] != '\0' ? s->place : s->device;
    const char *word = signal_word(s);
    if (s->kind == SIGNAL_FAULT && s->what == FAULT_BATTERY_SOON && s->detail > 0)
        snprintf(buf, cap, "Needs a battery within %u day%s: %s", (unsigned)s->detail,
                 s->detail == 1 ? "" : "s", place);
    else if (s->kind == SIGNAL_GAP)
        snprintf(buf, cap, "Records dropped (%s): %s", word, place);
    else if (s->kind == SIGNAL_FAULT)
        snprintf(buf, cap, "Fault, %s: %s", word, place);
    else
        snprintf(buf, cap, "%s: %s", word, place);
    capital(buf);
}

/* -- what a signal is ------------------------------------------------------------------------ */

/* About a gate that stands open, not about a break-in. */
static bool is_gate(const struct alerts_signal *s) {
    return s->kind == SIGNAL_LOCK &&
           (s->what == LOCK_LEFT_OPEN || s->what == LOCK_FOUND_OPEN || s->what == LOCK_CLOSED);
}

static bool is_trigger(const struct alerts_signal *s) {
    switch (s->kind) {
    case SIGNAL_LOCK:
        return s->what == LOCK_ALARM || s->what == LOCK_TAMPER || s->what == LOCK_LEFT_OPEN ||
               s->what == LOCK_FOUND_OPEN;
    case SIGNAL_FAULT:
        return s->active;
    case SIGNAL_GAP:
    case SIGNAL_CLONED:
        break;
    }
    return true;
}

static bool is_restore(const struct alerts_signal *s) {
    return (s->kind == SIGNAL_LOCK && (s->what == LOCK_RESTORED || s->what == LOCK_CLOSED)) ||
           (s->kind == SIGNAL_FAULT && !s->active);
}

/* Worth a line on the timeline of an alert that is open anyway. */
static bool is_note(const struct alerts_signal *s) {
    return s->kind == SIGNAL_LOCK &&
           (s->what == LOCK_UNSET || s->what == LOCK_SIREN_ON || s->what == LOCK_SIREN_OFF);
}

static enum alert_kind kind_of(const struct alerts_signal *s) {
    static const enum alert_kind KINDS[] = {[SIGNAL_LOCK] = ALERT_LOCK_ALARM,
                                            [SIGNAL_FAULT] = ALERT_FAULT,
                                            [SIGNAL_GAP] = ALERT_GAP,
                                            [SIGNAL_CLONED] = ALERT_CLONED};
    if (is_gate(s))
        return ALERT_LOCK_OPEN;
    return s->kind == SIGNAL_LOCK && s->what == LOCK_TAMPER ? ALERT_LOCK_TAMPER : KINDS[s->kind];
}

static enum alert_severity severity_of(enum alert_kind kind) {
    static const enum alert_severity SEVERITIES[] = {
        [ALERT_LOCK_ALARM] = SEVERITY_HIGH,  [ALERT_LOCK_TAMPER] = SEVERITY_HIGH,
        [ALERT_FAULT] = SEVERITY_LOW,        [ALERT_GAP] = SEVERITY_LOW,
        [ALERT_CLONED] = SEVERITY_MEDIUM,    [ALERT_SILENT] = SEVERITY_LOW,
        [ALERT_LOCK_OPEN] = SEVERITY_MEDIUM,
    };
    return SEVERITIES[kind];
}

/* When it happened, for comparing: an unknown time is taken for that of the receipt. */
static int64_t time_of(const struct alerts_signal *s) {
    return s->occurred_ms != STORE_NEVER ? s->occurred_ms : s->received_ms;
}

bool alerts_is_late(const struct alerts_signal *s, int64_t late_ms) {
    if (s->kind == SIGNAL_CLONED)
        return false;
    if (s->quality >= CLOCK_NTP && s->occurred_ms != STORE_NEVER)
        return s->received_ms - s->occurred_ms > late_ms;
    return s->latest_ms != STORE_NEVER && s->received_ms - s->latest_ms > late_ms;
}

bool alerts_same_family(const struct store_alert *alert, const struct alerts_signal *s) {
    if (strcmp(alert->device, s->device) != 0)
        return false;
    enum alert_kind kind = kind_of(s);
    if (s->kind == SIGNAL_LOCK)
        return alert->lock == s->lock &&
               (is_gate(s) ? alert->kind == ALERT_LOCK_OPEN
                           : alert->kind == ALERT_LOCK_ALARM || alert->kind == ALERT_LOCK_TAMPER);
    return alert->kind == kind && (s->kind == SIGNAL_CLONED || alert->detail == s->what);
}

/* -- decisions ------------------------------------------------------------------------------- */

static void raise_new(const struct alerts_signal *s, bool late, struct alerts_decision *d) {
    enum alert_kind kind = kind_of(s);
    struct store_alert *a = &d->alert;
    *a = (struct store_alert){
        .kind = kind,
        .state = ALERT_OPEN,
        .severity = severity_of(kind),
        .lock = s->kind == SIGNAL_LOCK ? s->lock : STORE_NO_LOCK,
        .detail = s->kind == SIGNAL_FAULT || s->kind == SIGNAL_GAP ? s->what : 0,
        .late = late,
        .events = 1,
        .raised_ms = s->received_ms,
        .occurred_ms = s->occurred_ms,
        .last_ms = s->occurred_ms,
        .restored_ms = STORE_NEVER,
        .acknowledged_ms = STORE_NEVER,
        .closed_ms = STORE_NEVER,
    };
    snprintf(a->device, sizeof a->device, "%s", s->device);
    title_write(a->title, sizeof a->title, s);
    d->action = ALERTS_RAISE;
    d->ring = !late;
    snprintf(d->entry, sizeof d->entry, "%s%s", signal_word(s),
             late ? ", received late: not rung" : "");
    causes_add(d->entry, sizeof d->entry, s);
    detail_add(d->entry, sizeof d->entry, s);
    capital(d->entry);
}

static void join(const struct alerts_signal *s, struct alerts_decision *d) {
    struct store_alert *a = &d->alert;
    d->action = ALERTS_JOIN;
    a->events++;
    if (a->last_ms == STORE_NEVER || time_of(s) > a->last_ms)
        a->last_ms = time_of(s);
    if (a->restored_ms != STORE_NEVER && time_of(s) > a->restored_ms)
        a->restored_ms = STORE_NEVER;
    bool worse = kind_of(s) == ALERT_LOCK_TAMPER && a->kind == ALERT_LOCK_ALARM;
    if (worse) {
        a->kind = ALERT_LOCK_TAMPER;
        title_write(a->title, sizeof a->title, s);
    }
    if (!worse && a->events > ALERTS_ENTRIES_MAX)
        return;
    snprintf(d->entry, sizeof d->entry, "%s again, %u so far", signal_word(s), a->events);
    causes_add(d->entry, sizeof d->entry, s);
    detail_add(d->entry, sizeof d->entry, s);
    capital(d->entry);
}

/* A restore that is older than what it would restore changes nothing. */
static void restore(const struct alerts_signal *s, struct alerts_decision *d) {
    struct store_alert *a = &d->alert;
    int64_t at = time_of(s);
    bool newer = (a->last_ms == STORE_NEVER || at >= a->last_ms) &&
                 (a->restored_ms == STORE_NEVER || at > a->restored_ms);
    if (newer)
        a->restored_ms = at;
    else if (a->events > ALERTS_ENTRIES_MAX)
        return;
    d->action = ALERTS_NOTE;
    snprintf(d->entry, sizeof d->entry, "%s%s",
             s->kind == SIGNAL_FAULT ? "Cleared"
             : is_gate(s)            ? "Closed"
                                     : "Restored: whole and quiet again",
             newer ? "" : " (older news, received later)");
}

static void note(const struct alerts_signal *s, struct alerts_decision *d) {
    if (d->alert.events > ALERTS_ENTRIES_MAX)
        return;
    d->action = ALERTS_NOTE;
    snprintf(d->entry, sizeof d->entry, "%s", signal_word(s));
    capital(d->entry);
}

void alerts_decide(const struct alerts_signal *s, const struct store_alert *at_hand,
                   int64_t late_ms, struct alerts_decision *ret_decision) {
    struct alerts_decision d = {.action = ALERTS_NOTHING};
    if (at_hand != NULL && !alerts_same_family(at_hand, s))
        at_hand = NULL;
    bool over = at_hand != NULL && at_hand->state == ALERT_ACKNOWLEDGED &&
                at_hand->restored_ms != STORE_NEVER && time_of(s) > at_hand->restored_ms;
    if (at_hand != NULL)
        d.alert = *at_hand;
    if (is_trigger(s) && (at_hand == NULL || over))
        raise_new(s, alerts_is_late(s, late_ms), &d);
    else if (is_trigger(s))
        join(s, &d);
    else if (is_restore(s) && at_hand != NULL)
        restore(s, &d);
    else if (is_note(s) && at_hand != NULL)
        note(s, &d);
    *ret_decision = d;
}

/* -- through the store ----------------------------------------------------------------------- */

struct search {
    const struct alerts_signal *signal;
    int late; /* -1: either */
    struct store_alert found;
    bool has;
};

static int search_each(void *arg, const struct store_alert *row) {
    struct search *search = arg;
    if (!alerts_same_family(row, search->signal))
        return 0;
    if (search->late >= 0 && row->late != (search->late == 1))
        return 0;
    search->found = *row;
    search->has = true;
    return 1;
}

static int search_at_hand(const struct store *store, struct search *search) {
    struct store_alert_filter filter = {
        .states = 1u << ALERT_OPEN | 1u << ALERT_ACKNOWLEDGED,
        .device = search->signal->device,
        .lock = search->signal->kind == SIGNAL_LOCK ? search->signal->lock : -1,
    };
    return store->alerts(store->ctx, &filter, search_each, search);
}

static int entry_write(const struct store *store, int64_t alert, const char *who, const char *text,
                       int64_t at_ms, int64_t occurred_ms) {
    if (text[0] == '\0')
        return 0;
    struct store_alert_entry entry = {.alert = alert, .at_ms = at_ms, .occurred_ms = occurred_ms};
    snprintf(entry.who, sizeof entry.who, "%s", who);
    snprintf(entry.text, sizeof entry.text, "%s", text);
    return store->entry_put(store->ctx, &entry);
}

int alerts_feed(const struct store *store, const struct alerts_signal *signal, int64_t late_ms,
                struct alerts_notice *ret_notice) {
    if (!is_trigger(signal) && !is_restore(signal) && !is_note(signal))
        return 0;
    struct search search = {.signal = signal, .late = alerts_is_late(signal, late_ms)};
    if (is_restore(signal))
        search.late = -1;
    struct alerts_decision d;
    int r = search_at_hand(store, &search);
    if (r < 0)
        return r;
    alerts_decide(signal, search.has ? &search.found : NULL, late_ms, &d);
    if (d.action == ALERTS_NOTHING)
        return 0;
    r = store->alert_put(store->ctx, &d.alert);
    if (r < 0)
        return r;
    d.alert.id = r;
    r = entry_write(store, d.alert.id, "", d.entry, signal->received_ms, signal->occurred_ms);
    if (r < 0)
        return r;
    *ret_notice = (struct alerts_notice){.ring = d.ring, .alert = d.alert};
    return 1;
}

/* -- people's side --------------------------------------------------------------------------- */

static bool text_given(const char *text) {
    return text != NULL && text[0] != '\0';
}

struct act {
    const char *who, *action, *entry;
    int64_t now_ms;
};

static int act_write(const struct store *store, const struct store_alert *alert,
                     const struct act *act) {
    struct store_audit audit = {.at_ms = act->now_ms};
    snprintf(audit.who, sizeof audit.who, "%s", act->who);
    snprintf(audit.action, sizeof audit.action, "%s", act->action);
    snprintf(audit.object, sizeof audit.object, "alert %lld", (long long)alert->id);
    int r = store->alert_put(store->ctx, alert);
    if (r >= 0)
        r = entry_write(store, alert->id, act->who, act->entry, act->now_ms, STORE_NEVER);
    if (r >= 0)
        r = store->audit_put(store->ctx, &audit);
    return r;
}

static int finish(const struct store *store, int r) {
    if (r >= 0)
        r = store->commit(store->ctx);
    if (r < 0)
        store->rollback(store->ctx);
    return r;
}

int alerts_acknowledge(const struct store *store, int64_t id, const char *who, int64_t now_ms,
                       struct store_alert *ret_alert) {
    if (!text_given(who))
        return ERR_INVAL;
    struct store_alert a = {0};
    int r = store->begin(store->ctx);
    if (r < 0)
        return r;
    r = store->alert_get(store->ctx, id, &a);
    if (r >= 0 && a.state != ALERT_OPEN)
        r = ERR_EXIST;
    if (r >= 0) {
        a.state = ALERT_ACKNOWLEDGED;
        a.acknowledged_ms = now_ms;
        snprintf(a.acknowledged_by, sizeof a.acknowledged_by, "%s", who);
        r = act_write(store, &a, &(struct act){who, "alert.acknowledge", "Acknowledged", now_ms});
    }
    r = finish(store, r);
    if (r >= 0)
        *ret_alert = a;
    return r;
}

int alerts_close(const struct store *store, int64_t id, const char *who, const char *cause,
                 int64_t now_ms, struct store_alert *ret_alert) {
    if (!text_given(who) || !text_given(cause))
        return ERR_INVAL;
    struct store_alert a = {0};
    char entry[STORE_TEXT_MAX + 1];
    int r = store->begin(store->ctx);
    if (r < 0)
        return r;
    r = store->alert_get(store->ctx, id, &a);
    if (r >= 0 && a.state == ALERT_CLOSED)
        r = ERR_EXIST;
    if (r >= 0) {
        a.state = ALERT_CLOSED;
        a.closed_ms = now_ms;
        snprintf(a.closed_by, sizeof a.closed_by, "%s", who);
        snprintf(a.cause, sizeof a.cause, "%s", cause);
        snprintf(entry, sizeof entry, "Closed: %.200s", cause);
        r = act_write(store, &a, &(struct act){who, "alert.close", entry, now_ms});
    }
    r = finish(store, r);
    if (r >= 0)
        *ret_alert = a;
    return r;
}

int alerts_note(const struct store *store, int64_t id, const char *who, const char *text,
                int64_t now_ms) {
    if (!text_given(who) || !text_given(text))
        return ERR_INVAL;
    struct store_alert a = {0};
    int r = store->begin(store->ctx);
    if (r < 0)
        return r;
    r = store->alert_get(store->ctx, id, &a);
    if (r >= 0)
        r = act_write(store, &a, &(struct act){who, "alert.note", text, now_ms});
    return finish(store, r);
}
