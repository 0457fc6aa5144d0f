/* health: gathers what the parts have counted into the heartbeat event, and judges it.
 *
 * Promises (tests/core/health_test.c): pure; a counter shown is the sum of its parts and saturates
 * at UINT32_MAX instead of beginning anew; what was not measured says so and changes no fault; a
 * fault that a figure raises does not flicker when the figure wavers around its limit.
 * Memory: the caller's structs.  Threads: the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_HEALTH_H
#define MOORWATCH_HEALTH_H

#include "sender.h"

/* What only the daemon knows. */
struct health_parts {
    uint32_t boots;
    uint32_t period_s;       /* the next heartbeat comes within this */
    uint16_t battery_mv;     /* 0: not measured */
    int32_t battery_ma;      /* 0: not measured */
    uint16_t battery_days;   /* 0: not known */
    int16_t temperature_c10; /* INT16_MIN: not measured */
    int16_t signal_dbm;      /* 0: not measured */
    uint8_t power_flags;     /* enum health_power */
    uint8_t clock_quality;   /* enum clock_quality */
    int64_t disk_free_mib;   /* < 0: not measured */
    uint16_t spool_days;     /* 0: not known */
    uint32_t radar_lines, radar_refused, radar_resets;
    uint32_t gpio_gaps;
    uint32_t queue_refused;
    uint32_t sensor_errors;
    uint32_t gnss_refused;
};

/* The heartbeat of this moment.  `sender` and the spools it was given are only read. */
void health_event(const struct health_parts *parts, const struct sender *sender, int64_t now_ns,
                  struct event *ret_event);

/* How fast the spools fill, had nothing been delivered: events a second, of the last day or so. */
struct health_rate {
    bool started;
    int64_t first_ns, last_ns;
    uint64_t accepted[CLASS_COUNT];
    double per_s[CLASS_COUNT];
};

enum { HEALTH_SPOOL_DAYS_MAX = 3650 };

/* Days until the first of the spools is full if no batch were acknowledged from now on, at the
 * present rate: at least 1; 0: not known before an hour has been seen, or nothing comes. */
uint16_t health_spool_days(struct health_rate *rate, const struct sender *sender, int64_t now_ns);

struct health_limits {
    uint16_t battery_low_mv; /* 0: never */
    uint32_t disk_low_mib;   /* 0: never */
};

/* Which of these faults (1 << enum fault_code) stand after this heartbeat, of those that a
 * heartbeat's figures decide; `active`: those that stood before. */
unsigned health_faults(unsigned active, const struct event_health *health,
                       const struct health_limits *limits);
/* All that health_faults may return. */
extern const unsigned HEALTH_FAULTS;
/* The figure behind a fault. */
int32_t health_fault_detail(enum fault_code code, const struct event_health *health);

#endif
