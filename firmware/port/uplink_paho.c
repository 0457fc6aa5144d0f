#include "uplink_paho.h"
#include "seal.h"
#include "topic.h"
#include "uplink_worker.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    CLOSE_MS = 4000, /* an orderly end takes 2 s at most, and Paho's threads a moment to stop */
    GRACE_S = 5,     /* Paho's own timeout goes first, its words are better */
};

enum phase { IDLE, CONNECTING, UP };

struct flight {
    int token;
    int64_t since_ms;
};

/* All of it is the loop's own. */
struct link {
    struct uplink_worker *worker;
    enum phase phase;
    unsigned attempt; /* of CONNECTING and UP; words of others are passed over */
    int64_t since_ms; /* of CONNECTING */
    int token;        /* the last one given out */
    struct flight flights[UPLINK_SLOTS];
    size_t in_flight;
    struct uplink_worker_conf conf;
    char error[UPLINK_WORDS];
    int puback_max_s;
    int poll_fd, timer_fd;
};

static int64_t now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Rings when the connect or the oldest publish has waited too long; never if nothing waits. */
static void set_timer(const struct link *l) {
    int64_t at_ms = 0;
    if (l->phase == CONNECTING)
        at_ms = l->since_ms + (l->conf.connect_max_s + GRACE_S) * 1000;
    else if (l->in_flight > 0)
        at_ms = l->flights[0].since_ms + l->puback_max_s * 1000;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000}};
    int r = timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(r == 0);
}

static void go_idle(struct link *l) {
    l->phase = IDLE;
    l->in_flight = 0;
    set_timer(l);
}

static int link_connect(void *ctx) {
    struct link *l = ctx;
    if (l->phase != IDLE)
        return ERR_BUSY;
    if (++l->attempt == 0)
        l->attempt = 1;
    uplink_worker_want(l->worker, l->attempt, false);
    l->phase = CONNECTING;
    l->since_ms = now_ms();
    set_timer(l);
    return 0;
}

static void link_disconnect(void *ctx) {
    struct link *l = ctx;
    uplink_worker_want(l->worker, 0, l->phase == UP);
    go_idle(l);
}

static int link_publish(void *ctx, const char *topic, const void *payload, size_t len) {
    struct link *l = ctx;
    if (l->phase != UP)
        return ERR_NOTCONN;
    if (l->in_flight == UPLINK_SLOTS)
        return ERR_AGAIN;
    int token = l->token == INT_MAX ? 0 : l->token + 1;
    int e = uplink_worker_send(l->worker, token, topic, payload, len);
    if (e < 0)
        return e;
    l->token = token;
    l->flights[l->in_flight++] = (struct flight){token, now_ms()};
    set_timer(l);
    return token;
}

static void land(struct link *l, int token) {
    size_t i = 0;
    while (i < l->in_flight && l->flights[i].token != token)
        i++;
    if (i == l->in_flight)
        return;
    l->in_flight--;
    memmove(&l->flights[i], &l->flights[i + 1], (l->in_flight - i) * sizeof l->flights[0]);
}

/* The words for a link that has waited too long, NULL while it has not. */
static const char *given_up(const struct link *l) {
    if (l->phase == CONNECTING &&
        now_ms() - l->since_ms >= (l->conf.connect_max_s + GRACE_S) * 1000)
        return "nothing answers there in time, or no name server does";
    if (l->in_flight > 0 && now_ms() - l->flights[0].since_ms >= l->puback_max_s * 1000)
        return "the link is dead: what was sent is not answered";
    return NULL;
}

/* Keeps the loop's own state in step with what it is about to be told. */
static void follow(struct link *l, const struct uplink_word *w) {
    if (w->event.kind == UPLINK_UP)
        l->phase = UP;
    if (w->event.kind == UPLINK_PUBACK)
        land(l, w->event.detail);
    if (w->event.kind == UPLINK_DOWN) {
        (void)snprintf(l->error, sizeof l->error, "%s", w->words);
        uplink_worker_want(l->worker, 0, false);
        go_idle(l);
    }
    set_timer(l);
}

/* The next word of this attempt. */
static bool hear(struct link *l, struct uplink_word *ret_word) {
    while (uplink_worker_next(l->worker, ret_word))
        if (l->phase != IDLE && ret_word->attempt == l->attempt)
            return true;
    return false;
}

static int link_next(void *ctx, struct uplink_event *ret_event) {
    struct link *l = ctx;
    struct uplink_word w;
    uint64_t rung;
    (void)!read(l->timer_fd, &rung, sizeof rung);
    if (!hear(l, &w)) {
        const char *words = given_up(l);
        if (words == NULL) {
            set_timer(l);
            return 0;
        }
        w = (struct uplink_word){.event = {.kind = UPLINK_DOWN, .detail = ERR_TIMEDOUT}};
        (void)snprintf(w.words, sizeof w.words, "%s: %s", l->conf.uri, words);
    }
    follow(l, &w);
    *ret_event = w.event;
    return 1;
}

