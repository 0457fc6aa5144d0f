/* gnss_gpsd: what gpsd on this machine hears of a GNSS receiver, as fixes for core/gnss.
 *
 * The only user of libgps.  Nothing here waits: a connection on the loopback is made or refused at
 * once, reading takes what is there.  Guarded by tests/system/power_test.py with a real gpsd.
 * Memory: one block from gnss_gpsd_make; libgps allocates a little for each connection.
 * Threads: the loop's. */
#ifndef MOORWATCH_GNSS_GPSD_H
#define MOORWATCH_GNSS_GPSD_H

#include "err.h"
#include "gnss.h"

struct gnss_gpsd;

/* NULL: out of memory. */
struct gnss_gpsd *gnss_gpsd_make(void);
/* 0, or ERR_NOTCONN: nobody listens there. */
MUST int gnss_gpsd_connect(struct gnss_gpsd *g, uint16_t port);
void gnss_gpsd_disconnect(struct gnss_gpsd *g);
/* Readable when there is something to hear; < 0 when not connected. */
int gnss_gpsd_fd(const struct gnss_gpsd *g);
/* 1 and a fix, heard at now_ns (since boot; wall_ms is the system's clock then); 0: nothing more
 * now; ERR_NOTCONN: gpsd is gone, and the connection with it. */
MUST int gnss_gpsd_next(struct gnss_gpsd *g, int64_t now_ns, int64_t wall_ms,
                        struct gnss_fix *ret_fix);
void gnss_gpsd_free(struct gnss_gpsd *g);

#endif
