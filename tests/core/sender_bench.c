#include "sender_bench.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bench bench;

static int link_fd(void *ctx) {
    (void)ctx;
    return -1;
}

static int link_connect(void *ctx) {
    (void)ctx;
    bench.connects++;
    return 0;
}

static void link_nothing(void *ctx) {
    (void)ctx;
}

static int link_publish(void *ctx, const char *topic, const void *payload, size_t len) {
    struct batch_view view;
    (void)ctx;
    if (bench.refuse != 0)
        return bench.refuse;
    assert_true(bench.count < BENCH_SENT_MAX);
    struct bench_sent *x = &bench.sent[bench.count];
    snprintf(x->topic, sizeof x->topic, "%s", topic);
    assert_true(batch_peek(payload, len, &view) >= 0);
    int n = batch_decode(&view, x->events, WIRE_EVENTS_MAX);
    assert_true(n >= 0);
    x->header = view.header;
    x->count = (unsigned)n;
    return (int)bench.count++;
}

static int link_next(void *ctx, struct uplink_event *ret_event) {
    (void)ctx;
    (void)ret_event;
    return 0;
}

void bench_boot(uint64_t boot_id) {
    struct spool *spools[CLASS_COUNT];
    for (int c = 0; c < CLASS_COUNT; c++) {
        const struct spool_conf conf = {
            .cls = (enum event_class)c, .segment_bytes = 8192, .quota_bytes = 4 * 8192};
        spool_close(&bench.spools[c]);
        assert_int_equal(
            spool_open(&bench.spools[c], &bench.disk, &conf, boot_id, boot_id * 10 + (uint64_t)c),
            0);
        spools[c] = &bench.spools[c];
    }
    sender_init(&bench.sender, &bench.conf, spools, &bench.signer, &bench.collector_key, boot_id,
                99);
    bench.count = 0;
}

int bench_begin(void **state) {
    uint8_t point[SEAL_KEY_BYTES];
    (void)state;
    memset(&bench, 0, sizeof bench);
    bench.disk = sim_disk_seam(&bench.sim);
    bench.now_ns = 100 * BENCH_SECOND;
    bench.conf = SENDER_DEFAULTS;
    memcpy(bench.conf.device, "kit-1", 6);
    bench.link = (struct uplink){.fd = link_fd,
                                 .connect = link_connect,
                                 .disconnect = link_nothing,
                                 .publish = link_publish,
                                 .next = link_next,
                                 .close = link_nothing};
    assert_int_equal(seal_signer_make(&bench.signer), 0);
    assert_int_equal(seal_signer_make(&bench.collector), 0);
    assert_int_equal(seal_signer_public(&bench.collector, point), 0);
    assert_int_equal(seal_key_from_bytes(point, &bench.collector_key), 0);
    bench_boot(1);
    return 0;
}

int bench_end(void **state) {
    (void)state;
    for (int c = 0; c < CLASS_COUNT; c++)
        spool_close(&bench.spools[c]);
    sim_disk_free(&bench.sim);
    seal_signer_free(&bench.signer);
    seal_signer_free(&bench.collector);
    seal_key_free(&bench.collector_key);
    return 0;
}

int bench_step(int64_t seconds) {
    bench.now_ns += seconds * BENCH_SECOND;
    return sender_step(&bench.sender, &bench.link, bench.now_ns, &bench.next_ns);
}

static void hear(enum uplink_kind kind) {
    const struct uplink_event e = {.kind = kind};
    sender_heard(&bench.sender, &e, bench.now_ns);
}

void bench_up(void) {
    hear(UPLINK_UP);
}

void bench_down(void) {
    hear(UPLINK_DOWN);
}

int bench_accept(enum event_kind kind) {
    struct event e = {.t_ms = bench.now_ns / 10000000 * 10, .kind = (uint8_t)kind};
    if (kind == EVENT_PASSAGE)
        e.passage = (struct event_passage){.speed_mph10 = 300, .duration_ms = 1000};
    if (kind == EVENT_LOCK)
        e.lock.what = LOCK_ALARM;
    return sender_accept(&bench.sender, &e, bench.now_ns);
}

void bench_ack(enum event_class cls, uint64_t upto, const struct seal_signer *signer) {
    struct uplink_event e = {.kind = UPLINK_MESSAGE};
    const struct ack ack = {
        .spool_id = spool_id(&bench.spools[cls]), .cls = cls, .has_upto = true, .upto = upto};
    int len = ack_encode(&ack, "kit-1", signer, e.data, sizeof e.data);
    assert_true(len > 0);
    e.len = (size_t)len;
    sender_heard(&bench.sender, &e, bench.now_ns);
}