static int link_fd(void *ctx) {
    return ((struct link *)ctx)->poll_fd;
}

static void link_close(void *ctx) {
    struct link *l = ctx;
    (void)close(l->poll_fd);
    (void)close(l->timer_fd);
    uplink_worker_stop(l->worker, l->phase == UP, CLOSE_MS);
    free(l);
}

/* ---- opening ---- */

static bool put(char *to, size_t cap, const char *from) {
    return from != NULL && from[0] != '\0' && (size_t)snprintf(to, cap, "%s", from) < cap;
}

static int fill(struct link *l, const struct uplink_paho_conf *c) {
    struct uplink_worker_conf *w = &l->conf;
    if (!put(w->host, sizeof w->host, c->host) || !put(w->device, sizeof w->device, c->device) ||
        !put(w->ca, sizeof w->ca, c->ca_path) || !put(w->cert, sizeof w->cert, c->cert_path) ||
        !put(w->key, sizeof w->key, c->key_path) || c->port == 0 || c->connect_max_s == 0 ||
        c->puback_max_s == 0)
        return ERR_INVAL;
    (void)snprintf(w->uri, sizeof w->uri, "ssl://%s:%u", w->host, (unsigned)c->port);
    w->port = c->port;
    w->keepalive_s = c->keepalive_s;
    w->connect_max_s = c->connect_max_s;
    l->puback_max_s = c->puback_max_s;
    int e = topic_ack(w->ack_topic, sizeof w->ack_topic, w->device);
    return e < 0 ? e : topic_status(w->status_topic, sizeof w->status_topic, w->device);
}

/* The key must be that of the certificate: Paho would only say that it cannot connect. */
static int check_pair(const struct uplink_paho_conf *c) {
    struct seal_signer signer = {0};
    struct seal_key key = {0};
    uint8_t signature[SEAL_BYTES];
    int e = seal_signer_load(c->key_path, &signer);
    if (e == 0)
        e = seal_key_load(c->cert_path, &key);
    if (e == 0)
        e = seal_sign(&signer, signature, 0, signature);
    if (e == 0)
        e = seal_verify(&key, signature, 0, signature);
    seal_signer_free(&signer);
    seal_key_free(&key);
    return e;
}

/* A broker drops what a device publishes under another's name without a word. */
static int check_name(const struct uplink_paho_conf *c) {
    char name[WIRE_DEVICE_MAX + 3];
    int e = seal_certificate_name(c->cert_path, name, sizeof name);
    return e < 0 ? e : strcmp(name, c->device) == 0 ? 0 : ERR_PERM;
}

/* Paho's word for a missing file is "Failure": look before.  *ret_path: whose fault. */
static int check_files(const struct uplink_paho_conf *c, const char **ret_path) {
    const char *const paths[] = {c->ca_path, c->cert_path, c->key_path};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (access(paths[i], R_OK) != 0) {
            *ret_path = paths[i];
            return errno == EACCES ? ERR_ACCESS : errno == ENOENT ? ERR_NOENT : ERR_IO;
        }
    *ret_path = c->key_path;
    int e = check_pair(c);
    if (e == 0) {
        *ret_path = c->cert_path;
        e = check_name(c);
    }
    return e;
}

static int open_fds(struct link *l) {
    l->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event in = {.events = EPOLLIN};
    if (l->poll_fd >= 0 && l->timer_fd >= 0 &&
        epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, uplink_worker_fd(l->worker), &in) == 0 &&
        epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, l->timer_fd, &in) == 0)
        return 0;
    int e = -errno;
    (void)close(l->poll_fd);
    (void)close(l->timer_fd);
    return e;
}

/* The thread comes last but for the descriptors that watch it. */
static int start(struct link *l) {
    int e = seal_tls13_only();
    if (e >= 0)
        e = uplink_worker_start(&l->conf, &l->worker);
    if (e < 0)
        return e;
    e = open_fds(l);
    if (e < 0)
        uplink_worker_stop(l->worker, false, CLOSE_MS);
    return e;
}

int uplink_paho_open(const struct uplink_paho_conf *conf, struct uplink *ret_uplink,
                     const char **ret_path) {
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return ERR_NOMEM;
    int e = fill(l, conf);
    const char *path = NULL;
    if (e >= 0)
        e = check_files(conf, &path);
    if (e < 0 && path != NULL && ret_path != NULL)
        *ret_path = path;
    if (e >= 0)
        e = start(l);
    if (e < 0) {
        free(l);
        return e;
    }
    *ret_uplink = (struct uplink){l,         link_fd,   link_connect, link_disconnect, link_publish,
                                  link_next, link_close};
    return 0;
}

const char *uplink_paho_last_error(const struct uplink *uplink) {
    return ((const struct link *)uplink->ctx)->error;
}

uint32_t uplink_paho_refused(const struct uplink *uplink) {
    return uplink_worker_refused(((struct link *)uplink->ctx)->worker);
}
