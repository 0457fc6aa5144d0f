#include "settings.h"
#include <string.h>

#define AT(member) CONF_AT(struct settings, member)

const struct conf_key SETTINGS_KEYS[] = {
    {"lock", "arm_delay", CONF_DURATION, AT(arm_delay_ns), 0, 600000, "30 s", NULL, NULL,
     "Closed and left alone for so long, a lock sets itself."},
    {"lock", "impacts", CONF_U32, AT(impacts), 1, LOCK_IMPACTS_MAX, "2", NULL, "knocks",
     "So many within impact_window are an alarm; the first alone is a pre-alarm."},
    {"lock", "impact_window", CONF_DURATION, AT(window_ns), 500, 60000, "5 s", NULL, NULL,
     "See impacts."},
    {"lock", "impact_dead", CONF_DURATION, AT(dead_ns), 0, 2000, "200 ms", NULL, NULL,
     "Pulses within it are one knock."},
    {"lock", "chirp", CONF_DURATION, AT(chirp_ns), 0, 5000, "500 ms", NULL, NULL,
     "The siren's chirp on a pre-alarm; 0: silent."},
    {"lock", "siren_burst", CONF_DURATION, AT(burst_ns), 0, 900000, "60 s", NULL, NULL,
     "One alarm sounds so long; 0: no siren."},
    {"lock", "siren_max", CONF_DURATION, AT(max_ns), 0, 900000, "15 min", NULL, NULL,
     "All locks of this hub together, until silent for siren_rest."},
    {"lock", "siren_rest", CONF_DURATION, AT(rest_ns), 60000, 86400000, "1 h", NULL, NULL,
     "See siren_max."},
    {"lock", "strobe_max", CONF_DURATION, AT(strobe_ns), 0, 86400000, "0 s", NULL, NULL,
     "The strobe flashes so long after the newest alarm; 0: until restored or unset."},
    {"lock", "quiet", CONF_DURATION, AT(quiet_ns), 1000, 3600000, "60 s", NULL, NULL,
     "Whole and quiet for so long: restored."},
    {"lock", "repeat", CONF_DURATION, AT(repeat_ns), 1000, 86400000, "5 min", NULL, NULL,
     "The same alarm again is told at most so often."},
    {"lock", "hours", CONF_STR, AT(hours), 0, 0, "", NULL, NULL,
     "When it may stand open, London time: 06:00-21:00; empty: always."},
    {"lock", "open_limit", CONF_DURATION, AT(open_limit_ns), 0, 86400000, "0 s", NULL, NULL,
     "Open longer than this is told; 0: no limit."},
    {"motion", "sensitivity", CONF_STR, AT(sensitivity), 3, 0, "normal", NULL, NULL,
     "low, normal or high; one word for all locks, or a word for each."},
    {"motion", "learn", CONF_BOOL, AT(learn), 0, 0, "yes", NULL, NULL,
     "For 48 hours learn how rough the place is, without noise for motions."},
    {"motion", "rate", CONF_CHOICE, AT(rate), 0, 0, "200", "100|200|400", "Hz",
     "Samples a second while something moves."},
    {"motion", "wake", CONF_U32, AT(wake_mg), 62, 2000, "125", NULL, "mg",
     "What wakes an accelerometer."},
    {"motion", "look", CONF_DURATION, AT(glance_ns), 1000, 3600000, "20 s", NULL, NULL,
     "How often a sensor that sleeps is asked whether it is there, and turned."},
    {"loops", "every", CONF_DURATION, AT(loop_every_ns), 100, 60000, "1 s", NULL, NULL,
     "How often end-of-line loops are measured; two measurements must agree."},
    {"sensors", "bus", CONF_PATH, AT(bus), 0, 0, "", NULL, NULL,
     "I2C bus; empty: the board's.  Not under /dev: a socket for simulated chips."},
};
const size_t SETTINGS_KEYS_COUNT = sizeof SETTINGS_KEYS / sizeof SETTINGS_KEYS[0];

/* The factor for a lock's thresholds; 0 if the words make no sense. */
static double factor_of(const char *words, unsigned lock) {
    static const struct {
        const char *word;
        double factor;
    } STEPS[] = {{"low", 1.4}, {"normal", 1}, {"high", 0.7}};
    double last = 0;
    for (unsigned n = 0; n <= lock; n++) {
        words += strspn(words, " ");
        size_t len = strcspn(words, " ");
        double factor = 0;
        for (unsigned i = 0; i < 3; i++)
            if (len == strlen(STEPS[i].word) && strncmp(words, STEPS[i].word, len) == 0)
                factor = STEPS[i].factor;
        if (len == 0)
            return n == 0 ? 0 : last; /* the last word holds for the rest */
        if (factor == 0)
            return 0;
        last = factor;
        words += len;
    }
    return last;
}

int settings_check(const struct settings *s) {
    struct barrier_hours hours;
    int wrong = 0;
    if (barrier_hours_parse(s->hours, &hours) < 0 && ++wrong)
        fprintf(stderr, "[lock] hours: \"%s\": write it as 06:00-21:00\n", s->hours);
    if (factor_of(s->sensitivity, EVENT_LOCKS_MAX - 1) == 0 && ++wrong)
        fprintf(stderr, "[motion] sensitivity: \"%s\": use low, normal or high\n", s->sensitivity);
    return wrong > 0 ? ERR_INVAL : 0;
}

struct lock_conf settings_lock(const struct settings *s) {
    return (struct lock_conf){
        .arm_delay_ns = s->arm_delay_ns,
        .impact_window_ns = s->window_ns,
        .impacts = s->impacts,
        .impact_dead_ns = s->dead_ns,
        .chirp_ns = s->chirp_ns,
        .siren_burst_ns = s->burst_ns,
        .siren_max_ns = s->max_ns,
        .siren_rest_ns = s->rest_ns,
        .strobe_max_ns = s->strobe_ns,
        .quiet_ns = s->quiet_ns,
        .repeat_ns = s->repeat_ns,
    };
}

struct barrier_conf settings_barrier(const struct settings *s) {
    struct barrier_conf conf = {.open_limit_ns = s->open_limit_ns};
    int checked = barrier_hours_parse(s->hours, &conf.hours);
    (void)checked; /* by settings_check */
    return conf;
}

struct sensors_conf settings_sensors(const struct settings *s) {
    struct sensors_conf conf = {
        .bus = s->bus,
        .rate_hz = 100U << s->rate,
        .wake_mg = s->wake_mg,
        .look_ns = s->glance_ns,
        .loop_every_ns = s->loop_every_ns,
        .learn = s->learn,
    };
    for (unsigned i = 0; i < EVENT_LOCKS_MAX; i++)
        conf.factor[i] = factor_of(s->sensitivity, i);
    return conf;
}
