#include "health.h"

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
                   .counters = {[HEALTH_BOOTS] = parts->boots,
                                [HEALTH_EVENTS] = c->accepted,
                                [HEALTH_RADAR_LINES] = parts->radar_lines,
                                [HEALTH_RADAR_REFUSED] = parts->radar_refused,
                                [HEALTH_RADAR_RESETS] = parts->radar_resets,
                                [HEALTH_GPIO_GAPS] = parts->gpio_gaps,
                                [HEALTH_LINK_DROPS] = c->link_drops,
                                [HEALTH_BATCHES_RESENT] = c->resent,
                                [HEALTH_ACKS_REFUSED] = c->acks_refused,
                                [HEALTH_QUEUE_REFUSED] = parts->queue_refused}},
    };
    add_spools(sender, &event.health);
    *ret_event = event;
}
