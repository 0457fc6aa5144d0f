#include "derive.h"
#include "clock.h"
#include "hourly.h"
#include <stdio.h>
#include <string.h>

/* 2020-01-01 and 2100-01-01: a clock that claims more trust than "unknown" and shows anything else
 * is not believed. */
#define CLOCK_FIRST_MS INT64_C(1577836800000)
#define CLOCK_LAST_MS INT64_C(4102444800000)

/* One batch on its way. */
struct work {
    const struct store *store;
    const struct derive_source *source;
    struct store_anchor anchor; /* quality CLOCK_UNKNOWN: none */
    int64_t began_ms;           /* when the boot began, at the latest */
    struct hourly hours;
    int (*signal)(void *arg, const struct alerts_signal *signal);
    void *arg;
};

static int64_t occurred_by(const struct store_anchor *anchor, int64_t t_ms) {
    if (anchor->quality == CLOCK_UNKNOWN)
        return STORE_NEVER;
    return anchor->unix_ms + (t_ms - anchor->boot_ms);
}

static struct store_when when_of(const struct work *w, int64_t t_ms) {
    return (struct store_when){
        .boot_id = w->source->header->boot_id,
        .t_ms = t_ms,
        .occurred_ms = occurred_by(&w->anchor, t_ms),
        .quality = w->anchor.quality,
        .received_ms = w->source->received_ms,
    };
}

/* -- where a passage belongs ----------------------------------------------------------------- */

static int place_of(struct work *w, int64_t t_ms, struct store_place *ret_place) {
    struct store_session session;
    struct store_place place = {.occurred_ms = occurred_by(&w->anchor, t_ms),
                                .quality = w->anchor.quality};
    int r = w->store->session_at(w->store->ctx, w->source->header->device,
                                 w->source->header->boot_id, t_ms, &session);
    if (r < 0)
        return r;
    const char *site = w->source->device->site;
    if (r > 0) {
        place.session = session.session;
        site = session.site[0] != '\0' ? session.site : site;
    }
    snprintf(place.site, sizeof place.site, "%s", site);
    *ret_place = place;
    return 0;
}

enum { PAGE = 128 };

struct passage_page {
    struct store_passage row[PAGE];
    size_t count;
};

static int page_passage(void *arg, const struct store_passage *row) {
    struct passage_page *page = arg;
    page->row[page->count++] = *row;
    return 0;
}

static bool place_same(const struct store_passage *p, const struct store_place *to) {
    return p->when.occurred_ms == to->occurred_ms && p->when.quality == to->quality &&
           p->session == to->session && strcmp(p->site, to->site) == 0;
}

static int passage_redo(struct work *w, const struct store_passage *p) {
    struct store_place to;
    int r = place_of(w, p->when.t_ms, &to);
    if (r < 0 || place_same(p, &to))
        return r;
    r = hourly_passage(&w->hours, p->site, p->when.occurred_ms, &p->passage, -1);
    if (r >= 0)
        r = hourly_passage(&w->hours, to.site, to.occurred_ms, &p->passage, 1);
    if (r >= 0)
        r = w->store->passage_move(w->store->ctx, p->id, &to);
    return r;
}

/* Gives the stored passages of this boot from from_t_ms on their place anew. */
static int passages_redo(struct work *w, int64_t from_t_ms) {
    struct passage_page page;
    struct store_filter filter = {.device = w->source->header->device,
                                  .boot_id = w->source->header->boot_id,
                                  .lock = -1,
                                  .from_t_ms = from_t_ms,
                                  .to_t_ms = INT64_MAX,
                                  .limit = PAGE};
    int r;
    do {
        page.count = 0;
        r = w->store->passages(w->store->ctx, &filter, page_passage, &page);
        for (size_t i = 0; i < page.count && r >= 0; i++)
            r = passage_redo(w, &page.row[i]);
        if (page.count > 0)
            filter.before = page.row[page.count - 1].id;
    } while (r >= 0 && page.count == PAGE);
    return r < 0 ? r : hourly_flush(&w->hours);
}

/* -- awake time ------------------------------------------------------------------------------ */

void derive_awake_span(const struct store_health *before, int64_t t_ms,
                       const struct event_health *health, int64_t *ret_from, int64_t *ret_to) {
    int64_t from = t_ms - (int64_t)health->period_s * 1000;
    int64_t up = t_ms - (int64_t)health->uptime_s * 1000;
    if (from < up)
        from = up;
    if (before != NULL && from < before->when.t_ms)
        from = before->when.t_ms;
    *ret_from = from < t_ms ? from : t_ms;
    *ret_to = t_ms;
}

