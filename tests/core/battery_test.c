/* A battery with curves, losses and weather of its own, run flat hundreds of times.
 *
 * None of its formulas or figures is of firmware/core/battery_data.c; label and truth differ (aged
 * cells, a shunt that is off), so that what is tested is the estimate and not an echo.
 * MOORWATCH_SEED=N replays; the seed is printed. */
#include "battery.h"
#include "random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEP_S = 600, DAY_STEPS = 86400 / STEP_S };

static uint64_t seed = 7;

/* --- the battery ---------------------------------------------------------------------------- */

struct world {
    struct battery_conf label;
    double capacity_mah, charge_mah;      /* the truth */
    double ohm, gain, offset_ma, mv_gain; /* of the battery; of the sensor */
    double self_month, cold_slope;
    double load_ma, panel_ma; /* panel_ma: at full sun */
    double cloud;             /* of the day */
    double celsius;
    int day; /* of the year, from 0 */
    uint64_t random;
};

static double unit_random(struct world *w) {
    return (double)(random_next(&w->random) >> 11) / 9007199254740992.0;
}

static double between(struct world *w, double low, double high) {
    return low + (high - low) * unit_random(w);
}

/* Of a cell, at rest. */
static double volt(enum battery_kind kind, double s) {
    if (kind == BATTERY_LIFEPO4)
        return 3.255 + 0.07 * s - 0.75 * exp(-22 * s) + 0.06 * exp(-30 * (1 - s));
    if (kind == BATTERY_LEAD_ACID)
        return 1.90 + 0.22 * s - 0.15 * exp(-18 * s);
    return 3.62 + 0.35 * s + 0.22 * pow(s, 4) - 0.6 * exp(-25 * s);
}

static const double CHARGER_V[BATTERY_KINDS] = {3.45, 2.30, 4.16};
static const unsigned CELLS[BATTERY_KINDS] = {4, 6, 3};

static struct world make(enum battery_kind kind, uint64_t n) {
    struct world w = {.label = {.kind = kind, .cells = CELLS[kind]}};
    w.random = seed * 1000003 + n * 7919 + (uint64_t)kind;
    w.label.capacity_mah = (uint32_t)between(&w, 60000, 140000);
    w.capacity_mah = w.label.capacity_mah * between(&w, 0.88, 1.06);
    w.ohm = between(&w, 0.5, 2.0) / w.label.capacity_mah * 100 * w.label.cells;
    w.gain = between(&w, 0.992, 1.008);
    w.mv_gain = between(&w, 0.997, 1.003);
    w.offset_ma = between(&w, -0.7, 0.7);
    w.self_month = between(&w, 0.01, 0.05);
    w.cold_slope = between(&w, 0.004, 0.008);
    w.load_ma = between(&w, 35, 60);
    w.charge_mah = w.capacity_mah * between(&w, 0.9, 1.0);
    w.day = (int)between(&w, 0, 364);
    return w;
}

/* On a panel tilted by 60 degrees to the south at 54.5 degrees north, by the sun's own path. */
static double sun_now(const struct world *w, double hour) {
    double decl = -23.44 * cos((w->day + 10) * 2 * M_PI / 365) * M_PI / 180;
    double lat = 54.5 * M_PI / 180, tilt = 60 * M_PI / 180, turn = cos((hour - 12) * M_PI / 12);
    double up = sin(lat) * sin(decl) + cos(lat) * cos(decl) * turn;
    double on = sin(lat - tilt) * sin(decl) + cos(lat - tilt) * cos(decl) * turn;
    return up > 0 && on > 0 ? on * pow(0.7, 1 / (up + 0.05)) / 0.7 : 0; /* the air between */
}

static double celsius_of(struct world *w) {
    return 9 - 7 * cos((w->day - 20) * 2 * M_PI / 365) + between(w, -7, 4);
}

