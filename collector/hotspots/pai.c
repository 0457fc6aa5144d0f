#include "pai.h"
#include <math.h>
#include <stdlib.h>

struct scored {
    double score;
    double later;
};

static int by_score(const void *a, const void *b) {
    double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x < y) - (x > y);
}

/* What falls into the first `hot` of the squares, ties at the edge in proportion. */
static double hits(const struct scored *s, size_t n, size_t hot) {
    double edge = s[hot - 1].score, sure = 0, tied = 0;
    size_t above = 0, at = 0;
    for (size_t i = 0; i < n && s[i].score >= edge; i++) {
        if (s[i].score > edge) {
            sure += s[i].later;
            above++;
        } else {
            tied += s[i].later;
            at++;
        }
    }
    return sure + tied * (double)(hot - above) / (double)at;
}

int pai_of(const double *score, const double *later, size_t n, double share, struct pai *ret_pai) {
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += later[i];
    if (n == 0 || total <= 0 || !(share > 0 && share <= 1))
        return ERR_INVAL;
    struct scored *s = malloc(n * sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        s[i] = (struct scored){score[i], later[i]};
    qsort(s, n, sizeof *s, by_score);
    size_t hot = (size_t)fmax(1, nearbyint(share * (double)n));
    double hit = hits(s, n, hot) / total;
    *ret_pai = (struct pai){hit, hit * (double)n / (double)hot, hot};
    free(s);
    return 0;
}
