#include "event.h"
#include <stddef.h>
#include <string.h>

enum {
    MAGNITUDE_MAX = 300,
    DURATION_MAX_MS = 24 * 3600 * 1000,
    LATITUDE_MAX_E7 = 900000000,
    LONGITUDE_MAX_E7 = 1800000000,
    CAUSES = LOCK_CAUSE_HOURS * 2 - 1,
};

static const struct {
    const char *name;
    enum event_class cls;
} KINDS[] = {
    [EVENT_PASSAGE] = {"passage", CLASS_EVENT},   [EVENT_SESSION] = {"session", CLASS_EVENT},
    [EVENT_LOCK] = {"lock", CLASS_ALARM},         [EVENT_HEALTH] = {"health", CLASS_TELEMETRY},
    [EVENT_ANCHOR] = {"anchor", CLASS_TELEMETRY}, [EVENT_GAP] = {"gap", CLASS_ALARM},
    [EVENT_FAULT] = {"fault", CLASS_ALARM},
};

static const char *const CLASSES[] = {"alarm", "event", "telemetry"};

static const char *const LOCK_WHATS[] = {
    [LOCK_CLOSED] = "closed",
    [LOCK_OPENED] = "opened",
    [LOCK_PREALARM] = "pre-alarm",
    [LOCK_ALARM] = "alarm",
    [LOCK_TAMPER] = "tamper",
    [LOCK_RESTORED] = "restored",
    [LOCK_SET] = "set",
    [LOCK_UNSET] = "unset",
    [LOCK_SIREN_ON] = "siren on",
    [LOCK_SIREN_OFF] = "siren off",
    [LOCK_LEFT_OPEN] = "left open",
    [LOCK_FOUND_OPEN] = "found open",
    [LOCK_LEARNING] = "learning",
    [LOCK_LEARNED] = "learned",
};

static const char *const FAULTS[] = {
    [FAULT_RADAR_SILENT] = "radar silent",
    [FAULT_RADAR_RESET] = "radar restarted",
    [FAULT_RADAR_CONFIG] = "radar settings",
    [FAULT_STORAGE] = "storage",
    [FAULT_GPIO] = "inputs",
    [FAULT_CLOCK_STEP] = "clock stepped",
    [FAULT_BATTERY_LOW] = "battery low",
    [FAULT_RADAR_GARBAGE] = "radar not understood",
    [FAULT_RADAR_WRONG] = "not a radar",
    [FAULT_SENSOR] = "sensor silent",
    [FAULT_BATTERY_SOON] = "battery needed soon",
    [FAULT_POWER] = "supply weak",
    [FAULT_GNSS] = "position unbelievable",
    [FAULT_RADAR_LEVEL] = "radar signal level",
    [FAULT_DISK_LOW] = "disk nearly full",
};

#define COUNT(table) (sizeof table / sizeof table[0])

static const char *name_in(const char *const *table, size_t count, unsigned index) {
    return index < count && table[index] != NULL ? table[index] : "unknown";
}

enum event_class event_class_of(enum event_kind kind) {
    return (unsigned)kind < COUNT(KINDS) && KINDS[kind].name != NULL ? KINDS[kind].cls
                                                                     : CLASS_COUNT;
}

const char *event_kind_name(enum event_kind kind) {
    return event_class_of(kind) == CLASS_COUNT ? "unknown" : KINDS[kind].name;
}

const char *event_class_name(enum event_class cls) {
    return name_in(CLASSES, COUNT(CLASSES), (unsigned)cls);
}

const char *lock_what_name(enum lock_what what) {
    return name_in(LOCK_WHATS, COUNT(LOCK_WHATS), (unsigned)what);
}

const char *fault_code_name(enum fault_code code) {
    return name_in(FAULTS, COUNT(FAULTS), (unsigned)code);
}

static bool within(int64_t value, int64_t low, int64_t high) {
    return value >= low && value <= high;
}

static bool passage_known(const struct event *e) {
    return e->passage.quality <= QUALITY_C;
}

static bool passage_valid(const struct event *e) {
    const struct event_passage *p = &e->passage;
    return e->t_ms % 10 == 0 && p->direction <= DIRECTION_OUT && p->duration_ms % 100 == 0 &&
           p->duration_ms <= DURATION_MAX_MS &&
           within(p->magnitude_db, -MAGNITUDE_MAX, MAGNITUDE_MAX);
}

static bool session_known(const struct event *e) {
    return e->session.what <= SESSION_CHECK && e->session.end <= SESSION_END_RESTART;
}

/* Printable ASCII, terminated, zeros behind: equal sites are equal bytes. */
static bool site_valid(const char site[EVENT_SITE_MAX + 1]) {
    size_t len = strnlen(site, EVENT_SITE_MAX + 1);
    if (len > EVENT_SITE_MAX)
        return false;
    for (size_t i = 0; i <= EVENT_SITE_MAX; i++)
        if (i < len ? !within(site[i], ' ', '~') : site[i] != '\0')
            return false;
    return true;
}

static bool session_valid(const struct event *e) {
    const struct event_session *s = &e->session;
    return s->what >= SESSION_START && site_valid(s->site) &&
           within(s->latitude_e7, -LATITUDE_MAX_E7, LATITUDE_MAX_E7) &&
           within(s->longitude_e7, -LONGITUDE_MAX_E7, LONGITUDE_MAX_E7);
}

static bool lock_known(const struct event *e) {
    return e->lock.what <= LOCK_LEARNED && e->lock.causes <= CAUSES;
}

static bool lock_valid(const struct event *e) {
    return e->lock.lock < EVENT_LOCKS_MAX && e->lock.what >= LOCK_CLOSED;
}

static bool health_known(const struct event *e) {
    return e->health.clock_quality <= 3;
}

static bool always(const struct event *e) {
    (void)e;
    return true;
}

static bool anchor_known(const struct event *e) {
    return e->anchor.quality <= 3;
}

static bool anchor_valid(const struct event *e) {
    return within(e->anchor.unix_ms, 0, EVENT_UNIX_MAX);
}

static bool gap_known(const struct event *e) {
    return e->gap.reason <= GAP_QUEUE_FULL;
}

static bool gap_valid(const struct event *e) {
    return e->gap.dropped_class < CLASS_COUNT && e->gap.reason >= GAP_DISK_FULL &&
           e->gap.to_seq < INT64_MAX && e->gap.from_seq <= e->gap.to_seq + 1;
}

static bool fault_known(const struct event *e) {
    return e->fault.code <= FAULT_DISK_LOW;
}

static bool fault_valid(const struct event *e) {
    return e->fault.code >= FAULT_RADAR_SILENT;
}

static const struct {
    bool (*known)(const struct event *);
    bool (*valid)(const struct event *);
} RULES[] = {
    [EVENT_PASSAGE] = {passage_known, passage_valid},
    [EVENT_SESSION] = {session_known, session_valid},
    [EVENT_LOCK] = {lock_known, lock_valid},
    [EVENT_HEALTH] = {health_known, always},
    [EVENT_ANCHOR] = {anchor_known, anchor_valid},
    [EVENT_GAP] = {gap_known, gap_valid},
    [EVENT_FAULT] = {fault_known, fault_valid},
};

bool event_known(const struct event *event) {
    return event_class_of((enum event_kind)event->kind) != CLASS_COUNT &&
           RULES[event->kind].known(event);
}

bool event_valid(const struct event *event) {
    return event_known(event) && within(event->t_ms, 0, EVENT_TIME_MAX) &&
           RULES[event->kind].valid(event);
}