/* One step of the truth; what the sensor then shows. */
static struct battery_sample live(struct world *w, int64_t step) {
    double hours = STEP_S / 3600.0, hour = (double)(step % DAY_STEPS) * hours;
    if (step % DAY_STEPS == 0) {
        w->day = (w->day + 1) % 365;
        w->cloud = pow(unit_random(w), 1.3);
        w->celsius = celsius_of(w);
    }
    double burst = unit_random(w) < 0.01 ? 8 : 1; /* the radio, the siren */
    double net =
        w->load_ma * burst * between(w, 0.8, 1.2) - w->panel_ma * w->cloud * sun_now(w, hour);
    double s = w->charge_mah / w->capacity_mah;
    double rest = volt(w->label.kind, s) * w->label.cells, v = rest - net / 1000 * w->ohm;
    double most = CHARGER_V[w->label.kind] * w->label.cells;
    if (net < 0 && (v > most || s >= 1)) { /* the charge controller holds it */
        v = most;
        net = s >= 1 ? 0 : -fmin(-net, (most - rest) / w->ohm * 1000);
    }
    w->charge_mah -= net * hours + w->capacity_mah * w->self_month / 30 * hours / 24;
    w->charge_mah = fmin(fmax(w->charge_mah, 0), w->capacity_mah);
    double mv = v * 1000 * w->mv_gain;
    return (struct battery_sample){.t_ns = (step + 1) * STEP_S * INT64_C(1000000000),
                                   .mv = (uint16_t)(4 * lround(mv / 4)),
                                   .ma = (int32_t)lround(net * w->gain + w->offset_ma),
                                   .day_of_year = w->day + 1};
}

/* What is left in the cold, or a voltage at which the hub stops. */
static bool dead(const struct world *w) {
    double lost = w->cold_slope * (20 - w->celsius);
    return w->charge_mah / w->capacity_mah < fmax(lost, 0.02);
}

/* --- runs ----------------------------------------------------------------------------------- */

struct run {
    bool died, noticed;
    double died_day, notice_day;
    double worst_percent; /* of the charge, after the first day */
    unsigned outside;     /* days on which the truth was outside of three times `sure` */
};

