#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "store_contract.h"

#define STORE(state) (&((struct contract *)*(state))->store)
#define NOW INT64_C(1800000000000)
#define COPY(array, text) snprintf(array, sizeof(array), "%s", text)

static struct batch_header header(const char *device, enum event_class cls, uint64_t seq) {
    struct batch_header h = {.schema = 1,
                             .spool_id = UINT64_C(0xfedcba9876543210),
                             .cls = cls,
                             .seq = seq,
                             .boot_id = UINT64_C(0xffffffff00000001),
                             .anchor_boot_ms = 5,
                             .anchor_unix_ms = NOW,
                             .anchor_quality = CLOCK_NTP,
                             .body_size = 9,
                             .events = 3};
    COPY(h.device, device);
    return h;
}

static int put(const struct store *s, const char *device, enum event_class cls, uint64_t seq) {
    struct batch_header h = header(device, cls, seq);
    char payload[64];
    int len = snprintf(payload, sizeof payload, "%s/%d/%d", device, (int)cls, (int)seq);
    int64_t id = 0;
    return s->batch_put(s->ctx, &h, (const uint8_t *)payload, (size_t)len, NOW, &id);
}

enum { KEPT_MAX = 64 };
struct kept {
    size_t n;
    union {
        struct store_batch batch[KEPT_MAX];
        struct store_missing missing[KEPT_MAX];
        struct store_refused refused[KEPT_MAX];
        struct store_hour hour[KEPT_MAX];
        struct store_lock_state lock[KEPT_MAX];
        struct store_device_state device[KEPT_MAX];
        struct store_point point[KEPT_MAX];
        struct store_alert alert[KEPT_MAX];
        struct store_passage passage[KEPT_MAX];
        struct store_lock_event lock_event[KEPT_MAX];
        struct store_counter counter[KEPT_MAX];
        struct store_stream stream[KEPT_MAX];
        struct store_site site[KEPT_MAX];
    };
};
static struct kept kept;

#define KEEP(name, member)                                                                         \
    static int keep_##member(void *arg, const struct store_##name *row) {                          \
        struct kept *k = arg;                                                                      \
        assert_true(k->n < KEPT_MAX);                                                              \
        k->member[k->n++] = *row;                                                                  \
        return 0;                                                                                  \
    }
KEEP(batch, batch)
KEEP(missing, missing)
KEEP(refused, refused)
KEEP(hour, hour)
KEEP(lock_state, lock)
KEEP(device_state, device)
KEEP(point, point)
KEEP(alert, alert)
KEEP(passage, passage)
KEEP(lock_event, lock_event)
KEEP(counter, counter)
KEEP(stream, stream)
KEEP(site, site)

static uint64_t counter(const struct store *s, const char *name) {
    kept.n = 0;
    assert_true(s->counters(s->ctx, keep_counter, &kept) >= 0);
    for (size_t i = 0; i < kept.n; i++)
        if (strcmp(kept.counter[i].name, name) == 0)
            return kept.counter[i].n;
    return 0;
}

void contract_batch_is_written_once(void **state) {
    const struct store *s = STORE(state);
    struct batch_header h = header("kit-1", CLASS_EVENT, 7);
    h.has_previous = true;
    memset(h.previous, 0xa5, sizeof h.previous);
    const uint8_t bytes[] = {1, 2, 0, 3}, other[] = {1, 2, 0, 4};
    int64_t first = 0, again = 0, unset = -1;
    assert_int_equal(s->batch_put(s->ctx, &h, bytes, 4, NOW, &first), 1);
    assert_int_equal(s->batch_put(s->ctx, &h, bytes, 4, NOW + 9, &again), 0);
    assert_true(first == again);
    assert_int_equal(s->batch_put(s->ctx, &h, other, 4, NOW, &unset), ERR_EXIST);
    assert_true(unset == -1);
    assert_int_equal(s->batch_find(s->ctx, "kit-1", h.spool_id, CLASS_EVENT, 7, &again), 1);
    assert_int_equal(s->batch_find(s->ctx, "kit-1", h.spool_id, CLASS_EVENT, 8, &again), 0);
    uint8_t hash[WIRE_HASH_BYTES], expected[WIRE_HASH_BYTES];
    batch_hash(bytes, 4, expected);
    assert_int_equal(s->batch_hash(s->ctx, "kit-1", h.spool_id, CLASS_EVENT, 7, hash), 1);
    assert_memory_equal(hash, expected, sizeof hash);
    kept.n = 0;
    assert_int_equal(s->batches(s->ctx, 0, 0, keep_batch, &kept), 1);
    const struct store_batch *b = &kept.batch[0];
    assert_memory_equal(&b->header, &h, sizeof h);
    assert_true(b->received_ms == NOW && b->len == 4);
    assert_int_equal(s->batches(s->ctx, first, 0, keep_batch, &kept), 0);
}

