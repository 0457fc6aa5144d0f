/* settings: the padlock hub's part of its configuration.
 *
 * Guarded by tests/system/daemon_test.py (defaults, errors).  Memory: the struct.  Threads: any. */
#ifndef PADLOCK_SETTINGS_H
#define PADLOCK_SETTINGS_H

#include "barrier.h"
#include "lock.h"
#include "sensors.h"
#include "unit_conf.h"

enum { SETTINGS_WORDS_MAX = 95 };

struct settings {
    struct unit_conf unit; /* first: unit_main fills it */
    int64_t arm_delay_ns, window_ns, dead_ns, chirp_ns, burst_ns, max_ns, rest_ns, quiet_ns;
    int64_t strobe_ns, repeat_ns, open_limit_ns, glance_ns, loop_every_ns;
    uint32_t impacts, wake_mg;
    unsigned rate; /* index in "100|200|400" */
    bool learn;
    char hours[SETTINGS_WORDS_MAX + 1], sensitivity[SETTINGS_WORDS_MAX + 1];
    char bus[UNIT_PATH_MAX + 1];
};

extern const struct conf_key SETTINGS_KEYS[];
extern const size_t SETTINGS_KEYS_COUNT;

/* What tables cannot check.  0, or ERR_INVAL with the reasons printed to standard error. */
MUST int settings_check(const struct settings *s);
struct lock_conf settings_lock(const struct settings *s);
struct barrier_conf settings_barrier(const struct settings *s);
struct sensors_conf settings_sensors(const struct settings *s);

#endif
