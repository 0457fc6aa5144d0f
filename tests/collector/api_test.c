/* The API without a socket: its table against its description, who may, what is refused. */
#include "api.h"
#include "call.h"
#include "geometry.h"
#include "histogram.h"
#include "store_sqlite.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sunday 2026-11-22 00:00 UTC. */
#define NOW INT64_C(1795305600000)
#define HOUR_MS INT64_C(3600000)
static const char PASSWORD[] = "three dry sheep";

static struct store store;
static struct api *api;
static char published[4096];
static unsigned publications;

/* One asker: a login and what the next request carries. */
struct asker {
    char cookie[API_COOKIE_MAX + 1], csrf[64];
    const char *type;
    const char *const *query; /* pairs, ended by NULL */
    int64_t now_ms;
};

static void on_publish(void *ctx, const char *name, uint64_t id, const char *json) {
    (void)ctx;
    snprintf(published, sizeof published, "%s %llu %s", name, (unsigned long long)id, json);
    publications++;
}

static const char *query_of(void *ctx, const char *name) {
    const struct asker *asker = ctx;
    for (const char *const *q = asker->query; q != NULL && *q != NULL; q += 2)
        if (strcmp(*q, name) == 0)
            return q[1];
    return NULL;
}

/* Status of a request; its body, parsed, in *ret_json if that is not NULL (json_decref). */
static int ask_bytes(struct asker *asker, const char *method, const char *path, const char *body,
                     size_t len, struct api_reply *ret_reply) {
    struct api_request request = {
        .method = method,
        .path = path,
        .peer = "192.0.2.1",
        .cookie = asker->cookie[0] == '\0' ? NULL : asker->cookie,
        .csrf = asker->csrf[0] == '\0' ? NULL : asker->csrf,
        .content_type = asker->type == NULL ? "application/json" : asker->type,
        .body = body,
        .body_len = len,
        .now_ms = asker->now_ms == 0 ? NOW : asker->now_ms,
        .query = query_of,
        .query_ctx = asker,
    };
    api_handle(api, &request, ret_reply);
    return ret_reply->status;
}

static int ask(struct asker *asker, const char *method, const char *path, const char *body,
               json_t **ret_json) {
    struct api_reply reply;
    int status = ask_bytes(asker, method, path, body == NULL ? "" : body,
                           body == NULL ? 0 : strlen(body), &reply);
    json_t *json = reply.body == NULL ? NULL : json_loadb(reply.body, reply.body_len, 0, NULL);
    if (!reply.stream)
        assert_non_null(json);
    if (status >= 400) {
        json_t *error = json_object_get(json, "error");
        assert_true(json_string_length(json_object_get(error, "code")) > 0);
        assert_true(json_string_length(json_object_get(error, "message")) > 10);
    }
    if (ret_json != NULL)
        *ret_json = json;
    else
        json_decref(json);
    free(reply.body);
    return status;
}

static struct asker logged_in(enum people_role role) {
    struct asker asker = {0};
    char body[200];
    struct api_reply reply;
    const char *name = people_role_name(role);
    int r = people_add(&store, name, role, PASSWORD, NOW);
    assert_true(r >= 0 || r == ERR_EXIST);
    snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"%s\"}", name, PASSWORD);
    assert_int_equal(ask_bytes(&asker, "POST", "/api/1/login", body, strlen(body), &reply), 200);
    json_t *json = json_loadb(reply.body, reply.body_len, 0, NULL);
    free(reply.body);
    snprintf(asker.csrf, sizeof asker.csrf, "%s", json_string_value(json_object_get(json, "csrf")));
    assert_string_equal(json_string_value(json_object_get(json, "role")), name);
    json_decref(json);
    assert_int_equal(sscanf(reply.set_cookie, API_COOKIE_NAME "=%64[0-9a-f];", asker.cookie), 1);
    assert_non_null(strstr(reply.set_cookie, "; HttpOnly; SameSite=Strict"));
    assert_null(strstr(reply.set_cookie, "Secure"));
    return asker;
}

static int64_t put_alert(const char *title) {
    struct store_alert alert = {.kind = ALERT_LOCK_ALARM,
                                .state = ALERT_OPEN,
                                .severity = SEVERITY_HIGH,
                                .device = "hub-1",
                                .lock = 1,
                                .events = 1,
                                .raised_ms = NOW - 1000,
                                .occurred_ms = NOW - 2000,
                                .last_ms = NOW - 2000,
                                .restored_ms = STORE_NEVER,
                                .acknowledged_ms = STORE_NEVER,
                                .closed_ms = STORE_NEVER};
    snprintf(alert.title, sizeof alert.title, "%s", title);
    int id = store.alert_put(store.ctx, &alert);
    assert_true(id > 0);
    return id;
}

static void register_things(void) {
    struct store_device hub = {.id = "hub-1",
                               .kind = DEVICE_PADLOCK,
                               .name = "Hub 1",
                               .lpa = "Stockton",
                               .easting = 443120,
                               .northing = 518300,
                               .period_s = 600};
    struct store_device kit = {.id = "kit-1",
                               .kind = DEVICE_SPEEDWATCH,
                               .name = "Kit 1",
                               .lpa = "Stockton",
                               .site = "yarm",
                               .period_s = 600};
    struct store_lock lock = {.device = "hub-1",
                              .lock = 1,
                              .plot = "Plot 12",
                              .allotment = "Ropner",
                              .easting = 443120,
                              .northing = 518300};
    struct store_site site = {.id = "yarm",
                              .name = "Yarm High Street",
                              .road = "A67",
                              .lpa = "Stockton",
                              .ward = "E05001552",
                              .limit_mph = 30,
                              .easting = 441800,
                              .northing = 512900,
                              .approved_until_ms = NOW + 400 * 24 * HOUR_MS};
    assert_true(store.device_put(store.ctx, &hub, NOW - HOUR_MS) >= 0);
    assert_true(store.device_put(store.ctx, &kit, NOW - HOUR_MS) >= 0);
    assert_true(store.lock_put(store.ctx, &lock) >= 0);
    assert_true(store.site_put(store.ctx, &site) >= 0);
}