static struct run run(struct world *w, unsigned most_days) {
    static struct battery b;
    struct battery_view v;
    struct run r = {0};
    battery_init(&b, &w->label);
    for (int64_t step = 0; step < (int64_t)most_days * DAY_STEPS && !r.died; step++) {
        struct battery_sample s = live(w, step);
        battery_sample(&b, &s);
        if (step % (DAY_STEPS / 24) == 0) {
            battery_look(&b, &v);
            if (v.soon && !r.noticed) {
                r.noticed = true;
                r.notice_day = (double)step / DAY_STEPS;
            }
        }
        if (step > DAY_STEPS && step % DAY_STEPS == 0) {
            double off = fabs(100 * w->charge_mah / w->label.capacity_mah - v.charge_percent);
            r.worst_percent = fmax(r.worst_percent, off);
            r.outside += off > 3 * v.sure_percent + 2;
        }
        r.died = dead(w);
        r.died_day = (double)step / DAY_STEPS;
    }
    assert_int_equal(b.refused, 0);
    return r;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A label of 100 Ah and a hub: it lives for weeks or months; somebody must come in time. */
static void test_notice_without_panel(void **state) {
    (void)state;
    enum { RUNS = 40 };
    for (int kind = 0; kind < BATTERY_KINDS; kind++) {
        double lead[RUNS];
        int late = 0, outside = 0;
        for (int i = 0; i < RUNS; i++) {
            struct world w = make((enum battery_kind)kind, (uint64_t)i);
            struct run r = run(&w, 400);
            assert_true(r.died && r.noticed);
            lead[i] = r.died_day - r.notice_day;
            late += lead[i] < 30 && r.notice_day > 1.1; /* one that lived less cannot be told */
            outside += r.outside > 0;
        }
        qsort(lead, RUNS, sizeof lead[0], by_size);
        print_message("kind %d: notice %.0f (5 %%), %.0f (half), %.0f (95 %%) days ahead; late %d, "
                      "truth outside its error in %d of %d\n",
                      kind, lead[RUNS / 20], lead[RUNS / 2], lead[RUNS - 1 - RUNS / 20], late,
                      outside, RUNS);
        assert_true(late <= RUNS / 20);
        assert_true(lead[RUNS / 2] < 60); /* no crying wolf */
        assert_true(outside <= RUNS / 10);
    }
}

/* A panel too small for the winter: it goes into autumn full and does not come out. */
static void test_notice_with_panel(void **state) {
    (void)state;
    enum { RUNS = 50 };
    double lead[RUNS];
    int died = 0, silent = 0, cried = 0, lived = 0;
    for (int i = 0; i < RUNS; i++) {
        struct world w = make(BATTERY_LIFEPO4, 1000 + (uint64_t)i);
        w.label.capacity_mah /= 2;
        w.capacity_mah /= 2;
        w.charge_mah /= 2;
        w.ohm *= 2;
        w.day = 210;
        w.panel_ma = w.load_ma * between(&w, 8, 45);
        struct run r = run(&w, 300);
        if (r.died) {
            silent += !r.noticed;
            lead[died++] = r.noticed ? r.died_day - r.notice_day : 0;
        } else {
            lived++;
            cried += r.noticed;
        }
    }
    qsort(lead, (size_t)died, sizeof lead[0], by_size);
    print_message(
        "panel: %d of %d died; notice %.0f (10 %%), %.0f (half), %.0f (90 %%) days ahead, "
        "%d without; %d of %d that lived were announced\n",
        died, RUNS, lead[died / 10], lead[died / 2], lead[died - 1 - died / 10], silent, cried,
        lived);
    assert_int_equal(silent, 0);
    assert_true(lead[died / 10] >= 30);
    assert_true(lead[died / 2] < 90);
    assert_true(3 * cried <= 2 * lived); /* those that nearly died among them */
}

/* --- one thing at a time -------------------------------------------------------------------- */

static const int64_t MINUTE_NS = INT64_C(60) * 1000000000;

/* Fitted half empty in the flat of its curve: the first word can only be a guess, and says so; when
 * the knee comes the voltage tells, and the guess is forgotten. */
static void test_the_voltage_corrects_a_guess(void **state) {
    (void)state;
    enum { RUNS = 12 };
    int vague = 0;
    for (int i = 0; i < RUNS; i++) {
        static struct battery b;
        struct battery_view v;
        struct world w = make(BATTERY_LIFEPO4, 7000 + (uint64_t)i);
        w.charge_mah = w.capacity_mah * between(&w, 0.35, 0.75);
        w.cold_slope = 0;
        battery_init(&b, &w.label);
        for (int64_t step = 0; w.charge_mah > 0.06 * w.capacity_mah; step++) {
            struct battery_sample s = live(&w, step);
            battery_sample(&b, &s);
            battery_look(&b, &v);
            if (step == DAY_STEPS)
                vague += v.sure_percent >= 8;
        }
        double truth = 100 * w.charge_mah / w.label.capacity_mah;
        assert_true(fabs(truth - v.charge_percent) <= 7 && v.sure_percent <= 6);
    }
    assert_true(vague >= RUNS / 2);
}

/* 43 mA from a battery in the flat of its curve, every ten minutes; returns the time of the last.
 */
static int64_t feed(struct battery *b, int64_t from_ns, int days) {
    int64_t t = from_ns;
    for (int i = 0; i < days * DAY_STEPS; i++, t += 10 * MINUTE_NS) {
        const struct battery_sample s = {t, 13140, 43, 0};
        battery_sample(b, &s);
    }
    return t;
}

static void test_counting_alone_grows_doubtful(void **state) {
    (void)state;
    static struct battery b;
    const struct battery_conf conf = {BATTERY_LIFEPO4, 4, 100000};
    battery_init(&b, &conf);
    for (int i = 1; i < 40; i++) { /* the charger says full */
        const struct battery_sample s = {i * MINUTE_NS, 13600, -50, 0};
        battery_sample(&b, &s);
    }
    assert_true(b.charge_mah == 100000 && b.sigma_mah <= 10000);
    double sigma = b.sigma_mah;
    (void)feed(&b, 40 * MINUTE_NS, 60);
    /* 1 mA of offset and 1 % of 43 mA over 60 days: 2 Ah. */
    assert_true(b.sigma_mah > sigma + 1500 && b.sigma_mah < sigma + 3000);
    assert_true(fabs(b.charge_mah - (100000 - 60 * 24 * 43 - 60 * 83.3)) < 1500);
}

static void test_a_hole_is_doubted_not_counted(void **state) {
    (void)state;
    static struct battery b;
    const struct battery_conf conf = {BATTERY_LIFEPO4, 4, 100000};
    battery_init(&b, &conf);
    int64_t t = feed(&b, MINUTE_NS, 3);
    double charge = b.charge_mah, sigma = b.sigma_mah;
    const struct battery_sample after = {t + 5 * 24 * 60 * MINUTE_NS, 13140, 43, 0};
    battery_sample(&b, &after);
    double load = 5 * 24 * 43;
    assert_true(b.charge_mah < charge - 0.4 * load && b.charge_mah > charge - 0.6 * load);
    assert_true(b.sigma_mah > sigma + 0.4 * load);
}

/* The same surplus of the same panel: in October the sun is going, in April it is coming, until
 * the winter after. */
static void test_the_season_counts(void **state) {
    (void)state;
    static const struct {
        int day;
        unsigned least, most;
    } ROWS[] = {{285, 20, 60}, {105, 180, 260}};
    for (size_t row = 0; row < 2; row++) {
        static struct battery b;
        struct battery_view v;
        const struct battery_conf conf = {BATTERY_LIFEPO4, 4, 20000};
        battery_init(&b, &conf);
        for (int i = 0; i < 12 * DAY_STEPS; i++) {
            bool sun = i % DAY_STEPS / 6 >= 10 && i % DAY_STEPS / 6 < 14; /* four hours */
            const struct battery_sample s = {(i + 1) * 10 * MINUTE_NS,
                                             (uint16_t)(sun ? 13400 : 13180), sun ? -240 : 43,
                                             ROWS[row].day + i / DAY_STEPS};
            battery_sample(&b, &s);
        }
        battery_look(&b, &v);
        assert_true(v.load_mah >= 1000 && v.load_mah <= 1100);
        print_message("day %d: lasts %u days, %u at least\n", ROWS[row].day, v.days_mid,
                      v.days_low);
        assert_in_range(v.days_mid, ROWS[row].least, ROWS[row].most);
    }
}

/* --- the rest ------------------------------------------------------------------------------- */

static void test_a_restart_changes_nothing(void **state) {
    (void)state;
    struct world w = make(BATTERY_LIFEPO4, 5000), twin = w;
    static struct battery a, b;
    struct battery_view va, vb;
    char text[BATTERY_TEXT_MAX];
    battery_init(&a, &w.label);
    battery_init(&b, &w.label);
    for (int64_t step = 0; step < 30 * DAY_STEPS; step++) {
        struct battery_sample s = live(&w, step);
        battery_sample(&a, &s);
        s = live(&twin, step);
        battery_sample(&b, &s);
        if (step % (7 * DAY_STEPS) != 7 * DAY_STEPS - 1)
            continue;
        assert_true(battery_save(&b, text, sizeof text) > 0);
        battery_init(&b, &w.label);
        assert_int_equal(battery_load(&b, text, 0), 0);
    }
    battery_look(&a, &va);
    battery_look(&b, &vb);
    assert_true(abs((int)va.charge_percent - (int)vb.charge_percent) <= 1);
    assert_true(abs((int)va.days_low - (int)vb.days_low) <= 2);
    assert_int_equal(va.soon, vb.soon);
}

static void test_off_for_long_is_doubt(void **state) {
    (void)state;
    struct world w = make(BATTERY_LIFEPO4, 6000);
    static struct battery b, late;
    char text[BATTERY_TEXT_MAX];
    battery_init(&b, &w.label);
    for (int64_t step = 0; step < 5 * DAY_STEPS; step++) {
        struct battery_sample s = live(&w, step);
        battery_sample(&b, &s);
    }
    assert_true(battery_save(&b, text, sizeof text) > 0);
    battery_init(&late, &w.label);
    assert_int_equal(battery_load(&late, text, 10 * 86400), 0);
    assert_true(late.sigma_mah > b.sigma_mah && late.charge_mah < b.charge_mah);
    /* The truth, had it run all the time or not at all, is within. */
    assert_true(late.charge_mah - late.sigma_mah <= b.charge_mah - 9 * 24 * w.load_ma);
    assert_true(late.charge_mah + late.sigma_mah >= b.charge_mah);
}

static void test_texts_that_are_none(void **state) {
    (void)state;
    static struct battery b, before;
    const struct battery_conf conf = {BATTERY_LIFEPO4, 4, 20000};
    static const char *const BAD[] = {
        "",
        "1",
        "2 0 4 20000 1 100 10 0 5 0",
        "1 1 4 20000 1 100 10 0 5 0",
        "1 0 4 21000 1 100 10 0 5 0",
        "1 0 4 20000 1 99999 10 0 5 0",
        "1 0 4 20000 1 -1 10 0 5 0",
        "1 0 4 20000 1 nan 10 0 5 0",
        "1 0 4 20000 1 100 10 0 5 15",
        "1 0 4 20000 1 100 10 0 5 1",
        "1 0 4 20000 1 100 10 0 5 1 1 2 nan 0",
        "1 0 4 20000 1 100 10 0 500 0",
    };
    battery_init(&b, &conf);
    before = b;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(battery_load(&b, BAD[i], 0), ERR_BADMSG);
        assert_memory_equal(&b, &before, sizeof b);
    }
    assert_int_equal(battery_load(&b, "1 0 4 20000 1 100 10 0 5 1 500 20 1.5 0", 0), 0);
}

