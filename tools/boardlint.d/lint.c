#include "lint.h"
#include <glob.h>
#include <stdarg.h>
#include <string.h>

static void report(struct lint *lint, const struct conf_errors *errors) {
    conf_errors_print(errors, stderr);
    lint->wrong += errors->count;
}

__attribute__((format(printf, 2, 3))) static void complain(struct lint *lint, const char *format,
                                                           ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    lint->wrong++;
}

static void check_id(const char *path, const char *id, struct conf_errors *errors) {
    const char *slash = strrchr(path, '/');
    char want[KIT_WORD_MAX + 8];
    snprintf(want, sizeof want, "%s.ini", id);
    if (strcmp(slash != NULL ? slash + 1 : path, want) != 0)
        conf_error(errors, 0, "id", "\"%s\" does not fit the file's name: rename one of them", id);
}

static void load_board(struct lint *lint, const char *path) {
    static struct conf_errors errors;
    struct board *b = &lint->boards[lint->board_count];
    if (board_load(path, b, &errors) == 0) {
        check_id(path, b->id, &errors);
        lint->board_count++;
    }
    report(lint, &errors);
}

static void load_kit(struct lint *lint, const char *path) {
    static struct conf_errors errors;
    struct kit *k = &lint->kits[lint->kit_count];
    if (kit_load(path, k, &errors) == 0) {
        check_id(path, k->id, &errors);
        lint->kit_count++;
    }
    report(lint, &errors);
}

void lint_load(struct lint *lint, const char *dir) {
    static const struct {
        const char *files;
        void (*load)(struct lint *lint, const char *path);
    } KINDS[] = {{"*.ini", load_board}, {"kits/*.ini", load_kit}};
    for (size_t kind = 0; kind < sizeof KINDS / sizeof KINDS[0]; kind++) {
        char pattern[512];
        glob_t found = {0};
        snprintf(pattern, sizeof pattern, "%s/%s", dir, KINDS[kind].files);
        if (glob(pattern, 0, NULL, &found) != 0)
            complain(lint, "%s: no such files", pattern);
        if (found.gl_pathc > LINT_FILES_MAX)
            complain(lint, "%s: more than %d files", pattern, LINT_FILES_MAX);
        for (size_t i = 0; i < found.gl_pathc && i < LINT_FILES_MAX; i++)
            KINDS[kind].load(lint, found.gl_pathv[i]);
        globfree(&found);
    }
}

unsigned lint_uses(const struct lint *lint, const struct board *board) {
    unsigned uses = 1u << KIT_USE_ALWAYS;
    for (unsigned i = 0; i < lint->kit_count; i++)
        if (board_connector_for(board, &lint->kits[i]) != NULL)
            uses |= kit_uses(&lint->kits[i]);
    return uses;
}

/* One boot fragment serves all kits of a board: a bus that another kit uses takes its pins. */
static void check_fragment(const struct lint *lint, const struct board *board,
                           const struct kit *kit, struct conf_errors *errors) {
    const struct board_connector *c = board_connector_for(board, kit);
    unsigned uses = lint_uses(lint, board);
    for (unsigned i = 0; i < kit->line_count; i++) {
        const struct kit_line *l = &kit->lines[i];
        if (((uses & 1u << KIT_USE_UART) != 0 && board_bus_takes(&c->uart, l->pin)) ||
            ((uses & 1u << KIT_USE_I2C) != 0 && board_bus_takes(&c->i2c, l->pin)))
            conf_error(errors, l->line, l->role,
                       "pin %u is a bus in the boot fragment of board %s: use another", l->pin,
                       board->id);
    }
}

enum lint_fit lint_pair(struct lint *lint, const struct board *board, const struct kit *kit) {
    static struct conf_errors errors;
    struct gpio_line lines[GPIO_LINES_MAX];
    char where[2 * KIT_WORD_MAX + 16];
    if (board_connector_for(board, kit) == NULL)
        return LINT_OTHER_CONNECTOR;
    snprintf(where, sizeof where, "%s on %s", kit->id, board->id);
    conf_errors_init(&errors, where);
    if (board_resolve(board, kit, lines, &errors) >= 0)
        check_fragment(lint, board, kit, &errors);
    report(lint, &errors);
    return errors.count == 0 ? LINT_FITS : LINT_WRONG;
}

static void check_boards(struct lint *lint) {
    for (unsigned i = 0; i < lint->board_count; i++) {
        const struct board *b = &lint->boards[i];
        if (b->support != BOARD_HOST && b->compatible[0] == '\0')
            complain(lint, "%s: compatible: missing: first word of /proc/device-tree/compatible",
                     b->id);
        if (b->support != BOARD_HOST && b->watchdog_max_s == 0)
            complain(lint, "%s: [watchdog] max_s: missing: the longest that its chip can do",
                     b->id);
        if (b->support == BOARD_TESTED && b->tested_on[0] == '\0')
            complain(lint, "%s: tested_on: missing: date, kernel, libgpiod", b->id);
        for (unsigned j = 0; j < i; j++)
            if (b->compatible[0] != '\0' && strcmp(b->compatible, lint->boards[j].compatible) == 0)
                complain(lint, "%s: compatible \"%s\" is already that of %s", b->id, b->compatible,
                         lint->boards[j].id);
    }
}

void lint_all(struct lint *lint) {
    unsigned fits[LINT_FILES_MAX] = {0};
    check_boards(lint);
    for (unsigned b = 0; b < lint->board_count; b++) {
        unsigned kits = 0;
        for (unsigned k = 0; k < lint->kit_count; k++)
            if (board_connector_for(&lint->boards[b], &lint->kits[k]) != NULL) {
                kits++;
                fits[k]++;
            }
        if (kits == 0)
            complain(lint, "board %s: no kit has one of its connectors", lint->boards[b].id);
    }
    for (unsigned k = 0; k < lint->kit_count; k++)
        if (fits[k] == 0)
            complain(lint, "kit %s: no board has a connector %s", lint->kits[k].id,
                     lint->kits[k].connector);
}

const struct board *lint_board(const struct lint *lint, const char *id) {
    for (unsigned i = 0; i < lint->board_count; i++)
        if (strcmp(lint->boards[i].id, id) == 0)
            return &lint->boards[i];
    fprintf(stderr, "boardlint: no board %s; there are:", id);
    for (unsigned i = 0; i < lint->board_count; i++)
        fprintf(stderr, " %s", lint->boards[i].id);
    fputc('\n', stderr);
    return NULL;
}

const struct kit *lint_kit(const struct lint *lint, const char *id) {
    for (unsigned i = 0; i < lint->kit_count; i++)
        if (strcmp(lint->kits[i].id, id) == 0)
            return &lint->kits[i];
    fprintf(stderr, "boardlint: no kit %s; there are:", id);
    for (unsigned i = 0; i < lint->kit_count; i++)
        fprintf(stderr, " %s", lint->kits[i].id);
    fputc('\n', stderr);
    return NULL;
}