static int setup(void **state) {
    (void)state;
    int r = store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &store);
    if (r < 0)
        return r;
    register_things();
    publications = 0;
    published[0] = '\0';
    struct api_conf conf = {.stores = &store, .stores_n = 1, .now_ms = NOW, .publish = on_publish};
    return api_open(&conf, &api);
}

static int teardown(void **state) {
    (void)state;
    api_close(api);
    store.close(store.ctx);
    return 0;
}

/* ---- the table and its description --------------------------------------------------------- */

static char *openapi_text(void) {
    FILE *f = fopen(SOURCE_DIR "/collector/api/openapi.yaml", "rb");
    assert_non_null(f);
    char *text = calloc(1, 200000);
    assert_true(fread(text, 1, 199999, f) > 1000);
    fclose(f);
    return text;
}

/* Finds "  PATH:" then "    method:" and "      x-least-role: ROLE" below it. */
static bool described(const char *text, const struct route *route) {
    char line[200];
    snprintf(line, sizeof line, "\n  %s:\n    %s:\n", route->path,
             strcmp(route->method, "GET") == 0 ? "get" : "post");
    const char *at = strstr(text, line);
    const char *end = at == NULL ? NULL : strstr(at + 4, "\n  /");
    snprintf(line, sizeof line, "\n      x-least-role: %s\n", people_role_name(route->least));
    const char *role = at == NULL ? NULL : strstr(at, line);
    return role != NULL && (end == NULL || role < end);
}

static void routes_are_described(void **state) {
    (void)state;
    char *text = openapi_text();
    size_t rows = 0, paths = 0;
    for (const struct route *route = ROUTES; route->path != NULL; route++, rows++)
        if (!described(text, route))
            fail_msg("openapi.yaml does not describe %s %s for %s", route->method, route->path,
                     people_role_name(route->least));
    for (const char *at = strstr(text, "\n  /"); at != NULL; at = strstr(at + 1, "\n  /"))
        paths++;
    assert_int_equal(paths, rows);
    free(text);
}

/* ---- who may ------------------------------------------------------------------------------- */

static void path_of(const struct route *route, char *buf, size_t cap) {
    const char *open = strchr(route->path, '{');
    if (open == NULL)
        snprintf(buf, cap, "%s", route->path);
    else
        snprintf(buf, cap, "%.*s%s%s", (int)(open - route->path), route->path,
                 strstr(route->path, "sites") != NULL ? "yarm" : "1", strchr(open, '}') + 1);
}

static void refused_without_login(void **state) {
    (void)state;
    struct asker nobody = {0};
    struct asker forged = {.cookie = "0123456789abcdef0123456789abcdef"
                                     "0123456789abcdef0123456789abcdef",
                           .csrf = "0123456789abcdef0123456789abcdef"};
    char path[200];
    for (const struct route *route = ROUTES; route->path != NULL; route++) {
        if (route->least == ROLE_NOBODY)
            continue;
        path_of(route, path, sizeof path);
        assert_int_equal(ask(&nobody, route->method, path, "{}", NULL), 401);
        assert_int_equal(ask(&forged, route->method, path, "{}", NULL), 401);
    }
    assert_int_equal(ask(&nobody, "GET", "/healthz", NULL, NULL), 200);
}

static void refused_with_too_low_a_role(void **state) {
    (void)state;
    char path[200];
    put_alert("Alarm");
    for (int role = ROLE_VIEWER; role <= ROLE_ADMINISTRATOR; role++) {
        struct asker asker = logged_in((enum people_role)role);
        for (const struct route *route = ROUTES; route->path != NULL; route++) {
            if (strcmp(route->path, "/api/1/logout") == 0 || route->least == ROLE_NOBODY)
                continue;
            path_of(route, path, sizeof path);
            int status = ask(&asker, route->method, path, "{}", NULL);
            if (role < (int)route->least)
                assert_int_equal(status, 403);
            else if (status == 401 || status == 403 || status >= 500)
                fail_msg("%s got %d from %s %s", people_role_name((enum people_role)role), status,
                         route->method, path);
        }
    }
}

static void writes_need_the_token(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_OFFICER), other = logged_in(ROLE_PCSO);
    char path[200];
    put_alert("Alarm");
    const char *const wrong[] = {"", "x", other.csrf};
    char right[64];
    memcpy(right, asker.csrf, sizeof right);
    for (const struct route *route = ROUTES; route->path != NULL; route++) {
        if (strcmp(route->method, "POST") != 0 || route->least == ROLE_NOBODY)
            continue;
        path_of(route, path, sizeof path);
        for (size_t i = 0; i < 3; i++) {
            snprintf(asker.csrf, sizeof asker.csrf, "%s", wrong[i]);
            assert_int_equal(ask(&asker, "POST", path, "{}", NULL), 403);
        }
    }
    memcpy(asker.csrf, right, sizeof right);
    asker.type = "text/plain"; /* what a form of another site can send */
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/acknowledge", "{}", NULL), 415);
    asker.type = NULL;
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/acknowledge", "{}", NULL), 200);
}

static void logins_end(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_PCSO);
    asker.now_ms = NOW + PEOPLE_IDLE_MS + 1;
    assert_int_equal(ask(&asker, "GET", "/api/1/me", NULL, NULL), 401);
    asker = logged_in(ROLE_PCSO);
    assert_int_equal(ask(&asker, "GET", "/api/1/me", NULL, NULL), 200);
    assert_int_equal(ask(&asker, "POST", "/api/1/logout", "{}", NULL), 200);
    assert_int_equal(ask(&asker, "GET", "/api/1/me", NULL, NULL), 401);
}

