/* uplink_stall_test: no call of uplink_paho waits, whatever the network does: a name server that
 * does not answer (getaddrinfo is this program's own), a broker that accepts and says nothing, an
 * address that swallows everything, a broker frozen in mid-traffic; and all is well again after. */
#include "batch.h"
#include "test_broker.h"
#include "uplink_contract.h"
#include "uplink_paho.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LIMIT_MS = 200, /* a call takes microseconds; the rest is for a busy machine */
    CLOSE_LIMIT_MS = 4500,
    LOOKUP_MS = 7000, /* longer than an attempt may take */
    ATTEMPT_MS = 6000 /* connect_max_s, and the grace that Paho is given */
};

/* As in uplink_test.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libpaho-mqtt3as";
}

static struct test_broker broker;
static atomic_bool name_server_dead;
static atomic_int look_ups;

static void pause_ms(int ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (atomic_load(&name_server_dead)) {
        (void)atomic_fetch_add(&look_ups, 1);
        pause_ms(LOOKUP_MS);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, ret_list);
}

static int64_t now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- calls, timed ---- */

static int64_t begun_ms;

static void begin_call(void) {
    begun_ms = now_ms();
}

static void end_call(const char *what) {
    int64_t took_ms = now_ms() - begun_ms;
    if (took_ms > LIMIT_MS)
        fail_msg("%s kept the loop waiting for %d ms", what, (int)took_ms);
}

static int connect_timed(const struct uplink *u) {
    begin_call();
    int r = u->connect(u->ctx);
    end_call("connect");
    return r;
}

static void disconnect_timed(const struct uplink *u) {
    begin_call();
    u->disconnect(u->ctx);
    end_call("disconnect");
}

static int publish_timed(const struct uplink *u) {
    static uint8_t payload[WIRE_PAYLOAD_MAX];
    begin_call();
    int r = u->publish(u->ctx, "mw/1/kit-1/e", payload, sizeof payload);
    end_call("publish");
    return r;
}

/* The last event's kind, -1 if there was none. */
static int next_timed(const struct uplink *u) {
    struct uplink_event event;
    int kind = -1;
    for (int r = 1; r == 1;) {
        begin_call();
        r = u->next(u->ctx, &event);
        end_call("next");
        kind = r == 1 ? (int)event.kind : kind;
    }
    return kind;
}

static void close_timed(const struct uplink *u) {
    int64_t since_ms = now_ms();
    u->close(u->ctx);
    assert_in_range(now_ms() - since_ms, 0, CLOSE_LIMIT_MS);
}

/* What a sender may do, and oftener than it does. */
static void use_for(const struct uplink *u, int ms) {
    int64_t until_ms = now_ms() + ms;
    for (int i = 0; now_ms() < until_ms; i++) {
        (void)next_timed(u);
        (void)connect_timed(u);
        for (int k = 0; k < 3; k++)
            (void)publish_timed(u);
        if (i % 40 == 39)
            disconnect_timed(u);
        if (i % 80 == 79)
            (void)connect_timed(u);
        pause_ms(20);
    }
}

static struct uplink open_at(uint16_t port) {
    struct uplink u;
    const struct uplink_paho_conf conf = {
        .host = "localhost",
        .port = port,
        .ca_path = test_broker_path(&broker, "ca.pem"),
        .cert_path = test_broker_path(&broker, "kit-1.pem"),
        .key_path = test_broker_path(&broker, "kit-1.key"),
        .device = "kit-1",
        .keepalive_s = 60,
        .connect_max_s = ATTEMPT_MS / 1000 - 5,
        .puback_max_s = 20,
    };
    assert_int_equal(uplink_paho_open(&conf, &u, NULL), 0);
    return u;
}

