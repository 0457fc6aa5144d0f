#include "learn.h"

enum { COUNT_BITS = 6, COUNT_MASK = (1 << COUNT_BITS) - 1 };
static const int64_t HOUR_NS = INT64_C(3600) * 1000000000;

/* Upper edges of the steps, shares of the threshold; the last has none. */
static const double EDGES[LEARN_STEPS - 1] = {0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

void learn_init(struct learn *l, uint64_t saved, int64_t now_ns) {
    *l = (struct learn){.hour_ns = now_ns + HOUR_NS};
    unsigned sum = 0;
    for (unsigned i = 0; i < LEARN_STEPS; i++) {
        l->steps[i] = (uint8_t)(saved >> (i * COUNT_BITS) & COUNT_MASK);
        sum += l->steps[i];
    }
    /* A number that cannot be ours is no memory. */
    if (sum > LEARN_HOURS || saved >> (LEARN_STEPS * COUNT_BITS) != 0)
        *l = (struct learn){.hour_ns = l->hour_ns};
    else
        l->hours = (uint8_t)sum;
}

uint64_t learn_save(const struct learn *l) {
    uint64_t saved = 0;
    for (unsigned i = 0; i < LEARN_STEPS; i++)
        saved |= (uint64_t)l->steps[i] << (i * COUNT_BITS);
    return saved;
}

bool learn_done(const struct learn *l) {
    return l->hours >= LEARN_HOURS;
}

void learn_heard(struct learn *l, double share) {
    if (share > l->worst)
        l->worst = share;
}

bool learn_tick(struct learn *l, int64_t now_ns, int64_t *ret_next_ns) {
    bool over = false;
    while (!learn_done(l) && l->hour_ns <= now_ns) {
        unsigned step = 0;
        while (step < LEARN_STEPS - 1 && l->worst > EDGES[step])
            step++;
        l->steps[step]++;
        l->hours++;
        l->worst = 0;
        l->hour_ns += HOUR_NS;
        over = true;
    }
    *ret_next_ns = learn_done(l) ? INT64_MAX : l->hour_ns;
    return over;
}

double learn_factor(const struct learn *l) {
    unsigned quieter = 0, step = 0;
    if (!learn_done(l))
        return 1;
    while (step < LEARN_STEPS - 1 && (quieter += l->steps[step]) * 10 < LEARN_HOURS * 9)
        step++;
    double rough = step < LEARN_STEPS - 1 ? EDGES[step] : 1;
    double factor = 2 * rough;
    return factor < 1 ? 1 : factor > LEARN_FACTOR_MAX ? LEARN_FACTOR_MAX : factor;
}
