/* conf: limits, errors with file and line, and the defaults that load back.  The expectations are
 * written out by hand; the random part checks the promise "stored means within limits". */
#include "conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct sample {
    char name[16];
    char ca[32];
    bool loud;
    uint16_t limit;
    uint32_t baud;
    int32_t offset;
    int64_t big;
    double east;
    int64_t delay_ns;
    unsigned form;
};

static const struct conf_key KEYS[] = {
    {"unit", "name", CONF_STR, CONF_AT(struct sample, name), 1, 10, NULL, NULL, NULL, "Its name."},
    {"unit", "ca", CONF_PATH, CONF_AT(struct sample, ca), 0, 0, "", NULL, NULL, "A path."},
    {"unit", "loud", CONF_BOOL, CONF_AT(struct sample, loud), 0, 0, "yes", NULL, NULL, "Noise."},
    {"unit", "limit", CONF_U16, CONF_AT(struct sample, limit), 20, 70, "30", NULL, "mph", "Limit."},
    {"unit", "baud", CONF_U32, CONF_AT(struct sample, baud), 0, 0, "19200", NULL, NULL, "Baud."},
    {"more", "offset", CONF_I32, CONF_AT(struct sample, offset), -5, 5, "-2", NULL, NULL, "Off."},
    {"more", "big", CONF_I64, CONF_AT(struct sample, big), 0, 0, "0", NULL, NULL, "Big."},
    {"more", "east", CONF_F64, CONF_AT(struct sample, east), -180, 180, "0", NULL, NULL, "East."},
    {"more", "delay", CONF_DURATION, CONF_AT(struct sample, delay_ns), 50, 60000, "30 s", NULL,
     NULL, "Wait."},
    {"more", "form", CONF_CHOICE, CONF_AT(struct sample, form), 0, 0, "plain", "plain|json", NULL,
     "Form."},
};
enum { KEYS_N = sizeof KEYS / sizeof KEYS[0] };

static int load(const char *text, struct sample *ret, struct conf_errors *errors) {
    conf_errors_init(errors, "x.conf");
    return conf_load_text(KEYS, KEYS_N, ret, text, strlen(text), errors);
}

static void values_are_stored(void **state) {
    (void)state;
    struct sample s;
    struct conf_errors e;
    assert_int_equal(0,
                     load("# c\n[unit]\n  name = plot-7 ; the gate\r\nca=/a b\nloud = OFF\n"
                          "limit = 40\nbaud = 4294967295\n[more]\noffset = 5\nbig = -9000000000\n"
                          "east = -1.25\ndelay = 2 s\nform = json",
                          &s, &e));
    assert_string_equal("plot-7", s.name);
    assert_string_equal("/a b", s.ca);
    assert_false(s.loud);
    assert_int_equal(40, s.limit);
    assert_int_equal(UINT32_MAX, s.baud);
    assert_int_equal(5, s.offset);
    assert_true(s.big == INT64_C(-9000000000));
    assert_true(s.east <= -1.25 && s.east >= -1.25);
    assert_true(s.delay_ns == INT64_C(2000000000));
    assert_int_equal(1, s.form);
}

static void errors_say_where_and_what(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } CASES[] = {
        {"[unit]\nname=a\nlimti = 30\n", "x.conf:3: limti: unknown key in [unit]"},
        {"[unit]\nname=a\n[link]\nca = b\n", "x.conf:4: ca: unknown section [link]"},
        {"[unit]\nname=a\nname=b\n", "x.conf:3: name: given twice"},
        {"[unit]\nname=a\nlimit = 19\n", "x.conf:3: limit: 19 is below 20"},
        {"[unit]\nname=a\nlimit = 71\n", "x.conf:3: limit: 71 is above 70"},
        {"[unit]\nname=a\nlimit = 30mph\n", "x.conf:3: limit: \"30mph\" is not a whole number"},
        {"[unit]\nname=a\nbaud = -1\n", "x.conf:3: baud: -1 is below 0"},
        {"[unit]\nname=a\nbaud = 4294967296\n", "x.conf:3: baud: 4294967296 is above 4294967295"},
        {"[unit]\nname=a\nloud = maybe\n", "x.conf:3: loud: \"maybe\" is neither yes nor no"},
        {"[unit]\nname=a\n[more]\ndelay = 30\n",
         "x.conf:4: delay: \"30\" needs one of the units ms, s, min, h, d"},
        {"[unit]\nname=a\n[more]\ndelay = 49 ms\n", "x.conf:4: delay: 49 ms is below 50 ms"},
        {"[unit]\nname=a\n[more]\ndelay = 2 min\n", "x.conf:4: delay: 2 min is above 60000 ms"},
        {"[unit]\nname=a\n[more]\neast = nan\n", "x.conf:4: east: \"nan\" is not a number"},
        {"[unit]\nname=a\n[more]\neast = 181\n", "x.conf:4: east: 181 is outside -180 to 180"},
        {"[unit]\nname=a\n[more]\nform = xml\n", "x.conf:4: form: \"xml\" is none of plain|json"},
        {"[unit]\nname=a\nwhat\n", "x.conf:3: \"what\" is not of the form key = value"},
        {"[unit]\nname=a\n[more\n", "x.conf:3: a section needs a closing ]"},
        {"[unit]\nname=a\n=b\n", "x.conf:3: no key before the ="},
        {"[unit]\nname=\n", "x.conf:2: name: must not be empty"},
        {"[unit]\nname=12345678901\n", "x.conf:2: name: longer than 10 characters"},
        {"[unit]\nname=a\001b\n", "x.conf:2: a control character in the line"},
        {"[unit]\nlimit=30\n", "x.conf: [unit] name: missing: Its name."},
    };
    struct sample s;
    struct conf_errors e;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(ERR_INVAL, load(CASES[i].text, &s, &e));
        assert_string_equal(CASES[i].error, e.text[0]);
    }
}

