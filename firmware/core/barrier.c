#include "barrier.h"
#include <string.h>

enum { DAY_MIN = 24 * 60, MINUTE_MS = 60000 };
static const int64_t MINUTE_NS = INT64_C(60) * 1000000000;

/* --- London --------------------------------------------------------------------------------- */

/* Days since 1970 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t year_of(int64_t days) {
    int64_t year = 1970 + floor_div(days * 400, 146097);
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (days_of(year, 1, 1) > days)
        year--;
    return year;
}

/* The last Sunday of a month of 31 days at 01:00 UTC, when summer time begins and ends (Summer Time
 * Order 2002). */
static int64_t change_min(int64_t year, int64_t month) {
    int64_t last = days_of(year, month, 31);
    int64_t weekday = (last + 4) % 7; /* 1 January 1970 was a Thursday; 0: Sunday */
    return (last - weekday) * DAY_MIN + 60;
}

unsigned barrier_london_minute(int64_t unix_ms) {
    int64_t minute = floor_div(unix_ms, MINUTE_MS);
    int64_t year = year_of(floor_div(minute, DAY_MIN));
    if (minute >= change_min(year, 3) && minute < change_min(year, 10))
        minute += 60;
    return (unsigned)(minute - floor_div(minute, DAY_MIN) * DAY_MIN);
}

/* --- hours ---------------------------------------------------------------------------------- */

static bool clock_face(const char *text, uint16_t *ret_min) {
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return false;
    unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
    *ret_min = (uint16_t)(hour * 60 + minute);
    return minute < 60 && *ret_min <= DAY_MIN;
}

int barrier_hours_parse(const char *text, struct barrier_hours *ret_hours) {
    struct barrier_hours h = {0};
    if (text[0] != '\0' && (strlen(text) != 11 || text[5] != '-' ||
                            !clock_face(text, &h.from_min) || !clock_face(text + 6, &h.to_min)))
        return ERR_INVAL;
    *ret_hours = h;
    return 0;
}

bool barrier_allowed(const struct barrier_hours *hours, int64_t unix_ms) {
    unsigned now = barrier_london_minute(unix_ms), from = hours->from_min, to = hours->to_min;
    if (from == to)
        return true;
    return from < to ? now >= from && now < to : now >= from || now < to;
}

/* --- the barrier ---------------------------------------------------------------------------- */

void barrier_init(struct barrier *b, const struct barrier_conf *conf) {
    *b = (struct barrier){.conf = *conf};
}

static void tell(struct barrier_out *out, enum lock_what what, enum lock_cause cause) {
    out->causes[out->tells] = (uint8_t)cause;
    out->tell[out->tells++] = what;
}

static void judge_hours(struct barrier *b, int64_t unix_ms, struct barrier_out *out) {
    bool wrong = b->open && !barrier_allowed(&b->conf.hours, unix_ms);
    if (wrong && !b->told_hours)
        tell(out, b->judged ? LOCK_LEFT_OPEN : LOCK_FOUND_OPEN, LOCK_CAUSE_HOURS);
    b->told_hours = wrong;
    b->judged = true;
}

/* Hours change on a whole minute; the clock may be set at any time, so each is looked at. */
static int64_t next_look(const struct barrier *b, int64_t now_ns, bool clock_known,
                         int64_t unix_ms) {
    int64_t next = INT64_MAX;
    if (!b->open)
        return next;
    if (b->conf.open_limit_ns > 0 && !b->told_long)
        next = b->open_ns + b->conf.open_limit_ns;
    if (b->conf.hours.from_min == b->conf.hours.to_min)
        return next;
    int64_t into_ns = clock_known ? unix_ms % MINUTE_MS * 1000000 : 0;
    int64_t minute_ns = now_ns + MINUTE_NS - into_ns;
    return minute_ns < next ? minute_ns : next;
}

void barrier_step(struct barrier *b, bool open, int64_t now_ns, bool clock_known, int64_t unix_ms,
                  struct barrier_out *ret_out) {
    *ret_out = (struct barrier_out){0};
    if (open != b->open) {
        b->open = open;
        b->open_ns = now_ns;
        b->told_hours = b->told_long = false;
    }
    if (clock_known)
        judge_hours(b, unix_ms, ret_out);
    if (open && b->conf.open_limit_ns > 0 && !b->told_long &&
        now_ns - b->open_ns >= b->conf.open_limit_ns) {
        b->told_long = true;
        tell(ret_out, LOCK_LEFT_OPEN, LOCK_CAUSE_SHACKLE);
    }
    ret_out->next_ns = next_look(b, now_ns, clock_known, unix_ms);
}
