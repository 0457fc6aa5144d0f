#include "spool_log.h"
#include "spool_cursor.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { READ_ATTEMPTS = 10, BLOCK = 4096 };

static const uint8_t ZEROS[BLOCK];

/* ---- names ---- */

static char letter_of(enum event_class cls) {
    return "aet"[cls];
}

void spool_log_name(enum event_class cls, enum spool_suffix suffix, uint64_t first,
                    char ret_name[DISK_NAME_MAX + 1]) {
    char l = letter_of(cls);
    if (suffix == SPOOL_NAME_NEW || suffix == SPOOL_NAME_CURSOR)
        snprintf(ret_name, DISK_NAME_MAX + 1, "%c.%s", l,
                 suffix == SPOOL_NAME_NEW ? "new" : "cursor");
    else
        snprintf(ret_name, DISK_NAME_MAX + 1, "%s%c-%020" PRIu64 ".seg",
                 suffix == SPOOL_NAME_BAD ? "bad-" : "", l, first);
}

bool spool_log_is_segment(const char *name, enum event_class cls, bool bad, uint64_t *ret_first) {
    uint64_t first = 0;
    char again[DISK_NAME_MAX + 1], l = 0;
    if (sscanf(name, bad ? "bad-%c-%20" SCNu64 ".seg" : "%c-%20" SCNu64 ".seg", &l, &first) != 2)
        return false;
    spool_log_name(cls, bad ? SPOOL_NAME_BAD : SPOOL_NAME_SEGMENT, first, again);
    if (strcmp(name, again) != 0)
        return false;
    *ret_first = first;
    return true;
}

/* ---- places ---- */

int spool_log_result(struct spool *s, int r) {
    if (r < 0)
        s->storage_errors++;
    return r;
}

struct spool_pos spool_log_end(const struct spool *s) {
    return (struct spool_pos){.segment = s->tail_first, .offset = s->tail_end + s->held_len};
}

int spool_log_index(const struct spool *s, uint64_t first) {
    unsigned low = 0, high = s->segment_count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (s->segments[mid].first < first)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->segment_count && s->segments[low].first == first ? (int)low : -1;
}

static bool is_held(const struct spool *s, struct spool_pos pos) {
    return pos.segment == s->tail_first && pos.offset >= s->tail_end;
}

struct spool_tally *spool_log_tally(struct spool *s, struct spool_pos at) {
    if (is_held(s, at))
        return &s->held_tally;
    int i = spool_log_index(s, at.segment);
    assert(i >= 0);
    return &s->segments[i].tally;
}

/* ---- reading ---- */

static void reader_drop(struct spool *s) {
    if (s->reader_file >= 0)
        s->disk.close(s->disk.ctx, s->reader_file);
    s->reader_file = -1;
    s->window_len = 0;
}

static int reader_open(struct spool *s, uint64_t first) {
    if (s->has_tail && first == s->tail_first && s->tail_file >= 0)
        return s->tail_file;
    if (s->reader_file >= 0 && s->reader_first == first)
        return s->reader_file;
    reader_drop(s);
    char name[DISK_NAME_MAX + 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, first, name);
    s->reader_file = s->disk.open(s->disk.ctx, name, 0);
    s->reader_first = first;
    return s->reader_file;
}

/* After many failures in a row: true if the disk still reads the segment's beginning, so that it
 * is this block that is bad and not the whole disk that is away. */
static bool block_is_bad(struct spool *s, const struct spool_segment *segment) {
    uint8_t byte;
    if (++s->read_failures < READ_ATTEMPTS)
        return false;
    int file = reader_open(s, segment->first);
    bool reads = file >= 0 && s->disk.read(s->disk.ctx, file, 0, &byte, 1) == 1;
    if (!reads)
        reader_drop(s);
    return reads;
}

/* Shows the bytes from `offset` on in the window, up to the segment's end. */
static int window_fill(struct spool *s, const struct spool_segment *segment, uint32_t offset) {
    uint32_t want = segment->end - offset;
    if (want > sizeof s->window)
        want = sizeof s->window;
    s->window_len = 0;
    int r = reader_open(s, segment->first);
    if (r >= 0)
        r = s->disk.read(s->disk.ctx, r, offset, s->window, want);
    if (r < 0) {
        reader_drop(s);
        if (!block_is_bad(s, segment))
            return spool_log_result(s, r);
        /* What stood in this block is lost, not what is behind. */
        uint32_t block = BLOCK - offset % BLOCK;
        want = want < block ? want : block;
        memset(s->window, 0, want);
    } else {
        memset(s->window + r, 0, want - (uint32_t)r);
    }
    s->read_failures = 0;
    s->window_segment = segment->first;
    s->window_offset = offset;
    s->window_len = want;
    return 0;
}