static void guessing_is_throttled(void **state) {
    (void)state;
    struct asker nobody = {0};
    struct api_reply reply;
    static const char body[] = "{\"name\":\"anna\",\"password\":\"wrong wrong wrong\"}";
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(&nobody, "POST", "/api/1/login", body, NULL), 401);
    assert_int_equal(ask_bytes(&nobody, "POST", "/api/1/login", body, strlen(body), &reply), 429);
    assert_true(reply.retry_after_s > 0);
    free(reply.body);
}

/* ---- bad input ----------------------------------------------------------------------------- */

static void strange_paths(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_ADMINISTRATOR);
    static const char *const paths[] = {"",
                                        "/api",
                                        "/api/1",
                                        "/api/1/",
                                        "/api/2/alerts",
                                        "/api/1/alerts/",
                                        "/api/1/alerts/1/",
                                        "/api/1/alerts/1/2",
                                        "/api/1/alerts//acknowledge",
                                        "//api/1/alerts",
                                        "/api/1/users",
                                        "/api/1/sites/",
                                        "/api/1/sites/a/b",
                                        "/../etc/passwd",
                                        "/api/1/alerts/0",
                                        "/api/1/alerts/-1",
                                        "/api/1/alerts/1x",
                                        "/api/1/alerts/99999999999999999999",
                                        "/api/1/alerts/4711",
                                        "/api/1/sites/nowhere",
                                        "/api/1/sites/' OR ''='"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (ask(&asker, "GET", paths[i], NULL, NULL) != 404)
            fail_msg("not 404: %s", paths[i]);
    assert_int_equal(ask(&asker, "DELETE", "/api/1/alerts", NULL, NULL), 405);
    assert_int_equal(ask(&asker, "POST", "/api/1/sites", "{}", NULL), 405);
    assert_int_equal(ask(&asker, "GET", "/api/1/login", NULL, NULL), 405);
}

static void bad_bodies(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_OFFICER);
    static const char *const bodies[] = {"",
                                         " ",
                                         "null",
                                         "[]",
                                         "1",
                                         "\"x\"",
                                         "{",
                                         "{}}",
                                         "{\"text\":1}",
                                         "{\"text\":[]}",
                                         "{\"text\":\"a\\u0000b\"}",
                                         "{\"text\":\"a\\nb\"}",
                                         "{\"text\":\"\"}",
                                         "{\"text\":\"   \"}",
                                         "{\"text\":\"\xff\"}",
                                         "{\"text\":\"a\",\"text\":\"b\"}",
                                         "{text:1}",
                                         "{\"text\":NaN}"};
    put_alert("Alarm");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (ask(&asker, "POST", "/api/1/alerts/1/note", bodies[i], NULL) != 400)
            fail_msg("not 400: %s", bodies[i]);
    char *deep = malloc(API_BODY_MAX + 2);
    memset(deep, '[', API_BODY_MAX + 1);
    deep[API_BODY_MAX] = '\0';
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/note", deep, NULL), 400);
    memset(deep, 'a', API_BODY_MAX);
    memcpy(deep, "{\"text\":\"", 9);
    memcpy(deep + API_BODY_MAX - 2, "\"}", 3);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/note", deep, NULL), 400);
    struct api_reply reply;
    assert_int_equal(
        ask_bytes(&asker, "POST", "/api/1/alerts/1/note", deep, API_BODY_MAX + 1, &reply), 413);
    free(reply.body);
    free(deep);
    assert_int_equal(publications, 0);
}

static void bad_queries(void **state) {
    (void)state;
    static const char *const queries[][3] = {{"limit", "0", NULL},
                                             {"limit", "201", NULL},
                                             {"limit", "-1", NULL},
                                             {"limit", "", NULL},
                                             {"limit", "5;DROP TABLE alerts", NULL},
                                             {"limit", "1e2", NULL},
                                             {"limit", " 5", NULL},
                                             {"limit", "99999999999999999999", NULL},
                                             {"before", "0", NULL},
                                             {"before", "x", NULL},
                                             {"state", "", NULL},
                                             {"state", "open' OR 1=1 --", NULL},
                                             {"state", "OPEN", NULL}};
    struct asker asker = logged_in(ROLE_PCSO);
    put_alert("Alarm");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        asker.query = queries[i];
        if (ask(&asker, "GET", "/api/1/alerts", NULL, NULL) != 400)
            fail_msg("not 400: %s=%s", queries[i][0], queries[i][1]);
    }
    static const char *const weeks[] = {"",           "2026",       "2026-11-24",
                                        "2026-13-01", "2026-11-00", "1970-01-05",
                                        "2026-11-2x", "....-..-..", "2026-W48-1"};
    for (size_t i = 0; i < sizeof weeks / sizeof *weeks; i++) {
        const char *const query[] = {"week", weeks[i], NULL};
        asker.query = query;
        if (ask(&asker, "GET", "/api/1/tasking", NULL, NULL) != 400)
            fail_msg("not 400: week=%s", weeks[i]);
    }
    asker.query = NULL;
    assert_int_equal(ask(&asker, "GET", "/api/1/alerts", NULL, NULL), 200);
}

