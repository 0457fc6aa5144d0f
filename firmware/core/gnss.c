#include "gnss.h"
#include <math.h>
#include <stddef.h>

static const double EARTH_M = 6371008.8;
static const double ERROR_MAX_M = 200, HDOP_MAX = 20;
static const double SPEED_MAX_M_S = 60, SLACK_M = 150; /* a van, and a fix that wanders */
/* 2025-01-01 and 2100-01-01. */
static const int64_t DATE_FIRST_MS = INT64_C(1735689600000), DATE_LAST_MS = INT64_C(4102444800000);
static const int64_t ROLLOVER_MS = INT64_C(1024) * 7 * 86400 * 1000;
static const int64_t TIME_SLACK_MS = 1500;
/* What is left of the delay when the best of the arrivals is taken: a sentence at 9600 baud. */
static const uint32_t ARRIVAL_ERROR_MS = 500, PULSE_ERROR_MS = 2;
static const uint32_t DRIFT_PPM = 50;

const char *gnss_verdict_name(enum gnss_verdict verdict) {
    static const char *const NAMES[GNSS_VERDICTS] = {
        [GNSS_GOOD] = "good",
        [GNSS_NO_FIX] = "no fix",
        [GNSS_NOWHERE] = "a place that is none",
        [GNSS_VAGUE] = "an error larger than its answer",
        [GNSS_JUMPED] = "a jump faster than anything on wheels",
        [GNSS_DATE] = "a date that cannot be",
        [GNSS_ROLLOVER] = "a date 1024 weeks off: a receiver too old",
        [GNSS_TIME_JUMPED] = "a time that jumped",
    };
    return (unsigned)verdict < GNSS_VERDICTS ? NAMES[verdict] : "unknown";
}

double gnss_distance_m(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7, int32_t lon_b_e7) {
    const double rad = M_PI / 180 / 1e7;
    double lat_a = lat_a_e7 * rad, lat_b = lat_b_e7 * rad;
    double up = sin((lat_b - lat_a) / 2), across = sin(((double)lon_b_e7 - lon_a_e7) * rad / 2);
    double h = up * up + cos(lat_a) * cos(lat_b) * across * across;
    return 2 * EARTH_M * asin(fmin(sqrt(h), 1));
}

/* --- one fix by itself ---------------------------------------------------------------------- */

static bool nowhere(const struct gnss_fix *f) {
    const int32_t tenth = 1000000; /* of a degree: the sea around the island is as empty */
    bool island = f->latitude_e7 > -tenth && f->latitude_e7 < tenth && f->longitude_e7 > -tenth &&
                  f->longitude_e7 < tenth;
    return island || f->latitude_e7 > 900000000 || f->latitude_e7 < -900000000 ||
           f->longitude_e7 > 1800000000 || f->longitude_e7 < -1800000000;
}

static enum gnss_verdict date_of(const struct gnss_fix *f) {
    if (f->unix_ms == 0 || (f->unix_ms >= DATE_FIRST_MS && f->unix_ms < DATE_LAST_MS))
        return GNSS_GOOD;
    int64_t once = f->unix_ms + ROLLOVER_MS, twice = once + ROLLOVER_MS;
    bool rolled = f->unix_ms < DATE_FIRST_MS && f->unix_ms > 0 &&
                  (once >= DATE_FIRST_MS || twice >= DATE_FIRST_MS);
    return rolled ? GNSS_ROLLOVER : GNSS_DATE;
}

/* --- against those before ------------------------------------------------------------------- */

static bool reachable(const struct gnss_spot *from, const struct gnss_fix *f) {
    double seconds = (double)(f->t_ns - from->t_ns) / 1e9;
    double far =
        gnss_distance_m(from->latitude_e7, from->longitude_e7, f->latitude_e7, f->longitude_e7);
    return far <= SLACK_M + from->error_m + f->error_m + SPEED_MAX_M_S * fmax(seconds, 0);
}

static struct gnss_spot spot_of(const struct gnss_fix *f) {
    return (struct gnss_spot){f->t_ns, f->latitude_e7, f->longitude_e7, f->error_m};
}

/* A place that many fixes in a row agree on is where we are, however we came there. */
static bool held_there(struct gnss *g, const struct gnss_fix *f) {
    bool same = g->other_fixes > 0 && reachable(&g->other, f);
    g->other_fixes = same ? g->other_fixes + 1 : 1;
    g->other = spot_of(f);
    return g->other_fixes >= GNSS_MOVED_FIXES;
}

static bool place_fits(struct gnss *g, const struct gnss_fix *f) {
    if (g->placed && !reachable(&g->spot, f) && !held_there(g, f))
        return false;
    g->other_fixes = 0;
    return true;
}

static int64_t offset_of(const struct gnss_fix *f) {
    return f->unix_ms - f->t_ns / 1000000;
}

