#include "cfar.h"
#include <math.h>

#define CELL_MOST 12.0 /* times the mean: beyond it no k-th smallest is found */
#define PLENTY 1e9

enum { STEPS = 1200 };

/* The chance that the mean of some looks at unit noise is over x. */
static double over(double x, unsigned looks) {
    double sum = 0, term = 1;
    for (unsigned j = 0; j < looks; j++) {
        sum += term;
        term *= x * looks / (j + 1);
    }
    return sum * exp(-x * looks);
}

/* Of the k-th smallest training cell to be under x. */
static double rank_under(double x, unsigned looks) {
    double f = 1 - over(x, looks), term = 1, sum = 0;
    /* At least k of N cells are under x: the binomial tail, from N downwards. */
    for (int n = CFAR_CELLS; n >= CFAR_RANK; n--) {
        sum += term * pow(f, n) * pow(1 - f, CFAR_CELLS - n);
        term = term * n / (CFAR_CELLS - n + 1);
    }
    return sum;
}

double cfar_chance(double factor, unsigned looks) {
    double p = 0, last = 0, step = sqrt(CELL_MOST) / STEPS;
    /* Finer near zero, where large factors have all of their chance. */
    for (int i = 1; i <= STEPS; i++) {
        double under = rank_under(i * step * i * step, looks), middle = (i - 0.5) * step;
        p += (under - last) * over(factor * middle * middle, looks);
        last = under;
    }
    return p;
}

double cfar_factor(double chance, unsigned looks) {
    double low = 0, high = 1;
    while (cfar_chance(high, looks) > chance && high < PLENTY)
        high *= 2;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (cfar_chance(middle, looks) > chance)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void insert(float *sorted, unsigned n, float value) {
    unsigned i = n;
    for (; i > 0 && sorted[i - 1] > value; i--)
        sorted[i] = sorted[i - 1];
    sorted[i] = value;
}

float cfar_noise(const float *power, unsigned count, unsigned at) {
    float sorted[CFAR_CELLS];
    unsigned n = 0;
    for (unsigned away = CFAR_GUARD + 1; away <= CFAR_REACH; away++) {
        insert(sorted, n++, power[(at + away) % count]);
        insert(sorted, n++, power[(at + count - away) % count]);
    }
    return sorted[CFAR_RANK - 1];
}
