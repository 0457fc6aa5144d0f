/* moorwatch spool on a real directory: the figures, the events, the errors; and nothing written.
 * spool_cli_test MOORWATCH */
#include "spool.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *moorwatch;
static char dir[] = "/tmp/moorwatch-spool-XXXXXX";
static char output[8192];

/* Runs the command; its exit code, and its standard output and error in `output`. */
static int run(const char *arguments) {
    char command[512];
    snprintf(command, sizeof command, "%s spool %s 2>&1", moorwatch, arguments);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    size_t n = fread(output, 1, sizeof output - 1, p);
    output[n] = '\0';
    return WEXITSTATUS(pclose(p));
}

static int on_dir(const char *options, const char *path) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "%s %s", options, path);
    return run(arguments);
}

static void says(const char *words) {
    if (strstr(output, words) == NULL)
        fail_msg("does not say '%s' but: %s", words, output);
}

static int fill(void **state) {
    static struct spool s;
    struct disk disk;
    const struct spool_conf conf = {
        .cls = CLASS_ALARM, .segment_bytes = 65536, .quota_bytes = 4 * 65536};
    (void)state;
    if (mkdtemp(dir) == NULL || disk_posix(dir, &disk) < 0 ||
        spool_open(&s, &disk, &conf, 0xB007, 0xABCDEF) < 0)
        return -1;
    for (int i = 1; i <= 3; i++) {
        const struct event e = {.t_ms = 1000 * i, .kind = EVENT_LOCK, .lock = {.what = LOCK_ALARM}};
        if (spool_append_event(&s, &e) < 0)
            return -1;
    }
    if (spool_sync(&s) < 0)
        return -1;
    spool_close(&s);
    disk_posix_free(&disk);
    return 0;
}

static int clean(void **state) {
    char path[512];
    DIR *d = opendir(dir);
    struct dirent *e;
    (void)state;
    while (d != NULL && (e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    closedir(d);
    return rmdir(dir);
}

static void prints_what_waits(void **state) {
    (void)state;
    assert_int_equal(on_dir("", dir), 0);
    says("alarm: spool 0000000000abcdef");
    says("not sealed yet 3 events");
    says("accepted 3, dropped 0");
    assert_null(strstr(output, "telemetry"));
    assert_int_equal(on_dir("--events", dir), 0);
    says("2000 ms  lock 1 alarm");
}

static void speaks_json(void **state) {
    (void)state;
    assert_int_equal(on_dir("--json --events", dir), 0);
    says("\"spool_id\": \"0000000000abcdef\"");
    says("\"unsealed\": 3");
    says("\"t_ms\": 3000, \"kind\": \"lock\"");
    char path[128];
    snprintf(path, sizeof path, "--json --events %s | python3 -m json.tool", dir);
    assert_int_equal(run(path), 0);
}

static void says_what_is_wrong(void **state) {
    (void)state;
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "%s/none", dir);
    assert_int_equal(on_dir("", path), 1);
    says("no such thing");
    assert_int_not_equal(stat(path, &st), 0); /* and was not made */
    assert_int_equal(on_dir("", "/usr"), 1);
    says("no spool here");
    assert_int_equal(run(""), 2);
    says("which directory?");
    assert_int_equal(on_dir("--nonsense", dir), 2);
    says("unknown option");
}

static void writes_nothing(void **state) {
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "cd %s && md5sum *", dir);
    for (int i = 0; i < 2; i++) {
        static char before[1024];
        FILE *p = popen(command, "r");
        char now[1024] = "";
        assert_true(fread(now, 1, sizeof now - 1, p) > 0);
        pclose(p);
        if (i == 1)
            assert_string_equal(now, before);
        memcpy(before, now, sizeof before);
        assert_int_equal(on_dir("--events", dir), 0);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_waits),
        cmocka_unit_test(speaks_json),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(writes_nothing),
    };
    if (argc != 2)
        return 2;
    moorwatch = argv[1];
    return cmocka_run_group_tests(tests, fill, clean);
}
