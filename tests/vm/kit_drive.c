/* kit_drive: every kit on every board, on simulated chips: each input is pulled and must be seen on
 * its role, each output is set and must be seen on its pin.
 *
 * usage: kit_drive BOARDS PLAN, in a machine of tools/vm-test (root, gpio-sim).
 *
 * PLAN says what a person with a meter would: which role sits on which line of which chip.  It is
 * made by tools/vm.d/plan.py from the same files, by code that has nothing in common with
 * firmware/port/board.c.  Its lines, words divided by blanks:
 *   board NAME / chip LABEL LINES / name LABEL OFFSET NAME / kit NAME
 *   in ROLE LABEL OFFSET low|high on|off / out ROLE LABEL OFFSET low|high on|off (at rest, or safe)
 *   end
 * Prints one line "CASE pass|fail SECONDS kits on NAME: ..." per board.  Inputs are pulled STEP_MS
 * apart; an edge belongs to its pull by its time, so that two lines that changed places are found.
 */
#include "board.h"
#include "gpio_chip.h"
#include "gpio_sim.h"
#include "log.h"
#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_MS = 25, SETTLE_MS = 800, LINE_NAMES = 512, WORDS = 6 };
static const int64_t MS = 1000000;

struct chip {
    char label[GPIO_LABEL_MAX + 1];
    unsigned lines;
    char names[LINE_NAMES][32];
    struct gpio_sim sim;
};

struct wire {
    char role[32];
    unsigned chip, offset;
    bool output, low, rest; /* rest: active at rest; outputs: safe */
};

struct drive {
    const char *boards;
    char board[32], kit[32];
    struct chip chips[GPIO_CHIPS_MAX];
    unsigned chip_count;
    struct wire wires[GPIO_LINES_MAX];
    unsigned wire_count;
    unsigned kits, inputs, outputs, bad;
    int64_t began_ns;
    char why[160];
};

