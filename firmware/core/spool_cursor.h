/* spool_cursor: up to where the batches are settled, in memory and in a file of two slots.
 *
 * The saved cursor may lag behind what was acknowledged, which costs duplicates; it never leads: it
 * passes a loss only when spool_drop_reported has said that the loss is told.  From it and from the
 * batches that are there, spool_cursor_advance finds what is not: a loss needs no record of its own
 * and is found again after a power cut.  Private to spool*.c.
 * Guarded by tests/core/spool_test.c, tests/sim/power_test.c. */
#ifndef MOORWATCH_SPOOL_CURSOR_H
#define MOORWATCH_SPOOL_CURSOR_H

#include "record.h"

/* Reads the newer valid slot; s->cursor_found says if there was one. */
MUST int spool_cursor_load(struct spool *s);
/* Writes the slot that does not hold the newest, and syncs. */
MUST int spool_cursor_save(struct spool *s);
/* The same where a failure, which is counted, only makes the cursor lag. */
void spool_cursor_try(struct spool *s);
/* Moves the head to the first batch that is neither acknowledged by `ack` (may be NULL) nor was
 * before; what is missing on the way becomes a drop.  Returns how many `ack` settled. */
MUST int spool_cursor_advance(struct spool *s, const struct ack *ack);

/* Adds to what has been dropped and is to be told. */
void spool_cursor_drop(struct spool *s, const struct spool_drop *drop);

bool spool_cursor_is_early(const struct spool *s, uint64_t spool_id, uint64_t seq);
/* Notes a batch as settled out of turn; false if there is no room to remember it. */
bool spool_cursor_early(struct spool *s, uint64_t spool_id, uint64_t seq);
bool spool_cursor_acks(const struct ack *ack, uint64_t spool_id, uint64_t seq);

#endif