void contract_rollback_leaves_no_trace(void **state) {
    const struct store *s = STORE(state);
    s->rollback(s->ctx); /* harmless */
    assert_int_equal(s->begin(s->ctx), 0);
    assert_int_equal(put(s, "kit-1", CLASS_ALARM, 0), 1);
    assert_int_equal(s->counter_add(s->ctx, "x", 4), 0);
    s->rollback(s->ctx);
    assert_true(counter(s, "x") == 0);
    kept.n = 0;
    assert_int_equal(s->streams(s->ctx, NULL, keep_stream, &kept), 0);
    assert_int_equal(put(s, "kit-1", CLASS_ALARM, 0), 1);
}

static void assert_ack(const struct store *s, int64_t upto, size_t also, uint64_t first) {
    struct ack ack;
    uint64_t spool = header("kit-1", CLASS_EVENT, 0).spool_id;
    assert_int_equal(s->ack(s->ctx, "kit-1", spool, CLASS_EVENT, &ack), 0);
    assert_true(ack.spool_id == spool && ack.cls == CLASS_EVENT);
    assert_int_equal(ack.has_upto, upto >= 0);
    if (upto >= 0)
        assert_true(ack.upto == (uint64_t)upto);
    assert_int_equal(ack.also_count, also);
    if (also > 0)
        assert_true(ack.also[0] == first);
}

void contract_ack_is_contiguous(void **state) {
    const struct store *s = STORE(state);
    uint64_t spool = header("kit-1", CLASS_EVENT, 0).spool_id;
    assert_ack(s, -1, 0, 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 2), 1);
    assert_ack(s, -1, 1, 2);
    assert_int_equal(put(s, "kit-1", CLASS_ALARM, 0), 1); /* another queue */
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 0), 1);
    assert_ack(s, 0, 1, 2);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 1), 1);
    assert_ack(s, 2, 0, 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 9), 1);
    assert_int_equal(s->lost_put(s->ctx, "kit-1", spool, CLASS_EVENT, 3, 7), 0);
    assert_ack(s, 7, 1, 9);
    assert_int_equal(s->lost_put(s->ctx, "kit-1", spool, CLASS_EVENT, 3, 7), 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 8), 1);
    assert_ack(s, 9, 0, 0);
    assert_int_equal(s->lost_put(s->ctx, "kit-1", spool, CLASS_EVENT, 5, 4), ERR_INVAL);
    for (uint64_t seq = 100; seq < 100 + ACK_ALSO_MAX + 5; seq++)
        assert_int_equal(put(s, "kit-1", CLASS_EVENT, seq), 1);
    assert_ack(s, 9, ACK_ALSO_MAX, 100);
}

void contract_missing_is_what_is_not_there(void **state) {
    const struct store *s = STORE(state);
    uint64_t spool = header("a", CLASS_EVENT, 0).spool_id;
    const uint64_t stored[] = {2, 3, 8, 9, 15};
    for (size_t i = 0; i < sizeof stored / sizeof stored[0]; i++)
        assert_int_equal(put(s, "a", CLASS_EVENT, stored[i]), 1);
    assert_int_equal(put(s, "b", CLASS_ALARM, 1), 1);
    assert_int_equal(put(s, "c", CLASS_ALARM, 0), 1);
    assert_int_equal(s->lost_put(s->ctx, "a", spool, CLASS_EVENT, 9, 11), 0);
    assert_int_equal(s->lost_put(s->ctx, "a", spool, CLASS_EVENT, 20, 30), 0);
    const uint64_t expected[][2] = {{0, 1}, {4, 7}, {12, 14}, {0, 0}};
    kept.n = 0;
    assert_int_equal(s->missing(s->ctx, NULL, 0, keep_missing, &kept), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(kept.missing[i].from_seq == expected[i][0]);
        assert_true(kept.missing[i].to_seq == expected[i][1]);
        assert_string_equal(kept.missing[i].device, i < 3 ? "a" : "b");
    }
    kept.n = 0;
    assert_int_equal(s->missing(s->ctx, "a", 2, keep_missing, &kept), 2);
    assert_int_equal(s->missing(s->ctx, "c", 0, keep_missing, &kept), 0);
}

