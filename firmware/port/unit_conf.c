#include "unit_conf.h"
#include "board_find.h"
#include "topic.h"
#include <string.h>

#define AT(member) CONF_AT(struct unit_conf, member)

#ifndef MOORWATCH_BOARDS_DIR
#define MOORWATCH_BOARDS_DIR "/usr/share/moorwatch/boards"
#endif

const struct conf_key UNIT_KEYS[] = {
    {"unit", "device", CONF_STR, AT(device), 1, 0, NULL, NULL, NULL,
     "Name of this device, as enrolled: a-z, 0-9 and '-', beginning with a letter."},
    {"unit", "state", CONF_PATH, AT(state), 1, 0, "/var/lib/moorwatch", NULL, NULL,
     "Directory of the spool: what is not delivered yet."},
    {"unit", "boards", CONF_PATH, AT(boards), 1, 0, MOORWATCH_BOARDS_DIR, NULL, NULL,
     "Directory of board files, with the kits in its kits directory."},
    {"unit", "board", CONF_STR, AT(board), 1, 0, "host", NULL, NULL,
     "The board: a name in that directory, the path of a file, or auto: by the device tree."},
    {"unit", "kit", CONF_STR, AT(kit), 1, 0, NULL, NULL, NULL, "The kit on it, likewise."},
    {"unit", "log", CONF_CHOICE, AT(log_level), 0, 0, "info", "error|warning|info|debug", NULL,
     "What is logged."},
    {"gpio", "socket", CONF_PATH, AT(gpio_socket), 0, 0, "", NULL, NULL,
     "Host board only: a Unix datagram socket that takes lines such as \"loop-1 0\"."},
    {"gpio", "script", CONF_PATH, AT(gpio_script), 0, 0, "", NULL, NULL,
     "Host board only: a file of \"seconds role level\"."},
    {"gpio", "outputs", CONF_PATH, AT(gpio_state), 0, 0, "", NULL, NULL,
     "Host board only: the file that shows the outputs."},
    {"broker", "host", CONF_STR, AT(host), 1, 0, NULL, NULL, NULL,
     "Name or address of the broker."},
    {"broker", "port", CONF_U16, AT(port), 1, 65535, "8883", NULL, NULL, "Its TLS port."},
    {"broker", "ca", CONF_PATH, AT(ca), 1, 0, "/etc/moorwatch/ca.pem", NULL, NULL,
     "Certificate of the authority that signed the broker's certificate."},
    {"broker", "certificate", CONF_PATH, AT(certificate), 1, 0, "/etc/moorwatch/device.crt", NULL,
     NULL, "Certificate of this device."},
    {"broker", "key", CONF_PATH, AT(key), 1, 0, "/etc/moorwatch/device.key", NULL, NULL,
     "Private key of this device (P-256); it also signs the records."},
    {"broker", "collector_key", CONF_PATH, AT(collector_key), 1, 0, "/etc/moorwatch/collector.pem",
     NULL, NULL, "Public key or certificate by which the collector's acknowledgements are known."},
    {"broker", "keepalive", CONF_DURATION, AT(keepalive_ns), 5000, 3600000, "15 min", NULL, NULL,
     "Longest silence on the link."},
    {"broker", "resend", CONF_DURATION, AT(resend_ns), 1000, 3600000, "60 s", NULL, NULL,
     "A batch not acknowledged for so long is sent again."},
    {"broker", "backoff_max", CONF_DURATION, AT(backoff_max_ns), 1000, 3600000, "5 min", NULL, NULL,
     "Longest pause between two attempts to connect."},
    {"broker", "window", CONF_U32, AT(window), 1, 16, "4", NULL, "batches",
     "So many may be under way without acknowledgement."},
    {"spool", "batch_events", CONF_U32, AT(batch_events), 1, WIRE_EVENTS_MAX, "250", NULL, "events",
     "A batch closes at so many."},
    {"spool", "batch_age", CONF_DURATION, AT(batch_age_ns), 100, 86400000, "5 min", NULL, NULL,
     "Or when its oldest event is so old."},
    {"spool", "telemetry_age", CONF_DURATION, AT(telemetry_age_ns), 100, 86400000, "30 s", NULL,
     NULL, "The same for heartbeats."},
    {"spool", "sync_events", CONF_U32, AT(sync_events), 1, 1024, "32", NULL, "events",
     "Passages are made durable at so many.  Alarms are always durable at once."},
    {"spool", "sync_age", CONF_DURATION, AT(sync_age_ns), 10, 600000, "5 s", NULL, NULL,
     "Or when the oldest is so old."},
    {"spool", "alarm_quota", CONF_U32, AT(quota_kib[CLASS_ALARM]), 256, 32768, "4096", NULL, "KiB",
     "Most disk for alarms not delivered yet."},
    {"spool", "event_quota", CONF_U32, AT(quota_kib[CLASS_EVENT]), 1024, 131072, "65536", NULL,
     "KiB", "The same for passages and sessions."},
    {"spool", "telemetry_quota", CONF_U32, AT(quota_kib[CLASS_TELEMETRY]), 256, 32768, "2048", NULL,
     "KiB", "The same for heartbeats."},
    {"health", "heartbeat", CONF_DURATION, AT(heartbeat_ns), 1000, 86400000, "15 min", NULL, NULL,
     "Time between two heartbeats."},
    {"health", "battery_file", CONF_PATH, AT(battery_file), 0, 0, "", NULL, NULL,
     "A file that shows the battery in millivolts (hwmon inN_input); empty: not measured."},
    {"health", "battery_low", CONF_U16, AT(battery_low_mv), 0, 0, "11500", NULL, "mV",
     "Below it the battery is reported as low."},
    {"health", "battery_kind", CONF_CHOICE, AT(battery_kind), 0, 0, "kit",
     "kit|lifepo4|lead-acid|li-ion", NULL, "What the battery behind a gauge is made of."},
    {"health", "battery_nominal", CONF_U32, AT(battery_nominal_mv), 0, 60000, "0", NULL, "mV",
     "Its nominal voltage: 12800 for four LiFePO4 cells; 0: as the kit says."},
    {"health", "battery_capacity", CONF_U32, AT(battery_capacity_mah), 0, 1000000, "0", NULL, "mAh",
     "What its label says; 0: as the kit says."},
    {"health", "battery_bus", CONF_PATH, AT(battery_bus), 0, 0, "", NULL, NULL,
     "I2C bus of the gauge: a device, or the Unix socket of a simulated one; empty: the kit's."},
    {"health", "temperature_file", CONF_PATH, AT(temperature_file), 0, 0,
     "/sys/class/thermal/thermal_zone0/temp", NULL, NULL,
     "A file in thousandths of a degree C; empty: not measured."},
    {"health", "power_file", CONF_PATH, AT(power_file), 0, 0,
     "/sys/devices/platform/soc/soc:firmware/get_throttled", NULL, NULL,
     "What a Raspberry Pi's firmware says of its supply; empty: not measured."},
    {"health", "disk_low", CONF_U32, AT(disk_low_mib), 0, 65535, "32", NULL, "MiB",
     "Less free space for the spools is reported; 0: never."},
    {"health", "signal_file", CONF_PATH, AT(signal_file), 0, 0, "", NULL, NULL,
     "A file like /proc/net/wireless, or of one number in dBm; empty: not measured."},
    {"gnss", "port", CONF_U16, AT(gnss_port), 1, 65535, "2947", NULL, NULL,
     "Port of gpsd on this machine, for kits with a GNSS receiver."},
};

