/* random: splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere from the same seed. */
#ifndef MOORWATCH_SIM_RANDOM_H
#define MOORWATCH_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint32_t random_below(uint64_t *state, uint32_t n) {
    return (uint32_t)(random_next(state) >> 32) % n;
}

/* True in so many of a thousand cases. */
static inline bool random_permille(uint64_t *state, uint32_t permille) {
    return random_below(state, 1000) < permille;
}

#endif
