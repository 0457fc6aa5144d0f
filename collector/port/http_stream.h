/* http_stream: the hub of the server-sent events: one ring of events, many open streams.
 *
 * Part of http (its promises stand in http.h); shares the use of libmicrohttpd with it.  A stream
 * with nothing to send is suspended and costs no thread; a publish, the heartbeat and the end
 * resume it.
 * Guarded by tests/collector/http_test.c.  Threads: any. */
#ifndef MOORWATCH_HTTP_STREAM_H
#define MOORWATCH_HTTP_STREAM_H

#include "err.h"
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct http_hub;

/* Whether the holder of a login's token may still listen.  Asked from the hub's own thread, without
 * a lock of the hub's. */
struct http_hub_guard {
    bool (*stands)(void *ctx, const char *token);
    void *ctx;
};

MUST int http_hub_open(struct http_hub_guard guard, struct http_hub **ret_hub);
/* Resumes every stream for its last time; no stream joins afterwards.  NULL is accepted. */
void http_hub_end(struct http_hub *hub);
/* After the daemon has stopped.  NULL is accepted. */
void http_hub_close(struct http_hub *hub);

/* A response that streams what is published after the event `last_id` (NULL: from now on) for as
 * long as the login of `token` stands.  NULL if there are too many streams already. */
struct MHD_Response *http_hub_join(struct http_hub *hub, struct MHD_Connection *connection,
                                   const char *token, const char *last_id);
/* A login may have ended: asks the guard about every stream now, not at its next turn. */
void http_hub_doubt(struct http_hub *hub);
MUST int http_hub_publish(struct http_hub *hub, const char *name, uint64_t id, const char *json);
unsigned http_hub_streams(struct http_hub *hub);

#endif
