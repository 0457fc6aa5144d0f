/* boardlint: every board file with every kit file, with no hardware.
 *
 * Usage: see HELP.  Exit 0: all that is claimed fits.  Guarded by tests/tools/boardlint_test.sh. */
#include "board_boot.h"
#include "board_explain.h"
#include "dump.h"
#include <getopt.h>
#include <string.h>

static const char HELP[] =
    "usage: tools/boardlint [--dir DIR]                table of boards and kits, and what is "
    "wrong\n"
    "       tools/boardlint --explain BOARD KIT        the pins, devices and boot needs of one "
    "pair\n"
    "       tools/boardlint --boot BOARD [KIT]         boot fragment: for one kit, or for all\n"
    "       tools/boardlint --chips BOARD              for programs: its chips and named lines\n"
    "       tools/boardlint --lines BOARD KIT          for programs: the lines of one pair\n"
    "       tools/boardlint --pairs                    for programs: which kits claim which "
    "boards\n"
    "A kit claims every board that has its connector.  Exit 1: something is wrong.\n";

enum { USAGE = 2 };

static struct lint lint;

static void print_table(void) {
    static const char *const WORDS[] = {"-", "fits", "WRONG"};
    static const char *const SUPPORT[] = {"tested", "community", "host"};
    printf("%-24s", "");
    for (unsigned b = 0; b < lint.board_count; b++)
        printf("%6u", b + 1);
    putchar('\n');
    for (unsigned k = 0; k < lint.kit_count; k++) {
        printf("%-24s", lint.kits[k].id);
        for (unsigned b = 0; b < lint.board_count; b++)
            printf("%6s", WORDS[lint_pair(&lint, &lint.boards[b], &lint.kits[k])]);
        printf("   %s\n", lint.kits[k].connector);
    }
    puts("\nfits; -: that board has another connector; WRONG: claims the board and does not fit\n");
    for (unsigned b = 0; b < lint.board_count; b++) {
        printf("%2u %-22s %-10s", b + 1, lint.boards[b].id, SUPPORT[lint.boards[b].support]);
        for (unsigned c = 0; c < lint.boards[b].connector_count; c++)
            printf(" %s", lint.boards[b].connectors[c].type);
        putchar('\n');
    }
}

static int check_all(void) {
    print_table();
    lint_all(&lint);
    printf("\n%u boards, %u kits, %u errors\n", lint.board_count, lint.kit_count, lint.wrong);
    return lint.wrong == 0 ? 0 : 1;
}

struct pair {
    const struct board *board;
    const struct kit *kit;
    struct gpio_line lines[GPIO_LINES_MAX];
    unsigned count;
};

static bool resolve(struct pair *p) {
    static struct conf_errors errors;
    conf_errors_init(&errors, p->kit->id);
    int n = board_resolve(p->board, p->kit, p->lines, &errors);
    conf_errors_print(&errors, stderr);
    p->count = n >= 0 ? (unsigned)n : 0;
    return n >= 0;
}

static int explain(struct pair *p) {
    board_explain(p->board, p->kit, p->lines, p->count, stdout);
    return 0;
}

static int lines(struct pair *p) {
    dump_lines(p->board, p->kit, p->lines, p->count, stdout);
    return 0;
}

static int chips(struct pair *p) {
    dump_chips(p->board, stdout);
    return 0;
}

static int boot(struct pair *p) {
    printf("# %s: %s%s%s\n# Written by tools/boardlint --boot; the facts stand in boards/%s.ini.\n",
           p->board->name, p->kit != NULL ? "for the kit " : "for every kit that it can carry",
           p->kit != NULL ? p->kit->id : "", p->board->boot_config[0] != '\0' ? "" : " (no file)",
           p->board->id);
    board_boot_write(p->board, p->kit != NULL ? kit_uses(p->kit) : lint_uses(&lint, p->board),
                     stdout);
    return 0;
}

static int pairs(struct pair *p) {
    (void)p;
    dump_pairs(&lint, stdout);
    return 0;
}

static const struct command {
    const char *name;
    int least, most; /* words after it: a board, a kit */
    int (*run)(struct pair *p);
} COMMANDS[] = {
    {"explain", 2, 2, explain}, {"boot", 1, 2, boot},   {"chips", 1, 1, chips},
    {"lines", 2, 2, lines},     {"pairs", 0, 0, pairs},
};

static int run(const struct command *c, int count, char **words) {
    static struct pair p;
    if (count < c->least || count > c->most) {
        fputs(HELP, stderr);
        return USAGE;
    }
    if (count >= 1 && (p.board = lint_board(&lint, words[0])) == NULL)
        return 1;
    if (count == 2 && ((p.kit = lint_kit(&lint, words[1])) == NULL || !resolve(&p)))
        return 1;
    return c->run(&p);
}

int main(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"dir", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'},
        {"explain", no_argument, NULL, 0},     {"boot", no_argument, NULL, 1},
        {"chips", no_argument, NULL, 2},       {"lines", no_argument, NULL, 3},
        {"pairs", no_argument, NULL, 4},       {0},
    };
    const char *dir = "boards";
    const struct command *command = NULL;
    for (int c; (c = getopt_long(argc, argv, "d:h", OPTIONS, NULL)) != -1;) {
        if (c == 'h' || c == '?') {
            fputs(HELP, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : USAGE;
        }
        if (c == 'd')
            dir = optarg;
        else
            command = &COMMANDS[c];
    }
    lint_load(&lint, dir);
    if (command != NULL)
        return run(command, argc - optind, argv + optind);
    if (optind < argc) {
        fputs(HELP, stderr);
        return USAGE;
    }
    return check_all();
}
