/* The OPS243-A driver against a sensor played on a pseudo-terminal, in virtual time. */
#include "ops243_setup.h"
#include "radar_ops243.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MS INT64_C(1000000)

enum { LOG_MAX = 8192, FRAMES_MAX = 64 };

/* The sensor: what it has been told, and how it misbehaves. */
struct fake {
    int master;
    char link[64];
    bool active, mute, deaf_to_rate, deaf_to_squelch, modem, echo;
    unsigned baud; /* the rate it speaks; 0: any */
    unsigned hz, squelch, min_speed;
    double angle; /* saved in its flash, and what it makes of "^/-0" */
    const char *units;
    size_t log_len;
    char log[LOG_MAX];
};

struct bench {
    struct fake fake;
    struct radar radar;
    int64_t now_ns;
    unsigned frames;
    struct radar_frame frame[FRAMES_MAX];
};

static unsigned line_baud(int fd) {
    struct termios t;
    assert_int_equal(tcgetattr(fd, &t), 0);
    speed_t s = cfgetospeed(&t);
    return s == B9600     ? 9600
           : s == B19200  ? 19200
           : s == B57600  ? 57600
           : s == B115200 ? 115200
                          : 230400;
}

static void fake_power_on(struct fake *f) {
    f->hz = 10000;
    f->squelch = 20;
    f->min_speed = 0;
    f->units = "m-per-sec";
    f->active = true;
}

static void fake_plug(struct fake *f) {
    f->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(f->master >= 0 && grantpt(f->master) == 0 && unlockpt(f->master) == 0);
    unlink(f->link);
    assert_int_equal(symlink(ptsname(f->master), f->link), 0);
    struct termios t;
    assert_int_equal(tcgetattr(f->master, &t), 0);
    cfmakeraw(&t); /* or it would echo what we say before the driver has set it up */
    assert_int_equal(tcsetattr(f->master, TCSANOW, &t), 0);
    fake_power_on(f);
}

static void fake_bytes(struct fake *f, const char *bytes, size_t len) {
    if (f->mute)
        return;
    char wrong[1024];
    if (f->baud != 0 && line_baud(f->master) != f->baud) {
        for (size_t i = 0; i < len && i < sizeof wrong; i++)
            wrong[i] = (char)(0x80 | (bytes[i] * 5));
        bytes = wrong;
    }
    assert_int_equal(write(f->master, bytes, len), (ssize_t)len);
}

static void fake_say(struct fake *f, const char *text) {
    fake_bytes(f, text, strlen(text));
}

