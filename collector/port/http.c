#include "http.h"
#include "clock.h"
#include "http_files.h"
#include "http_stream.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_THREADS = 4, CONNECTION_BYTES = 64 * 1024 };

/* TLS 1.2 and 1.3 only: GnuTLS would also offer 1.0. */
static const char PRIORITIES[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"
                                 "-AES-128-CBC:-AES-256-CBC:%SERVER_PRECEDENCE";

static const char *const SECURITY[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
     "frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
};

struct http {
    struct MHD_Daemon *daemon;
    struct http_files files;
    struct http_hub *hub;
    struct clock clock;
    _Atomic(struct api *) api;
    char *tls_cert, *tls_key;
};

/* One request while it is being read. */
struct exchange {
    bool refused; /* more than API_BODY_MAX has come */
    size_t len;
    char body[];
};

static bool is_tls(const struct http *http) {
    return http->tls_cert != NULL;
}

static void headers_add(const struct http *http, struct MHD_Response *response) {
    for (size_t i = 0; i < sizeof SECURITY / sizeof *SECURITY; i++)
        MHD_add_response_header(response, SECURITY[i][0], SECURITY[i][1]);
    if (is_tls(http))
        MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
}

static enum MHD_Result send_off(const struct http *http, struct MHD_Connection *connection,
                                int status, struct MHD_Response *response) {
    if (response == NULL)
        return MHD_NO;
    headers_add(http, response);
    enum MHD_Result r = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result refuse(const struct http *http, struct MHD_Connection *connection,
                              int status, const char *code, const char *message) {
    char text[512];
    int n = snprintf(text, sizeof text, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code,
                     message);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)n, text, MHD_RESPMEM_MUST_COPY);
    if (response != NULL) {
        MHD_add_response_header(response, "Content-Type", "application/json");
        MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    return send_off(http, connection, status, response);
}

static const char *header(struct MHD_Connection *connection, const char *name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* ---- the page's files ---------------------------------------------------------------------- */

static enum MHD_Result file_send(const struct http *http, struct MHD_Connection *connection,
                                 const struct http_file *file) {
    const char *known = header(connection, "If-None-Match");
    bool same = known != NULL && strcmp(known, file->etag) == 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        same ? 0 : file->len, same ? "" : file->bytes, MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        MHD_add_response_header(response, "Content-Type", file->type);
        MHD_add_response_header(response, "Cache-Control", "no-cache");
        MHD_add_response_header(response, "ETag", file->etag);
    }
    return send_off(http, connection, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

/* ---- the API ------------------------------------------------------------------------------- */

static void peer_text(struct MHD_Connection *connection, char *ret_text, size_t cap) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *text = NULL;
    if (info != NULL && info->client_addr->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)info->client_addr)->sin_addr,
                         ret_text, (socklen_t)cap);
    else if (info != NULL && info->client_addr->sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)info->client_addr)->sin6_addr,
                         ret_text, (socklen_t)cap);
    if (text == NULL)
        snprintf(ret_text, cap, "unknown");
}

static const char *query_value(void *ctx, const char *name) {
    return MHD_lookup_connection_value(ctx, MHD_GET_ARGUMENT_KIND, name);
}

static void reply_headers(const struct api_reply *reply, struct MHD_Response *response) {
    char number[24];
    MHD_add_response_header(response, "Content-Type", reply->content_type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (reply->set_cookie[0] != '\0')
        MHD_add_response_header(response, "Set-Cookie", reply->set_cookie);
    if (reply->allow != NULL)
        MHD_add_response_header(response, "Allow", reply->allow);
    if (reply->retry_after_s > 0) {
        snprintf(number, sizeof number, "%lld", (long long)reply->retry_after_s);
        MHD_add_response_header(response, "Retry-After", number);
    }
}

static bool login_stands(void *ctx, const char *token) {
    struct http *http = ctx;
    struct api *api = atomic_load(&http->api);
    return api == NULL || api_login_stands(api, token, http->clock.wall_ms(http->clock.ctx));
}

static enum MHD_Result stream_send(struct http *http, struct MHD_Connection *connection,
                                   const char *token) {
    struct MHD_Response *response =
        http_hub_join(http->hub, connection, token, header(connection, "Last-Event-ID"));
    if (response == NULL)
        return refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "streams-full",
                      "Too many pages are open at once; close some, or try again in a minute.");
    return send_off(http, connection, MHD_HTTP_OK, response);
}

static enum MHD_Result api_send(struct http *http, struct MHD_Connection *connection,
                                const struct api_request *request) {
    struct api *api = atomic_load(&http->api);
    if (api == NULL)
        return refuse(http, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "starting",
                      "The collector is starting; try again in a few seconds.");
    struct api_reply reply = {0};
    api_handle(api, request, &reply);
    if (reply.stream)
        return stream_send(http, connection, request->cookie);
    if (reply.set_cookie[0] != '\0')
        http_hub_doubt(http->hub);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply.body_len, reply.body, MHD_RESPMEM_MUST_FREE);
    if (response != NULL)
        reply_headers(&reply, response);
    else
        free(reply.body);
    return send_off(http, connection, reply.status, response);
}