static int64_t now_ns(void) {
    struct timespec ts = {0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void pause_ms(long ms) {
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS};
    nanosleep(&ts, NULL);
}

static void complain(struct drive *d, const char *role, const char *what) {
    if (d->bad++ == 0)
        snprintf(d->why, sizeof d->why, "%.31s %.31s %.80s", d->kit, role, what);
    printf("  %s on %s: %s %s\n", d->kit, d->board, role, what);
}

static void pull(struct drive *d, const struct wire *w, bool active) {
    gpio_sim_pull(&d->chips[w->chip].sim, w->offset, active != w->low);
}

static bool seen(const struct drive *d, const struct wire *w) {
    return (gpio_sim_value(&d->chips[w->chip].sim, w->offset) == 1) != w->low;
}

/* --- driving -------------------------------------------------------------------------------- */

/* Which inputs are away from their rest in a round: those whose number has that bit, so that no two
 * inputs are treated alike and lines that changed places are found.  Round 0: none. */
static bool away(unsigned input, unsigned round) {
    return round > 0 && ((input + 1) >> (round - 1) & 1) != 0;
}

static bool all_read(const struct drive *d, const struct gpio *g, unsigned round) {
    for (unsigned i = 0; i < d->wire_count; i++)
        if (!d->wires[i].output && g->level(g->ctx, i) != (away(i, round) != d->wires[i].rest))
            return false;
    return true;
}

/* Edges until the slowest debounce is over, and a little longer; then whatever still waits, for a
 * machine that stood still meanwhile. */
static void collect(const struct drive *d, const struct gpio *g, unsigned round, unsigned *edges) {
    struct gpio_edge e[16];
    int64_t end = now_ns() + SETTLE_MS * MS;
    bool over = false, settled = false;
    for (int n = 0; n > 0 || !over;) {
        over = now_ns() >= end;
        if (!settled && all_read(d, g, round)) {
            settled = true;
            over = false;
            end = now_ns() + STEP_MS * MS;
        }
        struct pollfd p = {.fd = g->fd(g->ctx), .events = POLLIN};
        poll(&p, 1, 10);
        n = g->read(g->ctx, e, 16);
        for (int i = 0; i < n; i++)
            edges[e[i].line]++;
    }
}

static void drive_round(struct drive *d, const struct gpio *g, unsigned before, unsigned round) {
    unsigned edges[GPIO_LINES_MAX] = {0};
    for (unsigned i = 0; i < d->wire_count; i++)
        if (!d->wires[i].output)
            pull(d, &d->wires[i], away(i, round) != d->wires[i].rest);
    collect(d, g, round, edges);
    for (unsigned i = 0; i < d->wire_count; i++) {
        const struct wire *w = &d->wires[i];
        unsigned wanted = !w->output && away(i, before) != away(i, round);
        if (edges[i] != wanted)
            complain(d, w->role, edges[i] < wanted ? "was pulled and not seen" : "moved unpulled");
        if (!w->output && g->level(g->ctx, i) != (away(i, round) != w->rest))
            complain(d, w->role, "reads wrong");
    }
}

static void drive_inputs(struct drive *d, const struct gpio *g) {
    unsigned last = 0;
    for (unsigned round = 1; d->wire_count >> (round - 1) != 0; last = round++)
        drive_round(d, g, last, round);
    drive_round(d, g, last, 0);
}

static void look_at_outputs(struct drive *d, unsigned turned) {
    for (unsigned i = 0; i < d->wire_count; i++) {
        const struct wire *w = &d->wires[i];
        if (w->output && seen(d, w) != (i == turned ? !w->rest : w->rest))
            complain(d, w->role, i == turned ? "does not obey" : "is not in its safe state");
    }
}

static void drive_outputs(struct drive *d, const struct gpio *g) {
    look_at_outputs(d, GPIO_LINES_MAX);
    for (unsigned i = 0; i < d->wire_count; i++) {
        const struct wire *w = &d->wires[i];
        if (!w->output)
            continue;
        if (g->set(g->ctx, i, !w->rest) < 0)
            complain(d, w->role, "cannot be set");
        look_at_outputs(d, i);
        if (g->set(g->ctx, i, w->rest) < 0)
            complain(d, w->role, "cannot be set back");
        d->outputs++;
    }
    look_at_outputs(d, GPIO_LINES_MAX);
}

/* A chip takes a kit's pull-up as its wire's: the wires are put at rest, and that is forgotten. */
static void rest(struct drive *d, const struct gpio *g) {
    struct gpio_edge e[64];
    for (unsigned i = 0; i < d->wire_count; i++)
        if (!d->wires[i].output) {
            pull(d, &d->wires[i], d->wires[i].rest);
            d->inputs++;
        }
    for (int i = 0; i < SETTLE_MS / STEP_MS && !all_read(d, g, 0); i++)
        pause_ms(STEP_MS);
    pause_ms(STEP_MS);
    while (g->read(g->ctx, e, 64) > 0)
        ;
}

static int load(const struct drive *d, struct board *board, struct kit *kit,
                struct gpio_line *lines) {
    static struct conf_errors errors;
    char path[256];
    snprintf(path, sizeof path, "%s/%s.ini", d->boards, d->board);
    int err = board_load(path, board, &errors);
    snprintf(path, sizeof path, "%s/kits/%s.ini", d->boards, d->kit);
    if (err >= 0)
        err = kit_load(path, kit, &errors);
    if (err >= 0)
        err = board_resolve(board, kit, lines, &errors);
    conf_errors_print(&errors, stdout);
    return err;
}

static void drive_kit(struct drive *d) {
    static struct board board;
    static struct kit kit;
    struct gpio_line lines[GPIO_LINES_MAX];
    char why[GPIO_WHY_BYTES] = "";
    struct gpio g;
    d->kits++;
    int count = load(d, &board, &kit, lines);
    if (count < 0 || (unsigned)count != d->wire_count) {
        complain(d, "-", "does not resolve to the lines that its file names");
        return;
    }
    for (unsigned i = 0; i < d->wire_count; i++)
        if (strcmp(lines[i].role, d->wires[i].role) != 0)
            complain(d, d->wires[i].role, "stands at another place");
    if (gpio_chip_open(lines, (unsigned)count, "kit_drive", why, &g) < 0) {
        complain(d, "-", why);
        return;
    }
    drive_outputs(d, &g);
    rest(d, &g);
    drive_inputs(d, &g);
    g.close(g.ctx);
}

/* --- the plan ------------------------------------------------------------------------------- */

static struct chip *chip_labelled(struct drive *d, const char *label) {
    for (unsigned i = 0; i < d->chip_count; i++)
        if (strcmp(d->chips[i].label, label) == 0)
            return &d->chips[i];
    fprintf(stderr, "kit_drive: the plan names no chip %s\n", label);
    exit(2);
}

static void begin_board(struct drive *d, char **w) {
    *d = (struct drive){.boards = d->boards, .began_ns = now_ns()};
    snprintf(d->board, sizeof d->board, "%s", w[1]);
}

static void add_chip(struct drive *d, char **w) {
    assert(d->chip_count < GPIO_CHIPS_MAX);
    struct chip *c = &d->chips[d->chip_count++];
    snprintf(c->label, sizeof c->label, "%s", w[1]);
    c->lines = (unsigned)strtoul(w[2], NULL, 10);
    assert(c->lines <= LINE_NAMES);
}

static void add_name(struct drive *d, char **w) {
    struct chip *c = chip_labelled(d, w[1]);
    unsigned long offset = strtoul(w[2], NULL, 10);
    assert(offset < c->lines);
    snprintf(c->names[offset], sizeof c->names[offset], "%s", w[3]);
}

static void make_chips(struct drive *d) {
    for (unsigned i = 0; i < d->chip_count; i++) {
        struct chip *c = &d->chips[i];
        const char *names[LINE_NAMES];
        char name[16];
        for (unsigned n = 0; n < c->lines; n++)
            names[n] = c->names[n][0] != '\0' ? c->names[n] : NULL;
        snprintf(name, sizeof name, "drive%u", i);
        gpio_sim_make(&c->sim, name, c->label, c->lines, names);
    }
}

/* The kit before is complete when another begins. */
static void begin_kit(struct drive *d, char **w) {
    if (d->kit[0] == '\0')
        make_chips(d);
    else
        drive_kit(d);
    snprintf(d->kit, sizeof d->kit, "%s", w[1]);
    d->wire_count = 0;
}

static void add_wire(struct drive *d, char **w) {
    assert(d->wire_count < GPIO_LINES_MAX);
    struct wire *v = &d->wires[d->wire_count++];
    snprintf(v->role, sizeof v->role, "%s", w[1]);
    v->chip = (unsigned)(chip_labelled(d, w[2]) - d->chips);
    v->offset = (unsigned)strtoul(w[3], NULL, 10);
    v->output = strcmp(w[0], "out") == 0;
    v->low = strcmp(w[4], "low") == 0;
    v->rest = strcmp(w[5], "on") == 0;
}

static unsigned all_bad;

static void end_board(struct drive *d, char **w) {
    (void)w;
    drive_kit(d);
    for (unsigned i = 0; i < d->chip_count; i++)
        gpio_sim_drop(&d->chips[i].sim);
    double seconds = (double)(now_ns() - d->began_ns) / 1e9;
    if (d->bad > 0)
        printf("CASE fail %.1f kits on %s: %u wrong, first: %s\n", seconds, d->board, d->bad,
               d->why);
    else
        printf("CASE pass %.1f kits on %s: %u kits, %u inputs, %u outputs\n", seconds, d->board,
               d->kits, d->inputs, d->outputs);
    fflush(stdout);
    all_bad += d->bad;
}

static const struct {
    const char *word;
    unsigned words;
    void (*obey)(struct drive *d, char **words);
} PLAN[] = {
    {"board", 2, begin_board}, {"chip", 3, add_chip}, {"name", 4, add_name}, {"kit", 2, begin_kit},
    {"in", 6, add_wire},       {"out", 6, add_wire},  {"end", 1, end_board},
};

static void obey(struct drive *d, char *text, int at) {
    char *words[WORDS + 1] = {0}, *rest_of = NULL;
    unsigned count = 0;
    for (char *w = strtok_r(text, " \n", &rest_of); w != NULL && count < WORDS;
         w = strtok_r(NULL, " \n", &rest_of))
        words[count++] = w;
    for (size_t i = 0; count > 0 && i < sizeof PLAN / sizeof PLAN[0]; i++)
        if (strcmp(PLAN[i].word, words[0]) == 0 && PLAN[i].words == count) {
            PLAN[i].obey(d, words);
            return;
        }
    fprintf(stderr, "kit_drive: line %d of the plan makes no sense\n", at);
    exit(2);
}

int main(int argc, char **argv) {
    static struct drive d;
    char text[256];
    FILE *plan = argc == 3 ? fopen(argv[2], "re") : NULL;
    if (plan == NULL || gpio_sim_root() == NULL) {
        fputs("usage: kit_drive BOARDS PLAN, with MOORWATCH_GPIO_SIM set\n", stderr);
        return 2;
    }
    log_init();
    d.boards = argv[1];
    for (int at = 1; fgets(text, sizeof text, plan) != NULL; at++)
        obey(&d, text, at);
    fclose(plan);
    return all_bad > 0;
}
