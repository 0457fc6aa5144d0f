#include "gnss_gpsd.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <gps.h>

struct gnss_gpsd {
    struct gps_data_t data;
    bool connected;
};

struct gnss_gpsd *gnss_gpsd_make(void) {
    return calloc(1, sizeof(struct gnss_gpsd));
}

int gnss_gpsd_connect(struct gnss_gpsd *g, uint16_t port) {
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    gnss_gpsd_disconnect(g);
    if (gps_open("127.0.0.1", text, &g->data) != 0)
        return ERR_NOTCONN;
    g->connected = true;
    if (gps_stream(&g->data, WATCH_ENABLE | WATCH_JSON | WATCH_PPS, NULL) == 0)
        return 0;
    gnss_gpsd_disconnect(g);
    return ERR_NOTCONN;
}

void gnss_gpsd_disconnect(struct gnss_gpsd *g) {
    if (g->connected)
        gps_close(&g->data);
    g->connected = false;
}

int gnss_gpsd_fd(const struct gnss_gpsd *g) {
    return g->connected ? (int)g->data.gps_fd : -1;
}

static int64_t ms_of(const timespec_t *t) {
    return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static double said(double value) {
    return isfinite(value) && value > 0 ? value : 0;
}

static int32_t e7_of(double degrees) {
    return (int32_t)lround(degrees * 1e7);
}

static bool fix_of(const struct gps_data_t *d, int64_t now_ns, struct gnss_fix *ret_fix) {
    const struct gps_fix_t *f = &d->fix;
    if ((d->set & MODE_SET) == 0)
        return false;
    *ret_fix = (struct gnss_fix){.t_ns = now_ns, .mode = f->mode};
    if (f->mode < MODE_2D)
        return true;
    /* Not a number, or off the globe: what core/gnss calls nowhere. */
    bool place = fabs(f->latitude) <= 90 && fabs(f->longitude) <= 180;
    ret_fix->latitude_e7 = place ? e7_of(f->latitude) : 0;
    ret_fix->longitude_e7 = place ? e7_of(f->longitude) : 0;
    ret_fix->unix_ms = (d->set & TIME_SET) != 0 ? ms_of(&f->time) : 0;
    ret_fix->error_m = said(f->eph) > 0 ? f->eph : hypot(said(f->epx), said(f->epy));
    ret_fix->hdop = said(d->dop.hdop);
    return true;
}

/* The pulse came when the system's clock showed pps.clock: so long ago, on our clock. */
static bool pulse_of(const struct gps_data_t *d, int64_t now_ns, int64_t wall_ms,
                     struct gnss_fix *ret_fix) {
    int64_t ago_ms = wall_ms - ms_of(&d->pps.clock);
    if ((d->set & PPS_SET) == 0 || ago_ms < 0 || ago_ms > 2000)
        return false;
    *ret_fix = (struct gnss_fix){
        .t_ns = now_ns - ago_ms * 1000000, .pps = true, .unix_ms = ms_of(&d->pps.real)};
    return true;
}

int gnss_gpsd_next(struct gnss_gpsd *g, int64_t now_ns, int64_t wall_ms, struct gnss_fix *ret_fix) {
    while (g->connected && gps_waiting(&g->data, 0)) {
        g->data.set = 0;
        if (gps_read(&g->data, NULL, 0) < 0) {
            gnss_gpsd_disconnect(g);
            return ERR_NOTCONN;
        }
        if (pulse_of(&g->data, now_ns, wall_ms, ret_fix) || fix_of(&g->data, now_ns, ret_fix))
            return 1;
    }
    return g->connected ? 0 : ERR_NOTCONN;
}

void gnss_gpsd_free(struct gnss_gpsd *g) {
    if (g != NULL)
        gnss_gpsd_disconnect(g);
    free(g);
}
