/* The property that the whole design leans on: rows are nothing but a function of the batches. */
#include "clock.h"
#include "derive.h"
#include "field.h"
#include "hourly.h"
#include "random_event.h"
#include "store_sqlite.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCHES = 60, BOOTS = 2, LINES = 20000, LINE = 160 };

/* -- everything derived, as sorted lines ----------------------------------------------------- */

struct digest {
    size_t n;
    char line[LINES][LINE];
};

static void line(struct digest *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct digest *d, const char *format, ...) {
    va_list args;
    assert_true(d->n < LINES);
    va_start(args, format);
    vsnprintf(d->line[d->n++], LINE, format, args);
    va_end(args);
}

static int passage_line(void *arg, const struct store_passage *p) {
    line(arg, "passage %" PRIu64 " %" PRId64 " %" PRId64 " q%u %s s%u v%u", p->when.boot_id,
         p->when.t_ms, p->when.occurred_ms, p->when.quality, p->site, p->session,
         p->passage.speed_mph10);
    return 0;
}

static int hour_line(void *arg, const struct store_hour *h) {
    uint32_t sum = 0;
    for (size_t i = 0; i < h->bins_len; i++)
        sum = sum * 31 + h->bins[i];
    line(arg, "hour %s %" PRId64 " %u n%u %08x", h->site, h->hour_ms, h->direction, h->n, sum);
    return 0;
}

static int awake_line(void *arg, const struct store_awake *a) {
    line(arg, "awake %s %" PRId64 " %" PRId64, a->device, a->hour_ms, a->awake_ms);
    return 0;
}

static int session_line(void *arg, const struct store_session *s) {
    line(arg, "session %u %s %" PRId64 "/%" PRId64 " %" PRId64 "/%" PRId64, s->session, s->site,
         s->start.t_ms, s->start.occurred_ms, s->stop.t_ms, s->stop.occurred_ms);
    return 0;
}

