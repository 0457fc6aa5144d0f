/* test_broker: a real mosquitto of the test's own: certificates made on the spot, a free loopback
 * port, started and stopped by its process id. */
#ifndef MOORWATCH_TEST_BROKER_H
#define MOORWATCH_TEST_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct test_broker {
    char dir[64]; /* ca.pem, broker.pem, kit-1.pem ... and their .key */
    uint16_t port;
    pid_t pid;
};

/* Makes the directory and a CA with certificates for the broker (localhost) and kit-1; further
 * ones, signed by a stranger or expired, as <name>-strange and <name>-expired. */
void test_broker_make(struct test_broker *b);
/* Starts it with that certificate ("broker"); `only_tls12` caps what it speaks. */
void test_broker_start(struct test_broker *b, const char *certificate, bool only_tls12);
void test_broker_stop(struct test_broker *b, int signal);
void test_broker_free(struct test_broker *b);
/* dir/name; the text lasts for eight calls. */
const char *test_broker_path(const struct test_broker *b, const char *name);
/* Runs `<command> -h localhost -p PORT (kit-1's certificate) <arguments>`; returns what it wrote,
 * static, without its last newline. */
const char *test_broker_client(const struct test_broker *b, const char *command,
                               const char *arguments);

#endif
