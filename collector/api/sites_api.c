/* Sites: how fast, how sure, and when. */
#include "call.h"
#include "grid.h"
#include "map.h"
#include "survey.h"
#include <stdio.h>
#include <string.h>

/* Stands on everything that shows speeds. */
#define NOTICE "Survey and advice: not type-approved, not for prosecution."

enum { DAYS_DEFAULT = 91, DAYS_MAX = 730 };
#define DAY_MS ((int64_t)24 * STORE_HOUR_MS)

static const char *trust_name(enum speeds_trust trust) {
    static const char *const names[] = {
        [SPEEDS_TOO_FEW] = "too-few", [SPEEDS_ROUGH] = "rough", [SPEEDS_COMPARABLE] = "comparable"};
    return names[trust];
}

static json_t *share_json(const struct speeds_share *share) {
    return json_pack("{s:I,s:o,s:o,s:o}", "count", (json_int_t)share->count, "share",
                     json_round(share->share, 4), "low", json_round(share->interval.low, 4), "high",
                     json_round(share->interval.high, 4));
}

static json_t *known(bool is_known, double value) {
    return is_known ? json_round(value, 1) : json_null();
}

/* What the interval means, for somebody at a parish meeting. */
static void words_write(const struct speeds_stats *s, int limit_mph, char *buf, size_t cap) {
    if (s->trust == SPEEDS_TOO_FEW)
        snprintf(buf, cap,
                 "Only %llu vehicles so far: too few for a percentile. At least %d are needed, and "
                 "%d to compare it with another site.",
                 (unsigned long long)s->n, SPEEDS_N_ROUGH, SPEEDS_N_COMPARABLE);
    else if (s->p85_low_known && s->p85_high_known)
        snprintf(buf, cap,
                 "85 in 100 vehicles went at %.1f mph or less in a %d mph limit; from %llu "
                 "vehicles, the true figure is very likely between %.1f and %.1f%s.",
                 s->p85, limit_mph, (unsigned long long)s->n, s->p85_low, s->p85_high,
                 s->trust == SPEEDS_ROUGH ? ": rough, do not compare it with another site" : "");
    else
        snprintf(buf, cap, "85 in 100 vehicles went at %.1f mph or less in a %d mph limit.", s->p85,
                 limit_mph);
}

static void stats_add(json_t *json, const struct histogram *h, int limit_mph, int threshold) {
    struct speeds_stats s;
    char words[300];
    if (h->n == 0 || threshold < 0 || histogram_describe(h, limit_mph, threshold, &s) < 0) {
        json_object_set_new(json, "n", json_integer(0));
        json_object_set_new(json, "trust", json_string("none"));
        json_object_set_new(json, "words",
                            json_string("No vehicles have been measured here in this period."));
        return;
    }
    bool enough = s.trust != SPEEDS_TOO_FEW;
    words_write(&s, limit_mph, words, sizeof words);
    json_object_set_new(json, "n", json_integer((json_int_t)s.n));
    json_object_set_new(json, "trust", json_string(trust_name(s.trust)));
    json_object_set_new(json, "mean", json_round(s.mean, 1));
    json_object_set_new(json, "p50", known(enough, s.p50));
    json_object_set_new(json, "p85", known(enough, s.p85));
    json_object_set_new(json, "p85_low", known(enough && s.p85_low_known, s.p85_low));
    json_object_set_new(json, "p85_high", known(enough && s.p85_high_known, s.p85_high));
    json_object_set_new(json, "p85_withheld", enough ? json_null() : json_string(words));
    json_object_set_new(json, "max", json_round(s.max, 1));
    json_object_set_new(json, "over_limit", share_json(&s.over_limit));
    json_object_set_new(json, "at_or_over_threshold", share_json(&s.at_or_over_threshold));
    json_object_set_new(json, "words", json_string(words));
}

static json_t *factor_json(const struct survey_site *site, const struct geometry *g, int way) {
    struct geometry_factor f;
    if (geometry_factor(g, way == DIRECTION_OUT, site->view_cm[way], &f) < 0)
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "factor", json_round(f.factor, 4), "low",
                     json_round(f.low, 4), "high", json_round(f.high, 4));
}

/* What the angle takes here, as of the newest geometry, and the figures without it. */
static json_t *corrected_json(const struct survey_site *site) {
    if (site->geometry.count == 0)
        return json_null();
    const struct geometry_period *p = &site->geometry.period[site->geometry.count - 1];
    const struct geometry *g = &p->geometry;
    json_t *json =
        json_pack("{s:o,s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "since", json_time(p->from_ms), "geometry",
                  "lane_in_m", g->lane_in_cm / 100.0, "lane_out_m", g->lane_out_cm / 100.0,
                  "height_m", g->height_cm / 100.0, "aim_deg", g->aim_deg10 / 10.0, "beam_deg",
                  g->beam_deg10 / 10.0, "range_m", g->range_cm / 100.0);
    json_object_set_new(json, "in", factor_json(site, g, DIRECTION_IN));
    json_object_set_new(json, "out", factor_json(site, g, DIRECTION_OUT));
    stats_add(json, &site->corrected, site->site.limit_mph, site->threshold_mph);
    return json;
}

