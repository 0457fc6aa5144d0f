#include "ops243_text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* No figure of the sensor is larger. */
#define NUMBER_MAX (INT64_C(1000000000000) * OPS243_MICRO)

/* ---- words and numbers ---- */

bool ops243_word_is(struct ops243_text t, const char *word) {
    size_t n = strlen(word);
    return (size_t)(t.end - t.at) == n && strncasecmp(t.at, word, n) == 0;
}

struct ops243_text ops243_trimmed(struct ops243_text t) {
    while (t.at < t.end && (isspace((unsigned char)*t.at) || *t.at == '"'))
        t.at++;
    while (t.at < t.end && (isspace((unsigned char)t.end[-1]) || t.end[-1] == '"'))
        t.end--;
    return t;
}

static bool digits(struct ops243_text *t, struct ops243_number *n, bool fraction) {
    bool any = false;
    for (; t->at < t->end && isdigit((unsigned char)*t->at); t->at++, any = true) {
        if (fraction && n->decimals >= 6)
            continue;
        n->micro = n->micro * 10 + (*t->at - '0');
        n->decimals += fraction;
        if (n->micro > NUMBER_MAX / OPS243_MICRO * (n->decimals > 0 ? OPS243_MICRO : 1))
            return false;
    }
    return any;
}

/* The whole text is one decimal number, surrounded at most by blanks and quotes. */
bool ops243_number(struct ops243_text t, struct ops243_number *ret_number) {
    struct ops243_number n = {0, 0};
    t = ops243_trimmed(t);
    bool minus = t.at < t.end && *t.at == '-';
    if (t.at < t.end && (*t.at == '-' || *t.at == '+'))
        t.at++;
    bool any = digits(&t, &n, false);
    if (t.at < t.end && *t.at == '.') {
        t.at++;
        any = digits(&t, &n, true) || any;
    }
    if (!any || t.at != t.end || n.micro > NUMBER_MAX)
        return false;
    for (unsigned i = n.decimals; i < 6; i++)
        n.micro *= 10;
    n.micro = minus ? -n.micro : n.micro;
    *ret_number = n;
    return true;
}

static const struct {
    const char *word;
    enum ops243_unit unit;
} UNIT_WORDS[] = {
    {"m", OPS243_UNIT_M_S},
    {"mps", OPS243_UNIT_M_S},
    {"m/s", OPS243_UNIT_M_S},
    {"m-per-sec", OPS243_UNIT_M_S},
    {"m-per-s", OPS243_UNIT_M_S},
    {"meters-per-sec", OPS243_UNIT_M_S},
    {"mph", OPS243_UNIT_MPH},
    {"miles-per-hour", OPS243_UNIT_MPH},
    {"miles-per-hr", OPS243_UNIT_MPH},
    {"kmph", OPS243_UNIT_KM_H},
    {"kph", OPS243_UNIT_KM_H},
    {"km/h", OPS243_UNIT_KM_H},
    {"kmh", OPS243_UNIT_KM_H},
    {"km-per-hr", OPS243_UNIT_KM_H},
    {"km-per-hour", OPS243_UNIT_KM_H},
    {"fps", OPS243_UNIT_FT_S},
    {"ft", OPS243_UNIT_FT_S},
    {"ft/s", OPS243_UNIT_FT_S},
    {"ft-per-sec", OPS243_UNIT_FT_S},
    {"feet-per-sec", OPS243_UNIT_FT_S},
    {"cm", OPS243_UNIT_CM_S},
    {"cmps", OPS243_UNIT_CM_S},
    {"cm/s", OPS243_UNIT_CM_S},
    {"cm-per-sec", OPS243_UNIT_CM_S},
};

enum ops243_unit ops243_unit_named(const char *word, size_t len) {
    struct ops243_text t = ops243_trimmed((struct ops243_text){word, word + len});
    for (unsigned i = 0; i < sizeof UNIT_WORDS / sizeof *UNIT_WORDS; i++)
        if (ops243_word_is(t, UNIT_WORDS[i].word))
            return UNIT_WORDS[i].unit;
    return OPS243_UNIT_NONE;
}

/* ---- JSON, as the sensor writes it ---- */

void ops243_skip_blanks(struct ops243_text *t) {
    while (t->at < t->end && isspace((unsigned char)*t->at))
        t->at++;
}

bool ops243_take(struct ops243_text *t, char c) {
    ops243_skip_blanks(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool quoted(struct ops243_text *t, struct ops243_text *ret_word) {
    if (!ops243_take(t, '"'))
        return false;
    const char *close = memchr(t->at, '"', (size_t)(t->end - t->at));
    if (close == NULL)
        return false;
    *ret_word = (struct ops243_text){t->at, close};
    t->at = close + 1;
    return true;
}

/* A quoted string, or bare words up to what may follow a value. */
static bool scalar(struct ops243_text *t, struct ops243_text *ret_word) {
    ops243_skip_blanks(t);
    if (t->at < t->end && *t->at == '"')
        return quoted(t, ret_word);
    const char *from = t->at;
    while (t->at < t->end && strchr(",]}{[\"", *t->at) == NULL)
        t->at++;
    *ret_word = ops243_trimmed((struct ops243_text){from, t->at});
    return ret_word->at < ret_word->end;
}

static bool array(struct ops243_text *t, struct ops243_member *m) {
    if (ops243_take(t, ']'))
        return true;
    do {
        struct ops243_text word;
        if (!scalar(t, &word))
            return false;
        if (m->count < OPS243_VALUES_MAX)
            m->values[m->count++] = word;
    } while (ops243_take(t, ','));
    return ops243_take(t, ']');
}

bool ops243_member(struct ops243_text *t, struct ops243_member *ret_member) {
    struct ops243_member m = {.count = 0, .nested = false};
    if (!quoted(t, &m.key) || !ops243_take(t, ':'))
        return false;
    if (ops243_take(t, '['))
        m.count = 0, m.nested = !array(t, &m);
    else if (ops243_take(t, '{'))
        m.nested = true;
    else
        m.nested = !scalar(t, &m.values[m.count++]);
    bool bad = m.nested && t->at[-1] != '{';
    *ret_member = m;
    return !bad;
}
