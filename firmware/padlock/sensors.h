/* sensors: the accelerometers and end-of-line loops of a hub, read by a worker, judged in the loop.
 *
 * An accelerometer sleeps until its interrupt line moves, or until it is looked at; then its FIFO
 * is read in time with its samples until all is still.  Loops are measured at intervals.  A sensor
 * that does not answer, answers as another chip, hangs or forgets its settings is tried again with
 * growing pauses, counted, and a fault with its address until it is well; all others go on.
 * The loop never waits for the bus (i2c_worker).  What a place has of its own is learnt per lock
 * (core/learn.h) and kept in the state directory.
 * Guarded by tests/system/daemon_test.py (Sensors).  Memory: the struct, and the worker's at
 * opening.  Threads: the loop's; the worker has a sensor while its job is asked for. */
#ifndef PADLOCK_SENSORS_H
#define PADLOCK_SENSORS_H

#include "adxl345.h"
#include "eol.h"
#include "i2c_worker.h"
#include "learn.h"
#include "lis3dh.h"
#include "unit.h"

struct sensors_conf {
    const char *bus; /* "": the board's; not under /dev: simulated */
    unsigned rate_hz, wake_mg;
    int64_t look_ns, loop_every_ns;
    bool learn;
    double factor[EVENT_LOCKS_MAX];
};

/* What they have to say; lock -1: all. */
struct sensors_sink {
    void *ctx;
    void (*motion)(void *ctx, int lock, enum motion_verdict verdict, int64_t t_ns);
    void (*loop)(void *ctx, int lock, enum eol_state state, int64_t t_ns);
};

/* What the loop keeps of every chip. */
struct sensors_health {
    uint8_t address;
    unsigned failures; /* in a row */
    int why;           /* of the fault, said */
    int64_t due_ns;
    bool faulty, hung;
};

struct sensors_motion {
    struct sensors_health health;
    int lock;
    union {
        struct lis3dh lis3dh;
        struct adxl345 adxl345;
    } chip;
    struct motion motion;
    /* The worker's while it is asked for. */
    struct i2c_job job;
    struct motion_sensor sensor;
    bool started, lost;
    struct motion_sample samples[MOTION_SENSOR_FIFO];
    bool slept; /* no samples came since it was last busy */
};

struct sensors_loop {
    struct sensors_health health;
    int lock;
    struct eol eol;
    struct i2c_job job;
    const struct i2c_bus *bus;
    unsigned channel;
    int32_t mv;
};

struct sensors {
    struct sensors_conf conf;
    struct sensors_sink sink;
    const struct kit *kit;
    char path[UNIT_PATH_MAX + 1];
    struct i2c_bus bus;
    struct i2c_worker *worker;
    bool bus_open, said;
    int64_t retry_ns;
    struct sensors_motion motions[KIT_MOTIONS_MAX];
    struct sensors_loop loops[KIT_LOOPS_MAX];
    struct learn learn[EVENT_LOCKS_MAX];
    bool learns[EVENT_LOCKS_MAX];
    int64_t learn_ns;
    uint32_t errors, ignored; /* failed reads; motions judged a nuisance */
};

void sensors_init(struct sensors *s, const struct sensors_conf *conf,
                  const struct sensors_sink *sink, struct unit *u, int64_t now_ns);
/* The interrupt line of an accelerometer has moved. */
void sensors_wake(struct sensors *s, unsigned motion, int64_t now_ns);
/* A lock has been set: where it is now is its place. */
void sensors_placed(struct sensors *s, unsigned lock);
bool sensors_learning(const struct sensors *s, unsigned lock);
/* Does what is due; returns when to be called again. */
int64_t sensors_step(struct sensors *s, struct unit *u, int64_t now_ns);
void sensors_close(struct sensors *s);

#endif
