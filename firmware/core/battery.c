#include "battery.h"
#include "battery_data.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t SECOND_NS = 1000000000;
static const double DAY_S = 86400;

/* How far an INA219 and its shunt may be off: offset of the whole span, gain. */
static const double OFFSET_MA = 1.0, GAIN_ERROR = 0.01;
/* How far the real capacity may be off what the label says. */
static const double CAPACITY_ERROR = 0.10;
static const int64_t COUNT_MAX_S = 3600;         /* a longer hole is not counted but doubted */
static const int64_t FULL_S = 1800;              /* held for so long, full is meant */
static const int64_t CORRECT_AGAIN_S = 6 * 3600; /* readings nearer than that share their error */
/* Charge, load and gain each off by so much are together about as unlikely as 1 in 10. */
static const double LOW_SIGMAS = 0.9;
static const double RESERVE = 0.04; /* the hub itself stops before the last drop */
static const int FILLED_OF_LAST = 7, FILLED_ENOUGH = 2;
static const unsigned PANEL_DAYS = 5;

static const struct battery_chemistry *chemistry_of(const struct battery *b) {
    return &BATTERY_CHEMISTRIES[b->conf.kind];
}

unsigned battery_cells(enum battery_kind kind, uint32_t nominal_mv) {
    uint32_t cell = BATTERY_CHEMISTRIES[kind].nominal_mv;
    unsigned cells = (nominal_mv + cell / 2) / cell;
    return cells > 0 ? cells : 1;
}

void battery_init(struct battery *b, const struct battery_conf *conf) {
    *b = (struct battery){.conf = *conf, .rest_since_ns = -1, .full_since_ns = -1};
}

/* --- what a voltage tells ------------------------------------------------------------------- */

/* The charge (0 .. 1) at a rest voltage of a cell. */
static double charge_at(const struct battery_chemistry *c, double mv) {
    int i = 1;
    while (i < BATTERY_CURVE - 1 && mv < c->rest[i].mv)
        i++;
    double span_mv = c->rest[i - 1].mv - c->rest[i].mv;
    double span = (c->rest[i - 1].percent - c->rest[i].percent) / 100.0;
    double charge = c->rest[i].percent / 100.0 + (mv - c->rest[i].mv) / span_mv * span;
    return charge < 0 ? 0 : charge > 1 ? 1 : charge;
}

static double rest_mv(const struct battery *b, const struct battery_sample *s) {
    const struct battery_chemistry *c = chemistry_of(b);
    return (double)s->mv / b->conf.cells +
           s->ma * c->resistance_mohm_ah / ((double)b->conf.capacity_mah / 1000) / 1000;
}

/* What a measurement says and how sure, into the estimate.  The next reading shares this one's
 * error: what is known after it is never much better than it alone, and one that is no better than
 * what is known adds nothing. */
static void correct(struct battery *b, double charge_mah, double sigma_mah) {
    if (sigma_mah >= b->sigma_mah)
        return;
    double have = b->sigma_mah * b->sigma_mah, comes = sigma_mah * sigma_mah;
    double weight = have / (have + comes);
    b->charge_mah += weight * (charge_mah - b->charge_mah);
    b->sigma_mah = fmax(sqrt((1 - weight) * have), 0.8 * sigma_mah);
}

/* The error of the reading, over the slope of the curve there: a flat curve says little. */
static void look_at_voltage(struct battery *b, const struct battery_sample *s) {
    const struct battery_chemistry *c = chemistry_of(b);
    double capacity = b->conf.capacity_mah, cell_mv = rest_mv(b, s);
    double charge = charge_at(c, cell_mv);
    double share =
        (charge_at(c, cell_mv + c->volt_error_mv) - charge_at(c, cell_mv - c->volt_error_mv)) / 2;
    double size = charge * CAPACITY_ERROR;
    double sigma = sqrt(share * share + size * size) + 0.02;
    if (b->known) {
        correct(b, charge * capacity, sigma * capacity);
    } else {
        b->known = true;
        b->charge_mah = charge * capacity;
        b->sigma_mah = (sigma + 0.05) * capacity;
    }
    b->corrected_ns = s->t_ns;
}

/* --- counting ------------------------------------------------------------------------------- */

static bool possible(const struct battery *b, const struct battery_sample *s) {
    const struct battery_chemistry *c = chemistry_of(b);
    double cell = (double)s->mv / b->conf.cells;
    double most_ma = 5.0 * b->conf.capacity_mah;
    return cell >= c->empty_mv && cell <= c->most_mv && s->ma > -most_ma && s->ma < most_ma;
}

