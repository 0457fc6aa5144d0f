/* log: one line on standard error per change of state, for people.
 *
 * Only programs and `port` log; base, wire, core and the collector's capabilities never do: they
 * return codes and count.  "module: message"; the journal gets systemd's <N> priority in front, a
 * terminal or file the UTC time.  No secret and no whole payload ever goes here.
 *
 * Guarded by tests/base/log_test.c.  Memory: none taken, a line is cut at LOG_LINE_MAX bytes.
 * Threads: any; a line is one write.  Errors: none, a line that cannot be written is lost. */
#ifndef MOORWATCH_LOG_H
#define MOORWATCH_LOG_H

enum { LOG_LINE_MAX = 1024 };

/* The values are syslog's. */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

enum log_form { LOG_FORM_PLAIN, LOG_FORM_JOURNAL };

/* Begins: finds out whether standard error is the journal.  Without it: plain, level info. */
void log_init(void);
/* Lines above (less urgent than) this level are dropped. */
void log_set_level(enum log_level level);
/* Elsewhere than standard error, in a given form: for tests. */
void log_redirect(int fd, enum log_form form);

#define LOG_PRINTF __attribute__((format(printf, 2, 3)))
void log_error(const char *module, const char *format, ...) LOG_PRINTF;
void log_warn(const char *module, const char *format, ...) LOG_PRINTF;
void log_info(const char *module, const char *format, ...) LOG_PRINTF;
void log_debug(const char *module, const char *format, ...) LOG_PRINTF;

#endif
