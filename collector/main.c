/* moorwatch-collector: hears the devices, keeps what they say, shows it.
 *
 * Paho's threads put messages into a bounded queue; the loop takes what is there, stores it in one
 * transaction, and only then acknowledges and tells the pages.  If the store fails the group is
 * held and tried again: nothing is acknowledged meanwhile, so the devices keep everything. */
#include "api.h"
#include "feed_paho.h"
#include "http.h"
#include "ingest.h"
#include "log.h"
#include "settings.h"
#include "store_sqlite.h"
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

enum {
    EXIT_CONF = 78, /* sysexits.h: the configuration is wrong; systemd does not start it again */
    RETRY_FIRST_MS = 500,
    RETRY_LAST_MS = 30000,
    COUNTED_MS = 2000,      /* between two figures for the pages */
    LOGINS_MS = 10 * 60000, /* between two sweeps of expired logins */
    STORES = 4,             /* requests that are worked on at a time */
    TICK_MS = 1000,
};

struct collector {
    struct settings conf;
    struct store store, stores[STORES];
    size_t stores_open;
    struct seal_signer signer;
    struct post post;
    struct feed *feed;
    enum feed_state feed_was; /* FEED_CONNECTING: nothing said yet */
    struct ingest ingest;
    struct http *http;
    struct api *api;
    sd_event *event;
    sd_event_source *timer, *post_source;
    struct post_message *held[INGEST_GROUP_MAX]; /* the group at hand */
    size_t held_count;
    int64_t retry_ms, retry_at_ms; /* 0: the store is well */
    uint64_t counted, counted_batches;
    int64_t counted_at_ms, logins_at_ms;
    uint64_t dropped_told;
};

static int64_t clock_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- what ingest and the API tell ------------------------------------------------------------ */

static void send_ack(void *ctx, const char *topic, const uint8_t *payload, size_t len) {
    struct collector *c = ctx;
    /* An acknowledgement that is lost is asked for again by the device's next try. */
    int r = feed_paho_publish(c->feed, topic, payload, len);
    (void)r;
}

static void tell_alert(void *ctx, const struct alerts_notice *notice) {
    struct collector *c = ctx;
    api_alert_changed(c->api, &notice->alert, notice->ring);
}

static void publish(void *ctx, const char *name, uint64_t id, const char *json) {
    struct collector *c = ctx;
    int r = http_publish(c->http, name, id, json);
    if (r < 0)
        log_debug("http", "event %s was not told: %s", name, err_text(r));
}

/* -- the group at hand ----------------------------------------------------------------------- */

static void group_release(struct collector *c) {
    for (size_t i = 0; i < c->held_count; i++)
        free(c->held[i]);
    c->held_count = 0;
}

static void store_failed(struct collector *c, int err, int64_t now_ms) {
    if (c->retry_ms == 0)
        log_error("store", "%s: %s (%s); nothing is acknowledged until it works again",
                  c->conf.store, err_text(err), store_sqlite_error(&c->store));
    c->retry_ms = c->retry_ms == 0 ? RETRY_FIRST_MS : 2 * c->retry_ms;
    if (c->retry_ms > RETRY_LAST_MS)
        c->retry_ms = RETRY_LAST_MS;
    c->retry_at_ms = now_ms + c->retry_ms;
}

static void store_well(struct collector *c) {
    if (c->retry_ms != 0)
        log_info("store", "%s: works again", c->conf.store);
    c->retry_ms = c->retry_at_ms = 0;
}

/* True if a group was stored. */
static bool group_store(struct collector *c) {
    struct ingest_message messages[INGEST_GROUP_MAX];
    if (c->held_count == 0)
        c->held_count = post_take(&c->post, c->held, INGEST_GROUP_MAX);
    if (c->held_count == 0)
        return false;
    for (size_t i = 0; i < c->held_count; i++) {
        const struct post_message *m = c->held[i];
        messages[i] = (struct ingest_message){m->topic, m->payload, m->len, m->received_ms};
    }
    int r = ingest_messages(&c->ingest, messages, c->held_count, NULL);
    if (r < 0) {
        store_failed(c, r, clock_ms(CLOCK_MONOTONIC));
        return false;
    }
    store_well(c);
    group_release(c);
    return true;
}

/* -- what is due ----------------------------------------------------------------------------- */

static int64_t feed_due(struct collector *c, int64_t now_ms) {
    int64_t next = feed_paho_step(c->feed, now_ms);
    enum feed_state state = feed_paho_state(c->feed);
    if (state == FEED_UP && c->feed_was != FEED_UP)
        log_info("broker", "%s:%u: connected", c->conf.broker_host, c->conf.broker_port);
    if (state == FEED_DOWN && c->feed_was != FEED_DOWN)
        log_warn("broker", "%s; trying again", feed_paho_error(c->feed));
    /* Between two failures lies a try: only the first of a row is news. */
    if (state != FEED_CONNECTING)
        c->feed_was = state;
    return next;
}

