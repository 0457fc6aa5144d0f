/* uplink_worker: the thread that owns the Paho client, so that the network cannot hold up the loop.
 *
 * Paho keeps its one lock during a name look-up, so every call of it may hang for as long as a name
 * server does.  Here the loop only says which attempt it wants (the latest word wins: nothing piles
 * up behind a look-up that hangs), leaves payloads in fixed slots, and reads what happened.
 *
 * Promises (tests/port/uplink_stall_test.c): every function but stop returns at once, whatever the
 * network, the name server or Paho do; what is read bears the number of the attempt it belongs to,
 * so that the loop can pass over what it no longer wants; stop waits no longer than told.
 * Memory: one allocation at start (UPLINK_SLOTS payloads), freed by stop; or, when stop could not
 * wait for a hanging look-up, by the thread itself once the look-up has ended.
 * Threads: all functions are the loop's; the worker's and Paho's two block all signals. */
#ifndef MOORWATCH_UPLINK_WORKER_H
#define MOORWATCH_UPLINK_WORKER_H

#include "topic.h"
#include "uplink.h"
#include <stdbool.h>

enum {
    UPLINK_SLOTS = 32, /* publishes without PUBACK: the sender's two windows at their largest */
    UPLINK_WORDS = 448,
    UPLINK_PATH = 256,
    UPLINK_HOST = 128,
};

struct uplink_worker_conf {
    char host[UPLINK_HOST], uri[UPLINK_HOST + 16], device[WIRE_DEVICE_MAX + 1];
    char ack_topic[TOPIC_MAX], status_topic[TOPIC_MAX];
    char ca[UPLINK_PATH], cert[UPLINK_PATH], key[UPLINK_PATH];
    uint16_t port;
    int keepalive_s, connect_max_s;
};

struct uplink_word {
    struct uplink_event event;
    unsigned attempt;
    char words[UPLINK_WORDS]; /* of a DOWN */
};

struct uplink_worker;

/* ERR_NOMEM, or why there is no descriptor. */
MUST int uplink_worker_start(const struct uplink_worker_conf *conf,
                             struct uplink_worker **ret_worker);
/* Readable while words wait. */
int uplink_worker_fd(const struct uplink_worker *worker);
/* Wants that attempt, a number above 0 and not the last one's; 0: no connection.  What was there
 * before is ended; `orderly`: after what was published, and with a word to the broker. */
void uplink_worker_want(struct uplink_worker *worker, unsigned attempt, bool orderly);
/* Copies; its PUBACK comes as `token`.  ERR_AGAIN: all slots wait.  ERR_INVAL: longer than
 * WIRE_PAYLOAD_MAX or TOPIC_MAX. */
MUST int uplink_worker_send(struct uplink_worker *worker, int token, const char *topic,
                            const void *payload, size_t len);
/* The next word; false if there is none. */
bool uplink_worker_next(struct uplink_worker *worker, struct uplink_word *ret_word);
/* What was dropped because the queue was full, or too long. */
uint32_t uplink_worker_refused(struct uplink_worker *worker);
/* Ends what is there, waits for it at most so long, then leaves it to end by itself. */
void uplink_worker_stop(struct uplink_worker *worker, bool orderly, int wait_ms);

#endif
