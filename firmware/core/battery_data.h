/* battery_data: what is known of battery chemistries and of the year, as tables.
 *
 * Private to battery.c.  Rest voltages, internal resistance and self-discharge are typical figures
 * of manufacturers' data sheets, to a few per cent; battery.c weighs them by `volt_error_mv`.
 * The sun is the mean peak-sun hours a day of a panel tilted to the south at 54.5 degrees north,
 * the cold the coldest usual night, by month: shape matters, not size (battery.c learns the size).
 * Guarded by tests/core/battery_test.c.  Memory: static. */
#ifndef MOORWATCH_BATTERY_DATA_H
#define MOORWATCH_BATTERY_DATA_H

#include "battery.h"

enum { BATTERY_CURVE = 13, BATTERY_COLDS = 5 };

struct battery_chemistry {
    uint16_t nominal_mv; /* a cell */
    struct {
        uint8_t percent;
        uint16_t mv;
    } rest[BATTERY_CURVE];        /* falling */
    uint16_t empty_mv, most_mv;   /* a cell outside of these is no reading of such a battery */
    uint16_t full_mv;             /* under charge, with the current gone down */
    uint16_t volt_error_mv;       /* a cell: hysteresis, sensor, temperature */
    uint16_t rest_min;            /* minutes without charge until the voltage means something */
    double resistance_mohm_ah;    /* a cell of 1 Ah */
    double self_percent_month;    /* at 20 degrees */
    double usable[BATTERY_COLDS]; /* at -20, -10, 0, 10, 20 degrees, slowly discharged */
};

extern const struct battery_chemistry BATTERY_CHEMISTRIES[BATTERY_KINDS];

/* Both between the middles of the months, day 1 .. 366, beyond that the next year. */
double battery_sun(int day_of_year);
double battery_cold_c(int day_of_year);
/* The share of the capacity that is usable at a temperature. */
double battery_usable(const struct battery_chemistry *chemistry, double celsius);

#endif
