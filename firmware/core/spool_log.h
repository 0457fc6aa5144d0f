/* spool_log: the segments of a spool on the disk, and the records that are still held in memory,
 * as one sequence.  Private to spool*.c.
 *
 * What is durable is read from the disk, what is not from `held`: all that is held goes to the end
 * of one segment, the tail, and leaves memory when a sync has succeeded.  A tail that failed is
 * abandoned where its durable records end, and what is held goes to a new one.
 * Guarded by tests/core/spool_test.c, tests/sim/power_test.c. */
#ifndef MOORWATCH_SPOOL_LOG_H
#define MOORWATCH_SPOOL_LOG_H

#include "record.h"

enum spool_suffix { SPOOL_NAME_SEGMENT, SPOOL_NAME_NEW, SPOOL_NAME_BAD, SPOOL_NAME_CURSOR };

/* The file names of a class: a-00000000000000000001.seg, a.new, bad-a-…, a.cursor. */
void spool_log_name(enum event_class cls, enum spool_suffix suffix, uint64_t first,
                    char ret_name[DISK_NAME_MAX + 1]);
/* True if `name` is a segment of the class (or one set aside, if `bad`). */
bool spool_log_is_segment(const char *name, enum event_class cls, bool bad, uint64_t *ret_first);

/* Counts a failed disk operation; returns r. */
int spool_log_result(struct spool *s, int r);
/* The end of everything, held records too. */
struct spool_pos spool_log_end(const struct spool *s);
/* Index of a segment; -1 if it is not there (any more). */
int spool_log_index(const struct spool *s, uint64_t first);
/* The tally that a record at `at` counts in. */
struct spool_tally *spool_log_tally(struct spool *s, struct spool_pos at);

/* The next readable record of segment `index` from *offset, numbered below `limit`: 1, 0 at the end
 * of the segment, or a disk error (the tenth in a row is passed over as damage). */
MUST int spool_log_scan(struct spool *s, unsigned index, uint32_t *offset, uint64_t limit,
                        struct record *ret_record, uint32_t *ret_at);
/* The next readable record at or after *pos, held ones last.  *pos moves behind it.  The record
 * points into the spool until the next call. */
MUST int spool_log_next(struct spool *s, struct spool_pos *pos, struct record *ret_record,
                        struct spool_pos *ret_at);
/* The header of segment `index`; ERR_BADMSG, ERR_VERSION, a disk error. */
MUST int spool_log_header(struct spool *s, unsigned index, struct record_segment *ret_header);
/* Keeps an anchor in the table: one for each of the newest boots. */
void spool_log_learn(struct spool *s, const struct spool_anchor *anchor);
/* True if the rest of segment `index` from `offset` is zeros. */
bool spool_log_blank(struct spool *s, unsigned index, uint32_t offset);

/* Writes the last segment anew, up to the end of its records, under its old name. */
MUST int spool_log_rewrite(struct spool *s);
/* Finds room for a record with a payload of len bytes, syncing if need be. */
MUST int spool_log_room(struct spool *s, uint32_t len, uint8_t **ret_payload);
/* Frames the payload that was put there, holds it and hands it to the disk. */
void spool_log_push(struct spool *s, enum record_type type, uint32_t len);
/* Removes the segments that hold nothing any more.  Saves the cursor first. */
void spool_log_free(struct spool *s);
void spool_log_close_files(struct spool *s);

#endif
