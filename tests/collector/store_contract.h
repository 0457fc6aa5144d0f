/* store_contract: what every store must do; run it on an empty one.
 *
 * A back end's test includes cmocka's headers, then this, and lists STORE_CONTRACT in its table.
 * `contract_open` opens an empty store, `contract_again` the same data base once more (NULL: this
 * kind cannot). */
#ifndef MOORWATCH_STORE_CONTRACT_H
#define MOORWATCH_STORE_CONTRACT_H

#include "store.h"

struct contract {
    struct store store;
    void (*again)(struct contract *c); /* closes and opens the same data; NULL: cannot */
};

void contract_batch_is_written_once(void **state);
void contract_rollback_leaves_no_trace(void **state);
void contract_ack_is_contiguous(void **state);
void contract_missing_is_what_is_not_there(void **state);
void contract_refused_is_bounded(void **state);
void contract_hours_add_and_take(void **state);
void contract_session_is_merged(void **state);
void contract_lock_state_is_the_newest(void **state);
void contract_anchor_retimes(void **state);
void contract_health_neighbours(void **state);
void contract_register_is_idempotent(void **state);
void contract_devices_tell_their_state(void **state);
void contract_points_and_reports(void **state);
void contract_alerts_page(void **state);
void contract_people(void **state);
void contract_settings_have_versions(void **state);
void contract_passages_filter_and_move(void **state);
void contract_committed_survives(void **state);

int contract_setup(void **state);
int contract_teardown(void **state);

#define STORE_CONTRACT_TEST(name)                                                                  \
    cmocka_unit_test_setup_teardown(contract_##name, contract_setup, contract_teardown)
#define STORE_CONTRACT                                                                             \
    STORE_CONTRACT_TEST(batch_is_written_once), STORE_CONTRACT_TEST(rollback_leaves_no_trace),     \
        STORE_CONTRACT_TEST(ack_is_contiguous), STORE_CONTRACT_TEST(missing_is_what_is_not_there), \
        STORE_CONTRACT_TEST(refused_is_bounded), STORE_CONTRACT_TEST(hours_add_and_take),          \
        STORE_CONTRACT_TEST(session_is_merged), STORE_CONTRACT_TEST(lock_state_is_the_newest),     \
        STORE_CONTRACT_TEST(anchor_retimes), STORE_CONTRACT_TEST(health_neighbours),               \
        STORE_CONTRACT_TEST(register_is_idempotent),                                               \
        STORE_CONTRACT_TEST(devices_tell_their_state), STORE_CONTRACT_TEST(points_and_reports),    \
        STORE_CONTRACT_TEST(alerts_page), STORE_CONTRACT_TEST(people),                             \
        STORE_CONTRACT_TEST(settings_have_versions),                                               \
        STORE_CONTRACT_TEST(passages_filter_and_move), STORE_CONTRACT_TEST(committed_survives)

#endif
