/* Lets the disk fail at every call of random work on a spool in turn, with every error, once, a few
 * times or until further notice; then the disk is whole again, in half of the cases after a power
 * cut, and all that was ever said to be durable must arrive.  Also: a disk that is full for good.
 *
 *   fault_test [--seed N] [--seeds K] */
#include "random.h"
#include "spool_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 40 };

static struct spool spool;
static struct sim_disk disk;

static int complain(const struct world *w, uint64_t seed, long call, int error, long count) {
    printf("FAIL: %s\n  seed %llu, call %ld, error %d, %ld times; again: fault_test --seed %llu "
           "--seeds 1\n",
           w->violation, (unsigned long long)seed, call, error, count, (unsigned long long)seed);
    return 1;
}

/* The disk is whole again: the same daemon goes on, or another boots. */
static void recover(struct world *w, const struct spool_conf *conf, bool open, uint64_t *random) {
    bool cut = random_below(random, 2) == 0;
    disk.fail_from = 0;
    if (cut)
        sim_disk_reboot(&disk, (int)random_below(random, 10), random);
    if (cut || !open) {
        w->faulty = false;
        if (!world_open(w, &spool, &disk, conf))
            return;
        world_check(w, &spool, &disk, conf);
    }
    world_work(w, &spool, &disk, conf, 10);
    w->faulty = false;
    if (w->violation == NULL)
        world_drain(w, &spool);
}

/* Returns false if the work was over before the call that should fail. */
static bool one_fault(struct world *w, uint64_t seed, long call, int error, long count) {
    const struct spool_conf conf = {
        .cls = CLASS_ALARM, .segment_bytes = 2048, .quota_bytes = 64 * 2048};
    uint64_t random = seed * 7919 + (uint64_t)call;
    sim_disk_free(&disk);
    world_init(w, seed, error == ERR_NOSPACE); /* a full disk may take the oldest */
    w->faulty = true;
    disk.fail_from = call;
    disk.fail_count = count;
    disk.fail_error = error;
    bool open = world_open(w, &spool, &disk, &conf);
    if (open)
        world_work(w, &spool, &disk, &conf, STEPS);
    bool reached = disk.calls >= call;
    if (w->violation == NULL)
        recover(w, &conf, open, &random);
    return reached;
}

static int every_call(uint64_t seed, unsigned long *runs) {
    static const int ERRORS[] = {ERR_IO, ERR_NOSPACE, ERR_READONLY};
    static const long COUNTS[] = {1, 2, 7, 1000000};
    static struct world w;
    for (unsigned e = 0; e < sizeof ERRORS / sizeof ERRORS[0]; e++)
        for (unsigned c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++)
            for (long call = 1; one_fault(&w, seed, call, ERRORS[e], COUNTS[c]); call++) {
                ++*runs;
                if (w.violation != NULL)
                    return complain(&w, seed, call, ERRORS[e], COUNTS[c]);
            }
    return 0;
}

/* Somebody else has taken the space: the spool lives in what it has. */
static int full_disk(uint64_t seed) {
    const struct spool_conf conf = {
        .cls = CLASS_ALARM, .segment_bytes = 2048, .quota_bytes = 64 * 2048};
    static struct world w;
    uint64_t random = seed;
    sim_disk_free(&disk);
    world_init(&w, seed, true);
    w.faulty = true;
    disk.capacity_bytes = 4096 + 96 + 2048 * (int64_t)(1 + seed % 4) + 100;
    if (world_open(&w, &spool, &disk, &conf))
        world_work(&w, &spool, &disk, &conf, 120);
    if (w.violation == NULL && random_below(&random, 2) == 0) {
        sim_disk_reboot(&disk, 5, &random);
        if (!world_open(&w, &spool, &disk, &conf))
            w.violation = "the spool does not open on a full disk";
    }
    if (w.violation == NULL)
        world_drain(&w, &spool);
    return w.violation != NULL ? complain(&w, seed, 0, ERR_NOSPACE, 0) : 0;
}

int main(int argc, char **argv) {
    uint64_t seed = 1;
    unsigned seeds = 8;
    unsigned long runs = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    for (uint64_t i = seed; i < seed + seeds; i++)
        if (every_call(i, &runs) != 0)
            return 1;
    for (uint64_t i = seed; i < seed + 40ul * seeds; i++)
        if (full_disk(i) != 0)
            return 1;
    printf("ok: %u workloads, %lu faults, %u full disks\n", seeds, runs, 40 * seeds);
    sim_disk_free(&disk);
    return 0;
}