/* Bytes that the window shows from `offset` on. */
static uint32_t window_has(const struct spool *s, const struct spool_segment *segment,
                           uint32_t offset) {
    if (s->window_len == 0 || s->window_segment != segment->first || offset < s->window_offset ||
        offset >= s->window_offset + s->window_len)
        return 0;
    return s->window_offset + s->window_len - offset;
}

/* A record at `offset` if there is one: its size, 0 or less if not; or a disk error in *ret_disk.
 */
static int record_at(struct spool *s, const struct spool_segment *segment, uint32_t offset,
                     uint64_t limit, struct record *ret_record, int *ret_disk) {
    uint32_t has = window_has(s, segment, offset);
    if (has < RECORD_HEADER) {
        if ((*ret_disk = window_fill(s, segment, offset)) < 0)
            return 0;
        has = window_has(s, segment, offset);
    }
    if (has < RECORD_HEADER)
        return 0;
    const uint8_t *p = s->window + (offset - s->window_offset);
    uint64_t number = record_get(p + 8, 8);
    if (number < segment->first || number >= limit)
        return 0;
    int r = record_read(p, has, ret_record);
    if (r == ERR_AGAIN && segment->end - offset > has && s->window_offset != offset) {
        if ((*ret_disk = window_fill(s, segment, offset)) < 0)
            return 0;
        r = record_read(s->window, window_has(s, segment, offset), ret_record);
    }
    return r;
}

int spool_log_scan(struct spool *s, unsigned index, uint32_t *offset, uint64_t limit,
                   struct record *ret_record, uint32_t *ret_at) {
    const struct spool_segment *segment = &s->segments[index];
    while (*offset + RECORD_HEADER <= segment->end) {
        int disk = 0;
        int size = record_at(s, segment, *offset, limit, ret_record, &disk);
        if (disk < 0)
            return disk;
        if (size > 0) {
            *ret_at = *offset;
            *offset += (uint32_t)size;
            return 1;
        }
        *offset += RECORD_STEP;
    }
    return 0;
}

int spool_log_header(struct spool *s, unsigned index, struct record_segment *ret_header) {
    uint8_t bytes[RECORD_SEGMENT_HEADER] = {0};
    const struct spool_segment *segment = &s->segments[index];
    struct record_segment header;
    int r = reader_open(s, segment->first);
    if (r >= 0)
        r = s->disk.read(s->disk.ctx, r, 0, bytes, sizeof bytes);
    if (r < 0)
        return spool_log_result(s, r);
    if ((r = record_get_segment(bytes, &header)) < 0)
        return r;
    if (header.cls != s->conf.cls || header.mark.number != segment->first)
        return ERR_BADMSG;
    *ret_header = header;
    return 0;
}

void spool_log_learn(struct spool *s, const struct spool_anchor *anchor) {
    if (anchor->quality == 0)
        return;
    unsigned i = 0;
    while (i < s->anchor_count && s->anchors[i].boot_id != anchor->boot_id)
        i++;
    if (i < s->anchor_count && s->anchors[i].quality > anchor->quality)
        return;
    if (i == SPOOL_ANCHORS)
        memmove(s->anchors, s->anchors + 1, --i * sizeof s->anchors[0]);
    else if (i == s->anchor_count)
        s->anchor_count++;
    s->anchors[i] = *anchor;
}

static int held_next(const struct spool *s, struct spool_pos *pos, struct record *ret_record,
                     struct spool_pos *ret_at) {
    uint32_t at = pos->offset - s->tail_end;
    if (at >= s->held_len)
        return 0;
    int size = record_read(s->held + at, s->held_len - at, ret_record);
    assert(size > 0);
    *ret_at = *pos;
    pos->offset += (uint32_t)size;
    return 1;
}

/* The first segment that does not stand before pos; segment_count if only held ones do. */
static unsigned segment_from(const struct spool *s, const struct spool_pos *pos) {
    unsigned i = 0;
    int exact = spool_log_index(s, pos->segment);
    if (exact >= 0)
        return (unsigned)exact;
    while (i < s->segment_count && s->segments[i].first < pos->segment)
        i++;
    return i;
}

