#include "uplink_contract.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

enum { PATIENCE_MS = 15000 };

static int64_t now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int uplink_await(const struct uplink *uplink, int timeout_ms, struct uplink_event *ret_event) {
    int64_t until = now_ms() + timeout_ms;
    for (;;) {
        if (uplink->next(uplink->ctx, ret_event) == 1)
            return 1;
        int64_t left = until - now_ms();
        struct pollfd fd = {.fd = uplink->fd(uplink->ctx), .events = POLLIN};
        if (left <= 0 || poll(&fd, 1, (int)left) == 0)
            return 0;
    }
}

struct uplink_event uplink_expect(const struct uplink *uplink, enum uplink_kind kind) {
    struct uplink_event event;
    assert_int_equal(uplink_await(uplink, PATIENCE_MS, &event), 1);
    assert_int_equal(event.kind, kind);
    return event;
}

static void publish_and_hear(const struct uplink *u, int count) {
    bool answered[8] = {false};
    int tokens[8];
    for (int i = 0; i < count; i++) {
        tokens[i] = u->publish(u->ctx, "mw/1/kit-1/e", "payload", 7);
        assert_true(tokens[i] >= 0);
    }
    for (int i = 0; i < count; i++) {
        int token = uplink_expect(u, UPLINK_PUBACK).detail, which = 0;
        while (which < count && (tokens[which] != token || answered[which]))
            which++;
        assert_true(which < count);
        answered[which] = true;
    }
}

void uplink_keeps_contract(const struct uplink *u) {
    struct uplink_event event;
    assert_int_equal(u->publish(u->ctx, "mw/1/kit-1/e", "x", 1), ERR_NOTCONN);
    assert_int_equal(u->next(u->ctx, &event), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(u->connect(u->ctx), 0);
        (void)uplink_expect(u, UPLINK_UP);
        assert_int_equal(u->connect(u->ctx), ERR_BUSY);
        publish_and_hear(u, 8);
        u->disconnect(u->ctx);
        assert_int_equal(u->publish(u->ctx, "mw/1/kit-1/e", "x", 1), ERR_NOTCONN);
        assert_int_equal(uplink_await(u, 50, &event), 0);
    }
}