static int health_line(void *arg, const struct store_health *h) {
    line(arg, "health %" PRIu64 " %" PRId64 " %" PRId64, h->when.boot_id, h->when.t_ms,
         h->when.occurred_ms);
    return 0;
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static void digest(const struct store *s, struct digest *d) {
    const struct store_filter any = {.lock = -1};
    d->n = 0;
    assert_true(s->passages(s->ctx, &any, passage_line, d) >= 0);
    assert_true(s->hours(s->ctx, NULL, INT64_MIN, INT64_MAX, 0, hour_line, d) >= 0);
    assert_true(s->awake(s->ctx, NULL, INT64_MIN, INT64_MAX, 0, awake_line, d) >= 0);
    assert_true(s->sessions(s->ctx, &any, session_line, d) >= 0);
    assert_true(s->healths(s->ctx, &any, health_line, d) >= 0);
    qsort(d->line, d->n, LINE, compare);
}

static void assert_same(const struct digest *a, const struct digest *b, const char *what) {
    for (size_t i = 0; i < a->n && i < b->n; i++)
        if (strcmp(a->line[i], b->line[i]) != 0)
            fail_msg("%s: line %zu\n  %s\n  %s", what, i, a->line[i], b->line[i]);
    assert_int_equal(a->n, b->n);
}

/* -- a device's life ------------------------------------------------------------------------- */

struct life {
    struct field_batch batch[BATCHES];
    struct event events[BATCHES][12];
    size_t count[BATCHES];
};

/* The clock is wrong by hours until it is known better; each quality is one straight line. */
static void clock_of(struct field_device *d, int boot, uint8_t quality) {
    static const int64_t OFF[] = {0, -5 * STORE_HOUR_MS - 1234567, -700, 0};
    d->boot_id = 100 + (uint64_t)boot;
    d->quality = quality;
    d->anchor_boot_ms = 0;
    d->anchor_unix_ms = FIELD_NOW + boot * INT64_C(90000000) + OFF[quality];
}

static size_t session_batch(struct random *r, uint32_t number, int64_t *t, struct event *e) {
    size_t n = 0;
    e[n] = (struct event){.kind = EVENT_SESSION, .t_ms = *t += 10};
    e[n].session.session = number;
    e[n].session.what = SESSION_START;
    e[n].session.limit_mph = 30;
    snprintf(e[n++].session.site, sizeof e->session.site, "road-%u", number % 3);
    while (n < 6)
        e[n++] = field_passage(*t += 10 * (int64_t)random_below(r, 60000),
                               (uint16_t)(200 + random_below(r, 200)));
    e[n] = (struct event){.kind = EVENT_SESSION, .t_ms = *t += 10};
    e[n].session.session = number;
    e[n].session.what = SESSION_STOP;
    e[n].session.end = SESSION_END_BUTTON;
    e[n++].session.vehicles = 5;
    return n;
}

static size_t traffic_batch(struct random *r, int64_t *t, struct event *e) {
    size_t n = 0;
    while (n < 10)
        e[n++] = field_passage(*t += 10 * (int64_t)random_below(r, 60000),
                               (uint16_t)(200 + random_below(r, 200)));
    return n;
}

static size_t telemetry_batch(struct random *r, int64_t *t, struct event *e) {
    size_t n = 0;
    while (n < 3) {
        *t += 10 * (int64_t)random_below(r, 90000);
        e[n] = (struct event){.kind = EVENT_HEALTH, .t_ms = *t};
        e[n].health.period_s = 600;
        e[n].health.uptime_s = (uint32_t)(*t / 1000);
        e[n++].health.temperature_c10 = 100;
    }
    return n;
}

static void live(struct random *r, struct field_device *d, struct life *life) {
    int64_t t = 0;
    uint32_t session = 0;
    for (int i = 0; i < BATCHES; i++) {
        int boot = i / (BATCHES / BOOTS), in_boot = i % (BATCHES / BOOTS);
        if (in_boot == 0)
            t = 0;
        clock_of(d, boot, (uint8_t)(in_boot / 8 < CLOCK_GNSS ? in_boot / 8 : CLOCK_GNSS));
        enum event_class cls = CLASS_EVENT;
        uint64_t kind = random_below(r, 3);
        if (kind == 0)
            life->count[i] = session_batch(r, ++session, &t, life->events[i]);
        else if (kind == 1)
            life->count[i] = traffic_batch(r, &t, life->events[i]);
        else
            life->count[i] = telemetry_batch(r, &t, life->events[i]);
        if (kind == 2)
            cls = CLASS_TELEMETRY;
        field_send(d, cls, life->events[i], life->count[i], &life->batch[i]);
    }
}

/* A session told in two batches, its passages between: for shuffling. */
static void split(struct field_device *d, struct life *life, int at) {
    struct event *e = life->events[at];
    int64_t t = 0;
    for (int i = 0; i < at; i++)
        t = life->events[i][life->count[i] - 1].t_ms > t ? life->events[i][life->count[i] - 1].t_ms
                                                         : t;
    t += 10;
    clock_of(d, BOOTS - 1, CLOCK_NTP);
    for (int part = 0; part < 3; part++) {
        e = life->events[at + part];
        life->count[at + part] = 1;
        e[0] = (struct event){.kind = EVENT_SESSION, .t_ms = t + part * 1000};
        e[0].session.session = 9999;
        e[0].session.what = part == 0 ? SESSION_START : SESSION_STOP;
        e[0].session.end = part == 0 ? SESSION_END_NONE : SESSION_END_LIMIT;
        if (part == 0)
            snprintf(e[0].session.site, sizeof e[0].session.site, "split");
        if (part == 1)
            e[0] = field_passage(t + 1000, 333);
        field_send(d, CLASS_EVENT, e, 1, &life->batch[at + part]);
    }
}

static void store_one(const struct store *s, const struct store_device *device,
                      const struct life *life, int i) {
    struct batch_view view;
    struct event events[12];
    const struct field_batch *b = &life->batch[i];
    assert_int_equal(batch_peek(b->payload, b->len, &view), 0);
    int n = batch_decode(&view, events, 12);
    assert_int_equal(n, (int)life->count[i]);
    struct derive_source source = {
        .header = &view.header, .device = device, .received_ms = FIELD_NOW + 1000000 + i};
    assert_int_equal(s->begin(s->ctx), 0);
    assert_int_equal(
        s->batch_put(s->ctx, &view.header, b->payload, b->len, source.received_ms, &source.batch),
        1);
    assert_int_equal(derive_batch(s, &source, events, (size_t)n, NULL, NULL), 0);
    assert_int_equal(s->commit(s->ctx), 0);
}

static struct life life;
static struct digest first, second;

static void open_with_device(struct store *s, struct field_device *d, struct store_device *row) {
    assert_int_equal(store_sqlite_open(":memory:", STORE_SQLITE_CREATE, s), 0);
    field_device(d, s, "kit-1", DEVICE_SPEEDWATCH);
    assert_int_equal(s->device_get(s->ctx, "kit-1", row), 0);
}

static void shuffle(struct random *r, int *order) {
    for (int i = 0; i < BATCHES; i++)
        order[i] = i;
    for (int i = BATCHES - 1; i > 0; i--) {
        int j = (int)random_below(r, (uint64_t)i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
}

/* In whatever order the batches come, and once more from the batches alone. */
static void rows_are_a_function_of_the_batches(void **state) {
    (void)state;
    struct random r = random_start(20261121);
    for (int round = 0; round < 4; round++) {
        struct store in_order, shuffled;
        struct field_device d, unused;
        struct store_device row;
        int order[BATCHES];
        open_with_device(&in_order, &d, &row);
        open_with_device(&shuffled, &unused, &row);
        live(&r, &d, &life);
        split(&d, &life, BATCHES - 3);
        shuffle(&r, order);
        for (int i = 0; i < BATCHES; i++) {
            store_one(&in_order, &row, &life, i);
            store_one(&shuffled, &row, &life, order[i]);
        }
        digest(&in_order, &first);
        assert_true(first.n > 100);
        digest(&shuffled, &second);
        assert_same(&first, &second, "shuffled");
        assert_int_equal(derive_rebuild(&shuffled), BATCHES);
        digest(&shuffled, &second);
        assert_same(&first, &second, "rebuilt");
        in_order.close(in_order.ctx);
        shuffled.close(shuffled.ctx);
        field_free(&d);
        field_free(&unused);
    }
}

static int sum_hours(void *arg, const struct store_hour *h) {
    *(uint64_t *)arg += h->n;
    return 0;
}

static int one_passage(void *arg, const struct store_passage *p) {
    *(struct store_passage *)arg = *p;
    return 1;
}

static uint64_t hours_total(const struct store *s, const char *site, int64_t from, int64_t to) {
    uint64_t n = 0;
    assert_true(s->hours(s->ctx, site, from, to, 0, sum_hours, &n) >= 0);
    return n;
}

/* By hand: without a clock a passage counts in no hour; a restored clock puts it into one, NTP
 * into another, and a worse anchor after that changes nothing. */
static void a_better_anchor_moves_the_hour(void **state) {
    (void)state;
    struct store s;
    struct field_device d;
    struct store_device row;
    struct store_passage p;
    const struct store_filter any = {.lock = -1};
    const int64_t hour = hourly_start(FIELD_NOW);
    open_with_device(&s, &d, &row);
    static const struct {
        uint8_t quality;
        int64_t unix_ms, occurred;
        int64_t hour;
    } STEPS[] = {{CLOCK_UNKNOWN, 77, STORE_NEVER, 0},
                 {CLOCK_RESTORED, FIELD_NOW - STORE_HOUR_MS, FIELD_NOW - STORE_HOUR_MS + 500, -1},
                 {CLOCK_NTP, FIELD_NOW, FIELD_NOW + 500, 0},
                 {CLOCK_RESTORED, FIELD_NOW - 9 * STORE_HOUR_MS, FIELD_NOW + 500, 0},
                 {CLOCK_GNSS, 5, FIELD_NOW + 500, 0}}; /* 1970 with a good name */
    life.events[0][0] = field_passage(500, 301);
    for (int i = 0; i < 5; i++) {
        d.quality = STEPS[i].quality;
        d.anchor_boot_ms = 0;
        d.anchor_unix_ms = STEPS[i].unix_ms;
        life.count[i] = 1;
        if (i > 0)
            life.events[i][0] = (struct event){.kind = EVENT_HEALTH, .t_ms = i};
        field_send(&d, i == 0 ? CLASS_EVENT : CLASS_TELEMETRY, life.events[i], 1, &life.batch[i]);
        store_one(&s, &row, &life, i);
        assert_int_equal(s.passages(s.ctx, &any, one_passage, &p), 1);
        assert_true(p.when.occurred_ms == STEPS[i].occurred);
        assert_true(hours_total(&s, "site-1", INT64_MIN, INT64_MAX) == (i > 0));
        int64_t at = hour + STEPS[i].hour * STORE_HOUR_MS;
        assert_true(hours_total(&s, "site-1", at, at + STORE_HOUR_MS) == (i > 0));
    }
    s.close(s.ctx);
    field_free(&d);
}

static void awake_back_to_the_last_heartbeat(void **state) {
    (void)state;
    static const struct {
        int64_t before, t, expected_from; /* before < 0: none */
        uint32_t period_s, uptime_s;
    } TABLE[] = {{-1, 100000, 40000, 60, 1000},    {-1, 100000, 90000, 60, 10},
                 {80000, 100000, 80000, 60, 1000}, {10000, 100000, 40000, 60, 1000},
                 {-1, 100000, 100000, 0, 1000},    {-1, 5000, -55000, 60, 9999}};
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct store_health before = {.when = {.t_ms = TABLE[i].before}};
        struct event_health h = {.period_s = TABLE[i].period_s, .uptime_s = TABLE[i].uptime_s};
        int64_t from, to;
        derive_awake_span(TABLE[i].before < 0 ? NULL : &before, TABLE[i].t, &h, &from, &to);
        if (from != TABLE[i].expected_from || to != TABLE[i].t)
            fail_msg("row %zu: %" PRId64 "..%" PRId64, i, from, to);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_a_function_of_the_batches),
        cmocka_unit_test(a_better_anchor_moves_the_hour),
        cmocka_unit_test(awake_back_to_the_last_heartbeat),
    };
    return cmocka_run_group_tests_name("derive", tests, NULL, NULL);
}
