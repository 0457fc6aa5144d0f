#include "uplink_paho.h"
#include "seal.h"
#include "topic.h"
#include "uplink_why.h"
#include <MQTTAsync.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE = 64,      /* events that wait for the loop */
    QUEUE_STATE = 4, /* of them kept free for UP and DOWN */
    INFLIGHT = 16,   /* publishes without PUBACK */
    WORDS = 448,
    TLS_WORDS = 256,
    PATH = 256,
    HOST = 128,
    DISCONNECT_MS = 2000,
    GRACE_S = 5, /* Paho's own timeout goes first, its words are better */
};

enum phase { IDLE, CONNECTING, UP };

struct queued {
    struct uplink_event event;
    char words[WORDS]; /* of a DOWN */
};

struct flight {
    int token;
    int64_t since_ms;
};

struct link {
    /* the loop's own */
    MQTTAsync client;
    enum phase phase;
    int64_t since_ms; /* of CONNECTING */
    struct flight flights[INFLIGHT];
    size_t in_flight;
    char error[WORDS];
    char host[HOST], uri[HOST + 16], device[WIRE_DEVICE_MAX + 1];
    char ack_topic[TOPIC_MAX], status_topic[TOPIC_MAX];
    char ca[PATH], cert[PATH], key[PATH];
    uint16_t port;
    int keepalive_s, connect_max_s, puback_max_s;
    int poll_fd, wake_fd, timer_fd;

    /* shared with Paho's threads */
    pthread_mutex_t mutex;
    pthread_cond_t parted;
    struct queued queue[QUEUE];
    size_t head, used;
    uint32_t refused;
    bool gone;           /* the orderly disconnect has ended */
    char tls[TLS_WORDS]; /* what OpenSSL said last */
};

static int64_t now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the queue, between the threads ---- */

/* Called with the mutex held. */
static struct queued *push(struct link *l, enum uplink_kind kind, int detail) {
    bool state = kind == UPLINK_UP || kind == UPLINK_DOWN;
    if (l->used >= (size_t)(state ? QUEUE : QUEUE - QUEUE_STATE)) {
        l->refused++;
        return NULL;
    }
    struct queued *q = &l->queue[(l->head + l->used++) % QUEUE];
    q->event = (struct uplink_event){.kind = kind, .detail = detail};
    q->words[0] = '\0';
    uint64_t one = 1;
    ssize_t n = write(l->wake_fd, &one, sizeof one);
    assert(n == sizeof one);
    return q;
}

static void tell(struct link *l, enum uplink_kind kind, int detail) {
    (void)pthread_mutex_lock(&l->mutex);
    (void)push(l, kind, detail);
    (void)pthread_mutex_unlock(&l->mutex);
}

static void tell_down(struct link *l, const char *words, int detail) {
    (void)pthread_mutex_lock(&l->mutex);
    struct queued *q = push(l, UPLINK_DOWN, detail);
    if (q != NULL)
        (void)snprintf(q->words, sizeof q->words, "%s: %s", l->uri, words);
    (void)pthread_mutex_unlock(&l->mutex);
}

/* ---- Paho's threads ---- */

static int on_tls_error(const char *text, size_t len, void *context) {
    struct link *l = context;
    (void)pthread_mutex_lock(&l->mutex);
    if (l->tls[0] == '\0') /* the first is the cause */
        (void)snprintf(l->tls, sizeof l->tls, "%.*s", (int)len, text);
    (void)pthread_mutex_unlock(&l->mutex);
    return 1;
}

