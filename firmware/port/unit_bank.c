#include "unit_bank.h"
#include "gpio_chip.h"
#include "gpio_host.h"
#include "log.h"
#include <inttypes.h>
#include <string.h>

static const char MODULE[] = "gpio";
static const int64_t S_NS = 1000000000, RETRY_NS = INT64_C(60) * 1000000000;

enum { EDGES = 64, DRAINS = 16 };

void unit_bank_init(struct unit_bank *b, const struct unit_conf *conf,
                    const struct unit_board *board, const char *consumer) {
    *b = (struct unit_bank){.conf = conf, .board = board, .consumer = consumer};
    for (unsigned i = 0; i < board->count; i++) {
        const struct kit_line *l = &board->kit.lines[i];
        debounce_init(&b->inputs[i], (enum debounce_mode)l->filter, l->debounce_ns,
                      board->lines[i].rest_active);
        b->outputs[i] = board->lines[i].safe_active;
        b->on_ns[i] = INT64_MAX;
    }
    b->retry_ns = board->lost ? INT64_MAX : 0; /* only a start reads the files again */
}

static int open_lines(const struct unit_board *board, const struct gpio_host_conf *host,
                      const struct gpio_line *lines, unsigned count, const char *consumer,
                      char *why, struct gpio *ret_gpio) {
    if (board->board.support != BOARD_HOST)
        return gpio_chip_open(lines, count, consumer, why, ret_gpio);
    int err = gpio_host_open(host, lines, count, ret_gpio);
    if (err < 0)
        snprintf(why, GPIO_WHY_BYTES, "the host board's files: %s", err_text(err));
    return err;
}

static int open_bank(struct unit_bank *b, char *why) {
    const struct gpio_host_conf host = {b->conf->gpio_socket, b->conf->gpio_script,
                                        b->conf->gpio_state};
    return open_lines(b->board, &host, b->board->lines, b->board->count, b->consumer, why,
                      &b->gpio);
}

/* Closed by the next step, not here: callers are still at work on the lines. */
static void fail(struct unit_bank *b, const char *what, int err) {
    b->broken = err;
    if (!b->said)
        log_error(MODULE, "%s: %s: the lines are closed and opened again, every minute if need be",
                  what, err_text(err));
    b->said = true;
}

/* The limit is the kit's, and knows nothing of locks: logic that went wrong keeps no siren on.
 * One that does not go off is requested anew with its safe level, and is not put on again. */
static void limit(struct unit_bank *b, int64_t now_ns) {
    for (unsigned i = 0; i < b->board->count; i++) {
        int64_t max_ns = b->board->kit.lines[i].max_on_ns;
        if (max_ns == 0 || b->on_ns[i] == INT64_MAX || now_ns - b->on_ns[i] < max_ns)
            continue;
        int err = b->gpio.set(b->gpio.ctx, i, false);
        if (err < 0)
            fail(b, b->board->lines[i].role, err);
        else
            log_error(MODULE, "%s: on for %" PRId64 " s, the kit's max_on: switched off",
                      b->board->lines[i].role, max_ns / S_NS);
        b->on_ns[i] = INT64_MAX;
        b->cut[i] = true;
    }
}

/* The state of the world before the first edge; after a re-opening, edges as if they came now.
 * What the kernel debounces is not debounced again. */
static void read_levels(struct unit_bank *b, int64_t now_ns) {
    for (unsigned i = 0; i < b->board->count; i++) {
        const struct gpio_line *l = &b->board->lines[i];
        struct debounce *d = &b->inputs[i];
        if (l->output) {
            unit_bank_set(b, i, b->outputs[i], now_ns);
            continue;
        }
        if (b->gpio.debounces && l->debounce_us > 0)
            d->period_ns = 0;
        int level = b->gpio.level(b->gpio.ctx, i);
        if (level < 0)
            fail(b, b->board->lines[i].role, level);
        else if (!b->known)
            debounce_init(d, d->mode, d->period_ns, level == 1);
    }
    b->known = b->known || b->broken == 0;
}

bool unit_bank_open(struct unit_bank *b, int64_t now_ns) {
    char why[GPIO_WHY_BYTES] = "";
    if (b->open || now_ns < b->retry_ns)
        return b->open;
    int err = open_bank(b, why);
    if (err == 0) {
        b->open = true;
        b->broken = 0;
        limit(b, now_ns); /* before a siren is put on again */
        read_levels(b, now_ns);
    } else {
        b->broken = err;
        if (!b->said)
            log_error(MODULE, "%s; trying again every minute", why);
        b->said = true;
    }
    b->retry_ns = now_ns + RETRY_NS;
    return b->open;
}

static void feed(struct unit_bank *b, unsigned line, bool raw, int64_t t_ns, unit_bank_moved *moved,
                 void *ctx) {
    int64_t at;
    if (debounce_edge(&b->inputs[line], raw, t_ns, &at))
        moved(ctx, line, b->inputs[line].level, at);
}

