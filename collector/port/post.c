#include "post.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int post_init(struct post *p) {
    *p = (struct post){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (p->fd < 0)
        return -errno;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->room, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void post_shut(struct post *p) {
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    pthread_cond_broadcast(&p->room);
    pthread_mutex_unlock(&p->lock);
}

void post_free(struct post *p) {
    for (; p->used > 0; p->used--, p->head = (p->head + 1) % POST_MESSAGES_MAX)
        free(p->ring[p->head]);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->room);
    close(p->fd);
}

/* A single message larger than the bound still passes through an empty queue. */
static bool has_room(const struct post *p, size_t len) {
    return p->used == 0 || (p->used < POST_MESSAGES_MAX && p->bytes + len <= POST_BYTES_MAX);
}

static void wait_for_room(struct post *p, size_t len) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += POST_WAIT_MS / 1000;
    while (!p->closed && !has_room(p, len))
        if (pthread_cond_timedwait(&p->room, &p->lock, &until) == ETIMEDOUT)
            break;
}

static void wake(struct post *p) {
    const uint64_t one = 1;
    while (write(p->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static int put_locked(struct post *p, struct post_message *m) {
    if (p->closed)
        return ERR_STALE;
    if (!has_room(p, m->len)) {
        p->dropped++;
        return ERR_TIMEDOUT;
    }
    p->ring[(p->head + p->used++) % POST_MESSAGES_MAX] = m;
    p->bytes += m->len;
    wake(p);
    return 0;
}

int post_put(struct post *p, const char *topic, size_t topic_len, const void *payload, size_t len,
             int64_t received_ms) {
    struct post_message *m = malloc(sizeof *m + len);
    if (m == NULL)
        return ERR_NOMEM;
    if (topic_len > POST_TOPIC_MAX)
        topic_len = POST_TOPIC_MAX;
    memcpy(m->topic, topic, topic_len);
    m->topic[topic_len] = '\0';
    m->received_ms = received_ms;
    m->len = len;
    if (len > 0)
        memcpy(m->payload, payload, len);
    pthread_mutex_lock(&p->lock);
    wait_for_room(p, len);
    int r = put_locked(p, m);
    pthread_mutex_unlock(&p->lock);
    if (r < 0)
        free(m);
    return r;
}

size_t post_take(struct post *p, struct post_message **ret_messages, size_t cap) {
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    for (; n < cap && p->used > 0; n++, p->used--) {
        ret_messages[n] = p->ring[p->head];
        p->bytes -= p->ring[p->head]->len;
        p->head = (p->head + 1) % POST_MESSAGES_MAX;
    }
    if (p->used == 0) {
        uint64_t rung;
        (void)!read(p->fd, &rung, sizeof rung);
    }
    if (n > 0)
        pthread_cond_broadcast(&p->room);
    pthread_mutex_unlock(&p->lock);
    return n;
}

uint64_t post_dropped(struct post *p) {
    pthread_mutex_lock(&p->lock);
    uint64_t n = p->dropped;
    pthread_mutex_unlock(&p->lock);
    return n;
}
