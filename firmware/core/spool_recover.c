/* spool_open, and what it finds on a disk that has lost power.  SPOOL.md 5 says it in words. */
#include "spool_cursor.h"
#include "spool_log.h"
#include <stddef.h>
#include <string.h>

enum { READ_ATTEMPTS = 10 };

/* No segment holds more records: a number above is above all of an unreadable segment's. */
enum { SEGMENT_RECORDS_MAX = SPOOL_SEGMENT_BYTES_MAX / RECORD_HEADER };

struct recovery {
    struct spool *s;
    unsigned bad_count;
    uint64_t bad[SPOOL_BAD_KEPT + 1]; /* set aside, oldest first */
    bool leftover;
    bool header_read;
    struct record_segment first; /* header of the oldest segment */
    struct record_segment last;  /* and of the newest */
    bool doubt;                  /* a batch may have been lost behind the newest that is readable */
    bool clean;                  /* the newest segment ends in zeros and may go on */
};

/* ---- the files ---- */

static void segment_insert(struct spool *s, uint64_t first, int64_t size) {
    unsigned i = s->segment_count;
    if (i == SPOOL_SEGMENTS_MAX) {
        /* More than the quota can explain: the oldest stay unread. */
        s->records_lost++;
        if (first < s->segments[0].first)
            return;
        memmove(s->segments, s->segments + 1, --i * sizeof s->segments[0]);
        s->segment_count--;
    }
    for (; i > 0 && s->segments[i - 1].first > first; i--)
        s->segments[i] = s->segments[i - 1];
    uint32_t bytes = size > SPOOL_SEGMENT_BYTES_MAX ? SPOOL_SEGMENT_BYTES_MAX : (uint32_t)size;
    s->segments[i] = (struct spool_segment){.first = first, .bytes = bytes, .end = bytes};
    s->segment_count++;
}

static void bad_insert(struct recovery *v, uint64_t first) {
    unsigned i = v->bad_count;
    if (i > SPOOL_BAD_KEPT)
        return;
    for (; i > 0 && v->bad[i - 1] > first; i--)
        v->bad[i] = v->bad[i - 1];
    v->bad[i] = first;
    v->bad_count++;
}

static int each_file(void *arg, const char *name, int64_t size) {
    struct recovery *v = arg;
    uint64_t first = 0;
    char temporary[DISK_NAME_MAX + 1];
    spool_log_name(v->s->conf.cls, SPOOL_NAME_NEW, 0, temporary);
    if (strcmp(name, temporary) == 0)
        v->leftover = true;
    else if (spool_log_is_segment(name, v->s->conf.cls, false, &first))
        segment_insert(v->s, first, size);
    else if (spool_log_is_segment(name, v->s->conf.cls, true, &first))
        bad_insert(v, first);
    return 0;
}

static void leftover_remove(struct recovery *v) {
    char name[DISK_NAME_MAX + 1];
    spool_log_name(v->s->conf.cls, SPOOL_NAME_NEW, 0, name);
    if (v->leftover && !v->s->read_only)
        (void)spool_log_result(v->s, v->s->disk.remove(v->s->disk.ctx, name));
}

/* Out of the way, for people to look at; the oldest of too many is removed.  A disk that cannot
 * even rename is not damaged but dead, and its error is the caller's. */
static int set_aside(struct recovery *v, unsigned index) {
    struct spool *s = v->s;
    uint64_t first = s->segments[index].first;
    char name[DISK_NAME_MAX + 1], bad[DISK_NAME_MAX + 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, first, name);
    spool_log_name(s->conf.cls, SPOOL_NAME_BAD, first, bad);
    spool_log_close_files(s);
    s->segment_count--;
    memmove(s->segments + index, s->segments + index + 1,
            (s->segment_count - index) * sizeof s->segments[0]);
    bad_insert(v, first);
    s->records_lost++;
    int r = s->read_only ? 0 : s->disk.rename(s->disk.ctx, name, bad);
    if (s->read_only || r < 0)
        return r;
    if (v->bad_count > SPOOL_BAD_KEPT) {
        spool_log_name(s->conf.cls, SPOOL_NAME_BAD, v->bad[0], bad);
        (void)spool_log_result(s, s->disk.remove(s->disk.ctx, bad));
        v->bad_count--;
        memmove(v->bad, v->bad + 1, v->bad_count * sizeof v->bad[0]);
    }
    return 0;
}

