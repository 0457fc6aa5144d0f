#include "gpio_chip.h"
#include "log.h"
#include <assert.h>
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char MODULE[] = "gpio";

/* libgpiod 1.6 was built with the platform's old time_t, and this file is compiled with it too:
 * with 64-bit seconds on armhf every event would be read as falling, at a random time. */
static_assert(sizeof(((struct gpiod_line_event *)NULL)->ts) == 2 * sizeof(long),
              "gpio_v1.c wants the time_t of the library: see library_time in CMakeLists.txt");

enum { FIFO = 16 }; /* edges that the kernel keeps of one line */

struct bank {
    struct gpio_line lines[GPIO_LINES_MAX];
    struct gpiod_line *handles[GPIO_LINES_MAX]; /* NULL: not requested (yet) */
    int last[GPIO_LINES_MAX];                   /* of its edges; -1: none yet */
    unsigned count;
    struct gpiod_chip *chips[GPIO_CHIPS_MAX];
    unsigned chip_count;
    int epoll;
};

const char *gpio_chip_library(void) {
    static char text[32];
    snprintf(text, sizeof text, "libgpiod %s", gpiod_version_string());
    return text;
}

/* --- the seam ------------------------------------------------------------------------------- */

static int bank_fd(void *ctx) {
    return ((struct bank *)ctx)->epoll;
}

static int read_line(struct bank *b, unsigned line, struct gpio_edge *edges, unsigned cap) {
    struct gpiod_line_event events[FIFO];
    int n = gpiod_line_event_read_multiple(b->handles[line], events, cap < FIFO ? cap : FIFO);
    for (int i = 0; i < n; i++) {
        bool active = events[i].event_type == GPIOD_LINE_EVENT_RISING_EDGE;
        edges[i] = (struct gpio_edge){
            .t_ns = (int64_t)events[i].ts.tv_sec * 1000000000 + events[i].ts.tv_nsec,
            .line = line,
            .active = active,
            .gap = b->last[line] == (int)active, /* the edge between the two was lost */
        };
        b->last[line] = active;
    }
    return n < 0 ? -errno : n;
}

static int bank_read(void *ctx, struct gpio_edge *edges, unsigned cap) {
    struct bank *b = ctx;
    struct epoll_event ready[GPIO_LINES_MAX];
    unsigned n = 0;
    int waiting = epoll_wait(b->epoll, ready, GPIO_LINES_MAX, 0);
    for (int i = 0; i < waiting && n < cap; i++) {
        int more = read_line(b, ready[i].data.u32, edges + n, cap - n);
        if (more < 0)
            return more;
        n += (unsigned)more;
    }
    return waiting < 0 && errno != EINTR ? -errno : (int)n;
}

static int bank_level(void *ctx, unsigned line) {
    const struct bank *b = ctx;
    if (line >= b->count)
        return ERR_INVAL;
    int level = gpiod_line_get_value(b->handles[line]);
    return level < 0 ? -errno : level;
}

static int bank_set(void *ctx, unsigned line, bool active) {
    const struct bank *b = ctx;
    if (line >= b->count || !b->lines[line].output)
        return ERR_INVAL;
    return gpiod_line_set_value(b->handles[line], active) == 0 ? 0 : -errno;
}

static void bank_close(void *ctx) {
    struct bank *b = ctx;
    for (unsigned i = 0; i < b->count; i++) {
        if (b->handles[i] == NULL)
            continue;
        if (b->lines[i].output && bank_set(b, i, b->lines[i].safe_active) != 0)
            log_warn(MODULE, "%s: could not be made safe: %s", b->lines[i].role, strerror(errno));
        gpiod_line_release(b->handles[i]);
    }
    for (unsigned i = 0; i < b->chip_count; i++)
        gpiod_chip_close(b->chips[i]);
    if (b->epoll >= 0)
        close(b->epoll);
    free(b);
}

/* --- opening -------------------------------------------------------------------------------- */

