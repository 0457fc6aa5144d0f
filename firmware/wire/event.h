/* event: what a device has to tell, in the units of the wire.
 *
 * Plain values, no pointers: copied, compared and stored freely.  Times are milliseconds since the
 * boot named beside them (a batch or a spool segment holds events of one boot).
 * Speeds on the wire are tenths of a mile per hour, floored from the mm/s of firmware/core, so that
 * no reading is ever rounded up to a threshold.
 * Guarded by tests/wire/batch_test.c. */
#ifndef MOORWATCH_EVENT_H
#define MOORWATCH_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Limits of times: since boot (a log without a boot may count from 1970) and since 1970: the year
 * 2248. */
#define EVENT_TIME_MAX (INT64_C(1) << 43)
#define EVENT_UNIX_MAX (INT64_C(1) << 43)

/* Separate queues, most urgent first: an alarm never waits behind a backlog of passages. */
enum event_class { CLASS_ALARM = 0, CLASS_EVENT = 1, CLASS_TELEMETRY = 2, CLASS_COUNT = 3 };

enum event_kind {
    EVENT_PASSAGE = 1, /* class event */
    EVENT_SESSION = 2, /* class event */
    EVENT_LOCK = 3,    /* class alarm */
    EVENT_HEALTH = 4,  /* class telemetry */
    EVENT_ANCHOR = 5,  /* class telemetry */
    EVENT_GAP = 6,     /* class alarm */
    EVENT_FAULT = 7,   /* class alarm */
};

enum direction { DIRECTION_IN = 0, DIRECTION_OUT = 1 };

enum passage_quality { QUALITY_UNSTATED = 0, QUALITY_A = 1, QUALITY_B = 2, QUALITY_C = 3 };

enum passage_flag {
    PASSAGE_OVERLAP = 1 << 0,   /* another vehicle in the same direction at the same time */
    PASSAGE_TRUNCATED = 1 << 1, /* began or ended outside the view of the radar */
    PASSAGE_SATURATED = 1 << 2, /* near the largest speed that the radar can tell */
    PASSAGE_LONG = 1 << 3,      /* in view so long that it may hide more than one vehicle */
};

/* One vehicle.  Time of the event: the start of the passage, to 10 ms. */
struct event_passage {
    uint8_t direction;    /* enum direction */
    uint16_t speed_mph10; /* 0.1 mph */
    uint32_t duration_ms; /* steps of 100 */
    int16_t magnitude_db; /* peak, 20 log10 */
    uint8_t quality;      /* enum passage_quality */
    uint8_t flags;        /* enum passage_flag */
};

enum session_what { SESSION_START = 1, SESSION_STOP = 2, SESSION_CHECK = 3 };
enum session_end {
    SESSION_END_NONE = 0,
    SESSION_END_BUTTON,
    SESSION_END_LIMIT,
    SESSION_END_RESTART
};
enum { EVENT_SITE_MAX = 31 };

struct event_session {
    uint8_t what;                  /* enum session_what */
    uint8_t end;                   /* enum session_end, for a stop */
    uint32_t session;              /* counts up for the life of the spool, from 1 */
    uint16_t limit_mph;            /* of the site */
    uint16_t expected_mph10;       /* check: what the fork or the driver says */
    uint16_t measured_mph10;       /* check: what the radar said */
    bool passed;                   /* check: within tolerance */
    uint32_t vehicles;             /* stop: how many were counted */
    char site[EVENT_SITE_MAX + 1]; /* the site's id in the collector's register */
    /* start: where the kit stood by GNSS, WGS 84 in 1e-7 degrees */
    int32_t latitude_e7, longitude_e7;
    uint16_t position_error_m; /* estimated, 95 %; 0: no position was known */
};

