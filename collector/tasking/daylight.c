#include "daylight.h"
#include <math.h>

static const double ZENITH_DEG = 90.833;
static const double DAY_MINUTES = 1440;

static double rad(double deg) {
    return deg * (M_PI / 180);
}

static double deg(double rad_) {
    return rad_ * (180 / M_PI);
}

struct sun {
    double declination; /* radians */
    double equation;    /* of time, minutes */
};

/* Meeus chapter 25, as in NOAA's spreadsheet; t in Julian centuries since J2000. */
static struct sun sun_at(double t) {
    double mean_longitude = fmod(280.46646 + t * (36000.76983 + t * .0003032), 360);
    double mean_anomaly = rad(357.52911 + t * (35999.05029 - t * .0001537));
    double eccentricity = .016708634 - t * (.000042037 + t * .0000001267);
    double centre = sin(mean_anomaly) * (1.914602 - t * (.004817 + t * .000014)) +
                    sin(2 * mean_anomaly) * (.019993 - t * .000101) +
                    sin(3 * mean_anomaly) * .000289;
    double node = rad(125.04 - 1934.136 * t);
    double longitude = rad(mean_longitude + centre - .00569 - .00478 * sin(node));
    double seconds = 21.448 - t * (46.815 + t * (.00059 - t * .001813));
    double obliquity = rad(23 + (26 + seconds / 60) / 60 + .00256 * cos(node));
    double y = tan(obliquity / 2) * tan(obliquity / 2);
    double l = rad(mean_longitude);
    double equation = y * sin(2 * l) - 2 * eccentricity * sin(mean_anomaly) +
                      4 * eccentricity * y * sin(mean_anomaly) * cos(2 * l) -
                      .5 * y * y * sin(4 * l) -
                      1.25 * eccentricity * eccentricity * sin(2 * mean_anomaly);
    return (struct sun){asin(sin(obliquity) * sin(longitude)), 4 * deg(equation)};
}

/* Minutes after 00:00 UTC at which the sun's rim is on the horizon: side -1 rising, +1 setting.
 * NAN if it is not on that day. */
static double crossing(int64_t days, double lat_deg, double lon_deg, int side) {
    double minutes = DAY_MINUTES / 2 - 4 * lon_deg;
    /* The sun moves while it climbs: its place at the answer, twice over. */
    for (int round = 0; round < 3; round++) {
        double t = ((double)days - 10957.5 + minutes / DAY_MINUTES) / 36525;
        struct sun sun = sun_at(t);
        double lat = rad(lat_deg);
        double cos_hour = cos(rad(ZENITH_DEG)) / (cos(lat) * cos(sun.declination)) -
                          tan(lat) * tan(sun.declination);
        minutes = DAY_MINUTES / 2 - 4 * lon_deg - sun.equation + side * 4 * deg(acos(cos_hour));
    }
    return minutes;
}

int daylight_of(int64_t days_since_1970, double lat_deg, double lon_deg,
                struct daylight *ret_daylight) {
    if (!(fabs(lat_deg) < 90 && fabs(lon_deg) <= 180))
        return ERR_RANGE;
    double rise = crossing(days_since_1970, lat_deg, lon_deg, -1);
    double set = crossing(days_since_1970, lat_deg, lon_deg, 1);
    if (isnan(rise) || isnan(set))
        return ERR_RANGE;
    int64_t midnight_s = days_since_1970 * 86400;
    *ret_daylight = (struct daylight){midnight_s + (int64_t)nearbyint(rise * 60),
                                      midnight_s + (int64_t)nearbyint(set * 60)};
    return 0;
}
