/* uplink: the seam between the sender and a broker.
 *
 * QoS 1, several publishes in flight, nothing stored here: the spool is the store.  A PUBACK is the
 * broker's word and frees nothing; it is reported only so that the link's health is known.
 *
 * Implementations: firmware/port/uplink_paho.c; the lossy broker of tests/sim.
 * Contract: tests/port/uplink_contract.h.  No function but close may wait for the network: edges,
 * siren and watchdog share the caller's thread.  Threads: the loop's; Paho's threads end in a
 * bounded queue behind fd().  Memory: taken at open (Paho's own is the documented exception). */
#ifndef MOORWATCH_UPLINK_H
#define MOORWATCH_UPLINK_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

enum uplink_kind {
    UPLINK_UP,      /* connected and subscribed to the acknowledgements */
    UPLINK_DOWN,    /* was up, or did not come up; detail: enum err */
    UPLINK_PUBACK,  /* detail: the token that publish returned */
    UPLINK_MESSAGE, /* data, len: an acknowledgement's payload */
};

enum { UPLINK_MESSAGE_MAX = 512 };

struct uplink_event {
    enum uplink_kind kind;
    int detail;
    size_t len;
    uint8_t data[UPLINK_MESSAGE_MAX];
};

struct uplink {
    void *ctx;
    int (*fd)(void *ctx); /* readable when events wait */
    /* Begins to connect; the outcome comes as UPLINK_UP or UPLINK_DOWN. */
    int (*connect)(void *ctx);
    void (*disconnect)(void *ctx);
    /* Hands a payload over; it is copied.  Returns a token >= 0; ERR_NOTCONN; ERR_AGAIN (as many
     * as fit wait for their PUBACK); ERR_INVAL (longer than WIRE_PAYLOAD_MAX). */
    int (*publish)(void *ctx, const char *topic, const void *payload, size_t len);
    /* The next waiting event: 1, or 0 if there is none. */
    int (*next)(void *ctx, struct uplink_event *ret_event);
    void (*close)(void *ctx);
};

/* No link: every attempt fails at once, nothing is ever heard.  Guarded by the fleet's history
 * (tests/tools/history_test.c) and by daemon_test.py: certificates that cannot be meant. */
struct uplink uplink_none(void);

#endif