static void script_stays_text(void **state) {
    (void)state;
    static const char script[] = "<script>alert('x')</script> \" \\ & \xe2\x82\xac";
    struct asker asker = logged_in(ROLE_OFFICER);
    json_t *json, *body = json_pack("{s:s}", "text", script);
    char *text = json_dumps(body, 0);
    put_alert(script);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/note", text, &json), 200);
    json_t *timeline = json_object_get(json, "timeline");
    json_t *last = json_array_get(timeline, json_array_size(timeline) - 1);
    assert_string_equal(json_string_value(json_object_get(last, "text")), script);
    assert_string_equal(json_string_value(json_object_get(last, "who")), "officer");
    json_t *alert = json_object_get(json, "alert");
    assert_string_equal(json_string_value(json_object_get(alert, "title")), script);
    json_decref(json);
    json_decref(body);
    free(text);
}

/* ---- alerts -------------------------------------------------------------------------------- */

static const char *state_of(json_t *json) {
    return json_string_value(json_object_get(json_object_get(json, "alert"), "state"));
}

static void an_alert_is_acknowledged_and_closed(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_OFFICER);
    json_t *json;
    put_alert("Plot 12 alarmed");
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/acknowledge", "{}", &json), 200);
    assert_string_equal(state_of(json), "acknowledged");
    json_t *place = json_object_get(json, "place");
    assert_string_equal(json_string_value(json_object_get(place, "plot")), "Plot 12");
    assert_string_equal(json_string_value(json_object_get(place, "grid_ref")), "NZ 4312 1830");
    json_decref(json);
    assert_int_equal(publications, 1);
    assert_non_null(strstr(published, "\"state\":\"acknowledged\""));
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/acknowledge", "{}", NULL), 409);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/close", "{}", NULL), 400);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/close", "{\"cause\":\"because\"}", NULL),
                     400);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/close",
                         "{\"cause\":\"weather\",\"note\":\"storm\"}", &json),
                     200);
    assert_string_equal(state_of(json), "closed");
    json_decref(json);
    assert_int_equal(publications, 2);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/1/close", "{\"cause\":\"test\"}", NULL),
                     409);
    assert_int_equal(ask(&asker, "POST", "/api/1/alerts/4711/close", "{\"cause\":\"test\"}", NULL),
                     404);
}

/* The same lock is history, another within 400 m and 14 days is next door, all else is neither. */
static void neighbours_are_told(void **state) {
    (void)state;
    static const struct {
        int32_t east;
        uint8_t lock;
        int days;
    } others[] = {{300, 2, 3}, {150, 3, 13}, {401, 4, 1}, {100, 5, 15}, {0, 1, 5}};
    struct asker asker = logged_in(ROLE_PCSO);
    json_t *json;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct store_lock lock = {.device = "hub-1",
                                  .lock = others[i].lock,
                                  .plot = "Plot",
                                  .easting = 443120 + others[i].east,
                                  .northing = 518300};
        struct store_alert alert;
        assert_true(store.lock_put(store.ctx, &lock) >= 0);
        assert_true(store.alert_get(store.ctx, put_alert("Other"), &alert) >= 0);
        alert.lock = others[i].lock;
        alert.raised_ms = NOW - 1000 - others[i].days * 24 * HOUR_MS;
        assert_true(store.alert_put(store.ctx, &alert) >= 0);
    }
    char path[60];
    snprintf(path, sizeof path, "/api/1/alerts/%lld", (long long)put_alert("Here"));
    assert_int_equal(ask(&asker, "GET", path, NULL, &json), 200);
    json_t *nearby = json_object_get(json, "nearby"), *earlier = json_object_get(json, "earlier");
    assert_int_equal(json_array_size(nearby), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(nearby, 0), "lock")), 3);
    assert_true(json_number_value(json_object_get(json_array_get(nearby, 0), "distance_m")) == 150);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(nearby, 1), "lock")), 2);
    assert_int_equal(json_array_size(earlier), 1);
    json_decref(json);
}

static void pages_hold_each_alert_once(void **state) {
    (void)state;
    enum { N = 123 };
    bool seen[N + 1] = {false};
    struct asker asker = logged_in(ROLE_PCSO);
    char before[24] = "";
    for (int i = 0; i < N; i++)
        put_alert("Alarm");
    for (int page = 0; page < 4; page++) {
        const char *const query[] = {"limit", "40", before[0] == '\0' ? NULL : "before", before,
                                     NULL};
        json_t *json, *row;
        size_t i;
        asker.query = query;
        assert_int_equal(ask(&asker, "GET", "/api/1/alerts", NULL, &json), 200);
        json_array_foreach(json_object_get(json, "alerts"), i, row) {
            int64_t id = json_integer_value(json_object_get(row, "id"));
            assert_in_range(id, 1, N);
            assert_false(seen[id]);
            seen[id] = true;
        }
        json_t *next = json_object_get(json, "next");
        assert_int_equal(json_is_null(next), page == 3);
        snprintf(before, sizeof before, "%lld", (long long)json_integer_value(next));
        json_decref(json);
    }
    for (int i = 1; i <= N; i++)
        assert_true(seen[i]);
}

/* ---- sites --------------------------------------------------------------------------------- */

static int add_vehicle(int64_t hour_ms, uint8_t direction, uint16_t mph10) {
    return store.hour_change(store.ctx, "yarm", hour_ms, direction, &mph10, 1, NULL, 0);
}

