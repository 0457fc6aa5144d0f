/* i2c_worker: jobs in order, each back once, and a bus that hangs holds up nobody. */
#include "i2c_worker.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { JOBS = 20 };

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int order[JOBS * 3], ran; /* the worker's while jobs are under way */

static int note(void *ctx) {
    order[ran++] = *(int *)ctx;
    return *(int *)ctx * 10;
}

static int hang(void *ctx) {
    pause_ms(*(int *)ctx);
    return ERR_TIMEDOUT;
}

static struct i2c_job *wait_done(struct i2c_worker *w) {
    struct pollfd p = {.fd = i2c_worker_fd(w), .events = POLLIN};
    assert_int_equal(1, poll(&p, 1, 5000));
    struct i2c_job *job = i2c_worker_done(w);
    assert_non_null(job);
    return job;
}

static void jobs_come_back_once_and_in_order(void **state) {
    (void)state;
    static struct i2c_job jobs[JOBS];
    static int numbers[JOBS];
    struct i2c_worker *w;
    assert_int_equal(0, i2c_worker_open(&w));
    assert_null(i2c_worker_done(w));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < JOBS; i++) {
            numbers[i] = i;
            jobs[i].run = note;
            jobs[i].ctx = &numbers[i];
            assert_true(i2c_worker_ask(w, &jobs[i]));
            assert_false(i2c_worker_ask(w, &jobs[i])); /* it has been asked for */
        }
        for (int i = 0; i < JOBS; i++) {
            struct i2c_job *job = wait_done(w);
            assert_ptr_equal(&jobs[i], job);
            assert_int_equal(i * 10, job->result);
        }
        assert_null(i2c_worker_done(w));
    }
    assert_int_equal(JOBS * 3, ran);
    for (int i = 0; i < JOBS * 3; i++)
        assert_int_equal(i % JOBS, order[i]);
    assert_true(i2c_worker_close(w));
}

static void a_bus_that_hangs_holds_up_nobody(void **state) {
    (void)state;
    static int first_ms = 400, long_ms = 1500;
    static struct i2c_job stuck = {.run = hang, .ctx = &first_ms};
    static struct i2c_job behind[I2C_WORKER_JOBS_MAX];
    static int zero;
    static struct i2c_worker *w; /* left behind at the end */
    int64_t since;
    ran = 0;
    assert_int_equal(0, i2c_worker_open(&w));
    int64_t from = now_ms();
    assert_true(i2c_worker_ask(w, &stuck));
    unsigned taken = 0;
    for (unsigned i = 0; i < I2C_WORKER_JOBS_MAX; i++) {
        behind[i] = (struct i2c_job){.run = note, .ctx = &zero};
        taken += i < 10 && i2c_worker_ask(w, &behind[i]);
        assert_null(i2c_worker_done(w));
    }
    assert_int_equal(10, taken);
    assert_true(now_ms() - from < 100);
    pause_ms(100);
    assert_ptr_equal(&stuck, i2c_worker_running(w, &since));
    assert_true(since / 1000000 - from < 100);
    assert_ptr_equal(&stuck, wait_done(w));
    assert_int_equal(ERR_TIMEDOUT, stuck.result);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_equal(&behind[i], wait_done(w));
    stuck.ctx = &long_ms;
    assert_true(i2c_worker_ask(w, &stuck));
    pause_ms(50);
    from = now_ms();
    assert_false(i2c_worker_close(w)); /* left behind */
    assert_true(now_ms() - from < I2C_WORKER_CLOSE_MS + 200);
    pause_ms(1700); /* it may end now; its memory is still there */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_come_back_once_and_in_order),
        cmocka_unit_test(a_bus_that_hangs_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
