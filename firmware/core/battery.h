/* battery: how full it is, how long it lasts, how sure that is.
 *
 * Charge is counted (current times time) and corrected by the voltage where the voltage tells
 * something: at rest, in the steep parts of the chemistry's curve, and when a charger says full.
 * Counting and correcting are weighed by their errors (a Kalman filter of one state): a LiFePO4
 * battery in the flat of its curve is believed by the counter, near its knee by the voltage.
 *
 * Days left: each day's load and gain are told apart by the sign of the hourly current (a panel
 * charges, a load does not), kept for two weeks, and played forward day by day with the season's
 * sun and cold until the charge falls under what the cold leaves usable.  `days_low` is the careful
 * figure (9 in 10 last longer): that is what a notice is given on.  A battery that its panel fills
 * again and again has nothing to foresee: BATTERY_DAYS_MAX.
 *
 * Promises (tests/core/battery_test.c, against a battery with curves of its own): pure; a notice
 * comes at least 30 days ahead for a battery without panel; after battery_load it goes on as if it
 * had not stopped; a sample that cannot be is passed over and counted.
 * Self-discharge does not flow through the shunt: it is taken from the chemistry.
 * Memory: the struct.  Threads: the loop's.  Time: given (ns since boot). */
#ifndef MOORWATCH_BATTERY_H
#define MOORWATCH_BATTERY_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum battery_kind { BATTERY_LIFEPO4, BATTERY_LEAD_ACID, BATTERY_LI_ION, BATTERY_KINDS };

enum {
    BATTERY_DAYS_MAX = 400,   /* more is not told apart */
    BATTERY_NOTICE_DAYS = 30, /* "soon" begins here ... */
    BATTERY_CLEAR_DAYS = 45,  /* ... and ends here */
    BATTERY_HISTORY = 14,     /* days */
    BATTERY_TEXT_MAX = 640,   /* of battery_save */
};

struct battery_conf {
    enum battery_kind kind;
    unsigned cells; /* in series */
    uint32_t capacity_mah;
};

struct battery_sample {
    int64_t t_ns;
    uint16_t mv;     /* of the whole battery */
    int32_t ma;      /* positive: discharging */
    int day_of_year; /* 1 .. 366; 0: the date is not known */
};

struct battery_day {
    double load_mah, gain_mah;
    double sun;  /* the season's, in the unit of its table; 0: date unknown */
    bool filled; /* the charger had nothing left to do: it could have given more */
};

struct battery {
    struct battery_conf conf;
    bool known; /* a first voltage has been seen */
    double charge_mah, sigma_mah;
    int64_t last_ns, day_start_ns, rest_since_ns, full_since_ns, corrected_ns;
    double hour_mah[24]; /* of the running day, discharge positive */
    double hour_s[24];
    bool filled;
    struct battery_day days[BATTERY_HISTORY]; /* newest last */
    unsigned day_count;
    int day_of_year;
    unsigned refused; /* samples that cannot be */
    bool soon;
};

struct battery_view {
    unsigned charge_percent, sure_percent; /* the truth is within +- sure_percent, 2 in 3 */
    unsigned days_low, days_mid;           /* 0: not known yet; at least 1 otherwise */
    int32_t load_mah, gain_mah;            /* a day */
    bool soon;                             /* a notice is due, with a step between on and off */
};

/* Cells in series that a battery of this nominal voltage has: 12.8 V of LiFePO4 are 4. */
unsigned battery_cells(enum battery_kind kind, uint32_t nominal_mv);

void battery_init(struct battery *b, const struct battery_conf *conf);
void battery_sample(struct battery *b, const struct battery_sample *sample);
/* What to show now; sets and clears `soon`. */
void battery_look(struct battery *b, struct battery_view *ret_view);

/* One line of text that battery_load understands.  Its length, or ERR_OVERFLOW. */
MUST int battery_save(const struct battery *b, char *buf, size_t cap);
/* Goes on from it.  off_s: how long nothing was counted; < 0: nobody knows (the doubt grows by a
 * day's load).  ERR_BADMSG: not a text of battery_save, or another battery; `b` is as before. */
MUST int battery_load(struct battery *b, const char *text, int64_t off_s);

#endif
