/* eol: voltages of a divider computed by Ohm's law, with noise, against what was done to the loop.
 */
#include "eol.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SUPPLY_MV = 3300, FEED_OHM = 10000, END_OHM = 10000 };

static int32_t divider(double loop_ohm) {
    return (int32_t)(SUPPLY_MV * loop_ohm / (FEED_OHM + loop_ohm));
}

static bool feed(struct eol *e, int32_t mv, unsigned times) {
    bool changed = false;
    for (unsigned i = 0; i < times; i++)
        changed = eol_reading(e, mv) || changed;
    return changed;
}

static void what_is_done_to_a_loop(void **state) {
    (void)state;
    static const struct {
        double ohm;
        enum eol_state is;
    } DONE[] = {
        {END_OHM, EOL_WHOLE},
        {END_OHM + 120, EOL_WHOLE}, /* 100 m of wire, a wet joint */
        {1e9, EOL_CUT},
        {5e4, EOL_CUT},
        {0, EOL_SHORT},
        {30, EOL_SHORT},
        {END_OHM / 2.0, EOL_SHORT}, /* a second resistor bridged across */
        {END_OHM * 2.0, EOL_CUT},
    };
    for (size_t i = 0; i < sizeof DONE / sizeof DONE[0]; i++) {
        struct eol e;
        eol_init(&e, 1650, 250);
        assert_int_equal(DONE[i].is != EOL_WHOLE, feed(&e, divider(DONE[i].ohm), 3));
        assert_int_equal(DONE[i].is, e.state);
        assert_int_equal(DONE[i].is != EOL_WHOLE, feed(&e, 1650, 3));
        assert_int_equal(EOL_WHOLE, e.state);
    }
}

static void a_spike_rings_nothing(void **state) {
    (void)state;
    struct eol e;
    eol_init(&e, 1650, 250);
    for (int i = 0; i < 50; i++) {
        assert_false(eol_reading(&e, i % 2 ? 0 : 3300)); /* never two that agree */
        assert_int_equal(EOL_WHOLE, e.state);
    }
    /* From cut to short without being whole between: both are told. */
    assert_true(feed(&e, 3300, 2));
    assert_int_equal(EOL_CUT, e.state);
    assert_true(feed(&e, 0, 2));
    assert_int_equal(EOL_SHORT, e.state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_to_a_loop),
        cmocka_unit_test(a_spike_rings_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
