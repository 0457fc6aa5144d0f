#include "test_broker.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* -days -1: not valid since yesterday. */
static const char MAKE[] =
    "set -e; cd \"$0\"; exec >make.log 2>&1\n"
    "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "ca() { key $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days 2 -out $1.pem; }\n"
    "sign() { key $1; openssl req -new -key $1.key -subj /CN=$2 |"
    " openssl x509 -req -CA $3.pem -CAkey $3.key -CAcreateserial -days $4 -extfile san -out "
    "$1.pem; }\n"
    "echo subjectAltName=DNS:localhost,IP:127.0.0.1 >san\n"
    "ca ca; ca stranger\n"
    "for who in broker kit-1; do\n"
    " sign $who $who ca 2; sign $who-strange $who stranger 2; sign $who-expired $who ca -1\n"
    "done\n"
    "printf 'openssl_conf=a\\n[a]\\nssl_conf=b\\n[b]\\nsystem_default=c\\n[c]\\n"
    "MaxProtocol=TLSv1.2\\n' >tls12.cnf\n";

const char *test_broker_path(const struct test_broker *b, const char *name) {
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", b->dir, name);
    return path;
}

/* Runs argv to its end. */
static int run(char *const *argv) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static uint16_t free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

void test_broker_make(struct test_broker *b) {
    *b = (struct test_broker){.dir = "/tmp/uplink-test-XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)MAKE, b->dir, NULL};
    assert_int_equal(run(argv), 0);
    b->port = free_port();
}

void test_broker_free(struct test_broker *b) {
    test_broker_stop(b, SIGKILL);
    char *argv[] = {"rm", "-rf", b->dir, NULL};
    assert_int_equal(run(argv), 0);
}

static bool answers(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    (void)close(fd);
    return ok;
}

static void write_conf(const struct test_broker *b, const char *certificate) {
    FILE *f = fopen(test_broker_path(b, "broker.conf"), "w");
    assert_non_null(f);
    fprintf(f,
            "user root\nlog_dest file %s/broker.log\nlistener %u 127.0.0.1\n"
            "cafile %s/ca.pem\ncertfile %s/%s.pem\nkeyfile %s/%s.key\n"
            "require_certificate true\nuse_identity_as_username true\n"
            "acl_file %s/acl\n",
            b->dir, (unsigned)b->port, b->dir, b->dir, certificate, b->dir, certificate, b->dir);
    assert_int_equal(fclose(f), 0);
    f = fopen(test_broker_path(b, "acl"), "w");
    assert_non_null(f);
    fprintf(f, "user kit-1\ntopic readwrite mw/1/kit-1/#\n");
    assert_int_equal(fclose(f), 0);
}

void test_broker_start(struct test_broker *b, const char *certificate, bool only_tls12) {
    write_conf(b, certificate);
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(quiet, STDERR_FILENO);
        if (only_tls12)
            (void)setenv("OPENSSL_CONF", test_broker_path(b, "tls12.cnf"), 1);
        (void)execl("/usr/sbin/mosquitto", "mosquitto", "-c", test_broker_path(b, "broker.conf"),
                    (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(b->port); i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_true(answers(b->port));
}

void test_broker_stop(struct test_broker *b, int signal) {
    if (b->pid <= 0)
        return;
    (void)kill(b->pid, signal);
    (void)waitpid(b->pid, NULL, 0);
    b->pid = 0;
}

const char *test_broker_client(const struct test_broker *b, const char *command,
                               const char *arguments) {
    static char out[4096];
    char line[1024];
    (void)snprintf(
        line, sizeof line,
        "%s -h localhost -p %u --cafile %s/ca.pem --cert %s/kit-1.pem --key %s/kit-1.key "
        "%s 2>&1",
        command, (unsigned)b->port, b->dir, b->dir, b->dir, arguments);
    FILE *f = popen(line, "r"); /* the command is this test's own text */
    assert_non_null(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    (void)pclose(f);
    n -= n > 0 && out[n - 1] == '\n';
    out[n] = '\0';
    return out;
}
