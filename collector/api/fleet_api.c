/* Devices and locks: who is well, who is silent, what is missing. */
#include "call.h"
#include "fleet.h"
#include "grid.h"
#include "map.h"
#include <stdio.h>
#include <string.h>

static const char *const COUNTERS[HEALTH_COUNTERS] = {
    [HEALTH_BOOTS] = "boots",
    [HEALTH_EVENTS] = "events",
    [HEALTH_EVENTS_DROPPED] = "events_dropped",
    [HEALTH_RECORDS_LOST] = "records_lost",
    [HEALTH_RADAR_LINES] = "radar_lines",
    [HEALTH_RADAR_REFUSED] = "radar_refused",
    [HEALTH_RADAR_RESETS] = "radar_resets",
    [HEALTH_GPIO_GAPS] = "gpio_gaps",
    [HEALTH_LINK_DROPS] = "link_drops",
    [HEALTH_BATCHES_RESENT] = "batches_resent",
    [HEALTH_ACKS_REFUSED] = "acks_refused",
    [HEALTH_STORAGE_ERRORS] = "storage_errors",
    [HEALTH_QUEUE_REFUSED] = "queue_refused",
    [HEALTH_SENSOR_ERRORS] = "sensor_errors",
    [HEALTH_MOTION_IGNORED] = "motion_ignored",
    [HEALTH_GNSS_REFUSED] = "gnss_refused",
    [HEALTH_FRAMES_LOST] = "frames_lost",
};

struct listing {
    json_t *list;
    int64_t now_ms;
    struct map map; /* of the locks */
};

static json_t *reference_json(int32_t easting, int32_t northing) {
    char text[GRID_REFERENCE_MAX];
    if ((easting == 0 && northing == 0) || grid_format(easting, northing, 8, text, sizeof text) < 0)
        return json_null();
    return json_string(text);
}

static json_t *measured(bool is, int64_t value) {
    return is ? json_integer((json_int_t)value) : json_null();
}

/* Words for the bits of enum health_power that stand now, or have stood since it started. */
static json_t *power_json(uint8_t flags) {
    static const char *const WORDS[] = {"under-voltage", "capped", "throttled", "hot"};
    json_t *json = json_array();
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if ((flags >> i & 1) != 0)
            json_array_append_new(json, json_string(WORDS[i]));
    return json;
}

static void supply_add(json_t *json, const struct event_health *h) {
    json_object_set_new(json, "battery_mv", measured(h->battery_mv != 0, h->battery_mv));
    json_object_set_new(json, "battery_ma", measured(h->battery_ma != 0, h->battery_ma));
    json_object_set_new(json, "battery_days", measured(h->battery_days != 0, h->battery_days));
    json_object_set_new(json, "power", power_json(h->power_flags));
    json_object_set_new(json, "power_since_start",
                        power_json(h->power_flags >> HEALTH_POWER_SINCE_BOOT));
    json_object_set_new(json, "disk_free_mib", measured(h->disk_free_mib != 0, h->disk_free_mib));
    json_object_set_new(json, "spool_days", measured(h->spool_days != 0, h->spool_days));
}

static const char *clock_word(uint8_t quality) {
    static const char *const WORDS[] = {"unknown", "restored", "network", "satellites"};
    return WORDS[quality < 4 ? quality : 0];
}

static json_t *health_json(const struct store_health *row) {
    const struct event_health *h = &row->health;
    json_t *counters = json_object();
    for (int i = 0; i < HEALTH_COUNTERS; i++)
        json_object_set_new(counters, COUNTERS[i], json_integer(h->counters[i]));
    json_t *json =
        json_pack("{s:i,s:i,s:{s:i,s:i,s:i},s:o}", "uptime_s", (int)h->uptime_s, "period_s",
                  (int)h->period_s, "pending", "alarm", (int)h->spool_pending[CLASS_ALARM], "event",
                  (int)h->spool_pending[CLASS_EVENT], "telemetry",
                  (int)h->spool_pending[CLASS_TELEMETRY], "counters", counters);
    supply_add(json, h);
    json_object_set_new(json, "clock", json_string(clock_word(h->clock_quality)));
    json_object_set_new(json, "temperature_c",
                        h->temperature_c10 == INT16_MIN ? json_null()
                                                        : json_round(h->temperature_c10 / 10.0, 1));
    json_object_set_new(json, "signal_dbm", measured(h->signal_dbm != 0, h->signal_dbm));
    json_object_set_new(json, "occurred", json_time(row->when.occurred_ms));
    json_object_set_new(json, "received", json_time(row->when.received_ms));
    return json;
}