static json_t *site_json(const struct map *map, const struct survey_site *site) {
    const struct store_site *row = &site->site;
    char reference[GRID_REFERENCE_MAX] = "";
    if (row->easting != 0 &&
        grid_format(row->easting, row->northing, 8, reference, sizeof reference) < 0)
        reference[0] = '\0';
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:i,s:i}", "id", row->id, "name", row->name,
                  "road", row->road, "lpa", row->lpa, "ward", row->ward, "limit_mph",
                  (int)row->limit_mph, "threshold_mph", site->threshold_mph, "grid_ref", reference,
                  "easting", (int)row->easting, "northing", (int)row->northing);
    if (json == NULL)
        return NULL;
    json_object_set_new(json, "position", map_place(map, row->easting, row->northing));
    json_object_set_new(json, "approved_until", json_time(row->approved_until_ms));
    json_object_set_new(json, "hours_watched", json_round(site->hours, 1));
    stats_add(json, &site->both, row->limit_mph, site->threshold_mph);
    return json;
}

static int period_read(struct call *call, const char *id, struct survey *ret_survey) {
    int64_t days, now = call->request->now_ms;
    int r = call_number(call, "days", 1, DAYS_MAX, DAYS_DEFAULT, &days);
    if (r < 0)
        return r;
    return survey_read(call->store, id, now - days * DAY_MS, now + STORE_HOUR_MS, ret_survey);
}

static json_t *answer_json(const struct survey *survey) {
    return json_pack("{s:s,s:o,s:o}", "notice", NOTICE, "from", json_time(survey->from_ms), "to",
                     json_time(survey->to_ms - STORE_HOUR_MS));
}

int handle_sites(struct call *call) {
    struct survey survey;
    struct map map;
    int r = period_read(call, NULL, &survey);
    if (r < 0)
        return r;
    r = map_open(&map);
    if (r < 0) {
        survey_free(&survey);
        return r;
    }
    json_t *list = json_array(), *json = answer_json(&survey);
    for (size_t i = 0; i < survey.count; i++)
        json_array_append_new(list, site_json(&map, &survey.sites[i]));
    json_object_set_new(json, "sites", list);
    map_close(&map);
    survey_free(&survey);
    return call_json(call, 200, json);
}

/* Vehicles by whole mile per hour, from the slowest to the fastest seen. */
static json_t *bars_json(const struct histogram *h) {
    json_t *bars = json_array();
    for (int mph = 0; mph <= HISTOGRAM_DMPH_MAX / 10; mph++) {
        uint64_t n = histogram_at_or_over(h, mph * 10) - histogram_at_or_over(h, mph * 10 + 10);
        if (n > 0)
            json_array_append_new(bars, json_pack("[i,I]", mph, (json_int_t)n));
    }
    return bars;
}

static json_t *week_json(const struct survey_site *site) {
    json_t *week = json_array();
    for (int h = 0; h < HOURWEEK_COUNT; h++) {
        const struct survey_hour *bin = &site->week[h];
        json_array_append_new(week,
                              json_pack("{s:i,s:i,s:o}", "n", (int)bin->n, "at_or_over",
                                        (int)bin->at_or_over, "hours", json_round(bin->hours, 2)));
    }
    return week;
}

static json_t *way_json(const struct survey_site *site, int way) {
    json_t *json = json_pack("{s:s}", "direction", way == DIRECTION_IN ? "in" : "out");
    stats_add(json, &site->way[way], site->site.limit_mph, site->threshold_mph);
    return json;
}

int handle_site(struct call *call) {
    struct survey survey;
    struct map map;
    int r = period_read(call, call->param, &survey);
    if (r < 0)
        return r;
    r = map_open(&map);
    if (r < 0) {
        survey_free(&survey);
        return r;
    }
    const struct survey_site *site = &survey.sites[0];
    json_t *json = answer_json(&survey);
    json_object_set_new(json, "site", site_json(&map, site));
    map_close(&map);
    json_object_set_new(json, "histogram", bars_json(&site->both));
    json_object_set_new(
        json, "directions",
        json_pack("[o,o]", way_json(site, DIRECTION_IN), way_json(site, DIRECTION_OUT)));
    json_object_set_new(json, "week", week_json(site));
    json_object_set_new(json, "corrected", corrected_json(site));
    survey_free(&survey);
    return call_json(call, 200, json);
}
