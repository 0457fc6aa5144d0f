/* http: the collector's web server: the page, the API and server-sent events.
 *
 * The only user of libmicrohttpd.  Promises (tests/collector/http_test.c):
 *   - the page's files are read once at the start; no request names a file of the disk;
 *   - a body of more than API_BODY_MAX bytes is refused with 413 and not kept;
 *   - every answer carries the security headers, among them a policy without inline script or
 * style;
 *   - http_publish reaches every open stream in order; a browser that comes back with Last-Event-ID
 *     misses nothing that is among the last HTTP_EVENTS_KEPT, or is told to load anew ("resync");
 *   - a stream gets a heartbeat each HTTP_HEARTBEAT_MS and ends after HTTP_STREAM_MS, so that the
 *     browser comes back with its login and is asked for it again;
 *   - a stream whose login has ended (log-out, user removed, new password or role) ends at once
 *     after a log-out here, else within HTTP_LOGIN_ASK_MS;
 *   - with a certificate it speaks TLS 1.2 and 1.3 and nothing older, and its cookies are Secure.
 * Memory: bounded: HTTP_CONNECTIONS_MAX connections, HTTP_STREAMS_MAX streams, the ring of events.
 * Threads: a pool of its own; http_publish may be called from any thread, also from a handler. */
#ifndef MOORWATCH_HTTP_H
#define MOORWATCH_HTTP_H

#include "api.h"
#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_CONNECTIONS_MAX = 1200,
    HTTP_STREAMS_MAX = 1000,
    HTTP_EVENTS_KEPT = 1024,
    HTTP_EVENT_MAX = 16384, /* bytes of one event's JSON */
    HTTP_HEARTBEAT_MS = 15000,
    HTTP_LOGIN_ASK_MS = 2000, /* at least this often each stream's login is looked at */
    HTTP_STREAM_MS = 10 * 60 * 1000,
    HTTP_IDLE_S = 30,
};

struct http;

struct http_conf {
    const char *address;     /* "127.0.0.1", "::", ... */
    uint16_t port;           /* 0: the system chooses; http_port tells */
    const char *tls_cert;    /* PEM file; NULL: plain HTTP (loopback, or TLS ends in front) */
    const char *tls_key;     /* PEM file */
    const char *web_dir;     /* collector/web, or where it is installed */
    const char *leaflet_dir; /* leaflet.esm.js, leaflet.css, images/; served under /leaflet/ */
};

/* Reads the files and listens; requests are answered with 503 until http_serve.
 * ERR_NOENT (a folder or file is missing), ERR_BUSY (the port is taken), ERR_INVAL, ERR_ACCESS. */
MUST int http_start(const struct http_conf *conf, struct http **ret_http);
/* From now on requests of the API go to `api`, which must live until http_stop. */
void http_serve(struct http *http, struct api *api);
/* Ends every stream and connection and waits for them.  NULL is accepted. */
void http_stop(struct http *http);
uint16_t http_port(const struct http *http);

/* Sends an event to every open stream.  name: a word; json: one line.  id: rising per name's source
 * and never 0 for what a browser must not miss, 0 for what the next event makes stale (counters).
 * ERR_TOOLONG beyond HTTP_EVENT_MAX, ERR_INVAL if json holds a line break. */
MUST int http_publish(struct http *http, const char *name, uint64_t id, const char *json);
/* Open streams, for the counters. */
unsigned http_streams(struct http *http);

#endif
