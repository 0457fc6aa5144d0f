/* chance: seeded randomness, the same on every machine.
 *
 * xoshiro256** (Blackman, Vigna 2018) seeded through splitmix64.  The same seed gives the same kit,
 * the same vehicles and the same intruders.  Not for keys.
 * Guarded by tests/tools/kitsim_test.c.  Memory: the struct.  Threads: one each. */
#ifndef KITSIM_CHANCE_H
#define KITSIM_CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t s[4];
};

void chance_init(struct chance *c, uint64_t seed);
uint64_t chance_u64(struct chance *c);
/* Uniform in [0, 1). */
double chance_unit(struct chance *c);
/* Uniform in [low, high). */
double chance_between(struct chance *c, double low, double high);
/* Uniform in 0 .. n - 1; n > 0. */
uint32_t chance_below(struct chance *c, uint32_t n);
/* Exponential with that mean: the gap of a Poisson stream. */
double chance_gap(struct chance *c, double mean);
/* Normal. */
double chance_normal(struct chance *c, double mean, double sigma);

#endif
