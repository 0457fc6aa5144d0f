/* uplink_test: uplink_paho against a real broker, willing, killed, frozen, strange and absent. */
#include "batch.h"
#include "test_broker.h"
#include "uplink_contract.h"
#include "uplink_paho.h"
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Paho 1.3.12 sometimes forgets a list element of a socket whose connect is cut off (two
 * allocations, some 50 bytes, seen about once in 30 connects to a dead broker). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libpaho-mqtt3as";
}

static struct test_broker broker;
static uint16_t puback_max_s = 20; /* a busy machine is no dead link */

static int threads(void) {
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static int threads_at_start;

/* Paho's threads say that they have stopped a moment before they are gone. */
static void expect_no_threads(void) {
    for (int i = 0; i < 200 && threads() != threads_at_start; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(threads(), threads_at_start);
}

static void *nothing(void *ctx) {
    return ctx;
}

static int make_broker(void **state) {
    (void)state;
    /* ThreadSanitizer's own thread begins with the first of ours. */
    pthread_t first;
    assert_int_equal(pthread_create(&first, NULL, nothing, NULL), 0);
    assert_int_equal(pthread_join(first, NULL), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    threads_at_start = threads();
    test_broker_make(&broker);
    return 0;
}

static int free_broker(void **state) {
    (void)state;
    test_broker_free(&broker);
    return 0;
}

static int stop_broker(void **state) {
    (void)state;
    test_broker_stop(&broker, SIGKILL);
    return 0;
}

static struct uplink open_as(const char *certificate) {
    char cert[64], key[64];
    (void)snprintf(cert, sizeof cert, "%s.pem", certificate);
    (void)snprintf(key, sizeof key, "%s.key", certificate);
    struct uplink_paho_conf conf = {
        .host = "localhost",
        .port = broker.port,
        .ca_path = test_broker_path(&broker, "ca.pem"),
        .cert_path = test_broker_path(&broker, cert),
        .key_path = test_broker_path(&broker, key),
        .device = "kit-1",
        .keepalive_s = 60,
        .connect_max_s = 5,
        .puback_max_s = puback_max_s,
    };
    struct uplink u;
    assert_int_equal(uplink_paho_open(&conf, &u, NULL), 0);
    return u;
}

static struct uplink open_up(void) {
    struct uplink u = open_as("kit-1");
    assert_int_equal(u.connect(u.ctx), 0);
    (void)uplink_expect(&u, UPLINK_UP);
    return u;
}

static const char *status(void) {
    return test_broker_client(&broker, "mosquitto_sub", "-t mw/1/kit-1/status -C 1 -W 5");
}

static void test_contract(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_as("kit-1");
    uplink_keeps_contract(&u);
    assert_string_equal(status(), "offline");
    u.close(u.ctx);
}

static void test_both_ways(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_up();
    assert_string_equal(status(), "online");
    static uint8_t big[WIRE_PAYLOAD_MAX + 1];
    memset(big, 'x', sizeof big);
    assert_int_equal(u.publish(u.ctx, "mw/1/kit-1/e", big, sizeof big), ERR_INVAL);
    assert_true(u.publish(u.ctx, "mw/1/kit-1/e", big, sizeof big - 1) >= 0);
    (void)uplink_expect(&u, UPLINK_PUBACK);
    /* retained by the device's own client, so that it can be looked at afterwards */
    (void)test_broker_client(&broker, "mosquitto_pub", "-q 1 -t mw/1/kit-1/ack -m hello");
    struct uplink_event got = uplink_expect(&u, UPLINK_MESSAGE);
    assert_int_equal(got.len, 5);
    assert_memory_equal(got.data, "hello", 5);
    (void)test_broker_client(&broker, "mosquitto_pub",
                             "-q 1 -t mw/1/kit-1/ack -m $(printf %0513d 0)");
    (void)test_broker_client(&broker, "mosquitto_pub", "-q 1 -t mw/1/kit-1/ack -n");
    assert_int_equal(uplink_expect(&u, UPLINK_MESSAGE).len, 0);
    assert_int_equal(uplink_paho_refused(&u), 1);
    u.close(u.ctx);
    assert_string_equal(status(), "offline");
}

/* What is published arrives at somebody else, byte for byte. */
static void test_arrives(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_up();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(
            strcmp(test_broker_client(&broker, "mosquitto_sub", "-t mw/1/kit-1/a -C 1 -W 10 -F %x"),
                   "00ff7a") != 0);
    int code = -1;
    for (int i = 0; i < 100 && waitpid(child, &code, WNOHANG) == 0; i++) {
        struct uplink_event event;
        assert_true(u.publish(u.ctx, "mw/1/kit-1/a", "\x00\xff\x7a", 3) >= 0);
        (void)uplink_expect(&u, UPLINK_PUBACK);
        (void)uplink_await(&u, 50, &event);
    }
    assert_int_equal(code, 0);
    u.close(u.ctx);
}

static void test_killed_and_back(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_up();
    for (int round = 0; round < 3; round++) {
        struct uplink_event event;
        test_broker_stop(&broker, SIGKILL);
        (void)uplink_expect(&u, UPLINK_DOWN);
        assert_int_equal(uplink_await(&u, 50, &event), 0);
        assert_int_equal(u.connect(u.ctx), 0);
        (void)uplink_expect(&u, UPLINK_DOWN);
        assert_non_null(strstr(uplink_paho_last_error(&u), "nothing listens there"));
        test_broker_start(&broker, "broker", false);
        assert_int_equal(u.connect(u.ctx), 0);
        (void)uplink_expect(&u, UPLINK_UP);
        assert_true(u.publish(u.ctx, "mw/1/kit-1/e", "x", 1) >= 0);
        (void)uplink_expect(&u, UPLINK_PUBACK);
    }
    u.close(u.ctx);
    expect_no_threads();
}

/* A broker that no longer answers, with the connection still open. */
static void test_frozen(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    puback_max_s = 1;
    struct uplink u = open_up();
    puback_max_s = 20;
    assert_int_equal(kill(broker.pid, SIGSTOP), 0);
    int sent = 0;
    while (u.publish(u.ctx, "mw/1/kit-1/e", "x", 1) >= 0)
        sent++;
    assert_int_equal(sent, 32);
    assert_int_equal(u.publish(u.ctx, "mw/1/kit-1/e", "x", 1), ERR_AGAIN);
    assert_int_equal(uplink_expect(&u, UPLINK_DOWN).detail, ERR_TIMEDOUT);
    assert_non_null(strstr(uplink_paho_last_error(&u), "not answered"));
    assert_int_equal(kill(broker.pid, SIGCONT), 0);
    assert_int_equal(u.connect(u.ctx), 0);
    (void)uplink_expect(&u, UPLINK_UP);
    u.close(u.ctx);
}

/* What an attempt that is over had still to say is not heard. */
static void test_over(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    struct uplink u = open_up();
    test_broker_stop(&broker, SIGKILL);
    struct pollfd fd = {.fd = u.fd(u.ctx), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1); /* the DOWN waits */
    u.disconnect(u.ctx);
    test_broker_start(&broker, "broker", false);
    assert_int_equal(u.connect(u.ctx), 0);
    (void)uplink_expect(&u, UPLINK_UP);
    u.close(u.ctx);
}

/* A device that dies leaves its last will. */
static void test_last_will(void **state) {
    (void)state;
    test_broker_start(&broker, "broker", false);
    expect_no_threads(); /* the child is to begin new ones */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct uplink u = open_up();
        _exit(u.ctx == NULL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    const char *said = "";
    for (int i = 0; i < 50 && strcmp(said, "offline") != 0; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        said = status();
    }
    assert_string_equal(said, "offline");
}

static void expect_refusal(const char *broker_cert, const char *device_cert, bool only_tls12,
                           const char *words) {
    test_broker_start(&broker, broker_cert, only_tls12);
    struct uplink u = open_as(device_cert);
    assert_int_equal(u.connect(u.ctx), 0);
    (void)uplink_expect(&u, UPLINK_DOWN);
    printf("  %s\n", uplink_paho_last_error(&u));
    assert_non_null(strstr(uplink_paho_last_error(&u), words));
    u.close(u.ctx);
    test_broker_stop(&broker, SIGKILL);
}

static void test_refused(void **state) {
    (void)state;
    expect_refusal("broker-strange", "kit-1", false, "the broker's certificate is refused");
    expect_refusal("broker-expired", "kit-1", false, "the broker's certificate is refused");
    expect_refusal("broker", "kit-1-strange", false, "this device's certificate");
    expect_refusal("broker", "kit-1-expired", false, "this device's certificate");
    expect_refusal("broker", "kit-1", true, "does not speak TLS 1.3");
}

static void test_missing(void **state) {
    (void)state;
    struct uplink u;
    const char *path = NULL;
    struct uplink_paho_conf conf = {
        .host = "localhost",
        .port = broker.port,
        .ca_path = test_broker_path(&broker, "ca.pem"),
        .cert_path = test_broker_path(&broker, "none.pem"),
        .key_path = test_broker_path(&broker, "kit-1.key"),
        .device = "kit-1",
        .connect_max_s = 5,
        .puback_max_s = 5,
    };
    assert_int_equal(uplink_paho_open(&conf, &u, &path), ERR_NOENT);
    assert_ptr_equal(path, conf.cert_path);
    conf.device = "Kit";
    assert_int_equal(uplink_paho_open(&conf, &u, NULL), ERR_INVAL);
    conf.device = "kit-1";
    conf.cert_path = test_broker_path(&broker, "kit-1.pem");
    conf.key_path = test_broker_path(&broker, "broker.key");
    assert_int_equal(uplink_paho_open(&conf, &u, &path), ERR_KEY);
    assert_ptr_equal(path, conf.key_path);
    conf.key_path = test_broker_path(&broker, "kit-1.pem");
    assert_int_equal(uplink_paho_open(&conf, &u, &path), ERR_KEY);
    conf.key_path = test_broker_path(&broker, "kit-1.key");
    conf.device = "kit-2";
    assert_int_equal(uplink_paho_open(&conf, &u, &path), ERR_PERM);
    assert_ptr_equal(path, conf.cert_path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_contract, stop_broker),
        cmocka_unit_test_teardown(test_both_ways, stop_broker),
        cmocka_unit_test_teardown(test_arrives, stop_broker),
        cmocka_unit_test_teardown(test_killed_and_back, stop_broker),
        cmocka_unit_test_teardown(test_frozen, stop_broker),
        cmocka_unit_test_teardown(test_over, stop_broker),
        cmocka_unit_test_teardown(test_last_will, stop_broker),
        cmocka_unit_test_teardown(test_refused, stop_broker),
        cmocka_unit_test_teardown(test_missing, stop_broker),
    };
    return cmocka_run_group_tests(tests, make_broker, free_broker);
}
