/* random: a seeded stream for tests (xorshift64*), replayable with MOORWATCH_SEED=N. */
#ifndef MOORWATCH_TEST_RANDOM_H
#define MOORWATCH_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state;

static inline uint64_t random_next(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

static inline int random_below(int n) {
    return (int)(random_next() % (uint64_t)n);
}

static inline void random_seed(uint64_t fallback) {
    const char *seed = getenv("MOORWATCH_SEED");
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : fallback;
    printf("seed %llu (MOORWATCH_SEED replays it)\n", (unsigned long long)random_state);
    random_state += random_state == 0;
}

#endif