/* Adds (sign 1) or takes away (-1) a span, split at the hours. */
static int awake_change(struct work *w, const struct store_anchor *anchor, int64_t from_t,
                        int64_t to_t, int sign) {
    if (anchor->quality == CLOCK_UNKNOWN)
        return 0;
    int64_t at = occurred_by(anchor, from_t), end = occurred_by(anchor, to_t);
    while (at < end) {
        int64_t hour = hourly_start(at);
        int64_t stop = hour + STORE_HOUR_MS < end ? hour + STORE_HOUR_MS : end;
        int r =
            w->store->awake_add(w->store->ctx, w->source->header->device, hour, sign * (stop - at));
        if (r < 0)
            return r;
        at = stop;
    }
    return 0;
}

static int awake_heartbeat(struct work *w, const struct store_anchor *anchor,
                           const struct store_health *before, const struct store_health *at,
                           int sign) {
    int64_t from, to;
    derive_awake_span(before, at->when.t_ms, &at->health, &from, &to);
    return awake_change(w, anchor, from, to, sign);
}

struct health_page {
    struct store_health row[PAGE];
    size_t count;
};

static int page_health(void *arg, const struct store_health *row) {
    struct health_page *page = arg;
    page->row[page->count++] = *row;
    return 0;
}

static int awake_redo_one(struct work *w, const struct store_anchor *old,
                          const struct store_health *at) {
    struct store_health before, after;
    int r = w->store->health_around(w->store->ctx, at->device, at->when.boot_id, at->when.t_ms,
                                    &before, &after);
    if (r < 0)
        return r;
    const struct store_health *previous = (r & 1) != 0 ? &before : NULL;
    r = awake_heartbeat(w, old, previous, at, -1);
    return r < 0 ? r : awake_heartbeat(w, &w->anchor, previous, at, 1);
}

/* Moves the awake time of this boot from the old anchor's hours to the new one's. */
static int awake_redo(struct work *w, const struct store_anchor *old) {
    struct health_page page;
    struct store_filter filter = {.device = w->source->header->device,
                                  .boot_id = w->source->header->boot_id,
                                  .lock = -1,
                                  .limit = PAGE};
    int r;
    do {
        page.count = 0;
        r = w->store->healths(w->store->ctx, &filter, page_health, &page);
        for (size_t i = 0; i < page.count && r >= 0; i++)
            r = awake_redo_one(w, old, &page.row[i]);
        if (page.count > 0)
            filter.before = page.row[page.count - 1].id;
    } while (r >= 0 && page.count == PAGE);
    return r;
}

/* -- anchors --------------------------------------------------------------------------------- */

static int anchor_offer(struct work *w, const struct store_anchor *offer) {
    if (offer->quality <= w->anchor.quality || offer->unix_ms < CLOCK_FIRST_MS ||
        offer->unix_ms > CLOCK_LAST_MS)
        return 0;
    struct store_anchor old = w->anchor;
    w->anchor = *offer;
    int r = w->store->anchor_put(w->store->ctx, offer);
    if (r >= 0)
        r = passages_redo(w, INT64_MIN);
    if (r >= 0)
        r = awake_redo(w, &old);
    return r;
}

static struct store_anchor anchor_of(const struct batch_header *h) {
    struct store_anchor a = {.boot_id = h->boot_id,
                             .boot_ms = h->anchor_boot_ms,
                             .unix_ms = h->anchor_unix_ms,
                             .quality = h->anchor_quality};
    snprintf(a.device, sizeof a.device, "%s", h->device);
    return a;
}

/* Before the events, so that those of this batch are stored with the best time at once. */
static int anchors(struct work *w, const struct event *events, size_t count) {
    const struct batch_header *h = w->source->header;
    w->anchor = (struct store_anchor){.quality = CLOCK_UNKNOWN};
    int r = w->store->anchor_get(w->store->ctx, h->device, h->boot_id, &w->anchor);
    struct store_anchor offer = anchor_of(h);
    if (r >= 0)
        r = anchor_offer(w, &offer);
    for (size_t i = 0; i < count && r >= 0; i++) {
        if (events[i].kind != EVENT_ANCHOR)
            continue;
        offer.boot_ms = events[i].t_ms;
        offer.unix_ms = events[i].anchor.unix_ms;
        offer.quality = events[i].anchor.quality;
        offer.error_ms = events[i].anchor.error_ms;
        r = anchor_offer(w, &offer);
    }
    return r;
}

/* -- events ---------------------------------------------------------------------------------- */

