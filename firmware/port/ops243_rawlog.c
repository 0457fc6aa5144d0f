#include "ops243_rawlog.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define S INT64_C(1000000000)

enum { WRITE_S = 5, NOTE_MAX = 200 };

/* ---- the file ---- */

static void reserve(struct ops243_rawlog *l, size_t len);
static void put(struct ops243_rawlog *l, const char *text, size_t len);

/* When, in the words of people, and how far that may be trusted. */
static void put_head(struct ops243_rawlog *l, const char *word) {
    char text[NOTE_MAX], date[32];
    int64_t ms = l->clock->wall_ms(l->clock->ctx), boot_ns = l->clock->boot_ns(l->clock->ctx);
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    reserve(l, 2 * NOTE_MAX);
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof text,
             "#rawlog 1 %s %s.%03dZ quality=%d at=%" PRId64 ".%09" PRId64 " boot=%016" PRIx64 "\n",
             word, date, (int)(ms % 1000), (int)l->clock->quality(l->clock->ctx), boot_ns / S,
             boot_ns % S, l->clock->boot_id);
    put(l, text, strlen(text));
    if (l->max_mm_s > 0) {
        snprintf(text, sizeof text, "#max-speed %d\n", (int)l->max_mm_s);
        put(l, text, strlen(text));
    }
}

static bool open_file(struct ops243_rawlog *l) {
    struct stat st;
    if (l->fd >= 0)
        return true;
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (l->fd < 0 || fstat(l->fd, &st) < 0) {
        l->err = -errno;
        return false;
    }
    l->bytes = (uint64_t)st.st_size;
    return true;
}

static void rotate(struct ops243_rawlog *l) {
    char old[OPS243_RAWLOG_PATH_MAX + 8];
    snprintf(old, sizeof old, "%s.1", l->path);
    close(l->fd);
    l->fd = -1;
    if (rename(l->path, old) < 0)
        unlink(l->path);
    if (open_file(l))
        put_head(l, "next");
}

static void flush(struct ops243_rawlog *l) {
    if (l->len == 0 || !open_file(l))
        return;
    ssize_t n = write(l->fd, l->buf, l->len);
    l->err = n < 0 ? -errno : (size_t)n < l->len ? ERR_NOSPACE : 0;
    l->bytes += n > 0 ? (uint64_t)n : 0;
    l->len = 0;
}

/* Half a record is worse than none: what waits is written, or lost, before there is no room. */
static void reserve(struct ops243_rawlog *l, size_t len) {
    if (l->len + len > sizeof l->buf)
        flush(l);
    if (l->len + len > sizeof l->buf)
        l->len = 0;
}

static void put(struct ops243_rawlog *l, const char *text, size_t len) {
    memcpy(l->buf + l->len, text, len);
    l->len += len;
}

static void record(struct ops243_rawlog *l, const char *head, const char *body, size_t len) {
    size_t head_len = strlen(head);
    if (l->fd >= 0 && l->bytes + l->len + head_len + len + 1 > l->limit_bytes / 2 - NOTE_MAX) {
        flush(l);
        rotate(l);
    }
    reserve(l, head_len + len + 1);
    put(l, head, head_len);
    put(l, body, len);
    put(l, "\n", 1);
}

/* ---- what is recorded ---- */

int ops243_rawlog_open(struct ops243_rawlog *l, const char *path, uint64_t limit_bytes,
                       const struct clock *clock) {
    if (limit_bytes < OPS243_RAWLOG_MIN)
        return ERR_INVAL;
    if (strlen(path) > OPS243_RAWLOG_PATH_MAX)
        return ERR_TOOLONG;
    *l = (struct ops243_rawlog){.clock = clock, .fd = -1, .limit_bytes = limit_bytes};
    memcpy(l->path, path, strlen(path) + 1);
    if (open_file(l) && l->bytes > limit_bytes / 2 - OPS243_RAWLOG_BUFFER)
        rotate(l);
    put_head(l, "begin");
    return 0;
}

void ops243_rawlog_line(struct ops243_rawlog *l, const char *line, size_t len, int64_t t_ns,
                        bool measured) {
    char head[48];
    snprintf(head, sizeof head, "%s%" PRId64 ".%09" PRId64 "\t", measured ? "" : "#idle ", t_ns / S,
             t_ns % S);
    record(l, head, line, len);
}

void ops243_rawlog_cut(struct ops243_rawlog *l, int64_t t_ns, int64_t session) {
    char text[NOTE_MAX];
    if (session < 0)
        snprintf(text, sizeof text, "#cut at=%" PRId64 ".%09" PRId64, t_ns / S, t_ns % S);
    else
        snprintf(text, sizeof text, "#session %" PRId64 " at=%" PRId64 ".%09" PRId64, session,
                 t_ns / S, t_ns % S);
    record(l, text, "", 0);
}

void ops243_rawlog_max_speed(struct ops243_rawlog *l, int32_t mm_s) {
    char text[NOTE_MAX];
    if (mm_s == l->max_mm_s)
        return;
    l->max_mm_s = mm_s;
    snprintf(text, sizeof text, "#max-speed %d", (int)mm_s);
    record(l, text, "", 0);
}

int64_t ops243_rawlog_step(struct ops243_rawlog *l, int64_t now_ns) {
    if (now_ns >= l->due_ns) {
        flush(l);
        l->due_ns = now_ns + WRITE_S * S;
    }
    return l->due_ns;
}

void ops243_rawlog_close(struct ops243_rawlog *l) {
    flush(l);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* ---- what is read ---- */

static int64_t number_after(const char *text, size_t len, size_t at) {
    int64_t n = 0;
    for (; at < len && text[at] >= '0' && text[at] <= '9' && n < INT64_C(1000000000000); at++)
        n = n * 10 + (text[at] - '0');
    return n;
}

/* Seconds with nine decimals behind "at=". */
static int64_t time_in(const char *text, size_t len) {
    const char *at = memmem(text, len, " at=", 4);
    if (at == NULL)
        return 0;
    const char *dot = memchr(at, '.', (size_t)(text + len - at));
    int64_t s = number_after(text, len, (size_t)(at - text) + 4);
    int64_t ns = dot == NULL ? 0 : number_after(text, len, (size_t)(dot - text) + 1);
    return s > INT64_MAX / S - 1 || ns >= S ? 0 : s * S + ns;
}

struct ops243_note ops243_rawlog_note(const char *text, size_t len) {
    static const struct {
        const char *begins;
        enum ops243_note_kind kind;
    } NOTES[] = {
        {"#rawlog 1 begin", OPS243_NOTE_HEAD},
        {"#idle ", OPS243_NOTE_IDLE},
        {"#cut", OPS243_NOTE_CUT},
        {"#session ", OPS243_NOTE_SESSION},
        {"#max-speed ", OPS243_NOTE_MAX_SPEED},
    };
    for (unsigned i = 0; i < sizeof NOTES / sizeof *NOTES; i++) {
        size_t n = strlen(NOTES[i].begins);
        if (len >= n && memcmp(text, NOTES[i].begins, n) == 0)
            return (struct ops243_note){NOTES[i].kind, number_after(text, len, n),
                                        time_in(text, len)};
    }
    return (struct ops243_note){.kind = OPS243_NOTE_OTHER};
}
