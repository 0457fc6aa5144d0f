#include "chance.h"
#include <math.h>

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void chance_init(struct chance *c, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        c->s[i] = splitmix(&seed);
}

uint64_t chance_u64(struct chance *c) {
    uint64_t *s = c->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double chance_unit(struct chance *c) {
    return (double)(chance_u64(c) >> 11) * 0x1p-53;
}

double chance_between(struct chance *c, double low, double high) {
    return low + (high - low) * chance_unit(c);
}

uint32_t chance_below(struct chance *c, uint32_t n) {
    return (uint32_t)(((chance_u64(c) >> 32) * n) >> 32);
}

double chance_gap(struct chance *c, double mean) {
    return -mean * log(1.0 - chance_unit(c));
}

double chance_normal(struct chance *c, double mean, double sigma) {
    double r = sqrt(-2.0 * log(1.0 - chance_unit(c)));
    return mean + sigma * r * cos(6.283185307179586 * chance_unit(c));
}
