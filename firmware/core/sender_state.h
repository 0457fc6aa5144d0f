/* sender_state: what a struct sender is made of.  Included by sender.h only; look, don't touch. */
#ifndef MOORWATCH_SENDER_STATE_H
#define MOORWATCH_SENDER_STATE_H

enum { SENDER_FLIGHTS_MAX = 32 };

/* A batch that was published and is not acknowledged yet. */
struct sender_flight {
    enum event_class cls;
    struct spool_pending batch;
    int64_t sent_ns;
};

/* What is open in one class. */
struct sender_open {
    int64_t oldest_ns;   /* acceptance of the oldest unsealed event; INT64_MAX: none */
    int64_t unsynced_ns; /* acceptance of the oldest event that is not durable; INT64_MAX: none */
    uint32_t unsynced;
    int64_t retry_ns; /* the disk failed: not before this */
    int64_t save_ns;  /* save the cursor by then; INT64_MAX: nothing to save */
    bool fault;       /* told by a FAULT_STORAGE event that is active */
    bool has_last;
    struct spool_pending last; /* the newest published since the link came up */
    bool has_sent;
    uint64_t sent_number; /* of the newest record ever published: below it is a resend */
};

/* For health. */
struct sender_counters {
    uint32_t accepted, published, resent, acks, acks_refused, link_drops, storage_errors;
    uint32_t gaps_told, damaged;
};

enum sender_link { SENDER_DOWN, SENDER_CONNECTING, SENDER_UP };

struct sender {
    struct sender_conf conf;
    struct spool *spools[CLASS_COUNT];
    const struct seal_signer *signer;
    const struct seal_key *collector_key;
    uint64_t boot_id;
    uint64_t random;
    struct spool_anchor anchor; /* of this boot; quality 0: none yet */
    enum sender_link link;
    int64_t connect_ns; /* DOWN: not before this; CONNECTING: given up by then */
    int64_t publish_ns; /* the link was full: not before this */
    unsigned failures;  /* connections that failed in a row */
    struct sender_open open[CLASS_COUNT];
    unsigned flight_count;
    struct sender_flight flights[SENDER_FLIGHTS_MAX]; /* in order of first publication */
    struct sender_counters counters;
    struct event events[WIRE_EVENTS_MAX];
    uint8_t payload[WIRE_PAYLOAD_MAX];
};

#endif
