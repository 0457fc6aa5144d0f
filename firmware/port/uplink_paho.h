/* uplink_paho: the uplink over Eclipse Paho's MQTTAsync: MQTT 3.1.1, mutual TLS 1.3, QoS 1.
 *
 * Nothing is persisted by Paho and it never reconnects by itself: the sender asks for every attempt
 * with connect(), and each attempt is a fresh Paho client, so that nothing of a dead one remains.
 * While up, "online" stands retained on the device's status topic; a last will, and an orderly
 * disconnect, put "offline" there.  A link whose publishes go unanswered for puback_max_s, or whose
 * connect hangs, is given up and reported as down.
 *
 * Promises (tests/port/uplink_test.c, on a real broker): UP only after the broker has granted the
 * subscription to the acknowledgements; one DOWN for every UP or failed connect; a broker that
 * speaks only TLS 1.2, a wrong or expired certificate on either side, a missing file: each DOWN or
 * open error with words that say so.
 * No function but close waits for anything, whatever the network, a name server or Paho do
 * (tests/port/uplink_stall_test.c): a thread of ours owns the Paho client (uplink_worker.h).
 * disconnect only asks for the end; a connect that follows begins when that has come.  close waits
 * at most 4 s, then leaves a hanging look-up to its thread, which cleans up behind itself.
 * Memory: taken at open, and Paho's own (the documented exception).  Threads: all functions are the
 * loop's; one of ours, and two of Paho's while a client exists, which only copy into a bounded
 * queue (what does not fit is counted) and wake the loop. */
#ifndef MOORWATCH_UPLINK_PAHO_H
#define MOORWATCH_UPLINK_PAHO_H

#include "uplink.h"

struct uplink_paho_conf {
    const char *host;
    uint16_t port;
    const char *ca_path;   /* PEM: who may sign the broker's certificate */
    const char *cert_path; /* PEM: this device's certificate */
    const char *key_path;  /* PEM: its key, the same that signs batches */
    const char *device;    /* client id; names the topics */
    uint16_t keepalive_s;
    uint16_t connect_max_s; /* a connect takes no longer */
    uint16_t puback_max_s;  /* a publish unanswered for so long: the link is dead */
};

/* ERR_INVAL (a name or path too long or missing); and, with *ret_path naming the file at fault:
 * ERR_NOENT, ERR_ACCESS (it cannot be read), ERR_KEY (key and certificate are no P-256 pair),
 * ERR_PERM (the certificate bears another name than `device`).  ERR_NOMEM.  ret_path may be NULL.
 */
MUST int uplink_paho_open(const struct uplink_paho_conf *conf, struct uplink *ret_uplink,
                          const char **ret_path);
/* Words for the last UPLINK_DOWN that next() gave out; "" before the first.  Valid until next(). */
const char *uplink_paho_last_error(const struct uplink *uplink);
/* Messages and answers that were dropped because the queue was full. */
uint32_t uplink_paho_refused(const struct uplink *uplink);

#endif
