#include "seed.h"
#include "alerts.h"
#include "clock.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static uint64_t chance = 20261122;

static uint32_t draw(uint32_t below) {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 33) % below;
}

static const struct store_site SITES[] = {
    {"elwick-road", "Elwick Road", "Elwick Road", "Hartlepool", "E05008950", 30, 447900, 532200, 0},
    {"yarm-high-street", "Yarm High Street", "A67", "Stockton-on-Tees", "E05001552", 20, 441850,
     512800, 0},
    {"pinchinthorpe", "Pinchinthorpe", "A173", "Redcar and Cleveland", "E05001510", 40, 458400,
     515200, 0},
    {"stainton-way", "Stainton Way", "B1365", "Middlesbrough", "E05009870", 30, 448300, 514600, 0},
    {"dalton-piercy", "Dalton Piercy", "The Green", "Hartlepool", "E05008950", 20, 446600, 531200,
     0},
    {"moorsholm", "Moorsholm", "Freebrough Road", "Redcar and Cleveland", "E05001513", 30, 468900,
     514300, 0},
};
/* Usual speed in mph; vehicles a day. */
static const struct {
    int usual, a_day;
} TRAFFIC[] = {{29, 26}, {18, 34}, {37, 22}, {31, 30}, {19, 2}, {0, 0}};
enum { SITES_N = sizeof SITES / sizeof *SITES, KITS_N = 4, HUBS_N = 6 };

static const struct {
    const char *name, *lpa;
    int32_t easting, northing;
} YARDS[HUBS_N] = {
    {"Burn Valley allotments", "Hartlepool", 450150, 531900},
    {"Thornhill allotments", "Hartlepool", 449300, 532900},
    {"Ropner Park allotments", "Stockton-on-Tees", 443120, 518300},
    {"Flatts Lane gates", "Redcar and Cleveland", 455200, 516400},
    {"Occupation Road gates", "Redcar and Cleveland", 456800, 518300},
    {"Hemlington allotments", "Middlesbrough", 449900, 514900},
};

static int seed_speeds(const struct store *store, size_t site, int64_t now) {
    int r = 0;
    for (int day = 1; day <= 60 && r >= 0 && TRAFFIC[site].a_day > 0; day++)
        for (int i = 0; i < TRAFFIC[site].a_day && r >= 0; i++) {
            int64_t hour = (now / DAY_MS - day) * DAY_MS + (7 + draw(12)) * HOUR_MS;
            uint16_t mph10 =
                (uint16_t)(TRAFFIC[site].usual * 10 - 90 + (int)draw(110) + (int)draw(110));
            r = store->hour_change(store->ctx, SITES[site].id, hour, (uint8_t)draw(2), &mph10, 1,
                                   NULL, 0);
        }
    return r;
}

static int seed_sites(const struct store *store, int64_t now) {
    int r = 0;
    for (size_t i = 0; i < SITES_N && r >= 0; i++) {
        struct store_site site = SITES[i];
        site.approved_until_ms = i == 4 ? now - DAY_MS : now + 300 * DAY_MS;
        r = store->site_put(store->ctx, &site);
        if (r >= 0)
            r = seed_speeds(store, i, now);
    }
    return r;
}

/* Whole half days in the past; the newest of the first kit was far from its site. */
static int seed_sessions(const struct store *store, const struct store_device *device, size_t i,
                         int64_t now) {
    int r = 0;
    for (uint32_t n = 1; n <= 3 && r >= 0; n++) {
        struct store_session row = {.spool_id = 500 + i,
                                    .session = n,
                                    .limit_mph = SITES[i].limit_mph,
                                    .vehicles = 20 + 7 * n,
                                    .check = n == 2 ? 2 : 1,
                                    .end = SESSION_END_BUTTON,
                                    .latitude_e7 = n == 3 ? 547025849 : 546825849,
                                    .longitude_e7 = -12585820,
                                    .position_error_m = i == 0 ? 6 : 0};
        snprintf(row.device, sizeof row.device, "%s", device->id);
        snprintf(row.site, sizeof row.site, "%s", SITES[i].id);
        int64_t start = now - (int64_t)(4 - n) * DAY_MS;
        row.start = (struct store_when){100 + i, n * 1000, start, CLOCK_GNSS, start};
        row.stop = (struct store_when){100 + i, n * 1000 + 500, start + HOUR_MS, CLOCK_GNSS,
                                       start + HOUR_MS};
        r = store->session_put(store->ctx, &row);
    }
    return r;
}

