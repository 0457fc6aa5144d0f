/* The one table of what may be asked, and by whom: what is not here is refused.  openapi.yaml says
 * the same for people; tests/collector/api_test.c holds the two together. */
#include "call.h"

const struct route ROUTES[] = {
    {"GET", "/healthz", ROLE_NOBODY, handle_health, 0},
    {"POST", "/api/1/login", ROLE_NOBODY, handle_login, 0},
    {"POST", "/api/1/logout", ROLE_VIEWER, handle_logout, 0},
    {"GET", "/api/1/me", ROLE_VIEWER, handle_me, 0},
    {"GET", "/api/1/sites", ROLE_VIEWER, handle_sites, 3000},
    {"GET", "/api/1/sites/{id}", ROLE_VIEWER, handle_site, 3000},
    {"GET", "/api/1/sites/{id}/sessions", ROLE_PCSO, handle_sessions, 0},
    {"GET", "/api/1/wards", ROLE_VIEWER, handle_wards, 60000},
    {"GET", "/api/1/grid", ROLE_VIEWER, handle_grid, 60000},
    {"GET", "/api/1/tasking", ROLE_VOLUNTEER, handle_tasking, 10000},
    {"GET", "/api/1/hotspots", ROLE_ANALYST, handle_hotspots, 5000},
    {"GET", "/api/1/stream", ROLE_PCSO, handle_stream, 0},
    {"GET", "/api/1/alerts", ROLE_PCSO, handle_alerts, 0},
    {"GET", "/api/1/alerts/{id}", ROLE_PCSO, handle_alert, 0},
    {"POST", "/api/1/alerts/{id}/acknowledge", ROLE_PCSO, handle_alert_acknowledge, 0},
    {"POST", "/api/1/alerts/{id}/note", ROLE_PCSO, handle_alert_note, 0},
    {"POST", "/api/1/alerts/{id}/close", ROLE_OFFICER, handle_alert_close, 0},
    {"GET", "/api/1/devices", ROLE_PCSO, handle_devices, 0},
    {"GET", "/api/1/locks", ROLE_PCSO, handle_locks, 0},
    {"GET", "/api/1/counters", ROLE_PCSO, handle_counters, 0},
    {NULL, NULL, ROLE_NOBODY, NULL, 0},
};