void contract_refused_is_bounded(void **state) {
    const struct store *s = STORE(state);
    uint8_t junk[100] = {0};
    for (int i = 0; i < 10; i++) {
        struct store_refused row = {.received_ms = NOW + i,
                                    .reason = REFUSED_SIGNATURE,
                                    .len = 5000,
                                    .payload = junk,
                                    .kept = (size_t)(10 * i)};
        COPY(row.device, "kit-1");
        COPY(row.topic, "mw/1/kit-1/e");
        assert_int_equal(s->refused_put(s->ctx, &row, 5, 200), 0);
    }
    kept.n = 0;
    assert_int_equal(s->refused(s->ctx, 0, 0, keep_refused, &kept), 2); /* 90 + 80 <= 200 */
    assert_true(kept.refused[0].received_ms == NOW + 9 && kept.refused[0].kept == 90);
    assert_true(kept.refused[0].len == 5000 && kept.refused[1].kept == 80);
    assert_true(counter(s, "refused.signature") == 10);
    assert_true(counter(s, "refused.dropped") == 8);
    struct store_refused row = {.reason = REFUSED_TOPIC};
    for (int i = 0; i < 10; i++)
        assert_int_equal(s->refused_put(s->ctx, &row, 5, 200), 0);
    kept.n = 0;
    assert_int_equal(s->refused(s->ctx, 0, 0, keep_refused, &kept), 5);
}

static int add(const struct store *s, const char *site, int64_t hour, uint16_t speed, bool take) {
    return s->hour_change(s->ctx, site, hour, DIRECTION_OUT, &speed, take ? 0 : 1, &speed, take);
}

void contract_hours_add_and_take(void **state) {
    const struct store *s = STORE(state);
    const int64_t hour = NOW / STORE_HOUR_MS * STORE_HOUR_MS;
    assert_int_equal(add(s, "b", hour, 301, false), 0);
    assert_int_equal(add(s, "b", hour, 301, false), 0);
    assert_int_equal(add(s, "b", hour + STORE_HOUR_MS, 40, false), 0);
    assert_int_equal(add(s, "a", hour, 305, false), 0);
    assert_int_equal(add(s, "a", hour, 306, true), ERR_RANGE);
    kept.n = 0;
    assert_int_equal(s->hours(s->ctx, NULL, STORE_NEVER, INT64_MAX, 0, keep_hour, &kept), 3);
    assert_string_equal(kept.hour[0].site, "a");
    assert_string_equal(kept.hour[1].site, "b");
    assert_true(kept.hour[1].n == 2 && kept.hour[1].hour_ms == hour);
    assert_int_equal(kept.hour[1].direction, DIRECTION_OUT);
    assert_int_equal(s->hours(s->ctx, "b", hour + 1, INT64_MAX, 0, keep_hour, &kept), 1);
    assert_int_equal(add(s, "a", hour, 305, true), 0); /* an empty hour has no row */
    assert_int_equal(s->hours(s->ctx, "a", STORE_NEVER, INT64_MAX, 0, keep_hour, &kept), 0);
}

static struct store_when when(uint64_t boot, int64_t t, int64_t occurred) {
    return (struct store_when){boot, t, occurred,
                               occurred == STORE_NEVER ? CLOCK_UNKNOWN : CLOCK_NTP, NOW};
}