static double self_mah_day(const struct battery *b) {
    return chemistry_of(b)->self_percent_month / 100 / 30 * b->conf.capacity_mah;
}

static void count(struct battery *b, const struct battery_sample *s, int64_t dt_s) {
    double hours = (double)dt_s / 3600;
    double flowed = s->ma * hours;
    int hour = (int)((s->t_ns - b->day_start_ns) / SECOND_NS / 3600) % 24;
    b->hour_mah[hour] += flowed;
    b->hour_s[hour] += (double)dt_s;
    b->charge_mah -= flowed + self_mah_day(b) * hours / 24;
    b->sigma_mah += (OFFSET_MA + GAIN_ERROR * fabs((double)s->ma)) * hours;
    double most = b->conf.capacity_mah;
    b->charge_mah = b->charge_mah < 0 ? 0 : b->charge_mah > most ? most : b->charge_mah;
    if (b->sigma_mah > most / 2)
        b->sigma_mah = most / 2;
}

/* Nothing is known of what flowed meanwhile: the load may have gone on, or not. */
static void doubt(struct battery *b, double off_s) {
    double load =
        b->day_count > 0 ? b->days[b->day_count - 1].load_mah : b->conf.capacity_mah / 30.0;
    double half = load * off_s / DAY_S / 2;
    b->charge_mah = b->charge_mah > half ? b->charge_mah - half : 0;
    b->sigma_mah = fmin(b->sigma_mah + half, b->conf.capacity_mah / 2.0);
}

/* --- days ----------------------------------------------------------------------------------- */

