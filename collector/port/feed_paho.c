#include "feed_paho.h"
#include "seal.h"
#include "topic.h"
#include <MQTTAsync.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    WORDS = 320,
    PATH = 512,
    NAME = 256,
    PARTING_MS = 1000,
    ACKS_IN_FLIGHT = 2000,
    /* Paho gives up after FEED_CONNECT_MAX_S by itself, but for a name look-up; and to end a client
     * that is looking up a name would keep the loop waiting for as long as that takes.  So longer
     * than a resolver's patience: three servers, two attempts of 5 s each, some search domains. */
    HANGING_MS = 120000,
};

/* What Paho's threads have to tell the loop. */
enum news { NEWS_NONE, NEWS_UP, NEWS_DOWN };

struct feed {
    /* the loop's own */
    MQTTAsync client;
    enum feed_state state;
    int64_t since_ms, next_ms, backoff_ms;
    char error[WORDS];
    char uri[NAME + 16], client_id[NAME], ca[PATH], cert[PATH], key[PATH];
    int keepalive_s, fd;
    struct post *post;

    /* shared with Paho's threads */
    pthread_mutex_t lock;
    enum news news;
    char words[WORDS], tls[WORDS];
};

static int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- Paho's threads -------------------------------------------------------------------------- */

static void tell(struct feed *f, enum news news, const char *words) {
    const uint64_t one = 1;
    pthread_mutex_lock(&f->lock);
    /* Of several reasons to be down the first is the cause. */
    if (news == NEWS_UP || f->news != NEWS_DOWN)
        snprintf(f->words, sizeof f->words, "%s", words);
    f->news = news;
    pthread_mutex_unlock(&f->lock);
    (void)!write(f->fd, &one, sizeof one);
}

static int on_tls_error(const char *text, size_t len, void *context) {
    struct feed *f = context;
    pthread_mutex_lock(&f->lock);
    if (f->tls[0] == '\0')
        snprintf(f->tls, sizeof f->tls, "%.*s", (int)len, text);
    pthread_mutex_unlock(&f->lock);
    return 1;
}

static void on_lost(void *context, char *cause) {
    tell(context, NEWS_DOWN, cause != NULL ? cause : "the connection was lost");
}

