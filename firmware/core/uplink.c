#include "uplink.h"

static int no_fd(void *ctx) {
    (void)ctx;
    return ERR_NOTCONN;
}

static int no_connect(void *ctx) {
    (void)ctx;
    return ERR_NOTCONN;
}

static void nothing(void *ctx) {
    (void)ctx;
}

static int no_publish(void *ctx, const char *topic, const void *payload, size_t len) {
    (void)ctx;
    (void)topic;
    (void)payload;
    (void)len;
    return ERR_NOTCONN;
}

static int no_event(void *ctx, struct uplink_event *ret_event) {
    (void)ctx;
    (void)ret_event;
    return 0;
}

struct uplink uplink_none(void) {
    return (struct uplink){.fd = no_fd,
                           .connect = no_connect,
                           .disconnect = nothing,
                           .publish = no_publish,
                           .next = no_event,
                           .close = nothing};
}