static void sort_falling(double *v, int n) {
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && v[k] > v[k - 1]; k--) {
            double t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

enum { NIGHT_H = 8 }; /* even in June */

/* A day in which current flowed into the battery had a panel: its nights show the load. */
static struct battery_day day_of(const struct battery *b) {
    double ma[24], net = 0, seconds = 0;
    int n = 0;
    for (int h = 0; h < 24; h++) {
        net += b->hour_mah[h];
        seconds += b->hour_s[h];
        if (b->hour_s[h] >= 600)
            ma[n++] = b->hour_mah[h] * 3600 / b->hour_s[h];
    }
    struct battery_day day = {.filled = b->filled};
    if (n == 0)
        return day;
    net *= DAY_S / seconds;
    sort_falling(ma, n);
    day.load_mah = net;
    if (ma[n - 1] < 0) {
        int night = n < NIGHT_H ? n : NIGHT_H;
        day.load_mah = ma[night / 2] * 24; /* the middle one: neither dusk nor a siren */
        day.gain_mah = day.load_mah > net ? day.load_mah - net : 0;
    }
    day.sun = b->day_of_year > 0 ? battery_sun(b->day_of_year) : 0;
    return day;
}

static void end_day(struct battery *b, int64_t t_ns) {
    if (b->day_count == BATTERY_HISTORY) {
        memmove(b->days, b->days + 1, sizeof b->days - sizeof b->days[0]);
        b->day_count--;
    }
    b->days[b->day_count++] = day_of(b);
    memset(b->hour_mah, 0, sizeof b->hour_mah);
    memset(b->hour_s, 0, sizeof b->hour_s);
    b->filled = false;
    b->day_start_ns = t_ns;
}

/* --- samples -------------------------------------------------------------------------------- */

static bool held(int64_t *since_ns, bool now, int64_t t_ns, int64_t for_s) {
    if (!now)
        *since_ns = -1;
    else if (*since_ns < 0)
        *since_ns = t_ns;
    return now && t_ns - *since_ns >= for_s * SECOND_NS;
}

static void judge(struct battery *b, const struct battery_sample *s) {
    const struct battery_chemistry *c = chemistry_of(b);
    double capacity = b->conf.capacity_mah, cell = (double)s->mv / b->conf.cells;
    bool tapered = s->ma <= capacity / 200 && s->ma >= -capacity / 30;
    if (held(&b->full_since_ns, cell >= c->full_mv && tapered, s->t_ns, FULL_S)) {
        b->charge_mah = capacity;
        b->sigma_mah = fmin(b->sigma_mah, CAPACITY_ERROR * capacity);
        b->filled = true;
    }
    bool quiet = s->ma > -capacity / 1000 && s->ma < capacity / 20;
    bool rested = held(&b->rest_since_ns, quiet, s->t_ns, (int64_t)c->rest_min * 60);
    if (!b->known || (rested && s->t_ns - b->corrected_ns >= CORRECT_AGAIN_S * SECOND_NS))
        look_at_voltage(b, s);
}

void battery_sample(struct battery *b, const struct battery_sample *sample) {
    if (!possible(b, sample)) {
        b->refused++;
        return;
    }
    int64_t dt_s = b->last_ns > 0 ? (sample->t_ns - b->last_ns) / SECOND_NS : 0;
    if (b->day_start_ns == 0)
        b->day_start_ns = sample->t_ns;
    if (b->known && dt_s > COUNT_MAX_S)
        doubt(b, (double)dt_s);
    else if (b->known && dt_s > 0)
        count(b, sample, dt_s);
    if (sample->day_of_year > 0)
        b->day_of_year = sample->day_of_year;
    judge(b, sample);
    if ((double)(sample->t_ns - b->day_start_ns) >= DAY_S * (double)SECOND_NS)
        end_day(b, sample->t_ns);
    b->last_ns = sample->t_ns;
}

/* --- looking ahead -------------------------------------------------------------------------- */

struct outlook {
    double charge_mah, load_mah, gain_mah; /* gain: of a unit of sun, or of a day without a date */
    int day_of_year;
};

static double floor_mah(const struct battery *b, int day_of_year) {
    /* Without a date every day may be the coldest. */
    double cold = battery_cold_c(day_of_year > 0 ? day_of_year : 15);
    return (1 - battery_usable(chemistry_of(b), cold) + RESERVE) * b->conf.capacity_mah;
}

static unsigned run_down(const struct battery *b, const struct outlook *o) {
    double charge = o->charge_mah;
    for (unsigned day = 0; day < BATTERY_DAYS_MAX; day++) {
        int date = o->day_of_year > 0 ? (o->day_of_year + (int)day) % 365 + 1 : 0;
        if (charge < floor_mah(b, date))
            return day > 0 ? day : 1;
        double sun = date > 0 ? battery_sun(date) : 1;
        charge =
            fmin(charge + o->gain_mah * sun - o->load_mah - self_mah_day(b), b->conf.capacity_mah);
    }
    return BATTERY_DAYS_MAX;
}

static bool fills_itself(const struct battery *b) {
    int filled = 0;
    for (unsigned i = 0; i < b->day_count; i++)
        filled += b->days[i].filled && i + (unsigned)FILLED_OF_LAST >= b->day_count;
    return filled >= FILLED_ENOUGH;
}

/* Mean and its relative error of the load; of the gain for each unit of sun. */
struct habit {
    double load, load_error, gain, gain_error;
};

static double spread(double sum, double squares, double n) {
    double mean = sum / n, variance = squares / n - mean * mean;
    return n > 1 && mean > 0 && variance > 0 ? sqrt(variance / (n - 1)) / mean : 0.3;
}

static double gain_of(const struct battery_day *d, bool dated) {
    return dated && d->sun > 0 ? d->gain_mah / d->sun : d->gain_mah;
}

/* A day that filled the battery could have given more than it took: it counts as the best day. */
static struct habit habit_of(const struct battery *b, bool dated) {
    double load = 0, load2 = 0, gain = 0, gain2 = 0, n = b->day_count, best = 0;
    for (unsigned i = 0; i < b->day_count; i++)
        best = fmax(best, gain_of(&b->days[i], dated));
    for (unsigned i = 0; i < b->day_count; i++) {
        const struct battery_day *d = &b->days[i];
        double one = d->filled ? best : gain_of(d, dated);
        load += d->load_mah;
        load2 += d->load_mah * d->load_mah;
        gain += one;
        gain2 += one * one;
    }
    return (struct habit){.load = load / n,
                          .load_error = 0.02 + LOW_SIGMAS * spread(load, load2, n),
                          .gain = gain / n,
                          .gain_error = 0.05 + LOW_SIGMAS * spread(gain, gain2, n)};
}

static void look_ahead(const struct battery *b, struct battery_view *view) {
    bool dated = b->day_of_year > 0;
    const struct habit h = habit_of(b, dated);
    struct outlook mid = {b->charge_mah, h.load, h.gain, b->day_of_year};
    struct outlook low = mid;
    low.charge_mah = fmax(b->charge_mah - LOW_SIGMAS * b->sigma_mah, 0);
    low.load_mah *= 1 + fmin(h.load_error, 0.5);
    low.gain_mah *= fmax(1 - h.gain_error, 0);
    view->days_mid = run_down(b, &mid);
    view->days_low = run_down(b, &low);
    view->load_mah = (int32_t)lround(h.load);
    view->gain_mah = (int32_t)lround(h.gain * (dated ? battery_sun(b->day_of_year) : 1));
}

void battery_look(struct battery *b, struct battery_view *ret_view) {
    struct battery_view view = {0};
    if (b->known) {
        view.charge_percent = (unsigned)lround(100 * b->charge_mah / b->conf.capacity_mah);
        view.sure_percent = (unsigned)lround(100 * b->sigma_mah / b->conf.capacity_mah);
    }
    if (b->known && b->day_count > 0) {
        look_ahead(b, &view);
        if (fills_itself(b))
            view.days_low = view.days_mid = BATTERY_DAYS_MAX;
        /* One grey day says little of a panel. */
        bool seen = view.gain_mah == 0 || b->day_count >= PANEL_DAYS || view.days_mid <= PANEL_DAYS;
        b->soon = seen && view.days_low <= (b->soon ? BATTERY_CLEAR_DAYS : BATTERY_NOTICE_DAYS);
    }
    view.soon = b->soon;
    *ret_view = view;
}

/* --- over restarts -------------------------------------------------------------------------- */

int battery_save(const struct battery *b, char *buf, size_t cap) {
    size_t have = 0;
    int n = snprintf(buf, cap, "1 %u %u %u %d %.0f %.0f %d %d %u", (unsigned)b->conf.kind,
                     b->conf.cells, (unsigned)b->conf.capacity_mah, b->known, b->charge_mah,
                     b->sigma_mah, b->soon, b->day_of_year, b->day_count);
    for (unsigned i = 0; n >= 0 && have + (size_t)n < cap && i < b->day_count; i++) {
        const struct battery_day *d = &b->days[i];
        have += (size_t)n;
        n = snprintf(buf + have, cap - have, " %.0f %.0f %.2f %d", d->load_mah, d->gain_mah, d->sun,
                     d->filled);
    }
    return n >= 0 && have + (size_t)n < cap ? (int)have + n : ERR_OVERFLOW;
}

static bool plausible(const struct battery *b) {
    bool good = b->charge_mah >= 0 && b->charge_mah <= b->conf.capacity_mah && b->sigma_mah >= 0 &&
                b->sigma_mah <= b->conf.capacity_mah && b->day_of_year >= 0 &&
                b->day_of_year <= 366;
    for (unsigned i = 0; i < b->day_count; i++) {
        const struct battery_day *d = &b->days[i];
        double most = 120.0 * b->conf.capacity_mah;
        good = good && fabs(d->load_mah) <= most && fabs(d->gain_mah) <= most && d->sun >= 0 &&
               d->sun <= 24;
    }
    return good;
}

static int load_days(struct battery *b, const char *text) {
    for (unsigned i = 0; i < b->day_count; i++) {
        struct battery_day *d = &b->days[i];
        int filled, used = 0;
        if (sscanf(text, "%lf %lf %lf %d%n", &d->load_mah, &d->gain_mah, &d->sun, &filled, &used) !=
            4)
            return ERR_BADMSG;
        d->filled = filled != 0;
        text += used;
    }
    return plausible(b) ? 0 : ERR_BADMSG;
}

int battery_load(struct battery *b, const char *text, int64_t off_s) {
    struct battery fresh;
    unsigned version, kind, cells, capacity, days;
    int known, soon, day_of_year, used = 0;
    double charge, sigma;
    if (sscanf(text, "%u %u %u %u %d %lf %lf %d %d %u%n", &version, &kind, &cells, &capacity,
               &known, &charge, &sigma, &soon, &day_of_year, &days, &used) != 10 ||
        version != 1 || kind != (unsigned)b->conf.kind || cells != b->conf.cells ||
        capacity != b->conf.capacity_mah || days > BATTERY_HISTORY)
        return ERR_BADMSG;
    battery_init(&fresh, &b->conf);
    fresh.known = known != 0;
    fresh.charge_mah = charge;
    fresh.sigma_mah = sigma;
    fresh.soon = soon != 0;
    fresh.day_of_year = day_of_year;
    fresh.day_count = days;
    int err = load_days(&fresh, text + used);
    if (err < 0)
        return err;
    doubt(&fresh, off_s < 0 ? DAY_S : (double)off_s);
    *b = fresh;
    return 0;
}