static void test_readings_that_cannot_be(void **state) {
    (void)state;
    static struct battery b;
    const struct battery_conf conf = {BATTERY_LIFEPO4, 4, 20000};
    struct battery_view v;
    const struct battery_sample good = {.t_ns = 1, .mv = 13200, .ma = 43};
    static const struct battery_sample BAD[] = {
        {.t_ns = 2, .mv = 0, .ma = 0},
        {.t_ns = 3, .mv = 32000, .ma = 0},
        {.t_ns = 4, .mv = 13200, .ma = 327680},
    };
    battery_init(&b, &conf);
    battery_look(&b, &v);
    assert_int_equal(v.days_low, 0);
    battery_sample(&b, &good);
    double charge = b.charge_mah;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        battery_sample(&b, &BAD[i]);
    assert_int_equal(b.refused, 3);
    assert_true(b.charge_mah == charge);
    battery_look(&b, &v);
    assert_int_equal(v.days_low, 0); /* no day has been seen yet */
}

static void test_cells(void **state) {
    (void)state;
    assert_int_equal(battery_cells(BATTERY_LIFEPO4, 12800), 4);
    assert_int_equal(battery_cells(BATTERY_LEAD_ACID, 12000), 6);
    assert_int_equal(battery_cells(BATTERY_LI_ION, 11100), 3);
    assert_int_equal(battery_cells(BATTERY_LI_ION, 3700), 1);
    assert_int_equal(battery_cells(BATTERY_LI_ION, 100), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice_without_panel),
        cmocka_unit_test(test_notice_with_panel),
        cmocka_unit_test(test_the_voltage_corrects_a_guess),
        cmocka_unit_test(test_counting_alone_grows_doubtful),
        cmocka_unit_test(test_a_hole_is_doubted_not_counted),
        cmocka_unit_test(test_the_season_counts),
        cmocka_unit_test(test_a_restart_changes_nothing),
        cmocka_unit_test(test_off_for_long_is_doubt),
        cmocka_unit_test(test_texts_that_are_none),
        cmocka_unit_test(test_readings_that_cannot_be),
        cmocka_unit_test(test_cells),
    };
    const char *given = getenv("MOORWATCH_SEED");
    if (given != NULL)
        seed = strtoull(given, NULL, 10);
    print_message("seed %llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