static int seed_health(const struct store *store, const struct store_device *device, size_t i,
                       int64_t now) {
    struct store_health row = {.when = {.boot_id = 100 + i,
                                        .t_ms = 600000,
                                        .occurred_ms = now - 90000,
                                        .quality = CLOCK_NTP,
                                        .received_ms = now - 89000}};
    snprintf(row.device, sizeof row.device, "%s", device->id);
    row.health = (struct event_health){.uptime_s = 86400,
                                       .battery_mv = device->kind == DEVICE_PADLOCK ? 3610 : 12400,
                                       .temperature_c10 = 65,
                                       .signal_dbm = (int16_t)(-71 - (int)i),
                                       .period_s = 600};
    row.health.spool_pending[CLASS_EVENT] = i == 2 ? 3 : 0;
    row.health.counters[HEALTH_RADAR_REFUSED] = i == 1 ? 12 : 0;
    /* The first hub needs a battery soon and its cable is thin; the second is kept by its panel. */
    if (device->kind == DEVICE_PADLOCK && i <= KITS_N + 1) {
        row.health.battery_mv = i == KITS_N ? 12960 : 13380;
        row.health.battery_ma = i == KITS_N ? 43 : -310;
        row.health.battery_days = i == KITS_N ? 12 : 400;
        row.health.power_flags = i == KITS_N ? HEALTH_POWER_UNDERVOLTAGE : 0;
    }
    row.health.disk_free_mib = (uint32_t)(5200 - 700 * i);
    row.health.spool_days = (uint16_t)(i == 3 ? 5 : 90 * (i + 1));
    row.health.clock_quality = (uint8_t)(i == 2 ? 1 : i % 2 + 2);
    int r = store->health_put(store->ctx, &row);
    /* The last hub fell silent two days ago. */
    int64_t heard = i == KITS_N + HUBS_N - 1 ? now - 2 * DAY_MS : now - 89000;
    return r < 0 ? r : store->device_heard(store->ctx, device->id, heard);
}

static int seed_device(const struct store *store, size_t i, int64_t now) {
    bool kit = i < KITS_N;
    size_t n = kit ? i : i - KITS_N;
    struct store_device device = {.kind = kit ? DEVICE_SPEEDWATCH : DEVICE_PADLOCK,
                                  .easting = kit ? SITES[n].easting : YARDS[n].easting,
                                  .northing = kit ? SITES[n].northing : YARDS[n].northing,
                                  .period_s = 600};
    snprintf(device.id, sizeof device.id, "%s-%zu", kit ? "kit" : "hub", n + 1);
    snprintf(device.name, sizeof device.name, kit ? "Kit, %s" : "%s",
             kit ? SITES[n].lpa : YARDS[n].name);
    snprintf(device.lpa, sizeof device.lpa, "%s", kit ? SITES[n].lpa : YARDS[n].lpa);
    snprintf(device.site, sizeof device.site, "%s", kit ? SITES[n].id : "");
    memset(device.key, (int)i + 1, sizeof device.key);
    int r = store->device_put(store->ctx, &device, now - 90 * DAY_MS);
    for (int hour = 1; hour < 60 * 24 && r >= 0; hour++)
        r = store->awake_add(store->ctx, device.id, (now / HOUR_MS - hour) * HOUR_MS, HOUR_MS);
    if (r >= 0 && kit)
        r = seed_sessions(store, &device, i, now);
    return r < 0 ? r : seed_health(store, &device, i, now);
}

static int seed_lock(const struct store *store, size_t hub, uint8_t number, int64_t now) {
    struct store_lock lock = {.lock = number,
                              .easting = YARDS[hub].easting + 60 * number,
                              .northing = YARDS[hub].northing + 30 * number};
    snprintf(lock.device, sizeof lock.device, "hub-%zu", hub + 1);
    snprintf(lock.plot, sizeof lock.plot, hub == 3 || hub == 4 ? "Gate %d" : "Plot %d",
             7 + 5 * number);
    snprintf(lock.allotment, sizeof lock.allotment, "%s", YARDS[hub].name);
    int r = store->lock_put(store->ctx, &lock);
    unsigned alarms = hub == 3 ? 9 : hub == 1 ? 5 : hub == 4 ? 3 : draw(2);
    for (unsigned i = 0; i < alarms && r >= 0; i++) {
        struct store_lock_event row = {
            .lock = {.lock = number, .what = i % 4 == 3 ? LOCK_TAMPER : LOCK_ALARM}};
        memcpy(row.device, lock.device, sizeof row.device);
        int64_t at = now - (int64_t)(1 + draw(45)) * DAY_MS - draw(24) * HOUR_MS;
        row.when = (struct store_when){.boot_id = 100 + KITS_N + hub,
                                       .t_ms = i,
                                       .occurred_ms = at,
                                       .quality = CLOCK_NTP,
                                       .received_ms = at + 2000};
        r = store->lock_event_put(store->ctx, &row);
    }
    static const uint8_t last[] = {LOCK_CLOSED, LOCK_SET};
    for (unsigned i = 0; i < 2 && r >= 0; i++) {
        struct store_lock_event row = {.lock = {.lock = number, .what = last[i]}};
        memcpy(row.device, lock.device, sizeof row.device);
        row.when = (struct store_when){.boot_id = 100 + KITS_N + hub,
                                       .t_ms = 1000 + i,
                                       .occurred_ms = now - 8 * HOUR_MS + i * 30000,
                                       .quality = CLOCK_NTP,
                                       .received_ms = now - 8 * HOUR_MS + i * 30000};
        r = store->lock_event_put(store->ctx, &row);
    }
    return r;
}