void contract_session_is_merged(void **state) {
    const struct store *s = STORE(state);
    struct store_session start = {.spool_id = 4, .session = 1, .limit_mph = 30};
    COPY(start.device, "kit-1");
    struct store_session stop = start, check = start, got;
    COPY(start.site, "yarm-1");
    start.start = when(11, 1000, STORE_NEVER);
    start.latitude_e7 = 545050000;
    start.longitude_e7 = -11070000;
    start.position_error_m = 6;
    stop.stop = when(11, 9000, NOW + 8);
    stop.vehicles = 77;
    stop.end = SESSION_END_BUTTON;
    check.check = 2;
    check.expected_mph10 = 250;
    assert_int_equal(s->session_put(s->ctx, &stop), 0); /* in any order */
    assert_int_equal(s->session_put(s->ctx, &start), 0);
    assert_int_equal(s->session_put(s->ctx, &check), 0);
    assert_int_equal(s->session_get(s->ctx, "kit-1", 4, 1, &got), 0);
    assert_string_equal(got.site, "yarm-1");
    assert_true(got.start.t_ms == 1000 && got.start.occurred_ms == STORE_NEVER);
    assert_true(got.stop.occurred_ms == NOW + 8 && got.vehicles == 77 && got.check == 2);
    assert_true(got.limit_mph == 30 && got.expected_mph10 == 250);
    assert_true(got.latitude_e7 == 545050000 && got.longitude_e7 == -11070000);
    assert_int_equal(got.position_error_m, 6);
    assert_int_equal(s->session_get(s->ctx, "kit-1", 4, 2, &got), ERR_NOENT);
    const struct {
        int64_t t;
        int found;
    } at[] = {{999, 0}, {1000, 1}, {9000, 1}, {9001, 0}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s->session_at(s->ctx, "kit-1", 11, at[i].t, &got), at[i].found);
    assert_int_equal(s->session_at(s->ctx, "kit-1", 12, 2000, &got), 0);
}

static void lock_says(const struct store *s, uint8_t what, struct store_when w) {
    struct store_lock_event row = {.lock = {.lock = 2, .what = what}, .when = w};
    COPY(row.device, "hub");
    assert_int_equal(s->lock_event_put(s->ctx, &row), 0);
}

static struct store_lock_state lock_now(const struct store *s) {
    kept.n = 0;
    assert_int_equal(s->locks(s->ctx, keep_lock, &kept), 1);
    return kept.lock[0];
}

static void lock_register(const struct store *s) {
    struct store_lock lock = {.lock = 2, .easting = 444000, .northing = 512000};
    COPY(lock.device, "hub");
    COPY(lock.plot, "plot 12");
    assert_int_equal(s->lock_put(s->ctx, &lock), 0);
}

void contract_lock_state_is_the_newest(void **state) {
    const struct store *s = STORE(state);
    lock_register(s);
    struct store_lock_state now = lock_now(s);
    assert_true(!now.has_closed && !now.has_set && !now.alarmed && now.last_what == 0);
    lock_says(s, LOCK_CLOSED, when(1, 50, NOW + 50));
    lock_says(s, LOCK_SET, when(1, 60, NOW + 60));
    lock_says(s, LOCK_ALARM, when(1, 70, NOW + 70));
    lock_says(s, LOCK_SIREN_ON, when(1, 70, NOW + 70));
    lock_says(s, LOCK_OPENED, when(1, 40, NOW + 40)); /* late: changes nothing */
    now = lock_now(s);
    assert_string_equal(now.lock.plot, "plot 12");
    assert_true(now.has_closed && now.closed && now.has_set && now.set);
    assert_true(now.alarmed && now.siren && now.last_what == LOCK_SIREN_ON);
    assert_true(now.latest.occurred_ms == NOW + 70);
    lock_says(s, LOCK_RESTORED, when(1, 90, NOW + 90));
    lock_says(s, LOCK_SIREN_OFF, when(1, 90, NOW + 90));
    now = lock_now(s);
    assert_true(!now.alarmed && !now.siren && now.closed && now.set);
}

void contract_anchor_retimes(void **state) {
    const struct store *s = STORE(state);
    struct store_anchor got,
        anchor = {
            .boot_id = 1, .boot_ms = 100, .unix_ms = NOW, .quality = CLOCK_GNSS, .error_ms = 3};
    COPY(anchor.device, "hub");
    lock_register(s);
    lock_says(s, LOCK_CLOSED, when(1, 150, STORE_NEVER));
    lock_says(s, LOCK_OPENED, when(2, 150, STORE_NEVER)); /* another boot */
    assert_int_equal(s->anchor_get(s->ctx, "hub", 1, &got), 0);
    assert_int_equal(s->anchor_put(s->ctx, &anchor), 0);
    assert_int_equal(s->anchor_get(s->ctx, "hub", 1, &got), 1);
    assert_memory_equal(&got, &anchor, sizeof got);
    struct store_filter any = {.lock = -1};
    kept.n = 0;
    assert_int_equal(s->lock_events(s->ctx, &any, keep_lock_event, &kept), 2);
    assert_true(kept.lock_event[0].when.occurred_ms == STORE_NEVER);
    assert_true(kept.lock_event[1].when.occurred_ms == NOW + 50);
    assert_int_equal(kept.lock_event[1].when.quality, CLOCK_GNSS);
}

