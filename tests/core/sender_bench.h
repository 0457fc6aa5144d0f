/* sender_bench: a sender on three simulated spools and a link that writes down what it is given.
 * Shared by sender_test and health_test. */
#ifndef MOORWATCH_SENDER_BENCH_H
#define MOORWATCH_SENDER_BENCH_H

#include "sender.h"
#include "sim_disk.h"

#define BENCH_SECOND INT64_C(1000000000)

enum { BENCH_SENT_MAX = 64 };

struct bench_sent {
    char topic[TOPIC_MAX];
    struct batch_header header;
    unsigned count;
    struct event events[WIRE_EVENTS_MAX];
};

struct bench {
    struct sim_disk sim;
    struct disk disk;
    struct spool spools[CLASS_COUNT];
    struct seal_signer signer, collector;
    struct seal_key collector_key;
    struct sender sender;
    struct sender_conf conf;
    struct uplink link;
    int64_t now_ns, next_ns;
    int connects;
    int refuse; /* what publish returns, if not 0 */
    unsigned count;
    struct bench_sent sent[BENCH_SENT_MAX];
};

extern struct bench bench;

/* cmocka's setup and teardown. */
int bench_begin(void **state);
int bench_end(void **state);
/* The power comes back: another boot of the daemon on the same disk. */
void bench_boot(uint64_t boot_id);
/* Lets `seconds` pass, then one step; its result. */
int bench_step(int64_t seconds);
void bench_up(void);
void bench_down(void);
int bench_accept(enum event_kind kind);
/* The collector acknowledges a class up to `upto`, signed by `signer`. */
void bench_ack(enum event_class cls, uint64_t upto, const struct seal_signer *signer);

#endif
