#include "http_stream.h"
#include "http.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_CHARS = 32, BLOCK_BYTES = 4096 };

/* One event as it goes over the line. */
struct told {
    uint64_t id;
    char *text;
    size_t len;
};

struct stream {
    struct http_hub *hub;
    struct stream *next;
    struct MHD_Connection *connection;
    uint64_t at;       /* number of the next event to send */
    size_t sent;       /* bytes of it that are sent */
    const char *first; /* sent before everything else */
    size_t first_len;
    bool suspended, revoked;
    uint64_t asked; /* the round in which the guard was asked about it */
    char token[API_COOKIE_MAX + 1];
    int64_t end_ms, beat_ms;
};

struct http_hub {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t beat;
    struct http_hub_guard guard;
    uint64_t round;
    bool ended, doubted;
    unsigned count;
    struct stream *streams;
    uint64_t next; /* number of the next event: the ring holds those before it */
    struct told ring[HTTP_EVENTS_KEPT];
};

static const char HELLO[] = "retry: 2000\n\n";
static const char RESYNC[] = "retry: 2000\n\nevent: resync\ndata: {}\n\n";
static const char BEAT[] = ": still here\n\n";

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void resume(struct stream *stream) {
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

static void resume_all(struct http_hub *hub) {
    for (struct stream *s = hub->streams; s != NULL; s = s->next)
        resume(s);
}

static struct stream *stream_unasked(const struct http_hub *hub) {
    struct stream *s = hub->streams;
    while (s != NULL && (s->revoked || s->asked == hub->round))
        s = s->next;
    return s;
}

/* Ends the streams whose login has ended.  The guard waits for a store, which may be held by who
 * publishes here: so it is asked without the lock. */
static void logins_ask(struct http_hub *hub) {
    char token[API_COOKIE_MAX + 1];
    hub->round++;
    hub->doubted = false;
    for (struct stream *s = stream_unasked(hub); s != NULL && !hub->ended;
         s = stream_unasked(hub)) {
        memcpy(token, s->token, sizeof token);
        pthread_mutex_unlock(&hub->lock);
        bool stands = hub->guard.stands(hub->guard.ctx, token);
        pthread_mutex_lock(&hub->lock);
        for (s = hub->streams; s != NULL; s = s->next) {
            if (strcmp(s->token, token) != 0)
                continue;
            s->asked = hub->round;
            s->revoked = !stands;
            if (!stands)
                resume(s);
        }
    }
}

/* A suspended connection does not notice that its client has gone: only writing tells. */
static void *beat_run(void *arg) {
    struct http_hub *hub = arg;
    pthread_mutex_lock(&hub->lock);
    while (!hub->ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += HTTP_LOGIN_ASK_MS / 1000;
        if (!hub->doubted)
            pthread_cond_timedwait(&hub->wake, &hub->lock, &until);
        logins_ask(hub);
        int64_t now = now_ms();
        for (struct stream *s = hub->streams; s != NULL; s = s->next)
            if (now >= s->beat_ms || now >= s->end_ms)
                resume(s);
    }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

int http_hub_open(struct http_hub_guard guard, struct http_hub **ret_hub) {
    struct http_hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        return ERR_NOMEM;
    hub->guard = guard;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&hub->lock, NULL);
    pthread_cond_init(&hub->wake, &attr);
    pthread_condattr_destroy(&attr);
    int r = pthread_create(&hub->beat, NULL, beat_run, hub);
    if (r != 0) {
        free(hub);
        return -r;
    }
    *ret_hub = hub;
    return 0;
}

void http_hub_end(struct http_hub *hub) {
    if (hub == NULL)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->ended = true;
    resume_all(hub);
    pthread_cond_broadcast(&hub->wake);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->beat, NULL);
}

void http_hub_close(struct http_hub *hub) {
    if (hub == NULL)
        return;
    assert(hub->streams == NULL);
    for (unsigned i = 0; i < HTTP_EVENTS_KEPT; i++)
        free(hub->ring[i].text);
    pthread_mutex_destroy(&hub->lock);
    pthread_cond_destroy(&hub->wake);
    free(hub);
}

/* ---- one stream ---------------------------------------------------------------------------- */

static ssize_t copy_part(struct stream *stream, const char *text, size_t len, char *buf, size_t max,
                         bool *ret_whole) {
    size_t n = len - stream->sent < max ? len - stream->sent : max;
    memcpy(buf, text + stream->sent, n);
    stream->sent += n;
    *ret_whole = stream->sent == len;
    if (*ret_whole)
        stream->sent = 0;
    stream->beat_ms = now_ms() + HTTP_HEARTBEAT_MS;
    return (ssize_t)n;
}

/* The ring has run over a slow browser: it must load anew. */
static void skip_lost(struct stream *stream) {
    const struct http_hub *hub = stream->hub;
    if (stream->sent == 0 && hub->next - stream->at > HTTP_EVENTS_KEPT) {
        stream->at = hub->next;
        stream->first = RESYNC;
        stream->first_len = sizeof RESYNC - 1;
    }
}