static bool is_disk_error(int r) {
    return r < 0 && r != ERR_BADMSG && r != ERR_VERSION;
}

/* False if not even the cursor can be read: then the disk is away, not a segment damaged. */
static bool disk_answers(struct spool *s) {
    uint8_t byte;
    return s->cursor_file < 0 || s->disk.read(s->disk.ctx, s->cursor_file, 0, &byte, 1) >= 0;
}

/* Reads every header; what has none goes.  The number after any that went is free for sure. */
static int headers_read(struct recovery *v, uint64_t *ret_free_number) {
    struct spool *s = v->s;
    uint64_t newest_good = 0, newest_bad = 0;
    for (unsigned i = 0; i < s->segment_count;) {
        struct record_segment header;
        int r = spool_log_header(s, i, &header);
        for (int attempt = 1; is_disk_error(r) && attempt < READ_ATTEMPTS; attempt++)
            r = spool_log_header(s, i, &header);
        uint64_t first = s->segments[i].first;
        if (r < 0) {
            newest_bad = first;
            if (is_disk_error(r) && (r != ERR_IO || !disk_answers(s)))
                return r;
            if ((r = set_aside(v, i)) < 0)
                return r;
            continue;
        }
        if (!v->header_read)
            v->first = header;
        v->header_read = true;
        v->last = header;
        newest_good = first;
        s->segments[i].accepted = header.mark.accepted;
        i++;
    }
    v->doubt = newest_bad > newest_good;
    *ret_free_number = newest_bad > 0 ? newest_bad + SEGMENT_RECORDS_MAX : 0;
    return 0;
}

/* ---- the records ---- */

static void apply_event(struct spool *s, const struct record *record) {
    struct record_event about = {0};
    struct event event;
    int r = record_get_event(record, &about, &event);
    if (r < 0) {
        s->records_lost++;
        return;
    }
    if (about.ordinal >= s->now.accepted)
        s->now.accepted = about.ordinal + 1;
}

static void apply_batch(struct spool *s, const struct record *record) {
    struct record_batch batch;
    if (record_get_batch(record, &batch) < 0)
        return;
    if (batch.to > s->now.sealed)
        s->now.sealed = batch.to;
    if (batch.to > s->now.accepted)
        s->now.accepted = batch.to;
    if (batch.spool_id != s->spool_id)
        return;
    s->now.next_seq = batch.seq + 1;
    s->now.has_previous = true;
    memcpy(s->now.previous, batch.hash, WIRE_HASH_BYTES);
}

static void apply(struct spool *s, const struct record *record) {
    struct spool_anchor anchor;
    if (record->type == RECORD_EVENT)
        apply_event(s, record);
    else if (record->type == RECORD_BATCH)
        apply_batch(s, record);
    else if (record_get_anchor(record, &anchor) == 0)
        spool_log_learn(s, &anchor);
}

/* Numbers that are missing before `number`; those below the cursor are nobody's loss. */
static uint32_t missing_before(const struct spool *s, uint64_t number) {
    uint64_t from = s->now.number > s->cursor.number ? s->now.number : s->cursor.number;
    return number > from ? (uint32_t)(number - from) : 0;
}

static int scan(struct spool *s, unsigned i, uint32_t *offset, uint64_t limit,
                struct record *ret_record) {
    uint32_t at = 0;
    int r = ERR_IO;
    for (int attempt = 0; r < 0 && attempt < READ_ATTEMPTS; attempt++)
        r = spool_log_scan(s, i, offset, limit, ret_record, &at);
    return r;
}

/* Reads a segment from its header on; finds its end. */
static int segment_walk(struct recovery *v, unsigned i) {
    struct spool *s = v->s;
    struct record_segment header;
    bool last = i + 1 == s->segment_count;
    uint64_t limit = last ? UINT64_MAX : s->segments[i + 1].first;
    uint32_t offset = RECORD_SEGMENT_HEADER, end = offset;
    int r = spool_log_header(s, i, &header);
    if (r < 0)
        return r;
    if (i > 0)
        s->records_lost += missing_before(s, header.mark.number);
    s->now = header.mark;
    s->spool_id = header.spool_id;
    spool_log_learn(s, &header.anchor);
    bool damaged = false, damaged_since_batch = false;
    struct record record;
    while ((r = scan(s, i, &offset, limit, &record)) > 0) {
        if (record.number < s->now.number)
            continue;
        if (record.number > s->now.number)
            damaged = damaged_since_batch = true;
        s->records_lost += missing_before(s, record.number);
        if (record.type == RECORD_BATCH)
            damaged_since_batch = false;
        s->now.number = record.number + 1;
        apply(s, &record);
        end = offset;
    }
    if (r < 0)
        return r;
    if (last && !spool_log_blank(s, i, end)) {
        s->records_lost++;
        damaged = damaged_since_batch = true;
    }
    s->segments[i].end = end;
    if (last) {
        v->doubt = v->doubt || damaged_since_batch;
        v->clean = !damaged;
    }
    return 0;
}