int spool_log_next(struct spool *s, struct spool_pos *pos, struct record *ret_record,
                   struct spool_pos *ret_at) {
    if (is_held(s, *pos))
        return held_next(s, pos, ret_record, ret_at);
    for (unsigned i = segment_from(s, pos); i < s->segment_count; i++) {
        uint64_t first = s->segments[i].first;
        if (pos->segment != first)
            *pos = (struct spool_pos){.segment = first, .offset = RECORD_SEGMENT_HEADER};
        uint64_t limit = i + 1 < s->segment_count ? s->segments[i + 1].first : s->durable.number;
        uint32_t at = 0;
        int r = spool_log_scan(s, i, &pos->offset, limit, ret_record, &at);
        if (r > 0)
            *ret_at = (struct spool_pos){.segment = first, .offset = at};
        if (r != 0)
            return r;
    }
    *pos = (struct spool_pos){.segment = s->tail_first, .offset = s->tail_end};
    return held_next(s, pos, ret_record, ret_at);
}

bool spool_log_blank(struct spool *s, unsigned index, uint32_t offset) {
    const struct spool_segment *segment = &s->segments[index];
    while (offset < segment->end) {
        uint32_t has = window_has(s, segment, offset);
        if (has == 0 && window_fill(s, segment, offset) < 0)
            return false;
        has = window_has(s, segment, offset);
        for (uint32_t i = 0; i < has; i++)
            if (s->window[offset - s->window_offset + i] != 0)
                return false;
        offset += has;
    }
    return true;
}

/* ---- segments come and go ---- */

static int segment_fill(struct spool *s, int file) {
    struct record_segment header = {
        .cls = s->conf.cls,
        .segment_bytes = s->conf.segment_bytes,
        .boot_id = s->boot_id,
        .spool_id = s->spool_id,
        .mark = s->durable,
    };
    if (s->anchor_count > 0)
        header.anchor = s->anchors[s->anchor_count - 1];
    uint8_t bytes[RECORD_SEGMENT_HEADER];
    record_put_segment(bytes, &header);
    int r = 0;
    for (uint32_t at = 0; r >= 0 && at < s->conf.segment_bytes; at += BLOCK) {
        uint32_t rest = s->conf.segment_bytes - at;
        r = s->disk.write(s->disk.ctx, file, at, ZEROS, rest < BLOCK ? rest : BLOCK);
    }
    if (r >= 0)
        r = s->disk.truncate(s->disk.ctx, file, s->conf.segment_bytes);
    if (r >= 0)
        r = s->disk.write(s->disk.ctx, file, 0, bytes, sizeof bytes);
    return r < 0 ? r : s->disk.sync(s->disk.ctx, file);
}

/* Fills NEW and gives it its name.  Returns the open file. */
static int segment_create(struct spool *s) {
    char temporary[DISK_NAME_MAX + 1], name[DISK_NAME_MAX + 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_NEW, 0, temporary);
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, s->tail_first, name);
    int file = s->disk.open(s->disk.ctx, temporary, 1);
    if (file < 0)
        return file;
    int r = segment_fill(s, file);
    if (r >= 0)
        r = s->disk.rename(s->disk.ctx, temporary, name);
    if (r >= 0)
        r = s->disk.sync_dir(s->disk.ctx);
    if (r >= 0)
        return file;
    s->disk.close(s->disk.ctx, file);
    return r;
}

/* Copies what counts of a segment into an open file of the same size. */
static int segment_copy(struct spool *s, const struct spool_segment *segment, int to) {
    uint8_t block[BLOCK];
    int from = reader_open(s, segment->first), r = 0;
    if (from < 0)
        return from;
    for (uint32_t at = 0; at < segment->bytes; at += BLOCK) {
        uint32_t len = segment->bytes - at < BLOCK ? segment->bytes - at : BLOCK;
        uint32_t keep = at >= segment->end ? 0 : segment->end - at < len ? segment->end - at : len;
        memset(block, 0, sizeof block);
        if (keep > 0 && (r = s->disk.read(s->disk.ctx, from, at, block, keep)) < 0)
            return r;
        if ((r = s->disk.write(s->disk.ctx, to, at, block, len)) < 0)
            return r;
    }
    r = s->disk.truncate(s->disk.ctx, to, segment->bytes);
    return r < 0 ? r : s->disk.sync(s->disk.ctx, to);
}

