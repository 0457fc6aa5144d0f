#include "uplink_worker.h"
#include "batch.h"
#include "seal.h"
#include "uplink_why.h"
#include <MQTTAsync.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE = 96,      /* words that wait for the loop: the slots' PUBACKs and as many messages */
    QUEUE_STATE = 4, /* of them kept free for UP and DOWN */
    TLS_WORDS = 256,
    PART_MS = 1000, /* for each of the two steps of an orderly end */
};

enum slot_state { FREE, WAITING, SENT };

struct slot {
    struct uplink_worker *worker;
    enum slot_state state;
    int token;
    size_t len;
    char topic[TOPIC_MAX];
    uint8_t payload[WIRE_PAYLOAD_MAX];
};

/* What Paho said of a connect that failed, until the worker has found words for it. */
struct failure {
    bool set;
    int code;
    char tls[TLS_WORDS], message[TLS_WORDS];
};

struct uplink_worker {
    struct uplink_worker_conf conf;
    pthread_t thread;
    int wake_fd;
    MQTTAsync client; /* the worker's; in Paho's threads while a callback of it runs */

    pthread_mutex_t mutex; /* never held in a call of Paho; guards all below */
    pthread_cond_t work, parted, ended;
    unsigned wanted, has; /* attempts */
    bool orderly, quit, has_ended, abandoned;
    bool gone;           /* a step of the orderly end is done */
    char tls[TLS_WORDS]; /* what OpenSSL said first */
    struct failure failure;
    struct slot slots[UPLINK_SLOTS];
    uint8_t line[UPLINK_SLOTS]; /* the WAITING ones, in order */
    unsigned line_head, waiting;
    struct uplink_word queue[QUEUE];
    size_t head, used;
    uint32_t refused;
};

static void lock(struct uplink_worker *w) {
    (void)pthread_mutex_lock(&w->mutex);
}

static void unlock(struct uplink_worker *w) {
    (void)pthread_mutex_unlock(&w->mutex);
}

