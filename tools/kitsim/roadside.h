/* roadside: one speedwatch kit at its site: the road, the radar on a pty, the button.
 *
 * Vehicles come as traffic.h says, are moved by physics.h, seen by a sensor.h and told on the pty.
 * A session is on for most of the time: the button is pressed once the daemon is there, again to
 * end it, and again after a short rest; a daemon that starts anew finds no session and is pressed.
 * Guarded by tests/system/run_check.  Memory: the struct.  Threads: one.  Time: given (monotonic
 * ns). */
#ifndef KITSIM_ROADSIDE_H
#define KITSIM_ROADSIDE_H

#include "physics.h"
#include "pty.h"
#include "sensor.h"
#include "traffic.h"
#include "truth.h"
#include "wires.h"

struct roadside_conf {
    char name[32];
    char radar[256]; /* the link to make */
    char wires[108]; /* the socket of the daemon's simulated GPIO */
    double per_day, flow_scale;
    unsigned pair;
    int64_t session_ns, rest_ns;
};

struct roadside {
    struct roadside_conf conf;
    struct pty pty;
    struct sensor sensor;
    struct physics physics;
    struct traffic traffic;
    struct chance chance;
    struct wires wires;
    struct truth *truth;
    int64_t start_ns, frame_ns, vehicle_ns;
    bool on;               /* a session, as far as the button goes */
    bool held;             /* the button is down */
    bool ending;           /* the last press has been made: no more sessions */
    int64_t press_ns;      /* when the button moves next; INT64_MAX: not */
    uint32_t told, choked; /* lines written; lines that the daemon did not take */
};

/* traffic holds the speeds and hours already. */
MUST int roadside_open(struct roadside *r, const struct roadside_conf *conf,
                       const struct traffic *traffic, uint64_t seed, struct truth *truth,
                       int64_t now_ns);
void roadside_close(struct roadside *r);
/* Does what is due; returns when it wants to be called again. */
int64_t roadside_step(struct roadside *r, int64_t now_ns, int64_t unix_ms);
/* Ends the traffic and the session, if one is on; the radar goes on listening. */
void roadside_end(struct roadside *r, int64_t now_ns);

#endif
