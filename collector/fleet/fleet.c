#include "fleet.h"
#include <stdlib.h>
#include <string.h>

const char *fleet_state_name(enum fleet_state state) {
    static const char *const NAMES[] = {
        [FLEET_ALIVE] = "alive",   [FLEET_WAITING] = "waiting", [FLEET_OFFLINE] = "offline",
        [FLEET_SILENT] = "silent", [FLEET_REVOKED] = "revoked",
    };
    return (size_t)state < sizeof NAMES / sizeof NAMES[0] ? NAMES[state] : "unknown";
}

/* The device's own promise, once it has made one; before, that of the register. */
static int64_t period_ms(const struct store_device_state *d) {
    uint32_t s = d->has_health ? d->health.health.period_s : 0;
    if (s == 0)
        s = d->device.period_s;
    if (s == 0)
        s = FLEET_PERIOD_DEFAULT_S;
    return (int64_t)s * 1000;
}

int64_t fleet_due_ms(const struct store_device_state *d) {
    int64_t heard = d->last_received_ms != STORE_NEVER ? d->last_received_ms : d->registered_ms;
    return heard + FLEET_PERIODS * period_ms(d);
}

enum fleet_state fleet_state(const struct store_device_state *d, int64_t now_ms) {
    if (d->device.revoked)
        return FLEET_REVOKED;
    if (now_ms > fleet_due_ms(d))
        return FLEET_SILENT;
    if (d->has_link && !d->online && d->link_ms >= d->last_received_ms)
        return FLEET_OFFLINE;
    return d->last_received_ms == STORE_NEVER ? FLEET_WAITING : FLEET_ALIVE;
}

int64_t fleet_battery_by_ms(const struct store_device_state *d) {
    const struct store_health *h = &d->health;
    if (!d->has_health || h->health.battery_days == 0 ||
        h->health.battery_days > FLEET_BATTERY_DAYS_MAX)
        return STORE_NEVER;
    int64_t said_ms =
        h->when.occurred_ms != STORE_NEVER ? h->when.occurred_ms : h->when.received_ms;
    return said_ms + h->health.battery_days * 24 * (int64_t)STORE_HOUR_MS;
}

/* -- keys ------------------------------------------------------------------------------------ */

struct fleet_key {
    char device[STORE_ID_MAX + 1];
    uint8_t point[SEAL_KEY_BYTES];
    struct seal_key key;
};

static struct fleet_key *key_slot(struct fleet *fleet, const char *device) {
    for (size_t i = 0; i < fleet->count; i++)
        if (strcmp(fleet->keys[i].device, device) == 0)
            return &fleet->keys[i];
    return NULL;
}

static struct fleet_key *key_room(struct fleet *fleet) {
    if (fleet->count == fleet->cap) {
        size_t cap = fleet->cap == 0 ? 16 : 2 * fleet->cap;
        struct fleet_key *keys = realloc(fleet->keys, cap * sizeof *keys);
        if (keys == NULL)
            return NULL;
        fleet->keys = keys;
        fleet->cap = cap;
    }
    return &fleet->keys[fleet->count];
}

static int key_parse(struct fleet *fleet, const struct store_device *device,
                     const struct seal_key **ret_key) {
    struct seal_key key;
    int r = seal_key_from_bytes(device->key, &key);
    if (r < 0)
        return r;
    struct fleet_key *slot = key_slot(fleet, device->id);
    if (slot != NULL) {
        seal_key_free(&slot->key);
    } else {
        slot = key_room(fleet);
        if (slot == NULL) {
            seal_key_free(&key);
            return ERR_NOMEM;
        }
        fleet->count++;
    }
    memcpy(slot->device, device->id, sizeof slot->device);
    memcpy(slot->point, device->key, sizeof slot->point);
    slot->key = key;
    *ret_key = &slot->key;
    return 0;
}

int fleet_find(struct fleet *fleet, const struct store *store, const char *id,
               struct store_device *ret_device, const struct seal_key **ret_key) {
    struct store_device device;
    int r = store->device_get(store->ctx, id, &device);
    if (r < 0)
        return r;
    const struct fleet_key *slot = key_slot(fleet, id);
    const struct seal_key *key = NULL;
    if (slot != NULL && memcmp(slot->point, device.key, sizeof slot->point) == 0)
        key = &slot->key;
    else
        r = key_parse(fleet, &device, &key);
    if (r < 0)
        return r;
    *ret_device = device;
    *ret_key = key;
    return 0;
}

void fleet_free(struct fleet *fleet) {
    for (size_t i = 0; i < fleet->count; i++)
        seal_key_free(&fleet->keys[i].key);
    free(fleet->keys);
    *fleet = (struct fleet){0};
}
