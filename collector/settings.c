#include "settings.h"

#define TEXT(section, name, member, def, help)                                                     \
    { section, name, CONF_STR, CONF_AT(struct settings, member), 0, 0, def, NULL, NULL, help }
#define FILE_AT(section, name, member, def, help)                                                  \
    { section, name, CONF_PATH, CONF_AT(struct settings, member), 0, 0, def, NULL, NULL, help }

const struct conf_key SETTINGS_KEYS[] = {
    FILE_AT("store", "path", store, "/var/lib/moorwatch/collector.db",
            "The data base file; made if it is missing."),
    TEXT("broker", "host", broker_host, "localhost",
         "The MQTT broker, by the name that its certificate bears."),
    {"broker", "port", CONF_U16, CONF_AT(struct settings, broker_port), 1, 65535, "8883", NULL,
     NULL, "The broker's TLS port."},
    FILE_AT("broker", "ca", broker_ca, "/etc/moorwatch/ca.pem",
            "Who may have signed the broker's certificate."),
    FILE_AT("broker", "certificate", broker_certificate, "/etc/moorwatch/collector.pem",
            "The collector's own certificate for the broker."),
    FILE_AT("broker", "key", broker_key, "/etc/moorwatch/collector.key",
            "The key of that certificate."),
    TEXT("broker", "client_id", broker_client_id, "moorwatch-collector",
         "The broker keeps the session under this name; two collectors need two."),
    {"broker", "keepalive", CONF_U16, CONF_AT(struct settings, broker_keepalive_s), 5, 3600, "30",
     NULL, "s", "A connection that is silent for longer is given up."},
    FILE_AT("ingest", "signing_key", signing_key, "/etc/moorwatch/collector.key",
            "Signs the acknowledgements; devices know its public half."),
    {"ingest", "late", CONF_DURATION, CONF_AT(struct settings, late_ns), 1000, 86400000, "10 min",
     NULL, NULL, "An alarm older than this when it comes is recorded as late and not rung."},
    {"ingest", "refused_messages", CONF_U32, CONF_AT(struct settings, refused_rows), 1, 1000000,
     "1000", NULL, NULL, "How many refused messages are kept; the oldest go first."},
    {"ingest", "refused_bytes", CONF_U32, CONF_AT(struct settings, refused_bytes), 4096, 1073741824,
     "8388608", NULL, "bytes", "How many bytes of refused messages are kept."},
    TEXT("http", "address", http_address, "127.0.0.1",
         "Where the page and the API are served; 127.0.0.1 behind a reverse proxy."),
    {"http", "port", CONF_U16, CONF_AT(struct settings, http_port), 0, 65535, "8080", NULL, NULL,
     "0 lets the system choose; the log tells which."},
    FILE_AT("http", "certificate", http_certificate, "",
            "Serve HTTPS with this certificate; empty: plain HTTP."),
    FILE_AT("http", "key", http_key, "", "The key of that certificate."),
    FILE_AT("http", "web", http_web, "/usr/share/moorwatch/web", "The page's files."),
    FILE_AT("http", "leaflet", http_leaflet, "/usr/share/javascript/leaflet",
            "The map library's files (Debian's libjs-leaflet)."),
};

const size_t SETTINGS_KEY_COUNT = sizeof SETTINGS_KEYS / sizeof SETTINGS_KEYS[0];
