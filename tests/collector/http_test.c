/* The web server through real sockets: files, bounds, the stream of events. */
#include "http.h"
#include "people.h"
#include "store_sqlite.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"

enum { REPLY_MAX = 1 << 20 };

static char folder[] = "/tmp/moorwatch-http-XXXXXX";
static struct store store;
static struct api *api;
static struct http *http;
static char cookie[300], reply[REPLY_MAX];

static void file_write(const char *name, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...) {
    char command[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    reply[fread(reply, 1, REPLY_MAX - 1, out)] = '\0';
    return pclose(out);
}

static int64_t now_ms(void) {
    struct clock clock = clock_system();
    return clock.wall_ms(clock.ctx);
}

/* ---- a client ------------------------------------------------------------------------------ */

static int dial(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(http))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static bool told_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool tell(int fd, const char *text) {
    return told_all(fd, text, strlen(text));
}

/* Reads until `until` has come, the other side closes, or `wait_ms` pass without a byte.
 * Returns true if it has come; what was read is in `reply`. */
static bool hear(int fd, const char *until, int wait_ms) {
    size_t len = 0;
    reply[0] = '\0';
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (strstr(reply, until) == NULL && len + 1 < REPLY_MAX && poll(&p, 1, wait_ms) == 1) {
        ssize_t n = recv(fd, reply + len, REPLY_MAX - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        reply[len] = '\0';
    }
    return strstr(reply, until) != NULL;
}

/* One request on a connection of its own; the status, and all of the answer in `reply`. */
static int ask(const char *head, const char *body) {
    char text[2000];
    int status = 0, fd = dial();
    snprintf(text, sizeof text, "%sHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
             head, strlen(body), body);
    assert_true(tell(fd, text));
    hear(fd, "\nnever\n", 5000);
    close(fd);
    sscanf(reply, "HTTP/1.1 %d", &status);
    return status;
}

static int get(const char *path) {
    char head[500];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\n%s", path, cookie);
    return ask(head, "");
}

static void cookie_take(void) {
    const char *at = strstr(reply, "Set-Cookie: ");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    snprintf(cookie, sizeof cookie, "Cookie: %.*s\r\n", (int)strcspn(at, ";"), at);
}

static const char *cookie_token(const char *text) {
    static char token[PEOPLE_TOKEN_MAX + 1];
    assert_int_equal(sscanf(text, "Cookie: " API_COOKIE_NAME "=%64[0-9a-f]", token), 1);
    return token;
}

static void log_in(void) {
    static const char password[] = "three dry sheep";
    assert_true(people_add(&store, "anna", ROLE_PCSO, password, now_ms()) >= 0);
    assert_int_equal(ask("POST /api/1/login HTTP/1.1\r\nContent-Type: application/json\r\n",
                         "{\"name\":\"anna\",\"password\":\"three dry sheep\"}"),
                     200);
    cookie_take();
}

/* ---- set-up -------------------------------------------------------------------------------- */

static int group_setup(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    file_write("index.html", "<!doctype html><p>the page");
    file_write("app.js", "// a script");
    file_write(".secret.txt", "hidden");
    file_write("notes.bak", "not a type of ours");
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int setup(void **state) {
    (void)state;
    cookie[0] = '\0';
    char path[200];
    snprintf(path, sizeof path, "%s/book.db", folder);
    int r = store_sqlite_open(path, STORE_SQLITE_CREATE, &store);
    struct http_conf conf = {.address = "127.0.0.1", .web_dir = folder, .leaflet_dir = folder};
    struct api_conf api_conf = {.stores = &store, .stores_n = 1, .now_ms = now_ms()};
    if (r >= 0)
        r = http_start(&conf, &http);
    if (r >= 0)
        r = api_open(&api_conf, &api);
    if (r >= 0)
        http_serve(http, api);
    return r;
}

static int teardown(void **state) {
    (void)state;
    http_stop(http);
    api_close(api);
    store.close(store.ctx);
    return shell("rm -f %s/book.db*", folder);
}

/* ---- files and headers --------------------------------------------------------------------- */

static void serves_its_files_only(void **state) {
    (void)state;
    assert_int_equal(get("/"), 200);
    assert_non_null(strstr(reply, "the page"));
    assert_int_equal(get("/app.js"), 200);
    assert_non_null(strstr(reply, "text/javascript"));
    assert_int_equal(get("/leaflet/app.js"), 200);
    static const char *const none[] = {"/.secret.txt",
                                       "/notes.bak",
                                       "/../../../etc/passwd",
                                       "/%2e%2e/%2e%2e/etc/passwd",
                                       "/leaflet/../app.js",
                                       "//app.js",
                                       "/app.js/",
                                       "/app.js%00.html",
                                       "/index"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (get(none[i]) != 404)
            fail_msg("%s: not 404 but %s", none[i], reply);
    assert_int_equal(ask("POST /app.js HTTP/1.1\r\n", ""), 404);
}

static void a_known_file_is_not_sent_again(void **state) {
    (void)state;
    char head[300];
    assert_int_equal(get("/app.js"), 200);
    const char *at = strstr(reply, "ETag: ");
    assert_non_null(at);
    snprintf(head, sizeof head, "GET /app.js HTTP/1.1\r\nIf-None-Match: %.*s\r\n",
             (int)strcspn(at + 6, "\r"), at + 6);
    assert_int_equal(ask(head, ""), 304);
    assert_null(strstr(reply, "a script"));
}

static void every_answer_is_guarded(void **state) {
    (void)state;
    static const char *const paths[] = {"/", "/app.js", "/nothing", "/healthz", "/api/1/me"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get(paths[i]);
        assert_non_null(strstr(
            reply,
            "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';"));
        assert_null(strstr(reply, "unsafe"));
        assert_non_null(strstr(reply, "X-Content-Type-Options: nosniff"));
        assert_non_null(strstr(reply, "X-Frame-Options: DENY"));
        assert_null(strstr(reply, "Access-Control-Allow"));
    }
}

static void starts_only_with_its_files(void **state) {
    (void)state;
    struct http *other;
    struct http_conf conf = {.address = "127.0.0.1", .web_dir = "/nowhere", .leaflet_dir = folder};
    assert_int_equal(http_start(&conf, &other), ERR_NOENT);
    conf.web_dir = folder;
    conf.address = "localhost.example";
    assert_int_equal(http_start(&conf, &other), ERR_INVAL);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static void huge_bodies_are_refused(void **state) {
    (void)state;
    static const char head[] = "POST /api/1/login HTTP/1.1\r\nHost: x\r\nContent-Type: "
                               "application/json\r\nContent-Length: 10000000\r\n\r\n";
    static char block[65536];
    memset(block, 'a', sizeof block);
    int fd = dial();
    assert_true(tell(fd, head));
    assert_true(hear(fd, "413", 5000));
    assert_non_null(strstr(reply, "too-large"));
    close(fd);
    fd = dial();
    assert_true(tell(fd,
                     "POST /api/1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n"));
    bool open = true;
    for (int i = 0; i < 160 && open; i++)
        open = tell(fd, "10000\r\n") && told_all(fd, block, sizeof block) && tell(fd, "\r\n");
    if (open && tell(fd, "0\r\n\r\n"))
        assert_true(hear(fd, "413", 5000));
    close(fd);
    assert_int_equal(get("/healthz"), 200);
}

static void garbage_does_no_harm(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/1/login HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /api/1/login HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int fd = dial();
        tell(fd, lines[i]);
        hear(fd, "\nnever\n", 100);
        close(fd);
    }
    assert_int_equal(get("/healthz"), 200);
}

/* ---- TLS ----------------------------------------------------------------------------------- */

/* One request through openssl's own client, so that both ends are not the same library. */
static bool over_tls(struct http *server, const char *options, const char *request) {
    return shell("printf '%s' | timeout 20 openssl s_client -quiet -ign_eof -CAfile %s/tls.pem "
                 "-verify_return_error -connect 127.0.0.1:%d %s 2>&1",
                 request, folder, http_port(server), options) == 0;
}

static void speaks_tls_and_nothing_old(void **state) {
    (void)state;
    static const char hello[] = "GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: "
                                "close\\r\\n\\r\\n";
    static const char login[] =
        "POST /api/1/login HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n"
        "Content-Type: application/json\\r\\nContent-Length: 44\\r\\n\\r\\n"
        "{\"name\":\"anna\",\"password\":\"three dry sheep\"}";
    if (shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
              "/CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout %s/tls.key -out "
              "%s/tls.pem 2>&1",
              folder, folder) != 0)
        fail_msg("openssl: %s", reply);
    char cert[200], key[200];
    snprintf(cert, sizeof cert, "%s/tls.pem", folder);
    snprintf(key, sizeof key, "%s/tls.key", folder);
    struct http *server;
    struct http_conf conf = {.address = "127.0.0.1",
                             .web_dir = folder,
                             .leaflet_dir = folder,
                             .tls_cert = cert,
                             .tls_key = key};
    assert_true(people_add(&store, "anna", ROLE_PCSO, "three dry sheep", now_ms()) >= 0);
    assert_int_equal(http_start(&conf, &server), 0);
    http_serve(server, api);
    static const char *const good[] = {"-tls1_2", "-tls1_3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        over_tls(server, good[i], hello);
        if (strstr(reply, "HTTP/1.1 200") == NULL ||
            strstr(reply, "Strict-Transport-Security: max-age=31536000") == NULL)
            fail_msg("%s: %s", good[i], reply);
    }
    over_tls(server, "", login);
    if (strstr(reply, "HTTP/1.1 200") == NULL || strstr(reply, "; Secure") == NULL)
        fail_msg("login: %s", reply);
    /* SECLEVEL=0: the client itself would offer it, so that the refusal is the server's. */
    static const char *const old[] = {"-tls1_1 -cipher DEFAULT@SECLEVEL=0",
                                      "-tls1 -cipher DEFAULT@SECLEVEL=0"};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (over_tls(server, old[i], hello) || strstr(reply, "HTTP/1.1") != NULL)
            fail_msg("%s: %s", old[i], reply);
    http_stop(server);
    conf.tls_key = "/nowhere/tls.key";
    assert_int_equal(http_start(&conf, &server), ERR_NOENT);
}

/* ---- the stream ---------------------------------------------------------------------------- */

static int stream_open(const char *last_id) {
    char head[600];
    int fd = dial();
    snprintf(head, sizeof head, "GET /api/1/stream HTTP/1.1\r\nHost: x\r\n%s%s%s%s\r\n", cookie,
             last_id == NULL ? "" : "Last-Event-ID: ", last_id == NULL ? "" : last_id,
             last_id == NULL ? "" : "\r\n");
    assert_true(tell(fd, head));
    assert_true(hear(fd, "retry: 2000", 5000));
    return fd;
}

static void a_stream_needs_a_login(void **state) {
    (void)state;
    assert_int_equal(get("/api/1/stream"), 401);
    assert_int_equal(http_streams(http), 0);
}

static void events_arrive_in_order(void **state) {
    (void)state;
    char json[80];
    log_in();
    int fd = stream_open(NULL);
    for (int i = 1; i <= 300; i++) {
        snprintf(json, sizeof json, "{\"n\":%d}", i);
        assert_int_equal(http_publish(http, "alert", (uint64_t)i, json), 0);
    }
    assert_true(hear(fd, "id: 300\ndata: {\"n\":300}\n\n", 5000));
    const char *at = reply;
    for (int i = 1; i <= 300; i++) {
        snprintf(json, sizeof json, "id: %d\ndata: {\"n\":%d}\n\n", i, i);
        at = strstr(at, json);
        assert_non_null(at);
    }
    close(fd);
    assert_int_equal(http_publish(http, "alert", 1, "{\n}"), ERR_INVAL);
    assert_int_equal(http_publish(http, "a\nb", 1, "{}"), ERR_INVAL);
    char *huge = calloc(1, HTTP_EVENT_MAX + 2);
    memset(huge, '1', HTTP_EVENT_MAX + 1);
    assert_int_equal(http_publish(http, "alert", 1, huge), ERR_TOOLONG);
    free(huge);
}

static void a_browser_that_comes_back_misses_nothing(void **state) {
    (void)state;
    log_in();
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(http_publish(http, "alert", i, "{}"), 0);
        assert_int_equal(http_publish(http, "counters", 0, "{}"), 0);
    }
    int fd = stream_open("3");
    if (strstr(reply, "id: 5") == NULL)
        assert_true(hear(fd, "id: 5", 5000));
    assert_null(strstr(reply, "resync"));
    assert_null(strstr(reply, "id: 3\n"));
    close(fd);
    fd = stream_open("4711"); /* not kept, or of another life */
    if (strstr(reply, "event: resync") == NULL)
        assert_true(hear(fd, "event: resync", 5000));
    close(fd);
    for (uint64_t i = 6; i <= HTTP_EVENTS_KEPT + 10; i++)
        assert_int_equal(http_publish(http, "alert", i, "{}"), 0);
    fd = stream_open("5");
    if (strstr(reply, "event: resync") == NULL)
        assert_true(hear(fd, "event: resync", 5000));
    close(fd);
}

/* Ends: the whole of the chunked answer has come. */
static bool stream_ends(int fd, int wait_ms) {
    return hear(fd, "0\r\n\r\n", wait_ms);
}

static void a_stream_ends_with_its_login(void **state) {
    (void)state;
    char first[sizeof cookie], head[800];
    struct people_session who;
    log_in();
    memcpy(first, cookie, sizeof first);
    assert_true(people_check(&store, cookie_token(first), now_ms(), &who) >= 0);
    assert_int_equal(ask("POST /api/1/login HTTP/1.1\r\nContent-Type: application/json\r\n",
                         "{\"name\":\"anna\",\"password\":\"three dry sheep\"}"),
                     200);
    cookie_take();
    int stays = stream_open(NULL);
    char second[sizeof cookie];
    memcpy(second, cookie, sizeof second);
    memcpy(cookie, first, sizeof cookie);
    int fd = stream_open(NULL);
    snprintf(head, sizeof head,
             "POST /api/1/logout HTTP/1.1\r\nContent-Type: application/json\r\n%s" API_CSRF_HEADER
             ": %s\r\n",
             first, who.csrf);
    assert_int_equal(ask(head, "{}"), 200);
    assert_true(stream_ends(fd, HTTP_LOGIN_ASK_MS / 2));
    close(fd);
    assert_int_equal(http_publish(http, "alert", 1, "{\"n\":1}"), 0);
    assert_true(hear(stays, "{\"n\":1}", 5000));
    /* As an administrator does it from another process: nobody tells the server. */
    struct store other;
    char path[200];
    snprintf(path, sizeof path, "%s/book.db", folder);
    assert_true(store_sqlite_open(path, STORE_SQLITE_WRITE, &other) >= 0);
    assert_true(people_remove(&other, "anna", now_ms()) >= 0);
    other.close(other.ctx);
    assert_true(stream_ends(stays, 2 * HTTP_LOGIN_ASK_MS));
    close(stays);
    assert_int_equal(get("/api/1/stream"), 401);
}

enum { CLIENTS = 50, PUBLISHERS = 4, EACH = 100 };

static void *publisher(void *arg) {
    for (int i = 0; i < EACH; i++)
        if (http_publish(arg, "alert", (uint64_t)i + 1, "{\"same\":\"for all\"}") < 0)
            return arg;
    return NULL;
}

static int count(const char *what) {
    int n = 0;
    for (const char *at = strstr(reply, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

static void many_streams_hear_all(void **state) {
    (void)state;
    int fds[CLIENTS];
    pthread_t threads[PUBLISHERS];
    void *failed;
    log_in();
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = stream_open(NULL);
    assert_int_equal(http_streams(http), CLIENTS);
    for (int i = 0; i < PUBLISHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publisher, http), 0);
    for (int i = 0; i < PUBLISHERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(http_publish(http, "last", 0, "{}"), 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(hear(fds[i], "event: last", 5000));
        assert_int_equal(count("for all"), PUBLISHERS * EACH);
        close(fds[i]);
    }
}

/* Streams that are open, and one that never reads, do not hold up the end (teardown). */
static void stops_with_streams_open(void **state) {
    (void)state;
    static char json[HTTP_EVENT_MAX];
    memset(json, '1', sizeof json - 1);
    log_in();
    stream_open(NULL);
    stream_open(NULL);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(http_publish(http, "alert", (uint64_t)i + 1, json), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(serves_its_files_only),        TEST(a_known_file_is_not_sent_again),
        TEST(every_answer_is_guarded),      TEST(starts_only_with_its_files),
        TEST(huge_bodies_are_refused),      TEST(garbage_does_no_harm),
        TEST(speaks_tls_and_nothing_old),   TEST(a_stream_needs_a_login),
        TEST(events_arrive_in_order),       TEST(a_browser_that_comes_back_misses_nothing),
        TEST(a_stream_ends_with_its_login), TEST(many_streams_hear_all),
        TEST(stops_with_streams_open),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