static void fake_answer_all(struct fake *f) {
    char text[512];
    snprintf(
        text, sizeof text,
        "{\"Product\":\"OPS243\"}\r\n{\"Version\":\"1.3.9\"}\r\n"
        "{\"SerialNumber\":\"278270101\"}\r\n"
        "{\"SamplingRate\":%u, \"resolution\":0.1214}\r\n{\"SampleSize\":1024}\r\n"
        "{\"PowerMode\":\"%s\"}\r\n{\"Squelch\":\"%u\"}\r\n{\"RequiredMinSpeed\":\"%u.000\"}\r\n",
        f->hz, f->active ? "Continuous" : "Idle", f->squelch, f->min_speed);
    fake_say(f, text);
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* A modem with its echo on: what it does not know is an error. */
static void modem_hear(struct fake *f, const char *c) {
    if (f->echo)
        fake_say(f, c);
    else
        fake_say(f, begins(c, "??") ? "\r\nERROR\r\n" : "");
}

static void fake_obey(struct fake *f, const char *c) {
    if (f->modem) {
        modem_hear(f, c);
        return;
    }
    if (begins(c, "??"))
        fake_answer_all(f);
    else if (begins(c, "S2") && !f->deaf_to_rate)
        f->hz = 20000;
    else if (begins(c, "M>") && !f->deaf_to_squelch)
        f->squelch = (unsigned)atoi(c + 2);
    else if (begins(c, "R>"))
        f->min_speed = (unsigned)atoi(c + 2);
    else if (begins(c, "US") || begins(c, "UM"))
        f->units = c[1] == 'S' ? "mph" : "m-per-sec";
    else if (begins(c, "I4") && f->baud != 0)
        f->baud = 115200;
    if (begins(c, "PA") || begins(c, "PI"))
        f->active = c[1] == 'A';
    char text[128];
    snprintf(text, sizeof text, "{\"Units\":\"%s\"}\r\n", f->units);
    if (begins(c, "U"))
        fake_say(f, text);
    snprintf(text, sizeof text,
             "{\"InboundSensorAngleDegrees\" : 0.00, \"OutboundSensorAngleDegrees\" : %.2f}\r\n",
             f->angle);
    if (begins(c, "^"))
        fake_say(f, text);
}

/* One write of the driver is one command: it waits between them. */
static void fake_hear(struct fake *f) {
    char c[128];
    ssize_t n;
    while (f->master >= 0 && (n = read(f->master, c, sizeof c - 1)) > 0) {
        c[n] = '\0';
        if (f->log_len + (size_t)n < LOG_MAX)
            memcpy(f->log + f->log_len, c, (size_t)n);
        f->log_len += (size_t)n;
        if (f->baud == 0 || line_baud(f->master) == f->baud)
            fake_obey(f, c[0] == 3 ? c + 1 : c);
    }
}

static enum radar_state state_of(struct bench *b) {
    struct radar_status s;
    b->radar.status(b->radar.ctx, &s);
    return s.state;
}

static void run_ms(struct bench *b, int ms) {
    for (int i = 0; i < ms; i += 10) {
        b->now_ns += 10 * MS;
        fake_hear(&b->fake);
        unsigned room = FRAMES_MAX - b->frames;
        int n = b->radar.step(b->radar.ctx, b->now_ns, &b->frame[b->frames], room);
        assert_in_range(n, 0, room);
        b->frames += (unsigned)n;
        assert_true(b->radar.next_ns(b->radar.ctx) > b->now_ns - 1000 * MS);
        fake_hear(&b->fake);
    }
}

static void run_until(struct bench *b, enum radar_state state, int most_ms) {
    for (int ms = 0; ms < most_ms && state_of(b) != state; ms += 10)
        run_ms(b, 10);
    assert_int_equal(state_of(b), state);
}

static void name_link(struct fake *f, unsigned number) {
    snprintf(f->link, sizeof f->link, "/tmp/ops243_test.%d.%u", (int)getpid(), number);
}

static int set_up_as(void **ret_state, const char *end) {
    static struct bench b;
    char path[80];
    memset(&b, 0, sizeof b);
    name_link(&b.fake, 3);
    fake_plug(&b.fake);
    snprintf(path, sizeof path, "/tmp/ops243_test.%d.%s", (int)getpid(), end);
    struct radar_ops243_conf conf = {.path = path, .min_magnitude = 25};
    b.now_ns = 1000 * MS;
    assert_int_equal(radar_ops243_open(&conf, &b.radar), 0);
    *ret_state = &b;
    return 0;
}

static int set_up(void **ret_state) {
    return set_up_as(ret_state, "3");
}

static int set_up_any(void **ret_state) {
    return set_up_as(ret_state, "*");
}

static int tear_down(void **state) {
    struct bench *b = *state;
    b->radar.close(b->radar.ctx);
    if (b->fake.master >= 0)
        close(b->fake.master);
    unlink(b->fake.link);
    /* Flash wears out: nothing is ever saved or reset in it. */
    assert_null(memmem(b->fake.log, LOG_MAX, "A!", 2));
    assert_null(memmem(b->fake.log, LOG_MAX, "AX", 2));
    return 0;
}

static void test_ready(void **state) {
    struct bench *b = *state;
    run_until(b, RADAR_READY, 8000);
    struct radar_status s;
    b->radar.status(b->radar.ctx, &s);
    assert_string_equal(s.product, "OPS243");
    assert_string_equal(s.firmware, "1.3.9");
    assert_string_equal(s.serial, "278270101");
    assert_in_range(s.max_speed_mm_s, 62000, 62200);
    run_ms(b, 20);
    assert_true(b->fake.active);
    assert_int_equal(b->fake.squelch, 25);
    fake_say(
        &b->fake,
        "{\"time\":\"12.5\",\"unit\":\"mps\",\"magnitude\":[606.7,40],\"speed\":[-10.9,12]}\r\n");
    run_ms(b, 50);
    assert_int_equal(b->frames, 1);
    assert_int_equal(b->frame[0].count, 2);
    assert_int_equal(b->frame[0].targets[0].speed_mm_s, -10900);
    assert_int_equal(b->frame[0].targets[0].magnitude, 607);
    /* read in the first step, half of 1024 / 20 kHz after the middle of the capture */
    assert_int_equal(b->frame[0].t_ns, b->now_ns - 40 * MS - 25600000);
}

static void test_settings_not_taken(void **state) {
    struct bench *b = *state;
    b->fake.deaf_to_rate = true;
    for (int i = 0; i < 1500; i++) {
        run_ms(b, 10);
        assert_int_not_equal(state_of(b), RADAR_READY);
    }
    b->fake.deaf_to_rate = false;
    run_until(b, RADAR_READY, 20000);
}

static void test_baud(void **state) {
    struct bench *b = *state;
    b->fake.baud = 57600;
    run_until(b, RADAR_READY, 30000);
    assert_int_equal(b->fake.baud, 115200); /* three targets need it */
    assert_int_equal(line_baud(b->fake.master), 115200);
}

static void test_bytes_in_any_pieces(void **state) {
    struct bench *b = *state;
    static const char TEXT[] = "{\"speed\":[-10.9],\"magnitude\":[9]}\r\n12.525,9,3.6\n\0{"
                               "\"spe\0ed\":7,\"magnitude\":9}\r";
    run_until(b, RADAR_READY, 8000);
    for (size_t cut = 1; cut < sizeof TEXT - 1; cut++) {
        b->frames = 0;
        fake_bytes(&b->fake, TEXT, cut);
        run_ms(b, 20);
        fake_bytes(&b->fake, TEXT + cut, sizeof TEXT - 1 - cut);
        run_ms(b, 40);
        int32_t sum = 0;
        for (unsigned i = 0; i < b->frames; i++)
            for (unsigned j = 0; j < b->frame[i].count; j++)
                sum += b->frame[i].targets[j].speed_mm_s;
        assert_int_equal(sum, -10900 + 3600 + 7000);
    }
}

static void test_rubbish_between(void **state) {
    struct bench *b = *state;
    static char huge[3001];
    run_until(b, RADAR_READY, 8000);
    memset(huge, '7', sizeof huge - 1);
    fake_say(&b->fake, "\xff\xfe{\r\n");
    fake_say(&b->fake, "{\"speed\":[-10.9, 3\r\n");
    run_ms(b, 20);
    fake_say(&b->fake, "{\"Units\":\"m-per-sec\"}\r\n{\"ALERT\": High Speed inbound 1.7 mps}\r\n");
    fake_say(&b->fake, "{\"speed\":[5]}\r\n");
    run_ms(b, 50);
    assert_int_equal(b->frames, 1);
    assert_int_equal(state_of(b), RADAR_READY);
    fake_bytes(&b->fake, huge, 3000);
    run_ms(b, 20);
    assert_int_equal(state_of(b), RADAR_GARBAGE);
    run_until(b, RADAR_READY, 20000);
    struct radar_status s;
    b->radar.status(b->radar.ctx, &s);
    assert_in_range(s.refused, 2, 10);
}

static void test_reset(void **state) {
    struct bench *b = *state;
    run_until(b, RADAR_READY, 8000);
    fake_power_on(&b->fake);
    fake_say(&b->fake, "\r\n{\"Reset\" : \"Board was reset.\"}\r\n");
    run_ms(b, 20);
    assert_int_equal(state_of(b), RADAR_STARTING);
    /* Its defaults are none of our measurements. */
    fake_say(&b->fake, "13.4\r\n");
    run_ms(b, 50);
    for (unsigned i = 0; i < b->frames; i++)
        assert_int_equal(b->frame[i].count, 0);
    run_until(b, RADAR_READY, 15000);
    assert_int_equal(b->fake.hz, 20000);
    struct radar_status s;
    b->radar.status(b->radar.ctx, &s);
    assert_int_equal(s.resets, 1);
}

static void test_silence(void **state) {
    struct bench *b = *state;
    run_until(b, RADAR_READY, 8000);
    run_ms(b, 10000); /* nothing to see, but it answers when asked */
    assert_int_equal(state_of(b), RADAR_READY);
    b->fake.mute = true;
    run_until(b, RADAR_SILENT, 8000);
    run_ms(b, 20000);
    b->fake.mute = false;
    run_until(b, RADAR_READY, 40000);
}

static void test_garbage(void **state) {
    struct bench *b = *state;
    run_until(b, RADAR_READY, 8000);
    b->fake.baud = 9600; /* as if it had lost its rate */
    for (int i = 0; i < 12; i++)
        fake_say(&b->fake, "{\"speed\":[-10.9],\"magnitude\":[606.7]}\r\n");
    run_until(b, RADAR_GARBAGE, 4000);
    run_until(b, RADAR_READY, 40000);
}

static void test_unplugged(void **state) {
    struct bench *b = *state;
    run_until(b, RADAR_READY, 8000);
    close(b->fake.master);
    b->fake.master = -1;
    run_until(b, RADAR_GONE, 1000);
    assert_int_equal(b->radar.fd(b->radar.ctx), -1);
    run_ms(b, 30000);
    fake_plug(&b->fake);
    run_until(b, RADAR_READY, 30000);
    fake_say(&b->fake, "{\"speed\":[5]}\r\n");
    run_ms(b, 50);
    assert_int_equal(b->frames, 1);
}

/* Its banner was lost, or never sent: reports as after power-on give it away. */
static void test_silent_reset(void **state) {
    struct bench *b = *state;
    struct radar_status s;
    run_until(b, RADAR_READY, 8000);
    fake_power_on(&b->fake);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(state_of(b), RADAR_READY);
        fake_say(&b->fake, "13.4\r\n");
        run_ms(b, 100);
    }
    assert_int_equal(state_of(b), RADAR_STARTING);
    run_until(b, RADAR_READY, 15000);
    assert_int_equal(b->fake.hz, 20000);
    b->radar.status(b->radar.ctx, &s);
    assert_int_equal(s.resets, 1);
}