static int tell(struct work *w, const struct event *e, struct alerts_signal *s) {
    if (w->source->rebuilding || w->signal == NULL)
        return 0;
    s->device = w->source->header->device;
    s->occurred_ms = occurred_by(&w->anchor, e->t_ms);
    s->quality = w->anchor.quality;
    s->latest_ms = w->began_ms + e->t_ms;
    s->received_ms = w->source->received_ms;
    return w->signal(w->arg, s);
}

static int finding(struct work *w, enum finding kind, const char *text) {
    if (w->source->rebuilding)
        return 0;
    const struct batch_header *h = w->source->header;
    struct store_finding row = {.received_ms = w->source->received_ms,
                                .kind = kind,
                                .spool_id = h->spool_id,
                                .cls = h->cls,
                                .seq = h->seq};
    snprintf(row.device, sizeof row.device, "%s", h->device);
    snprintf(row.text, sizeof row.text, "%s", text);
    return w->store->finding_put(w->store->ctx, &row);
}

#define DEVICE_INTO(row, w)                                                                        \
    snprintf((row).device, sizeof(row).device, "%s", (w)->source->header->device)

static int on_passage(struct work *w, const struct event *e) {
    struct store_place place;
    int r = place_of(w, e->t_ms, &place);
    if (r < 0)
        return r;
    struct store_passage row = {.batch = w->source->batch,
                                .session = place.session,
                                .when = when_of(w, e->t_ms),
                                .passage = e->passage};
    DEVICE_INTO(row, w);
    memcpy(row.site, place.site, sizeof row.site);
    r = w->store->passage_put(w->store->ctx, &row);
    if (r < 0)
        return r;
    return hourly_passage(&w->hours, place.site, place.occurred_ms, &e->passage, 1);
}

static int session_site_check(struct work *w, const struct event_session *s) {
    struct store_site site;
    char text[STORE_TEXT_MAX + 1];
    int r = w->store->site_get(w->store->ctx, s->site, &site);
    if (r != ERR_NOENT)
        return r;
    snprintf(text, sizeof text, "session %u names site '%s', which is not registered", s->session,
             s->site);
    return finding(w, FINDING_UNKNOWN_SITE, text);
}

static int on_session(struct work *w, const struct event *e) {
    const struct event_session *s = &e->session;
    struct store_session row = {.spool_id = w->source->header->spool_id, .session = s->session};
    DEVICE_INTO(row, w);
    row.start.occurred_ms = row.stop.occurred_ms = STORE_NEVER;
    if (s->what == SESSION_START) {
        row.start = when_of(w, e->t_ms);
        row.limit_mph = s->limit_mph;
        memcpy(row.site, s->site, sizeof row.site);
        row.latitude_e7 = s->latitude_e7;
        row.longitude_e7 = s->longitude_e7;
        row.position_error_m = s->position_error_m;
    } else if (s->what == SESSION_STOP) {
        row.stop = when_of(w, e->t_ms);
        row.end = s->end;
        row.vehicles = s->vehicles;
    } else {
        row.check = s->passed ? 1 : 2;
        row.expected_mph10 = s->expected_mph10;
        row.measured_mph10 = s->measured_mph10;
    }
    int r = w->store->session_put(w->store->ctx, &row);
    if (r >= 0 && s->what == SESSION_START && s->site[0] != '\0')
        r = session_site_check(w, s);
    if (r >= 0 && s->what != SESSION_CHECK)
        r = hourly_flush(&w->hours);
    if (r >= 0 && s->what != SESSION_CHECK)
        r = passages_redo(w, e->t_ms);
    return r;
}

static int on_lock(struct work *w, const struct event *e) {
    struct store_lock_event row = {
        .batch = w->source->batch, .when = when_of(w, e->t_ms), .lock = e->lock};
    struct store_lock lock = {0};
    char place[STORE_TEXT_MAX + 1] = "", text[STORE_TEXT_MAX + 1];
    DEVICE_INTO(row, w);
    int r = w->store->lock_event_put(w->store->ctx, &row);
    if (r < 0)
        return r;
    r = w->store->lock_get(w->store->ctx, row.device, e->lock.lock, &lock);
    if (r == ERR_NOENT) {
        snprintf(text, sizeof text, "lock %u is not registered", e->lock.lock);
        snprintf(place, sizeof place, "lock %u of %s", e->lock.lock, row.device);
        r = finding(w, FINDING_UNKNOWN_LOCK, text);
    } else if (r >= 0) {
        snprintf(place, sizeof place, "%s%s%s", lock.plot,
                 lock.plot[0] != '\0' && lock.allotment[0] != '\0' ? ", " : "", lock.allotment);
    }
    if (r < 0)
        return r;
    struct alerts_signal s = {.kind = SIGNAL_LOCK,
                              .lock = e->lock.lock,
                              .what = e->lock.what,
                              .causes = e->lock.causes,
                              .place = place};
    return tell(w, e, &s);
}