static void on_lost(void *context, char *cause) {
    tell_down(context, cause != NULL ? cause : "the connection was lost", ERR_NOTCONN);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message) {
    (void)topic_len;
    struct link *l = context;
    size_t len = (size_t)message->payloadlen;
    (void)pthread_mutex_lock(&l->mutex);
    struct queued *q = len <= UPLINK_MESSAGE_MAX ? push(l, UPLINK_MESSAGE, 0) : NULL;
    if (q != NULL) {
        memcpy(q->event.data, message->payload, len);
        q->event.len = len;
    } else if (len > UPLINK_MESSAGE_MAX) {
        l->refused++;
    }
    (void)pthread_mutex_unlock(&l->mutex);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_published(void *context, MQTTAsync_successData *response) {
    tell(context, UPLINK_PUBACK, response->token);
}

static void on_subscribed(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct link *l = context;
    MQTTAsync_responseOptions quiet = MQTTAsync_responseOptions_initializer;
    int e = MQTTAsync_send(l->client, l->status_topic, 6, "online", 1, 1, &quiet);
    if (e == MQTTASYNC_SUCCESS)
        tell(l, UPLINK_UP, 0);
    else
        tell_down(l, MQTTAsync_strerror(e), ERR_NOTCONN);
}

static void on_not_subscribed(void *context, MQTTAsync_failureData *response) {
    (void)response;
    tell_down(context, "the broker does not allow this device to hear its acknowledgements",
              ERR_PERM);
}

static void on_connected(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct link *l = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_not_subscribed;
    options.context = l;
    int e = MQTTAsync_subscribe(l->client, l->ack_topic, 1, &options);
    if (e != MQTTASYNC_SUCCESS)
        tell_down(l, MQTTAsync_strerror(e), ERR_NOTCONN);
}

static void on_not_connected(void *context, MQTTAsync_failureData *response) {
    struct link *l = context;
    char tls[TLS_WORDS];
    (void)pthread_mutex_lock(&l->mutex);
    (void)snprintf(tls, sizeof tls, "%s", l->tls);
    (void)pthread_mutex_unlock(&l->mutex);
    if (tls[0] == '\0')
        seal_tls_error(tls, sizeof tls);
    tell_down(l,
              uplink_why(l->host, l->port, tls, response != NULL ? response->code : 0,
                         response != NULL ? response->message : NULL),
              ERR_NOTCONN);
}

static void on_parted(struct link *l) {
    (void)pthread_mutex_lock(&l->mutex);
    l->gone = true;
    (void)pthread_cond_signal(&l->parted);
    (void)pthread_mutex_unlock(&l->mutex);
}

static void on_disconnected(void *context, MQTTAsync_successData *response) {
    (void)response;
    on_parted(context);
}

static void on_not_disconnected(void *context, MQTTAsync_failureData *response) {
    (void)response;
    on_parted(context);
}

/* ---- the loop's side ---- */

/* Ends the client, and with it whatever it had still to say. */
static void drop_client(struct link *l) {
    MQTTAsync_destroy(&l->client);
    l->client = NULL;
    l->phase = IDLE;
    l->in_flight = 0;
    (void)pthread_mutex_lock(&l->mutex);
    l->used = 0;
    l->tls[0] = '\0';
    (void)pthread_mutex_unlock(&l->mutex);
}

/* Rings when the connect or the oldest publish has waited too long; never if nothing waits. */
static void set_timer(const struct link *l) {
    int64_t at_ms = 0;
    if (l->phase == CONNECTING)
        at_ms = l->since_ms + (l->connect_max_s + GRACE_S) * 1000;
    else if (l->in_flight > 0)
        at_ms = l->flights[0].since_ms + l->puback_max_s * 1000;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000}};
    int r = timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(r == 0);
}

static int create_client(struct link *l) {
    if (MQTTAsync_create(&l->client, l->uri, l->device, MQTTCLIENT_PERSISTENCE_NONE, NULL) !=
        MQTTASYNC_SUCCESS)
        return ERR_NOMEM;
    int e = MQTTAsync_setCallbacks(l->client, l, on_lost, on_message, NULL);
    assert(e == MQTTASYNC_SUCCESS);
    return 0;
}