static void all_errors_are_collected(void **state) {
    (void)state;
    char text[4096] = "[unit]\nname=a\n", longest[600];
    struct sample s;
    static struct conf_errors e;
    for (int i = 0; i < 40; i++)
        strcat(text, "bogus = 1\n");
    assert_int_equal(ERR_INVAL, load(text, &s, &e));
    assert_int_equal(40, e.count);
    memset(longest, 'y', sizeof longest);
    longest[sizeof longest - 2] = '\n';
    longest[sizeof longest - 1] = '\0';
    snprintf(text, sizeof text, "[unit]\n; %sname = %s\nlimit = 1\n", longest, "a");
    assert_int_equal(ERR_INVAL, load(text, &s, &e));
    assert_int_equal(1, e.count);
    assert_string_equal("x.conf:4: limit: 1 is below 20", e.text[0]);
    snprintf(text, sizeof text, "[unit]\nname = %sbaud = x\n", longest);
    assert_int_equal(ERR_INVAL, load(text, &s, &e));
    assert_string_equal("x.conf:2: the line is too long", e.text[0]);
    assert_string_equal("x.conf:3: baud: \"x\" is not a whole number", e.text[1]);
}

static void a_file_that_is_not_there(void **state) {
    (void)state;
    struct sample s;
    struct conf_errors e;
    assert_int_equal(ERR_NOENT, conf_load(KEYS, KEYS_N, &s, "/nonexistent/x.conf", &e));
    assert_string_equal("/nonexistent/x.conf: cannot be opened: No such file or directory",
                        e.text[0]);
    assert_int_equal(30, s.limit);
    assert_true(conf_load(KEYS, KEYS_N, &s, "/", &e) < 0);
    assert_true(e.count > 0);
}

static void printed_defaults_load_back(void **state) {
    (void)state;
    char path[] = "/tmp/conf_test-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    conf_print_defaults(KEYS, KEYS_N, "A sample", f);
    fclose(f);
    struct sample s, want;
    struct conf_errors e;
    memset(&s, 0, sizeof s);
    memset(&want, 0, sizeof want);
    conf_defaults(KEYS, KEYS_N, &want);
    assert_int_equal(ERR_INVAL, conf_load(KEYS, KEYS_N, &s, path, &e));
    assert_int_equal(1, e.count); /* the name, which must be given */
    assert_non_null(strstr(e.text[0], "[unit] name: missing"));
    assert_memory_equal(&want, &s, sizeof s);
    unlink(path);
}

/* Mutated files: whatever comes in, what is stored is within the table's limits. */
static void any_bytes_stay_within_limits(void **state) {
    (void)state;
    const char *given = getenv("MOORWATCH_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 7;
    static const char GOOD[] = "[unit]\nname = a\nlimit = 40\nbaud = 9600\n[more]\noffset = 3\n"
                               "delay = 900 ms\nform = json\neast = 12.5\n";
    for (int round = 0; round < 3000; round++) {
        char text[sizeof GOOD];
        memcpy(text, GOOD, sizeof GOOD);
        for (int k = 0; k < 4; k++)
            text[(unsigned)rand_r(&seed) % (sizeof GOOD - 1)] = (char)rand_r(&seed);
        struct sample s;
        struct conf_errors e;
        conf_errors_init(&e, "x");
        int result = conf_load_text(KEYS, KEYS_N, &s, text, sizeof GOOD - 1, &e);
        bool fits = s.limit >= 20 && s.limit <= 70 && s.offset >= -5 && s.offset <= 5 &&
                    s.delay_ns >= 50000000 && s.delay_ns <= INT64_C(60000000000) && s.form <= 1 &&
                    s.east >= -180 && s.east <= 180 && strlen(s.name) <= 10;
        if (!fits || (result == 0) != (e.count == 0))
            fail_msg("round %d of MOORWATCH_SEED %s", round, given != NULL ? given : "7");
    }
}

struct seen_sections {
    unsigned n;
    char text[256];
};

static void note(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct seen_sections *seen = arg;
    size_t at = strlen(seen->text);
    snprintf(seen->text + at, sizeof seen->text - at, "%d[%s]%s=%s;", item->line, item->section,
             item->name, item->value);
    if (seen->n++ == 2)
        conf_error(errors, item->line, item->name, "third");
}

static void sections_of_free_names(void **state) {
    (void)state;
    static const char TEXT[] = "[lock 1]\nplot = 7\n\n[lock 2]\nplot = 9\npin = main:4 A|B ; x\n";
    struct seen_sections seen = {0};
    struct conf_errors e;
    conf_errors_init(&e, "r.ini");
    assert_int_equal(ERR_INVAL, conf_each_text(TEXT, sizeof TEXT - 1, note, &seen, &e));
    assert_string_equal("2[lock 1]plot=7;5[lock 2]plot=9;6[lock 2]pin=main:4 A|B;", seen.text);
    assert_string_equal("r.ini:6: pin: third", e.text[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_stored),
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(all_errors_are_collected),
        cmocka_unit_test(a_file_that_is_not_there),
        cmocka_unit_test(printed_defaults_load_back),
        cmocka_unit_test(any_bytes_stay_within_limits),
        cmocka_unit_test(sections_of_free_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