static void assert_misset(struct bench *b, unsigned setting, const char *name) {
    struct radar_status s;
    run_until(b, RADAR_MISSET, 15000);
    b->radar.status(b->radar.ctx, &s);
    assert_int_equal(s.misset, setting);
    assert_string_equal(s.misset_name, name);
}

/* What differs is named; once it does not, all is well. */
static void test_misset(void **state) {
    struct bench *b = *state;
    struct radar_status s;
    b->fake.deaf_to_squelch = true;
    assert_misset(b, OPS243_SETTING_MIN_MAGNITUDE, "least magnitude");
    b->fake.deaf_to_squelch = false;
    b->fake.angle = 20; /* two corrections are one too many */
    run_ms(b, 30000);
    assert_misset(b, OPS243_SETTING_ANGLE, "angle correction");
    b->fake.angle = 0;
    run_until(b, RADAR_READY, 20000);
    b->radar.status(b->radar.ctx, &s);
    assert_int_equal(s.misset, 0);
}

static void test_modem(void **state) {
    struct bench *b = *state;
    b->fake.modem = true;
    run_until(b, RADAR_WRONG, 15000);
    b->fake.echo = true;
    run_ms(b, 30000);
    assert_int_equal(state_of(b), RADAR_WRONG);
    b->fake.modem = false;
    run_until(b, RADAR_READY, 30000);
}

