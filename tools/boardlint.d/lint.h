/* lint: all board and kit files of a folder, and what is wrong with them.
 *
 * A kit claims every board that has its connector, and must then fit it; a kit that no board can
 * carry, a board that fits no kit, two boards for one machine, and a GPIO line on a pin that the
 * boot fragment gives to a bus are wrong too.  Guarded by tests/tools/boardlint_test.sh.
 * Memory: the one struct, large. */
#ifndef MOORWATCH_LINT_H
#define MOORWATCH_LINT_H

#include "board.h"

enum { LINT_FILES_MAX = 32 };

enum lint_fit { LINT_OTHER_CONNECTOR, LINT_FITS, LINT_WRONG };

struct lint {
    struct board boards[LINT_FILES_MAX];
    struct kit kits[LINT_FILES_MAX];
    unsigned board_count, kit_count;
    unsigned wrong; /* errors printed so far */
};

/* Loads DIR/NAME.ini and DIR/kits/NAME.ini; prints what is wrong to stderr and counts it. */
void lint_load(struct lint *lint, const char *dir);
/* One kit on one board; LINT_WRONG prints why. */
enum lint_fit lint_pair(struct lint *lint, const struct board *board, const struct kit *kit);
/* What only shows when all files are known. */
void lint_all(struct lint *lint);

/* By id; NULL with a message that lists what there is. */
const struct board *lint_board(const struct lint *lint, const char *id);
const struct kit *lint_kit(const struct lint *lint, const char *id);

/* What the kits that claim the board use of it together. */
unsigned lint_uses(const struct lint *lint, const struct board *board);

#endif
