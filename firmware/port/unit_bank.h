/* unit_bank: the unit's lines: a GPIO bank, opened and opened again, with its inputs settled and
 * its outputs watched.
 *
 * Private to unit.c.  After every drain each input's level is read again: the level is the truth,
 * not the last edge.  An output is never on for longer than the kit's max_on, whatever the daemon's
 * logic wants: it is switched off and stays off until it has been told off once.
 *
 * Lines that fail, because their chip went away or an output does not obey, are closed by the next
 * step, which takes their descriptor out of every epoll set, and opened again, at most once a
 * minute.
 *
 * Guarded by tests/port/unit_bank_test.c, tests/system/daemon_test.py, and on a real kernel by
 * tools/vm-test.  Memory: the struct and the bank's.  Threads: the loop's.  Time: given. */
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
    int broken;             /* enum err: the last failure, until the lines work again; 0: none */
    int64_t retry_ns;
    struct debounce inputs[GPIO_LINES_MAX];
    bool outputs[GPIO_LINES_MAX];  /* as wanted */
    int64_t on_ns[GPIO_LINES_MAX]; /* outputs: on since; INT64_MAX: off */
    bool cut[GPIO_LINES_MAX];      /* wanted, and switched off after max_on */
    uint32_t gaps;
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
void unit_bank_set(struct unit_bank *b, unsigned line, bool active, int64_t now_ns);
/* When an output has been on for long enough: call unit_bank_step by then. */
int64_t unit_bank_due(const struct unit_bank *b);
/* True while the lines are not held or fail, an output had to be switched off after its max_on, or
 * a line bears a name that the board file does not accept. */
bool unit_bank_faulty(const struct unit_bank *b);
int32_t unit_bank_detail(const struct unit_bank *b); /* as FAULT_GPIO says; the worst goes first */
void unit_bank_close(struct unit_bank *b);           /* outputs safe */

/* Whatever another process left behind: requests the outputs, and only these, with their safe
 * levels.  An output that somebody holds does not keep the others from being made safe.  0, or the
 * first error (each is logged). */
MUST int unit_bank_make_safe(const struct unit_conf *conf, const struct unit_board *board,
                             const char *consumer);

#endif
