/* api: what the page and scripts ask of the collector, and what they are answered.
 *
 * Promises (tests/collector/api_test.c):
 *   - the routes are one table (routes.c); what is not in it is refused, and so is who is not
 * logged in or has too low a role for the row;
 *   - openapi.yaml describes every row of that table and nothing else;
 *   - a write needs the login's CSRF token in a header, a JSON body, and leaves a line in the
 * audit;
 *   - every failure is { "error": { "code", "message" } } and the message says what to do next;
 *   - bodies, lists and texts are bounded whatever is asked for.
 * Knows nothing of sockets: collector/port/http.c translates.
 * Memory: replies are malloc'd and the caller's.  Threads: api_handle may be called by several
 * threads at once.  Time: given with each request. */
#ifndef MOORWATCH_API_H
#define MOORWATCH_API_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    API_BODY_MAX = 65536, /* bytes of a request's body */
    API_COOKIE_MAX = 255,
    API_PATH_MAX = 255,
    API_STORES_MAX = 8,
};

#define API_COOKIE_NAME "moorwatch"
#define API_CSRF_HEADER "X-Moorwatch-Csrf"

struct api_request {
    const char *method;
    const char *path; /* decoded, without the query */
    const char *peer; /* address of the client, as text */
    bool tls;
    const char *cookie;       /* value of API_COOKIE_NAME, or NULL */
    const char *csrf;         /* value of API_CSRF_HEADER, or NULL */
    const char *content_type; /* or NULL */
    const char *body;         /* not terminated */
    size_t body_len;          /* at most API_BODY_MAX */
    int64_t now_ms;
    /* A value of the query, decoded, or NULL. */
    const char *(*query)(void *ctx, const char *name);
    void *query_ctx;
};

struct api_reply {
    int status;
    char *body; /* free(); NULL if there is none */
    size_t body_len;
    const char *content_type;
    char set_cookie[API_COOKIE_MAX + 1]; /* "" for none */
    const char *allow;                   /* for 405: the methods that there are, or NULL */
    int64_t retry_after_s;               /* 0: not said */
    bool stream;                         /* go on with server-sent events */
};

struct api;
struct store;
struct store_alert;

struct api_conf {
    /* Stores on one data base: as many requests are worked on at a time.  They must live until
     * api_close; nobody else may use them. */
    const struct store *stores;
    size_t stores_n; /* 1 .. API_STORES_MAX */
    int64_t now_ms;  /* when it is opened: events for the pages are numbered from here */
    /* Tells the pages of a change (http_publish).  May be NULL. */
    void (*publish)(void *ctx, const char *name, uint64_t id, const char *json);
    void *publish_ctx;
};

MUST int api_open(const struct api_conf *conf, struct api **ret_api);
void api_close(struct api *api);
/* Always gives a reply. */
void api_handle(struct api *api, const struct api_request *request, struct api_reply *ret_reply);

/* Whether the login that this cookie names stands.  Asking is not use: it does not prolong it.  A
 * data base that does not answer leaves it standing. */
bool api_login_stands(struct api *api, const char *cookie, int64_t now_ms);

/* Tells the pages of an alert as it is now, through conf->publish: to be called after the commit.
 * `ring`: it is new and live. */
void api_alert_changed(struct api *api, const struct store_alert *alert, bool ring);
/* Tells the pages that the figures have changed ("counters"); call it at most every few seconds. */
void api_counted(struct api *api, uint64_t passages, uint64_t batches);

#endif