/* What was read counts as durable from now on, but after a crash of the daemon alone it may still
 * be in the kernel's hands; and after a sync that failed the kernel may call its pages clean though
 * the disk never took them.  So the last segment is written anew, into another file.  Where there
 * is no room for that a sync has to do. */
static int settle_on_disk(struct spool *s) {
    if (s->read_only || s->segment_count == 0)
        return 0;
    char name[DISK_NAME_MAX + 1];
    const struct spool_segment *last = &s->segments[s->segment_count - 1];
    spool_log_name(s->conf.cls, SPOOL_NAME_SEGMENT, last->first, name);
    if (last->end > RECORD_SEGMENT_HEADER) {
        int r = spool_log_rewrite(s);
        if (r < 0 && r != ERR_NOSPACE)
            return r;
    }
    spool_log_close_files(s);
    s->tail_file = s->disk.open(s->disk.ctx, name, 0);
    if (s->tail_file < 0)
        return s->tail_file;
    int r = s->disk.sync(s->disk.ctx, s->tail_file);
    return r < 0 ? r : s->disk.sync_dir(s->disk.ctx);
}

/* ---- identity ---- */

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* The cursor knows of more than the log has: durable records, or the first segment of a new
 * identity, are gone. */
static bool cursor_is_ahead(const struct spool *s) {
    const struct spool_cursor *c = &s->cursor;
    if (!s->cursor_found)
        return false;
    if (c->spool_id != s->spool_id)
        return larger(c->number, c->log_number) >= s->now.number;
    return larger(c->number, c->log_number) > s->now.number || c->seq > s->now.next_seq;
}

static void numbers_settle(struct spool *s, uint64_t free_number) {
    const struct spool_cursor *c = &s->cursor;
    struct spool_mark *m = &s->now;
    m->number = larger(larger(m->number, free_number), larger(c->number, c->log_number));
    m->number = larger(m->number, 1);
    m->accepted = larger(m->accepted, larger(c->ordinal, c->log_accepted));
    m->sealed = larger(m->sealed, c->ordinal);
    if (s->segment_count == 0 && s->cursor_found) {
        s->spool_id = c->spool_id;
        m->next_seq = larger(c->seq, c->log_next_seq);
    }
    s->durable = *m;
}

static void tail_choose(struct recovery *v, bool fresh) {
    struct spool *s = v->s;
    unsigned n = s->segment_count;
    const struct spool_segment *last = n > 0 ? &s->segments[n - 1] : NULL;
    s->has_tail = !s->read_only && !fresh && v->clean && last != NULL &&
                  last->bytes == s->conf.segment_bytes && last->bytes == v->last.segment_bytes &&
                  s->tail_file >= 0;
    if (s->has_tail) {
        s->tail_first = last->first;
        s->tail_end = last->end;
        return;
    }
    /* An empty segment's successor takes its name. */
    if (last != NULL && last->first == s->now.number)
        s->segment_count--;
    s->tail_first = s->now.number;
    s->tail_end = RECORD_SEGMENT_HEADER;
    spool_log_close_files(s);
}

static void identity_renew(struct spool *s, uint64_t fresh_id) {
    s->spool_id = fresh_id;
    s->now.next_seq = 0;
    s->now.has_previous = false;
    memset(s->now.previous, 0, sizeof s->now.previous);
    s->durable = s->now;
}

/* ---- what waits ---- */