static ssize_t stream_next(struct stream *stream, char *buf, size_t max) {
    struct http_hub *hub = stream->hub;
    bool whole;
    skip_lost(stream);
    if (stream->first != NULL) {
        ssize_t n = copy_part(stream, stream->first, stream->first_len, buf, max, &whole);
        stream->first = whole ? NULL : stream->first;
        return n;
    }
    if (stream->at < hub->next) {
        if (hub->next - stream->at > HTTP_EVENTS_KEPT) /* lost in the middle of an event */
            return MHD_CONTENT_READER_END_OF_STREAM;
        const struct told *told = &hub->ring[stream->at % HTTP_EVENTS_KEPT];
        ssize_t n = copy_part(stream, told->text, told->len, buf, max, &whole);
        stream->at += whole;
        return n;
    }
    if (now_ms() >= stream->beat_ms && max >= sizeof BEAT)
        return copy_part(stream, BEAT, sizeof BEAT - 1, buf, max, &whole);
    stream->suspended = true;
    MHD_suspend_connection(stream->connection);
    return 0;
}

static ssize_t on_read(void *ctx, uint64_t position, char *buf, size_t max) {
    (void)position;
    struct stream *stream = ctx;
    struct http_hub *hub = stream->hub;
    pthread_mutex_lock(&hub->lock);
    ssize_t n = hub->ended || stream->revoked || (now_ms() >= stream->end_ms && stream->sent == 0)
                    ? (ssize_t)MHD_CONTENT_READER_END_OF_STREAM
                    : stream_next(stream, buf, max);
    pthread_mutex_unlock(&hub->lock);
    return n;
}

static void on_free(void *ctx) {
    struct stream *stream = ctx;
    struct http_hub *hub = stream->hub;
    pthread_mutex_lock(&hub->lock);
    for (struct stream **at = &hub->streams; *at != NULL; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            hub->count--;
            break;
        }
    pthread_mutex_unlock(&hub->lock);
    free(stream);
}

/* Where a browser that has seen event `last_id` goes on; it is told to load anew if that event is
 * no longer kept. */
static void stream_place(struct stream *stream, const char *last_id) {
    const struct http_hub *hub = stream->hub;
    uint64_t id = last_id == NULL ? 0 : strtoull(last_id, NULL, 10);
    uint64_t kept = hub->next < HTTP_EVENTS_KEPT ? hub->next : HTTP_EVENTS_KEPT;
    stream->at = hub->next;
    stream->first = HELLO;
    stream->first_len = sizeof HELLO - 1;
    if (last_id == NULL)
        return;
    for (uint64_t n = hub->next; id != 0 && n > hub->next - kept; n--)
        if (hub->ring[(n - 1) % HTTP_EVENTS_KEPT].id == id) {
            stream->at = n;
            return;
        }
    stream->first = RESYNC;
    stream->first_len = sizeof RESYNC - 1;
}

static struct stream *stream_add(struct http_hub *hub, struct MHD_Connection *connection,
                                 const char *token, const char *last_id) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    int64_t now = now_ms();
    *stream = (struct stream){.hub = hub,
                              .connection = connection,
                              .end_ms = now + HTTP_STREAM_MS,
                              .beat_ms = now + HTTP_HEARTBEAT_MS};
    snprintf(stream->token, sizeof stream->token, "%s", token);
    stream_place(stream, last_id);
    stream->next = hub->streams;
    hub->streams = stream;
    hub->count++;
    return stream;
}

struct MHD_Response *http_hub_join(struct http_hub *hub, struct MHD_Connection *connection,
                                   const char *token, const char *last_id) {
    pthread_mutex_lock(&hub->lock);
    bool room = !hub->ended && hub->count < HTTP_STREAMS_MAX;
    struct stream *stream = room ? stream_add(hub, connection, token, last_id) : NULL;
    pthread_mutex_unlock(&hub->lock);
    if (stream == NULL)
        return NULL;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, on_free);
    if (response == NULL) {
        on_free(stream);
        return NULL;
    }
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    return response;
}

int http_hub_publish(struct http_hub *hub, const char *name, uint64_t id, const char *json) {
    size_t len = strlen(json), cap = len + NAME_MAX_CHARS + 64;
    if (len > HTTP_EVENT_MAX || strlen(name) > NAME_MAX_CHARS)
        return ERR_TOOLONG;
    if (strpbrk(json, "\r\n") != NULL || strpbrk(name, "\r\n") != NULL)
        return ERR_INVAL;
    char *text = malloc(cap), number[40] = "";
    if (text == NULL)
        return ERR_NOMEM;
    if (id != 0)
        snprintf(number, sizeof number, "id: %" PRIu64 "\n", id);
    int n = snprintf(text, cap, "event: %s\n%sdata: %s\n\n", name, number, json);
    pthread_mutex_lock(&hub->lock);
    struct told *told = &hub->ring[hub->next % HTTP_EVENTS_KEPT];
    free(told->text);
    *told = (struct told){.id = id, .text = text, .len = (size_t)n};
    hub->next++;
    resume_all(hub);
    pthread_mutex_unlock(&hub->lock);
    return 0;
}

void http_hub_doubt(struct http_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    hub->doubted = true;
    pthread_cond_broadcast(&hub->wake);
    pthread_mutex_unlock(&hub->lock);
}

unsigned http_hub_streams(struct http_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    unsigned n = hub->count;
    pthread_mutex_unlock(&hub->lock);
    return n;
}
