/* post: a bounded queue from Paho's threads to the loop.
 *
 * Promises (tests/collector/post_test.c, also under ThreadSanitizer): messages come out in the
 * order in which they went in; never more than POST_MESSAGES_MAX or POST_BYTES_MAX wait.  A full
 * queue makes the caller wait (that is the back-pressure on the broker), at most POST_WAIT_MS; then
 * the message is dropped and counted: its device was not acknowledged and sends it again.
 * Memory: one allocation per message, freed by post_free.  Threads: any may put, one takes. */
#ifndef MOORWATCH_POST_H
#define MOORWATCH_POST_H

#include "err.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POST_MESSAGES_MAX = 1024,
    POST_BYTES_MAX = 16 * 1024 * 1024,
    POST_WAIT_MS = 2000,
    POST_TOPIC_MAX = 127, /* longer ones are cut: they are none of ours */
};

struct post_message {
    int64_t received_ms;
    size_t len;
    char topic[POST_TOPIC_MAX + 1];
    uint8_t payload[];
};

struct post {
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct post_message *ring[POST_MESSAGES_MAX];
    size_t head, used, bytes;
    uint64_t dropped;
    bool closed;
    int fd; /* readable while something waits */
};

MUST int post_init(struct post *post);
void post_free(struct post *post);
/* Wakes whoever waits in post_put; everything put from now on is dropped. */
void post_shut(struct post *post);
/* ERR_TIMEDOUT (dropped), ERR_NOMEM, ERR_STALE (shut). */
MUST int post_put(struct post *post, const char *topic, size_t topic_len, const void *payload,
                  size_t len, int64_t received_ms);
/* Up to `cap` messages, now the caller's (free()).  Returns how many. */
size_t post_take(struct post *post, struct post_message **ret_messages, size_t cap);
uint64_t post_dropped(struct post *post);

#endif
