#include "rows.h"

static const char *const REFUSALS[REFUSED_REASONS] = {
    [REFUSED_TOPIC] = "topic",           [REFUSED_OVERSIZED] = "oversized",
    [REFUSED_UNKNOWN] = "unknown",       [REFUSED_REVOKED] = "revoked",
    [REFUSED_MALFORMED] = "malformed",   [REFUSED_VERSION] = "version",
    [REFUSED_WRONG_NAME] = "wrong-name", [REFUSED_SIGNATURE] = "signature",
    [REFUSED_IDENTITY] = "identity",     [REFUSED_BOMB] = "bomb",
    [REFUSED_RANGE] = "range",           [REFUSED_CONTENT] = "content",
};

static const char *const FINDINGS[] = {
    [FINDING_CHAIN_BROKEN] = "chain-broken",
    [FINDING_CLONED] = "cloned",
    [FINDING_UNKNOWN_SITE] = "unknown-site",
    [FINDING_UNKNOWN_LOCK] = "unknown-lock",
};

static const char *const ALERT_KINDS[] = {
    [ALERT_LOCK_ALARM] = "alarm", [ALERT_LOCK_TAMPER] = "tamper", [ALERT_FAULT] = "fault",
    [ALERT_GAP] = "gap",          [ALERT_CLONED] = "cloned",      [ALERT_SILENT] = "silent",
    [ALERT_LOCK_OPEN] = "open",
};

static const char *const ALERT_STATES[] = {
    [ALERT_OPEN] = "open", [ALERT_ACKNOWLEDGED] = "acknowledged", [ALERT_CLOSED] = "closed"};

static const char *const SEVERITIES[] = {
    [SEVERITY_LOW] = "low", [SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high"};

static const char *name_in(const char *const *table, size_t count, size_t at) {
    return at < count && table[at] != NULL ? table[at] : "unknown";
}

#define NAME_IN(table, at) name_in(table, sizeof(table) / sizeof((table)[0]), (size_t)(at))

const char *refusal_name(enum refusal reason) {
    return NAME_IN(REFUSALS, reason);
}

const char *finding_name(enum finding kind) {
    return NAME_IN(FINDINGS, kind);
}

const char *alert_kind_name(enum alert_kind kind) {
    return NAME_IN(ALERT_KINDS, kind);
}

const char *alert_state_name(enum alert_state state) {
    return NAME_IN(ALERT_STATES, state);
}

const char *alert_severity_name(enum alert_severity severity) {
    return NAME_IN(SEVERITIES, severity);
}
