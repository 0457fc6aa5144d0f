/* dump: boards and kits for other programs (tools/vm-test makes simulated chips from them).
 *
 * Guarded by tests/tools/boardlint_test.sh.  Fields are separated by tabs, one record a line. */
#ifndef MOORWATCH_DUMP_H
#define MOORWATCH_DUMP_H

#include "lint.h"

/* "chip LABEL LINES", then for each of its pins "line LABEL OFFSET NAME", the name the first that
 * the board accepts ("-": none). */
void dump_chips(const struct board *board, FILE *out);

/* "line ROLE in|out CHIP OFFSET PIN high|low BIAS DEBOUNCE_US off|on MAX_ON_MS" for each line of
 * the kit on the board (off|on: inputs at rest, outputs when safe), then "device WHAT DRIVER
 * ADDRESS BUS" and "radar DRIVER CONNECT DEVICE". */
void dump_lines(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                unsigned count, FILE *out);

/* "pair BOARD KIT" for each kit that claims a board. */
void dump_pairs(const struct lint *lint, FILE *out);

#endif
