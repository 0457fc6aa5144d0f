#include "i2c_worker.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct queue {
    struct i2c_job *jobs[I2C_WORKER_JOBS_MAX];
    unsigned first, count;
};

struct i2c_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, ended_cond;
    struct queue asked, done;
    struct i2c_job *running;
    int64_t since_ns;
    int fd;
    bool stop, ended;
};

static int64_t now_ns(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(struct queue *q, struct i2c_job *job) {
    q->jobs[(q->first + q->count++) % I2C_WORKER_JOBS_MAX] = job;
}

static struct i2c_job *take(struct queue *q) {
    if (q->count == 0)
        return NULL;
    struct i2c_job *job = q->jobs[q->first];
    q->first = (q->first + 1) % I2C_WORKER_JOBS_MAX;
    q->count--;
    return job;
}

static void finish(struct i2c_worker *w, struct i2c_job *job, int result) {
    const uint64_t one = 1;
    job->result = result;
    w->running = NULL;
    put(&w->done, job);
    if (write(w->fd, &one, sizeof one) < 0)
        job->result = -errno; /* cannot be: the counter is far from full */
}

static void *work(void *arg) {
    struct i2c_worker *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        struct i2c_job *job = take(&w->asked);
        if (job == NULL) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->running = job;
        w->since_ns = now_ns();
        pthread_mutex_unlock(&w->lock);
        int result = job->run(job->ctx);
        pthread_mutex_lock(&w->lock);
        finish(w, job, result);
    }
    w->ended = true;
    pthread_cond_signal(&w->ended_cond);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are the loop's. */
static int begin(struct i2c_worker *w) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&w->thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -err;
}

int i2c_worker_open(struct i2c_worker **ret_worker) {
    pthread_condattr_t attr;
    struct i2c_worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->ended_cond, &attr);
    pthread_condattr_destroy(&attr);
    int err = w->fd < 0 ? -errno : begin(w);
    if (err < 0) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return err;
    }
    *ret_worker = w;
    return 0;
}

int i2c_worker_fd(const struct i2c_worker *w) {
    return w->fd;
}

bool i2c_worker_ask(struct i2c_worker *w, struct i2c_job *job) {
    if (job->asked)
        return false;
    pthread_mutex_lock(&w->lock);
    unsigned had = w->asked.count + w->done.count + (w->running != NULL);
    bool room = had < I2C_WORKER_JOBS_MAX;
    if (room) {
        job->asked = true;
        put(&w->asked, job);
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return room;
}

struct i2c_job *i2c_worker_done(struct i2c_worker *w) {
    uint64_t count;
    pthread_mutex_lock(&w->lock);
    struct i2c_job *job = take(&w->done);
    if (job != NULL)
        job->asked = false;
    /* Emptied under the lock, so that no word of a job done meanwhile is lost. */
    if (w->done.count == 0 && read(w->fd, &count, sizeof count) < 0)
        errno = 0;
    pthread_mutex_unlock(&w->lock);
    return job;
}

const struct i2c_job *i2c_worker_running(struct i2c_worker *w, int64_t *ret_since_ns) {
    pthread_mutex_lock(&w->lock);
    const struct i2c_job *job = w->running;
    *ret_since_ns = w->since_ns;
    pthread_mutex_unlock(&w->lock);
    return job;
}

bool i2c_worker_close(struct i2c_worker *w) {
    int64_t until_ns = now_ns() + INT64_C(1000000) * I2C_WORKER_CLOSE_MS;
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                   .tv_nsec = (long)(until_ns % 1000000000)};
    int err = 0;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    while (!w->ended && err == 0)
        err = pthread_cond_timedwait(&w->ended_cond, &w->lock, &until);
    bool ended = w->ended;
    pthread_mutex_unlock(&w->lock);
    if (!ended) {
        pthread_detach(w->thread);
        return false;
    }
    pthread_join(w->thread, NULL);
    close(w->fd);
    free(w);
    return true;
}
