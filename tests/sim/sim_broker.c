#include "sim_broker.h"
#include "random.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

static void tell(struct sim_link *l, enum uplink_kind kind, int detail) {
    if (l->count == SIM_EVENTS_MAX)
        return; /* a bounded queue drops: only acknowledgements come in numbers */
    struct uplink_event *e = &l->events[(l->head + l->count++) % SIM_EVENTS_MAX];
    *e = (struct uplink_event){.kind = kind, .detail = detail};
}

static void enqueue(struct sim_broker *b, int to, const char *topic, const void *payload,
                    size_t len) {
    if (b->count == SIM_MESSAGES_MAX || random_permille(&b->random, b->loss_permille)) {
        b->lost++;
        return;
    }
    struct sim_message *m = &b->messages[b->count++];
    *m = (struct sim_message){.to = to, .len = len, .payload = malloc(len + 1)};
    assert(m->payload != NULL && strlen(topic) < sizeof m->topic);
    strcpy(m->topic, topic);
    memcpy(m->payload, payload, len);
    m->at_ns = b->now_ns + (int64_t)(random_next(&b->random) % (uint64_t)b->delay_ns);
}

static void forget(struct sim_broker *b, unsigned i) {
    free(b->messages[i].payload);
    b->messages[i] = b->messages[--b->count];
}

/* ---- the device's side ---- */

static int link_fd(void *ctx) {
    (void)ctx;
    return -1;
}

static int link_connect(void *ctx) {
    struct sim_link *l = ctx;
    l->up_at_ns = l->broker->now_ns + 50 * MS;
    return 0;
}

static void link_disconnect(void *ctx) {
    struct sim_link *l = ctx;
    l->up = false;
    l->up_at_ns = INT64_MAX;
}

static int link_publish(void *ctx, const char *topic, const void *payload, size_t len) {
    struct sim_link *l = ctx;
    struct sim_broker *b = l->broker;
    struct topic t;
    if (!l->up)
        return ERR_NOTCONN;
    if (random_permille(&b->random, b->full_permille))
        return ERR_AGAIN;
    assert(topic_parse(topic, strlen(topic), &t) >= 0 && t.kind == TOPIC_BATCH);
    b->watch(l->device, t.cls);
    b->published++;
    enqueue(b, -1, topic, payload, len);
    if (random_permille(&b->random, b->double_permille)) {
        b->doubled++;
        enqueue(b, -1, topic, payload, len);
    }
    tell(l, UPLINK_PUBACK, l->tokens);
    return l->tokens++;
}

static int link_next(void *ctx, struct uplink_event *ret_event) {
    struct sim_link *l = ctx;
    if (l->count == 0)
        return 0;
    *ret_event = l->events[l->head];
    l->head = (l->head + 1) % SIM_EVENTS_MAX;
    l->count--;
    return 1;
}

struct uplink sim_broker_link(struct sim_broker *b, int device) {
    struct sim_link *l = &b->links[device];
    return (struct uplink){.ctx = l,
                           .fd = link_fd,
                           .connect = link_connect,
                           .disconnect = link_disconnect,
                           .publish = link_publish,
                           .next = link_next,
                           .close = link_disconnect};
}

/* ---- the broker's side ---- */

void sim_broker_init(struct sim_broker *b, uint64_t seed) {
    memset(b, 0, sizeof *b);
    b->random = seed;
    b->up = true;
    b->delay_ns = MS;
    for (int i = 0; i < SIM_DEVICES_MAX; i++)
        b->links[i] = (struct sim_link){.broker = b, .device = i, .up_at_ns = INT64_MAX};
}

void sim_broker_free(struct sim_broker *b) {
    while (b->count > 0)
        forget(b, 0);
}

static void deliver(struct sim_broker *b, const struct sim_message *m) {
    struct sim_link *l = &b->links[m->to];
    assert(m->len <= UPLINK_MESSAGE_MAX);
    if (!l->up || l->count == SIM_EVENTS_MAX)
        return;
    tell(l, UPLINK_MESSAGE, 0);
    struct uplink_event *e = &l->events[(l->head + l->count - 1) % SIM_EVENTS_MAX];
    e->len = m->len;
    memcpy(e->data, m->payload, m->len);
}

void sim_broker_step(struct sim_broker *b, int64_t now_ns) {
    b->now_ns = now_ns;
    for (int i = 0; i < SIM_DEVICES_MAX; i++) {
        struct sim_link *l = &b->links[i];
        if (l->up_at_ns > now_ns)
            continue;
        l->up_at_ns = INT64_MAX;
        l->up = b->up;
        tell(l, b->up ? UPLINK_UP : UPLINK_DOWN, b->up ? 0 : ERR_TIMEDOUT);
    }
    for (unsigned i = b->count; i > 0; i--)
        if (b->messages[i - 1].to >= 0 && b->messages[i - 1].at_ns <= now_ns) {
            deliver(b, &b->messages[i - 1]);
            forget(b, i - 1);
        }
}

bool sim_broker_take(struct sim_broker *b, struct sim_message *ret_message) {
    for (unsigned i = 0; i < b->count; i++)
        if (b->messages[i].to < 0 && b->messages[i].at_ns <= b->now_ns) {
            *ret_message = b->messages[i];
            b->messages[i] = b->messages[--b->count];
            return true;
        }
    return false;
}

void sim_broker_publish(struct sim_broker *b, int device, const char *topic, const uint8_t *payload,
                        size_t len) {
    if (b->up)
        enqueue(b, device, topic, payload, len);
}

void sim_broker_stop(struct sim_broker *b) {
    sim_broker_free(b);
    b->up = false;
    for (int i = 0; i < SIM_DEVICES_MAX; i++) {
        if (b->links[i].up)
            tell(&b->links[i], UPLINK_DOWN, ERR_IO);
        b->links[i].up = false;
    }
}

void sim_broker_cut(struct sim_broker *b, int device) {
    struct sim_link *l = &b->links[device];
    l->up = false;
    l->up_at_ns = INT64_MAX;
    l->count = 0;
}