static int by_value(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static double figure(json_t *site, const char *name) {
    return json_number_value(json_object_get(site, name));
}

static void site_figures(void **state) {
    (void)state;
    enum { N = 200 };
    struct asker asker = logged_in(ROLE_VIEWER);
    int speeds[N], over = 0, threshold = 0;
    json_t *json;
    for (int i = 0; i < N; i++) {
        speeds[i] = 200 + i * 7919 % 250; /* 20.0 to 44.9 mph, spread */
        over += speeds[i] > 300;
        threshold += speeds[i] >= 350;
        assert_true(add_vehicle(NOW - 48 * HOUR_MS, (uint8_t)(i & 1), (uint16_t)speeds[i]) >= 0);
    }
    qsort(speeds, N, sizeof *speeds, by_value);
    /* Type 7 at 0.85 of 200: rank 169.15. */
    double p85 = (speeds[169] + 0.15 * (speeds[170] - speeds[169])) / 10.0;
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    json_t *site = json_object_get(json, "site");
    assert_int_equal(figure(site, "n"), N);
    assert_true(fabs(figure(site, "p85") - p85) < 0.051);
    assert_int_equal(figure(site, "threshold_mph"), 35);
    assert_int_equal(figure(json_object_get(site, "over_limit"), "count"), over);
    assert_int_equal(figure(json_object_get(site, "at_or_over_threshold"), "count"), threshold);
    size_t i;
    json_t *pair;
    double bars = 0;
    json_array_foreach(json_object_get(json, "histogram"), i, pair) bars +=
        json_number_value(json_array_get(pair, 1));
    assert_int_equal(bars, N);
    json_t *week = json_object_get(json, "week");
    assert_int_equal(json_array_size(week), 168);
    /* 48 hours before Sunday 00:00 is Friday 00:00 in London in winter. */
    assert_int_equal(figure(json_array_get(week, 4 * 24), "n"), N);
    assert_non_null(
        strstr(json_string_value(json_object_get(json, "notice")), "not for prosecution"));
    json_decref(json);
}

/* From its date on the geometry corrects, by the factor that its own test proves; before it the
 * hours stay out. */
static void corrected_for_the_angle(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_VIEWER);
    struct geometry_history history = {0};
    struct geometry_factor f;
    struct geometry steep = GEOMETRY_DEFAULTS;
    char key[GEOMETRY_KEY_MAX], text[GEOMETRY_TEXT_MAX];
    json_t *json;
    for (int i = 0; i < 30; i++) {
        assert_true(add_vehicle(NOW - 48 * HOUR_MS, 0, 300) >= 0);
        assert_true(add_vehicle(NOW - 2 * HOUR_MS, 0, 300) >= 0);
    }
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    assert_true(json_is_null(json_object_get(json, "corrected")));
    json_decref(json);
    steep.aim_deg10 = 300;
    assert_int_equal(geometry_add(&history, NOW - 24 * HOUR_MS, &steep), 0);
    assert_int_equal(geometry_factor(&steep, false, 0, &f), 0);
    geometry_key("yarm", key);
    geometry_write(&history, text);
    assert_true(store.setting_put(store.ctx, key, text, "test", NOW) >= 0);
    asker.now_ms = NOW + 3000;
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    json_t *corrected = json_object_get(json, "corrected");
    assert_int_equal(figure(json_object_get(json, "site"), "n"), 60);
    assert_true(figure(json_object_get(json, "site"), "p50") == 30.0);
    assert_int_equal(figure(corrected, "n"), 30);
    assert_true(figure(corrected, "p50") == floor(300 * f.factor) / 10);
    assert_true(figure(corrected, "p50") > 31);
    assert_true(fabs(figure(json_object_get(corrected, "in"), "factor") - f.factor) < 0.0001);
    json_decref(json);
}

static void no_percentile_from_few(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_VIEWER);
    json_t *json;
    for (int i = 0; i < 22; i++)
        assert_true(add_vehicle(NOW - HOUR_MS, 0, 300) >= 0);
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    json_t *site = json_object_get(json, "site");
    assert_true(json_is_null(json_object_get(site, "p85")));
    assert_non_null(strstr(json_string_value(json_object_get(site, "p85_withheld")), "22"));
    json_decref(json);
    assert_true(add_vehicle(NOW - HOUR_MS, 0, 300) >= 0);
    asker.now_ms = NOW + 2999; /* an answer may be three seconds old */
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    assert_int_equal(figure(json_object_get(json, "site"), "n"), 22);
    json_decref(json);
    asker.now_ms = NOW + 3000;
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm", NULL, &json), 200);
    assert_int_equal(figure(json_object_get(json, "site"), "n"), 23);
    assert_true(figure(json_object_get(json, "site"), "p85") == 30.0);
    json_decref(json);
}

/* ---- maps and plans ------------------------------------------------------------------------ */

static void seed_alarms(void) {
    for (int i = 0; i < 5; i++) {
        struct store_lock_event row = {.device = "hub-1",
                                       .when = {.boot_id = 7,
                                                .t_ms = i,
                                                .occurred_ms = NOW - i * 24 * HOUR_MS - 1,
                                                .quality = 2,
                                                .received_ms = NOW},
                                       .lock = {.lock = 1, .what = LOCK_ALARM}};
        assert_true(store.lock_event_put(store.ctx, &row) >= 0);
    }
    for (int i = 1; i < 200; i++)
        assert_true(store.awake_add(store.ctx, "hub-1", NOW - i * HOUR_MS, HOUR_MS) >= 0);
}

