/* rows: what the store keeps, row by row, in the collector's words.
 *
 * Plain values, copied freely.  Texts in arrays are terminated and bounded; a `const char *` or
 * bytes pointer in a row handed to a callback is valid during that call only, one handed to the
 * store is copied.  All times are Unix milliseconds, UTC, except t_ms (since the device's boot).
 * STORE_NEVER stands for "unknown" and "not yet" in any of them.  easting and northing are whole
 * metres of the National Grid; 0, 0 is "no position".
 * Guarded by tests/collector/store_contract.h. */
#ifndef MOORWATCH_ROWS_H
#define MOORWATCH_ROWS_H

#include "batch.h"
#include "event.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NEVER INT64_MIN

enum {
    STORE_ID_MAX = 31,    /* characters of a device's, site's or ward's id, and of a user's name */
    STORE_NAME_MAX = 95,  /* names for people */
    STORE_TEXT_MAX = 255, /* titles, notes, causes */
    STORE_HOUR_MS = 3600000,
};

/* ---- what was received -------------------------------------------------------------------- */

/* A batch as it came: the record.  Identity: (device, spool_id, cls, seq). */
struct store_batch {
    int64_t id; /* rising in the order of arrival; given by the store */
    struct batch_header header;
    int64_t received_ms;
    const uint8_t *payload;
    size_t len;
};

/* Why a message was not stored as a batch.  The order is the order of the checks. */
enum refusal {
    REFUSED_TOPIC = 0,  /* not a topic of ours */
    REFUSED_OVERSIZED,  /* longer than a payload may be */
    REFUSED_UNKNOWN,    /* the device is not registered */
    REFUSED_REVOKED,    /* the device's key has been withdrawn */
    REFUSED_MALFORMED,  /* the envelope does not decode */
    REFUSED_VERSION,    /* a schema or codec of the future */
    REFUSED_WRONG_NAME, /* the header names another device or class than the topic */
    REFUSED_SIGNATURE,  /* forged or damaged */
    REFUSED_IDENTITY,   /* other bytes under an identity already stored: a cloned device? */
    REFUSED_BOMB,       /* inflates beyond the bound, or holds more events than it may */
    REFUSED_RANGE,      /* a field outside its limits */
    REFUSED_CONTENT,    /* verified, but the body does not decode */
    REFUSED_REASONS
};
/* "signature", "bomb" ...: short words for files and people; never NULL. */
const char *refusal_name(enum refusal reason);

struct store_refused {
    int64_t id;
    int64_t received_ms;
    enum refusal reason;
    char device[STORE_ID_MAX + 1]; /* as the topic said; "" if it said nothing */
    char topic[96];                /* shortened to fit */
    size_t len;                    /* as received; the bytes kept may be fewer */
    const uint8_t *payload;
    size_t kept;
};

/* Something odd that was stored all the same. */
enum finding {
    FINDING_CHAIN_BROKEN = 1, /* `previous` is not the hash of the batch before */
    FINDING_CLONED = 2,       /* a second payload claimed an identity */
    FINDING_UNKNOWN_SITE = 3, /* a session names a site that is not registered */
    FINDING_UNKNOWN_LOCK = 4, /* an event of a lock that is not registered */
};
const char *finding_name(enum finding kind);

struct store_finding {
    int64_t id;
    int64_t received_ms;
    enum finding kind;
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    enum event_class cls;
    uint64_t seq;
    char text[STORE_TEXT_MAX + 1];
};

/* ---- what was derived from it -------------------------------------------------------------- */

/* When something happened, as far as it is known. */
struct store_when {
    uint64_t boot_id;
    int64_t t_ms;        /* since that boot */
    int64_t occurred_ms; /* by the best anchor of that boot; STORE_NEVER if there is none */
    uint8_t quality;     /* enum clock_quality of that anchor */
    int64_t received_ms;
};

struct store_passage {
    int64_t id;
    int64_t batch; /* the store_batch it came in */
    char device[STORE_ID_MAX + 1];
    char site[STORE_ID_MAX + 1]; /* of the session, else of the device; "" if neither */
    uint32_t session;            /* 0: none */
    struct store_when when;
    struct event_passage passage;
};

/* Vehicles of one site, hour and direction.  `bins` is a histogram encoded by
 * collector/sites/histogram.h: counts by speed in 0.1 mph, exact. */
struct store_hour {
    char site[STORE_ID_MAX + 1];
    int64_t hour_ms; /* start of the hour, UTC */
    uint8_t direction;
    uint32_t n;
    const uint8_t *bins;
    size_t bins_len;
};