void contract_health_neighbours(void **state) {
    const struct store *s = STORE(state);
    struct store_health before = {0}, after = {0}, row = {.health = {.period_s = 60}};
    COPY(row.device, "hub");
    row.health.counters[HEALTH_QUEUE_REFUSED] = UINT32_MAX;
    row.health.disk_free_mib = UINT32_MAX;
    row.health.spool_days = 3650;
    row.health.battery_days = 29;
    row.health.battery_ma = -1200;
    row.health.power_flags = 0x51;
    row.health.clock_quality = CLOCK_GNSS;
    for (int64_t t = 100; t <= 300; t += 100) {
        row.when = when(5, t, STORE_NEVER);
        assert_int_equal(s->health_put(s->ctx, &row), 0);
    }
    assert_int_equal(s->health_around(s->ctx, "hub", 5, 200, &before, &after), 3);
    assert_true(before.when.t_ms == 100 && after.when.t_ms == 300);
    assert_memory_equal(&after.health, &row.health, sizeof row.health);
    assert_int_equal(s->health_around(s->ctx, "hub", 5, 100, &before, &after), 2);
    assert_int_equal(s->health_around(s->ctx, "hub", 5, 400, &before, &after), 1);
    assert_int_equal(s->health_around(s->ctx, "hub", 6, 200, &before, &after), 0);
}

static void device_register(const struct store *s, const char *id) {
    struct store_device d = {.kind = DEVICE_PADLOCK, .period_s = 600, .easting = -5};
    COPY(d.id, id);
    COPY(d.name, "Hub");
    memset(d.key, 4, sizeof d.key);
    assert_int_equal(s->device_put(s->ctx, &d, NOW), 0);
}

void contract_register_is_idempotent(void **state) {
    const struct store *s = STORE(state);
    device_register(s, "hub");
    device_register(s, "hub");
    struct store_device d;
    assert_int_equal(s->device_get(s->ctx, "hub", &d), 0);
    assert_true(d.easting == -5 && d.key[64] == 4 && !d.revoked && d.kind == DEVICE_PADLOCK);
    assert_int_equal(s->device_get(s->ctx, "hub-2", &d), ERR_NOENT);
    assert_int_equal(s->device_revoke(s->ctx, "hub", true), 0);
    assert_int_equal(s->device_get(s->ctx, "hub", &d), 0);
    assert_true(d.revoked);
    assert_int_equal(s->device_revoke(s->ctx, "hub-2", true), ERR_NOENT);
    struct store_site got, site = {.limit_mph = 30, .approved_until_ms = STORE_NEVER};
    COPY(site.id, "yarm-1");
    COPY(site.name, "Yarm: \"The Spital\"; DROP TABLE sites");
    for (int i = 0; i < 2; i++)
        assert_int_equal(s->site_put(s->ctx, &site), 0);
    assert_int_equal(s->site_get(s->ctx, "yarm-1", &got), 0);
    assert_memory_equal(&got, &site, sizeof got);
    kept.n = 0;
    assert_int_equal(s->sites(s->ctx, keep_site, &kept), 1);
}

void contract_devices_tell_their_state(void **state) {
    const struct store *s = STORE(state);
    device_register(s, "b");
    device_register(s, "a");
    assert_int_equal(put(s, "b", CLASS_EVENT, 3), 1);
    assert_int_equal(s->device_heard(s->ctx, "b", NOW + 5), 0);
    assert_int_equal(s->device_heard(s->ctx, "b", NOW + 2), 0); /* never back */
    assert_int_equal(s->device_link(s->ctx, "b", true, NOW + 1), 0);
    struct store_health h = {.when = when(1, 7, NOW + 7), .health = {.battery_mv = 3600}};
    COPY(h.device, "b");
    assert_int_equal(s->health_put(s->ctx, &h), 0);
    h.when = when(1, 3, NOW + 3); /* older, arrives later */
    h.health.battery_mv = 1;
    assert_int_equal(s->health_put(s->ctx, &h), 0);
    kept.n = 0;
    assert_int_equal(s->devices(s->ctx, keep_device, &kept), 2);
    const struct store_device_state *a = &kept.device[0], *b = &kept.device[1];
    assert_string_equal(a->device.id, "a");
    assert_true(a->last_received_ms == STORE_NEVER && !a->has_link && !a->has_health);
    assert_true(a->registered_ms == NOW);
    assert_true(b->last_received_ms == NOW + 5 && b->has_link && b->online);
    assert_true(b->has_health && b->health.health.battery_mv == 3600);
    assert_true(b->batches == 1 && b->missing == 3 && b->bytes == strlen("b/1/3"));
}