static void hotspots_are_squares_on_the_globe(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_ANALYST);
    json_t *json;
    seed_alarms();
    assert_int_equal(ask(&asker, "GET", "/api/1/hotspots", NULL, &json), 200);
    json_t *cell = json_array_get(json_object_get(json, "features"), 0);
    json_t *props = json_object_get(cell, "properties");
    assert_int_equal(figure(props, "events"), 5);
    assert_int_equal(figure(props, "easting"), 443000);
    assert_int_equal(json_array_size(json_object_get(props, "behind")), 5);
    json_t *ring =
        json_array_get(json_object_get(json_object_get(cell, "geometry"), "coordinates"), 0);
    assert_int_equal(json_array_size(ring), 5);
    double area = 0;
    for (size_t i = 0; i < 4; i++) {
        json_t *a = json_array_get(ring, i), *b = json_array_get(ring, i + 1);
        double ax = json_number_value(json_array_get(a, 0)),
               ay = json_number_value(json_array_get(a, 1));
        double bx = json_number_value(json_array_get(b, 0)),
               by = json_number_value(json_array_get(b, 1));
        assert_true(ay > 54.4 && ay < 54.7);
        assert_true(ax < -1.2 && ax > -1.5);
        area += ax * by - bx * ay;
    }
    /* Anticlockwise, and 250 m square: degrees to metres at 54.55 N. */
    double metres = area / 2 * 111320 * 111320 * 0.58;
    assert_true(metres > 61000 && metres < 64000);
    json_decref(json);
    static const char *const other[] = {"layer", "reports", NULL}, *const bad[] = {"layer", "both",
                                                                                   NULL};
    asker.query = other;
    assert_int_equal(ask(&asker, "GET", "/api/1/hotspots", NULL, NULL), 200);
    asker.query = bad;
    assert_int_equal(ask(&asker, "GET", "/api/1/hotspots", NULL, NULL), 400);
}

static double west_of_grid(struct asker *asker) {
    json_t *json;
    assert_int_equal(ask(asker, "GET", "/api/1/grid", NULL, &json), 200);
    json_t *geometry =
        json_object_get(json_array_get(json_object_get(json, "features"), 0), "geometry");
    double west = json_number_value(
        json_array_get(json_array_get(json_object_get(geometry, "coordinates"), 0), 0));
    json_decref(json);
    return west;
}

/* The grid reaches to the reports, but not to one whose place is mistyped. */
static void the_grid_covers_what_is_shown(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_VIEWER);
    struct store_report report = {.source = "police",
                                  .kind = "off-road",
                                  .key = "1",
                                  .occurred_ms = NOW - HOUR_MS,
                                  .easting = 424000,
                                  .northing = 564000};
    double alone = west_of_grid(&asker);
    assert_true(store.report_put(store.ctx, &report) >= 0);
    asker.now_ms = NOW + 60000;
    double with = west_of_grid(&asker);
    assert_true(with < alone - 0.2);
    snprintf(report.key, sizeof report.key, "2");
    report.easting = 24000;
    assert_true(store.report_put(store.ctx, &report) >= 0);
    asker.now_ms = NOW + 120000;
    double mistyped = west_of_grid(&asker);
    assert_true(fabs(mistyped - alone) < 0.01);
}

/* ---- the answers against their description ------------------------------------------------- */

/* The text of openapi.yaml below the line `anchor`, as far as it is indented deeper. */
static char *block_of(const char *text, const char *anchor) {
    char line[100];
    int indent = anchor[0] == '/' ? 2 : 4;
    snprintf(line, sizeof line, "\n%*s%s:\n", indent, "", anchor);
    const char *at = strstr(text, line), *end;
    if (at == NULL)
        fail_msg("openapi.yaml has no %s", anchor);
    at += strlen(line);
    for (end = at; *end != '\0' && (int)strspn(end, " ") > indent; end += *end == '\n')
        end += strcspn(end, "\n");
    return strndup(at, (size_t)(end - at));
}

static void has_required(const json_t *json, const char *block, const char *anchor) {
    static const char begin[] = " required: [";
    const char *at = strstr(block, begin);
    if (at == NULL)
        fail_msg("openapi.yaml requires nothing of %s", anchor);
    for (at += strlen(begin); *at != ']'; at += strspn(at, ", ")) {
        char key[50];
        size_t len = strcspn(at, ",]");
        snprintf(key, sizeof key, "%.*s", (int)len, at);
        if (json_object_get(json, key) == NULL)
            fail_msg("%s: openapi.yaml requires '%s', which is not in the answer", anchor, key);
        at += len;
    }
}

static bool describes(const char *block, const char *key) {
    char want[60];
    snprintf(want, sizeof want, "%s: ", key);
    for (const char *at = strstr(block, want); at != NULL; at = strstr(at + 1, want))
        if (at == block || at[-1] == ' ' || at[-1] == '{')
            return true;
    snprintf(want, sizeof want, " %s:\n", key);
    return strstr(block, want) != NULL;
}

/* `json` has every key that is required, and none that is not described. */
static void as_described(const json_t *json, const char *text, const char *anchor,
                         const char *base) {
    char *block = block_of(text, anchor), *more = base == NULL ? NULL : block_of(text, base);
    const char *key;
    json_t *value, *object = (json_t *)(uintptr_t)json;
    if (!json_is_object(json))
        fail_msg("%s: no such object in the answer", anchor);
    has_required(json, block, anchor);
    if (more != NULL)
        has_required(json, more, base);
    json_object_foreach(object, key, value) if (!describes(block, key) &&
                                                (more == NULL || !describes(more, key)))
        fail_msg("%s: '%s' is sent, but openapi.yaml does not say so", anchor, key);
    free(block);
    free(more);
}

/* "a.0.b" below json. */
static const json_t *below(const json_t *json, const char *way) {
    char step[30];
    for (; *way != '\0'; way += strspn(way, ".")) {
        size_t len = strcspn(way, ".");
        snprintf(step, sizeof step, "%.*s", (int)len, way);
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(step))
                                   : json_object_get(json, step);
        way += len;
    }
    return json;
}

/* Grid 441800 512900 by another implementation of the same projection, and 2,230 m north of it. */
static void put_sessions(void) {
    static const struct {
        int32_t latitude_e7, longitude_e7;
        uint16_t error_m;
    } where[] = {{545096932, -13559285, 8}, {545297326, -13556132, 8}, {0, 0, 0}};
    for (uint32_t i = 0; i < 3; i++) {
        struct store_session row = {.device = "kit-1",
                                    .spool_id = 9,
                                    .session = i + 1,
                                    .site = "yarm",
                                    .limit_mph = 30,
                                    .vehicles = 40,
                                    .check = 1,
                                    .latitude_e7 = where[i].latitude_e7,
                                    .longitude_e7 = where[i].longitude_e7,
                                    .position_error_m = where[i].error_m};
        row.start = (struct store_when){7, 1000, NOW - 5 * HOUR_MS, 3, NOW};
        row.stop = (struct store_when){7, 9000, NOW - 4 * HOUR_MS, 3, NOW};
        row.end = SESSION_END_BUTTON;
        assert_true(store.session_put(store.ctx, &row) >= 0);
    }
}

