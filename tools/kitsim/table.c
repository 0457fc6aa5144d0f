#include "table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int split(char *line, char **fields) {
    int n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at != NULL && n < TABLE_FIELDS_MAX;) {
        bool quoted = *at == '"';
        fields[n++] = at += quoted;
        char *end = strpbrk(at, quoted ? "\"" : ",");
        if (end != NULL)
            *end++ = '\0';
        at = end != NULL && quoted && *end == ',' ? end + 1 : quoted ? NULL : end;
    }
    return n;
}

int table_open(const char *path, struct table *ret_table) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    ret_table->file = file;
    if (fgets(ret_table->heading, TABLE_LINE_MAX, file) == NULL) {
        fclose(file);
        return ERR_BADMSG;
    }
    ret_table->columns = split(ret_table->heading, ret_table->names);
    return 0;
}

void table_close(struct table *table) {
    fclose(table->file);
}

int table_column(const struct table *table, const char *name) {
    for (int i = 0; i < table->columns; i++)
        if (strcmp(table->names[i], name) == 0)
            return i;
    return -1;
}

bool table_next(struct table *table) {
    if (fgets(table->line, TABLE_LINE_MAX, table->file) == NULL)
        return false;
    table->fields_count = split(table->line, table->fields);
    return true;
}

double table_number(const struct table *table, int column, double otherwise) {
    if (column < 0 || column >= table->fields_count)
        return otherwise;
    char *end;
    double value = strtod(table->fields[column], &end);
    return end != table->fields[column] ? value : otherwise;
}