static int on_health(struct work *w, const struct event *e) {
    struct store_health row = {.when = when_of(w, e->t_ms), .health = e->health};
    struct store_health before, after, same;
    DEVICE_INTO(row, w);
    int r = w->store->health_around(w->store->ctx, row.device, row.when.boot_id, e->t_ms + 1, &same,
                                    &after);
    /* One moment has one heartbeat; a second one says nothing and would be counted twice. */
    if (r < 0 || ((r & 1) != 0 && same.when.t_ms == e->t_ms))
        return r;
    r = w->store->health_around(w->store->ctx, row.device, row.when.boot_id, e->t_ms, &before,
                                &after);
    if (r < 0)
        return r;
    const struct store_health *previous = (r & 1) != 0 ? &before : NULL;
    bool has_next = (r & 2) != 0;
    r = awake_heartbeat(w, &w->anchor, previous, &row, 1);
    if (r >= 0 && has_next)
        r = awake_heartbeat(w, &w->anchor, &row, &after, 1);
    if (r >= 0 && has_next)
        r = awake_heartbeat(w, &w->anchor, previous, &after, -1);
    return r < 0 ? r : w->store->health_put(w->store->ctx, &row);
}

static int on_gap(struct work *w, const struct event *e) {
    struct store_gap row = {.spool_id = (uint64_t)e->gap.spool_high << 32 | e->gap.spool_low,
                            .when = when_of(w, e->t_ms),
                            .gap = e->gap};
    DEVICE_INTO(row, w);
    int r = w->store->gap_put(w->store->ctx, &row);
    /* from > to: only events that never became a batch. */
    if (r >= 0 && e->gap.from_seq <= e->gap.to_seq)
        r = w->store->lost_put(w->store->ctx, row.device, row.spool_id, e->gap.dropped_class,
                               e->gap.from_seq, e->gap.to_seq);
    struct alerts_signal s = {.kind = SIGNAL_GAP,
                              .lock = STORE_NO_LOCK,
                              .what = e->gap.dropped_class,
                              .count = e->gap.events,
                              .place = w->source->device->name};
    return r < 0 ? r : tell(w, e, &s);
}

static int on_fault(struct work *w, const struct event *e) {
    struct store_fault row = {.when = when_of(w, e->t_ms), .fault = e->fault};
    DEVICE_INTO(row, w);
    int r = w->store->fault_put(w->store->ctx, &row);
    struct alerts_signal s = {.kind = SIGNAL_FAULT,
                              .lock = STORE_NO_LOCK,
                              .what = e->fault.code,
                              .active = e->fault.active,
                              .detail = e->fault.detail,
                              .place = w->source->device->name};
    return r < 0 ? r : tell(w, e, &s);
}

static int on_anchor(struct work *w, const struct event *e) {
    (void)w;
    (void)e;
    return 0; /* taken before the others, by anchors() */
}

static int (*const ON[])(struct work *w, const struct event *e) = {
    [EVENT_PASSAGE] = on_passage, [EVENT_SESSION] = on_session, [EVENT_LOCK] = on_lock,
    [EVENT_HEALTH] = on_health,   [EVENT_ANCHOR] = on_anchor,   [EVENT_GAP] = on_gap,
    [EVENT_FAULT] = on_fault,
};

int derive_batch(const struct store *store, const struct derive_source *source,
                 const struct event *events, size_t count,
                 int (*signal)(void *arg, const struct alerts_signal *signal), void *arg) {
    struct work w = {
        .store = store, .source = source, .hours = {.store = store}, .signal = signal, .arg = arg};
    const struct batch_header *h = source->header;
    int64_t newest = h->anchor_boot_ms;
    for (size_t i = 0; i < count; i++)
        newest = events[i].t_ms > newest ? events[i].t_ms : newest;
    int r = store->boot_heard(store->ctx, h->device, h->boot_id, source->received_ms - newest,
                              &w.began_ms);
    if (r >= 0)
        r = anchors(&w, events, count);
    for (size_t i = 0; i < count && r >= 0; i++)
        if (events[i].kind < sizeof ON / sizeof ON[0] && ON[events[i].kind] != NULL)
            r = ON[events[i].kind](&w, &events[i]);
    return r < 0 ? r : hourly_flush(&w.hours);
}
