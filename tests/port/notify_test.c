/* notify: the watchdog is fed only when every needed part has moved. */
#include "notify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int manager;

static const char *heard(void) {
    static char text[512];
    ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void only_what_is_deserved(void **state) {
    struct notify n;
    (void)state;
    setenv("WATCHDOG_USEC", "3000000", 1);
    notify_init(&n, NOTIFY_LOOP | NOTIFY_SPOOL);
    assert_true(n.period_ns == 1000000000);
    notify_ready(&n);
    assert_string_equal("READY=1", heard());
    notify_progress(&n, NOTIFY_LOOP);
    assert_true(notify_step(&n, 0) == 1000000000);
    assert_string_equal("", heard()); /* the spool did not move */
    notify_progress(&n, NOTIFY_SPOOL);
    notify_step(&n, 500000000);
    assert_string_equal("", heard()); /* not yet */
    notify_step(&n, 1000000000);
    assert_string_equal("WATCHDOG=1", heard());
    notify_step(&n, 2000000000);
    assert_string_equal("", heard()); /* nobody moved since */
}

static void a_status_is_told_once(void **state) {
    struct notify n;
    (void)state;
    unsetenv("WATCHDOG_USEC");
    notify_init(&n, NOTIFY_LOOP);
    assert_true(notify_step(&n, 7) == INT64_MAX);
    notify_status(&n, "connected");
    assert_string_equal("STATUS=connected", heard());
    notify_status(&n, "connected");
    assert_string_equal("", heard());
    notify_stopping();
    assert_string_equal("STOPPING=1", heard());
}

int main(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/notify_test-%d", (int)getpid());
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0 || bind(manager, (struct sockaddr *)&name, sizeof name) != 0)
        return 1;
    setenv("NOTIFY_SOCKET", name.sun_path, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_deserved),
        cmocka_unit_test(a_status_is_told_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(name.sun_path);
    return failed;
}
