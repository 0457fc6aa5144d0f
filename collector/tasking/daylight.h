/* daylight: sunrise and sunset, computed offline, because a session must end while drivers see it.
 *
 * NOAA's solar equations (after Meeus, Astronomical Algorithms, ch. 25): the sun's upper rim on a
 * flat horizon with standard refraction, zenith 90.833 degrees.  Good to a minute or two between
 * 60 S and 60 N, 1950 to 2050.
 *
 * Guarded by tests/collector/daylight_test.c: published almanac times, and the sun's altitude at
 * the answers by another formula (Astronomical Almanac, low precision).
 * Memory: none.  Threads: any.  Units: degrees (north and east positive), seconds since 1970. */
#ifndef MOORWATCH_DAYLIGHT_H
#define MOORWATCH_DAYLIGHT_H

#include "err.h"
#include <stdint.h>

struct daylight {
    int64_t sunrise_s;
    int64_t sunset_s;
};

/* Of the civil date (UTC's day, which is London's at these hours).  ERR_RANGE: the sun does not
 * rise or does not set that day, or the latitude is none. */
MUST int daylight_of(int64_t days_since_1970, double lat_deg, double lon_deg,
                     struct daylight *ret_daylight);

#endif
