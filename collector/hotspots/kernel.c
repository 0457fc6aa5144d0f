#include "kernel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct smoother {
    const struct kernel *k;
    double *weight; /* of distance 0 .. radius, in squares */
    double *line;   /* one row or column */
    size_t radius;
};

static double normal_below(double z) {
    return .5 * erfc(-z * M_SQRT1_2);
}

static int smoother_open(struct smoother *s, const struct kernel *k) {
    double step = k->cell_m / k->bandwidth_m;
    size_t longest = k->cols > k->rows ? k->cols : k->rows;
    s->k = k;
    s->radius = (size_t)ceil(4 / step);
    s->weight = calloc(s->radius + 1, sizeof(double));
    s->line = calloc(longest, sizeof(double));
    if (s->weight == NULL || s->line == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i <= s->radius; i++)
        s->weight[i] =
            normal_below(((double)i + .5) * step) - normal_below(((double)i - .5) * step);
    return 0;
}

static void smoother_close(struct smoother *s) {
    free(s->weight);
    free(s->line);
}

/* One row (stride 1) or column (stride cols) of n squares. */
static void smooth_line(struct smoother *s, double *at, size_t n, size_t stride) {
    for (size_t i = 0; i < n; i++) {
        size_t from = i > s->radius ? i - s->radius : 0;
        size_t to = n - 1 - i < s->radius ? n - 1 : i + s->radius;
        double sum = 0;
        for (size_t j = from; j <= to; j++)
            sum += at[j * stride] * s->weight[j > i ? j - i : i - j];
        s->line[i] = sum;
    }
    for (size_t i = 0; i < n; i++)
        at[i * stride] = s->line[i];
}

static void smooth_all(struct smoother *s, double *mass) {
    size_t cols = s->k->cols, rows = s->k->rows;
    for (size_t r = 0; r < rows; r++)
        smooth_line(s, mass + r * cols, cols, 1);
    for (size_t c = 0; c < cols; c++)
        smooth_line(s, mass + c, rows, cols);
}

int kernel_smooth(const struct kernel *kernel, double *mass) {
    size_t n = kernel->cols * kernel->rows;
    struct smoother s = {0};
    double *edge = calloc(n, sizeof *edge);
    int err = smoother_open(&s, kernel);
    if (edge == NULL)
        err = ERR_NOMEM;
    if (err == 0) {
        for (size_t i = 0; i < n; i++)
            edge[i] = kernel->inside[i];
        smooth_all(&s, edge);
        for (size_t i = 0; i < n; i++)
            mass[i] = kernel->inside[i] && mass[i] > 0 ? mass[i] / edge[i] : 0;
        smooth_all(&s, mass);
        for (size_t i = 0; i < n; i++)
            mass[i] = kernel->inside[i] ? mass[i] : 0;
    }
    smoother_close(&s);
    free(edge);
    return err;
}
