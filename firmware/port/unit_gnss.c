#include "unit_gnss.h"
#include "log.h"
#include <math.h>

static const char MODULE[] = "gnss";
static const int64_t SECOND_NS = 1000000000;

void unit_gnss_init(struct unit_gnss *g, const struct unit_conf *conf,
                    const struct unit_board *board) {
    *g = (struct unit_gnss){.conf = conf};
    if (board->kit.gnss == KIT_GNSS_GPSD)
        g->gpsd = gnss_gpsd_make();
}

static void note(struct unit_gnss *g, enum gnss_verdict verdict) {
    if (verdict == GNSS_GOOD && !g->placed) {
        g->placed = true;
        log_info(MODULE, "position known");
    }
    if (verdict == GNSS_GOOD || verdict == GNSS_NO_FIX || verdict == g->said)
        return;
    g->said = verdict;
    log_warn(MODULE, "a fix that cannot be, ignoring: %s", gnss_verdict_name(verdict));
}

static void hear(struct unit_gnss *g, struct unit_clock *clock, int64_t now_ns) {
    const struct clock *c = &clock->clock;
    struct gnss_fix fix;
    int64_t unix_ms;
    uint32_t error_ms;
    int n;
    while ((n = gnss_gpsd_next(g->gpsd, c->boot_ns(c->ctx), c->wall_ms(c->ctx), &fix)) == 1)
        note(g, gnss_fix(&g->gnss, &fix));
    if (gnss_time(&g->gnss, now_ns, &unix_ms, &error_ms))
        unit_clock_offer(clock, now_ns, unix_ms, error_ms, now_ns + GNSS_TIME_S * SECOND_NS);
    if (n >= 0)
        return;
    g->connected = false;
    g->next_ns = now_ns + UNIT_GNSS_AGAIN_S * SECOND_NS;
}

static void turn(struct unit_gnss *g, int64_t now_ns) {
    if (g->connected) {
        gnss_gpsd_disconnect(g->gpsd);
        g->connected = false;
        g->next_ns = now_ns + UNIT_GNSS_REST_S * SECOND_NS;
        return;
    }
    g->connected = gnss_gpsd_connect(g->gpsd, g->conf->gnss_port) >= 0;
    g->next_ns = now_ns + (g->connected ? UNIT_GNSS_HEAR_S : UNIT_GNSS_AGAIN_S) * SECOND_NS;
}

int64_t unit_gnss_step(struct unit_gnss *g, struct unit_clock *clock, int64_t now_ns) {
    if (g->gpsd == NULL)
        return INT64_MAX;
    if (g->connected)
        hear(g, clock, now_ns);
    if (now_ns >= g->next_ns)
        turn(g, now_ns);
    return g->next_ns;
}

int unit_gnss_fd(const struct unit_gnss *g) {
    return g->connected ? gnss_gpsd_fd(g->gpsd) : -1;
}

void unit_gnss_stamp(const struct unit_gnss *g, int64_t now_ns, struct event_session *session) {
    struct gnss_spot spot;
    if (session->what != SESSION_START || !gnss_position(&g->gnss, now_ns, &spot))
        return;
    double error = ceil(spot.error_m > 0 ? spot.error_m : 50); /* not said: a cautious guess */
    session->latitude_e7 = spot.latitude_e7;
    session->longitude_e7 = spot.longitude_e7;
    session->position_error_m = (uint16_t)(error < 1 ? 1 : error > 9999 ? 9999 : error);
}

void unit_gnss_close(struct unit_gnss *g) {
    gnss_gpsd_free(g->gpsd);
    g->gpsd = NULL;
    g->connected = false;
}