static int link_connect(void *ctx) {
    struct link *l = ctx;
    if (l->phase != IDLE)
        return ERR_BUSY;
    drop_client(l);
    int e = create_client(l);
    if (e < 0)
        return e;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = l->ca;
    tls.keyStore = l->cert;
    tls.privateKey = l->key;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.disableDefaultTrustStore = 1;
    tls.ssl_error_cb = on_tls_error;
    tls.ssl_error_context = l;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    will.topicName = l->status_topic;
    will.message = "offline";
    will.retained = 1;
    will.qos = 1;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.keepAliveInterval = l->keepalive_s;
    options.connectTimeout = l->connect_max_s;
    options.cleansession = 1;
    options.maxInflight = INFLIGHT + 2;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.ssl = &tls;
    options.will = &will;
    options.onSuccess = on_connected;
    options.onFailure = on_not_connected;
    options.context = l;
    if (MQTTAsync_connect(l->client, &options) != MQTTASYNC_SUCCESS)
        return ERR_IO;
    l->phase = CONNECTING;
    l->since_ms = now_ms();
    set_timer(l);
    return 0;
}

static void wait_parted(struct link *l) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DISCONNECT_MS / 1000 / 2;
    (void)pthread_mutex_lock(&l->mutex);
    while (!l->gone && pthread_cond_timedwait(&l->parted, &l->mutex, &until) == 0)
        ;
    l->gone = false;
    (void)pthread_mutex_unlock(&l->mutex);
}

/* In two steps, because Paho looks only every three seconds whether what is in flight has landed.
 */
static void part(struct link *l) {
    MQTTAsync_responseOptions last = MQTTAsync_responseOptions_initializer;
    last.onSuccess = on_disconnected;
    last.onFailure = on_not_disconnected;
    last.context = l;
    if (MQTTAsync_send(l->client, l->status_topic, 7, "offline", 1, 1, &last) == MQTTASYNC_SUCCESS)
        wait_parted(l);
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = 0;
    options.onSuccess = on_disconnected;
    options.onFailure = on_not_disconnected;
    options.context = l;
    if (MQTTAsync_disconnect(l->client, &options) == MQTTASYNC_SUCCESS)
        wait_parted(l);
}

static void link_disconnect(void *ctx) {
    struct link *l = ctx;
    if (l->phase == UP)
        part(l);
    drop_client(l);
    set_timer(l);
}

static int link_publish(void *ctx, const char *topic, const void *payload, size_t len) {
    struct link *l = ctx;
    if (l->phase != UP)
        return ERR_NOTCONN;
    if (l->in_flight == INFLIGHT)
        return ERR_AGAIN;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_published;
    options.context = l;
    if (MQTTAsync_send(l->client, topic, (int)len, payload, 1, 0, &options) != MQTTASYNC_SUCCESS)
        return ERR_NOTCONN;
    l->flights[l->in_flight++] = (struct flight){options.token, now_ms()};
    set_timer(l);
    return options.token;
}

static void land(struct link *l, int token) {
    size_t i = 0;
    while (i < l->in_flight && l->flights[i].token != token)
        i++;
    if (i == l->in_flight)
        return;
    l->in_flight--;
    memmove(&l->flights[i], &l->flights[i + 1], (l->in_flight - i) * sizeof l->flights[0]);
    set_timer(l);
}

/* The words for a link that has waited too long, NULL while it has not. */
static const char *given_up(const struct link *l) {
    if (l->phase == CONNECTING && now_ms() - l->since_ms >= (l->connect_max_s + GRACE_S) * 1000)
        return "nothing answers there in time";
    if (l->in_flight > 0 && now_ms() - l->flights[0].since_ms >= l->puback_max_s * 1000)
        return "the link is dead: what was sent is not answered";
    return NULL;
}

