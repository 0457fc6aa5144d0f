/* Why a session is proposed, in sentences for the sheet. */
#include "london.h"
#include "tasking_own.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = 86400000;

const char *tasking_bar_words(enum tasking_bar bar) {
    static const char *const WORDS[] = {
        [TASKING_CHOSEN] = "in the plan",
        [TASKING_OUTRANKED] = "other sites promise more this week",
        [TASKING_NOT_APPROVED] = "the site's approval has run out or will before the session's end",
        [TASKING_VISITED] = "visited within the last 7 days",
        [TASKING_NO_TEAM] = "no team of its Local Policing Area is free",
        [TASKING_NO_DAYLIGHT] = "no hour of daylight within the allowed hours",
    };
    return WORDS[bar];
}

__attribute__((format(printf, 2, 3))) static void say(char *reasons, const char *format, ...) {
    size_t len = strlen(reasons);
    va_list args;
    va_start(args, format);
    vsnprintf(reasons + len, TASKING_REASONS_MAX - len, format, args);
    va_end(args);
}

static void say_site(const struct plan *plan, const struct tasking_proposal *p, char *to) {
    const struct yield_site *s = &plan->yield.site[p->site];
    if (s->hours <= 0)
        say(to, "Exploring: nothing seen here yet.");
    else if (p->kind == TASKING_EXPLORING)
        say(to, "Exploring: only %.1f h seen here so far.", s->hours);
    else
        say(to, "Known %s: %.1f vehicles an hour at or over the threshold in %.0f h seen.",
            p->expected < 1 ? "quiet" : "good", s->vehicles / s->hours, s->hours);
}

static void say_hour(const struct plan *plan, const struct plan_choice *c,
                     const struct tasking_proposal *p, char *to) {
    double ratio = rate_mean(c->rate) / plan->site[p->site].usual;
    int minutes = plan->options->session_minutes;
    char hour[16];
    say(to, " %s: expect %.0f vehicles at or over the threshold (%.0f to %.0f) in %d minutes",
        hourweek_words(c->hourweek, hour, sizeof hour), p->expected, p->low, p->high, minutes);
    if (ratio >= 1.15 || ratio <= .85)
        say(to, ", %.1f times this site's usual hour", ratio);
    say(to, ".");
}

static void say_ward(const struct plan *plan, const struct tasking_proposal *p, char *to) {
    int64_t visited_ms = plan->site[p->site].ward_ms;
    const char *ward = plan->in->site[p->site].ward;
    if (visited_ms == 0)
        say(to, " Ward %s has never been visited.", ward);
    else
        say(to, " Ward %s has waited %lld weeks.", ward,
            (long long)((p->start_ms - visited_ms) / (7 * DAY_MS)));
}

static void say_sunset(const struct plan *plan, const struct plan_choice *c, char *to) {
    int64_t sunset_s = plan->day[c->hourweek / 24].light.sunset_s;
    if (sunset_s - c->end_ms / 1000 > 3600)
        return;
    struct london_time t = london_from_unix(sunset_s);
    say(to, " Pack up in time: the sun sets at %02d:%02d.", t.hour, t.minute);
}

void plan_say(const struct plan *plan, const struct plan_choice *choice,
              struct tasking_proposal *proposal) {
    char *to = proposal->reasons;
    to[0] = '\0';
    say_site(plan, proposal, to);
    say_hour(plan, choice, proposal, to);
    if (proposal->ward_floor)
        say_ward(plan, proposal, to);
    double halo = plan_halo(&plan->site[proposal->site], choice->start_ms);
    if (halo >= .005)
        say(to, " Counted %.0f %% less: a place within 1 km was visited shortly before.",
            100 * halo);
    say_sunset(plan, choice, to);
}
