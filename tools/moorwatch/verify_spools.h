/* verify_spools: what a device's own spool says it has handed over; for `moorwatch verify`.
 *
 * The directory names no device: it is known by its spool ids, which are random and stored with
 * every batch.  Nothing is written; the device may be at work.
 * Guarded by tests/tools/verify_test.c. */
#ifndef MOORWATCH_VERIFY_SPOOLS_H
#define MOORWATCH_VERIFY_SPOOLS_H

#include "verify_records.h"

/* 0; ERR_NODEV: it holds events, and the store knows none of its queues; what the disk says. */
MUST int verify_spool(struct verify *verify, const char *dir);

#endif