static int threads(void) {
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static void expect_threads(int count) {
    for (int i = 0; i < 300 && threads() != count; i++)
        pause_ms(50);
    assert_int_equal(threads(), count);
}

/* ---- what the network does ---- */

static int make_broker(void **state) {
    (void)state;
    test_broker_make(&broker);
    return 0;
}

static int free_broker(void **state) {
    (void)state;
    test_broker_free(&broker);
    return 0;
}

static int settle(void **state) {
    (void)state;
    atomic_store(&name_server_dead, false);
    test_broker_stop(&broker, SIGKILL);
    return 0;
}

static void test_name_server(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_at(broker.port);
    atomic_store(&name_server_dead, true);
    atomic_store(&look_ups, 0);
    assert_int_equal(connect_timed(&u), 0);
    int64_t until_ms = now_ms() + ATTEMPT_MS + 1000;
    int kind = -1;
    while ((kind = next_timed(&u)) < 0 && now_ms() < until_ms)
        pause_ms(10);
    assert_int_equal(kind, UPLINK_DOWN);
    assert_non_null(strstr(uplink_paho_last_error(&u), "name server"));
    use_for(&u, 1500);
    assert_int_not_equal(atomic_load(&look_ups), 0);
    /* The name server is back: so is the link, although the look-up of before still hangs. */
    atomic_store(&name_server_dead, false);
    for (int i = 0; i < 1500 && kind != UPLINK_UP; i++) {
        (void)connect_timed(&u);
        kind = next_timed(&u);
        pause_ms(10);
    }
    assert_int_equal(kind, UPLINK_UP);
    assert_true(publish_timed(&u) >= 0);
    (void)uplink_expect(&u, UPLINK_PUBACK);
    close_timed(&u);
}

/* The end does not wait for a look-up either, and leaves nothing behind once that has ended. */
static void test_close(void **state) {
    (void)state;
    int before = threads();
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_at(broker.port);
    atomic_store(&look_ups, 0);
    atomic_store(&name_server_dead, true);
    assert_int_equal(connect_timed(&u), 0);
    while (atomic_load(&look_ups) == 0)
        pause_ms(10);
    close_timed(&u);
    assert_true(threads() > before);
    expect_threads(before);
}

/* A socket that listens on a free port of its own. */
static int listen_somewhere(int backlog, struct sockaddr_in *ret_at) {
    socklen_t len = sizeof *ret_at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret_at =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)ret_at, len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_at, &len), 0);
    return fd;
}

static void test_mute(void **state) {
    (void)state;
    struct sockaddr_in at;
    int before = threads(), fd = listen_somewhere(64, &at);
    struct uplink u = open_at(ntohs(at.sin_port));
    use_for(&u, 2500);
    close_timed(&u);
    expect_threads(before);
    (void)close(fd);
}

static void test_black_hole(void **state) {
    (void)state;
    struct sockaddr_in at;
    /* What finds the queue of a listener full is dropped without an answer. */
    int before = threads(), fd = listen_somewhere(0, &at), fillers[3];
    for (int i = 0; i < 3; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    struct uplink u = open_at(ntohs(at.sin_port));
    use_for(&u, 2500);
    close_timed(&u);
    expect_threads(before);
    for (int i = 0; i < 3; i++)
        (void)close(fillers[i]);
    (void)close(fd);
}

static void test_frozen(void **state) {
    (void)state;
    int before = threads();
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_at(broker.port);
    assert_int_equal(connect_timed(&u), 0);
    (void)uplink_expect(&u, UPLINK_UP);
    assert_int_equal(kill(broker.pid, SIGSTOP), 0);
    int sent = 0;
    while (publish_timed(&u) >= 0)
        sent++;
    assert_in_range(sent, 16, 64);
    assert_int_equal(publish_timed(&u), ERR_AGAIN);
    disconnect_timed(&u);
    use_for(&u, 2500);
    close_timed(&u);
    expect_threads(before);
    assert_int_equal(kill(broker.pid, SIGCONT), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_name_server, settle),
        cmocka_unit_test_teardown(test_close, settle),
        cmocka_unit_test_teardown(test_mute, settle),
        cmocka_unit_test_teardown(test_black_hole, settle),
        cmocka_unit_test_teardown(test_frozen, settle),
    };
    return cmocka_run_group_tests(tests, make_broker, free_broker);
}