static void a_session_elsewhere_is_said(void **state) {
    (void)state;
    static const char *const WORDS[] = {NULL, "Measured 2.2 km from the site: is it the right one?",
                                        "At the site"};
    struct asker asker = logged_in(ROLE_PCSO), viewer = logged_in(ROLE_VIEWER);
    json_t *json;
    put_sessions();
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/yarm/sessions", NULL, &json), 200);
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *session = json_array_get(json_object_get(json, "sessions"), i);
        json_t *place = json_object_get(session, "place");
        if (WORDS[i] == NULL)
            assert_true(json_is_null(place));
        else
            assert_string_equal(json_string_value(json_object_get(place, "words")), WORDS[i]);
        assert_null(json_object_get(session, "latitude"));
    }
    json_decref(json);
    assert_int_equal(ask(&viewer, "GET", "/api/1/sites/yarm/sessions", NULL, NULL), 403);
    assert_int_equal(ask(&asker, "GET", "/api/1/sites/nowhere/sessions", NULL, NULL), 404);
}

static void a_hub_says_what_it_needs(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_PCSO);
    struct store_health row = {.device = "hub-1",
                               .when = {.boot_id = 7, .occurred_ms = NOW, .received_ms = NOW}};
    json_t *json;
    row.health.battery_mv = 13100;
    row.health.battery_ma = -250;
    row.health.battery_days = 12;
    row.health.power_flags = HEALTH_POWER_UNDERVOLTAGE | HEALTH_POWER_THROTTLED
                                                             << HEALTH_POWER_SINCE_BOOT;
    row.health.clock_quality = 3;
    assert_true(store.health_put(store.ctx, &row) >= 0);
    assert_int_equal(ask(&asker, "GET", "/api/1/devices", NULL, &json), 200);
    json_t *hub = json_array_get(json_object_get(json, "devices"), 0);
    json_t *health = json_object_get(hub, "health");
    assert_string_equal(json_string_value(json_object_get(hub, "battery_by")),
                        "2026-12-04T00:00:00.000Z");
    assert_int_equal(json_integer_value(json_object_get(health, "battery_ma")), -250);
    assert_true(json_is_null(json_object_get(health, "disk_free_mib")));
    assert_string_equal(json_string_value(json_object_get(health, "clock")), "satellites");
    assert_string_equal(json_string_value(json_array_get(json_object_get(health, "power"), 0)),
                        "under-voltage");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(health, "power_since_start"), 0)),
        "throttled");
    json_decref(json);
}

static void fill_every_answer(void) {
    static const uint16_t speeds[] = {310, 290, 350};
    struct store_health health = {.device = "hub-1",
                                  .when = {.boot_id = 7, .occurred_ms = NOW, .received_ms = NOW}};
    seed_alarms();
    put_sessions();
    put_alert("one");
    put_alert("two");
    assert_true(store.health_put(store.ctx, &health) >= 0);
    for (int i = 0; i < 20; i++)
        assert_true(
            store.hour_change(store.ctx, "yarm", NOW - 48 * HOUR_MS, 0, speeds, 3, NULL, 0) >= 0);
}

static void answers_are_as_described(void **state) {
    (void)state;
    static const struct {
        const char *path, *way, *anchor, *base;
    } rows[] = {
        {"/api/1/me", "", "Me", NULL},
        {"/api/1/sites", "", "/api/1/sites", NULL},
        {"/api/1/sites", "sites.0", "Site", "Figures"},
        {"/api/1/sites", "sites.0.over_limit", "Share", NULL},
        {"/api/1/sites/yarm", "", "/api/1/sites/{id}", NULL},
        {"/api/1/sites/yarm", "site", "Site", "Figures"},
        {"/api/1/sites/yarm", "directions.0", "Figures", NULL},
        {"/api/1/sites/yarm/sessions", "", "/api/1/sites/{id}/sessions", NULL},
        {"/api/1/tasking", "", "/api/1/tasking", NULL},
        {"/api/1/tasking", "sessions.0", "Session", NULL},
        {"/api/1/hotspots", "", "/api/1/hotspots", NULL},
        {"/api/1/hotspots", "features.0.properties", "Cell", NULL},
        {"/api/1/alerts", "", "/api/1/alerts", NULL},
        {"/api/1/alerts", "alerts.0", "Alert", NULL},
        {"/api/1/alerts/1", "", "OneAlert", NULL},
        {"/api/1/alerts/1", "alert", "Alert", NULL},
        {"/api/1/devices", "", "/api/1/devices", NULL},
        {"/api/1/devices", "devices.0", "Device", NULL},
        {"/api/1/devices", "devices.0.health", "Health", NULL},
        {"/api/1/locks", "", "/api/1/locks", NULL},
        {"/api/1/locks", "locks.0", "Lock", NULL},
        {"/api/1/counters", "", "/api/1/counters", NULL},
    };
    fill_every_answer();
    struct asker asker = logged_in(ROLE_OFFICER);
    char *text = openapi_text();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json;
        assert_int_equal(ask(&asker, "GET", rows[i].path, NULL, &json), 200);
        as_described(below(json, rows[i].way), text, rows[i].anchor, rows[i].base);
        json_decref(json);
    }
    free(text);
}

