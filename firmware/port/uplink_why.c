#include "uplink_why.h"
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROBE_MS = 1000 };

struct reason {
    const char *sign, *words;
};

static const struct reason REASONS[] = {
    {"certificate verify failed", "the broker's certificate is refused: signed by another CA than "
                                  "ours, expired, or this device's clock is wrong"},
    {"alert certificate expired", "the broker says that this device's certificate has expired"},
    {"alert certificate revoked", "the broker says that this device's certificate is revoked"},
    {"alert unknown ca", "the broker does not know the CA of this device's certificate"},
    {"alert bad certificate", "the broker refuses this device's certificate"},
    {"alert certificate unknown", "the broker refuses this device's certificate"},
    {"protocol version", "the broker does not speak TLS 1.3"},
    {"unsupported protocol", "the broker does not speak TLS 1.3"},
    {"wrong version number", "what answers on that port does not speak TLS"},
};

/* CONNACK's return codes (MQTT 3.1.1, table 3.1). */
static const char *const REFUSALS[] = {
    NULL,
    "the broker does not speak MQTT 3.1.1",
    "the broker does not accept this device's name",
    "the broker is not available",
    "the broker refuses this device (bad user or certificate name)",
    "the broker does not allow this device (is it enrolled, or revoked?)",
};

static int knock_one(const struct addrinfo *at) {
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int error = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (error == EINPROGRESS) {
        socklen_t len = sizeof error;
        error = ETIMEDOUT;
        if (poll(&p, 1, PROBE_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
    }
    (void)close(fd);
    return error;
}

static const char *knock(const char *host, uint16_t port) {
    char service[8];
    struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &want, &list) != 0)
        return "the broker's name is not known: is there a network, is the name right?";
    int error = ECONNREFUSED;
    for (const struct addrinfo *at = list; at != NULL && error != 0; at = at->ai_next)
        error = knock_one(at);
    freeaddrinfo(list);
    if (error == 0)
        return "the broker hangs up: does it accept this device's certificate (signed by its CA, "
               "in date, not revoked)?";
    if (error == ECONNREFUSED)
        return "nothing listens there: is the broker running, is the port right?";
    return error == ETIMEDOUT ? "nothing answers there in time" : "that network cannot be reached";
}

const char *uplink_why(const char *host, uint16_t port, const char *tls, int code,
                       const char *message) {
    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++)
        if (strstr(tls, REASONS[i].sign) != NULL)
            return REASONS[i].words;
    if (code > 0 && (size_t)code < sizeof REFUSALS / sizeof REFUSALS[0])
        return REFUSALS[code];
    if (message != NULL && strstr(message, "onnect") == NULL)
        return message;
    return knock(host, port);
}
