/* boardlint: every board file with every kit file, with no hardware.
 *
 * Usage: boardlint DIR: DIR/NAME.ini and DIR/kits/NAME.ini.  Each must load, bear its file's name
 * as id, and resolve together; prints each error and exits 1 if there is one. */
#include "board.h"
#include <glob.h>
#include <stdio.h>
#include <string.h>

enum { FILES_MAX = 64 };

static struct board boards[FILES_MAX];
static struct kit kits[FILES_MAX];
static unsigned board_count, kit_count, wrong;

static void report(const struct conf_errors *errors) {
    conf_errors_print(errors, stdout);
    wrong += errors->count;
}

static void check_id(const char *path, const char *id, struct conf_errors *errors) {
    const char *slash = strrchr(path, '/');
    char want[128];
    snprintf(want, sizeof want, "%s.ini", id);
    if (strcmp(slash + 1, want) != 0)
        conf_error(errors, 0, "id", "\"%s\" does not fit the file's name", id);
}

static void load_all(const char *dir) {
    char pattern[256];
    glob_t found = {0};
    static struct conf_errors errors;
    snprintf(pattern, sizeof pattern, "%s/*.ini", dir);
    glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc && board_count < FILES_MAX; i++) {
        struct board *b = &boards[board_count];
        if (board_load(found.gl_pathv[i], b, &errors) == 0) {
            check_id(found.gl_pathv[i], b->id, &errors);
            board_count++;
        }
        report(&errors);
    }
    globfree(&found);
    snprintf(pattern, sizeof pattern, "%s/kits/*.ini", dir);
    glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc && kit_count < FILES_MAX; i++) {
        struct kit *k = &kits[kit_count];
        if (kit_load(found.gl_pathv[i], k, &errors) == 0) {
            check_id(found.gl_pathv[i], k->id, &errors);
            kit_count++;
        }
        report(&errors);
    }
    globfree(&found);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: boardlint DIR\n", stderr);
        return 2;
    }
    load_all(argv[1]);
    for (unsigned b = 0; b < board_count; b++)
        for (unsigned k = 0; k < kit_count; k++) {
            static struct conf_errors errors;
            struct gpio_line lines[GPIO_LINES_MAX];
            conf_errors_init(&errors, kits[k].id);
            if (board_resolve(&boards[b], &kits[k], lines, &errors) < 0)
                report(&errors);
        }
    printf("%u boards x %u kits, %u errors\n", board_count, kit_count, wrong);
    return wrong == 0 && board_count > 0 && kit_count > 0 ? 0 : 1;
}
