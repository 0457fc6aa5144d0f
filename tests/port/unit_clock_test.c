/* unit_clock: what is news about the wall clock, with a clock of our own: 1970, set, slewed. */
#include "log.h"
#include "unit_clock.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static struct {
    int64_t wall_ms;
    enum clock_quality quality;
} world;

static int64_t wall_ms(void *ctx) {
    (void)ctx;
    return world.wall_ms;
}

static enum clock_quality quality(void *ctx) {
    (void)ctx;
    return world.quality;
}

static struct unit_clock make(void) {
    return (struct unit_clock){.clock = {.wall_ms = wall_ms, .quality = quality}, .fd = -1};
}

static void news_is_told_once(void **state) {
    (void)state;
    struct unit_clock c = make();
    struct event_anchor a;
    bool refresh;
    world.wall_ms = 5000; /* a board without RTC, five seconds after 1970 */
    world.quality = CLOCK_UNKNOWN;
    assert_true(unit_clock_step(&c, 5 * S, &a, &refresh));
    assert_int_equal(CLOCK_UNKNOWN, a.quality);
    assert_true(a.unix_ms == 5000 && refresh);
    assert_false(unit_clock_step(&c, 6 * S, &a, &refresh)); /* not due */
    assert_false(refresh);
    world.wall_ms = 65000;
    assert_false(unit_clock_step(&c, 65 * S, &a, &refresh)); /* nothing new, but fresh */
    assert_true(refresh);
    world.wall_ms = INT64_C(1795300000000); /* the network has set it */
    world.quality = CLOCK_NTP;
    assert_true(unit_clock_step(&c, 125 * S, &a, &refresh));
    assert_int_equal(CLOCK_NTP, a.quality);
    assert_true(a.unix_ms == INT64_C(1795300000000));
}

static void a_step_is_news_a_slew_is_not(void **state) {
    (void)state;
    struct unit_clock c = make();
    struct event_anchor a;
    bool refresh;
    world.wall_ms = INT64_C(1795300000000);
    world.quality = CLOCK_NTP;
    assert_true(unit_clock_step(&c, 0, &a, &refresh));
    world.quality = CLOCK_GNSS; /* better, at the same time */
    world.wall_ms += 60000;
    assert_true(unit_clock_step(&c, 60 * S, &a, &refresh));
    assert_int_equal(CLOCK_GNSS, a.quality);
    world.wall_ms += 60000 + 900; /* within discipline */
    assert_false(unit_clock_step(&c, 120 * S, &a, &refresh));
    world.wall_ms += 60000 + 200; /* 1.1 s since the last anchor told */
    assert_true(unit_clock_step(&c, 180 * S, &a, &refresh));
    world.wall_ms += 60000 - 3600000; /* set back by an hour */
    assert_true(unit_clock_step(&c, 240 * S, &a, &refresh));
}

/* Set to a better time it is no fault; set about without becoming better it is, with its size. */
static void a_jump_is_told_with_its_size(void **state) {
    (void)state;
    struct unit_clock c = make();
    struct event_anchor a;
    bool refresh;
    static const struct {
        int64_t add_ms;
        enum clock_quality quality;
        int64_t jump_ms;
    } LOOKS[] = {
        {0, CLOCK_RESTORED, 0},
        {7 * 86400000, CLOCK_NTP, 0}, /* the network has set it */
        {1999, CLOCK_NTP, 0},
        {2000, CLOCK_NTP, 2000},
        {-3600000, CLOCK_NTP, -3600000},
        {86400000, CLOCK_RESTORED, 86400000}, /* by hand, the network gone */
        {0, CLOCK_RESTORED, 0},
    };
    world.wall_ms = INT64_C(1795300000000);
    for (int i = 0; i < 7; i++) {
        world.wall_ms += 60000 + LOOKS[i].add_ms;
        world.quality = LOOKS[i].quality;
        (void)unit_clock_step(&c, (i + 1) * 60 * S, &a, &refresh);
        assert_true(refresh && c.jump_ms == LOOKS[i].jump_ms);
    }
}

static void satellites_are_believed_over_the_systems_clock(void **state) {
    (void)state;
    struct unit_clock c = make();
    struct event_anchor a;
    bool refresh;
    world.wall_ms = INT64_C(1795300000000);
    world.quality = CLOCK_RESTORED;
    assert_true(unit_clock_step(&c, 0, &a, &refresh));
    unit_clock_offer(&c, 10 * S, INT64_C(1795300600000), 500, 130 * S);
    world.wall_ms += 10000;
    assert_true(unit_clock_step(&c, 10 * S, &a, &refresh)); /* at once */
    assert_true(a.quality == CLOCK_GNSS && a.unix_ms == INT64_C(1795300600000) &&
                a.error_ms == 500);
    world.wall_ms += 60000 - 86400000; /* the system's clock is set wrong meanwhile */
    assert_false(unit_clock_step(&c, 70 * S, &a, &refresh));
    assert_true(a.unix_ms == INT64_C(1795300660000) && c.jump_ms == -86400000);
    world.wall_ms += 60000;
    assert_true(unit_clock_step(&c, 130 * S, &a, &refresh)); /* the sky is gone: less, and said */
    assert_true(a.quality == CLOCK_RESTORED && a.error_ms == 0 && c.jump_ms == 0);
}

/* A clock that nobody sets is read once a minute, not at every step of the loop. */
static void the_systems_clock_is_left_alone(void **state) {
    (void)state;
    struct unit_clock c;
    struct event_anchor a;
    bool refresh;
    unit_clock_init(&c);
    assert_true(c.fd >= 0);
    int64_t now_ns = c.clock.boot_ns(c.clock.ctx);
    assert_true(unit_clock_step(&c, now_ns, &a, &refresh));
    for (int i = 1; i < 60; i++) {
        (void)unit_clock_step(&c, now_ns + i * S, &a, &refresh);
        assert_false(refresh);
    }
    (void)unit_clock_step(&c, now_ns + 60 * S, &a, &refresh);
    assert_true(refresh);
    close(c.fd);
}

int main(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORM_PLAIN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_is_told_once),
        cmocka_unit_test(a_step_is_news_a_slew_is_not),
        cmocka_unit_test(a_jump_is_told_with_its_size),
        cmocka_unit_test(satellites_are_believed_over_the_systems_clock),
        cmocka_unit_test(the_systems_clock_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
