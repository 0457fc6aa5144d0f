/* roles: what the inputs of a kit mean to a padlock hub.
 *
 * A role is an input's word with the lock's number ("loop-2") or without ("key": for all locks).
 * An input that an accelerometer names as its interrupt means "look into its FIFO".
 * Guarded by tests/system/daemon_test.py.  Memory: the caller's.  Threads: any. */
#ifndef PADLOCK_ROLES_H
#define PADLOCK_ROLES_H

#include "lock.h"
#include "unit_conf.h"

struct role {
    bool used;
    int lock; /* -1: all */
    enum lock_input input;
    int motion; /* which of the kit's accelerometers it wakes; -1: none */
};

/* Reads the kit's inputs.  Returns how many locks there are; ERR_INVAL with the reasons printed to
 * standard error. */
MUST int roles_read(const struct unit_board *board, struct role roles[GPIO_LINES_MAX]);
/* True if the input is one of that lock's. */
bool role_concerns(const struct role *role, unsigned lock);

#endif
