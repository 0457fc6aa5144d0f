#include "call.h"
#include "keep.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api {
    struct api_conf conf;
    struct people people;
    struct keep keep;
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    struct store stores[API_STORES_MAX];
    bool taken[API_STORES_MAX];
    /* Begins at the time of the start, so that no number comes twice across a restart. */
    _Atomic uint64_t next_event;
};

int api_open(const struct api_conf *conf, struct api **ret_api) {
    if (conf->stores_n < 1 || conf->stores_n > API_STORES_MAX)
        return ERR_INVAL;
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL)
        return ERR_NOMEM;
    api->conf = *conf;
    memcpy(api->stores, conf->stores, conf->stores_n * sizeof *conf->stores);
    api->next_event = (uint64_t)conf->now_ms * 1000 + 1;
    people_init(&api->people);
    keep_init(&api->keep);
    int r = pthread_mutex_init(&api->lock, NULL);
    r |= pthread_cond_init(&api->given_back, NULL);
    assert(r == 0);
    *ret_api = api;
    return 0;
}

void api_close(struct api *api) {
    if (api == NULL)
        return;
    people_free(&api->people);
    keep_free(&api->keep);
    pthread_mutex_destroy(&api->lock);
    pthread_cond_destroy(&api->given_back);
    free(api);
}

/* ---- one store for each request ------------------------------------------------------------ */

static const struct store *store_take(struct api *api) {
    const struct store *store = NULL;
    pthread_mutex_lock(&api->lock);
    while (store == NULL) {
        for (size_t i = 0; i < api->conf.stores_n && store == NULL; i++)
            if (!api->taken[i]) {
                api->taken[i] = true;
                store = &api->stores[i];
            }
        if (store == NULL)
            pthread_cond_wait(&api->given_back, &api->lock);
    }
    pthread_mutex_unlock(&api->lock);
    return store;
}

static void store_give(struct api *api, const struct store *store) {
    pthread_mutex_lock(&api->lock);
    api->taken[store - api->stores] = false;
    pthread_cond_signal(&api->given_back);
    pthread_mutex_unlock(&api->lock);
}

/* ---- finding the row ----------------------------------------------------------------------- */

