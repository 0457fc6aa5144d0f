/* The simulated OPS243-A against the shapes of AN-010-AD, read back by the product's own reader. */
#include "ops243_line.h"
#include "sensor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char reply[SENSOR_REPLY_MAX];

static const char *say(struct sensor *s, const char *words) {
    size_t len = sensor_hear(s, words, strlen(words), 10.0, reply, sizeof reply);
    assert_int_equal(len, strlen(reply));
    return reply;
}

static void documented_answers(void **state) {
    (void)state;
    struct sensor s;
    sensor_init(&s, "278270101");
    assert_string_equal(say(&s, "?P"), "{\"Product\":\"OPS243\"}\r\n");
    assert_string_equal(say(&s, "?N"), "{\"SerialNumber\":\"278270101\"}\r\n");
    assert_string_equal(say(&s, "UM"), "{\"Units\":\"m-per-sec\"}\r\n");
    assert_string_equal(say(&s, "S2"), "{\"SamplingRate\":20000, \"resolution\":0.1214}\r\n");
    assert_string_equal(say(&s, "S>"), "{\"SampleSize\":1024}\r\n");
    assert_string_equal(
        say(&s, "^/-20.0\r"),
        "{\"InboundSensorAngleDegrees\" : 0.00, \"OutboundSensorAngleDegrees\" : 20.00}\r\n");
    assert_string_equal(say(&s, "C=50\n"), "{\"Clock\":\"50\"}\r\n");
}

/* A command with a number waits for the end of its line; others act at once. */
static void numbers_wait(void **state) {
    (void)state;
    struct sensor s;
    sensor_init(&s, "1");
    assert_string_equal(say(&s, "R>1"), "");
    assert_string_equal(say(&s, "0\r"), "{\"RequiredMinSpeed\":\"10.000\"}\r\n");
    assert_string_equal(say(&s, "R>7\x03PA"), "{\"PowerMode\":\"Continuous\"}\r\n");
    assert_true(s.min_speed == 10.0);
    say(&s, "\r\n\n"
            "US");
    assert_int_equal(s.text.unit, 'S');
}

static struct radar_frame frame_of(int32_t mm_s, uint32_t magnitude) {
    return (struct radar_frame){.count = 2, .targets = {{mm_s, magnitude}, {-5000, 30}}};
}

/* Whatever the settings, the line says what was seen, to the digits it has. */
static void every_shape_reads_back(void **state) {
    (void)state;
    static const char *const SETTINGS[] = {
        "",   "OJ",   "OJOM",      "OJOMOT",        "OJOMOTOU", "OTOM",
        "OT", "OUOM", "OJOMO=3\n", "OJOMOTOUO=3\n", "USOJOMOU", "UKOJOMOUO=3\n"};
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        struct sensor s;
        struct radar_frame frame = frame_of(13390, 606);
        struct ops243_context context = {.unit = OPS243_UNIT_NONE};
        struct ops243_line line;
        char text[SENSOR_LINE_MAX];
        sensor_init(&s, "1");
        say(&s, SETTINGS[i]);
        context.timed = s.text.time;
        size_t len = sensor_tell(&s, &frame, 137.429, text, sizeof text);
        assert_true(len > 2 && memcmp(text + len - 2, "\r\n", 2) == 0);
        if (ops243_line_read(text, len - 2, &context, &line) < 0)
            fail_msg("settings '%s' told '%s'", SETTINGS[i], text);
        assert_int_equal(line.kind, OPS243_SPEEDS);
        assert_int_equal(line.count, s.text.reports > 1 ? 2 : 1);
        assert_in_range(line.targets[0].speed_mm_s, 13390 - 6, 13390 + 6);
        if (s.text.magnitude)
            assert_int_equal(line.targets[0].magnitude, 606);
    }
}

static void filters_and_idle_are_silent(void **state) {
    (void)state;
    struct sensor s;
    char text[SENSOR_LINE_MAX];
    struct radar_frame slow = frame_of(1500, 606), weak = frame_of(13390, 15);
    slow.count = weak.count = 1;
    sensor_init(&s, "1");
    say(&s, "R>2\r");
    assert_int_equal(sensor_tell(&s, &slow, 0, text, sizeof text), 0);
    assert_int_equal(sensor_tell(&s, &weak, 0, text, sizeof text), 0);
    say(&s, "PI");
    struct radar_frame good = frame_of(13390, 606);
    assert_int_equal(sensor_tell(&s, &good, 0, text, sizeof text), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_answers),
        cmocka_unit_test(numbers_wait),
        cmocka_unit_test(every_shape_reads_back),
        cmocka_unit_test(filters_and_idle_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
