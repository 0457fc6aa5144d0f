/* alert_place: where an alert is, and what happened next door.
 *
 * Near is within ALERT_NEAR_M and ALERT_NEAR_MS before or after: break-ins repeat closest and
 * soonest (Johnson & Bowers 2004).
 * Guarded by tests/collector/api_test.c.  Memory: the json is the caller's.  Threads: the call's.
 */
#ifndef MOORWATCH_ALERT_PLACE_H
#define MOORWATCH_ALERT_PLACE_H

#include "call.h"

enum { ALERT_NEAR_M = 400, ALERT_NEAR_DAYS = 14, ALERT_NEAR_ROWS = 10 };

/* Plot, site and grid reference; null for a device that is no longer registered. */
json_t *alert_place_json(const struct call *call, const struct store_alert *alert);
/* Alerts of other locks near by, the nearest first, each with its distance_m. */
MUST int alert_place_nearby(const struct call *call, const struct store_alert *alert,
                            json_t **ret_list);

#endif
