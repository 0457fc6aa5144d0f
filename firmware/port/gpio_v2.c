#include "gpio_chip.h"
#include "log.h"
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const char MODULE[] = "gpio";

enum { EVENTS = 64, KERNEL_EVENTS = 512 };

/* One request per chip, inputs and outputs together. */
struct part {
    const char *label;
    unsigned lines; /* that the chip has */
    struct gpiod_chip *chip;
    struct gpiod_line_request *request;
};

struct bank {
    struct gpio_line lines[GPIO_LINES_MAX];
    unsigned part_of[GPIO_LINES_MAX];
    unsigned long seq[GPIO_LINES_MAX]; /* of the newest edge */
    unsigned count;
    struct part parts[GPIO_CHIPS_MAX];
    unsigned part_count;
    struct gpiod_edge_event_buffer *events;
    unsigned stranger; /* as in struct gpio */
    int epoll;
};

const char *gpio_chip_library(void) {
    static char text[32];
    snprintf(text, sizeof text, "libgpiod %s", gpiod_api_version());
    return text;
}

unsigned gpio_chip_queue(void) {
    return KERNEL_EVENTS;
}

/* --- the seam ------------------------------------------------------------------------------- */

static int bank_fd(void *ctx) {
    return ((struct bank *)ctx)->epoll;
}

static int line_at(const struct bank *b, unsigned part, unsigned offset) {
    for (unsigned i = 0; i < b->count; i++)
        if (b->part_of[i] == part && b->lines[i].offset == offset)
            return (int)i;
    return ERR_NOENT;
}

/* The kernel stamps a debounced edge when the level has stood, and means: since then. */
static int64_t since_ns(const struct gpio_line *l, uint64_t stamp_ns) {
    return (int64_t)stamp_ns - (int64_t)l->debounce_us * 1000;
}

static int read_part(struct bank *b, unsigned part, struct gpio_edge *edges, unsigned cap) {
    int n = gpiod_line_request_read_edge_events(b->parts[part].request, b->events,
                                                cap < EVENTS ? cap : EVENTS);
    unsigned kept = 0;
    for (int i = 0; i < n; i++) {
        struct gpiod_edge_event *e = gpiod_edge_event_buffer_get_event(b->events, (unsigned long)i);
        int line = line_at(b, part, gpiod_edge_event_get_line_offset(e));
        if (line < 0)
            continue;
        unsigned long seq = gpiod_edge_event_get_line_seqno(e);
        edges[kept++] = (struct gpio_edge){
            .t_ns = since_ns(&b->lines[line], gpiod_edge_event_get_timestamp_ns(e)),
            .line = (unsigned)line,
            .active = gpiod_edge_event_get_event_type(e) == GPIOD_EDGE_EVENT_RISING_EDGE,
            .gap = seq != b->seq[line] + 1,
        };
        b->seq[line] = seq;
    }
    return n < 0 ? -errno : (int)kept;
}

static int bank_read(void *ctx, struct gpio_edge *edges, unsigned cap) {
    struct bank *b = ctx;
    struct epoll_event ready[GPIO_CHIPS_MAX];
    unsigned n = 0;
    int waiting = epoll_wait(b->epoll, ready, GPIO_CHIPS_MAX, 0);
    for (int i = 0; i < waiting && n < cap; i++) {
        int more = read_part(b, ready[i].data.u32, edges + n, cap - n);
        if (more < 0)
            return more;
        n += (unsigned)more;
    }
    gpio_chip_sort(edges, n);
    return waiting < 0 && errno != EINTR ? -errno : (int)n;
}

static int bank_level(void *ctx, unsigned line) {
    const struct bank *b = ctx;
    if (line >= b->count)
        return ERR_INVAL;
    enum gpiod_line_value value =
        gpiod_line_request_get_value(b->parts[b->part_of[line]].request, b->lines[line].offset);
    return value == GPIOD_LINE_VALUE_ERROR ? -errno : value == GPIOD_LINE_VALUE_ACTIVE;
}

