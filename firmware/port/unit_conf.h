/* unit_conf: the configuration that every field daemon has, and its board and kit.
 *
 * A daemon's own struct begins with struct unit_conf and its table is joined behind UNIT_KEYS.
 * Guarded by tests/system/daemon_test.py (the texts of every error).  Memory: the caller's. */
#ifndef MOORWATCH_UNIT_CONF_H
#define MOORWATCH_UNIT_CONF_H

#include "batch.h"
#include "board.h"
#include "conf.h"

enum { UNIT_PATH_MAX = 159 };

struct unit_conf {
    char device[WIRE_DEVICE_MAX + 1];
    char state[UNIT_PATH_MAX + 1];
    char boards[UNIT_PATH_MAX + 1], board[UNIT_PATH_MAX + 1], kit[UNIT_PATH_MAX + 1];
    unsigned log_level; /* index in "error|warning|info|debug" */
    char gpio_socket[UNIT_PATH_MAX + 1], gpio_script[UNIT_PATH_MAX + 1];
    char gpio_state[UNIT_PATH_MAX + 1];
    char host[UNIT_PATH_MAX + 1];
    uint16_t port;
    char ca[UNIT_PATH_MAX + 1], certificate[UNIT_PATH_MAX + 1], key[UNIT_PATH_MAX + 1];
    char collector_key[UNIT_PATH_MAX + 1];
    int64_t keepalive_ns, resend_ns, backoff_max_ns;
    uint32_t window;
    uint32_t batch_events, sync_events;
    int64_t batch_age_ns, telemetry_age_ns, sync_age_ns;
    uint32_t quota_kib[CLASS_COUNT];
    int64_t heartbeat_ns;
    char battery_file[UNIT_PATH_MAX + 1], temperature_file[UNIT_PATH_MAX + 1];
    char signal_file[UNIT_PATH_MAX + 1];
    uint16_t battery_low_mv;
    unsigned battery_kind; /* 0: as the kit says, else enum battery_kind + 1 */
    uint32_t battery_nominal_mv, battery_capacity_mah;
    char battery_bus[UNIT_PATH_MAX + 1];
    char power_file[UNIT_PATH_MAX + 1];
    uint32_t disk_low_mib;
    uint16_t gnss_port;
};

extern const struct conf_key UNIT_KEYS[];
extern const size_t UNIT_KEYS_COUNT;

struct unit_board {
    struct board board;
    struct kit kit;
    struct gpio_line lines[GPIO_LINES_MAX];
    unsigned count;
    bool lost; /* the files cannot be used: no lines, no kit */
};

/* Loads the board and the kit that the configuration names and joins them.  0, or ERR_INVAL with
 * the reasons printed to standard error. */
MUST int unit_board_load(const struct unit_conf *conf, struct unit_board *ret_board);
/* The same for the outputs alone, as many as the files still say without doubt; the others are
 * named on standard error.  Returns how many were left out. */
unsigned unit_board_load_outputs(const struct unit_conf *conf, struct unit_board *ret_board);

#endif
