/* call: one request on its way through the API; what the handlers of this folder share.
 *
 * A handler answers by call_json or call_refuse, or returns an enum err, which becomes an error
 * answer of the same meaning.
 * Guarded by tests/collector/api_test.c.  Memory: json given to call_json is taken over.
 * Threads: one call belongs to one thread. */
#ifndef MOORWATCH_CALL_H
#define MOORWATCH_CALL_H

#include "api.h"
#include "people.h"
#include "store.h"
#include <jansson.h>

enum {
    CALL_PARAM_MAX = 63, /* characters of a {name} in a path */
    CALL_LIMIT_DEFAULT = 50,
    CALL_LIMIT_MAX = 200,
    CALL_NOTE_MAX = 200, /* bytes of a note or cause */
};

struct call {
    struct api *api;
    const struct store *store;
    struct people *people;
    const struct api_request *request;
    struct api_reply *reply;
    struct people_session who; /* role ROLE_NOBODY on open routes */
    char param[CALL_PARAM_MAX + 1];
    json_t *body; /* the JSON object of a write, or NULL */
};

struct route {
    const char *method;
    const char *path; /* may hold one {name} */
    enum people_role least;
    int (*handle)(struct call *call);
    int64_t keep_ms; /* how old an answer may be that is given again; 0: always asked anew */
};

/* Ended by a row whose path is NULL. */
extern const struct route ROUTES[];

int call_json(struct call *call, int status, json_t *json);
__attribute__((format(printf, 4, 5))) int call_refuse(struct call *call, int status,
                                                      const char *code, const char *format, ...);

const char *call_query(const struct call *call, const char *name);
/* A whole number of the query between low and high, or `otherwise` if it is not there.
 * ERR_INVAL, and the answer is given, if it is something else. */
MUST int call_number(struct call *call, const char *name, int64_t low, int64_t high,
                     int64_t otherwise, int64_t *ret_number);
/* The path's {id} as a number above 0.  ERR_INVAL, and the answer is given. */
MUST int call_id(struct call *call, int64_t *ret_id);
/* A text of the body: terminated, without control characters, at most `max` bytes; NULL if it is
 * not there.  ERR_INVAL, and the answer is given, if it is anything else. */
MUST int call_text(struct call *call, const char *name, size_t max, const char **ret_text);

/* Moments as JSON: ISO 8601 in UTC to the millisecond; null for STORE_NEVER. */
json_t *json_time(int64_t unix_ms);
/* Rounded to `decimals`, so that what is printed says no more than what is known. */
json_t *json_round(double value, int decimals);

int handle_health(struct call *call);
int handle_login(struct call *call);
int handle_logout(struct call *call);
int handle_me(struct call *call);
int handle_stream(struct call *call);
int handle_alerts(struct call *call);
int handle_alert(struct call *call);
int handle_alert_acknowledge(struct call *call);
int handle_alert_close(struct call *call);
int handle_alert_note(struct call *call);
int handle_sites(struct call *call);
int handle_site(struct call *call);
int handle_sessions(struct call *call);
int handle_hotspots(struct call *call);
int handle_tasking(struct call *call);
int handle_devices(struct call *call);
int handle_locks(struct call *call);
int handle_wards(struct call *call);
int handle_grid(struct call *call);
int handle_counters(struct call *call);

/* The alert as the page is told of it. */
json_t *json_alert(const struct store_alert *alert);

#endif
