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

/* Outputs of one chip with the same flags: one request.  The library sets all lines of a request
 * together, so their values are kept here. */
struct outputs {
    struct gpiod_line_bulk bulk;
    int values[GPIO_LINES_MAX];
    unsigned lines[GPIO_LINES_MAX];
    int flags;
    bool held;
};

struct bank {
    struct gpio_line lines[GPIO_LINES_MAX];
    struct gpiod_line *handles[GPIO_LINES_MAX];
    bool held[GPIO_LINES_MAX]; /* inputs: requested */
    int last[GPIO_LINES_MAX];  /* of its edges; -1: none yet */
    unsigned count;
    struct outputs groups[GPIO_LINES_MAX];
    unsigned group_count, group_of[GPIO_LINES_MAX], place_of[GPIO_LINES_MAX];
    struct gpiod_chip *chips[GPIO_CHIPS_MAX];
    unsigned chip_count;
    unsigned stranger; /* as in struct gpio */
    int epoll;
};

const char *gpio_chip_library(void) {
    static char text[32];
    snprintf(text, sizeof text, "libgpiod %s", gpiod_version_string());
    return text;
}

unsigned gpio_chip_queue(void) {
    return FIFO;
}

/* --- the seam ------------------------------------------------------------------------------- */

static int bank_fd(void *ctx) {
    return ((struct bank *)ctx)->epoll;
}

/* The edge between two equal ones was lost; and a queue that was found full may have been fuller.
 */