static enum gpiod_line_value value_of(bool active) {
    return active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

static int bank_set(void *ctx, unsigned line, bool active) {
    const struct bank *b = ctx;
    if (line >= b->count || !b->lines[line].output)
        return ERR_INVAL;
    return gpiod_line_request_set_value(b->parts[b->part_of[line]].request, b->lines[line].offset,
                                        value_of(active)) == 0
               ? 0
               : -errno;
}

static void bank_close(void *ctx) {
    struct bank *b = ctx;
    for (unsigned i = 0; i < b->count; i++)
        if (b->lines[i].output && b->parts[b->part_of[i]].request != NULL &&
            bank_set(b, i, b->lines[i].safe_active) != 0)
            log_warn(MODULE, "%s: could not be made safe: %s", b->lines[i].role, strerror(errno));
    for (unsigned i = 0; i < b->part_count; i++) {
        if (b->parts[i].request != NULL)
            gpiod_line_request_release(b->parts[i].request);
        gpiod_chip_close(b->parts[i].chip);
    }
    if (b->events != NULL)
        gpiod_edge_event_buffer_free(b->events);
    if (b->epoll >= 0)
        close(b->epoll);
    free(b);
}

/* --- finding -------------------------------------------------------------------------------- */

static int label_of(const char *path, char ret_label[GPIO_LABEL_MAX + 1]) {
    struct gpiod_chip *chip = gpiod_chip_open(path);
    struct gpiod_chip_info *info = chip != NULL ? gpiod_chip_get_info(chip) : NULL;
    int err = info != NULL ? 0 : -errno;
    if (info != NULL) {
        snprintf(ret_label, GPIO_LABEL_MAX + 1, "%s", gpiod_chip_info_get_label(info));
        gpiod_chip_info_free(info);
    }
    if (chip != NULL)
        gpiod_chip_close(chip);
    return err;
}

/* libgpiod 2 opens by path only. */
static int part_for(struct bank *b, const struct gpio_line *l, char *why) {
    char path[GPIO_PATH_BYTES];
    for (unsigned i = 0; i < b->part_count; i++)
        if (strcmp(b->parts[i].label, l->chip) == 0)
            return (int)i;
    int err = b->part_count == GPIO_CHIPS_MAX ? ERR_INVAL : 0;
    if (err == 0)
        err = gpio_chip_find(l, label_of, why, path);
    if (err < 0)
        return err;
    struct gpiod_chip *chip = gpiod_chip_open(path);
    struct gpiod_chip_info *info = chip != NULL ? gpiod_chip_get_info(chip) : NULL;
    if (info == NULL) {
        err = -errno;
        if (chip != NULL)
            gpiod_chip_close(chip);
        return err;
    }
    b->parts[b->part_count] = (struct part){
        .label = l->chip,
        .chip = chip,
        .lines = (unsigned)gpiod_chip_info_get_num_lines(info),
    };
    gpiod_chip_info_free(info);
    return (int)b->part_count++;
}

/* --- opening -------------------------------------------------------------------------------- */

/* Finds the line and says beforehand what the request could only call an error. */
static int check_line(struct bank *b, unsigned i, char *why) {
    const struct gpio_line *l = &b->lines[i];
    int part = part_for(b, l, why);
    int err = part < 0 ? part : gpio_chip_fits(l, b->parts[part].lines, why);
    if (err < 0)
        return err;
    b->part_of[i] = (unsigned)part;
    struct gpiod_line_info *info = gpiod_chip_get_line_info(b->parts[part].chip, l->offset);
    if (info == NULL)
        return -errno;
    const char *name = gpiod_line_info_get_name(info);
    if (gpiod_line_info_is_used(info))
        err = gpio_chip_busy(l, gpiod_line_info_get_consumer(info), why);
    else if (gpio_chip_strange(l, name) && b->stranger == 0)
        b->stranger = i + 1;
    gpiod_line_info_free(info);
    return err;
}

static int add_line(struct gpiod_line_config *config, struct gpiod_line_settings *s,
                    const struct gpio_line *l) {
    static const enum gpiod_line_bias BIAS[] = {
        [GPIO_BIAS_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
        [GPIO_BIAS_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
        [GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
        [GPIO_BIAS_NONE] = GPIOD_LINE_BIAS_DISABLED,
    };
    gpiod_line_settings_reset(s);
    int bad = gpiod_line_settings_set_bias(s, BIAS[l->bias]);
    gpiod_line_settings_set_active_low(s, l->active_low);
    if (l->output) {
        bad |= gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_OUTPUT);
        bad |= gpiod_line_settings_set_output_value(s, value_of(l->safe_active));
    } else {
        bad |= gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_INPUT);
        bad |= gpiod_line_settings_set_edge_detection(s, GPIOD_LINE_EDGE_BOTH);
        bad |= gpiod_line_settings_set_event_clock(s, GPIOD_LINE_CLOCK_MONOTONIC);
        gpiod_line_settings_set_debounce_period_us(s, l->debounce_us);
    }
    unsigned offset = l->offset;
    return bad != 0 ? -1 : gpiod_line_config_add_line_settings(config, &offset, 1, s);
}

static int request_part(struct bank *b, unsigned part, const char *consumer) {
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *config = gpiod_line_config_new();
    struct gpiod_request_config *how = gpiod_request_config_new();
    bool good = settings != NULL && config != NULL && how != NULL;
    for (unsigned i = 0; good && i < b->count; i++)
        if (b->part_of[i] == part)
            good = add_line(config, settings, &b->lines[i]) == 0;
    if (good) {
        gpiod_request_config_set_consumer(how, consumer);
        gpiod_request_config_set_event_buffer_size(how, KERNEL_EVENTS);
        b->parts[part].request = gpiod_chip_request_lines(b->parts[part].chip, how, config);
    }
    int err = b->parts[part].request != NULL ? 0 : errno != 0 ? -errno : ERR_NOMEM;
    if (how != NULL)
        gpiod_request_config_free(how);
    if (config != NULL)
        gpiod_line_config_free(config);
    if (settings != NULL)
        gpiod_line_settings_free(settings);
    return err;
}

static int open_parts(struct bank *b, const char *consumer, char *why) {
    int err = 0;
    for (unsigned i = 0; err == 0 && i < b->count; i++)
        err = check_line(b, i, why);
    for (unsigned i = 0; err == 0 && i < b->part_count; i++) {
        err = request_part(b, i, consumer);
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        if (err == 0 && epoll_ctl(b->epoll, EPOLL_CTL_ADD,
                                  gpiod_line_request_get_fd(b->parts[i].request), &e) != 0)
            err = -errno;
    }
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
    memcpy(b->lines, lines, count * sizeof lines[0]);
    b->count = count;
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    b->events = gpiod_edge_event_buffer_new(EVENTS);
    int err = b->epoll < 0 || b->events == NULL ? -errno : open_parts(b, consumer, why);
    if (err != 0) {
        bank_close(b);
        return err;
    }
    *ret_gpio = (struct gpio){.ctx = b,
                              .debounces = true,
                              .stranger = b->stranger,
                              .fd = bank_fd,
                              .read = bank_read,
                              .level = bank_level,
                              .set = bank_set,
                              .close = bank_close};
    return 0;
}