/* Gone from number 3 and back as number 5; number 0 has become a modem meanwhile. */
static void test_another_name(void **state) {
    struct bench *b = *state;
    struct radar_status s;
    struct fake modem = {.modem = true};
    run_until(b, RADAR_READY, 30000);
    close(b->fake.master);
    unlink(b->fake.link);
    b->fake.master = -1;
    run_until(b, RADAR_GONE, 1000);
    name_link(&modem, 7);
    fake_plug(&modem);
    for (int i = 0; i < 1000; i++) {
        run_ms(b, 10);
        fake_hear(&modem);
    }
    assert_int_equal(state_of(b), RADAR_WRONG);
    name_link(&b->fake, 5);
    fake_plug(&b->fake);
    for (int i = 0; i < 6000 && state_of(b) != RADAR_READY; i++) {
        run_ms(b, 10);
        fake_hear(&modem);
    }
    assert_int_equal(state_of(b), RADAR_READY);
    b->radar.status(b->radar.ctx, &s);
    assert_string_equal(s.device, b->fake.link);
    close(modem.master);
    unlink(modem.link);
}

struct tapped {
    unsigned measured, other;
    int64_t t_ns;
    char line[128];
};

static void tap(void *ctx, const char *line, size_t len, int64_t t_ns, bool measured) {
    struct tapped *t = ctx;
    t->measured += measured;
    t->other += !measured;
    t->t_ns = t_ns;
    snprintf(t->line, sizeof t->line, "%.*s", (int)len, line);
}