int spool_log_rewrite(struct spool *s) {
    const struct spool_segment *segment = &s->segments[s->segment_count - 1];
    char temporary[DISK_NAME_MAX + 1], name[DISK_NAME_MAX + 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_NEW, 0, temporary);
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, segment->first, name);
    int to = s->disk.open(s->disk.ctx, temporary, 1);
    if (to < 0)
        return spool_log_result(s, to);
    int r = segment_copy(s, segment, to);
    s->disk.close(s->disk.ctx, to);
    if (r >= 0)
        r = s->disk.rename(s->disk.ctx, temporary, name);
    else
        (void)s->disk.remove(s->disk.ctx, temporary);
    reader_drop(s); /* it shows the old file */
    return spool_log_result(s, r);
}

static void tally_subtract(struct spool_tally *from, const struct spool_tally *part) {
    from->unacked -= part->unacked;
    from->unacked_events -= part->unacked_events;
    from->unsealed -= part->unsealed;
}

static void segment_forget_first(struct spool *s) {
    struct spool_pos start = {.segment = s->tail_first, .offset = s->tail_end};
    uint64_t gone = s->segments[0].first;
    if (s->reader_first == gone)
        reader_drop(s);
    tally_subtract(&s->tally, &s->segments[0].tally);
    s->segment_count--;
    memmove(s->segments, s->segments + 1, s->segment_count * sizeof s->segments[0]);
    if (s->segment_count > 0)
        start =
            (struct spool_pos){.segment = s->segments[0].first, .offset = RECORD_SEGMENT_HEADER};
    if (s->head.segment <= gone)
        s->head = start;
    if (s->unsealed.segment <= gone)
        s->unsealed = start;
}

/* Gives up the oldest segment.  Its file becomes NEW if `recycle`: a full disk has no other room.
 */
static int segment_drop_first(struct spool *s, bool recycle) {
    char name[DISK_NAME_MAX + 1], temporary[DISK_NAME_MAX + 1];
    if (s->segment_count == 0)
        return ERR_NOSPACE;
    /* What the log was must be known even when none of it is left. */
    int r = spool_cursor_save(s);
    if (r < 0 && r != ERR_NOSPACE)
        return r;
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, s->segments[0].first, name);
    spool_log_name(s->conf.cls, SPOOL_NAME_NEW, 0, temporary);
    reader_drop(s);
    r = recycle ? s->disk.rename(s->disk.ctx, name, temporary) : s->disk.remove(s->disk.ctx, name);
    if (r >= 0)
        r = s->disk.sync_dir(s->disk.ctx);
    if (r < 0)
        return spool_log_result(s, r);
    segment_forget_first(s);
    return spool_cursor_advance(s, NULL) < 0 ? ERR_IO : 0;
}

static bool quota_full(const struct spool *s) {
    int64_t bytes = s->conf.segment_bytes;
    for (unsigned i = 0; i < s->segment_count; i++)
        bytes += s->segments[i].bytes;
    return bytes > s->conf.quota_bytes || s->segment_count == SPOOL_SEGMENTS_MAX;
}

/* Makes the segment that takes what is held. */
static int segment_make(struct spool *s) {
    spool_log_free(s);
    while (s->segment_count > 0 && quota_full(s)) {
        int r = segment_drop_first(s, false);
        if (r < 0)
            return r;
    }
    int file = segment_create(s);
    if (file == ERR_NOSPACE) {
        char temporary[DISK_NAME_MAX + 1];
        spool_log_name(s->conf.cls, SPOOL_NAME_NEW, 0, temporary);
        (void)s->disk.remove(s->disk.ctx, temporary);
        s->storage_errors++;
        int r = segment_drop_first(s, true);
        if (r < 0)
            return r;
        file = segment_create(s);
    }
    if (file < 0)
        return spool_log_result(s, file);
    s->has_tail = true;
    s->tail_file = file;
    s->segments[s->segment_count++] = (struct spool_segment){
        .first = s->tail_first,
        .accepted = s->durable.accepted,
        .bytes = s->conf.segment_bytes,
        .end = RECORD_SEGMENT_HEADER,
    };
    return 0;
}

/* The next record goes to a segment that does not exist yet. */
static void tail_leave(struct spool *s) {
    struct spool_pos *marks[] = {&s->head, &s->unsealed};
    for (unsigned i = 0; i < 2; i++)
        if (is_held(s, *marks[i])) {
            marks[i]->segment = s->durable.number;
            marks[i]->offset = RECORD_SEGMENT_HEADER + (marks[i]->offset - s->tail_end);
        }
    if (s->tail_file >= 0)
        s->disk.close(s->disk.ctx, s->tail_file);
    s->tail_file = -1;
    s->window_len = 0;
    /* Nothing durable in it: its successor takes its name and its place. */
    if (s->has_tail && s->tail_end == RECORD_SEGMENT_HEADER)
        s->segment_count--;
    s->has_tail = false;
    s->tail_first = s->durable.number;
    s->tail_end = RECORD_SEGMENT_HEADER;
    s->held_written = 0;
}

