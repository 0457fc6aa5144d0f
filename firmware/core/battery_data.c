#include "battery_data.h"

const struct battery_chemistry BATTERY_CHEMISTRIES[BATTERY_KINDS] =
    {
        [BATTERY_LIFEPO4] =
            {
                .nominal_mv = 3200,
                .rest = {{100, 3400},
                         {95, 3345},
                         {90, 3335},
                         {80, 3325},
                         {70, 3305},
                         {60, 3290},
                         {50, 3280},
                         {40, 3275},
                         {30, 3255},
                         {20, 3215},
                         {10, 3150},
                         {5, 3030},
                         {0, 2500}},
                .empty_mv = 2000,
                .most_mv = 3900,
                .full_mv = 3375,
                .volt_error_mv = 20,
                .rest_min = 120,
                .resistance_mohm_ah = 80,
                .self_percent_month = 2.5,
                .usable = {0.70, 0.82, 0.92, 0.97, 1.0},
            },
        [BATTERY_LEAD_ACID] =
            {
                .nominal_mv = 2000,
                .rest = {{100, 2122},
                         {95, 2103},
                         {90, 2088},
                         {80, 2070},
                         {70, 2052},
                         {60, 2033},
                         {50, 2010},
                         {40, 1985},
                         {30, 1958},
                         {20, 1930},
                         {10, 1890},
                         {5, 1850},
                         {0, 1750}},
                .empty_mv = 1300,
                .most_mv = 2700,
                .full_mv = 2240,
                .volt_error_mv = 14,
                .rest_min = 360,
                .resistance_mohm_ah = 60,
                .self_percent_month = 4,
                .usable = {0.60, 0.72, 0.85, 0.93, 1.0},
            },
        [BATTERY_LI_ION] =
            {
                .nominal_mv = 3650,
                .rest = {{100, 4190},
                         {95, 4110},
                         {90, 4060},
                         {80, 3980},
                         {70, 3920},
                         {60, 3870},
                         {50, 3820},
                         {40, 3790},
                         {30, 3765},
                         {20, 3735},
                         {10, 3670},
                         {5, 3480},
                         {0, 3000}},
                .empty_mv = 2300,
                .most_mv = 4350,
                .full_mv = 4130,
                .volt_error_mv = 20,
                .rest_min = 60,
                .resistance_mohm_ah = 150,
                .self_percent_month = 2,
                .usable = {0.65, 0.78, 0.90, 0.96, 1.0},
            },
};

static const double SUN_H[12] = {0.9, 1.7, 2.6, 3.6, 4.1, 4.0, 3.9, 3.5, 2.9, 1.9, 1.1, 0.65};
static const double COLD_C[12] = {-8, -8, -5, -2, 2, 5, 8, 7, 3, 0, -5, -8};

static double month_value(const double table[12], int day_of_year) {
    double month = (day_of_year - 1) / 30.44 - 0.5 + 12;
    int at = (int)month;
    double part = month - at;
    return table[at % 12] * (1 - part) + table[(at + 1) % 12] * part;
}

double battery_sun(int day_of_year) {
    return month_value(SUN_H, day_of_year);
}

double battery_cold_c(int day_of_year) {
    return month_value(COLD_C, day_of_year);
}

double battery_usable(const struct battery_chemistry *chemistry, double celsius) {
    double step = (celsius + 20) / 10;
    if (step <= 0)
        return chemistry->usable[0];
    if (step >= BATTERY_COLDS - 1)
        return chemistry->usable[BATTERY_COLDS - 1];
    int at = (int)step;
    return chemistry->usable[at] +
           (chemistry->usable[at + 1] - chemistry->usable[at]) * (step - at);
}