static int device_add(void *arg, const struct store_device_state *row) {
    struct listing *listing = arg;
    const struct store_device *device = &row->device;
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:I,s:I,s:I}", "id", device->id, "kind",
                             device->kind == DEVICE_SPEEDWATCH ? "speedwatch" : "padlock", "name",
                             device->name, "lpa", device->lpa, "site", device->site, "state",
                             fleet_state_name(fleet_state(row, listing->now_ms)), "period_s",
                             (int)device->period_s, "batches", (json_int_t)row->batches, "bytes",
                             (json_int_t)row->bytes, "missing", (json_int_t)row->missing);
    json_object_set_new(json, "grid_ref", reference_json(device->easting, device->northing));
    json_object_set_new(json, "last_seen", json_time(row->last_received_ms));
    json_object_set_new(json, "due", json_time(fleet_due_ms(row)));
    json_object_set_new(json, "battery_by", json_time(fleet_battery_by_ms(row)));
    json_object_set_new(json, "online", row->has_link ? json_boolean(row->online) : json_null());
    json_object_set_new(json, "health", row->has_health ? health_json(&row->health) : json_null());
    json_array_append_new(listing->list, json);
    return 0;
}

static int list_answer(struct call *call, int r, const char *name, json_t *list) {
    if (r >= 0)
        return call_json(
            call, 200, json_pack("{s:o,s:o}", "now", json_time(call->request->now_ms), name, list));
    json_decref(list);
    return r;
}

int handle_devices(struct call *call) {
    struct listing listing = {.list = json_array(), .now_ms = call->request->now_ms};
    int r = call->store->devices(call->store->ctx, device_add, &listing);
    return list_answer(call, r, "devices", listing.list);
}

static json_t *told(bool has, bool value) {
    return has ? json_boolean(value) : json_null();
}

static int lock_add(void *arg, const struct store_lock_state *row) {
    struct listing *listing = arg;
    const struct store_lock *lock = &row->lock;
    json_t *json = json_pack("{s:s,s:i,s:s,s:s,s:b,s:b}", "device", lock->device, "lock",
                             (int)lock->lock, "plot", lock->plot, "allotment", lock->allotment,
                             "siren", row->siren, "alarmed", row->alarmed);
    json_object_set_new(json, "closed", told(row->has_closed, row->closed));
    json_object_set_new(json, "set", told(row->has_set, row->set));
    json_object_set_new(json, "last",
                        row->last_what == 0 ? json_null()
                                            : json_string(lock_what_name(row->last_what)));
    json_object_set_new(json, "last_occurred",
                        row->last_what == 0 ? json_null() : json_time(row->latest.occurred_ms));
    json_object_set_new(json, "grid_ref", reference_json(lock->easting, lock->northing));
    json_object_set_new(json, "position", map_place(&listing->map, lock->easting, lock->northing));
    json_array_append_new(listing->list, json);
    return 0;
}

int handle_locks(struct call *call) {
    struct listing listing = {.now_ms = call->request->now_ms};
    int r = map_open(&listing.map);
    if (r < 0)
        return r;
    listing.list = json_array();
    r = call->store->locks(call->store->ctx, lock_add, &listing);
    map_close(&listing.map);
    return list_answer(call, r, "locks", listing.list);
}

static int counter_add(void *arg, const struct store_counter *row) {
    json_object_set_new(arg, row->name, json_integer((json_int_t)row->n));
    return 0;
}

int handle_counters(struct call *call) {
    json_t *counters = json_object();
    int r = call->store->counters(call->store->ctx, counter_add, counters);
    return list_answer(call, r, "counters", counters);
}