enum lock_what {
    LOCK_CLOSED = 1,
    LOCK_OPENED = 2,
    LOCK_PREALARM = 3,
    LOCK_ALARM = 4,
    LOCK_TAMPER = 5,
    LOCK_RESTORED = 6, /* what was alarmed or tampered with is whole and quiet again */
    LOCK_SET = 7,      /* armed */
    LOCK_UNSET = 8,    /* disarmed */
    LOCK_SIREN_ON = 9,
    LOCK_SIREN_OFF = 10,
    LOCK_LEFT_OPEN = 11,  /* open longer than allowed, or when its hours ended */
    LOCK_FOUND_OPEN = 12, /* open outside its hours when the hub began to look */
    LOCK_LEARNING = 13,   /* motion thresholds begin to learn the place */
    LOCK_LEARNED = 14,
};

/* What made a lock speak, bits of event_lock.causes; 0: not stated. */
enum lock_cause {
    LOCK_CAUSE_SHACKLE = 1 << 0,
    LOCK_CAUSE_LOOP = 1 << 1,
    LOCK_CAUSE_TILT = 1 << 2,
    LOCK_CAUSE_IMPACT = 1 << 3, /* a vibration switch */
    LOCK_CAUSE_MOTION = 1 << 4, /* an accelerometer */
    LOCK_CAUSE_SHORT = 1 << 5,  /* an end-of-line loop was bridged */
    LOCK_CAUSE_HOURS = 1 << 6,  /* the clock: outside its hours */
};

enum { EVENT_LOCKS_MAX = 8 };

struct event_lock {
    uint8_t lock;   /* 0 .. EVENT_LOCKS_MAX - 1: which lock of this hub */
    uint8_t what;   /* enum lock_what */
    uint8_t causes; /* bits of enum lock_cause */
};

/* Counters of everything dropped or refused; each only grows within a boot. */
enum health_counter {
    HEALTH_BOOTS = 0,      /* times the daemon has started on this spool */
    HEALTH_EVENTS,         /* events accepted */
    HEALTH_EVENTS_DROPPED, /* events the spool had to drop */
    HEALTH_RECORDS_LOST,   /* damaged records met when a spool was opened */
    HEALTH_RADAR_LINES,    /* lines received */
    HEALTH_RADAR_REFUSED,  /* lines that were not understood */
    HEALTH_RADAR_RESETS,   /* times the sensor started anew */
    HEALTH_GPIO_GAPS,      /* edges known to be lost */
    HEALTH_LINK_DROPS,     /* connections lost */
    HEALTH_BATCHES_RESENT, /* batches published more than once */
    HEALTH_ACKS_REFUSED,   /* acknowledgements that did not verify */
    HEALTH_STORAGE_ERRORS, /* failed disk operations */
    HEALTH_QUEUE_REFUSED,  /* messages dropped because a bounded queue was full */
    HEALTH_SENSOR_ERRORS,  /* reads of an I2C sensor that failed */
    HEALTH_MOTION_IGNORED, /* motions that were judged a nuisance */
    HEALTH_GNSS_REFUSED,   /* fixes that cannot be */
    HEALTH_FRAMES_LOST,    /* radar frames lost to overruns */
    HEALTH_COUNTERS
};

enum health_power {
    HEALTH_POWER_UNDERVOLTAGE = 1 << 0,
    HEALTH_POWER_CAPPED = 1 << 1,    /* the CPU's clock is limited */
    HEALTH_POWER_THROTTLED = 1 << 2, /* and lowered */
    HEALTH_POWER_HOT = 1 << 3,       /* the soft limit of temperature is reached */
    HEALTH_POWER_SINCE_BOOT = 4,     /* shifted left by it: has been so since boot */
};

struct event_health {
    uint32_t uptime_s;
    uint16_t battery_mv;                 /* 0: not measured */
    int16_t temperature_c10;             /* 0.1 degrees C; INT16_MIN: not measured */
    int16_t signal_dbm;                  /* 0: not measured */
    uint32_t spool_pending[CLASS_COUNT]; /* batches not yet acknowledged */
    uint32_t period_s;                   /* promise: the next heartbeat comes within this */
    uint32_t counters[HEALTH_COUNTERS];
    uint32_t disk_free_mib; /* of the spools' file system, at least 1; 0: not measured */
    uint16_t spool_days;    /* until the spool is full at the present rate; 0: not known */
    uint16_t battery_days;  /* left, at least 1; 0: not known */
    int16_t battery_ma;     /* drawn from it; negative: charging; 0: not measured */
    uint8_t power_flags;    /* bits of enum health_power */
    uint8_t clock_quality;  /* enum clock_quality */
};

