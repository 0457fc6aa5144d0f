/* Every shape of line that an OPS243-A is known to send, and what it means. */
#include "ops243_line.h"
#include "ops243_split.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = -1 };

static const struct shape {
    const char *line;
    enum ops243_unit before; /* what earlier lines told */
    bool timed;
    int kind; /* or REFUSED */
    unsigned count;
    int32_t mm_s[3];
    uint32_t magnitude[3];
    int64_t sensor_ms; /* 0: not told */
} SHAPES[] = {
    /* plain */
    {"0.45", 0, false, OPS243_SPEEDS, 1, {450}, {0}, 0},
    {"-3.2", 0, false, OPS243_SPEEDS, 1, {-3200}, {0}, 0},
    {" 13 \r", 0, false, OPS243_SPEEDS, 1, {13000}, {0}, 0},
    {"30.0", OPS243_UNIT_MPH, false, OPS243_SPEEDS, 1, {13412}, {0}, 0},
    {"-36", OPS243_UNIT_KM_H, false, OPS243_SPEEDS, 1, {-10000}, {0}, 0},
    /* with time, magnitude, units */
    {"137.429,3.6", 0, false, OPS243_SPEEDS, 1, {3600}, {0}, 137429},
    {"137.429,48,-3.6", 0, false, OPS243_SPEEDS, 1, {-3600}, {48}, 137429},
    {"1750719826.467,13.39", 0, false, OPS243_SPEEDS, 1, {13390}, {0}, 1750719826467},
    {"606.71,-10.90", 0, false, OPS243_SPEEDS, 1, {-10900}, {607}, 0},
    {"48,-1.3", 0, false, OPS243_SPEEDS, 1, {-1300}, {48}, 0},
    {"Thu Jul  2 2020 14:56:39.368 GMT,\"m\",0.6", 0, false, OPS243_SPEEDS, 1, {600}, {0}, 0},
    {"Thu Jul  2 2020 14:56:39.368 GMT,0.6", 0, true, OPS243_SPEEDS, 1, {600}, {0}, 0},
    {"\"kmph\",48,-1.8", 0, false, OPS243_SPEEDS, 1, {-500}, {48}, 0},
    {"\"mph\",10", 0, false, OPS243_SPEEDS, 1, {4471}, {0}, 0},
    {"12.345,\"mph\",55,10", 0, false, OPS243_SPEEDS, 1, {4471}, {55}, 12345},
    /* JSON */
    {"{\"speed\":\"0.06\"}", 0, false, OPS243_SPEEDS, 1, {60}, {0}, 0},
    {"{\"speed\":-0.06}", 0, false, OPS243_SPEEDS, 1, {-60}, {0}, 0},
    {"{\"magnitude\" : \"606\", \"speed\" : \"-10.90\"}",
     0,
     false,
     OPS243_SPEEDS,
     1,
     {-10900},
     {606},
     0},
    {"{\"magnitude\":[606.71, 352.58, 230.87], \"speed\":[-10.90, -12.26, 17.71]}",
     0,
     false,
     OPS243_SPEEDS,
     3,
     {-10900, -12260, 17710},
     {607, 353, 231},
     0},
    {"{\"speed\":[\"1.5\",\"-2\"]}", 0, false, OPS243_SPEEDS, 2, {1500, -2000}, {0}, 0},
    {"{\"speed\":0.58, \"direction\":\"inbound\", \"time\":105, \"tick\":135}",
     0,
     false,
     OPS243_SPEEDS,
     1,
     {580},
     {0},
     105000},
    {"{\"speed\":0.58, \"direction\":\"outbound\"}", 0, false, OPS243_SPEEDS, 1, {-580}, {0}, 0},
    {"{\"speed\":-0.58, \"direction\":\"outbound\"}", 0, false, OPS243_SPEEDS, 1, {-580}, {0}, 0},
    {"{\"time\":\"12.5\",\"unit\":\"mph\",\"magnitude\":55,\"speed\":10}",
     OPS243_UNIT_KM_H,
     false,
     OPS243_SPEEDS,
     1,
     {4471},
     {55},
     12500},
    {"{\"speed\":10,\"unit\":\"kmph\"}", 0, false, OPS243_SPEEDS, 1, {2778}, {0}, 0},
    {"{\"speed\":[5,0]}", 0, false, OPS243_SPEEDS, 1, {5000}, {0}, 0},
    {"{\"future\":{\"a\":[1,2]},\"speed\":5}", 0, false, OPS243_SPEEDS, 1, {5000}, {0}, 0},
    /* the sensor's own vehicles */
    {"{\"time\":\"1.2\",\"unit\":\"mph\",\"direction\":\"outbound\",\"DetectedObjectVelocity\":31."
     "2}",
     0,
     false,
     OPS243_FASTEST,
     1,
     {-13948},
     {0},
     1200},
    {"{\"classifier\" : \"object_outbound\", \"end_time\" : \"1750719826.467\", \"start_time\" : "
     "\"1750719826.031\", \"delta_time_msec\" : 736, \"max_speed_mps\" : 13.39, \"min_speed_mps\" "
     ": 11.33, \"max_magnitude\" : 55, \"avg_magnitude\" : 36, \"total_frames\" : 7, "
     "\"frames_per_mps\" : 0.5228, \"length_m\" : 9.86, \"speed_change\" : 2.799}",
     OPS243_UNIT_MPH,
     false,
     OPS243_OBJECT,
     1,
     {-13390},
     {55},
     0},
    {"{\"start_time\":1.0,\"end_time\":2.0,\"delta_time_msec\":736,\"dir\":\"IN\",\"frames\":7,"
     "\"max_mph\":30,\"min_mph\":20,\"max_mag\":55,\"avg_mag\":36,\"frames_per_mph\":0.5,\"length_"
     "ft\":30}",
     0,
     false,
     OPS243_OBJECT,
     1,
     {13412},
     {55},
     0},
    {"{\"TimedSpeedCounts\":{\"time\":1,\"direction\":\"in\",\"units\":\"mph\",\"count\":3,"
     "\"average\":31.2}}",
     0,
     false,
     OPS243_NOTICE,
     0,
     {0},
     {0},
     1000},
    {"{\"ALERT\": High Speed inbound 1.7 mps}", 0, false, OPS243_NOTICE, 0, {0}, {0}, 0},
    /* settings and banners */
    {"{\"Units\":\"m-per-sec\"}", 0, false, OPS243_SETTING, 0, {0}, {0}, 0},
    {"{\"SamplingRate\":10000, \"resolution\":0.0607}", 0, false, OPS243_SETTING, 0, {0}, {0}, 0},
    {"{\"InboundSensorAngleDegrees\" : 0.00, \"OutboundSensorAngleDegrees\" : 20.00}",
     0,
     false,
     OPS243_SETTING,
     0,
     {0},
     {0},
     0},
    {"{\"DetectedObjectCount\":3}", 0, false, OPS243_SETTING, 0, {0}, {0}, 0},
    {"{\"Reset\" : \"Board was reset.\"}", 0, false, OPS243_RESET, 0, {0}, {0}, 0},
    {"{\"USB\" : \"USB Interface Active\"}", 0, false, OPS243_SETTING, 0, {0}, {0}, 0},
    /* blanks */
    {"", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    {"   ", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    {",", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    {"0", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    {"{\"speed\":\"0.00\"}", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    {"{\"time\":\"137.429\"}", 0, false, OPS243_BLANK, 0, {0}, {0}, 137429},
    {"137.429", 0, true, OPS243_BLANK, 0, {0}, {0}, 0},
    {"{}", 0, false, OPS243_BLANK, 0, {0}, {0}, 0},
    /* a line cut short by the next one */
    {"{\"speed\":-1{\"speed\":-10.9}", 0, false, OPS243_SPEEDS, 1, {-10900}, {0}, 0},
    {"12.{\"speed\":-10.9}", 0, false, OPS243_SPEEDS, 1, {-10900}, {0}, 0},
    /* what nobody can read */
    {"{\"magnitude\":[606.71, 352", 0, false, REFUSED, 0, {0}, {0}, 0},
    {".58], \"speed\":[-10.90]}", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"{\"Q2COUNT\":\"1149 (~22980 counts/sec)", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"{\"speed\":fast}", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"{\"speed\":1e9}", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"{\"speed\":99999}", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"1.2.3", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"1,2,3,4", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"-5,3", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"99999999999999999999999", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"AT+CGMI", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"\x80\xff\xfe\x01", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"nan", 0, false, REFUSED, 0, {0}, {0}, 0},
    {"-", 0, false, REFUSED, 0, {0}, {0}, 0},
};

static void check_shape(const struct shape *s) {
    struct ops243_context context = {s->before, s->timed}, before = context;
    struct ops243_line l = {.kind = OPS243_NOTICE, .count = 99};
    int r = ops243_line_read(s->line, strlen(s->line), &context, &l);
    if (s->kind == REFUSED) {
        assert_int_equal(r, ERR_BADMSG);
        assert_int_equal(l.count, 99);
        assert_memory_equal(&context, &before, sizeof context);
        return;
    }
    assert_int_equal(r, 0);
    assert_int_equal(l.kind, s->kind);
    assert_int_equal(l.count, s->count);
    for (unsigned i = 0; i < s->count; i++) {
        assert_int_equal(l.targets[i].speed_mm_s, s->mm_s[i]);
        assert_int_equal(l.targets[i].magnitude, s->magnitude[i]);
    }
    assert_int_equal(l.has_time ? l.sensor_ms : 0, s->sensor_ms);
}

static void test_shapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        print_message("  %s\n", SHAPES[i].line);
        check_shape(&SHAPES[i]);
    }
}

/* The lines of OmniPreSense AN-010-AD and of those who recorded them, letter by letter; the two
 * that nobody can read are halves of one that the manual breaks in the middle of a string. */
static const struct told {
    const char *line;
    int kind; /* or REFUSED */
    const char *key, *value, *second, *second_value;
    int32_t mm_s;
} TOLD[] = {
    {"0.45", OPS243_SPEEDS, "", "", "", "", 450},
    {"137.429,3.6", OPS243_SPEEDS, "", "", "", "", 3600},
    {"Thu Jul  2 2020 14:56:39.368 GMT,\"m\",0.6", OPS243_SPEEDS, "", "", "", "", 600},
    {"\"kmph\",48,-1.3", OPS243_SPEEDS, "", "", "", "", -362},
    {"{\"speed\":\"0.06\"}", OPS243_SPEEDS, "", "", "", "", 60},
    {"{\"magnitude\" : \"606\", \"speed\" : \"-10.90\"}", OPS243_SPEEDS, "", "", "", "", -10900},
    {"{\"magnitude\":[606.71, 352.58, 230.87], \"speed\":[-10.90, -12.26, -17.71]}", OPS243_SPEEDS,
     "", "", "", "", -10900},
    {"{\"speed\":0.58, \"direction\":\"inbound\", \"time\":105, \"tick\":135}", OPS243_SPEEDS,
     "tick", "135", "", "", 580},
    {"{\"ALERT\": High Speed inbound 1.7 mps}", OPS243_NOTICE, "ALERT",
     "High Speed inbound 1.7 mps", "", "", 0},
    {"{\"SamplingRate\":10000, \"resolution\":0.0607}", OPS243_SETTING, "SamplingRate", "10000",
     "resolution", "0.0607", 0},
    {"{\"SampleSize\":1024}", OPS243_SETTING, "SampleSize", "1024", "", "", 0},
    {"{\"PowerMode\":\"Continuous\"}", OPS243_SETTING, "PowerMode", "Continuous", "", "", 0},
    {"{\"Squelch\":\"100\"}", OPS243_SETTING, "Squelch", "100", "", "", 0},
    {"{\"RequiredMinSpeed\":\"0.000\"}", OPS243_SETTING, "RequiredMinSpeed", "0.000", "", "", 0},
    {"{\"Q2COUNT\":\"1149 (~22980 counts/sec)", REFUSED, "", "", "", "", 0},
    {"@t=37\"}", REFUSED, "", "", "", "", 0},
    {"{\"DetectedObjectCount\":3}", OPS243_SETTING, "DetectedObjectCount", "3", "", "", 0},
    {"{\"MotionSignalCountToPass\":2, \"MotionSignalCountToFail\":4}", OPS243_SETTING,
     "MotionSignalCountToPass", "2", "MotionSignalCountToFail", "4", 0},
    {"{\"Product\":\"OPS243\"}", OPS243_SETTING, "Product", "OPS243", "", "", 0},
    {"{\"Version\":\"1.3.9\"}", OPS243_SETTING, "Version", "1.3.9", "", "", 0},
    {"{\"SerialNumber\":\"278270101\"}", OPS243_SETTING, "SerialNumber", "278270101", "", "", 0},
    {"{\"MfgDate\":\"1925\"}", OPS243_SETTING, "MfgDate", "1925", "", "", 0},
    {"{\"Units\":\"m-per-sec\"}", OPS243_SETTING, "Units", "m-per-sec", "", "", 0},
    {"{\"Clock\":\"50\"}", OPS243_SETTING, "Clock", "50", "", "", 0},
    {"{\"InboundSensorAngleDegrees\" : 0.00, \"OutboundSensorAngleDegrees\" : 20.00}",
     OPS243_SETTING, "InboundSensorAngleDegrees", "0.00", "OutboundSensorAngleDegrees", "20.00", 0},
    {"{\"Reset\" : \"Board was reset.", REFUSED, "", "", "", "", 0},
    {"{\"Reset\" : \"Board was reset by watchdog\"}", OPS243_RESET, "Reset",
     "Board was reset by watchdog", "", "", 0},
    {"{\"USB\" : \"USB Interface Active\"}", OPS243_SETTING, "USB", "USB Interface Active", "", "",
     0},
};

static void test_told_by_the_manual(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof TOLD / sizeof *TOLD; i++) {
        const struct told *t = &TOLD[i];
        struct ops243_context c = {OPS243_UNIT_NONE, false};
        struct ops243_line l = {.kind = OPS243_BLANK};
        print_message("  %s\n", t->line);
        int r = ops243_line_read(t->line, strlen(t->line), &c, &l);
        assert_int_equal(r, t->kind == REFUSED ? ERR_BADMSG : 0);
        if (r < 0)
            continue;
        assert_int_equal(l.kind, t->kind);
        assert_string_equal(l.key, t->key);
        assert_string_equal(l.value, t->value);
        assert_string_equal(l.second, t->second);
        assert_string_equal(l.second_value, t->second_value);
        assert_int_equal(l.count > 0 ? l.targets[0].speed_mm_s : 0, t->mm_s);
    }
}

static void test_foreign(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool foreign;
    } WORDS[] = {
        {"OK", true},       {"ERROR\r", true},    {"AT+CGMI", true},  {"+CME ERROR: 3", true},
        {"RING", true},     {"NO CARRIER", true}, {"$GPRMC,1", true}, {"$GNGGA,", true},
        {"OKAY", false},    {"", false},          {"13.4", false},    {"{\"speed\":1}", false},
        {"Thu Jul", false}, {"\xff\xfe", false},
    };
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        assert_int_equal(ops243_line_foreign(WORDS[i].line, strlen(WORDS[i].line)),
                         WORDS[i].foreign);
}

static struct ops243_line read_one(struct ops243_context *c, const char *text) {
    struct ops243_line l;
    assert_int_equal(ops243_line_read(text, strlen(text), c, &l), 0);
    return l;
}

static void test_context(void **state) {
    (void)state;
    struct ops243_context c = {OPS243_UNIT_NONE, false};
    assert_int_equal(read_one(&c, "10").targets[0].speed_mm_s, 10000);
    struct ops243_line l = read_one(&c, "{\"Units\":\"miles-per-hour\"}");
    assert_string_equal(l.key, "Units");
    assert_string_equal(l.value, "miles-per-hour");
    assert_int_equal(read_one(&c, "10").targets[0].speed_mm_s, 4471);
    /* counts and objects carry units of their own */
    read_one(&c, "{\"TimedSpeedCounts\":{\"units\":\"kmph\",\"count\":3}}");
    read_one(&c, "{\"end_time\":2,\"max_speed_mps\":13,\"max_magnitude\":5}");
    assert_int_equal(read_one(&c, "10").targets[0].speed_mm_s, 4471);
    assert_int_equal(read_one(&c, "7.250").kind, OPS243_SPEEDS);
    read_one(&c, "7.250,10");
    assert_int_equal(read_one(&c, "7.350").kind, OPS243_BLANK);
    read_one(&c, "{\"Reset\" : \"Board was reset.\"}");
    assert_int_equal(read_one(&c, "10").targets[0].speed_mm_s, 10000);
    l = read_one(&c, "{\"SamplingRate\":20000, \"resolution\":0.1214}");
    assert_string_equal(l.key, "SamplingRate");
    assert_string_equal(l.value, "20000");
    l = read_one(&c, "{\"end_time\":2.5,\"start_time\":1.0,\"max_mps\":13}");
    assert_int_equal(l.duration_ms, 1500);
}

/* A tenth of a mile an hour stays that tenth when it is floored for the wire. */
static void test_tenths_of_mph(void **state) {
    (void)state;
    for (int tenths = 50; tenths < 1300; tenths++) {
        struct ops243_context c = {OPS243_UNIT_MPH, false};
        char text[16];
        snprintf(text, sizeof text, "%d.%d", tenths / 10, tenths % 10);
        assert_int_equal(read_one(&c, text).targets[0].speed_mm_s * INT64_C(1000) / 44704, tenths);
    }
}

/* Joins what the splitter finds with '|'. */
static void split_all(const char *bytes, size_t len, size_t chunk, char *ret_text) {
    struct ops243_splitter s = {.len = 0};
    size_t at = 0;
    for (size_t from = 0; from < len; from += chunk) {
        size_t end = from + chunk < len ? from + chunk : len;
        for (size_t i = from; i < end;) {
            int n;
            i += ops243_split(&s, bytes + i, end - i, &n);
            if (n < 0)
                continue;
            memcpy(ret_text + at, s.line, (size_t)n);
            at += (size_t)n;
            ret_text[at++] = '|';
        }
    }
    ret_text[at] = '\0';
}

static void test_split(void **state) {
    (void)state;
    static const char BYTES[] = "1.5\r\n\n2\0.5\n3.5\r4.5\r\n\r\nhalf";
    for (size_t chunk = 1; chunk < sizeof BYTES; chunk++) {
        char text[128];
        split_all(BYTES, sizeof BYTES - 1, chunk, text);
        assert_string_equal(text, "1.5||2.5|3.5|4.5||");
    }
}

static void test_split_long(void **state) {
    (void)state;
    struct ops243_splitter s = {.len = 0};
    char bytes[OPS243_LINE_MAX + 10];
    int n;
    memset(bytes, '7', sizeof bytes);
    bytes[OPS243_LINE_MAX] = '\n';
    assert_int_equal(ops243_split(&s, bytes, sizeof bytes, &n), OPS243_LINE_MAX + 1);
    assert_int_equal(n, OPS243_LINE_MAX); /* just fits */
    memset(bytes, '7', sizeof bytes);
    bytes[OPS243_LINE_MAX + 1] = '\n';
    bytes[OPS243_LINE_MAX + 3] = '\n';
    assert_int_equal(ops243_split(&s, bytes, sizeof bytes, &n), OPS243_LINE_MAX + 4);
    assert_int_equal(n, 1); /* the long one was skipped */
    assert_int_equal(s.overlong, 1);
}

/* Cut, doubled and changed bytes of good lines: never a crash, never an absurd target. */
static void test_mangled(void **state) {
    (void)state;
    const char *told = getenv("SEED");
    unsigned seed = told != NULL ? (unsigned)strtoul(told, NULL, 10) : 7;
    print_message("  SEED=%u\n", seed);
    srand(seed);
    for (int k = 0; k < 200000; k++) {
        const char *line = SHAPES[(size_t)rand() % (sizeof SHAPES / sizeof *SHAPES)].line;
        char buf[1024];
        size_t len = strlen(line);
        memcpy(buf, line, len);
        for (int changes = rand() % 4; changes > 0 && len > 0; changes--)
            buf[(size_t)rand() % len] = "0123456789.,-+\"{}[]: aeM\x80"[rand() % 25];
        len = len > 0 ? (size_t)rand() % (len + 1) : 0;
        struct ops243_context c = {OPS243_UNIT_NONE, false};
        struct ops243_line l;
        if (ops243_line_read(buf, len, &c, &l) < 0)
            continue;
        assert_in_range(l.count, 0, RADAR_TARGETS_MAX);
        for (unsigned i = 0; i < l.count; i++)
            assert_in_range(abs(l.targets[i].speed_mm_s), 1, 1000000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_by_the_manual),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_tenths_of_mph),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_long),
        cmocka_unit_test(test_mangled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
