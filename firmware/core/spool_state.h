/* spool_state: what a struct spool is made of.  Included by spool.h only; look, don't touch. */
#ifndef MOORWATCH_SPOOL_STATE_H
#define MOORWATCH_SPOOL_STATE_H

enum {
    SPOOL_HELD_MAX = SPOOL_RECORD_MAX + 65536, /* bytes of records not yet durable */
    SPOOL_DROPS = 4,
    SPOOL_ANCHORS = 8,
    SPOOL_EARLY_ACKS = 64,
    SPOOL_CURSOR_EVERY = 50, /* batches acknowledged between two saves of the cursor */
};

/* Where the log stands before some record. */
struct spool_mark {
    uint64_t number;   /* of that record */
    uint64_t accepted; /* events journalled before it: the ordinal of the next */
    uint64_t sealed;   /* events below this ordinal are in a batch, or gone */
    uint64_t next_seq;
    bool has_previous;
    uint8_t previous[WIRE_HASH_BYTES];
};

/* Everything below is acknowledged, or its loss has been reported. */
struct spool_cursor {
    uint64_t number;  /* batch records */
    uint64_t ordinal; /* events */
    uint64_t spool_id, seq;
    uint64_t dropped; /* events, in the life of the directory, as far as reported */
    /* Where the log stood, for a log that is lost as a whole. */
    uint64_t log_number, log_accepted, log_next_seq;
};

/* What waits in a stretch of the log. */
struct spool_tally {
    uint32_t unacked, unacked_events; /* batches; events in them */
    uint32_t unsealed;                /* events */
};

struct spool_segment {
    uint64_t first;    /* number of its first record; names the file */
    uint64_t accepted; /* ordinal of its first event */
    uint32_t bytes;    /* size of the file */
    uint32_t end;      /* of its last durable record */
    struct spool_tally tally;
};

/* Acknowledged out of turn: before an older batch was. */
struct spool_early {
    uint64_t spool_id, seq;
};

struct spool {
    struct disk disk;
    struct spool_conf conf;
    bool is_open, read_only;
    uint64_t boot_id;
    uint64_t spool_id;

    struct spool_mark now;     /* after everything appended */
    struct spool_mark durable; /* after everything synced */

    /* The log: all but the last are complete.  If !has_tail the segment that takes the next record
     * does not exist yet: tail_* say what it will be. */
    unsigned segment_count;
    struct spool_segment segments[SPOOL_SEGMENTS_MAX];
    bool has_tail;
    uint64_t tail_first;
    uint32_t tail_end; /* end of its durable records: where `held` goes */
    int tail_file;     /* < 0: not open */
    int reader_file;   /* another segment, for reading; < 0: none */
    uint64_t reader_first;

    struct spool_pos head;         /* at or before the first batch that is not settled */
    struct spool_pos unsealed;     /* at or before the first event that is not sealed */
    struct spool_tally tally;      /* of everything */
    struct spool_tally held_tally; /* of what is held */

    int cursor_file; /* < 0: not open */
    uint64_t cursor_generation;
    bool cursor_found;
    bool cursor_safe;           /* `saved` was synced by this opening, not only read */
    struct spool_cursor cursor; /* as it should be */
    struct spool_cursor saved;  /* as it is on the disk */
    uint32_t unsaved_acks;
    unsigned early_count;
    struct spool_early early[SPOOL_EARLY_ACKS];

    unsigned drop_count;
    struct spool_drop drops[SPOOL_DROPS];
    uint64_t dropped; /* events, in the life of the directory */
    uint64_t refused;

    unsigned anchor_count;
    struct spool_anchor anchors[SPOOL_ANCHORS]; /* newest last */

    uint32_t records_lost, storage_errors, set_aside;
    unsigned read_failures; /* in a row */

    /* Large buffers last. */
    uint32_t held_len, held_written; /* bytes of `held`; bytes of these handed to the disk */
    bool held_batch;                 /* a batch is among them */
    uint64_t window_segment;         /* what `window` shows: 0: nothing */
    uint32_t window_offset, window_len;
    uint8_t held[SPOOL_HELD_MAX];
    uint8_t window[SPOOL_RECORD_MAX];
};

#endif
