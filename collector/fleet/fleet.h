/* fleet: what a device's silence means, and whose key verifies what it says.
 *
 * Promises (tests/collector/fleet_test.c): silence is its own state and never reads as "nothing
 * happened"; a device that was never heard of is silent from its registration on, also across a
 * restart of the collector; a key changed or withdrawn in the register holds for the next message.
 * Memory: struct fleet keeps one parsed key per device seen, freed by fleet_free.  Threads: one.
 * Time: given. */
#ifndef MOORWATCH_FLEET_H
#define MOORWATCH_FLEET_H

#include "seal.h"
#include "store.h"

enum fleet_state {
    FLEET_ALIVE,
    FLEET_WAITING, /* registered lately, nothing heard yet, still within its promise */
    FLEET_OFFLINE, /* the broker says that the connection is gone; the promise still runs */
    FLEET_SILENT,  /* the promise is broken */
    FLEET_REVOKED,
};
const char *fleet_state_name(enum fleet_state state);

/* More days than that are "more than a year": a panel keeps it. */
enum { FLEET_BATTERY_DAYS_MAX = 365 };

/* A promise is broken after this many periods (one heartbeat may be lost on the way). */
enum { FLEET_PERIODS = 2, FLEET_PERIOD_DEFAULT_S = 3600 };

enum fleet_state fleet_state(const struct store_device_state *device, int64_t now_ms);
/* When the promise ends or ended. */
int64_t fleet_due_ms(const struct store_device_state *device);

/* By when somebody has to have brought a battery: the device's own careful figure, from the moment
 * it gave it.  STORE_NEVER: it does not know, or not within a year. */
int64_t fleet_battery_by_ms(const struct store_device_state *device);

struct fleet {
    struct fleet_key *keys;
    size_t count, cap;
};

/* The device and its key; the key lives until the next call.  ERR_NOENT: not registered, ERR_KEY:
 * the key in the register is not one, or the store's error.  A revoked device is returned too. */
MUST int fleet_find(struct fleet *fleet, const struct store *store, const char *device,
                    struct store_device *ret_device, const struct seal_key **ret_key);
void fleet_free(struct fleet *fleet);

#endif
