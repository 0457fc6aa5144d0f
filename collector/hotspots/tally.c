#include "tally.h"
#include <stdlib.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* A million rows pass here twenty times each: the places decide nearly always. */
static int by_square(const void *left, const void *right) {
    const struct tally_row *a = left, *b = right;
    if (a->row != b->row)
        return ORDER(a->row, b->row);
    if (a->col != b->col)
        return ORDER(a->col, b->col);
    if (a->at_ms != b->at_ms)
        return ORDER(b->at_ms, a->at_ms);
    if (a->weight != b->weight)
        return ORDER(b->weight, a->weight);
    return a->raw != b->raw ? ORDER(b->raw, a->raw) : ORDER(a->index, b->index);
}

static int same_square(const struct tally_row *a, const struct tally_row *b) {
    return a->col == b->col && a->row == b->row;
}

static size_t count_squares(const struct tally_row *row, size_t rows) {
    size_t squares = 0;
    for (size_t i = 0; i < rows; i++)
        squares += i == 0 || !same_square(&row[i], &row[i - 1]);
    return squares;
}

static void fill_squares(struct tally *t) {
    size_t next = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const struct tally_row *row = &t->row[i];
        if (i == 0 || !same_square(row, &t->row[i - 1]))
            t->square[next++] = (struct tally_square){row->col, row->row, 0, 0, (uint32_t)i, 0};
        struct tally_square *square = &t->square[next - 1];
        square->weight += row->weight;
        square->raw += row->raw;
        square->count++;
    }
}

int tally_make(struct tally_row *row, size_t rows, struct tally *ret_tally) {
    if (rows > 0)
        qsort(row, rows, sizeof *row, by_square);
    struct tally t = {.row = row, .rows = rows, .squares = count_squares(row, rows)};
    t.square = calloc(t.squares + 1, sizeof *t.square);
    if (t.square == NULL) {
        free(row);
        return ERR_NOMEM;
    }
    fill_squares(&t);
    *ret_tally = t;
    return 0;
}

void tally_free(struct tally *tally) {
    free(tally->row);
    free(tally->square);
    *tally = (struct tally){0};
}