/* CLOCK_MONOTONIC, as the conditions are. */
static struct timespec in_ms(int ms) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)ms * 1000000;
    return (struct timespec){.tv_sec = (time_t)(t.tv_sec + ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

/* ---- words for the loop ---- */

/* Called with the mutex held. */
static struct uplink_word *push(struct uplink_worker *w, enum uplink_kind kind, int detail) {
    bool state = kind == UPLINK_UP || kind == UPLINK_DOWN;
    if (w->used >= (size_t)(state ? QUEUE : QUEUE - QUEUE_STATE)) {
        w->refused++;
        return NULL;
    }
    struct uplink_word *q = &w->queue[(w->head + w->used++) % QUEUE];
    q->event = (struct uplink_event){.kind = kind, .detail = detail};
    q->attempt = w->has;
    q->words[0] = '\0';
    uint64_t one = 1;
    ssize_t n = write(w->wake_fd, &one, sizeof one);
    assert(n == sizeof one);
    return q;
}

static void tell_down(struct uplink_worker *w, const char *words, int detail) {
    lock(w);
    struct uplink_word *q = push(w, UPLINK_DOWN, detail);
    if (q != NULL)
        (void)snprintf(q->words, sizeof q->words, "%s: %s", w->conf.uri, words);
    unlock(w);
}

/* ---- Paho's threads: its lock is held in each of these, so that no callback of a client comes
 * after its MQTTAsync_destroy has returned ---- */

static int on_tls_error(const char *text, size_t len, void *context) {
    struct uplink_worker *w = context;
    lock(w);
    if (w->tls[0] == '\0') /* the first is the cause */
        (void)snprintf(w->tls, sizeof w->tls, "%.*s", (int)len, text);
    unlock(w);
    return 1;
}

static void on_lost(void *context, char *cause) {
    tell_down(context, cause != NULL ? cause : "the connection was lost", ERR_NOTCONN);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message) {
    (void)topic_len;
    struct uplink_worker *w = context;
    size_t len = (size_t)message->payloadlen;
    lock(w);
    struct uplink_word *q = len <= UPLINK_MESSAGE_MAX ? push(w, UPLINK_MESSAGE, 0) : NULL;
    if (q != NULL) {
        memcpy(q->event.data, message->payload, len);
        q->event.len = len;
    } else if (len > UPLINK_MESSAGE_MAX) {
        w->refused++;
    }
    unlock(w);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_published(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct slot *slot = context;
    struct uplink_worker *w = slot->worker;
    lock(w);
    (void)push(w, UPLINK_PUBACK, slot->token);
    slot->state = FREE;
    unlock(w);
}

static void on_subscribed(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct uplink_worker *w = context;
    MQTTAsync_responseOptions quiet = MQTTAsync_responseOptions_initializer;
    int e = MQTTAsync_send(w->client, w->conf.status_topic, 6, "online", 1, 1, &quiet);
    if (e != MQTTASYNC_SUCCESS) {
        tell_down(w, MQTTAsync_strerror(e), ERR_NOTCONN);
        return;
    }
    lock(w);
    (void)push(w, UPLINK_UP, 0);
    unlock(w);
}

static void on_not_subscribed(void *context, MQTTAsync_failureData *response) {
    (void)response;
    tell_down(context, "the broker does not allow this device to hear its acknowledgements",
              ERR_PERM);
}

static void on_connected(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct uplink_worker *w = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_not_subscribed;
    options.context = w;
    int e = MQTTAsync_subscribe(w->client, w->conf.ack_topic, 1, &options);
    if (e != MQTTASYNC_SUCCESS)
        tell_down(w, MQTTAsync_strerror(e), ERR_NOTCONN);
}

static void on_not_connected(void *context, MQTTAsync_failureData *response) {
    struct uplink_worker *w = context;
    char tls[TLS_WORDS] = "";
    seal_tls_error(tls, sizeof tls); /* of this thread: nobody else can ask */
    lock(w);
    struct failure *f = &w->failure;
    f->set = true;
    f->code = response != NULL ? response->code : 0;
    (void)snprintf(f->tls, sizeof f->tls, "%s", w->tls[0] != '\0' ? w->tls : tls);
    (void)snprintf(f->message, sizeof f->message, "%s",
                   response != NULL && response->message != NULL ? response->message : "");
    (void)pthread_cond_signal(&w->work);
    unlock(w);
}

static void on_parted(struct uplink_worker *w) {
    lock(w);
    w->gone = true;
    (void)pthread_cond_signal(&w->parted);
    unlock(w);
}

static void on_disconnected(void *context, MQTTAsync_successData *response) {
    (void)response;
    on_parted(context);
}

static void on_not_disconnected(void *context, MQTTAsync_failureData *response) {
    (void)response;
    on_parted(context);
}

/* ---- the worker ---- */

static int create_client(struct uplink_worker *w) {
    int e = MQTTAsync_create(&w->client, w->conf.uri, w->conf.device, MQTTCLIENT_PERSISTENCE_NONE,
                             NULL);
    if (e == MQTTASYNC_SUCCESS)
        e = MQTTAsync_setCallbacks(w->client, w, on_lost, on_message, NULL);
    return e;
}

static int connect_client(struct uplink_worker *w) {
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = w->conf.ca;
    tls.keyStore = w->conf.cert;
    tls.privateKey = w->conf.key;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.disableDefaultTrustStore = 1;
    tls.ssl_error_cb = on_tls_error;
    tls.ssl_error_context = w;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    will.topicName = w->conf.status_topic;
    will.message = "offline";
    will.retained = 1;
    will.qos = 1;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.keepAliveInterval = w->conf.keepalive_s;
    options.connectTimeout = w->conf.connect_max_s;
    options.cleansession = 1;
    options.maxInflight = UPLINK_SLOTS + 2;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.ssl = &tls;
    options.will = &will;
    options.onSuccess = on_connected;
    options.onFailure = on_not_connected;
    options.context = w;
    int e = create_client(w);
    return e == MQTTASYNC_SUCCESS ? MQTTAsync_connect(w->client, &options) : e;
}

/* The next four are called with the mutex held, and let go of it while they are with Paho. */

static void begin(struct uplink_worker *w) {
    w->has = w->wanted;
    unlock(w);
    if (connect_client(w) != MQTTASYNC_SUCCESS)
        tell_down(w, "no connection can be begun: is there memory?", ERR_NOMEM);
    lock(w);
}

static void explain(struct uplink_worker *w) {
    struct failure f = w->failure;
    w->failure.set = false;
    unlock(w);
    tell_down(w,
              uplink_why(w->conf.host, w->conf.port, f.tls, f.code,
                         f.message[0] != '\0' ? f.message : NULL),
              ERR_NOTCONN);
    lock(w);
}

static void send_one(struct uplink_worker *w) {
    struct slot *slot = &w->slots[w->line[w->line_head]];
    w->line_head = (w->line_head + 1) % UPLINK_SLOTS;
    w->waiting--;
    slot->state = SENT;
    unlock(w);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_published;
    options.context = slot;
    int e = MQTTAsync_send(w->client, slot->topic, (int)slot->len, slot->payload, 1, 0, &options);
    if (e != MQTTASYNC_SUCCESS)
        tell_down(w, "the connection was lost", ERR_NOTCONN);
    lock(w);
}

static void wait_parted(struct uplink_worker *w) {
    struct timespec until = in_ms(PART_MS);
    lock(w);
    while (!w->gone && pthread_cond_timedwait(&w->parted, &w->mutex, &until) == 0)
        ;
    w->gone = false;
    unlock(w);
}

/* In two steps, because Paho looks only every three seconds whether what is in flight has landed.
 */
static void part(struct uplink_worker *w) {
    MQTTAsync_responseOptions last = MQTTAsync_responseOptions_initializer;
    last.onSuccess = on_disconnected;
    last.onFailure = on_not_disconnected;
    last.context = w;
    if (MQTTAsync_send(w->client, w->conf.status_topic, 7, "offline", 1, 1, &last) ==
        MQTTASYNC_SUCCESS)
        wait_parted(w);
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = 0;
    options.onSuccess = on_disconnected;
    options.onFailure = on_not_disconnected;
    options.context = w;
    if (MQTTAsync_disconnect(w->client, &options) == MQTTASYNC_SUCCESS)
        wait_parted(w);
}

static void leave(struct uplink_worker *w) {
    bool orderly = w->orderly;
    while (orderly && w->waiting > 0)
        send_one(w);
    unlock(w);
    if (orderly)
        part(w);
    if (w->client != NULL)
        MQTTAsync_destroy(&w->client);
    w->client = NULL;
    lock(w);
    w->orderly = w->gone = false;
    w->has = 0;
    w->waiting = 0;
    w->tls[0] = '\0';
    w->failure.set = false;
    for (size_t i = 0; i < UPLINK_SLOTS; i++)
        w->slots[i].state = FREE;
}

static void free_worker(struct uplink_worker *w) {
    (void)close(w->wake_fd);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_cond_destroy(&w->parted);
    (void)pthread_cond_destroy(&w->ended);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
}

static void *work(void *ctx) {
    struct uplink_worker *w = ctx;
    lock(w);
    while (!w->quit || w->has != 0) {
        if (w->has != w->wanted && w->has != 0)
            leave(w);
        else if (w->has != w->wanted)
            begin(w);
        else if (w->failure.set)
            explain(w);
        else if (w->waiting > 0)
            send_one(w);
        else
            (void)pthread_cond_wait(&w->work, &w->mutex);
    }
    w->has_ended = true;
    (void)pthread_cond_signal(&w->ended);
    bool mine = w->abandoned;
    unlock(w);
    if (mine)
        free_worker(w);
    return NULL;
}

/* ---- the loop's side ---- */

int uplink_worker_fd(const struct uplink_worker *w) {
    return w->wake_fd;
}

void uplink_worker_want(struct uplink_worker *w, unsigned attempt, bool orderly) {
    lock(w);
    w->wanted = attempt;
    w->orderly = w->orderly || (orderly && w->has != 0);
    (void)pthread_cond_signal(&w->work);
    unlock(w);
}

/* Called with the mutex held. */
static void fill_slot(struct uplink_worker *w, size_t which, int token, const char *topic,
                      const void *payload, size_t len) {
    struct slot *slot = &w->slots[which];
    slot->state = WAITING;
    slot->token = token;
    slot->len = len;
    (void)snprintf(slot->topic, sizeof slot->topic, "%s", topic);
    memcpy(slot->payload, payload, len);
    w->line[(w->line_head + w->waiting++) % UPLINK_SLOTS] = (uint8_t)which;
    (void)pthread_cond_signal(&w->work);
}

int uplink_worker_send(struct uplink_worker *w, int token, const char *topic, const void *payload,
                       size_t len) {
    if (len > WIRE_PAYLOAD_MAX || strlen(topic) >= TOPIC_MAX)
        return ERR_INVAL;
    size_t i = 0;
    lock(w);
    while (i < UPLINK_SLOTS && w->slots[i].state != FREE)
        i++;
    if (i < UPLINK_SLOTS)
        fill_slot(w, i, token, topic, payload, len);
    unlock(w);
    return i < UPLINK_SLOTS ? 0 : ERR_AGAIN;
}

bool uplink_worker_next(struct uplink_worker *w, struct uplink_word *ret_word) {
    lock(w);
    bool any = w->used > 0;
    if (any) {
        *ret_word = w->queue[w->head];
        w->head = (w->head + 1) % QUEUE;
        w->used--;
    }
    if (w->used == 0) {
        uint64_t rung;
        (void)!read(w->wake_fd, &rung, sizeof rung);
    }
    unlock(w);
    return any;
}

uint32_t uplink_worker_refused(struct uplink_worker *w) {
    lock(w);
    uint32_t refused = w->refused;
    unlock(w);
    return refused;
}

void uplink_worker_stop(struct uplink_worker *w, bool orderly, int wait_ms) {
    struct timespec until = in_ms(wait_ms);
    pthread_t thread = w->thread;
    uplink_worker_want(w, 0, orderly);
    lock(w);
    w->quit = true;
    while (!w->has_ended && pthread_cond_timedwait(&w->ended, &w->mutex, &until) == 0)
        ;
    bool ended = w->has_ended;
    w->abandoned = !ended;
    unlock(w);
    if (ended) {
        (void)pthread_join(thread, NULL);
        free_worker(w);
    } else {
        (void)pthread_detach(thread);
    }
}

/* The signals are the loop's: Paho's threads, begun by this one, inherit the mask. */
static int start_thread(struct uplink_worker *w) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&w->thread, NULL, work, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e == 0 ? 0 : ERR_NOMEM;
}

int uplink_worker_start(const struct uplink_worker_conf *conf, struct uplink_worker **ret_worker) {
    struct uplink_worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->conf = *conf;
    for (size_t i = 0; i < UPLINK_SLOTS; i++)
        w->slots[i].worker = w;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->work, &monotonic);
    (void)pthread_cond_init(&w->parted, &monotonic);
    (void)pthread_cond_init(&w->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int e = w->wake_fd < 0 ? -errno : start_thread(w);
    if (e < 0) {
        free_worker(w);
        return e;
    }
    *ret_worker = w;
    return 0;
}
