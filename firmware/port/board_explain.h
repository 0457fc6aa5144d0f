/* board_explain: what an installer must know of a board with a kit on it, said in plain words.
 *
 * Guarded by tests/port/board_test.c.  Memory: none.  Threads: any. */
#ifndef MOORWATCH_BOARD_EXPLAIN_H
#define MOORWATCH_BOARD_EXPLAIN_H

#include "board.h"
#include <stdio.h>

/* The pins as they resolve, outputs with their safe state and resistor, devices, and what the boot
 * configuration must contain: for an installer with a meter in hand. */
void board_explain(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                   unsigned count, FILE *out);

#endif