struct store_session {
    int64_t id;
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    uint32_t session; /* (device, spool_id, session) is unique */
    char site[STORE_ID_MAX + 1];
    uint16_t limit_mph;
    struct store_when start; /* boot_id 0: the start has not been seen (yet) */
    struct store_when stop;  /* boot_id 0: open, or the stop has not been seen yet */
    uint8_t end;             /* enum session_end */
    uint32_t vehicles;
    uint8_t check; /* 0 none, 1 passed, 2 failed: the newest check */
    uint16_t expected_mph10, measured_mph10;
    /* Where it began by satellites, WGS 84; position_error_m 0: not known. */
    int32_t latitude_e7, longitude_e7;
    uint16_t position_error_m;
};

struct store_lock_event {
    int64_t id;
    int64_t batch;
    char device[STORE_ID_MAX + 1];
    struct store_when when;
    struct event_lock lock;
};

struct store_health {
    int64_t id;
    char device[STORE_ID_MAX + 1];
    struct store_when when;
    struct event_health health;
};

struct store_gap {
    int64_t id;
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    struct store_when when;
    struct event_gap gap;
};

struct store_fault {
    int64_t id;
    char device[STORE_ID_MAX + 1];
    struct store_when when;
    struct event_fault fault;
};

/* The best anchor known of one boot of one device. */
struct store_anchor {
    char device[STORE_ID_MAX + 1];
    uint64_t boot_id;
    int64_t boot_ms, unix_ms;
    uint8_t quality;
    uint32_t error_ms;
};

/* How long a device was awake in one hour.  No row: unknown, which is not zero. */
struct store_awake {
    char device[STORE_ID_MAX + 1];
    int64_t hour_ms;
    int64_t awake_ms;
};

/* ---- the fleet's register ------------------------------------------------------------------ */

enum device_kind { DEVICE_SPEEDWATCH = 1, DEVICE_PADLOCK = 2 };

struct store_device {
    char id[STORE_ID_MAX + 1];
    enum device_kind kind;
    char name[STORE_NAME_MAX + 1];
    char lpa[STORE_NAME_MAX + 1]; /* Local Policing Area */
    char site[STORE_ID_MAX + 1];  /* of a kit that stays put; else "" */
    int32_t easting, northing;
    uint32_t period_s; /* promise: heard of at least this often */
    bool revoked;
    uint8_t key[SEAL_KEY_BYTES];
};

/* A device and what is known of it now. */
struct store_device_state {
    struct store_device device;
    int64_t last_received_ms; /* any stored batch; STORE_NEVER: none yet */
    int64_t registered_ms;    /* silence is counted from here while nothing came */
    bool has_link;            /* a status message was seen */
    bool online;              /* what it said */
    int64_t link_ms;
    bool has_health;
    struct store_health health; /* the newest by occurrence */
    uint64_t batches, bytes;    /* stored */
    uint64_t missing;           /* batches below the newest, neither stored nor declared lost */
};

/* Batches that should be here and are not: from_seq .. to_seq. */
struct store_missing {
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    enum event_class cls;
    uint64_t from_seq, to_seq;
};

/* One queue of one device: what was stored of it. */
struct store_stream {
    char device[STORE_ID_MAX + 1];
    uint64_t spool_id;
    enum event_class cls;
    uint64_t stored, events;
    bool has_upto;
    uint64_t upto;    /* contiguous from 0, over declared gaps */
    uint64_t highest; /* sequence number */
    uint64_t declared_lost;
};

struct store_site {
    char id[STORE_ID_MAX + 1];
    char name[STORE_NAME_MAX + 1];
    char road[STORE_NAME_MAX + 1];
    char lpa[STORE_NAME_MAX + 1];
    char ward[STORE_ID_MAX + 1]; /* code */
    uint16_t limit_mph;
    int32_t easting, northing;
    int64_t approved_until_ms; /* STORE_NEVER: without end */
};

struct store_lock {
    char device[STORE_ID_MAX + 1];
    uint8_t lock;
    char plot[STORE_NAME_MAX + 1];
    char allotment[STORE_NAME_MAX + 1]; /* the allotment site, farm or yard */
    int32_t easting, northing;
};

/* A lock and its state now.  Only newer events change it: late data never does. */
struct store_lock_state {
    struct store_lock lock;
    bool has_closed, closed; /* has_x false: never told */
    bool has_set, set;
    bool siren;
    bool alarmed;             /* an alarm or tamper without its restore */
    uint8_t last_what;        /* enum lock_what; 0: none yet */
    struct store_when latest; /* of the newest event */
};

struct store_ward {
    char code[STORE_ID_MAX + 1];
    char name[STORE_NAME_MAX + 1];
    char district[STORE_NAME_MAX + 1];
    const char *geojson; /* a GeoJSON geometry, WGS 84 longitude and latitude */
    size_t geojson_len;
};

