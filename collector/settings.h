/* settings: the collector's configuration file, as a table for conf.h: what --defaults prints loads
 * to the defaults, every error names file and line.  Guarded by tests/collector/collector_test.sh.
 * Memory: the caller's.  Threads: none. */
#ifndef MOORWATCH_SETTINGS_H
#define MOORWATCH_SETTINGS_H

#include "conf.h"

enum { SETTINGS_PATH_MAX = 511 };

struct settings {
    char store[SETTINGS_PATH_MAX + 1];
    char broker_host[128];
    uint16_t broker_port;
    char broker_ca[SETTINGS_PATH_MAX + 1];
    char broker_certificate[SETTINGS_PATH_MAX + 1];
    char broker_key[SETTINGS_PATH_MAX + 1];
    char broker_client_id[64];
    uint16_t broker_keepalive_s;
    char signing_key[SETTINGS_PATH_MAX + 1];
    int64_t late_ns;
    uint32_t refused_rows, refused_bytes;
    char http_address[64];
    uint16_t http_port;
    char http_certificate[SETTINGS_PATH_MAX + 1];
    char http_key[SETTINGS_PATH_MAX + 1];
    char http_web[SETTINGS_PATH_MAX + 1];
    char http_leaflet[SETTINGS_PATH_MAX + 1];
};

extern const struct conf_key SETTINGS_KEYS[];
extern const size_t SETTINGS_KEY_COUNT;

#endif
