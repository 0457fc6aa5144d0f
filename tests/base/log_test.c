/* log: what a line looks like to the journal and to a person. */
#include "log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int pipe_fds[2];

static const char *line(void) {
    static char buf[2 * LOG_LINE_MAX];
    ssize_t n = read(pipe_fds[0], buf, sizeof buf - 1);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

static void journal_gets_priorities(void **state) {
    (void)state;
    log_redirect(pipe_fds[1], LOG_FORM_JOURNAL);
    log_warn("spool", "%s: %d left", "disk", 3);
    assert_string_equal("<4>spool: disk: 3 left\n", line());
    log_error("radar", "silent");
    assert_string_equal("<3>radar: silent\n", line());
}

static void people_get_the_time(void **state) {
    (void)state;
    log_redirect(pipe_fds[1], LOG_FORM_PLAIN);
    log_warn("spool", "full");
    const char *text = line();
    assert_int_equal('2', text[0]);
    assert_int_equal('Z', text[23]);
    assert_string_equal(" warning: spool: full\n", text + 24);
}

static void one_message_is_one_line(void **state) {
    (void)state;
    log_redirect(pipe_fds[1], LOG_FORM_JOURNAL);
    log_info("radar", "a\n<0>forged");
    assert_string_equal("<6>radar: a <0>forged\n", line());
    char huge[3 * LOG_LINE_MAX];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    log_info("radar", "%s", huge);
    const char *text = line();
    assert_int_equal(LOG_LINE_MAX - 1, strlen(text));
    assert_int_equal('\n', text[LOG_LINE_MAX - 2]);
}

static void levels_drop_lines(void **state) {
    (void)state;
    log_redirect(pipe_fds[1], LOG_FORM_JOURNAL);
    log_debug("a", "hidden");
    log_info("a", "seen");
    assert_string_equal("<6>a: seen\n", line());
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("a", "seen now");
    assert_string_equal("<7>a: seen now\n", line());
}

int main(void) {
    if (pipe(pipe_fds) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_gets_priorities),
        cmocka_unit_test(people_get_the_time),
        cmocka_unit_test(one_message_is_one_line),
        cmocka_unit_test(levels_drop_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