static bool path_fits(const char *pattern, const char *path, char ret_param[CALL_PARAM_MAX + 1]) {
    const char *open = strchr(pattern, '{');
    if (open == NULL)
        return strcmp(pattern, path) == 0;
    size_t before = (size_t)(open - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    const char *value = path + before, *rest = strchr(open, '}') + 1;
    size_t len = strcspn(value, "/");
    if (len == 0 || len > CALL_PARAM_MAX || strcmp(value + len, rest) != 0)
        return false;
    memcpy(ret_param, value, len);
    ret_param[len] = '\0';
    return true;
}

static const struct route *route_find(struct call *call) {
    const char *other = NULL;
    for (const struct route *route = ROUTES; route->path != NULL; route++) {
        if (!path_fits(route->path, call->request->path, call->param))
            continue;
        if (strcmp(route->method, call->request->method) == 0)
            return route;
        other = route->method;
    }
    call->reply->allow = other;
    return NULL;
}

static int no_route(struct call *call) {
    if (call->reply->allow != NULL)
        return call_refuse(call, 405, "wrong-method", "Use %s here.", call->reply->allow);
    return call_refuse(
        call, 404, "not-found",
        "There is nothing under this address; /api/1/ is described in openapi.yaml.");
}

/* ---- who may ------------------------------------------------------------------------------- */

static bool is_write(const struct route *route) {
    return strcmp(route->method, "GET") != 0;
}

static bool text_same(const char *a, const char *b) {
    size_t len = strlen(b);
    unsigned char differ = strlen(a) != len;
    for (size_t i = 0; i < len && a[i] != '\0'; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

/* 1: go on; 0: refused, and the answer is given. */
static int admit(struct call *call, const struct route *route) {
    const struct api_request *request = call->request;
    if (route->least == ROLE_NOBODY)
        return 1;
    int r = request->cookie == NULL
                ? ERR_ACCESS
                : people_check(call->store, request->cookie, request->now_ms, &call->who);
    if (r == ERR_ACCESS)
        return call_refuse(call, 401, "login-needed",
                           "Log in first, or again: a login ends after "
                           "two hours without use.");
    if (r < 0)
        return r;
    if (call->who.role < route->least)
        return call_refuse(call, 403, "role-too-low",
                           "This needs the role %s or above; yours is %s. An administrator can "
                           "change it.",
                           people_role_name(route->least), people_role_name(call->who.role));
    if (is_write(route) && (request->csrf == NULL || !text_same(request->csrf, call->who.csrf)))
        return call_refuse(call, 403, "csrf",
                           "Writes need the header " API_CSRF_HEADER
                           " with the value that /api/1/me tells; load the page again.");
    return 1;
}

/* ---- bodies -------------------------------------------------------------------------------- */

/* 1: go on; 0: refused, and the answer is given. */
static int body_read(struct call *call, const struct route *route) {
    const struct api_request *request = call->request;
    json_error_t error;
    if (!is_write(route))
        return 1;
    if (request->content_type == NULL ||
        strncmp(request->content_type, "application/json", 16) != 0)
        return call_refuse(call, 415, "not-json", "Send the body as application/json.");
    if (request->body_len > API_BODY_MAX)
        return call_refuse(call, 413, "too-large", "The body is larger than 64 kB.");
    call->body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(call->body))
        return call_refuse(call, 400, "bad-body", "The body is not a JSON object: line %d: %s.",
                           error.line, error.text);
    return 1;
}

/* ---- an error code's answer ---------------------------------------------------------------- */

static const struct {
    int err, status;
    const char *code, *message;
} FAILURES[] = {
    {ERR_NOENT, 404, "not-found", "There is no such thing here (any more); load the list again."},
    {ERR_EXIST, 409, "already-done", "Somebody has done that already; load the page again."},
    {ERR_INVAL, 400, "bad-request", "The request makes no sense as it is."},
    {ERR_BUSY, 503, "busy", "The data base is busy; try again in a few seconds."},
    {ERR_AGAIN, 503, "busy", "The collector is busy; try again in a few seconds."},
    {ERR_NOSPACE, 507, "disk-full", "The collector's disk is full: tell the administrator."},
    {ERR_READONLY, 500, "read-only", "The data base is read-only: tell the administrator."},
};

static int fail(struct call *call, int err) {
    for (size_t i = 0; i < sizeof FAILURES / sizeof *FAILURES; i++)
        if (FAILURES[i].err == err)
            return call_refuse(call, FAILURES[i].status, FAILURES[i].code, "%s",
                               FAILURES[i].message);
    return call_refuse(call, 500, "failed", "The collector could not do that (%s).", err_text(err));
}

/* ---- the way through ----------------------------------------------------------------------- */

static void run(struct call *call, const struct route *route) {
    int r = route->handle(call);
    if (r < 0 && call->reply->status == 0)
        (void)fail(call, r);
    if (call->reply->status == 0) { /* no memory even for the words */
        call->reply->status = 500;
        call->reply->content_type = "application/json";
    }
}

static void run_kept(struct call *call, const struct route *route) {
    struct keep *keep = &call->api->keep;
    char key[KEEP_KEY_MAX + 1];
    keep_key(call, key);
    if (keep_get(keep, key, route->keep_ms, call->request->now_ms, call->reply))
        return;
    /* One computes, the others wait and find it done. */
    pthread_mutex_lock(&keep->computing);
    if (!keep_get(keep, key, route->keep_ms, call->request->now_ms, call->reply)) {
        run(call, route);
        keep_put(keep, key, call->request->now_ms, call->reply);
    }
    pthread_mutex_unlock(&keep->computing);
}

static int go(struct call *call) {
    const struct route *route = route_find(call);
    if (route == NULL)
        return no_route(call);
    int r = admit(call, route);
    if (r > 0)
        r = body_read(call, route);
    if (r <= 0)
        return r;
    if (route->keep_ms > 0)
        run_kept(call, route);
    else
        run(call, route);
    return 0;
}

void api_handle(struct api *api, const struct api_request *request, struct api_reply *ret_reply) {
    *ret_reply = (struct api_reply){.content_type = "application/json"};
    struct call call = {.api = api,
                        .store = store_take(api),
                        .people = &api->people,
                        .request = request,
                        .reply = ret_reply};
    int r = go(&call);
    if (r < 0)
        (void)fail(&call, r);
    json_decref(call.body);
    store_give(api, call.store);
}

bool api_login_stands(struct api *api, const char *cookie, int64_t now_ms) {
    const struct store *store = store_take(api);
    int r = people_holds(store, cookie, now_ms);
    store_give(api, store);
    return r != ERR_ACCESS;
}

/* ---- telling the pages --------------------------------------------------------------------- */

static void publish(struct api *api, const char *name, uint64_t id, json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (text != NULL && api->conf.publish != NULL)
        api->conf.publish(api->conf.publish_ctx, name, id, text);
    free(text);
    json_decref(json);
}

void api_alert_changed(struct api *api, const struct store_alert *alert, bool ring) {
    json_t *json = json_pack("{s:b,s:o}", "ring", ring, "alert", json_alert(alert));
    publish(api, "alert", atomic_fetch_add(&api->next_event, 1), json);
}

void api_counted(struct api *api, uint64_t passages, uint64_t batches) {
    publish(
        api, "counters", 0,
        json_pack("{s:I,s:I}", "passages", (json_int_t)passages, "batches", (json_int_t)batches));
}