/* Longitude first, and within Yarm or Stockton: the squares' test guards the projection itself. */
static void places_have_positions(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_PCSO);
    json_t *json;
    static const char *const paths[][2] = {{"/api/1/sites", "sites.0.position"},
                                           {"/api/1/locks", "locks.0.position"}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask(&asker, "GET", paths[i][0], NULL, &json), 200);
        const json_t *at = below(json, paths[i][1]);
        double lon = json_number_value(json_array_get(at, 0));
        double lat = json_number_value(json_array_get(at, 1));
        assert_true(lon > -1.37 && lon < -1.32 && lat > 54.50 && lat < 54.57);
        json_decref(json);
    }
    struct store_lock nowhere = {.device = "hub-1", .lock = 1, .plot = "Plot 12"};
    assert_true(store.lock_put(store.ctx, &nowhere) >= 0);
    assert_int_equal(ask(&asker, "GET", "/api/1/locks", NULL, &json), 200);
    assert_true(json_is_null(below(json, "locks.0.position")));
    json_decref(json);
}

static void tasking_proposes_with_reasons(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_VOLUNTEER);
    json_t *json;
    assert_int_equal(ask(&asker, "GET", "/api/1/tasking", NULL, &json), 200);
    /* The week after the one that holds Sunday 22 November. */
    assert_string_equal(json_string_value(json_object_get(json, "week")),
                        "2026-11-23T00:00:00.000Z");
    json_t *session = json_array_get(json_object_get(json, "sessions"), 0);
    assert_non_null(session);
    assert_string_equal(json_string_value(json_object_get(json_object_get(session, "site"), "id")),
                        "yarm");
    assert_true(json_string_length(json_object_get(session, "reasons")) > 20);
    json_decref(json);
}

static void devices_and_locks_are_told(void **state) {
    (void)state;
    struct asker asker = logged_in(ROLE_PCSO);
    json_t *json;
    assert_int_equal(ask(&asker, "GET", "/api/1/devices", NULL, &json), 200);
    json_t *hub = json_array_get(json_object_get(json, "devices"), 0);
    assert_string_equal(json_string_value(json_object_get(hub, "id")), "hub-1");
    assert_string_equal(json_string_value(json_object_get(hub, "state")), "silent");
    assert_true(json_is_null(json_object_get(hub, "last_seen")));
    json_decref(json);
    assert_int_equal(ask(&asker, "GET", "/api/1/locks", NULL, &json), 200);
    json_t *lock = json_array_get(json_object_get(json, "locks"), 0);
    assert_true(json_is_null(json_object_get(lock, "closed")));
    assert_string_equal(json_string_value(json_object_get(lock, "plot")), "Plot 12");
    json_decref(json);
    assert_int_equal(ask(&asker, "GET", "/api/1/wards", NULL, NULL), 200);
    assert_int_equal(ask(&asker, "GET", "/api/1/grid", NULL, &json), 200);
    assert_in_range(json_array_size(json_object_get(json, "features")), 20, 400);
    json_decref(json);
}

/* ---- many at once -------------------------------------------------------------------------- */

enum { THREADS = 6, ROUNDS = 40, FILE_STORES = 3 };

/* Returns NULL if every answer was good. */
static void *ask_on(void *arg) {
    static const char *const paths[] = {"/api/1/sites",   "/api/1/hotspots", "/api/1/alerts",
                                        "/api/1/tasking", "/api/1/grid",     "/api/1/me"};
    struct asker asker = *(const struct asker *)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct api_reply reply;
        asker.now_ms = NOW + i * 1500; /* so that what is kept grows old */
        int status = ask_bytes(&asker, "GET", paths[i % 6], "", 0, &reply);
        free(reply.body);
        if (status != 200)
            return arg;
    }
    return NULL;
}

/* More askers than stores, on a file: everybody is answered (and ThreadSanitizer has its say). */
static void many_ask_at_once(void **state) {
    (void)state;
    char folder[] = "/tmp/moorwatch-api-XXXXXX", path[100], command[100];
    struct store stores[FILE_STORES], memory = store;
    struct api *other = api;
    pthread_t threads[THREADS];
    void *failed;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
    for (int i = 0; i < FILE_STORES; i++)
        assert_int_equal(store_sqlite_open(path, STORE_SQLITE_CREATE, &stores[i]), 0);
    store = stores[0];
    register_things();
    seed_alarms();
    struct api_conf conf = {.stores = stores, .stores_n = FILE_STORES, .now_ms = NOW};
    assert_int_equal(api_open(&conf, &api), 0);
    struct asker asker = logged_in(ROLE_OFFICER);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &asker), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    api_close(api);
    for (int i = 0; i < FILE_STORES; i++)
        stores[i].close(stores[i].ctx);
    store = memory;
    api = other;
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(routes_are_described),
        TEST(refused_without_login),
        TEST(refused_with_too_low_a_role),
        TEST(writes_need_the_token),
        TEST(logins_end),
        TEST(guessing_is_throttled),
        TEST(strange_paths),
        TEST(bad_bodies),
        TEST(bad_queries),
        TEST(script_stays_text),
        TEST(an_alert_is_acknowledged_and_closed),
        TEST(neighbours_are_told),
        TEST(pages_hold_each_alert_once),
        TEST(site_figures),
        TEST(corrected_for_the_angle),
        TEST(no_percentile_from_few),
        TEST(hotspots_are_squares_on_the_globe),
        TEST(the_grid_covers_what_is_shown),
        TEST(answers_are_as_described),
        TEST(places_have_positions),
        TEST(tasking_proposes_with_reasons),
        TEST(devices_and_locks_are_told),
        TEST(a_session_elsewhere_is_said),
        TEST(a_hub_says_what_it_needs),
        TEST(many_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
