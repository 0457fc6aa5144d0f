/* i2c_worker: a thread that waits for a bus, so that nobody else has to.
 *
 * A job is a function that talks to one chip.  The loop asks for it, is woken when it is done, and
 * takes the result; a bus that hangs, or a kernel driver that does not keep to its time, holds up
 * the jobs behind it and nothing else.  What a job uses is the worker's from i2c_worker_ask until
 * i2c_worker_done gives it back.
 *
 * Promises (tests/port/i2c_worker_test.c): ask, done and close return at once, close after
 * I2C_WORKER_CLOSE_MS at most, whatever the bus does; jobs run in the order asked; each that was
 * asked comes back once.
 * Memory: one block and the thread's stack at open, none after; a worker that hangs at close is
 * left to the kernel.  Threads: one of its own; the calls are the loop's. */
#ifndef MOORWATCH_I2C_WORKER_H
#define MOORWATCH_I2C_WORKER_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>

enum { I2C_WORKER_JOBS_MAX = 32, I2C_WORKER_CLOSE_MS = 300 };

struct i2c_job {
    int (*run)(void *ctx);
    void *ctx;
    int result; /* what run returned */
    bool asked; /* the worker has it */
};

struct i2c_worker;

MUST int i2c_worker_open(struct i2c_worker **ret_worker);
/* Readable when a job is done. */
int i2c_worker_fd(const struct i2c_worker *w);
/* False: it is asked for already, or too many are. */
bool i2c_worker_ask(struct i2c_worker *w, struct i2c_job *job);
/* The next that is done; NULL: none. */
struct i2c_job *i2c_worker_done(struct i2c_worker *w);
/* The job that runs now, and since when (CLOCK_MONOTONIC ns); NULL: none. */
const struct i2c_job *i2c_worker_running(struct i2c_worker *w, int64_t *ret_since_ns);
/* True: it has ended; false: it hangs in a job, whose memory and bus must be left alone. */
bool i2c_worker_close(struct i2c_worker *w);

#endif
