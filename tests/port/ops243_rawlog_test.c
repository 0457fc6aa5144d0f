/* The raw log: what it holds, how large it may grow, what it does when it cannot be written. */
#include "ops243_rawlog.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S INT64_C(1000000000)

static int64_t boot_ns(void *ctx) {
    (void)ctx;
    return 5 * S + 7;
}

static int64_t wall_ms(void *ctx) {
    (void)ctx;
    return INT64_C(1750719826467);
}

static enum clock_quality quality(void *ctx) {
    (void)ctx;
    return CLOCK_NTP;
}

static const struct clock CLOCK = {NULL, boot_ns, wall_ms, quality, 0x1234abcd};

static char dir[] = "/tmp/rawlog_test.XXXXXX", path[64], old[64];

static int make_dir(void **state) {
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/raw", dir);
    snprintf(old, sizeof old, "%s/raw.1", dir);
    return 0;
}

static int drop_dir(void **state) {
    (void)state;
    unlink(path);
    unlink(old);
    return rmdir(dir);
}

static size_t slurp(const char *from, char *buf, size_t cap) {
    FILE *f = fopen(from, "r");
    size_t n = f != NULL ? fread(buf, 1, cap - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    buf[n] = '\0';
    return n;
}

static void test_what_it_holds(void **state) {
    (void)state;
    struct ops243_rawlog l;
    char text[1024];
    unlink(path);
    assert_int_equal(ops243_rawlog_open(&l, path, 1 << 20, &CLOCK), 0);
    ops243_rawlog_max_speed(&l, 62133);
    ops243_rawlog_max_speed(&l, 62133);
    ops243_rawlog_line(&l, "{\"Version\":\"1.3.9\"}", 19, 6 * S, false);
    ops243_rawlog_cut(&l, 7 * S + 1, 12);
    ops243_rawlog_line(&l, "\xff 1.5 ", 6, 7 * S + 25600000, true);
    ops243_rawlog_cut(&l, 8 * S, 0);
    ops243_rawlog_cut(&l, 9 * S, -1);
    assert_int_equal(slurp(path, text, sizeof text), 0); /* not yet */
    assert_true(ops243_rawlog_step(&l, 10 * S) == 15 * S);
    slurp(path, text, sizeof text);
    assert_string_equal(
        text,
        "#rawlog 1 begin 2025-06-23T23:03:46.467Z quality=2 at=5.000000007 "
        "boot=000000001234abcd\n#max-speed 62133\n#idle 6.000000000\t{\"Version\":\"1.3.9\"}\n"
        "#session 12 at=7.000000001\n7.025600000\t\xff 1.5 \n#session 0 at=8.000000000\n"
        "#cut at=9.000000000\n");
    ops243_rawlog_line(&l, "2", 1, 10 * S, true);
    ops243_rawlog_close(&l);
    slurp(path, text, sizeof text);
    assert_non_null(strstr(text, "\n10.000000000\t2\n"));
}

static off_t size_of(const char *of) {
    struct stat st;
    return stat(of, &st) == 0 ? st.st_size : 0;
}

/* However much comes, in however many runs: never more than the limit, never half a record. */
static void test_bounded(void **state) {
    (void)state;
    struct ops243_rawlog l;
    static char text[OPS243_RAWLOG_MIN];
    unsigned n = 0;
    unlink(path);
    for (int run = 0; run < 3; run++) {
        assert_int_equal(ops243_rawlog_open(&l, path, OPS243_RAWLOG_MIN, &CLOCK), 0);
        for (int i = 0; i < 3000; i++) {
            char line[512];
            memset(line, '7', sizeof line);
            ops243_rawlog_line(&l, line, (size_t)(i * 37 % 512), ++n * S, true);
            if (i % 50 == 0)
                ops243_rawlog_step(&l, n * S);
            assert_true(size_of(path) + size_of(old) <= OPS243_RAWLOG_MIN);
        }
        ops243_rawlog_close(&l);
    }
    assert_true(size_of(old) > OPS243_RAWLOG_MIN / 4);
    slurp(old, text, sizeof text);
    assert_int_equal(strncmp(text, "#rawlog 1 next ", 15), 0);
    unsigned first = 0, last = 0;
    for (const char *files[] = {old, path}, **f = files; f < files + 2; f++) {
        size_t len = slurp(*f, text, sizeof text);
        assert_int_equal(text[len - 1], '\n');
        for (char *p = text; *p != '\0'; p = strchr(p, '\n') + 1) {
            if (*p == '#')
                continue;
            unsigned at = (unsigned)atoi(p);
            assert_true(first == 0 || at == last + 1);
            first = first == 0 ? at : first;
            last = at;
        }
    }
    assert_int_equal(last, n);
}

static void test_no_room(void **state) {
    (void)state;
    struct ops243_rawlog l;
    unlink(path);
    assert_int_equal(ops243_rawlog_open(&l, path, 1000, &CLOCK), ERR_INVAL);
    assert_int_equal(ops243_rawlog_open(&l, "/dev/full", 1 << 20, &CLOCK), 0);
    ops243_rawlog_line(&l, "1", 1, S, true);
    assert_int_equal(l.err, 0);
    ops243_rawlog_step(&l, 10 * S);
    assert_int_equal(l.err, ERR_NOSPACE);
    ops243_rawlog_close(&l);
    char gone[80];
    snprintf(gone, sizeof gone, "%s/none/raw", dir);
    assert_int_equal(ops243_rawlog_open(&l, gone, 1 << 20, &CLOCK), 0);
    for (int i = 0; i < 10000; i++)
        ops243_rawlog_line(&l, "12345", 5, i * S, true);
    assert_int_equal(l.err, ERR_NOENT);
    snprintf(gone, sizeof gone, "%s/none", dir);
    assert_int_equal(mkdir(gone, 0700), 0);
    ops243_rawlog_step(&l, 20000 * S); /* it is there now */
    assert_int_equal(l.err, 0);
    ops243_rawlog_close(&l);
    snprintf(gone, sizeof gone, "%s/none/raw", dir);
    assert_true(size_of(gone) > 0);
    unlink(gone);
    snprintf(gone, sizeof gone, "%s/none", dir);
    rmdir(gone);
}

static void test_notes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct ops243_note note;
    } NOTES[] = {
        {"#rawlog 1 begin 2025 at=5.000000007 boot=1\n", {OPS243_NOTE_HEAD, 0, 5 * S + 7}},
        {"#rawlog 1 next 2025 at=5.000000007 boot=1\n", {OPS243_NOTE_OTHER, 0, 0}},
        {"#idle 6.0\t13\n", {OPS243_NOTE_IDLE, 6, 0}},
        {"#session 12 at=7.000000001\n", {OPS243_NOTE_SESSION, 12, 7 * S + 1}},
        {"#session 0 at=7.000000001\n", {OPS243_NOTE_SESSION, 0, 7 * S + 1}},
        {"#cut at=9.000000000\n", {OPS243_NOTE_CUT, 0, 9 * S}},
        {"#max-speed 62133\n", {OPS243_NOTE_MAX_SPEED, 62133, 0}},
        {"# anything\n", {OPS243_NOTE_OTHER, 0, 0}},
        {"#", {OPS243_NOTE_OTHER, 0, 0}},
        {"#cut at=99999999999999999999.5", {OPS243_NOTE_CUT, 0, 0}},
    };
    for (size_t i = 0; i < sizeof NOTES / sizeof *NOTES; i++) {
        struct ops243_note n = ops243_rawlog_note(NOTES[i].text, strlen(NOTES[i].text));
        assert_int_equal(n.kind, NOTES[i].note.kind);
        assert_int_equal(n.number, NOTES[i].note.number);
        assert_int_equal(n.t_ns, NOTES[i].note.t_ns);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_holds),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
