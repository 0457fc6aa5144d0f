/* kernel: spreads counts on a raster over their neighbourhood, within a study area.
 *
 * Gaussian of standard deviation bandwidth_m, cut at 4, integrated over each square (so that a wide
 * square does not alias).  Edge-corrected after Jones and Diggle: each count is first divided by
 * the part of its kernel that lies inside the study area, so that the total inside stays what it
 * was and a square at the coast is not taken for a quiet one.
 *
 * Guarded by tests/collector/hotspots_test.c (R spatstat's edge masses; the total is kept).
 * Memory: malloc'd while computing.  Threads: any. */
#ifndef MOORWATCH_KERNEL_H
#define MOORWATCH_KERNEL_H

#include "err.h"
#include <stddef.h>
#include <stdint.h>

struct kernel {
    size_t cols;
    size_t rows;
    double cell_m;
    double bandwidth_m;
    const uint8_t *inside; /* rows x cols, 1: of the study area */
};

/* In place; what lies outside the study area counts as nothing and stays 0. */
MUST int kernel_smooth(const struct kernel *kernel, double *mass);

#endif
