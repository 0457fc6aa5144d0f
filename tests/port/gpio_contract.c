#include "gpio_contract.h"
#include "debounce.h"
#include <poll.h>
#include <time.h>

enum { UNREAD = 200, EDGES_MAX = 1024, BOUNCES = 30 };

int64_t contract_now(void) {
    struct timespec ts = {0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

bool contract_readable(const struct gpio *g, int ms) {
    struct pollfd p = {.fd = g->fd(g->ctx), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

unsigned contract_collect(const struct gpio *g, struct gpio_edge *edges, unsigned want) {
    unsigned n = 0;
    while (n < want && contract_readable(g, 1000)) {
        int more = g->read(g->ctx, edges + n, want - n);
        assert_true(more >= 0);
        n += (unsigned)more;
    }
    return n;
}

static void pause_ms(unsigned ms) {
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}

static void move(const struct gpio_contract *c, unsigned line, bool active) {
    c->move(c->world, line, active);
    pause_ms(c->pace_ms);
}

static void one_edge(const struct gpio_contract *c, unsigned line, bool active) {
    const struct gpio *g = c->gpio;
    struct gpio_edge edges[8];
    int64_t before = contract_now();
    c->move(c->world, line, active);
    assert_true(contract_readable(g, 2000));
    assert_int_equal(1, g->read(g->ctx, edges, 8));
    assert_int_equal(line, edges[0].line);
    assert_int_equal(active, edges[0].active);
    assert_false(edges[0].gap);
    assert_true(edges[0].t_ns >= before && edges[0].t_ns <= contract_now());
    assert_int_equal(active, g->level(g->ctx, line));
    pause_ms(c->pace_ms);
}

/* Nothing waits, asking does not block, inputs are as they lie, outputs safe since the request. */
static void begins_at_rest(const struct gpio_contract *c) {
    const struct gpio *g = c->gpio;
    struct gpio_edge edges[8];
    assert_false(contract_readable(g, 0));
    assert_int_equal(0, g->read(g->ctx, edges, 8));
    assert_int_equal(1, g->level(g->ctx, CONTRACT_LOOP));
    assert_int_equal(0, g->level(g->ctx, CONTRACT_KNOCK));
    assert_int_equal(0, g->level(g->ctx, CONTRACT_REED));
    assert_int_equal(0, c->output(c->world, CONTRACT_SIREN));
    assert_int_equal(1, c->output(c->world, CONTRACT_LAMP));
}

static void edges_come_once(const struct gpio_contract *c) {
    one_edge(c, CONTRACT_LOOP, false);
    one_edge(c, CONTRACT_KNOCK, true);
    one_edge(c, CONTRACT_LOOP, true);
    one_edge(c, CONTRACT_KNOCK, false);
    assert_false(contract_readable(c->gpio, 0));
}

/* In pieces, in order of time across lines, and the descriptor says that there is more. */
static void what_waits_comes_in_pieces(const struct gpio_contract *c) {
    const struct gpio *g = c->gpio;
    struct gpio_edge edges[8];
    move(c, CONTRACT_LOOP, false);
    move(c, CONTRACT_LOOP, true);
    assert_true(contract_readable(g, 2000));
    assert_int_equal(1, g->read(g->ctx, edges, 1));
    assert_false(edges[0].active);
    assert_true(contract_readable(g, 0));
    assert_int_equal(1, g->read(g->ctx, edges, 8));
    assert_true(edges[0].active);
    move(c, CONTRACT_KNOCK, true);
    move(c, CONTRACT_LOOP, false);
    move(c, CONTRACT_KNOCK, false);
    move(c, CONTRACT_LOOP, true);
    assert_int_equal(4, contract_collect(g, edges, 4));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(i % 2 == 0 ? CONTRACT_KNOCK : CONTRACT_LOOP, edges[i].line);
        assert_true(i == 0 || edges[i].t_ns >= edges[i - 1].t_ns);
    }
}

static bool any_gap(const struct gpio_edge *edges, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (edges[i].gap)
            return true;
    return false;
}

/* So many moves that nobody reads: all are there, or a gap says that they are not; the level is
 * right either way, and the next edge is as good as ever. */
static void unread(const struct gpio_contract *c, unsigned moves) {
    static struct gpio_edge edges[EDGES_MAX];
    const struct gpio *g = c->gpio;
    assert_true(moves < EDGES_MAX);
    c->burst(c->world, CONTRACT_LOOP, moves);
    unsigned n = contract_collect(g, edges, EDGES_MAX);
    print_message("  %u edges unread: %u kept, %s\n", moves, n,
                  any_gap(edges, n) ? "gap told" : "no gap");
    assert_true(n >= (moves < c->queue ? moves : c->queue));
    assert_int_equal(n < moves, any_gap(edges, n));
    assert_int_equal(moves % 2 == 0, g->level(g->ctx, CONTRACT_LOOP));
    if (moves % 2 != 0) {
        move(c, CONTRACT_LOOP, true);
        contract_collect(g, edges, 1);
    }
    one_edge(c, CONTRACT_KNOCK, true);
    one_edge(c, CONTRACT_KNOCK, false);
    one_edge(c, CONTRACT_LOOP, false);
    one_edge(c, CONTRACT_LOOP, true);
}

struct contact {
    struct debounce d;
    unsigned edges, reports;
    int64_t at_ns; /* of the last report */
};

/* What is believed of a bouncing line: by the kernel, or by our own debounce where it does not. */
static void listen(const struct gpio_contract *c, struct contact *k, unsigned ms) {
    const struct gpio *g = c->gpio;
    struct gpio_edge e[8];
    for (int64_t end = contract_now() + ms * INT64_C(1000000); contract_now() < end;) {
        contract_readable(g, 1);
        int n = g->read(g->ctx, e, 8);
        assert_true(n >= 0);
        k->edges += (unsigned)n;
        for (int i = 0; i < n; i++)
            k->reports += debounce_edge(&k->d, e[i].active, e[i].t_ns, &k->at_ns);
        while (debounce_tick(&k->d, contract_now(), &k->at_ns))
            k->reports++;
    }
}

/* First the bounces come to nothing, then the contact closes. */
static void bounces(const struct gpio_contract *c) {
    const struct gpio *g = c->gpio;
    const int64_t period_ns = CONTRACT_DEBOUNCE_US * INT64_C(1000);
    for (unsigned end = 0; end < 2; end++) {
        struct contact k = {0};
        debounce_init(&k.d, DEBOUNCE_STABLE, g->debounces ? 0 : period_ns, false);
        int64_t before = contract_now();
        for (int i = 0; i < BOUNCES; i++) {
            c->move(c->world, CONTRACT_REED, i % 2 == 0);
            listen(c, &k, 1);
        }
        c->move(c->world, CONTRACT_REED, end == 1);
        int64_t after = contract_now();
        listen(c, &k, 2 * CONTRACT_DEBOUNCE_US / 1000 + 50);
        print_message("  %d bounces: %u edges, %u believed\n", BOUNCES, k.edges, k.reports);
        assert_int_equal(end, k.reports);
        assert_int_equal(end, k.d.level);
        assert_int_equal(end, g->level(g->ctx, CONTRACT_REED));
        assert_true(end == 0 || (k.at_ns >= before && k.at_ns <= after + period_ns));
        assert_true(!g->debounces || k.edges == k.reports);
    }
    struct contact k = {0};
    debounce_init(&k.d, DEBOUNCE_STABLE, g->debounces ? 0 : period_ns, true);
    c->move(c->world, CONTRACT_REED, false);
    listen(c, &k, 2 * CONTRACT_DEBOUNCE_US / 1000 + 50);
    assert_true(k.edges == 1 && k.reports == 1 && !k.d.level);
}

/* Each output by itself; inputs and strangers are refused. */
static void outputs_obey(const struct gpio_contract *c) {
    const struct gpio *g = c->gpio;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(0, g->set(g->ctx, CONTRACT_SIREN, i % 2 == 0));
        assert_int_equal(i % 2 == 0, c->output(c->world, CONTRACT_SIREN));
        assert_int_equal(i % 2 == 0, g->level(g->ctx, CONTRACT_SIREN));
        assert_int_equal(i < 2, c->output(c->world, CONTRACT_LAMP));
        if (i == 1)
            assert_int_equal(0, g->set(g->ctx, CONTRACT_LAMP, false));
    }
    assert_true(g->set(g->ctx, CONTRACT_LOOP, true) < 0);
    assert_true(g->set(g->ctx, CONTRACT_LINES, true) < 0);
    assert_true(g->level(g->ctx, CONTRACT_LINES) < 0);
}

static void closing_makes_safe(const struct gpio_contract *c) {
    const struct gpio *g = c->gpio;
    assert_int_equal(0, g->set(g->ctx, CONTRACT_SIREN, true));
    g->close(g->ctx);
    assert_int_equal(0, c->output(c->world, CONTRACT_SIREN));
}

void gpio_contract_run(const struct gpio_contract *c) {
    begins_at_rest(c);
    edges_come_once(c);
    what_waits_comes_in_pieces(c);
    unread(c, UNREAD);
    unread(c, c->queue + 33);
    bounces(c);
    outputs_obey(c);
    closing_makes_safe(c);
}
