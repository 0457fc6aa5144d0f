#include "health.h"
#include <math.h>

static uint32_t clamp(uint64_t n) {
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* What the spools have met, summed over the classes. */
static void add_spools(const struct sender *sender, struct event_health *h) {
    uint64_t dropped = 0, lost = 0, errors = 0;
    for (int c = 0; c < CLASS_COUNT; c++) {
        struct spool_stats stats;
        if (sender->spools[c] == NULL)
            continue;
        spool_stats(sender->spools[c], &stats);
        h->spool_pending[c] = stats.unacked;
        dropped += stats.dropped + stats.refused;
        lost += stats.records_lost;
        errors += stats.storage_errors;
    }
    h->counters[HEALTH_EVENTS_DROPPED] = clamp(dropped);
    h->counters[HEALTH_RECORDS_LOST] = clamp(lost);
    h->counters[HEALTH_STORAGE_ERRORS] = clamp(errors);
}

static int16_t clamp_ma(int32_t ma) {
    return (int16_t)(ma > INT16_MAX ? INT16_MAX : ma < -INT16_MAX ? -INT16_MAX : ma);
}

/* A full disk is measured too: 0 is kept for "not". */
static uint32_t shown_mib(int64_t mib) {
    return mib < 0 ? 0 : mib == 0 ? 1 : clamp((uint64_t)mib);
}

void health_event(const struct health_parts *parts, const struct sender *sender, int64_t now_ns,
                  struct event *ret_event) {
    const struct sender_counters *c = &sender->counters;
    struct event event = {
        .t_ms = now_ns / 1000000,
        .kind = EVENT_HEALTH,
        .health = {.uptime_s = clamp((uint64_t)(now_ns / 1000000000)),
                   .battery_mv = parts->battery_mv,
                   .temperature_c10 = parts->temperature_c10,
                   .signal_dbm = parts->signal_dbm,
                   .period_s = parts->period_s,
                   .disk_free_mib = shown_mib(parts->disk_free_mib),
                   .spool_days = parts->spool_days,
                   .battery_days = parts->battery_days,
                   .battery_ma = clamp_ma(parts->battery_ma),
                   .power_flags = parts->power_flags,
                   .clock_quality = parts->clock_quality,
                   .counters = {[HEALTH_BOOTS] = parts->boots,
                                [HEALTH_EVENTS] = c->accepted,
                                [HEALTH_RADAR_LINES] = parts->radar_lines,
                                [HEALTH_RADAR_REFUSED] = parts->radar_refused,
                                [HEALTH_RADAR_RESETS] = parts->radar_resets,
                                [HEALTH_GPIO_GAPS] = parts->gpio_gaps,
                                [HEALTH_LINK_DROPS] = c->link_drops,
                                [HEALTH_BATCHES_RESENT] = c->resent,
                                [HEALTH_ACKS_REFUSED] = c->acks_refused,
                                [HEALTH_QUEUE_REFUSED] = parts->queue_refused,
                                [HEALTH_SENSOR_ERRORS] = parts->sensor_errors,
                                [HEALTH_GNSS_REFUSED] = parts->gnss_refused}},
    };
    add_spools(sender, &event.health);
    *ret_event = event;
}

/* --- how long the spool lasts --------------------------------------------------------------- */

static const double DAY_S = 86400, SEEN_S = 3600;
/* What an event takes while too few lie there to measure: its record, its share of a batch. */
static const double EVENT_BYTES[CLASS_COUNT] = {
    [CLASS_ALARM] = 400, [CLASS_EVENT] = 96, [CLASS_TELEMETRY] = 500};
enum { MEASURED_EVENTS = 1000 };

static double days_of(const struct spool *spool, enum event_class cls, double per_s) {
    struct spool_stats stats;
    spool_stats(spool, &stats);
    double there = (double)stats.unacked_events + stats.unsealed;
    double each = there >= MEASURED_EVENTS ? (double)stats.bytes / there : EVENT_BYTES[cls];
    double room = (double)spool->conf.quota_bytes - there * each;
    return per_s > 0 ? fmax(room, 0) / (per_s * each) / DAY_S : HEALTH_SPOOL_DAYS_MAX;
}

static void rate_add(struct health_rate *rate, const struct sender *sender, int64_t now_ns) {
    double dt = (double)(now_ns - rate->last_ns) / 1e9;
    double all = (double)(now_ns - rate->first_ns) / 1e9;
    for (int c = 0; c < CLASS_COUNT; c++) {
        struct spool_stats stats = {.accepted = rate->accepted[c]};
        if (sender->spools[c] != NULL)
            spool_stats(sender->spools[c], &stats);
        if (rate->started && dt > 0) {
            double now = (double)(stats.accepted - rate->accepted[c]) / dt;
            double weight = fmax(1 - exp(-dt / DAY_S), dt / all); /* at first a plain mean */
            rate->per_s[c] += weight * (now - rate->per_s[c]);
        }
        rate->accepted[c] = stats.accepted;
    }
}

uint16_t health_spool_days(struct health_rate *rate, const struct sender *sender, int64_t now_ns) {
    if (!rate->started)
        rate->first_ns = now_ns;
    rate_add(rate, sender, now_ns);
    rate->started = true;
    rate->last_ns = now_ns;
    if ((double)(now_ns - rate->first_ns) / 1e9 < SEEN_S)
        return 0;
    double days = HEALTH_SPOOL_DAYS_MAX;
    for (int c = 0; c < CLASS_COUNT; c++)
        if (sender->spools[c] != NULL)
            days = fmin(days, days_of(sender->spools[c], (enum event_class)c, rate->per_s[c]));
    return (uint16_t)(days < 1 ? 1 : days);
}

/* --- faults --------------------------------------------------------------------------------- */

const unsigned HEALTH_FAULTS = 1u << FAULT_BATTERY_LOW | 1u << FAULT_POWER | 1u << FAULT_DISK_LOW;

/* Raised below the limit, cleared an eighth (a battery: a fiftieth) above it. */
static bool below(bool was, uint32_t value, uint32_t limit, uint32_t part) {
    return value < (was ? limit + limit / part : limit);
}

unsigned health_faults(unsigned active, const struct event_health *health,
                       const struct health_limits *limits) {
    const unsigned low = 1u << FAULT_BATTERY_LOW, disk = 1u << FAULT_DISK_LOW;
    unsigned now = active & HEALTH_FAULTS;
    if (health->battery_mv > 0)
        now = below(active & low, health->battery_mv, limits->battery_low_mv, 50) ? now | low
                                                                                  : now & ~low;
    if (health->disk_free_mib > 0)
        now = below(active & disk, health->disk_free_mib, limits->disk_low_mib, 8) ? now | disk
                                                                                   : now & ~disk;
    const unsigned present = (1u << HEALTH_POWER_SINCE_BOOT) - 1, power = 1u << FAULT_POWER;
    return (health->power_flags & present) != 0 ? now | power : now & ~power;
}

int32_t health_fault_detail(enum fault_code code, const struct event_health *health) {
    if (code == FAULT_BATTERY_LOW)
        return health->battery_mv;
    return code == FAULT_POWER ? health->power_flags : (int32_t)health->disk_free_mib;
}
