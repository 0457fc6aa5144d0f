#include "gpio_host.h"
#include "log.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char MODULE[] = "gpio";

enum { DATAGRAM_MAX = 2048, STATE_LINE = 40, PULSE_MAX_MS = 3600000 };

/* A level to be applied later: a script's line, or the end of a pulse. */
struct later {
    int64_t t_ns;
    unsigned line;
    bool active;
};

struct host {
    struct gpio_line lines[GPIO_LINES_MAX];
    bool level[GPIO_LINES_MAX];
    unsigned count;
    struct gpio_edge queue[GPIO_HOST_QUEUE];
    unsigned queued;
    struct later later[GPIO_HOST_LATER];
    unsigned laters;
    int epoll, socket, timer, state;
    char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static int64_t now_ns(void) {
    struct timespec ts = {0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* --- lines ---------------------------------------------------------------------------------- */

static void apply(struct host *h, unsigned line, bool active, int64_t t_ns) {
    if (h->level[line] == active)
        return;
    h->level[line] = active;
    if (h->queued == GPIO_HOST_QUEUE)
        h->queue[GPIO_HOST_QUEUE - 1].gap = true;
    else
        h->queue[h->queued++] = (struct gpio_edge){.t_ns = t_ns, .line = line, .active = active};
}

static bool schedule(struct host *h, unsigned line, bool active, int64_t t_ns) {
    if (h->laters == GPIO_HOST_LATER)
        return false;
    unsigned i = h->laters++;
    for (; i > 0 && h->later[i - 1].t_ns > t_ns; i--)
        h->later[i] = h->later[i - 1];
    h->later[i] = (struct later){t_ns, line, active};
    return true;
}

static void arm(struct host *h) {
    struct itimerspec when = {0};
    if (h->queued > 0) { /* readable while edges wait */
        when.it_value.tv_nsec = 1;
    } else if (h->laters > 0) {
        when.it_value.tv_sec = (time_t)(h->later[0].t_ns / 1000000000);
        when.it_value.tv_nsec = (long)(h->later[0].t_ns % 1000000000);
    }
    if (timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
        log_warn(MODULE, "host timer: %s, ignoring", strerror(errno));
}

static void apply_due(struct host *h, int64_t now) {
    unsigned due = 0;
    for (; due < h->laters && h->later[due].t_ns <= now; due++)
        apply(h, h->later[due].line, h->later[due].active, h->later[due].t_ns);
    memmove(h->later, h->later + due, (h->laters - due) * sizeof h->later[0]);
    h->laters -= due;
}

/* --- commands ------------------------------------------------------------------------------- */

static int line_named(const struct host *h, const char *word) {
    char *end;
    unsigned long n = strtoul(word, &end, 10);
    for (unsigned i = 0; i < h->count; i++)
        if (!h->lines[i].output &&
            (strcmp(h->lines[i].role, word) == 0 || (*end == '\0' && end != word && n == i)))
            return (int)i;
    return ERR_NOENT;
}

/* "role level [ms]" or "role pulse ms", to happen at t_ns. */
static bool command(struct host *h, const char *text, int64_t t_ns, bool at_once) {
    char role[32], level[8];
    long ms = 0;
    int words = sscanf(text, "%31s %7s %ld", role, level, &ms);
    int line = words >= 2 ? line_named(h, role) : ERR_INVAL;
    bool pulse = words >= 2 && strcmp(level, "pulse") == 0;
    bool active = pulse || strcmp(level, "1") == 0;
    if (line < 0 || (!active && strcmp(level, "0") != 0) || (pulse && words < 3) || ms < 0 ||
        ms > PULSE_MAX_MS)
        return false;
    if (at_once)
        apply(h, (unsigned)line, active, t_ns);
    else if (!schedule(h, (unsigned)line, active, t_ns))
        return false;
    return ms == 0 || schedule(h, (unsigned)line, !active, t_ns + ms * 1000000);
}

static void drain_socket(struct host *h, int64_t now) {
    char text[DATAGRAM_MAX + 1];
    for (ssize_t n; (n = recv(h->socket, text, DATAGRAM_MAX, MSG_DONTWAIT)) >= 0;) {
        text[n] = '\0';
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            if (!command(h, line, now, true))
                log_warn(MODULE, "host line not understood, ignoring: %.60s", line);
    }
}

static int script_line(struct host *h, const char *path, const char *text, int at, int64_t start) {
    double seconds;
    int used = 0;
    if (text[strspn(text, " \t\r\n")] == '\0' || text[0] == '#')
        return 0;
    if (sscanf(text, "%lf %n", &seconds, &used) == 1 && seconds >= 0 && seconds < 1e6 &&
        command(h, text + used, start + (int64_t)(seconds * 1e9), false))
        return 0;
    log_error(MODULE, "%s:%d: write \"seconds role level [ms]\", at most %d lines", path, at,
              GPIO_HOST_LATER);
    return ERR_INVAL;
}

static int read_script(struct host *h, const char *path) {
    char text[128];
    int64_t start = now_ns();
    int result = 0, at = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return -errno;
    while (result == 0 && fgets(text, sizeof text, f) != NULL)
        result = script_line(h, path, text, ++at, start);
    fclose(f);
    return result;
}

/* --- outputs -------------------------------------------------------------------------------- */

static int write_state(struct host *h, unsigned line) {
    if (h->state < 0)
        return 0;
    char text[STATE_LINE + 1];
    off_t place = 0;
    for (unsigned i = 0; i < line; i++)
        place += h->lines[i].output ? STATE_LINE : 0;
    snprintf(text, sizeof text, "%s %d", h->lines[line].role, h->level[line]);
    size_t len = strlen(text);
    memset(text + len, ' ', STATE_LINE - 1 - len);
    text[STATE_LINE - 1] = '\n';
    return pwrite(h->state, text, STATE_LINE, place) == STATE_LINE ? 0 : ERR_IO;
}

/* --- the seam ------------------------------------------------------------------------------- */

static int host_fd(void *ctx) {
    return ((struct host *)ctx)->epoll;
}

static int host_read(void *ctx, struct gpio_edge *edges, unsigned cap) {
    struct host *h = ctx;
    uint64_t expired;
    if (h->queued == 0) {
        if (read(h->timer, &expired, sizeof expired) < 0 && errno != EAGAIN)
            return -errno;
        int64_t now = now_ns();
        apply_due(h, now);
        if (h->socket >= 0)
            drain_socket(h, now);
    }
    unsigned n = h->queued < cap ? h->queued : cap;
    memcpy(edges, h->queue, n * sizeof edges[0]);
    h->queued -= n;
    memmove(h->queue, h->queue + n, h->queued * sizeof edges[0]);
    arm(h);
    return (int)n;
}

static int host_level(void *ctx, unsigned line) {
    const struct host *h = ctx;
    return line < h->count ? h->level[line] : ERR_INVAL;
}

static int host_set(void *ctx, unsigned line, bool active) {
    struct host *h = ctx;
    if (line >= h->count || !h->lines[line].output)
        return ERR_INVAL;
    h->level[line] = active;
    return write_state(h, line);
}

static void host_close(void *ctx) {
    struct host *h = ctx;
    for (unsigned i = 0; i < h->count; i++)
        if (h->lines[i].output && host_set(h, i, h->lines[i].safe_active) != 0)
            log_warn(MODULE, "host output %s: not written, ignoring", h->lines[i].role);
    int fds[] = {h->socket, h->timer, h->state, h->epoll};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (h->socket_path[0] != '\0')
        unlink(h->socket_path);
    free(h);
}

/* --- opening -------------------------------------------------------------------------------- */

static int open_socket(struct host *h, const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path)
        return ERR_TOOLONG;
    memcpy(name.sun_path, path, strlen(path));
    h->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (h->socket < 0)
        return -errno;
    unlink(path);
    if (bind(h->socket, (const struct sockaddr *)&name, sizeof name) != 0)
        return -errno;
    memcpy(h->socket_path, name.sun_path, sizeof h->socket_path);
    return 0;
}

static int watch(struct host *h, int fd) {
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    return fd < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

static int open_parts(struct host *h, const struct gpio_host_conf *conf) {
    int err = 0;
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (h->epoll < 0 || h->timer < 0)
        return -errno;
    if (conf->socket_path != NULL && conf->socket_path[0] != '\0')
        err = open_socket(h, conf->socket_path);
    if (err == 0 && conf->state_path != NULL && conf->state_path[0] != '\0') {
        h->state = open(conf->state_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
        err = h->state < 0 ? -errno : 0;
    }
    for (unsigned i = 0; err == 0 && i < h->count; i++)
        err = h->lines[i].output ? write_state(h, i) : 0;
    if (err == 0 && conf->script_path != NULL && conf->script_path[0] != '\0')
        err = read_script(h, conf->script_path);
    if (err == 0)
        err = watch(h, h->timer);
    if (err == 0)
        err = watch(h, h->socket);
    arm(h);
    return err;
}

int gpio_host_open(const struct gpio_host_conf *conf, const struct gpio_line *lines, unsigned count,
                   struct gpio *ret_gpio) {
    if (count > GPIO_LINES_MAX)
        return ERR_INVAL;
    struct host *h = calloc(1, sizeof *h);
    if (h == NULL)
        return ERR_NOMEM;
    h->socket = h->timer = h->state = h->epoll = -1;
    h->count = count;
    for (unsigned i = 0; i < count; i++) {
        h->lines[i] = lines[i];
        h->level[i] = lines[i].output ? lines[i].safe_active : lines[i].rest_active;
    }
    int err = open_parts(h, conf);
    if (err != 0) {
        host_close(h);
        return err;
    }
    *ret_gpio = (struct gpio){.ctx = h,
                              .fd = host_fd,
                              .read = host_read,
                              .level = host_level,
                              .set = host_set,
                              .close = host_close};
    return 0;
}
