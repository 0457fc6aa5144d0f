#include "csv.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

static const char BLANKS[] = " \t\r\n";

static void trim_end(char *s) {
    size_t len = strlen(s);
    while (len > 0 && strchr(BLANKS, s[len - 1]) != NULL)
        s[--len] = '\0';
}

/* Copies the quoted cell over itself without its quotes; *at ends at the comma or the end. */
static int take_quoted(char **at, char **ret_cell) {
    char *from = *at + 1, *to = *at;
    char *cell = to;
    for (; from[0] != '"' || from[1] == '"'; from++) {
        if (*from == '\0')
            return ERR_BADMSG;
        from += *from == '"';
        *to++ = *from;
    }
    from++;
    from += strspn(from, BLANKS);
    if (*from != ',' && *from != '\0')
        return ERR_BADMSG;
    *at = from;
    *to = '\0';
    *ret_cell = cell;
    return 0;
}

/* Cuts the next cell; the character that ended it (comma or 0) is returned, or an error. */
static int take_cell(char **at, char **ret_cell) {
    *at += strspn(*at, " \t");
    if (**at == '"') {
        /* Unquoting may write a zero where the comma stood, never past it. */
        int err = take_quoted(at, ret_cell);
        if (err < 0)
            return err;
    } else {
        *ret_cell = *at;
        *at += strcspn(*at, ",");
    }
    char end = **at;
    if (end == ',')
        *(*at)++ = '\0';
    return end;
}

static int split(struct csv *csv, char *at) {
    csv->cells = 0;
    int end = ',';
    while (end == ',') {
        if (csv->cells == CSV_CELLS_MAX)
            return ERR_OVERFLOW;
        end = take_cell(&at, &csv->cell[csv->cells]);
        if (end < 0)
            return end;
        trim_end(csv->cell[csv->cells++]);
    }
    return 1;
}

int csv_next(struct csv *csv) {
    for (;;) {
        ssize_t len = getline(&csv->line, &csv->cap, csv->from);
        if (len < 0)
            return ferror(csv->from) ? ERR_IO : 0;
        csv->number++;
        if (strlen(csv->line) != (size_t)len)
            return ERR_BADMSG;
        bool mark = csv->number == 1 && strncmp(csv->line, "\xef\xbb\xbf", 3) == 0;
        char *text = csv->line + (mark ? 3 : 0);
        trim_end(text);
        if (*text != '\0')
            return split(csv, text);
    }
}

const char *csv_words(int err) {
    if (err == ERR_BADMSG)
        return "not a line of CSV: a quote does not close, or something follows it";
    if (err == ERR_OVERFLOW)
        return "more columns than 256";
    return err_text(err);
}

int csv_column(const struct csv *csv, const char *name) {
    for (size_t i = 0; i < csv->cells; i++)
        if (strcasecmp(csv->cell[i], name) == 0)
            return (int)i;
    return -1;
}

void csv_close(struct csv *csv) {
    free(csv->line);
    if (csv->from != NULL && csv->from != stdin)
        fclose(csv->from);
    *csv = (struct csv){0};
}