const size_t UNIT_KEYS_COUNT = sizeof UNIT_KEYS / sizeof UNIT_KEYS[0];

/* "host" in the directory, or a path as it stands. */
static void file_of(const char *dir, const char *sub, const char *word, char *buf, size_t cap) {
    if (strchr(word, '/') != NULL || strstr(word, ".ini") != NULL)
        snprintf(buf, cap, "%s", word);
    else
        snprintf(buf, cap, "%s/%s%s.ini", dir, sub, word);
}

/* "auto": the board file that describes this machine. */
static int board_of(const struct unit_conf *conf, char *buf, size_t cap) {
    if (strcmp(conf->board, "auto") != 0) {
        file_of(conf->boards, "", conf->board, buf, cap);
        return 0;
    }
    int result = board_find(conf->boards, "", buf, cap);
    if (result < 0)
        fprintf(stderr, "board = auto: no file in %s describes this machine (%s): name one\n",
                conf->boards, buf[0] != '\0' ? buf : "it has no device tree");
    return result;
}

int unit_board_load(const struct unit_conf *conf, struct unit_board *ret_board) {
    static struct conf_errors errors;
    char board[2 * UNIT_PATH_MAX + 16], kit[2 * UNIT_PATH_MAX + 16];
    if (board_of(conf, board, sizeof board) < 0)
        return ERR_INVAL;
    file_of(conf->boards, "kits/", conf->kit, kit, sizeof kit);
    int result = board_load(board, &ret_board->board, &errors);
    if (result == 0)
        result = kit_load(kit, &ret_board->kit, &errors);
    if (result == 0)
        result = board_resolve(&ret_board->board, &ret_board->kit, ret_board->lines, &errors);
    if (result >= 0)
        ret_board->count = (unsigned)result;
    else
        conf_errors_print(&errors, stderr);
    return result < 0 ? ERR_INVAL : 0;
}

unsigned unit_board_load_outputs(const struct unit_conf *conf, struct unit_board *ret_board) {
    static struct conf_errors errors;
    char board[2 * UNIT_PATH_MAX + 16], kit[2 * UNIT_PATH_MAX + 16];
    memset(ret_board, 0, sizeof *ret_board);
    if (board_of(conf, board, sizeof board) < 0)
        return 1;
    file_of(conf->boards, "kits/", conf->kit, kit, sizeof kit);
    /* Their errors have been printed: what could be read counts here. */
    (void)(board_load(board, &ret_board->board, &errors) + kit_load(kit, &ret_board->kit, &errors));
    conf_errors_init(&errors, kit);
    ret_board->count =
        board_resolve_outputs(&ret_board->board, &ret_board->kit, ret_board->lines, &errors);
    if (ret_board->kit.line_count == 0)
        conf_error(&errors, 0, NULL, "no output is known from it");
    for (unsigned i = 0; i < errors.count && i < CONF_ERRORS_MAX; i++)
        fprintf(stderr, "not made safe: %s\n", errors.text[i]);
    return errors.count;
}