static bool near_ms(int64_t a, int64_t b) {
    return a - b <= TIME_SLACK_MS && b - a <= TIME_SLACK_MS;
}

static bool time_fits(struct gnss *g, const struct gnss_fix *f) {
    if (f->unix_ms == 0 || g->offsets == 0 || near_ms(offset_of(f), g->offset_ms[g->offsets - 1])) {
        g->other_times = 0;
        return true;
    }
    bool same = g->other_times > 0 && near_ms(offset_of(f), g->other_offset_ms);
    g->other_times = same ? g->other_times + 1 : 1;
    g->other_offset_ms = offset_of(f);
    if (g->other_times < GNSS_MOVED_FIXES)
        return false;
    g->offsets = 0;
    g->pulse_ns = 0;
    g->other_times = 0;
    return true;
}

static enum gnss_verdict judge(struct gnss *g, const struct gnss_fix *f) {
    if (f->mode < 2 && !f->pps)
        return GNSS_NO_FIX;
    enum gnss_verdict date = date_of(f);
    if (date != GNSS_GOOD)
        return date;
    if (!f->pps && nowhere(f))
        return GNSS_NOWHERE;
    /* Written so that what is no number is refused. */
    if (!f->pps && !(f->error_m <= ERROR_MAX_M && f->hdop <= HDOP_MAX))
        return GNSS_VAGUE;
    if (!f->pps && !place_fits(g, f))
        return GNSS_JUMPED;
    return time_fits(g, f) ? GNSS_GOOD : GNSS_TIME_JUMPED;
}

/* --- keeping -------------------------------------------------------------------------------- */

static void keep_time(struct gnss *g, const struct gnss_fix *f) {
    if (f->unix_ms == 0)
        return;
    g->time_ns = f->t_ns;
    if (f->pps) {
        g->pulse_ns = f->t_ns;
        g->pulse_offset_ms = offset_of(f);
        return;
    }
    if (g->offsets == GNSS_ARRIVALS) {
        for (unsigned i = 1; i < GNSS_ARRIVALS; i++)
            g->offset_ms[i - 1] = g->offset_ms[i];
        g->offsets--;
    }
    g->offset_ms[g->offsets++] = offset_of(f);
}

static void tally(struct gnss *g, enum gnss_verdict verdict) {
    if (verdict == GNSS_NO_FIX)
        return;
    bool good = verdict == GNSS_GOOD;
    g->refused += !good && g->refused < UINT32_MAX;
    g->good_run = good ? g->good_run + 1 : 0;
    g->refused_run = good ? 0 : g->refused_run + 1;
    if (g->refused_run >= GNSS_FAULT_FIXES)
        g->fault = true;
    if (g->good_run >= GNSS_CLEAR_FIXES)
        g->fault = false;
}

enum gnss_verdict gnss_fix(struct gnss *g, const struct gnss_fix *fix) {
    enum gnss_verdict verdict = judge(g, fix);
    g->last = verdict;
    if (verdict == GNSS_GOOD) {
        if (!fix->pps) {
            g->placed = true;
            g->spot = spot_of(fix);
        }
        keep_time(g, fix);
    }
    if (!fix->pps || verdict != GNSS_GOOD)
        tally(g, verdict);
    return verdict;
}

/* --- asking --------------------------------------------------------------------------------- */

static bool fresh(int64_t since_ns, int64_t now_ns, int64_t for_s) {
    return now_ns - since_ns <= for_s * 1000000000;
}

bool gnss_position(const struct gnss *g, int64_t now_ns, struct gnss_spot *ret_spot) {
    if (!g->placed || !fresh(g->spot.t_ns, now_ns, GNSS_POSITION_S))
        return false;
    *ret_spot = g->spot;
    return true;
}

static uint32_t drift_ms(int64_t since_ns, int64_t now_ns) {
    return (uint32_t)((now_ns - since_ns) / 1000000 * DRIFT_PPM / 1000000);
}

bool gnss_time(const struct gnss *g, int64_t now_ns, int64_t *ret_unix_ms, uint32_t *ret_error_ms) {
    if (g->pulse_ns > 0 && fresh(g->pulse_ns, now_ns, GNSS_TIME_S)) {
        *ret_unix_ms = g->pulse_offset_ms + now_ns / 1000000;
        *ret_error_ms = PULSE_ERROR_MS + drift_ms(g->pulse_ns, now_ns);
        return true;
    }
    if (g->offsets == 0 || !fresh(g->time_ns, now_ns, GNSS_TIME_S))
        return false;
    int64_t best = g->offset_ms[0];
    for (unsigned i = 1; i < g->offsets; i++)
        best = g->offset_ms[i] > best ? g->offset_ms[i] : best;
    *ret_unix_ms = best + now_ns / 1000000;
    *ret_error_ms = ARRIVAL_ERROR_MS + drift_ms(g->time_ns, now_ns);
    return true;
}
