#include "board_boot.h"
#include <inttypes.h>
#include <string.h>

enum { FILE_BYTES = 16384, PATH_BYTES = 512, LINE_BYTES = 256 };

/* --- one file's text ------------------------------------------------------------------------ */

/* A stretch of the text; never 0-terminated. */
struct span {
    const char *at;
    size_t len;
};

static struct span trimmed(const char *at, size_t len) {
    while (len > 0 && strchr(" \t\r", *at) != NULL) {
        at++;
        len--;
    }
    while (len > 0 && strchr(" \t\r", at[len - 1]) != NULL)
        len--;
    return (struct span){at, len};
}

static bool same(struct span s, const char *word) {
    return strlen(word) == s.len && memcmp(s.at, word, s.len) == 0;
}

/* Cuts s at the first `mark`: what is before is returned, what is after stays; all if none. */
static struct span cut(struct span *s, const char *marks) {
    size_t n = 0;
    while (n < s->len && strchr(marks, s->at[n]) == NULL)
        n++;
    struct span before = {s->at, n};
    *s = n < s->len ? (struct span){s->at + n + 1, s->len - n - 1} : (struct span){s->at + n, 0};
    return before;
}

static bool equal(struct span a, struct span b) {
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* "watchdog", "watchdog=on" and "watchdog=yes" are one. */
static struct span value_of(struct span *word) {
    static const char *const YES[] = {"yes", "true", "1"};
    static const struct span ON = {"on", 2};
    struct span name = cut(word, "="), value = *word;
    *word = name;
    for (size_t i = 0; i < sizeof YES / sizeof YES[0]; i++)
        if (same(value, YES[i]))
            return ON;
    return value.len == 0 ? ON : value;
}

/* Keys that may stand several times and add up; of all others the last counts. */
static bool adds_up(struct span key) {
    static const char *const KEYS[] = {"dtparam", "dtoverlay", "overlays", "fdtoverlays"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
        if (same(key, KEYS[i]))
            return true;
    return false;
}

/* What one line does to the answer: does it set the item, unset it, or neither? */
static bool after_line(struct span line, const char *item, bool before) {
    struct span want = {item, strlen(item)}, have = line;
    struct span want_key = cut(&want, "="), have_key = cut(&have, "=");
    have_key = trimmed(have_key.at, have_key.len);
    if (!equal(want_key, have_key))
        return before;
    if (!adds_up(want_key))
        return equal(want, trimmed(have.at, have.len));
    struct span want_value = value_of(&want);
    while (have.len > 0) {
        struct span word = cut(&have, ", ");
        struct span value = value_of(&word);
        if (equal(word, want))
            before = equal(value, want_value);
    }
    return before;
}

static bool counts(struct span section, const char *filters) {
    struct span rest = {filters, strlen(filters)};
    if (same(section, "all"))
        return true;
    while (rest.len > 0)
        if (equal(cut(&rest, " "), section))
            return true;
    return false;
}

bool board_boot_has(const char *text, const char *filters, const char *item) {
    struct span rest = {text, strlen(text)};
    bool has = false, counted = true;
    while (rest.len > 0) {
        struct span line = cut(&rest, "\n");
        line = trimmed(line.at, line.len);
        if (line.len > 2 && line.at[0] == '[' && line.at[line.len - 1] == ']')
            counted = counts((struct span){line.at + 1, line.len - 2}, filters);
        else if (counted) /* a comment's key is none that is asked for */
            has = after_line(line, item, has);
    }
    return has;
}

bool board_boot_cmdline_has(const char *text, const char *word) {
    struct span rest = {text, strlen(text)};
    while (rest.len > 0) {
        struct span have = cut(&rest, " \t\r\n");
        if (same(have, word))
            return true;
        if (same(cut(&have, ","), word))
            return true;
    }
    return false;
}

/* --- fragments ------------------------------------------------------------------------------ */

static bool wanted(const struct board_boot *b, unsigned uses, enum board_boot_kind kind) {
    return b->kind == kind && (uses >> b->use & 1) != 0;
}

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void write_config(const struct board *board, unsigned uses, bool overlays, FILE *out) {
    bool ended = false; /* the scope of an overlay before these lines */
    for (unsigned i = 0; i < board->boot_count; i++) {
        const struct board_boot *b = &board->boot[i];
        bool overlay = starts(b->text, "dtoverlay=");
        if (!wanted(b, uses, BOARD_BOOT_CONFIG) || overlay != overlays)
            continue;
        if (starts(b->text, "dtparam=") && !ended) {
            fputs("dtoverlay=\n", out);
            ended = true;
        }
        fprintf(out, "%s\n", b->text);
    }
}

void board_boot_write(const struct board *board, unsigned uses, FILE *out) {
    static const char *const WORDS[] = {
        [BOARD_BOOT_CMDLINE] = "the kernel's command line must contain",
        [BOARD_BOOT_CMDLINE_NOT] = "the kernel's command line must not contain",
        [BOARD_BOOT_RUN] = "run once",
    };
    write_config(board, uses, false, out);
    write_config(board, uses, true, out);
    for (int kind = BOARD_BOOT_CMDLINE; kind <= BOARD_BOOT_RUN; kind++)
        for (unsigned i = 0; i < board->boot_count; i++)
            if (wanted(&board->boot[i], uses, (enum board_boot_kind)kind))
                fprintf(out, "# %s: %s\n", WORDS[kind], board->boot[i].text);
    if (board->watchdog_max_s > 0)
        fprintf(out, "# systemd: RuntimeWatchdogSec at most %" PRIu32 " s\n",
                board->watchdog_max_s);
}

/* --- a running machine ---------------------------------------------------------------------- */

/* Reads root/path; false if it is not there or too long. */
static bool read_file(const char *root, const char *path, size_t path_len, char *buf, size_t cap) {
    char name[PATH_BYTES];
    if (snprintf(name, sizeof name, "%s%.*s", root, (int)path_len, path) >= (int)sizeof name)
        return false;
    FILE *f = fopen(name, "re");
    if (f == NULL)
        return false;
    size_t n = fread(buf, 1, cap, f);
    bool good = ferror(f) == 0 && n < cap;
    buf[good ? n : 0] = '\0';
    fclose(f);
    return good;
}

/* The first of "a|b" that is there; *ret_path is it. */
static bool read_first(const char *root, const char *paths, char *buf, size_t cap,
                       struct span *ret_path) {
    for (const char *p = paths; *p != '\0';) {
        size_t n = strcspn(p, "|");
        if (read_file(root, p, n, buf, cap)) {
            *ret_path = (struct span){p, n};
            return true;
        }
        p += n + (p[n] == '|' ? 1 : 0);
    }
    return false;
}

/* "include NAME" in config.txt: the text of that file beside it, in its place; one level deep. */
static void with_includes(const char *root, struct span path, const char *text, char *out,
                          size_t cap) {
    static const char WORD[] = "include ";
    char included[FILE_BYTES], name[PATH_BYTES];
    struct span rest = {text, strlen(text)};
    size_t n = 0, dir = path.len;
    while (dir > 0 && path.at[dir - 1] != '/')
        dir--;
    while (rest.len > 0 && n < cap) {
        struct span line = cut(&rest, "\n"), trim = trimmed(line.at, line.len);
        bool is = trim.len > strlen(WORD) && memcmp(trim.at, WORD, strlen(WORD)) == 0;
        if (is)
            snprintf(name, sizeof name, "%.*s%.*s", (int)dir, path.at,
                     (int)(trim.len - strlen(WORD)), trim.at + strlen(WORD));
        if (is && read_file(root, name, strlen(name), included, sizeof included))
            line = (struct span){included, strlen(included)};
        n += (size_t)snprintf(out + n, cap - n, "%.*s\n", (int)line.len, line.at);
    }
}

static bool has(const struct board *board, const struct board_boot *b, const char *text) {
    if (b->kind == BOARD_BOOT_CONFIG)
        return board_boot_has(text, board->boot_filters, b->text);
    return board_boot_cmdline_has(text, b->text) == (b->kind == BOARD_BOOT_CMDLINE);
}

static unsigned check_file(const struct board *board, unsigned uses, const char *root,
                           const char *paths, bool config, FILE *out) {
    static const char *const WRONG[] = {"missing", "missing", "must not be there"};
    char raw[FILE_BYTES], text[2 * FILE_BYTES] = "";
    struct span path = {paths, strlen(paths)};
    unsigned missing = 0, relevant = 0;
    bool there = read_first(root, paths, raw, sizeof raw, &path);
    if (there)
        with_includes(root, path, raw, text, sizeof text);
    for (unsigned i = 0; i < board->boot_count; i++) {
        const struct board_boot *b = &board->boot[i];
        if ((uses >> b->use & 1) == 0 || b->kind == BOARD_BOOT_RUN ||
            (b->kind == BOARD_BOOT_CONFIG) != config)
            continue;
        relevant++;
        if (there && !has(board, b, text)) {
            missing++;
            fprintf(out, "warning: %.*s: %s: %s\n", (int)path.len, path.at, WRONG[b->kind],
                    b->text);
        }
    }
    if (!there && relevant > 0)
        fprintf(out, "not checked: %s is not there\n", paths);
    else if (missing == 0 && relevant > 0)
        fprintf(out, "checked: %.*s is right\n", (int)path.len, path.at);
    return missing;
}

static unsigned check_watchdog(const struct board *board, const char *root, FILE *out) {
    static const char STATE[] = "/sys/class/watchdog/watchdog0/state";
    char text[LINE_BYTES];
    if (board->watchdog_max_s == 0 || !read_file(root, STATE, strlen(STATE), text, sizeof text))
        return 0;
    if (strncmp(text, "active", 6) == 0)
        return 0;
    fprintf(out,
            "warning: %s is not fed: RuntimeWatchdogSec at most %" PRIu32 " s in a file of "
            "/etc/systemd/system.conf.d\n",
            board->watchdog, board->watchdog_max_s);
    return 1;
}

unsigned board_boot_check(const struct board *board, unsigned uses, const char *root, FILE *out) {
    static const char TREE[] = "/sys/firmware/devicetree/base/compatible";
    char text[LINE_BYTES];
    bool tree = read_file(root, TREE, strlen(TREE), text, sizeof text);
    if (board->support == BOARD_HOST)
        return 0;
    if (!tree || (board->compatible[0] != '\0' && strcmp(text, board->compatible) != 0)) {
        fprintf(out, "not checked: this machine %s%s, and the board file is for %s\n",
                tree ? "is " : "has no device tree", tree ? text : "", board->compatible);
        return 0;
    }
    unsigned missing = check_file(board, uses, root, board->boot_config, true, out);
    missing += check_file(board, uses, root, board->boot_cmdline, false, out);
    return missing + check_watchdog(board, root, out);
}
