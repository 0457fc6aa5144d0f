/* seedtool: what the browser test needs of a device and of an administrator.
 *
 *   seedtool fill DB HUB_KEY [WARDS.geojson]
 *       fills a data base with seeded records, gives hub-2 that key, lets "rowan", an officer, log
 *       in and prints the password
 *   seedtool alarm HUB_KEY
 *       writes one signed MQTT payload of hub-2 to standard output: the lock of plot 7 alarms now
 */
#include "batch.h"
#include "clock.h"
#include "people.h"
#include "seed.h"
#include "store_sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check(int r, const char *what) {
    if (r >= 0)
        return r;
    fprintf(stderr, "seedtool: %s: %s\n", what, err_text(r));
    exit(1);
}

static int64_t now_ms(void) {
    struct clock clock = clock_system();
    return clock.wall_ms(clock.ctx);
}

static int fill(const char *db, const char *key_path, const char *wards) {
    struct store store;
    struct store_device hub;
    struct seal_signer signer;
    char password[PEOPLE_GENERATED_MAX + 1];
    check(seal_signer_load(key_path, &signer), key_path);
    check(store_sqlite_open(db, STORE_SQLITE_CREATE, &store), db);
    check(seed_all(&store, wards, now_ms()), "seed");
    check(store.device_get(store.ctx, "hub-2", &hub), "hub-2");
    check(seal_signer_public(&signer, hub.key), "key");
    check(store.device_put(store.ctx, &hub, now_ms()), "hub-2");
    check(people_password_make(password), "password");
    check(people_add(&store, "rowan", ROLE_OFFICER, password, now_ms()), "rowan");
    store.close(store.ctx);
    seal_signer_free(&signer);
    return puts(password) < 0;
}

static int alarm_now(const char *key_path) {
    static uint8_t payload[WIRE_PAYLOAD_MAX];
    struct seal_signer signer;
    struct batch_header header = {.schema = WIRE_SCHEMA,
                                  .device = "hub-2",
                                  .cls = CLASS_ALARM,
                                  .boot_id = 4711,
                                  .anchor_boot_ms = 600000,
                                  .anchor_unix_ms = now_ms(),
                                  .anchor_quality = CLOCK_NTP};
    struct event event = {
        .t_ms = 599000, .kind = EVENT_LOCK, .lock = {.lock = 0, .what = LOCK_ALARM}};
    check(seal_signer_load(key_path, &signer), key_path);
    /* Each call is a new spool, so that it need not remember its numbers. */
    check(seal_random(&header.spool_id, sizeof header.spool_id), "random");
    int len = check(batch_encode(&header, &event, 1, &signer, payload, sizeof payload), "encode");
    seal_signer_free(&signer);
    return fwrite(payload, 1, (size_t)len, stdout) != (size_t)len;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "fill") == 0)
        return fill(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
    if (argc == 3 && strcmp(argv[1], "alarm") == 0)
        return alarm_now(argv[2]);
    fprintf(stderr, "seedtool: fill DB HUB_KEY [WARDS.geojson] | alarm HUB_KEY\n");
    return 2;
}
