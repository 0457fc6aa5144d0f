/* Cuts the power at every disk operation of random work on a spool, gives what was not synced every
 * kind of fate, boots, checks the promises of spool.h, lets life go on, cuts again at some
 * operation, and sees that all that was durable arrives.
 *
 *   power_test [--seed N] [--seeds K] [--steps N] [--fates N] [--long]
 *
 * A failure prints the command that repeats it.  tests/sim/planted.sh builds it with bugs in. */
#include "random.h"
#include "spool_world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    uint64_t seed;
    unsigned seeds, steps, fates;
};

struct totals {
    unsigned long cuts, states;
};

static struct spool spool, second;
static struct sim_disk at_cut, branch;

static struct spool_conf conf_of(uint64_t seed) {
    bool tight = seed % 3 == 0;
    return (struct spool_conf){
        .cls = CLASS_ALARM, .segment_bytes = 2048, .quota_bytes = (tight ? 2 : 64) * 2048};
}

static int complain(const struct world *w, uint64_t seed, long cut, unsigned fate,
                    const char *when) {
    printf("FAIL %s: %s\n  seed %llu, cut %ld, fate %u; again: power_test --seed %llu --seeds 1\n",
           when, w->violation, (unsigned long long)seed, cut, fate, (unsigned long long)seed);
    return 1;
}

/* The life after the first cut: work, a second cut, another boot, and the account is settled. */
static void live_on(struct world *w, const struct spool_conf *conf, uint64_t *random) {
    if (!world_open(w, &second, &branch, conf))
        return;
    world_check(w, &second, &branch, conf);
    if (random_below(random, 4) != 0) {
        branch.ops = 0;
        branch.cut_at = 1 + (long)random_below(random, 60);
        world_work(w, &second, &branch, conf, 14);
        branch.cut_at = 0;
        if (branch.dead) {
            sim_disk_reboot(&branch, (int)random_below(random, 8), random);
            if (w->violation != NULL || !world_open(w, &second, &branch, conf))
                return;
            world_check(w, &second, &branch, conf);
        }
    }
    if (w->violation == NULL)
        world_drain(w, &second);
}

/* Work up to the cut; false when the work ends before it. */
static bool work_to(struct world *w, const struct spool_conf *conf, unsigned steps, long cut) {
    sim_disk_free(&at_cut);
    at_cut.cut_at = cut;
    if (world_open(w, &spool, &at_cut, conf))
        world_work(w, &spool, &at_cut, conf, steps);
    return at_cut.dead;
}

static int one_seed(const struct options *o, uint64_t seed, struct totals *t) {
    const struct spool_conf conf = conf_of(seed);
    static struct world w, after;
    for (long cut = 1;; cut++) {
        world_init(&w, seed, seed % 3 == 0);
        bool dead = work_to(&w, &conf, w.pressure ? 3 * o->steps : o->steps, cut);
        if (w.violation != NULL)
            return complain(&w, seed, cut, 0, "before the cut");
        if (!dead)
            return 0;
        t->cuts++;
        for (unsigned fate = 0; fate < o->fates; fate++) {
            uint64_t random = seed * 1000003 + (uint64_t)cut * 1009 + fate;
            sim_disk_copy(&branch, &at_cut);
            sim_disk_reboot(&branch, (int)fate, &random);
            after = w;
            after.random = random_next(&random);
            live_on(&after, &conf, &random);
            t->states++;
            if (after.violation != NULL)
                return complain(&after, seed, cut, fate, "after the cut");
        }
    }
}

static int usage(void) {
    fprintf(stderr, "usage: power_test [--seed N] [--seeds K] [--steps N] [--fates N] [--long]\n");
    return 2;
}

static bool options_read(int argc, char **argv, struct options *o) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0) {
            o->seeds = 2000;
            o->fates = 24;
            continue;
        }
        if (i + 1 == argc)
            return false;
        unsigned long long n = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--seed") == 0)
            o->seed = n;
        else if (strcmp(argv[i], "--seeds") == 0)
            o->seeds = (unsigned)n;
        else if (strcmp(argv[i], "--steps") == 0)
            o->steps = (unsigned)n;
        else if (strcmp(argv[i], "--fates") == 0)
            o->fates = (unsigned)n;
        else
            return false;
        i++;
    }
    return true;
}

int main(int argc, char **argv) {
    struct options o = {.seed = 1, .seeds = 30, .steps = 40, .fates = 9};
    struct totals t = {0};
    if (!options_read(argc, argv, &o))
        return usage();
    for (unsigned i = 0; i < o.seeds; i++)
        if (one_seed(&o, o.seed + i, &t) != 0)
            return 1;
    printf("ok: %u workloads, %lu power cuts, %lu disk states\n", o.seeds, t.cuts, t.states);
    sim_disk_free(&at_cut);
    sim_disk_free(&branch);
    return 0;
}
