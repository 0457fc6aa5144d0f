#include "passage_csv.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum column { T_MS, DIRECTION, SPEED, DURATION, MAGNITUDE };

static const struct {
    const char *name;
    unsigned decimals;
    int64_t step, min, max; /* in units of the last decimal */
    const char *limits;     /* for people */
} COLUMNS[PASSAGE_CSV_COLUMNS] = {
    [T_MS] = {"t_ms", 0, 10, 0, EVENT_TIME_MAX, "0 to 8796093022200, in steps of 10"},
    [DIRECTION] = {"direction", 0, 1, 0, 0, "in or out"},
    [SPEED] = {"speed_mph", 1, 1, 0, UINT16_MAX, "0.0 to 6553.5 with one decimal"},
    [DURATION] = {"duration_ms", 0, 100, 0, 86400000, "0 to 86400000 (a day), in steps of 100"},
    [MAGNITUDE] = {"magnitude_db", 0, 1, -300, 300, "whole decibels from -300 to 300"},
};

int passage_csv_header(struct passage_csv *p, const struct csv *csv) {
    for (size_t c = 0; c < PASSAGE_CSV_COLUMNS; c++) {
        p->column[c] = csv_column(csv, COLUMNS[c].name);
        if (p->column[c] < 0 || csv->cells != PASSAGE_CSV_COLUMNS) {
            (void)snprintf(p->says, sizeof p->says,
                           "the first line must name the columns "
                           "t_ms,direction,speed_mph,duration_ms,magnitude_db and no others");
            return ERR_BADMSG;
        }
    }
    return 0;
}

/* A decimal number as a whole one of its last place; zeros beyond that place are let pass. */
static bool number_of(const char *text, unsigned decimals, int64_t *ret_value) {
    bool negative = *text == '-', digits = false;
    text += *text == '-' || *text == '+';
    int64_t value = 0;
    for (; isdigit((unsigned char)*text); text++, digits = true)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *text - '0', &value))
            return false;
    bool point = *text == '.';
    text += point;
    for (unsigned i = 0; i < decimals; i++) {
        bool digit = point && isdigit((unsigned char)*text);
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit ? *text - '0' : 0, &value))
            return false;
        text += digit;
        digits = digits || digit;
    }
    text += point ? strspn(text, "0") : 0;
    *ret_value = negative ? -value : value;
    return digits && *text == '\0';
}

static bool cell_value(enum column c, const char *text, int64_t *ret_value) {
    if (c == DIRECTION) {
        *ret_value = strcmp(text, "in") == 0 ? DIRECTION_IN : DIRECTION_OUT;
        return *ret_value == DIRECTION_IN || strcmp(text, "out") == 0;
    }
    return number_of(text, COLUMNS[c].decimals, ret_value) && *ret_value % COLUMNS[c].step == 0 &&
           *ret_value >= COLUMNS[c].min && *ret_value <= COLUMNS[c].max;
}

int passage_csv_read(struct passage_csv *p, const struct csv *csv, struct event *ret_event) {
    int64_t values[PASSAGE_CSV_COLUMNS];
    if (csv->cells != PASSAGE_CSV_COLUMNS) {
        (void)snprintf(p->says, sizeof p->says, "%zu cells where the header has %d", csv->cells,
                       PASSAGE_CSV_COLUMNS);
        return ERR_BADMSG;
    }
    for (size_t c = 0; c < PASSAGE_CSV_COLUMNS; c++) {
        const char *cell = csv->cell[p->column[c]];
        if (cell_value((enum column)c, cell, &values[c]))
            continue;
        (void)snprintf(p->says, sizeof p->says, "%s must be %s, not '%.40s'", COLUMNS[c].name,
                       COLUMNS[c].limits, cell);
        return ERR_BADMSG;
    }
    *ret_event = (struct event){
        .t_ms = values[T_MS],
        .kind = EVENT_PASSAGE,
        .passage = {.direction = (uint8_t)values[DIRECTION],
                    .speed_mph10 = (uint16_t)values[SPEED],
                    .duration_ms = (uint32_t)values[DURATION],
                    .magnitude_db = (int16_t)values[MAGNITUDE]},
    };
    return 0;
}

void passage_csv_write_header(FILE *to) {
    for (size_t c = 0; c < PASSAGE_CSV_COLUMNS; c++)
        fprintf(to, "%s%s", c > 0 ? "," : "", COLUMNS[c].name);
    fputc('\n', to);
}

void passage_csv_write(FILE *to, const struct event *event) {
    const struct event_passage *p = &event->passage;
    fprintf(to, "%" PRId64 ",%s,%d.%d,%" PRIu32 ",%d\n", event->t_ms,
            p->direction == DIRECTION_IN ? "in" : "out", p->speed_mph10 / 10, p->speed_mph10 % 10,
            p->duration_ms, p->magnitude_db);
}
