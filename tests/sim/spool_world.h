/* spool_world: what the outside knows about one spool, and random work on it.
 *
 * The world keeps its own account of what was appended, what was said to be durable, which payload
 * left under which number and what was acknowledged, and finds where the spool breaks a promise of
 * spool.h.  It stands for the sender and an honest collector.  Shared by power_test and fault_test.
 */
#ifndef MOORWATCH_SIM_SPOOL_WORLD_H
#define MOORWATCH_SIM_SPOOL_WORLD_H

#include "sim_disk.h"
#include "spool.h"

enum { WORLD_SERIALS = 256, WORLD_SHOWN = 128, WORLD_BATCH = 12, WORLD_TOLD = 32 };

/* A payload that has left the device. */
struct world_shown {
    uint64_t spool_id, seq, sum;
    bool acked;
    unsigned count;
    uint16_t serials[WORLD_BATCH];
};

struct world {
    uint64_t random;
    const struct sim_disk *disk;
    uint64_t lives; /* boots so far: the source of boot and fresh ids */
    unsigned next_serial;
    bool accepted[WORLD_SERIALS], unsynced[WORLD_SERIALS], durable[WORLD_SERIALS],
        sealed_out[WORLD_SERIALS];
    unsigned shown_count;
    struct world_shown shown[WORLD_SHOWN];
    unsigned told_count;
    struct spool_drop told[WORLD_TOLD];
    uint64_t told_events;
    uint64_t saved_number; /* the cursor was said to be saved up to here */
    bool pressure;         /* the quota or the disk may have taken something */
    bool faulty;           /* the disk may fail: errors are no violation */
    const char *violation; /* NULL: none */
};

struct world_conf {
    struct spool_conf spool;
    unsigned steps;
};

void world_init(struct world *w, uint64_t seed, bool pressure);
/* Opens the spool as a new boot; false if that failed. */
bool world_open(struct world *w, struct spool *s, struct sim_disk *d,
                const struct spool_conf *conf);
/* Random work until `steps` are done, the power goes or a promise is broken. */
void world_work(struct world *w, struct spool *s, struct sim_disk *d, const struct spool_conf *conf,
                unsigned steps);
/* Right after a reboot: numbers, what has left, the saved cursor, the size on the disk. */
void world_check(struct world *w, struct spool *s, struct sim_disk *d,
                 const struct spool_conf *conf);
/* Seals, sends and acknowledges all that is left; then every durable event must have arrived. */
void world_drain(struct world *w, struct spool *s);

#endif