static bool pop(struct link *l, struct queued *ret_queued) {
    (void)pthread_mutex_lock(&l->mutex);
    bool any = l->used > 0;
    if (any) {
        *ret_queued = l->queue[l->head];
        l->head = (l->head + 1) % QUEUE;
        l->used--;
    }
    if (l->used == 0) {
        uint64_t rung;
        (void)!read(l->wake_fd, &rung, sizeof rung);
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return any;
}

/* Keeps the loop's own state in step with what it is about to be told. */
static void follow(struct link *l, const struct queued *q) {
    if (q->event.kind == UPLINK_UP)
        l->phase = UP;
    if (q->event.kind == UPLINK_PUBACK)
        land(l, q->event.detail);
    if (q->event.kind == UPLINK_DOWN) {
        (void)snprintf(l->error, sizeof l->error, "%s", q->words);
        drop_client(l);
    }
    set_timer(l);
}

static int link_next(void *ctx, struct uplink_event *ret_event) {
    struct link *l = ctx;
    struct queued q;
    uint64_t rung;
    (void)!read(l->timer_fd, &rung, sizeof rung);
    if (!pop(l, &q)) {
        const char *words = given_up(l);
        if (words == NULL) {
            set_timer(l);
            return 0;
        }
        q = (struct queued){.event = {.kind = UPLINK_DOWN, .detail = ERR_TIMEDOUT}};
        (void)snprintf(q.words, sizeof q.words, "%s: %s", l->uri, words);
    }
    follow(l, &q);
    *ret_event = q.event;
    return 1;
}

static int link_fd(void *ctx) {
    return ((struct link *)ctx)->poll_fd;
}

static void link_close(void *ctx) {
    struct link *l = ctx;
    link_disconnect(l);
    (void)close(l->poll_fd);
    (void)close(l->wake_fd);
    (void)close(l->timer_fd);
    (void)pthread_cond_destroy(&l->parted);
    (void)pthread_mutex_destroy(&l->mutex);
    free(l);
}

/* ---- opening ---- */

static bool put(char *to, size_t cap, const char *from) {
    return from != NULL && from[0] != '\0' && (size_t)snprintf(to, cap, "%s", from) < cap;
}

static int fill(struct link *l, const struct uplink_paho_conf *c) {
    if (!put(l->host, sizeof l->host, c->host) || !put(l->device, sizeof l->device, c->device) ||
        !put(l->ca, sizeof l->ca, c->ca_path) || !put(l->cert, sizeof l->cert, c->cert_path) ||
        !put(l->key, sizeof l->key, c->key_path) || c->port == 0 || c->connect_max_s == 0 ||
        c->puback_max_s == 0)
        return ERR_INVAL;
    (void)snprintf(l->uri, sizeof l->uri, "ssl://%s:%u", l->host, (unsigned)c->port);
    l->port = c->port;
    l->keepalive_s = c->keepalive_s;
    l->connect_max_s = c->connect_max_s;
    l->puback_max_s = c->puback_max_s;
    int e = topic_ack(l->ack_topic, sizeof l->ack_topic, l->device);
    return e < 0 ? e : topic_status(l->status_topic, sizeof l->status_topic, l->device);
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
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event in = {.events = EPOLLIN};
    if (l->poll_fd >= 0 && l->wake_fd >= 0 && l->timer_fd >= 0 &&
        epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, l->wake_fd, &in) == 0 &&
        epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, l->timer_fd, &in) == 0)
        return 0;
    int e = -errno;
    (void)close(l->poll_fd);
    (void)close(l->wake_fd);
    (void)close(l->timer_fd);
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
        e = seal_tls13_only();
    if (e >= 0)
        e = open_fds(l);
    if (e < 0) {
        free(l);
        return e;
    }
    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_cond_init(&l->parted, NULL);
    *ret_uplink = (struct uplink){l,         link_fd,   link_connect, link_disconnect, link_publish,
                                  link_next, link_close};
    return 0;
}

const char *uplink_paho_last_error(const struct uplink *uplink) {
    return ((const struct link *)uplink->ctx)->error;
}

uint32_t uplink_paho_refused(const struct uplink *uplink) {
    struct link *l = uplink->ctx;
    (void)pthread_mutex_lock(&l->mutex);
    uint32_t refused = l->refused;
    (void)pthread_mutex_unlock(&l->mutex);
    return refused;
}
