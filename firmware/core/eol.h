/* eol: a loop with a resistor at its end, from the voltage on it to whole, cut or short.
 *
 * The hub feeds the loop through a resistor, the loop's own resistor sits at its far end: cut, the
 * voltage rises to the supply; bridged anywhere, it falls to nought; another resistor put in its
 * place is outside the tolerance too.  One switch to ground could not tell a bridge from a loop.
 *
 * Promises (tests/core/eol_test.c): a change is believed after EOL_SURE readings that agree, so
 * that one spike rings nothing; a loop that leaves the whole by whichever way is never called
 * whole; what comes back is told too.
 * Memory: the struct.  Threads: the loop's.  Time: none. */
#ifndef MOORWATCH_EOL_H
#define MOORWATCH_EOL_H

#include <stdbool.h>
#include <stdint.h>

enum eol_state { EOL_WHOLE, EOL_CUT, EOL_SHORT };
enum { EOL_SURE = 2 };

/* Look, don't touch. */
struct eol {
    int32_t rest_mv, tolerance_mv;
    enum eol_state state; /* believed; whole at first */
    enum eol_state seen;
    unsigned agreed; /* readings in a row that said `seen` */
};

void eol_init(struct eol *e, int32_t rest_mv, int32_t tolerance_mv);
/* True: e->state has changed. */
bool eol_reading(struct eol *e, int32_t mv);

#endif