/* A report by the public or an officer: a layer of its own, never mixed with sensors' events. */
struct store_report {
    int64_t id;
    char source[STORE_ID_MAX + 1]; /* "police", "public" */
    char kind[STORE_ID_MAX + 1];   /* "off-road", "antisocial" ... */
    char key[STORE_TEXT_MAX + 1];  /* from the source; the same (source, key) is stored once */
    int64_t occurred_ms;
    uint8_t precision; /* 0: to the minute, 1: to the day, 2: to the month */
    int32_t easting, northing;
};

/* Something that happened somewhere, for the hotspots. */
enum point_layer { POINT_LOCK = 1, POINT_REPORT = 2 };
struct store_point {
    enum point_layer layer;
    int64_t id;                    /* of the lock event or the report */
    char source[STORE_ID_MAX + 1]; /* the device, or the report's source */
    char kind[STORE_ID_MAX + 1];   /* "alarm", "tamper", or the report's kind */
    int64_t occurred_ms;
    uint8_t precision;
    int32_t easting, northing;
};

/* ---- alerts -------------------------------------------------------------------------------- */

enum alert_state { ALERT_OPEN = 1, ALERT_ACKNOWLEDGED = 2, ALERT_CLOSED = 3 };
enum alert_severity { SEVERITY_LOW = 1, SEVERITY_MEDIUM = 2, SEVERITY_HIGH = 3 };
enum alert_kind {
    ALERT_LOCK_ALARM = 1,
    ALERT_LOCK_TAMPER = 2,
    ALERT_FAULT = 3,     /* the device says that a part of it has failed */
    ALERT_GAP = 4,       /* the device had to drop records */
    ALERT_CLONED = 5,    /* two devices speak under one identity */
    ALERT_SILENT = 6,    /* not heard of within its promise */
    ALERT_LOCK_OPEN = 7, /* a gate that stands open when it should not */
};
const char *alert_kind_name(enum alert_kind kind);
const char *alert_state_name(enum alert_state state);
const char *alert_severity_name(enum alert_severity severity);

enum { STORE_NO_LOCK = 255 };

struct store_alert {
    int64_t id;
    enum alert_kind kind;
    enum alert_state state;
    enum alert_severity severity;
    char device[STORE_ID_MAX + 1];
    uint8_t lock;   /* STORE_NO_LOCK: not about a lock */
    uint8_t detail; /* enum fault_code of an ALERT_FAULT, class of an ALERT_GAP, else 0 */
    bool late;      /* was old when it came: for the record, never rung */
    char title[STORE_TEXT_MAX + 1];
    uint32_t events; /* how many events have joined it */
    int64_t raised_ms;
    int64_t occurred_ms;     /* of its first event */
    int64_t last_ms;         /* occurrence of its newest event */
    int64_t restored_ms;     /* STORE_NEVER: not yet */
    int64_t acknowledged_ms; /* STORE_NEVER: not yet */
    int64_t closed_ms;       /* STORE_NEVER: not yet */
    char acknowledged_by[STORE_ID_MAX + 1], closed_by[STORE_ID_MAX + 1];
    char cause[STORE_TEXT_MAX + 1]; /* given at closing */
};

struct store_alert_entry {
    int64_t id;
    int64_t alert;
    int64_t at_ms;              /* when it was written */
    int64_t occurred_ms;        /* when it happened; STORE_NEVER if unknown */
    char who[STORE_ID_MAX + 1]; /* the user; "" for the collector itself */
    char text[STORE_TEXT_MAX + 1];
};

/* ---- people -------------------------------------------------------------------------------- */

enum { STORE_PASSWORD_MAX = 255, STORE_TOKEN_BYTES = 32 };

struct store_user {
    char name[STORE_ID_MAX + 1];
    char role[STORE_ID_MAX + 1];           /* "administrator", "officer" ... */
    char password[STORE_PASSWORD_MAX + 1]; /* a salted hash, never the password */
    bool disabled;
    int64_t created_ms;
};

struct store_login {
    uint8_t token_hash[STORE_TOKEN_BYTES]; /* SHA-256 of the cookie */
    char user[STORE_ID_MAX + 1];
    int64_t created_ms, expires_ms;
};

/* Who did what: kept, never changed. */
struct store_audit {
    int64_t id;
    int64_t at_ms;
    char who[STORE_ID_MAX + 1];
    char action[STORE_ID_MAX + 1];
    char object[STORE_TEXT_MAX + 1];
};

struct store_counter {
    char name[STORE_NAME_MAX + 1]; /* "batches.stored", "refused.signature" ... */
    uint64_t n;
};

#endif
