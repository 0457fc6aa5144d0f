#include "field.h"
#include "fleet.h"
#include "store_sqlite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW FIELD_NOW
#define PERIOD 60000

/* Silence is its own state: every line is a device with a promise of one minute. */
static void silence_is_its_own_state(void **state) {
    (void)state;
    static const struct {
        int64_t registered, heard;
        int online; /* -1: never told */
        int64_t link;
        bool revoked;
        enum fleet_state expected;
    } TABLE[] = {
        {NOW - PERIOD, STORE_NEVER, -1, 0, false, FLEET_WAITING},
        {NOW - 3 * PERIOD, STORE_NEVER, -1, 0, false, FLEET_SILENT},
        {NOW - 99 * PERIOD, NOW - PERIOD, -1, 0, false, FLEET_ALIVE},
        {NOW - 99 * PERIOD, NOW - 2 * PERIOD, 1, NOW - 9, false, FLEET_ALIVE},
        {NOW - 99 * PERIOD, NOW - 2 * PERIOD - 1, 1, NOW - 9, false, FLEET_SILENT},
        {NOW - 99 * PERIOD, NOW - PERIOD, 0, NOW - 9, false, FLEET_OFFLINE},
        /* Data that came after the last will: the will is old news. */
        {NOW - 99 * PERIOD, NOW - 5, 0, NOW - 9, false, FLEET_ALIVE},
        {NOW - 99 * PERIOD, NOW, 1, NOW, true, FLEET_REVOKED},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct store_device_state d = {.device = {.period_s = 60, .revoked = TABLE[i].revoked},
                                       .registered_ms = TABLE[i].registered,
                                       .last_received_ms = TABLE[i].heard,
                                       .has_link = TABLE[i].online >= 0,
                                       .online = TABLE[i].online == 1,
                                       .link_ms = TABLE[i].link};
        if (fleet_state(&d, NOW) != TABLE[i].expected)
            fail_msg("row %zu: %s", i, fleet_state_name(fleet_state(&d, NOW)));
    }
    struct store_device_state own = {.device = {.period_s = 60},
                                     .registered_ms = 0,
                                     .last_received_ms = NOW,
                                     .has_health = true};
    own.health.health.period_s = 600; /* the device's own word counts */
    assert_true(fleet_due_ms(&own) == NOW + 2 * 600000);
}

/* Counted from when the device said it, not from now; a year and more is no date. */
static void a_battery_is_needed_by_a_day(void **state) {
    (void)state;
    static const struct {
        bool has;
        uint16_t days;
        int64_t occurred, received, by;
    } TABLE[] = {
        {false, 9, NOW, NOW, STORE_NEVER},
        {true, 0, NOW, NOW, STORE_NEVER},
        {true, 12, NOW - 86400000, NOW, NOW + 11 * INT64_C(86400000)},
        {true, 1, STORE_NEVER, NOW, NOW + INT64_C(86400000)},
        {true, 365, NOW, NOW, NOW + 365 * INT64_C(86400000)},
        {true, 366, NOW, NOW, STORE_NEVER},
    };
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct store_device_state d = {.has_health = TABLE[i].has};
        d.health.when.occurred_ms = TABLE[i].occurred;
        d.health.when.received_ms = TABLE[i].received;
        d.health.health.battery_days = TABLE[i].days;
        assert_true(fleet_battery_by_ms(&d) == TABLE[i].by);
    }
}

static void a_changed_key_holds_at_once(void **state) {
    (void)state;
    struct store store;
    struct fleet fleet = {0};
    struct field_device d, again;
    struct store_device row;
    const struct seal_key *key;
    uint8_t signature[SEAL_BYTES];
    assert_int_equal(store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &store), 0);
    assert_int_equal(fleet_find(&fleet, &store, "kit-1", &row, &key), ERR_NOENT);
    field_device(&d, &store, "kit-1", DEVICE_SPEEDWATCH);
    assert_int_equal(seal_sign(&d.signer, (const uint8_t *)"x", 1, signature), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fleet_find(&fleet, &store, "kit-1", &row, &key), 0);
        assert_int_equal(seal_verify(key, (const uint8_t *)"x", 1, signature), 0);
    }
    field_device(&again, &store, "kit-1", DEVICE_SPEEDWATCH);
    assert_int_equal(fleet_find(&fleet, &store, "kit-1", &row, &key), 0);
    assert_int_equal(seal_verify(key, (const uint8_t *)"x", 1, signature), ERR_KEY);
    memset(row.key, 0, sizeof row.key);
    assert_int_equal(store.device_put(store.ctx, &row, NOW), 0);
    assert_int_equal(fleet_find(&fleet, &store, "kit-1", &row, &key), ERR_KEY);
    for (int i = 0; i < 40; i++) { /* the table grows */
        char id[16];
        struct field_device many;
        snprintf(id, sizeof id, "d-%d", i);
        field_device(&many, &store, id, DEVICE_PADLOCK);
        assert_int_equal(fleet_find(&fleet, &store, id, &row, &key), 0);
        field_free(&many);
    }
    fleet_free(&fleet);
    field_free(&d);
    field_free(&again);
    store.close(store.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_its_own_state),
        cmocka_unit_test(a_battery_is_needed_by_a_day),
        cmocka_unit_test(a_changed_key_holds_at_once),
    };
    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
