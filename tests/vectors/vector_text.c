#include "vector_text.h"
#include <inttypes.h>

void vector_text_header(FILE *to, const struct batch_header *h) {
    fprintf(to,
            "header device=%s spool_id=%" PRIu64 " class=%d seq=%" PRIu64 " boot_id=%" PRIu64
            " anchor_boot_ms=%" PRId64 " anchor_unix_ms=%" PRId64 " anchor_quality=%d previous=",
            h->device, h->spool_id, (int)h->cls, h->seq, h->boot_id, h->anchor_boot_ms,
            h->anchor_unix_ms, h->anchor_quality);
    for (size_t i = 0; h->has_previous && i < WIRE_HASH_BYTES; i++)
        fprintf(to, "%02x", h->previous[i]);
    fprintf(to, " events=%" PRIu32 "\n", h->events);
}

static void passage(FILE *to, const struct event *e) {
    const struct event_passage *p = &e->passage;
    fprintf(to, " direction=%d speed=%d duration=%" PRIu32 " magnitude=%d quality=%d flags=%d",
            p->direction, p->speed_mph10, p->duration_ms / 100, p->magnitude_db, p->quality,
            p->flags);
}

static void session(FILE *to, const struct event *e) {
    const struct event_session *s = &e->session;
    fprintf(to,
            " what=%d end=%d session=%" PRIu32 " limit=%d expected=%d measured=%d passed=%d"
            " vehicles=%" PRIu32 " site=%s latitude=%" PRId32 " longitude=%" PRId32
            " position_error=%d",
            s->what, s->end, s->session, s->limit_mph, s->expected_mph10, s->measured_mph10,
            s->passed, s->vehicles, s->site, s->latitude_e7, s->longitude_e7, s->position_error_m);
}

static void lock(FILE *to, const struct event *e) {
    fprintf(to, " lock=%d what=%d causes=%d", e->lock.lock, e->lock.what, e->lock.causes);
}

static void health(FILE *to, const struct event *e) {
    static const char *const COUNTERS[] = {
        "boots",         "events",         "events_dropped", "records_lost",  "radar_lines",
        "radar_refused", "radar_resets",   "gpio_gaps",      "link_drops",    "batches_resent",
        "acks_refused",  "storage_errors", "queue_refused",  "sensor_errors", "motion_ignored",
        "gnss_refused",  "frames_lost"};
    const struct event_health *h = &e->health;
    fprintf(to,
            " uptime=%" PRIu32 " battery=%d temperature=%d signal=%d pending_alarm=%" PRIu32
            " pending_event=%" PRIu32 " pending_telemetry=%" PRIu32 " period=%" PRIu32,
            h->uptime_s, h->battery_mv, h->temperature_c10, h->signal_dbm, h->spool_pending[0],
            h->spool_pending[1], h->spool_pending[2], h->period_s);
    for (int i = 0; i < HEALTH_COUNTERS; i++)
        fprintf(to, " %s=%" PRIu32, COUNTERS[i], h->counters[i]);
    fprintf(to,
            " disk_free=%" PRIu32
            " spool_days=%d battery_days=%d battery_current=%d power_flags=%d clock_quality=%d",
            h->disk_free_mib, h->spool_days, h->battery_days, h->battery_ma, h->power_flags,
            h->clock_quality);
}

static void anchor(FILE *to, const struct event *e) {
    fprintf(to, " unix_ms=%" PRId64 " quality=%d error=%" PRIu32, e->anchor.unix_ms,
            e->anchor.quality, e->anchor.error_ms);
}

static void gap(FILE *to, const struct event *e) {
    fprintf(to,
            " class=%d reason=%d from_seq=%" PRIu64 " to_seq=%" PRIu64 " events=%" PRIu32
            " spool_high=%" PRIu32 " spool_low=%" PRIu32,
            e->gap.dropped_class, e->gap.reason, e->gap.from_seq, e->gap.to_seq, e->gap.events,
            e->gap.spool_high, e->gap.spool_low);
}

static void fault(FILE *to, const struct event *e) {
    fprintf(to, " code=%d active=%d detail=%" PRId32, e->fault.code, e->fault.active,
            e->fault.detail);
}

void vector_text_event(FILE *to, const struct event *e) {
    static void (*const FIELDS[])(FILE *, const struct event *) = {
        [EVENT_PASSAGE] = passage, [EVENT_SESSION] = session, [EVENT_LOCK] = lock,
        [EVENT_HEALTH] = health,   [EVENT_ANCHOR] = anchor,   [EVENT_GAP] = gap,
        [EVENT_FAULT] = fault,
    };
    fprintf(to, "%s t_ms=%" PRId64, event_kind_name((enum event_kind)e->kind), e->t_ms);
    FIELDS[e->kind](to, e);
    fputc('\n', to);
}