/* ---- writing ---- */

static int held_write(struct spool *s) {
    uint32_t rest = s->held_len - s->held_written;
    if (rest == 0)
        return 0;
    int r = s->disk.write(s->disk.ctx, s->tail_file, s->tail_end + s->held_written,
                          s->held + s->held_written, rest);
    if (r >= 0)
        s->held_written = s->held_len;
    return r;
}

static void held_is_durable(struct spool *s) {
    struct spool_segment *tail = &s->segments[s->segment_count - 1];
    tail->tally.unacked += s->held_tally.unacked;
    tail->tally.unacked_events += s->held_tally.unacked_events;
    tail->tally.unsealed += s->held_tally.unsealed;
    s->held_tally = (struct spool_tally){0};
    s->tail_end += s->held_len;
    tail->end = s->tail_end;
    s->held_len = s->held_written = 0;
    s->held_batch = false;
    s->durable = s->now;
}

static int sync_once(struct spool *s) {
    int r = s->has_tail ? 0 : segment_make(s);
    if (r < 0)
        return r;
    r = held_write(s);
    if (r >= 0)
        r = s->disk.sync(s->disk.ctx, s->tail_file);
    if (r >= 0) {
        held_is_durable(s);
        return 0;
    }
    /* After a failed sync the pages may count as clean: they are never trusted again. */
    tail_leave(s);
    return spool_log_result(s, r);
}

int spool_sync(struct spool *s) {
    if (s->read_only)
        return ERR_READONLY;
    if (s->held_len == 0)
        return 0;
    bool had_tail = s->has_tail;
    int r = sync_once(s);
    if (r < 0 && had_tail)
        r = sync_once(s); /* in a new segment */
    if (r >= 0)
        spool_log_free(s);
    return r;
}

static bool fits(const struct spool *s, uint32_t size) {
    return s->tail_end + s->held_len + size <= s->conf.segment_bytes &&
           s->held_len + size <= SPOOL_HELD_MAX;
}

int spool_log_room(struct spool *s, uint32_t len, uint8_t **ret_payload) {
    uint32_t size = record_size(len);
    if (s->read_only)
        return ERR_READONLY;
    if (len > SPOOL_RECORD_MAX - RECORD_HEADER - RECORD_STEP ||
        RECORD_SEGMENT_HEADER + size > s->conf.segment_bytes)
        return ERR_OVERFLOW;
    if (!fits(s, size)) {
        if (spool_sync(s) == 0 && !fits(s, size))
            tail_leave(s);
        if (!fits(s, size))
            return ERR_OVERFLOW;
    }
    *ret_payload = s->held + s->held_len + RECORD_HEADER;
    return 0;
}

void spool_log_push(struct spool *s, enum record_type type, uint32_t len) {
    s->held_len += record_seal(s->held + s->held_len, s->now.number++, type, len);
    /* Handed to the kernel at once: a daemon that dies costs nothing, only a power cut does. */
    if (s->has_tail && spool_log_result(s, held_write(s)) < 0)
        tail_leave(s);
}

/* ---- freeing ---- */

static bool first_is_free(const struct spool *s) {
    uint64_t first = s->segments[0].first;
    return s->segment_count > 1 && first < s->head.segment && first < s->unsealed.segment;
}

void spool_log_free(struct spool *s) {
    if (s->held_batch || s->drop_count > 0)
        return;
    if (s->tally.unacked == 0)
        s->head = spool_log_end(s);
    if (s->tally.unsealed == 0)
        s->unsealed = spool_log_end(s);
    /* A segment that is gone below the saved cursor is free; above it, it would read as dropped. */
    if (!first_is_free(s) || spool_cursor_save(s) < 0)
        return;
    while (first_is_free(s)) {
        char name[DISK_NAME_MAX + 1];
        spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, s->segments[0].first, name);
        reader_drop(s);
        int r = s->disk.remove(s->disk.ctx, name);
        if (r < 0 && r != ERR_NOENT) {
            s->storage_errors++;
            return;
        }
        segment_forget_first(s);
    }
}

void spool_log_close_files(struct spool *s) {
    reader_drop(s);
    if (s->tail_file >= 0)
        s->disk.close(s->disk.ctx, s->tail_file);
    s->tail_file = -1;
}
