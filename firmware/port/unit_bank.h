/* unit_bank: the unit's lines: a GPIO bank, opened and opened again, with its inputs settled.
 *
 * Private to unit.c.  Guarded by tests/system/daemon_test.py.  Memory: the struct and the bank's.
 * After every drain each input's level is read again: the level is the truth, not the last edge. */
#ifndef MOORWATCH_UNIT_BANK_H
#define MOORWATCH_UNIT_BANK_H

#include "debounce.h"
#include "unit_conf.h"

struct unit_bank {
    const struct unit_conf *conf;
    const struct unit_board *board;
    const char *consumer;
    struct gpio gpio;
    bool open, known, said; /* known: the inputs have been read once */
    int64_t retry_ns;
    struct debounce inputs[GPIO_LINES_MAX];
    bool outputs[GPIO_LINES_MAX]; /* as wanted */
    uint32_t gaps, failures;
};

typedef void unit_bank_moved(void *ctx, unsigned line, bool active, int64_t t_ns);

void unit_bank_init(struct unit_bank *b, const struct unit_conf *conf,
                    const struct unit_board *board, const char *consumer);
/* Opens the lines if they are not and it is time.  True if they are open. */
bool unit_bank_open(struct unit_bank *b, int64_t now_ns);
/* Gives out what moved.  Returns when to be called again. */
int64_t unit_bank_step(struct unit_bank *b, int64_t now_ns, unit_bank_moved *moved, void *ctx);
/* What an input is believed to be: its level at rest while it was never read. */
bool unit_bank_level(const struct unit_bank *b, unsigned line);
void unit_bank_set(struct unit_bank *b, unsigned line, bool active);
void unit_bank_close(struct unit_bank *b); /* outputs safe */

#endif
