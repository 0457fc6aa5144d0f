/* bench-pump: pumps sealed batches of passages to a broker as one device, and waits until the
 * collector has acknowledged the last.
 *
 *   bench-pump --port P --ca PEM --cert PEM --key PEM --collector PEM --device NAME --batches N
 *              --events N
 *
 * The batches are made before the clock starts: it says "ready", waits for a line on standard
 * input, pumps, and prints one line of JSON: events, bytes, begin of the first publish and end by
 * the last acknowledgement (seconds of CLOCK_MONOTONIC). */
#include "batch.h"
#include "chance.h"
#include "topic.h"
#include "uplink_paho.h"
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOW = 32, RESEND_S = 3, GIVE_UP_S = 120 };

struct options {
    struct uplink_paho_conf link;
    const char *collector;
    unsigned batches, events;
};

struct pump {
    struct options o;
    struct uplink link;
    struct seal_signer signer;
    struct seal_key collector;
    uint64_t spool_id;
    uint8_t (*payloads)[WIRE_PAYLOAD_MAX];
    size_t *lens;
    unsigned sent, acked;
    size_t bytes;
    bool up;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *what, int err) {
    fprintf(stderr, "bench-pump: %s: %s\n", what, err_text(err));
    exit(1);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void make_events(struct event *events, unsigned n, struct chance *c, int64_t *t_ms) {
    for (unsigned i = 0; i < n; i++) {
        *t_ms += (int64_t)(1000 * chance_gap(c, 2.0)) / 10 * 10;
        events[i] = (struct event){.kind = EVENT_PASSAGE, .t_ms = *t_ms};
        events[i].passage = (struct event_passage){
            .direction = chance_unit(c) < 0.55 ? DIRECTION_IN : DIRECTION_OUT,
            .speed_mph10 = (uint16_t)chance_between(c, 180, 480),
            .duration_ms = 100 * (1 + chance_below(c, 40)),
            .magnitude_db = (int16_t)chance_between(c, 25, 55),
            .quality = QUALITY_A,
        };
    }
}

static void make_batches(struct pump *p) {
    static struct event events[WIRE_EVENTS_MAX];
    struct chance c;
    struct timespec wall;
    int64_t t_ms = 1000;
    struct batch_header h = {.schema = WIRE_SCHEMA,
                             .spool_id = p->spool_id,
                             .cls = CLASS_EVENT,
                             .boot_id = p->spool_id ^ 0x5555,
                             .anchor_quality = 2};
    clock_gettime(CLOCK_REALTIME, &wall);
    h.anchor_unix_ms = (int64_t)wall.tv_sec * 1000 - (int64_t)2000 * p->o.batches * p->o.events;
    snprintf(h.device, sizeof h.device, "%s", p->o.link.device);
    chance_init(&c, p->spool_id);
    for (unsigned i = 0; i < p->o.batches; i++) {
        make_events(events, p->o.events, &c, &t_ms);
        h.seq = i;
        int len =
            batch_encode(&h, events, p->o.events, &p->signer, p->payloads[i], WIRE_PAYLOAD_MAX);
        if (len < 0)
            fail("cannot make a batch", len);
        p->lens[i] = (size_t)len;
        p->bytes += (size_t)len;
        batch_hash(p->payloads[i], (size_t)len, h.previous);
        h.has_previous = true;
    }
}

/* ---- the link -------------------------------------------------------------------------------- */

static void on_ack(struct pump *p, const struct uplink_event *e) {
    struct ack ack;
    if (ack_decode(e->data, e->len, p->o.link.device, &p->collector, &ack) < 0)
        fail("an acknowledgement does not verify", ERR_KEY);
    if (ack.spool_id == p->spool_id && ack.cls == CLASS_EVENT && ack.has_upto &&
        ack.upto + 1 > p->acked)
        p->acked = (unsigned)(ack.upto + 1);
}

static void listen_to(struct pump *p, int wait_ms) {
    struct uplink_event e;
    struct pollfd fd = {.fd = p->link.fd(p->link.ctx), .events = POLLIN};
    poll(&fd, 1, wait_ms);
    while (p->link.next(p->link.ctx, &e) == 1) {
        if (e.kind == UPLINK_UP)
            p->up = true;
        else if (e.kind == UPLINK_DOWN)
            fail(uplink_paho_last_error(&p->link), e.detail);
        else if (e.kind == UPLINK_MESSAGE)
            on_ack(p, &e);
    }
}

static void pump_batches(struct pump *p) {
    char topic[TOPIC_MAX];
    double give_up = now_s() + GIVE_UP_S, moved = now_s();
    if (topic_batch(topic, sizeof topic, p->o.link.device, CLASS_EVENT) < 0)
        fail(p->o.link.device, ERR_INVAL);
    while (p->acked < p->o.batches) {
        while (p->sent < p->o.batches && p->sent - p->acked < WINDOW) {
            int r = p->link.publish(p->link.ctx, topic, p->payloads[p->sent], p->lens[p->sent]);
            if (r < 0 && r != ERR_AGAIN)
                fail("cannot publish", r);
            if (r < 0)
                break;
            p->sent++;
        }
        unsigned acked = p->acked;
        listen_to(p, 5);
        if (p->acked != acked)
            moved = now_s();
        /* As a device does: what is not acknowledged is sent again. */
        if (now_s() - moved > RESEND_S) {
            p->sent = p->acked;
            moved = now_s();
        }
        if (now_s() > give_up)
            fail("the collector does not acknowledge", ERR_TIMEDOUT);
    }
}

static void connect_link(struct pump *p) {
    const char *path = NULL;
    double give_up = now_s() + 10;
    int r = uplink_paho_open(&p->o.link, &p->link, &path);
    if (r == 0)
        r = p->link.connect(p->link.ctx);
    if (r < 0)
        fail(path != NULL ? path : "cannot connect", r);
    while (!p->up && now_s() < give_up)
        listen_to(p, 50);
    if (!p->up)
        fail("cannot connect", ERR_TIMEDOUT);
}

static void load_keys(struct pump *p) {
    int r = seal_signer_load(p->o.link.key_path, &p->signer);
    if (r == 0)
        r = seal_key_load(p->o.collector, &p->collector);
    if (r == 0)
        r = seal_random(&p->spool_id, sizeof p->spool_id);
    if (r < 0)
        fail("keys", r);
}

static void read_options(int argc, char **argv, struct options *o) {
    static const struct option LONG[] = {
        {"port", 1, NULL, 'p'},    {"ca", 1, NULL, 'a'},     {"cert", 1, NULL, 'c'},
        {"key", 1, NULL, 'k'},     {"device", 1, NULL, 'd'}, {"collector", 1, NULL, 'o'},
        {"batches", 1, NULL, 'b'}, {"events", 1, NULL, 'e'}, {0}};
    *o = (struct options){
        .link = {.host = "127.0.0.1", .keepalive_s = 60, .connect_max_s = 10, .puback_max_s = 60},
        .batches = 100,
        .events = 60};
    const char **const texts[] = {['a'] = &o->link.ca_path,
                                  ['c'] = &o->link.cert_path,
                                  ['k'] = &o->link.key_path,
                                  ['d'] = &o->link.device,
                                  ['o'] = &o->collector};
    for (int option; (option = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        if (option == 'p')
            o->link.port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (option == 'b')
            o->batches = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'e')
            o->events = (unsigned)strtoul(optarg, NULL, 10);
        else if (option != '?')
            *texts[option] = optarg;
    }
    if (o->link.device == NULL || o->collector == NULL || o->batches == 0 || o->events == 0 ||
        o->events > WIRE_EVENTS_MAX)
        fail("options", ERR_INVAL);
}

int main(int argc, char **argv) {
    static struct pump p;
    read_options(argc, argv, &p.o);
    p.payloads = calloc(p.o.batches, sizeof *p.payloads);
    p.lens = calloc(p.o.batches, sizeof *p.lens);
    if (p.payloads == NULL || p.lens == NULL)
        fail("batches", ERR_NOMEM);
    load_keys(&p);
    make_batches(&p);
    connect_link(&p);
    printf("ready\n");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;
    double begin = now_s();
    pump_batches(&p);
    printf("{\"events\":%u,\"bytes\":%zu,\"begin\":%.4f,\"end\":%.4f}\n", p.o.batches * p.o.events,
           p.bytes, begin, now_s());
    p.link.close(p.link.ctx);
    return 0;
}