static int read_line(struct bank *b, unsigned line, struct gpio_edge *edges, unsigned cap) {
    struct gpiod_line_event events[FIFO];
    int64_t monotonic_ns, wall_ns;
    int n = gpiod_line_event_read_multiple(b->handles[line], events, cap < FIFO ? cap : FIFO);
    gpio_chip_clocks(&monotonic_ns, &wall_ns);
    for (int i = 0; i < n; i++) {
        bool active = events[i].event_type == GPIOD_LINE_EVENT_RISING_EDGE;
        int64_t stamp_ns = (int64_t)events[i].ts.tv_sec * 1000000000 + events[i].ts.tv_nsec;
        edges[i] = (struct gpio_edge){
            .t_ns = gpio_chip_time_ns(stamp_ns, monotonic_ns, wall_ns),
            .line = line,
            .active = active,
            .gap = b->last[line] == (int)active || i == FIFO - 1,
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
        /* A full queue is known by reading it whole: where there is room for that, it waits for the
         * next call. */
        if (cap >= FIFO && cap - n < FIFO)
            break;
        int more = read_line(b, ready[i].data.u32, edges + n, cap - n);
        if (more < 0)
            return more;
        n += (unsigned)more;
    }
    gpio_chip_sort(edges, n);
    return waiting < 0 && errno != EINTR ? -errno : (int)n;
}

static int bank_level(void *ctx, unsigned line) {
    struct bank *b = ctx;
    if (line >= b->count)
        return ERR_INVAL;
    if (b->lines[line].output) {
        struct outputs *g = &b->groups[b->group_of[line]];
        int values[GPIO_LINES_MAX];
        return gpiod_line_get_value_bulk(&g->bulk, values) == 0 ? values[b->place_of[line]]
                                                                : -errno;
    }
    int level = gpiod_line_get_value(b->handles[line]);
    return level < 0 ? -errno : level;
}

static int bank_set(void *ctx, unsigned line, bool active) {
    struct bank *b = ctx;
    if (line >= b->count || !b->lines[line].output)
        return ERR_INVAL;
    struct outputs *g = &b->groups[b->group_of[line]];
    int *value = &g->values[b->place_of[line]], before = *value;
    *value = active;
    if (gpiod_line_set_value_bulk(&g->bulk, g->values) == 0)
        return 0;
    *value = before;
    return -errno;
}

static void make_safe(struct bank *b, struct outputs *g) {
    for (unsigned i = 0; i < gpiod_line_bulk_num_lines(&g->bulk); i++)
        g->values[i] = b->lines[g->lines[i]].safe_active;
    if (gpiod_line_set_value_bulk(&g->bulk, g->values) != 0)
        log_warn(MODULE, "%s: could not be made safe: %s", b->lines[g->lines[0]].role,
                 strerror(errno));
    gpiod_line_release_bulk(&g->bulk);
}

static void bank_close(void *ctx) {
    struct bank *b = ctx;
    for (unsigned i = 0; i < b->group_count; i++)
        if (b->groups[i].held)
            make_safe(b, &b->groups[i]);
    for (unsigned i = 0; i < b->count; i++)
        if (b->held[i])
            gpiod_line_release(b->handles[i]);
    for (unsigned i = 0; i < b->chip_count; i++)
        gpiod_chip_close(b->chips[i]);
    if (b->epoll >= 0)
        close(b->epoll);
    free(b);
}

/* --- finding -------------------------------------------------------------------------------- */

static int label_of(const char *path, char ret_label[GPIO_LABEL_MAX + 1]) {
    struct gpiod_chip *chip = gpiod_chip_open(path);
    if (chip == NULL)
        return -errno;
    snprintf(ret_label, GPIO_LABEL_MAX + 1, "%s", gpiod_chip_label(chip));
    gpiod_chip_close(chip);
    return 0;
}

static int chip_for(struct bank *b, const struct gpio_line *l, char *why,
                    struct gpiod_chip **ret_chip) {
    char path[GPIO_PATH_BYTES];
    for (unsigned i = 0; i < b->chip_count; i++)
        if (strcmp(gpiod_chip_label(b->chips[i]), l->chip) == 0) {
            *ret_chip = b->chips[i];
            return 0;
        }
    int err = b->chip_count == GPIO_CHIPS_MAX ? ERR_INVAL : 0;
    if (err == 0)
        err = gpio_chip_find(l, label_of, why, path);
    if (err < 0)
        return err;
    struct gpiod_chip *chip = gpiod_chip_open(path);
    if (chip == NULL)
        return -errno;
    *ret_chip = b->chips[b->chip_count++] = chip;
    return 0;
}

/* Finds the line and says beforehand what the request could only call an error. */
static int find_line(struct bank *b, unsigned i, char *why) {
    const struct gpio_line *l = &b->lines[i];
    struct gpiod_chip *chip = NULL;
    int err = chip_for(b, l, why, &chip);
    if (err == 0)
        err = gpio_chip_fits(l, gpiod_chip_num_lines(chip), why);
    if (err < 0)
        return err;
    struct gpiod_line *line = gpiod_chip_get_line(chip, l->offset);
    if (line == NULL)
        return -errno;
    if (gpiod_line_is_used(line))
        return gpio_chip_busy(l, gpiod_line_consumer(line), why);
    if (gpio_chip_strange(l, gpiod_line_name(line)) && b->stranger == 0)
        b->stranger = i + 1;
    b->handles[i] = line;
    return 0;
}

/* --- requesting ----------------------------------------------------------------------------- */

static int flags_of(const struct gpio_line *l) {
    static const int BIAS[] = {
        [GPIO_BIAS_AS_IS] = 0,
        [GPIO_BIAS_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
        [GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
        [GPIO_BIAS_NONE] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
    };
    return BIAS[l->bias] | (l->active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0);
}

static void add_output(struct bank *b, unsigned i) {
    int flags = flags_of(&b->lines[i]);
    struct gpiod_chip *chip = gpiod_line_get_chip(b->handles[i]);
    unsigned at = 0;
    for (; at < b->group_count; at++)
        if (b->groups[at].flags == flags &&
            gpiod_line_get_chip(gpiod_line_bulk_get_line(&b->groups[at].bulk, 0)) == chip)
            break;
    struct outputs *g = &b->groups[at];
    if (at == b->group_count) {
        b->group_count++;
        gpiod_line_bulk_init(&g->bulk);
        g->flags = flags;
    }
    b->group_of[i] = at;
    b->place_of[i] = gpiod_line_bulk_num_lines(&g->bulk);
    g->lines[b->place_of[i]] = i;
    g->values[b->place_of[i]] = b->lines[i].safe_active;
    gpiod_line_bulk_add(&g->bulk, b->handles[i]);
}

static int request_outputs(struct bank *b, const char *consumer) {
    for (unsigned i = 0; i < b->group_count; i++) {
        struct outputs *g = &b->groups[i];
        const struct gpiod_line_request_config config = {
            .consumer = consumer,
            .request_type = GPIOD_LINE_REQUEST_DIRECTION_OUTPUT,
            .flags = g->flags,
        };
        if (gpiod_line_request_bulk(&g->bulk, &config, g->values) != 0)
            return -errno;
        g->held = true;
    }
    return 0;
}

static int request_input(struct bank *b, unsigned i, const char *consumer) {
    if (gpiod_line_request_both_edges_events_flags(b->handles[i], consumer,
                                                   flags_of(&b->lines[i])) != 0)
        return -errno;
    b->held[i] = true;
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
    int fd = gpiod_line_event_get_fd(b->handles[i]);
    return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* Outputs first: they are to be safe whatever becomes of the inputs. */
static int request_all(struct bank *b, const char *consumer) {
    for (unsigned i = 0; i < b->count; i++)
        if (b->lines[i].output)
            add_output(b, i);
    int err = request_outputs(b, consumer);
    for (unsigned i = 0; err == 0 && i < b->count; i++)
        if (!b->lines[i].output)
            err = request_input(b, i, consumer);
    return err;
}

static int open_lines(struct bank *b, const char *consumer, char *why) {
    int err = b->epoll < 0 ? -errno : 0;
    for (unsigned i = 0; err == 0 && i < b->count; i++)
        err = find_line(b, i, why);
    if (err == 0)
        err = request_all(b, consumer);
    if (err < 0 && why[0] == '\0')
        snprintf(why, GPIO_WHY_BYTES, "the lines of %s: %s", b->count > 0 ? b->lines[0].chip : "-",
                 err_text(err));
    return err;
}

int gpio_chip_open(const struct gpio_line *lines, unsigned count, const char *consumer,
                   char why[GPIO_WHY_BYTES], struct gpio *ret_gpio) {
    why[0] = '\0';
    if (count > GPIO_LINES_MAX)
        return ERR_INVAL;
    struct bank *b = calloc(1, sizeof *b);
    if (b == NULL)
        return ERR_NOMEM;
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    b->count = count;
    for (unsigned i = 0; i < count; i++) {
        b->lines[i] = lines[i];
        b->last[i] = -1;
    }
    int err = open_lines(b, consumer, why);
    if (err != 0) {
        bank_close(b);
        return err;
    }
    *ret_gpio = (struct gpio){.ctx = b,
                              .debounces = false,
                              .stranger = b->stranger,
                              .fd = bank_fd,
                              .read = bank_read,
                              .level = bank_level,
                              .set = bank_set,
                              .close = bank_close};
    return 0;
}