static struct gpiod_chip *chip_for(struct bank *b, const char *label) {
    for (unsigned i = 0; i < b->chip_count; i++)
        if (strcmp(gpiod_chip_label(b->chips[i]), label) == 0)
            return b->chips[i];
    if (b->chip_count == GPIO_CHIPS_MAX) {
        errno = EINVAL;
        return NULL;
    }
    struct gpiod_chip *chip = gpiod_chip_open_by_label(label);
    if (chip != NULL)
        b->chips[b->chip_count++] = chip;
    return chip;
}

static int flags_of(const struct gpio_line *l) {
    static const int BIAS[] = {
        [GPIO_BIAS_AS_IS] = 0,
        [GPIO_BIAS_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
        [GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
        [GPIO_BIAS_NONE] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
    };
    return BIAS[l->bias] | (l->active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0);
}

static int request(struct bank *b, unsigned i, struct gpiod_line *line, const char *consumer) {
    const struct gpio_line *l = &b->lines[i];
    if (l->output)
        return gpiod_line_request_output_flags(line, consumer, flags_of(l), l->safe_active);
    if (gpiod_line_request_both_edges_events_flags(line, consumer, flags_of(l)) != 0)
        return -1;
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, gpiod_line_event_get_fd(line), &e) == 0)
        return 0;
    gpiod_line_release(line);
    return -1;
}

static int open_line(struct bank *b, unsigned i, const char *consumer, char *why) {
    const struct gpio_line *l = &b->lines[i];
    struct gpiod_chip *chip = chip_for(b, l->chip);
    if (chip == NULL) {
        int err = errno == ENOENT ? ERR_NODEV : -errno;
        snprintf(why, GPIO_WHY_BYTES, "%s: no GPIO chip labelled \"%s\" can be opened (%s)",
                 l->role, l->chip, err_text(err));
        return err;
    }
    if (l->offset >= gpiod_chip_num_lines(chip)) {
        snprintf(why, GPIO_WHY_BYTES, "%s: chip %s has no line %u", l->role, l->chip, l->offset);
        return ERR_RANGE;
    }
    struct gpiod_line *line = gpiod_chip_get_line(chip, l->offset);
    if (line != NULL && !gpio_name_accepted(l->names, gpiod_line_name(line)))
        log_warn(MODULE, "%s: line %u of %s is named \"%s\", the board file expects %s", l->role,
                 l->offset, l->chip, gpiod_line_name(line), l->names);
    if (line != NULL && request(b, i, line, consumer) == 0) {
        b->handles[i] = line;
        return 0;
    }
    int err = -errno;
    const char *holder = line != NULL ? gpiod_line_consumer(line) : NULL;
    snprintf(why, GPIO_WHY_BYTES, "%s: line %u of %s: %s%s%s", l->role, l->offset, l->chip,
             err_text(err), err == ERR_BUSY ? ": held by " : "",
             err != ERR_BUSY  ? ""
             : holder != NULL ? holder
                              : "the kernel");
    return err;
}

int gpio_chip_open(const struct gpio_line *lines, unsigned count, const char *consumer,
                   char why[GPIO_WHY_BYTES], struct gpio *ret_gpio) {
    if (count > GPIO_LINES_MAX)
        return ERR_INVAL;
    struct bank *b = calloc(1, sizeof *b);
    if (b == NULL)
        return ERR_NOMEM;
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    int err = b->epoll < 0 ? -errno : 0;
    for (unsigned i = 0; err == 0 && i < count; i++) {
        b->lines[i] = lines[i];
        b->last[i] = -1;
        b->count = i + 1;
        err = open_line(b, i, consumer, why);
    }
    if (err != 0) {
        bank_close(b);
        return err;
    }
    *ret_gpio = (struct gpio){.ctx = b,
                              .fd = bank_fd,
                              .read = bank_read,
                              .level = bank_level,
                              .set = bank_set,
                              .close = bank_close};
    return 0;
}