void contract_points_and_reports(void **state) {
    const struct store *s = STORE(state);
    lock_register(s);
    lock_says(s, LOCK_ALARM, when(1, 70, NOW + 70));
    lock_says(s, LOCK_PREALARM, when(1, 71, NOW + 71));
    lock_says(s, LOCK_TAMPER, when(1, 72, STORE_NEVER));
    struct store_report r = {.occurred_ms = NOW, .precision = 2, .easting = 1, .northing = 2};
    COPY(r.source, "police");
    COPY(r.kind, "off-road");
    COPY(r.key, "k1");
    assert_int_equal(s->report_put(s->ctx, &r), 1);
    assert_int_equal(s->report_put(s->ctx, &r), 0);
    COPY(r.source, "public");
    assert_int_equal(s->report_put(s->ctx, &r), 1);
    const unsigned both = 1u << POINT_LOCK | 1u << POINT_REPORT;
    kept.n = 0;
    assert_int_equal(s->points(s->ctx, both, NOW, NOW + 100, 0, keep_point, &kept), 3);
    assert_string_equal(kept.point[0].source, "police");
    assert_int_equal(kept.point[0].precision, 2);
    assert_string_equal(kept.point[2].kind, "alarm");
    assert_true(kept.point[2].easting == 444000 && kept.point[2].occurred_ms == NOW + 70);
    assert_int_equal(s->points(s->ctx, 1u << POINT_LOCK, NOW, NOW + 70, 0, keep_point, &kept), 0);
    kept.n = 0;
    assert_int_equal(s->points(s->ctx, both, NOW, NOW + 100, 1, keep_point, &kept), 1);
}

void contract_alerts_page(void **state) {
    const struct store *s = STORE(state);
    struct store_alert got, a = {.kind = ALERT_FAULT,
                                 .state = ALERT_OPEN,
                                 .severity = SEVERITY_LOW,
                                 .lock = STORE_NO_LOCK,
                                 .raised_ms = NOW,
                                 .occurred_ms = STORE_NEVER,
                                 .last_ms = STORE_NEVER,
                                 .restored_ms = STORE_NEVER,
                                 .acknowledged_ms = STORE_NEVER,
                                 .closed_ms = STORE_NEVER};
    COPY(a.device, "hub");
    int ids[5];
    for (int i = 0; i < 5; i++) {
        a.raised_ms = NOW + i;
        a.state = i == 3 ? ALERT_CLOSED : ALERT_OPEN;
        assert_true((ids[i] = s->alert_put(s->ctx, &a)) > 0);
    }
    a.id = ids[4];
    a.raised_ms = NOW + 4;
    COPY(a.title, "changed");
    assert_int_equal(s->alert_put(s->ctx, &a), ids[4]);
    assert_int_equal(s->alert_get(s->ctx, ids[4], &got), 0);
    assert_memory_equal(&got, &a, sizeof a);
    assert_int_equal(s->alert_get(s->ctx, 999, &got), ERR_NOENT);
    struct store_alert_filter f = {.states = 1u << ALERT_OPEN, .lock = -1, .limit = 2};
    kept.n = 0;
    assert_int_equal(s->alerts(s->ctx, &f, keep_alert, &kept), 2);
    assert_true(kept.alert[0].id == ids[4] && kept.alert[1].id == ids[2]);
    f.before = ids[2];
    kept.n = 0;
    assert_int_equal(s->alerts(s->ctx, &f, keep_alert, &kept), 2);
    assert_true(kept.alert[0].id == ids[1]);
    assert_int_equal(s->alert_count(s->ctx, 1u << ALERT_OPEN), 4);
    assert_int_equal(s->alert_count(s->ctx, 0), 5);
}