static enum MHD_Result answer(struct http *http, struct MHD_Connection *connection,
                              const char *path, const char *method,
                              const struct exchange *exchange) {
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    const struct http_file *file = reads ? http_files_find(&http->files, path) : NULL;
    if (file != NULL)
        return file_send(http, connection, file);
    char peer[INET6_ADDRSTRLEN];
    peer_text(connection, peer, sizeof peer);
    struct api_request request = {
        .method = strcmp(method, "HEAD") == 0 ? "GET" : method,
        .path = path,
        .peer = peer,
        .tls = is_tls(http),
        .cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, API_COOKIE_NAME),
        .csrf = header(connection, API_CSRF_HEADER),
        .content_type = header(connection, "Content-Type"),
        .body = exchange->body,
        .body_len = exchange->len,
        .now_ms = http->clock.wall_ms(http->clock.ctx),
        .query = query_value,
        .query_ctx = connection,
    };
    return api_send(http, connection, &request);
}

/* Decodes %xx in place, but a NUL, which would end the text before its end. */
static size_t unescape(void *ctx, struct MHD_Connection *connection, char *text) {
    (void)ctx;
    (void)connection;
    for (char *at = strstr(text, "%00"); at != NULL; at = strstr(at, "%00"))
        at[2] = '1';
    return MHD_http_unescape(text);
}

/* ---- reading a request --------------------------------------------------------------------- */

static unsigned long long length_said(struct MHD_Connection *connection) {
    const char *text = header(connection, "Content-Length");
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static enum MHD_Result too_long(const struct http *http, struct MHD_Connection *connection) {
    return refuse(http, connection, MHD_HTTP_CONTENT_TOO_LARGE, "too-large",
                  "The body is larger than 64 kB; send less at a time.");
}

static enum MHD_Result exchange_begin(struct http *http, struct MHD_Connection *connection,
                                      void **state) {
    bool body = header(connection, "Content-Length") != NULL ||
                header(connection, "Transfer-Encoding") != NULL;
    if (length_said(connection) > API_BODY_MAX)
        return too_long(http, connection);
    struct exchange *exchange = calloc(1, sizeof *exchange + (body ? API_BODY_MAX : 0));
    *state = exchange;
    return exchange == NULL ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state) {
    (void)version;
    struct http *http = ctx;
    struct exchange *exchange = *state;
    if (exchange == NULL)
        return exchange_begin(http, connection, state);
    if (*upload_len > 0) {
        if (exchange->len + *upload_len > API_BODY_MAX)
            exchange->refused = true;
        else
            memcpy(exchange->body + exchange->len, upload, *upload_len);
        exchange->len += exchange->refused ? 0 : *upload_len;
        *upload_len = 0;
        return MHD_YES;
    }
    if (exchange->refused)
        return too_long(http, connection);
    return answer(http, connection, path, method, exchange);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    (void)ctx;
    (void)connection;
    (void)code;
    free(*state);
    *state = NULL;
}

/* ---- start and stop ------------------------------------------------------------------------ */

static int address_of(const struct http_conf *conf, struct sockaddr_storage *ret_address) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    *ret_address = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, conf->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(conf->port);
        return 0;
    }
    if (inet_pton(AF_INET6, conf->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(conf->port);
        return 0;
    }
    return ERR_INVAL;
}

static int tls_load(struct http *http, const struct http_conf *conf) {
    if (conf->tls_cert == NULL)
        return 0;
    int r = http_file_text(conf->tls_cert, &http->tls_cert);
    return r < 0 ? r : http_file_text(conf->tls_key, &http->tls_key);
}

static int daemon_start(struct http *http, const struct sockaddr_storage *address) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (is_tls(http) ? (unsigned)MHD_USE_TLS : 0U) |
                     (address->ss_family == AF_INET6 ? (unsigned)MHD_USE_DUAL_STACK : 0U);
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    errno = 0;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL_THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_UNESCAPE_CALLBACK,
        unescape, NULL, MHD_OPTION_ARRAY, is_tls(http) ? tls : &tls[3], MHD_OPTION_END);
    if (http->daemon != NULL)
        return 0;
    return errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_ACCESS : ERR_INVAL;
}

int http_start(const struct http_conf *conf, struct http **ret_http) {
    struct sockaddr_storage address;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return ERR_NOMEM;
    http->clock = clock_system();
    int r = address_of(conf, &address);
    if (r >= 0)
        r = http_files_load(&http->files, "/", conf->web_dir);
    if (r >= 0)
        r = http_files_load(&http->files, "/leaflet/", conf->leaflet_dir);
    if (r >= 0)
        r = tls_load(http, conf);
    if (r >= 0)
        r = http_hub_open((struct http_hub_guard){login_stands, http}, &http->hub);
    if (r >= 0)
        r = daemon_start(http, &address);
    if (r < 0) {
        http_stop(http);
        return r;
    }
    *ret_http = http;
    return 0;
}

void http_serve(struct http *http, struct api *api) {
    atomic_store(&http->api, api);
}

void http_stop(struct http *http) {
    if (http == NULL)
        return;
    http_hub_end(http->hub);
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    http_hub_close(http->hub);
    http_files_free(&http->files);
    free(http->tls_cert);
    free(http->tls_key);
    free(http);
}

uint16_t http_port(const struct http *http) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

int http_publish(struct http *http, const char *name, uint64_t id, const char *json) {
    return http_hub_publish(http->hub, name, id, json);
}

unsigned http_streams(struct http *http) {
    return http_hub_streams(http->hub);
}