static int tally(struct spool *s) {
    struct spool_pos pos = {0}, at;
    struct record record;
    struct record_event about;
    struct event event;
    struct record_batch batch;
    int r;
    s->head = s->unsealed = pos;
    while ((r = spool_log_next(s, &pos, &record, &at)) > 0) {
        struct spool_tally *part = spool_log_tally(s, at);
        if (record_get_event(&record, &about, &event) == 0 && about.ordinal >= s->now.sealed) {
            if (s->tally.unsealed == 0)
                s->unsealed = at;
            s->tally.unsealed++;
            part->unsealed++;
        } else if (record_get_batch(&record, &batch) == 0 && record.number >= s->cursor.number) {
            s->tally.unacked++;
            s->tally.unacked_events += batch.events;
            part->unacked++;
            part->unacked_events += batch.events;
        }
    }
    return r;
}

static void cursor_begin(struct recovery *v) {
    struct spool *s = v->s;
    if (!s->cursor_found && v->header_read)
        s->cursor = (struct spool_cursor){.number = v->first.mark.number,
                                          .ordinal = v->first.mark.sealed,
                                          .spool_id = v->first.spool_id,
                                          .seq = v->first.mark.next_seq};
    s->dropped = s->cursor.dropped;
}

static int recover(struct recovery *v, uint64_t fresh_id) {
    struct spool *s = v->s;
    uint64_t free_number = 0;
    int r = s->disk.list(s->disk.ctx, each_file, v);
    if (r < 0)
        return r;
    leftover_remove(v);
    r = spool_cursor_load(s);
    if (r < 0)
        return r;
    r = headers_read(v, &free_number);
    for (unsigned i = 0; r >= 0 && i < s->segment_count; i++)
        r = segment_walk(v, i);
    if (r >= 0)
        r = settle_on_disk(s);
    if (r < 0)
        return r;
    bool fresh = s->segment_count == 0 || v->doubt || cursor_is_ahead(s);
    numbers_settle(s, free_number);
    tail_choose(v, fresh);
    cursor_begin(v);
    if ((r = tally(s)) < 0 || (r = spool_cursor_advance(s, NULL)) < 0)
        return r;
    if (fresh && !s->read_only) {
        identity_renew(s, fresh_id);
        r = spool_cursor_advance(s, NULL);
    }
    s->set_aside = v->bad_count;
    return r < 0 ? r : 0;
}

static void begin(struct spool *s, const struct disk *disk, const struct spool_conf *conf,
                  bool read_only) {
    memset(s, 0, offsetof(struct spool, held));
    s->disk = *disk;
    s->conf = *conf;
    s->read_only = read_only;
    s->tail_file = s->reader_file = s->cursor_file = -1;
}

static int finish(struct spool *s, int r) {
    s->is_open = true;
    if (r < 0) {
        s->read_only = true; /* what was not read must not be written over */
        spool_close(s);
    }
    return r;
}

int spool_open(struct spool *s, const struct disk *disk, const struct spool_conf *conf,
               uint64_t boot_id, uint64_t fresh_id) {
    bool fits = conf->segment_bytes >= SPOOL_SEGMENT_BYTES_MIN &&
                conf->segment_bytes <= SPOOL_SEGMENT_BYTES_MAX && conf->segment_bytes % 512 == 0 &&
                conf->quota_bytes >= 2 * (int64_t)conf->segment_bytes;
    if ((unsigned)conf->cls >= CLASS_COUNT || !fits || fresh_id == 0)
        return ERR_INVAL;
    struct recovery v = {.s = s};
    begin(s, disk, conf, false);
    s->boot_id = boot_id;
    int r = recover(&v, fresh_id);
    if (r >= 0)
        spool_cursor_try(s); /* counted; the next one may succeed */
    return finish(s, r);
}

int spool_inspect(struct spool *s, const struct disk *disk, enum event_class cls) {
    const struct spool_conf conf = {.cls = cls};
    struct recovery v = {.s = s};
    if ((unsigned)cls >= CLASS_COUNT)
        return ERR_INVAL;
    begin(s, disk, &conf, true);
    int r = recover(&v, 0);
    if (r >= 0 && s->segment_count == 0 && !s->cursor_found)
        r = ERR_NOENT;
    return finish(s, r);
}

void spool_close(struct spool *s) {
    if (!s->is_open)
        return;
    if (!s->read_only)
        spool_cursor_try(s); /* lagging is allowed */
    spool_log_close_files(s);
    if (s->cursor_file >= 0)
        s->disk.close(s->disk.ctx, s->cursor_file);
    s->cursor_file = -1;
    s->is_open = false;
}