void contract_people(void **state) {
    const struct store *s = STORE(state);
    struct store_user got, u = {.created_ms = NOW};
    COPY(u.name, "ann");
    COPY(u.role, "administrator");
    COPY(u.password, "$hash$");
    assert_int_equal(s->user_get(s->ctx, "ann", &got), ERR_NOENT);
    assert_int_equal(s->user_put(s->ctx, &u), 0);
    assert_int_equal(s->user_get(s->ctx, "ann", &got), 0);
    assert_string_equal(got.password, "$hash$");
    struct store_login in, l = {.created_ms = NOW, .expires_ms = NOW + 10, .token_hash = {1, 0, 2}};
    COPY(l.user, "ann");
    assert_int_equal(s->login_put(s->ctx, &l), 0);
    assert_int_equal(s->login_get(s->ctx, l.token_hash, NOW + 9, &in), 1);
    assert_string_equal(in.user, "ann");
    assert_int_equal(s->login_get(s->ctx, l.token_hash, NOW + 10, &in), 0);
    assert_int_equal(s->logins_end(s->ctx, NULL, NOW + 10), 1);
    assert_int_equal(s->login_remove(s->ctx, l.token_hash), ERR_NOENT);
}

void contract_settings_have_versions(void **state) {
    const struct store *s = STORE(state);
    char buf[8];
    assert_int_equal(s->setting_get(s->ctx, "policy", buf, sizeof buf), ERR_NOENT);
    assert_int_equal(s->setting_put(s->ctx, "policy", "one", "ann", NOW), 1);
    assert_int_equal(s->setting_put(s->ctx, "policy", "second", "ann", NOW), 2);
    assert_int_equal(s->setting_put(s->ctx, "other", "x", "ann", NOW), 1);
    assert_int_equal(s->setting_get(s->ctx, "policy", buf, sizeof buf), 6);
    assert_string_equal(buf, "second");
    assert_int_equal(s->setting_get(s->ctx, "policy", buf, 6), ERR_OVERFLOW);
}

void contract_passages_filter_and_move(void **state) {
    const struct store *s = STORE(state);
    for (int i = 0; i < 6; i++) {
        struct store_passage p = {.when = when(9, i, i % 2 == 0 ? NOW + i : STORE_NEVER),
                                  .passage = {.speed_mph10 = (uint16_t)(300 + i),
                                              .magnitude_db = -7,
                                              .quality = QUALITY_B}};
        COPY(p.device, "kit-1");
        COPY(p.site, i < 3 ? "a" : "b");
        assert_int_equal(s->passage_put(s->ctx, &p), 0);
    }
    struct store_filter f = {.site = "a", .lock = -1};
    kept.n = 0;
    assert_int_equal(s->passages(s->ctx, &f, keep_passage, &kept), 3);
    assert_true(kept.passage[0].passage.speed_mph10 == 302 && kept.passage[0].when.t_ms == 2);
    assert_int_equal(kept.passage[0].passage.magnitude_db, -7);
    f.from_ms = NOW + 1;
    f.to_ms = NOW + 9;
    kept.n = 0;
    assert_int_equal(s->passages(s->ctx, &f, keep_passage, &kept), 1);
    struct store_place to = {.occurred_ms = NOW + 100, .quality = CLOCK_GNSS, .session = 4};
    COPY(to.site, "c");
    assert_int_equal(s->passage_move(s->ctx, kept.passage[0].id, &to), 0);
    assert_int_equal(s->passage_move(s->ctx, 12345, &to), ERR_NOENT);
    f = (struct store_filter){.site = "c", .session = 4, .lock = -1};
    kept.n = 0;
    assert_int_equal(s->passages(s->ctx, &f, keep_passage, &kept), 1);
    assert_true(kept.passage[0].when.occurred_ms == NOW + 100);
}

void contract_committed_survives(void **state) {
    struct contract *c = *state;
    if (c->again == NULL)
        skip();
    const struct store *s = &c->store;
    assert_int_equal(s->begin(s->ctx), 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 0), 1);
    assert_int_equal(s->commit(s->ctx), 0);
    assert_int_equal(s->begin(s->ctx), 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 1), 1);
    c->again(c); /* without a commit */
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 0), 0);
    assert_int_equal(put(s, "kit-1", CLASS_EVENT, 1), 1);
}
