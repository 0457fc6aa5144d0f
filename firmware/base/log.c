#include "log.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    int fd;
    enum log_form form;
    enum log_level level;
} sink = {STDERR_FILENO, LOG_FORM_PLAIN, LOG_LEVEL_INFO};

/* systemd.exec(5): JOURNAL_STREAM names device and inode of the journal's socket; it is inherited,
 * so it only counts when our own descriptor is that socket. */
static int is_journal(int fd) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    uintmax_t dev, ino;
    if (stream == NULL || fstat(fd, &st) != 0)
        return 0;
    return sscanf(stream, "%ju:%ju", &dev, &ino) == 2 && dev == (uintmax_t)st.st_dev &&
           ino == (uintmax_t)st.st_ino;
}

void log_init(void) {
    log_redirect(STDERR_FILENO, is_journal(STDERR_FILENO) ? LOG_FORM_JOURNAL : LOG_FORM_PLAIN);
}

void log_redirect(int fd, enum log_form form) {
    sink.fd = fd;
    sink.form = form;
}

void log_set_level(enum log_level level) {
    sink.level = level;
}

static size_t prefix(char *buf, size_t cap, enum log_level level) {
    if (sink.form == LOG_FORM_JOURNAL)
        return (size_t)snprintf(buf, cap, "<%d>", (int)level);
    static const char *const WORDS[] = {
        [LOG_LEVEL_ERROR] = "error: ",
        [LOG_LEVEL_WARN] = "warning: ",
        [LOG_LEVEL_INFO] = "",
        [LOG_LEVEL_DEBUG] = "debug: ",
    };
    struct timespec now = {0};
    struct tm tm = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    return n +
           (size_t)snprintf(buf + n, cap - n, ".%03ldZ %s", now.tv_nsec / 1000000, WORDS[level]);
}

/* A line break inside a message would forge a second line. */
static void flatten(char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
}

static void emit(enum log_level level, const char *module, const char *message) {
    if (level > sink.level)
        return;
    char line[LOG_LINE_MAX];
    size_t room = sizeof line - 1, start = prefix(line, room, level);
    size_t n = start + (size_t)snprintf(line + start, room - start, "%s: %s", module, message);
    if (n >= room)
        n = room - 1;
    flatten(line + start, n - start);
    line[n++] = '\n';
    if (write(sink.fd, line, n) < 0)
        return;
}

#define LEVEL_FUNCTION(name, level)                                                                \
    void name(const char *module, const char *format, ...) {                                       \
        char message[LOG_LINE_MAX];                                                                \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        vsnprintf(message, sizeof message, format, args);                                          \
        va_end(args);                                                                              \
        emit(level, module, message);                                                              \
    }

LEVEL_FUNCTION(log_error, LOG_LEVEL_ERROR)
LEVEL_FUNCTION(log_warn, LOG_LEVEL_WARN)
LEVEL_FUNCTION(log_info, LOG_LEVEL_INFO)
LEVEL_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
