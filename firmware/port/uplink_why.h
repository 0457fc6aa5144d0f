/* uplink_why: why a broker cannot be reached, in words that say what to do.
 *
 * Paho's own are "TCP/TLS connect failure" for nearly everything, and what the broker objects to in
 * TLS 1.3 (its alert comes after the handshake) is lost between its threads; so the words come from
 * OpenSSL's reason where there is one, from CONNACK's code, and else from knocking once more with a
 * plain TCP connection.
 * Guarded by tests/port/uplink_test.c.  Memory: static text.  Threads: any; blocks for a
 * name look-up and PROBE_MS for each address. */
#ifndef MOORWATCH_UPLINK_WHY_H
#define MOORWATCH_UPLINK_WHY_H

#include <stdint.h>

/* tls: OpenSSL's last reason, "" if none; code, message: Paho's, message may be NULL. */
const char *uplink_why(const char *host, uint16_t port, const char *tls, int code,
                       const char *message);

#endif
