/* Sessions at a site: when, how many vehicles, checked or not, and whether the kit stood there. */
#include "call.h"
#include "grid.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A kit further from its site than this and its own error measured somewhere else.  Sites are
 * registered to 10 m, stretches of road are walked along. */
enum { FAR_M = 100, SESSIONS_DEFAULT = 20, SESSIONS_MAX = 200 };

struct listing {
    json_t *list;
    const struct store_site *site;
    struct grid grid;
};

/* How far from the site, not where: nobody needs the coordinates for that. */
static json_t *place_json(const struct listing *listing, const struct store_session *row) {
    const struct store_site *site = listing->site;
    double easting, northing;
    char words[160];
    if (row->position_error_m == 0 || site->easting == 0 ||
        grid_from_wgs84(&listing->grid, row->latitude_e7 / 1e7, row->longitude_e7 / 1e7, &easting,
                        &northing) < 0)
        return json_null();
    double away = hypot(easting - site->easting, northing - site->northing);
    bool far = away > FAR_M + row->position_error_m;
    if (!far)
        snprintf(words, sizeof words, "At the site");
    else if (away < 1000)
        snprintf(words, sizeof words, "Measured %.0f m from the site: is it the right one?", away);
    else
        snprintf(words, sizeof words, "Measured %.1f km from the site: is it the right one?",
                 away / 1000);
    return json_pack("{s:o,s:i,s:b,s:s}", "distance_m", json_round(away, 0), "error_m",
                     (int)row->position_error_m, "far", far, "words", words);
}

static int session_add(void *arg, const struct store_session *row) {
    static const char *const CHECKS[] = {"none", "passed", "failed"};
    static const char *const ENDS[] = {"open", "button", "limit", "restart"};
    struct listing *listing = arg;
    bool stopped = row->stop.boot_id != 0;
    json_t *json =
        json_pack("{s:s,s:i,s:i,s:s,s:s}", "device", row->device, "session", (int)row->session,
                  "vehicles", (int)row->vehicles, "check", CHECKS[row->check < 3 ? row->check : 0],
                  "end", stopped && row->end < 4 ? ENDS[row->end] : "open");
    json_object_set_new(json, "start", json_time(row->start.occurred_ms));
    json_object_set_new(json, "stop", json_time(stopped ? row->stop.occurred_ms : STORE_NEVER));
    json_object_set_new(json, "place", place_json(listing, row));
    return json_array_append_new(listing->list, json) == 0 ? 0 : ERR_NOMEM;
}

int handle_sessions(struct call *call) {
    struct store_site site;
    int64_t limit;
    int r = call_number(call, "limit", 1, SESSIONS_MAX, SESSIONS_DEFAULT, &limit);
    if (r < 0)
        return r;
    r = call->store->site_get(call->store->ctx, call->param, &site);
    struct listing listing = {.site = &site};
    if (r >= 0)
        r = grid_open(&listing.grid);
    if (r < 0)
        return r;
    const struct store_filter filter = {.site = site.id, .lock = -1, .limit = (size_t)limit};
    listing.list = json_array();
    r = call->store->sessions(call->store->ctx, &filter, session_add, &listing);
    grid_close(&listing.grid);
    if (r >= 0)
        return call_json(call, 200, json_pack("{s:o}", "sessions", listing.list));
    json_decref(listing.list);
    return r;
}