static void drain(struct unit_bank *b, unit_bank_moved *moved, void *ctx) {
    struct gpio_edge edges[EDGES];
    for (int round = 0; round < DRAINS; round++) {
        int n = b->gpio.read(b->gpio.ctx, edges, EDGES);
        if (n < 0)
            fail(b, "the edges", n);
        for (int i = 0; i < n; i++) {
            if (edges[i].gap && b->gaps++ == 0)
                log_warn(MODULE, "%s: edges were lost; counting from here",
                         b->board->lines[edges[i].line].role);
            feed(b, edges[i].line, edges[i].active, edges[i].t_ns, moved, ctx);
        }
        if (n <= 0)
            return;
    }
}

int64_t unit_bank_due(const struct unit_bank *b) {
    int64_t next = b->broken != 0 ? INT64_MIN : INT64_MAX;
    if (!b->open)
        return INT64_MAX; /* opening it again is what comes next */
    for (unsigned i = 0; i < b->board->count; i++) {
        int64_t max_ns = b->board->kit.lines[i].max_on_ns;
        if (max_ns > 0 && b->on_ns[i] != INT64_MAX && b->on_ns[i] + max_ns < next)
            next = b->on_ns[i] + max_ns;
    }
    return next;
}

int32_t unit_bank_detail(const struct unit_bank *b) {
    if (b->broken != 0 || !b->open)
        return b->broken;
    for (unsigned i = 0; i < b->board->count; i++)
        if (b->cut[i])
            return (int32_t)i + 1;
    return (int32_t)b->gpio.stranger;
}

bool unit_bank_faulty(const struct unit_bank *b) {
    return !b->open || unit_bank_detail(b) != 0;
}

/* Each input's level, and what its filter makes of it.  Returns when a filter wants to be asked. */
static int64_t settle(struct unit_bank *b, int64_t now_ns, unit_bank_moved *moved, void *ctx) {
    int64_t next = INT64_MAX, at;
    for (unsigned i = 0; i < b->board->count; i++) {
        if (b->board->lines[i].output)
            continue;
        int level = b->gpio.level(b->gpio.ctx, i);
        if (level < 0)
            fail(b, b->board->lines[i].role, level);
        else
            feed(b, i, level == 1, now_ns, moved, ctx);
        while (debounce_tick(&b->inputs[i], now_ns, &at))
            moved(ctx, i, b->inputs[i].level, at);
        if (debounce_next(&b->inputs[i]) < next)
            next = debounce_next(&b->inputs[i]);
    }
    return next;
}

int64_t unit_bank_step(struct unit_bank *b, int64_t now_ns, unit_bank_moved *moved, void *ctx) {
    int64_t next = INT64_MAX;
    if (b->open && b->broken == 0) {
        limit(b, now_ns);
        drain(b, moved, ctx);
        next = settle(b, now_ns, moved, ctx);
    }
    if (b->broken != 0)
        unit_bank_close(b);
    if (!b->open)
        return b->retry_ns;
    if (b->said)
        log_info(MODULE, "the lines work now");
    b->said = false;
    return next;
}

bool unit_bank_level(const struct unit_bank *b, unsigned line) {
    return b->board->lines[line].output ? b->outputs[line] : b->inputs[line].level;
}

void unit_bank_set(struct unit_bank *b, unsigned line, bool active, int64_t now_ns) {
    b->outputs[line] = active;
    if (!active)
        b->cut[line] = false;
    if (!b->open || b->cut[line])
        return;
    int err = b->gpio.set(b->gpio.ctx, line, active);
    if (err < 0) {
        fail(b, b->board->lines[line].role, err);
        return;
    }
    if (!active)
        b->on_ns[line] = INT64_MAX;
    else if (b->on_ns[line] == INT64_MAX)
        b->on_ns[line] = now_ns;
}

void unit_bank_close(struct unit_bank *b) {
    if (b->open)
        b->gpio.close(b->gpio.ctx);
    b->open = false;
}

int unit_bank_make_safe(const struct unit_conf *conf, const struct unit_board *board,
                        const char *consumer) {
    const struct gpio_host_conf host = {.state_path = conf->gpio_state};
    struct gpio_line outputs[GPIO_LINES_MAX];
    char why[GPIO_WHY_BYTES] = "";
    struct gpio gpio;
    unsigned count = 0;
    for (unsigned i = 0; i < board->count; i++)
        if (board->lines[i].output)
            outputs[count++] = board->lines[i];
    if (count == 0)
        return 0;
    int err = open_lines(board, &host, outputs, count, consumer, why, &gpio);
    if (err == 0) {
        gpio.close(gpio.ctx);
        return 0;
    }
    log_error(MODULE, "%s", why);
    for (unsigned i = 0; count > 1 && i < count; i++) {
        int one = open_lines(board, &host, &outputs[i], 1, consumer, why, &gpio);
        if (one == 0)
            gpio.close(gpio.ctx);
        else
            log_error(MODULE, "not made safe: %s", why);
    }
    return err;
}
