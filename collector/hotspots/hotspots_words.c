/* What a square's figures mean, in sentences. */
#include "hotspots_own.h"
#include <stdio.h>
#include <string.h>

static void say_newest(char *buf, size_t cap, int64_t newest_ms, int64_t now_ms) {
    long long days = (long long)((now_ms - newest_ms) / 86400000);
    if (days == 0)
        snprintf(buf, cap, "the newest within a day");
    else
        snprintf(buf, cap, "the newest %lld day%s ago", days, days == 1 ? "" : "s");
}

/* Two figures that count, and never an exponent: 0.031, 4.2, 210. */
struct figure {
    char text[24];
};

static struct figure figure_of(double value) {
    struct figure f;
    int decimals = value >= 10 ? 0 : value >= 1 ? 1 : value >= .1 ? 2 : 3;
    snprintf(f.text, sizeof f.text, "%.*f", decimals, value);
    return f;
}

static void say_sensors(struct hotspots_cell *c, const char *newest) {
    snprintf(c->words, sizeof c->words,
             "About %s events in 100 hours awake (90 %% sure: %s to %s): %u in %.0f hours%s%s. "
             "The average square has %s.",
             figure_of(100 * c->score).text, figure_of(100 * c->low).text,
             figure_of(100 * c->high).text, c->events, c->watched_hours,
             newest[0] != '\0' ? ", " : "", newest, figure_of(100 * c->prior).text);
}

static void say_reports(struct hotspots_cell *c, const char *newest) {
    char expect[120];
    snprintf(expect, sizeof expect, "xpect about %s a month (90 %% sure: %s to %s)",
             figure_of(c->score).text, figure_of(c->low).text, figure_of(c->high).text);
    if (c->events == 0)
        snprintf(c->words, sizeof c->words, "Nothing reported here, but next door: e%s.", expect);
    else
        snprintf(c->words, sizeof c->words,
                 "E%s: %u so far, %s. The neighbourhood alone suggests %s.", expect, c->events,
                 newest, figure_of(c->prior).text);
}

static void say_caution(struct hotspots_cell *c) {
    size_t len = strlen(c->words);
    if (c->events < HOTSPOTS_EVENTS_FEW)
        snprintf(c->words + len, sizeof c->words - len, " Too little to act on alone.");
}

void hotspots_say(struct hotspots_cell *cell, int64_t newest_ms, int64_t now_ms) {
    char newest[48] = "";
    if (cell->events > 0)
        say_newest(newest, sizeof newest, newest_ms, now_ms);
    if (cell->layer == HOTSPOTS_SENSORS)
        say_sensors(cell, newest);
    else
        say_reports(cell, newest);
    say_caution(cell);
}
