/* cfar: is a cell of a power spectrum stronger than its neighbours let one expect?
 *
 * Ordered-statistic CFAR (Rohling 1983, "Radar CFAR thresholding in clutter and multiple target
 * situations", IEEE Trans. AES-19(4), 608-621, eq. 37): of N training cells, a few guard cells away
 * on either side, the k-th smallest stands for the noise; a cell is a detection when its power is
 * over T times that.  For exponentially distributed noise power the chance of a false alarm is
 *     P = product over i = 0 .. k-1 of (N - i) / (N - i + T),
 * whatever the noise.  For cells that are the mean of several looks the same chance is the integral
 * over z of the density of the k-th smallest at z times the chance that a cell is over T z; the
 * powers are then gamma-distributed, and one look gives the product again.  Up to N - k training
 * cells may hold other targets: with 16 and 12, four, which is one more vehicle's main lobe.
 *
 * The window in front of the FFT makes neighbouring cells alike, which the formula leaves out: the
 * real chance is a little higher (measured: firmware/core/DOPPLER.md).
 * Guarded by tests/core/cfar_test.c.  Memory: none.  Threads: any. */
#ifndef MOORWATCH_CFAR_H
#define MOORWATCH_CFAR_H

enum {
    CFAR_SIDE = 8,
    CFAR_GUARD = 2,
    CFAR_CELLS = 2 * CFAR_SIDE,
    CFAR_RANK = 12,
    CFAR_REACH = CFAR_SIDE + CFAR_GUARD,
    CFAR_LOOKS_MAX = 8,
};

/* The chance of a false alarm per cell at that factor, and the factor T for a chance in (0, 1).
 * looks: 1 to CFAR_LOOKS_MAX. */
double cfar_chance(double factor, unsigned looks);
double cfar_factor(double chance, unsigned looks);
/* The k-th smallest of the training cells around `at`; the spectrum of `count` cells (more than
 * 2 CFAR_REACH) is a ring. */
float cfar_noise(const float *power, unsigned count, unsigned at);

#endif
