/* sim_broker: a broker that loses, doubles, delays, reorders and forgets, on a virtual clock.
 *
 * Gives each device a struct uplink and the collector a queue.  Everything that happens comes from
 * one random state. */
#ifndef MOORWATCH_SIM_BROKER_H
#define MOORWATCH_SIM_BROKER_H

#include "topic.h"
#include "uplink.h"

enum { SIM_DEVICES_MAX = 20, SIM_MESSAGES_MAX = 4096, SIM_EVENTS_MAX = 64 };

struct sim_message {
    int64_t at_ns;
    int to; /* a device, or -1: the collector */
    char topic[TOPIC_MAX];
    uint8_t *payload;
    size_t len;
};

struct sim_link {
    struct sim_broker *broker;
    int device;
    bool up;
    int tokens;
    int64_t up_at_ns; /* connecting; INT64_MAX: not */
    unsigned head, count;
    struct uplink_event events[SIM_EVENTS_MAX];
};

struct sim_broker {
    uint64_t random;
    int64_t now_ns;
    bool up;
    uint32_t loss_permille, double_permille, full_permille;
    int64_t delay_ns; /* at most */
    unsigned count;
    struct sim_message messages[SIM_MESSAGES_MAX];
    struct sim_link links[SIM_DEVICES_MAX];
    /* Called before a device's publish is taken: what the test wants to know. */
    void (*watch)(int device, enum event_class cls);
    unsigned long published, lost, doubled;
};

void sim_broker_init(struct sim_broker *b, uint64_t seed);
void sim_broker_free(struct sim_broker *b);
struct uplink sim_broker_link(struct sim_broker *b, int device);
/* Time passes: what is due reaches the devices. */
void sim_broker_step(struct sim_broker *b, int64_t now_ns);
/* The next message for the collector; the caller frees payload.  False: none is due. */
bool sim_broker_take(struct sim_broker *b, struct sim_message *ret_message);
/* The collector speaks. */
void sim_broker_publish(struct sim_broker *b, int device, const char *topic, const uint8_t *payload,
                        size_t len);
/* It stops, and forgets everything; every link ends. */
void sim_broker_stop(struct sim_broker *b);
/* The device lost power: its link ends without a word. */
void sim_broker_cut(struct sim_broker *b, int device);

#endif