/* The topic's length is 0 when it is terminated. */
static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message) {
    struct feed *f = context;
    size_t len = topic_len > 0 ? (size_t)topic_len : strlen(topic);
    /* What cannot be put is counted there; its device sends it again. */
    int r = post_put(f->post, topic, len, message->payload, (size_t)message->payloadlen, wall_ms());
    (void)r;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_subscribed(void *context, MQTTAsync_successData *response) {
    (void)response;
    tell(context, NEWS_UP, "");
}

static void on_not_subscribed(void *context, MQTTAsync_failureData *response) {
    (void)response;
    tell(context, NEWS_DOWN,
         "the broker does not let the collector subscribe: see the access list of the broker");
}

static void on_connected(void *context, MQTTAsync_successData *response) {
    (void)response;
    struct feed *f = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_not_subscribed;
    options.context = f;
    int e = MQTTAsync_subscribe(f->client, TOPIC_ALL_BATCHES, 1, &options);
    if (e != MQTTASYNC_SUCCESS)
        tell(f, NEWS_DOWN, MQTTAsync_strerror(e));
}

static void on_not_connected(void *context, MQTTAsync_failureData *response) {
    struct feed *f = context;
    char tls[WORDS];
    pthread_mutex_lock(&f->lock);
    snprintf(tls, sizeof tls, "%s", f->tls);
    pthread_mutex_unlock(&f->lock);
    if (tls[0] == '\0')
        seal_tls_error(tls, sizeof tls);
    const char *paho =
        response != NULL && response->message != NULL ? response->message : "no connection";
    tell(f, NEWS_DOWN, tls[0] != '\0' ? tls : paho);
}

/* -- the loop's side ------------------------------------------------------------------------- */

static void drop_client(struct feed *f) {
    if (f->client != NULL)
        MQTTAsync_destroy(&f->client);
    f->client = NULL;
    pthread_mutex_lock(&f->lock);
    f->news = NEWS_NONE;
    f->tls[0] = '\0';
    pthread_mutex_unlock(&f->lock);
}

static void go_down(struct feed *f, const char *words, int64_t now_ms) {
    int n = snprintf(f->error, sizeof f->error, "%s: ", f->uri);
    snprintf(f->error + n, sizeof f->error - (size_t)n, "%s", words);
    drop_client(f);
    f->backoff_ms =
        f->state == FEED_UP || f->backoff_ms == 0 ? FEED_BACKOFF_FIRST_MS : 2 * f->backoff_ms;
    if (f->backoff_ms > FEED_BACKOFF_LAST_MS)
        f->backoff_ms = FEED_BACKOFF_LAST_MS;
    f->state = FEED_DOWN;
    f->next_ms = now_ms + f->backoff_ms;
}

static int client_connect(struct feed *f) {
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = f->ca;
    tls.keyStore = f->cert;
    tls.privateKey = f->key;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.disableDefaultTrustStore = 1;
    tls.ssl_error_cb = on_tls_error;
    tls.ssl_error_context = f;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.keepAliveInterval = f->keepalive_s;
    options.connectTimeout = FEED_CONNECT_MAX_S;
    options.cleansession = 0;
    options.maxInflight = ACKS_IN_FLIGHT;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.ssl = &tls;
    options.onSuccess = on_connected;
    options.onFailure = on_not_connected;
    options.context = f;
    int e = MQTTAsync_create(&f->client, f->uri, f->client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (e == MQTTASYNC_SUCCESS)
        e = MQTTAsync_setCallbacks(f->client, f, on_lost, on_message, NULL);
    if (e == MQTTASYNC_SUCCESS)
        e = MQTTAsync_connect(f->client, &options);
    return e;
}

static void try_connect(struct feed *f, int64_t now_ms) {
    int e = client_connect(f);
    f->state = FEED_CONNECTING;
    f->since_ms = now_ms;
    if (e != MQTTASYNC_SUCCESS)
        go_down(f, MQTTAsync_strerror(e) != NULL ? MQTTAsync_strerror(e) : "cannot connect",
                now_ms);
}

static void take_news(struct feed *f, int64_t now_ms) {
    char words[WORDS];
    uint64_t rung;
    (void)!read(f->fd, &rung, sizeof rung);
    pthread_mutex_lock(&f->lock);
    enum news news = f->news;
    f->news = NEWS_NONE;
    snprintf(words, sizeof words, "%s", f->words);
    pthread_mutex_unlock(&f->lock);
    if (news == NEWS_UP)
        f->state = FEED_UP;
    if (news == NEWS_UP)
        f->backoff_ms = 0;
    if (news == NEWS_DOWN)
        go_down(f, words, now_ms);
}

int64_t feed_paho_step(struct feed *f, int64_t now_ms) {
    take_news(f, now_ms);
    if (f->state == FEED_CONNECTING && now_ms - f->since_ms >= HANGING_MS)
        go_down(f, "nothing answers there in time", now_ms);
    if (f->state == FEED_DOWN && now_ms >= f->next_ms)
        try_connect(f, now_ms);
    if (f->state == FEED_DOWN)
        return f->next_ms;
    return f->state == FEED_CONNECTING ? f->since_ms + HANGING_MS : INT64_MAX;
}

int feed_paho_publish(struct feed *f, const char *topic, const void *payload, size_t len) {
    if (f->state != FEED_UP)
        return ERR_NOTCONN;
    MQTTAsync_responseOptions quiet = MQTTAsync_responseOptions_initializer;
    int e = MQTTAsync_send(f->client, topic, (int)len, payload, 1, 0, &quiet);
    if (e == MQTTASYNC_MAX_BUFFERED_MESSAGES || e == MQTTASYNC_NO_MORE_MSGIDS)
        return ERR_AGAIN;
    return e == MQTTASYNC_SUCCESS ? 0 : ERR_NOTCONN;
}

enum feed_state feed_paho_state(const struct feed *f) {
    return f->state;
}

const char *feed_paho_error(const struct feed *f) {
    return f->error;
}

int feed_paho_fd(const struct feed *f) {
    return f->fd;
}

/* -- opening and closing --------------------------------------------------------------------- */

static bool put(char *to, size_t cap, const char *from) {
    return from != NULL && from[0] != '\0' && (size_t)snprintf(to, cap, "%s", from) < cap;
}

static int fill(struct feed *f, const struct feed_paho_conf *c) {
    if (!put(f->client_id, sizeof f->client_id, c->client_id) ||
        !put(f->ca, sizeof f->ca, c->ca_path) || !put(f->cert, sizeof f->cert, c->cert_path) ||
        !put(f->key, sizeof f->key, c->key_path) || c->host == NULL || c->host[0] == '\0' ||
        strlen(c->host) >= NAME || c->port == 0)
        return ERR_INVAL;
    snprintf(f->uri, sizeof f->uri, "ssl://%s:%u", c->host, (unsigned)c->port);
    f->keepalive_s = c->keepalive_s;
    return 0;
}

/* Paho's word for a missing file is "Failure": look before. */
static int check_files(const struct feed *f, const char **ret_path) {
    const char *const paths[] = {f->ca, f->cert, f->key};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (access(paths[i], R_OK) != 0) {
            *ret_path = paths[i];
            return errno == EACCES ? ERR_ACCESS : errno == ENOENT ? ERR_NOENT : ERR_IO;
        }
    struct seal_signer signer;
    int r = seal_signer_load(f->key, &signer);
    if (r < 0) {
        *ret_path = f->key;
        return r;
    }
    seal_signer_free(&signer);
    return 0;
}

int feed_paho_open(const struct feed_paho_conf *conf, struct post *post, struct feed **ret_feed,
                   const char **ret_path) {
    static char fault[PATH];
    const char *path = NULL;
    struct feed *f = calloc(1, sizeof *f);
    if (f == NULL)
        return ERR_NOMEM;
    f->post = post;
    f->fd = -1;
    int r = fill(f, conf);
    if (r >= 0)
        r = check_files(f, &path);
    if (r >= 0)
        r = seal_tls13_only();
    if (r >= 0)
        r = (f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ? -errno : 0;
    if (r < 0) {
        snprintf(fault, sizeof fault, "%s", path != NULL ? path : "");
        *ret_path = fault;
        free(f);
        return r;
    }
    pthread_mutex_init(&f->lock, NULL);
    *ret_feed = f;
    return 0;
}

void feed_paho_close(struct feed *f) {
    if (f == NULL)
        return;
    if (f->state == FEED_UP) {
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
        options.timeout = PARTING_MS;
        struct timespec pause = {.tv_nsec = 20 * 1000000};
        if (MQTTAsync_disconnect(f->client, &options) == MQTTASYNC_SUCCESS)
            for (int i = 0; i < PARTING_MS / 20 && MQTTAsync_isConnected(f->client); i++)
                nanosleep(&pause, NULL);
    }
    drop_client(f);
    close(f->fd);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
