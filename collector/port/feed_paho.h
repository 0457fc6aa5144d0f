/* feed_paho: the collector's ear at the broker: MQTT 3.1.1, mutual TLS 1.3, QoS 1.
 *
 * Subscribes to TOPIC_ALL_BATCHES on every connect and puts what comes into a struct post.  Paho's
 * PUBACK proves nothing and frees nothing: the devices keep what was not acknowledged by ingest.
 * The session is kept by the broker (clean session false), so that a restart of the collector costs
 * no waiting; each attempt is a fresh Paho client, with the waiting times of FEED_BACKOFF.
 *
 * step and publish do not wait for a name look-up that hangs (for up to two minutes); close does.
 *
 * Guarded by tests/collector/collector_test.sh, on a real broker.  The only user of MQTTAsync.h
 * beside firmware/port.  Memory: one allocation, and Paho's.  Threads: all functions are the
 * loop's; Paho runs two threads while a client exists, which only copy (and wait, if the post is
 * full). */
#ifndef MOORWATCH_FEED_PAHO_H
#define MOORWATCH_FEED_PAHO_H

#include "post.h"

struct feed_paho_conf {
    const char *host;
    uint16_t port;
    const char *ca_path;   /* PEM: who may sign the broker's certificate */
    const char *cert_path; /* PEM: the collector's certificate */
    const char *key_path;  /* PEM: its key */
    const char *client_id;
    uint16_t keepalive_s;
};

enum { FEED_BACKOFF_FIRST_MS = 500, FEED_BACKOFF_LAST_MS = 30000, FEED_CONNECT_MAX_S = 20 };

enum feed_state { FEED_DOWN, FEED_CONNECTING, FEED_UP };

struct feed;

/* The post must live until feed_paho_close.  ERR_INVAL (an empty or too long text); and, with
 * *ret_path naming the file at fault: ERR_NOENT, ERR_ACCESS, ERR_KEY.  ERR_NOMEM, ERR_IO. */
MUST int feed_paho_open(const struct feed_paho_conf *conf, struct post *post,
                        struct feed **ret_feed, const char **ret_path);
/* Readable when feed_paho_step has something to do. */
int feed_paho_fd(const struct feed *feed);
/* Does what is due; connects when it is time.  Returns when to call again at the latest
 * (milliseconds of CLOCK_MONOTONIC). */
int64_t feed_paho_step(struct feed *feed, int64_t now_ms);
enum feed_state feed_paho_state(const struct feed *feed);
/* Words for why it is down, "" before the first failure. */
const char *feed_paho_error(const struct feed *feed);
/* Copied.  ERR_NOTCONN, ERR_AGAIN. */
MUST int feed_paho_publish(struct feed *feed, const char *topic, const void *payload, size_t len);
/* Ends the connection in good order.  NULL is accepted. */
void feed_paho_close(struct feed *feed);

#endif
