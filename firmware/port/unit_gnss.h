/* unit_gnss: position and time from gpsd, asked now and then.
 *
 * Private to unit.c.  A receiver talks every second, and each word wakes this machine: it is heard
 * for UNIT_GNSS_HEAR_S and left alone for UNIT_GNSS_REST_S.  No gpsd, no receiver and no sky are
 * normal: nothing is logged but changes, nothing waits.
 * Guarded by tests/system/power_test.py (with a real gpsd), the judging by tests/core/gnss_test.c.
 * Memory: one block at the start.  Threads: the loop's. */
#ifndef MOORWATCH_UNIT_GNSS_H
#define MOORWATCH_UNIT_GNSS_H

#include "gnss_gpsd.h"
#include "unit_clock.h"
#include "unit_conf.h"

enum { UNIT_GNSS_HEAR_S = 45, UNIT_GNSS_REST_S = 180, UNIT_GNSS_AGAIN_S = 30 };

struct unit_gnss {
    const struct unit_conf *conf;
    struct gnss_gpsd *gpsd; /* NULL: the kit has no receiver */
    struct gnss gnss;
    bool connected, placed;
    enum gnss_verdict said; /* the last refusal that was logged */
    int64_t next_ns;        /* connect, or disconnect */
};

void unit_gnss_init(struct unit_gnss *g, const struct unit_conf *conf,
                    const struct unit_board *board);
/* Hears what there is, offers its time to the clock.  Returns when to be called again. */
int64_t unit_gnss_step(struct unit_gnss *g, struct unit_clock *clock, int64_t now_ns);
/* To be watched; < 0: not connected. */
int unit_gnss_fd(const struct unit_gnss *g);
/* Where a session begins, if that is known. */
void unit_gnss_stamp(const struct unit_gnss *g, int64_t now_ns, struct event_session *session);
void unit_gnss_close(struct unit_gnss *g);

#endif