static int seed_alert(const struct store *store, struct alerts_signal signal, const char *place) {
    struct alerts_notice notice;
    signal.kind = SIGNAL_LOCK;
    signal.latest_ms = STORE_NEVER;
    signal.quality = CLOCK_NTP;
    signal.place = place;
    int r = alerts_feed(store, &signal, ALERTS_LATE_MS, &notice);
    return r < 0 ? r : (int)notice.alert.id;
}

static int seed_alerts(const struct store *store, int64_t now) {
    const struct {
        const char *device, *place;
        uint8_t lock, what;
        int64_t occurred, received;
    } rows[] = {
        {"hub-1", "plot 12, Burn Valley allotments", 1, LOCK_ALARM, 6 * DAY_MS, 6 * DAY_MS},
        {"hub-3", "plot 7, Ropner Park allotments", 0, LOCK_ALARM, 9 * HOUR_MS, 2 * HOUR_MS},
        {"hub-4", "gate 12, Flatts Lane", 1, LOCK_ALARM, 26 * 60000, 26 * 60000},
        {"hub-4", "gate 12, Flatts Lane", 1, LOCK_TAMPER, 25 * 60000, 25 * 60000},
        {"hub-5", "gate 7, Occupation Road", 0, LOCK_ALARM, 7 * 60000, 7 * 60000},
    };
    struct store_alert alert;
    int id = 0, r = store->begin(store->ctx);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && r >= 0; i++) {
        struct alerts_signal signal = {.device = rows[i].device,
                                       .lock = rows[i].lock,
                                       .what = rows[i].what,
                                       .occurred_ms = now - rows[i].occurred,
                                       .received_ms = now - rows[i].received};
        r = seed_alert(store, signal, rows[i].place);
        id = i == 0 ? r : id;
    }
    if (r >= 0)
        r = store->commit(store->ctx);
    if (r >= 0)
        r = alerts_acknowledge(store, id, "moss", now - 6 * DAY_MS + 120000, &alert);
    return r < 0 ? r
                 : alerts_close(store, id, "moss", "Keyholder: it was me",
                                now - 6 * DAY_MS + 900000, &alert);
}

static int seed_wards(const struct store *store, const char *path) {
    json_t *json = json_load_file(path, 0, NULL), *feature;
    size_t i;
    int r = json == NULL ? ERR_BADMSG : 0;
    json_array_foreach(json_object_get(json, "features"), i, feature) {
        json_t *p = json_object_get(feature, "properties");
        char *text = json_dumps(json_object_get(feature, "geometry"), JSON_COMPACT);
        struct store_ward row = {.geojson = text, .geojson_len = strlen(text)};
        snprintf(row.code, sizeof row.code, "%s",
                 json_string_value(json_object_get(p, "ward_code")));
        snprintf(row.name, sizeof row.name, "%s",
                 json_string_value(json_object_get(p, "ward_name")));
        snprintf(row.district, sizeof row.district, "%s",
                 json_string_value(json_object_get(p, "lad_name")));
        if (r >= 0)
            r = store->ward_put(store->ctx, &row);
        free(text);
    }
    json_decref(json);
    return r;
}

static int seed_rows(const struct store *store, int64_t now) {
    int r = seed_sites(store, now);
    for (size_t i = 0; i < KITS_N + HUBS_N && r >= 0; i++)
        r = seed_device(store, i, now);
    for (size_t hub = 0; hub < HUBS_N && r >= 0; hub++)
        for (uint8_t lock = 0; lock < 2 && r >= 0; lock++)
            r = seed_lock(store, hub, lock, now);
    return r;
}

int seed_all(const struct store *store, const char *wards_path, int64_t now_ms) {
    int r = store->begin(store->ctx);
    if (r >= 0)
        r = seed_rows(store, now_ms);
    if (r >= 0 && wards_path != NULL)
        r = seed_wards(store, wards_path);
    if (r < 0) {
        store->rollback(store->ctx);
        return r;
    }
    r = store->commit(store->ctx);
    return r < 0 ? r : seed_alerts(store, now_ms);
}