static void figures_due(struct collector *c, int64_t now_ms) {
    uint64_t dropped = post_dropped(&c->post);
    if (dropped != c->dropped_told) {
        log_warn("broker",
                 "%" PRIu64 " messages had to wait too long and were dropped; their "
                 "devices send them again",
                 dropped - c->dropped_told);
        c->dropped_told = dropped;
    }
    const struct ingest_counts *n = &c->ingest.counts;
    if (now_ms < c->counted_at_ms || n->batches == c->counted_batches)
        return;
    c->counted_at_ms = now_ms + COUNTED_MS;
    c->counted_batches = n->batches;
    api_counted(c->api, n->passages, n->batches);
}

static void logins_due(struct collector *c, int64_t now_ms) {
    if (now_ms < c->logins_at_ms)
        return;
    c->logins_at_ms = now_ms + LOGINS_MS;
    int r = c->store.logins_end(c->store.ctx, NULL, clock_ms(CLOCK_REALTIME));
    if (r < 0)
        log_debug("store", "expired logins stay for now: %s", err_text(r));
}

static int step(struct collector *c) {
    int64_t now = clock_ms(CLOCK_MONOTONIC);
    int64_t next = feed_due(c, now);
    bool more = now >= c->retry_at_ms && group_store(c);
    figures_due(c, now);
    logins_due(c, now);
    if (next > now + TICK_MS)
        next = now + TICK_MS;
    if (c->retry_at_ms != 0 && c->retry_at_ms < next)
        next = c->retry_at_ms;
    if (more)
        next = now; /* another group may wait; the queue's descriptor says so too */
    /* The queue stays readable while the store fails: then the timer alone wakes. */
    sd_event_source_set_enabled(c->post_source, c->retry_ms == 0 ? SD_EVENT_ON : SD_EVENT_OFF);
    sd_event_source_set_time(c->timer, (uint64_t)next * 1000);
    return sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *ctx) {
    (void)source;
    (void)fd;
    (void)revents;
    return step(ctx);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx) {
    (void)source;
    (void)usec;
    return step(ctx);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx) {
    (void)ctx;
    log_info("collector", "stopping: %s", strsignal((int)info->ssi_signo));
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* -- start and stop -------------------------------------------------------------------------- */

static int start_stores(struct collector *c) {
    int r = store_sqlite_open(c->conf.store, STORE_SQLITE_CREATE, &c->store);
    if (r < 0) {
        log_error("store", "%s: %s; see [store] path", c->conf.store, err_text(r));
        return r;
    }
    for (; c->stores_open < STORES && r >= 0; c->stores_open += r >= 0)
        r = store_sqlite_open(c->conf.store, STORE_SQLITE_WRITE, &c->stores[c->stores_open]);
    if (r < 0)
        log_error("store", "%s: %s", c->conf.store, err_text(r));
    return r;
}

static int start_ingest(struct collector *c) {
    int r = seal_signer_load(c->conf.signing_key, &c->signer);
    if (r < 0) {
        log_error("ingest", "%s: %s; [ingest] signing_key must name a P-256 private key (PEM)",
                  c->conf.signing_key, err_text(r));
        return r;
    }
    const struct ingest_conf conf = {.late_ms = c->conf.late_ns / 1000000,
                                     .refused_rows = c->conf.refused_rows,
                                     .refused_bytes = c->conf.refused_bytes};
    const struct ingest_out out = {.ctx = c, .ack = send_ack, .alert = tell_alert};
    return ingest_open(&c->ingest, &c->store, &c->signer, &conf, &out);
}

static const char *or_null(const char *path) {
    return path[0] != '\0' ? path : NULL;
}

static int start_http(struct collector *c) {
    const struct http_conf http = {.address = c->conf.http_address,
                                   .port = c->conf.http_port,
                                   .tls_cert = or_null(c->conf.http_certificate),
                                   .tls_key = or_null(c->conf.http_key),
                                   .web_dir = c->conf.http_web,
                                   .leaflet_dir = c->conf.http_leaflet};
    int r = http_start(&http, &c->http);
    if (r < 0) {
        log_error("http", "%s port %u: %s; see [http] in the configuration", c->conf.http_address,
                  c->conf.http_port, err_text(r));
        return r;
    }
    const struct api_conf api = {.stores = c->stores,
                                 .stores_n = STORES,
                                 .now_ms = clock_ms(CLOCK_REALTIME),
                                 .publish = publish,
                                 .publish_ctx = c};
    r = api_open(&api, &c->api);
    if (r < 0) {
        log_error("http", "the API does not start: %s", err_text(r));
        return r;
    }
    http_serve(c->http, c->api);
    log_info("http", "listening on %s port %u", c->conf.http_address, http_port(c->http));
    return 0;
}

static int start_feed(struct collector *c) {
    const struct feed_paho_conf conf = {.host = c->conf.broker_host,
                                        .port = c->conf.broker_port,
                                        .ca_path = c->conf.broker_ca,
                                        .cert_path = c->conf.broker_certificate,
                                        .key_path = c->conf.broker_key,
                                        .client_id = c->conf.broker_client_id,
                                        .keepalive_s = c->conf.broker_keepalive_s};
    const char *path = "";
    int r = post_init(&c->post);
    if (r >= 0)
        r = feed_paho_open(&conf, &c->post, &c->feed, &path);
    if (r < 0)
        log_error("broker", "%s: %s; see [broker] in the configuration",
                  path[0] != '\0' ? path : c->conf.broker_host, err_text(r));
    return r;
}

static int start_loop(struct collector *c) {
    static const int SIGNALS[] = {SIGTERM, SIGINT};
    int r = sd_event_default(&c->event);
    for (size_t i = 0; i < 2 && r >= 0; i++)
        r = sd_event_add_signal(c->event, NULL, SIGNALS[i], on_signal, c);
    if (r >= 0)
        r = sd_event_add_io(c->event, &c->post_source, c->post.fd, EPOLLIN, on_io, c);
    if (r >= 0)
        r = sd_event_add_io(c->event, NULL, feed_paho_fd(c->feed), EPOLLIN, on_io, c);
    if (r >= 0)
        r = sd_event_add_time(c->event, &c->timer, CLOCK_MONOTONIC, 0, 0, on_timer, c);
    if (r >= 0)
        r = sd_event_set_watchdog(c->event, true);
    if (r < 0)
        log_error("collector", "the event loop does not start: %s", err_text(r));
    return r;
}

/* The reverse of the start; each part accepts not having been started. */
static void stop(struct collector *c) {
    if (c->post.fd > 0)
        post_shut(&c->post);
    feed_paho_close(c->feed);
    group_release(c);
    http_stop(c->http);
    if (c->api != NULL)
        api_close(c->api);
    if (c->ingest.group != NULL)
        ingest_close(&c->ingest);
    seal_signer_free(&c->signer);
    for (size_t i = 0; i < c->stores_open; i++)
        c->stores[i].close(c->stores[i].ctx);
    if (c->store.close != NULL)
        c->store.close(c->store.ctx);
    if (c->post.fd > 0)
        post_free(&c->post);
    sd_event_source_unref(c->timer);
    sd_event_source_unref(c->post_source);
    sd_event_unref(c->event);
}

static int run(struct collector *c) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    /* Before any thread is made: all of them leave these to the loop. */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    int r = start_stores(c);
    if (r >= 0)
        r = start_ingest(c);
    if (r >= 0)
        r = start_http(c);
    if (r >= 0)
        r = start_feed(c);
    if (r >= 0)
        r = start_loop(c);
    if (r >= 0) {
        sd_notify(0, "READY=1");
        r = sd_event_loop(c->event);
        sd_notify(0, "STOPPING=1");
    }
    stop(c);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* -- the command line ------------------------------------------------------------------------ */

static const char USAGE[] =
    "usage: moorwatch-collector [-n] [--config FILE]\n"
    "\n"
    "Hears the devices through the broker, keeps what they say, and serves the page and the API.\n"
    "\n"
    "  -c, --config FILE  the configuration (default /etc/moorwatch/collector.conf)\n"
    "  -n                 check the configuration and end\n"
    "      --defaults     print a commented configuration\n"
    "      --version      print the version\n"
    "  -h, --help         print this\n";

struct options {
    const char *path;
    bool check;
    int done; /* >= 0: the answer has been given, end with this status */
};

static struct options options_read(int argc, char **argv) {
    static const struct option LONG[] = {{"config", required_argument, NULL, 'c'},
                                         {"defaults", no_argument, NULL, 'd'},
                                         {"version", no_argument, NULL, 'v'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct options o = {.path = "/etc/moorwatch/collector.conf", .done = -1};
    int c;
    while ((c = getopt_long(argc, argv, "c:nh", LONG, NULL)) != -1 && o.done < 0) {
        if (c == 'c')
            o.path = optarg;
        else if (c == 'n')
            o.check = true;
        else if (c == 'd')
            conf_print_defaults(SETTINGS_KEYS, SETTINGS_KEY_COUNT, "moorwatch-collector", stdout);
        else if (c == 'v')
            printf("moorwatch-collector %s\n", MOORWATCH_VERSION);
        else
            fputs(USAGE, c == 'h' ? stdout : stderr);
        if (c != 'c' && c != 'n')
            o.done = c == '?' ? 2 : EXIT_SUCCESS;
    }
    if (o.done < 0 && optind < argc) {
        fprintf(stderr, "moorwatch-collector: '%s' is too much; --help says how it is called\n",
                argv[optind]);
        o.done = 2;
    }
    return o;
}

int main(int argc, char **argv) {
    static struct collector collector = {.feed_was = FEED_CONNECTING};
    static struct conf_errors errors;
    struct options o = options_read(argc, argv);
    if (o.done >= 0)
        return o.done;
    log_init();
    conf_errors_init(&errors, o.path);
    if (conf_load(SETTINGS_KEYS, SETTINGS_KEY_COUNT, &collector.conf, o.path, &errors) < 0) {
        conf_errors_print(&errors, stderr);
        return EXIT_CONF;
    }
    if (o.check) {
        printf("%s: good\n", o.path);
        return EXIT_SUCCESS;
    }
    return run(&collector);
}