/* Each line is seen as it came, with the time of its frame. */
static void test_tap(void **state) {
    struct bench *b = *state;
    struct tapped tapped = {0};
    struct radar_ops243_conf conf = {.path = b->fake.link, .tap = tap, .tap_ctx = &tapped};
    b->radar.close(b->radar.ctx);
    assert_int_equal(radar_ops243_open(&conf, &b->radar), 0);
    run_until(b, RADAR_READY, 8000);
    assert_int_equal(tapped.measured, 0);
    assert_in_range(tapped.other, 8, 200);
    fake_say(&b->fake, " {\"speed\":[5], \"magnitude\":[30]}\r\n");
    run_ms(b, 50);
    assert_int_equal(tapped.measured, 1);
    assert_string_equal(tapped.line, " {\"speed\":[5], \"magnitude\":[30]}");
    assert_int_equal(b->frames, 1);
    assert_int_equal(tapped.t_ns, b->frame[0].t_ns);
    fake_say(&b->fake, "rubbish\r\n");
    run_ms(b, 20);
    assert_int_equal(tapped.measured, 2);
    assert_string_equal(tapped.line, "rubbish");
}

static void test_wrong_calls(void **state) {
    (void)state;
    struct radar r;
    struct radar_ops243_conf conf = {.path = NULL};
    assert_int_equal(radar_ops243_open(&conf, &r), ERR_INVAL);
    conf.path = "/dev/null";
    conf.baud = 12345;
    assert_int_equal(radar_ops243_open(&conf, &r), ERR_INVAL);
    conf.baud = 0;
    assert_int_equal(radar_ops243_open(&conf, &r), 0); /* no tty: as good as not there */
    struct radar_frame f;
    assert_int_equal(r.step(r.ctx, 1, &f, 1), 0);
    struct radar_status s;
    r.status(r.ctx, &s);
    assert_int_equal(s.state, RADAR_GONE);
    r.close(r.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baud, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bytes_in_any_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rubbish_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unplugged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_misset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_name, set_up_any, tear_down),
        cmocka_unit_test_setup_teardown(test_tap, set_up, tear_down),
        cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