/* The wall clock at the event's time. */
struct event_anchor {
    int64_t unix_ms;
    uint8_t quality;   /* enum clock_quality */
    uint32_t error_ms; /* estimated, 0: unknown */
};

enum gap_reason { GAP_DISK_FULL = 1, GAP_DAMAGED = 2, GAP_QUEUE_FULL = 3 };

/* Batches from_seq .. to_seq of that class and spool will never come.  from_seq == to_seq + 1:
 * none, only events that had not become a batch yet.  Each class has a spool of its own, so the
 * batch that tells of a gap does not name it. */
struct event_gap {
    uint8_t dropped_class;          /* enum event_class */
    uint32_t spool_high, spool_low; /* halves of the spool_id of what was dropped */
    uint8_t reason;                 /* enum gap_reason */
    uint64_t from_seq, to_seq;
    uint32_t events; /* how many events were in them, as far as known */
};

enum fault_code {
    FAULT_RADAR_SILENT = 1,
    FAULT_RADAR_RESET = 2,
    FAULT_RADAR_CONFIG = 3,
    FAULT_STORAGE = 4,
    FAULT_GPIO = 5,       /* detail: an enum err (lines not held, unread, disobedient; ERR_INVAL: no
                           * usable       board file), or 1 + the kit line that was on beyond its max_on
                           * or       bears a       strange name */
    FAULT_CLOCK_STEP = 6, /* detail: by how many ms */
    FAULT_BATTERY_LOW = 7,   /* detail: mV */
    FAULT_RADAR_GARBAGE = 8, /* bytes come, no line is understood: wrong baud rate? */
    FAULT_RADAR_WRONG = 9,   /* what answers is no radar; detail: enum wrong_radar */
    FAULT_SENSOR = 10,       /* an I2C sensor is silent or its bus hangs; detail: its address */
    FAULT_BATTERY_SOON = 11, /* detail: days left */
    FAULT_POWER = 12,        /* supply too low or CPU throttled; detail: health_power bits */
    FAULT_GNSS = 13,         /* fixes that cannot be: a receiver in trouble, or a jammer */
    FAULT_RADAR_LEVEL = 14,  /* an I/Q signal that clips or is dead */
    FAULT_DISK_LOW = 15,     /* detail: MiB left */
};

/* What answers where a radar should; 0: not stated. */
enum wrong_radar {
    WRONG_TALKS = 1, /* a modem, a GNSS receiver */
    WRONG_MONO = 2,  /* a sound card with one channel */
    WRONG_INPUT = 3, /* a sound input that does not suit for another reason */
};

struct event_fault {
    uint8_t code;   /* enum fault_code */
    bool active;    /* false: it has cleared */
    int32_t detail; /* an enum err, or a figure that the code explains; 0 if none */
};

struct event {
    int64_t t_ms; /* milliseconds since boot */
    uint8_t kind; /* enum event_kind: names the member */
    union {
        struct event_passage passage;
        struct event_session session;
        struct event_lock lock;
        struct event_health health;
        struct event_anchor anchor;
        struct event_gap gap;
        struct event_fault fault;
    };
};

/* The class in which a kind travels; CLASS_COUNT for an unknown kind. */
enum event_class event_class_of(enum event_kind kind);
/* Short words for people and files: "passage", "alarm", "restored"; never NULL. */
const char *event_kind_name(enum event_kind kind);
const char *event_class_name(enum event_class cls);
const char *lock_what_name(enum lock_what what);
const char *fault_code_name(enum fault_code code);
/* True if its kind and the codes in it are among those named above.  What a later schema adds is
 * skipped by batch_decode, so that an old collector keeps reading a new device. */
bool event_known(const struct event *event);
/* True if it is known and every field is within its limits: nothing that fails this is ever stored.
 * A passage's time is in steps of 10 ms, its duration in steps of 100 ms. */
bool event_valid(const struct event *event);

#endif
