/* ops243_rawlog: what a sensor said, line by line, kept for later.
 *
 * One record a line, "SECONDS<TAB>LINE" as `moorwatch passages` reads it: the line as received
 * without its end, the time since boot with nine decimals that the daemon gave its frame.  Lines
 * that were no measurement (answers while it was set up) and what else a replay must know are notes
 * that begin with '#'; a replay of the file gives the passages that the daemon told.  The format
 * stands in firmware/speedwatch/README.md.
 *
 * Bounded: at half of the limit the file becomes PATH.1 and a new one begins.  Written every five
 * seconds or 8 KiB, never synced: a power cut costs the last seconds.  What cannot be written is
 * thrown away and tried again with the next line.
 *
 * Promises (tests/port/ops243_rawlog_test.c, tests/system/daemon_test.py): the two files never hold
 * more than the limit; any bytes can be read as notes.
 * Memory: the struct.  Threads: the loop's.  Time: given, and the clock's for the head. */
#ifndef MOORWATCH_OPS243_RAWLOG_H
#define MOORWATCH_OPS243_RAWLOG_H

#include "clock.h"
#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPS243_RAWLOG_PATH_MAX = 255, OPS243_RAWLOG_BUFFER = 8192, OPS243_RAWLOG_MIN = 65536 };

struct ops243_rawlog {
    char path[OPS243_RAWLOG_PATH_MAX + 1];
    const struct clock *clock;
    int fd;  /* < 0: not open */
    int err; /* why the last write failed; 0: it did not */
    uint64_t limit_bytes, bytes;
    int64_t due_ns;
    int32_t max_mm_s;
    size_t len;
    char buf[OPS243_RAWLOG_BUFFER];
};

/* Appends to what is there.  ERR_INVAL: a limit under OPS243_RAWLOG_MIN; ERR_TOOLONG; a file that
 * cannot be opened is tried again later, and told in `err`. */
MUST int ops243_rawlog_open(struct ops243_rawlog *l, const char *path, uint64_t limit_bytes,
                            const struct clock *clock);
void ops243_rawlog_line(struct ops243_rawlog *l, const char *line, size_t len, int64_t t_ns,
                        bool measured);
/* The tracks were closed here: a session began (number > 0) or ended (0), or the sensor was lost
 * (< 0). */
void ops243_rawlog_cut(struct ops243_rawlog *l, int64_t t_ns, int64_t session);
/* The sensor's largest speed, once it changes. */
void ops243_rawlog_max_speed(struct ops243_rawlog *l, int32_t mm_s);
/* Writes what is due; returns when to be called again. */
int64_t ops243_rawlog_step(struct ops243_rawlog *l, int64_t now_ns);
void ops243_rawlog_close(struct ops243_rawlog *l);

enum ops243_note_kind {
    OPS243_NOTE_OTHER,     /* for people */
    OPS243_NOTE_HEAD,      /* the daemon began: whatever was in view is cut */
    OPS243_NOTE_IDLE,      /* a line that was no measurement */
    OPS243_NOTE_CUT,       /* the sensor was lost: what was in view is cut */
    OPS243_NOTE_SESSION,   /* on (number > 0) or off (0): likewise */
    OPS243_NOTE_MAX_SPEED, /* number: mm/s */
};

struct ops243_note {
    enum ops243_note_kind kind;
    int64_t number;
    int64_t t_ns; /* HEAD, CUT, SESSION */
};

/* Reads a record that begins with '#'. */
struct ops243_note ops243_rawlog_note(const char *text, size_t len);

#endif
