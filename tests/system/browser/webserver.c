/* webserver: the collector's page over a data base full of seeded records, for the browser test and
 * for screenshots: everything but the broker is the real thing.
 *
 *   webserver DB WEB_DIR LEAFLET_DIR [WARDS.geojson]
 *
 * Prints "PORT PASSWORD" (user "rowan", an officer), then obeys lines on standard input: "alarm"
 * lets the padlock of plot 7 alarm now, "end" stops. */
#include "alerts.h"
#include "api.h"
#include "clock.h"
#include "http.h"
#include "people.h"
#include "seed.h"
#include "store_sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORES = 4 };

static void on_publish(void *ctx, const char *name, uint64_t id, const char *json) {
    if (http_publish(ctx, name, id, json) < 0)
        fprintf(stderr, "webserver: an event could not be published\n");
}

static int check(int r, const char *what) {
    if (r >= 0)
        return r;
    fprintf(stderr, "webserver: %s: %s\n", what, err_text(r));
    exit(1);
}

static int64_t now_ms(void) {
    struct clock clock = clock_system();
    return clock.wall_ms(clock.ctx);
}

static void alarm_now(const struct store *store, struct api *api) {
    int64_t now = now_ms();
    struct alerts_notice notice;
    struct alerts_signal signal = {.kind = SIGNAL_LOCK,
                                   .device = "hub-2",
                                   .lock = 0,
                                   .what = LOCK_ALARM,
                                   .occurred_ms = now - 1500,
                                   .latest_ms = STORE_NEVER,
                                   .quality = CLOCK_NTP,
                                   .received_ms = now,
                                   .place = "plot 7, Thornhill allotments"};
    check(store->begin(store->ctx), "begin");
    int r = check(alerts_feed(store, &signal, ALERTS_LATE_MS, &notice), "feed");
    check(store->commit(store->ctx), "commit");
    if (r == 1)
        api_alert_changed(api, &notice.alert, notice.ring);
}

static void obey(const struct store *store, struct api *api) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "end\n") != 0)
        if (strcmp(line, "alarm\n") == 0)
            alarm_now(store, api);
}

int main(int argc, char **argv) {
    struct store stores[STORES + 1];
    struct http *http;
    struct api *api;
    char password[PEOPLE_GENERATED_MAX + 1];
    if (argc < 4)
        return fprintf(stderr, "webserver: DB WEB_DIR LEAFLET_DIR [WARDS.geojson]\n"), 2;
    for (int i = 0; i <= STORES; i++)
        check(store_sqlite_open(argv[1], STORE_SQLITE_CREATE, &stores[i]), argv[1]);
    check(seed_all(&stores[STORES], argc > 4 ? argv[4] : NULL, now_ms()), "seed");
    check(people_password_make(password), "password");
    check(people_add(&stores[STORES], "rowan", ROLE_OFFICER, password, now_ms()), "rowan");
    struct http_conf web = {.address = "127.0.0.1", .web_dir = argv[2], .leaflet_dir = argv[3]};
    check(http_start(&web, &http), "http");
    struct api_conf conf = {.stores = stores,
                            .stores_n = STORES,
                            .now_ms = now_ms(),
                            .publish = on_publish,
                            .publish_ctx = http};
    check(api_open(&conf, &api), "api");
    http_serve(http, api);
    printf("%u %s\n", http_port(http), password);
    fflush(stdout);
    obey(&stores[STORES], api);
    http_stop(http);
    api_close(api);
    for (int i = 0; i <= STORES; i++)
        stores[i].close(stores[i].ctx);
    return 0;
}
