#include "survey.h"
#include "threshold.h"
#include <stdlib.h>
#include <string.h>

/* A kit and the site at which it stays; "" for one that moves. */
struct kit {
    char id[STORE_ID_MAX + 1], site[STORE_ID_MAX + 1];
};

struct reading {
    struct survey *survey;
    struct survey_site *at;
    struct kit *kits;
    size_t kits_n, cap;
    const char *only;
    int err;
};

/* ---- which sites and kits ------------------------------------------------------------------ */

static int site_add(void *arg, const struct store_site *row) {
    struct reading *reading = arg;
    struct survey *survey = reading->survey;
    if (reading->only != NULL && strcmp(reading->only, row->id) != 0)
        return 0;
    if (survey->count == reading->cap) {
        size_t cap = reading->cap == 0 ? 8 : 2 * reading->cap;
        struct survey_site *more = realloc(survey->sites, cap * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        survey->sites = more;
        reading->cap = cap;
    }
    struct survey_site *site = &survey->sites[survey->count++];
    memset(site, 0, sizeof *site);
    site->site = *row;
    site->last_visit_ms = STORE_NEVER;
    /* A limit without a threshold (a wrong row of the register) counts nothing as over it. */
    site->threshold_mph = threshold_mph(&THRESHOLD_DEFAULT, row->limit_mph);
    return 0;
}

static int kit_add(void *arg, const struct store_device_state *row) {
    struct reading *reading = arg;
    struct kit *more = realloc(reading->kits, (reading->kits_n + 1) * sizeof *more);
    if (more == NULL)
        return ERR_NOMEM;
    reading->kits = more;
    struct kit *kit = &more[reading->kits_n++];
    memcpy(kit->id, row->device.id, sizeof kit->id);
    memcpy(kit->site, row->device.site, sizeof kit->site);
    return 0;
}

static struct survey_site *site_find(struct survey *survey, const char *id) {
    for (size_t i = 0; i < survey->count; i++)
        if (strcmp(survey->sites[i].site.id, id) == 0)
            return &survey->sites[i];
    return NULL;
}

static const char *kit_site(const struct reading *reading, const char *device) {
    for (size_t i = 0; i < reading->kits_n; i++)
        if (strcmp(reading->kits[i].id, device) == 0)
            return reading->kits[i].site;
    return "";
}

/* ---- geometry ------------------------------------------------------------------------------ */

/* What hides another or was cut off says nothing about how far it was in view. */
static int view_add(void *arg, const struct store_passage *row) {
    const struct event_passage *p = &row->passage;
    if ((p->flags & (PASSAGE_OVERLAP | PASSAGE_TRUNCATED | PASSAGE_LONG)) == 0)
        geometry_view_add(arg, p->direction == DIRECTION_OUT, p->speed_mph10, p->duration_ms);
    return 0;
}

static int views_read(const struct store *store, struct survey_site *site) {
    struct geometry_views views = {0};
    struct store_filter newest = {.site = site->site.id, .lock = -1, .limit = GEOMETRY_VIEWS_MAX};
    int r = store->passages(store->ctx, &newest, view_add, &views);
    for (int way = 0; way < 2; way++)
        site->view_cm[way] = geometry_view(&views, way == DIRECTION_OUT);
    return r;
}

static int geometry_load(const struct store *store, struct survey_site *site) {
    char key[GEOMETRY_KEY_MAX], text[GEOMETRY_TEXT_MAX];
    geometry_key(site->site.id, key);
    int r = store->setting_get(store->ctx, key, text, sizeof text);
    if (r == ERR_NOENT)
        return 0;
    if (r >= 0)
        r = geometry_read(text, &site->geometry);
    return r < 0 || site->geometry.count == 0 ? r : views_read(store, site);
}

/* An hour without a geometry, or with one whose beam misses the lane, stays out of the corrected
 * figures: corrected.n says how many are in. */
static int corrected_add(struct survey_site *at, const struct store_hour *row) {
    const struct geometry *g = geometry_at(&at->geometry, row->hour_ms);
    bool away = row->direction == DIRECTION_OUT;
    struct geometry_factor f;
    if (g == NULL || geometry_factor(g, away, at->view_cm[away], &f) < 0)
        return 0;
    return histogram_merge_blob_scaled(&at->corrected, row->bins, row->bins_len, f.factor);
}

/* ---- speeds -------------------------------------------------------------------------------- */

static int hour_add(void *arg, const struct store_hour *row) {
    struct reading *reading = arg;
    struct survey_site *at = reading->at;
    struct histogram *way = &at->way[row->direction == DIRECTION_OUT];
    uint64_t at_or_over = 0;
    int r = histogram_merge_blob(way, row->bins, row->bins_len);
    if (r >= 0)
        r = histogram_merge_blob(&at->both, row->bins, row->bins_len);
    if (r >= 0 && at->threshold_mph > 0)
        r = histogram_blob_at_or_over(row->bins, row->bins_len, at->threshold_mph * 10,
                                      &at_or_over);
    if (r >= 0)
        r = corrected_add(at, row);
    if (r < 0)
        return r;
    struct survey_hour *bin = &at->week[hourweek_of_ms(row->hour_ms)];
    bin->n += row->n;
    bin->at_or_over += (uint32_t)at_or_over;
    return 0;
}

/* ---- hours watched ------------------------------------------------------------------------- */

static void watched(struct survey_site *site, int64_t at_ms, int64_t length_ms) {
    double hours = (double)length_ms / STORE_HOUR_MS;
    site->week[hourweek_of_ms(at_ms)].hours += hours;
    site->hours += hours;
}

static int awake_add(void *arg, const struct store_awake *row) {
    struct reading *reading = arg;
    struct survey_site *site = site_find(reading->survey, kit_site(reading, row->device));
    if (site != NULL)
        watched(site, row->hour_ms, row->awake_ms);
    return 0;
}

static int session_add(void *arg, const struct store_session *row) {
    struct reading *reading = arg;
    struct survey_site *site = site_find(reading->survey, row->site);
    if (site == NULL || kit_site(reading, row->device)[0] != '\0' || row->start.boot_id == 0 ||
        row->start.occurred_ms == STORE_NEVER)
        return 0;
    int64_t at = row->start.occurred_ms;
    if (at > site->last_visit_ms)
        site->last_visit_ms = at;
    if (row->stop.boot_id == 0 || row->stop.occurred_ms == STORE_NEVER)
        return 0;
    while (at < row->stop.occurred_ms) {
        int64_t next = (at / STORE_HOUR_MS + 1) * STORE_HOUR_MS;
        int64_t end = next < row->stop.occurred_ms ? next : row->stop.occurred_ms;
        watched(site, at, end - at);
        at = end;
    }
    return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int fill(const struct store *store, struct reading *reading) {
    struct survey *survey = reading->survey;
    struct store_filter sessions = {.lock = -1, .from_ms = survey->from_ms, .to_ms = survey->to_ms};
    int r = store->devices(store->ctx, kit_add, reading);
    for (size_t i = 0; i < survey->count && r >= 0; i++) {
        reading->at = &survey->sites[i];
        r = geometry_load(store, reading->at);
        if (r < 0)
            break;
        r = store->hours(store->ctx, reading->at->site.id, survey->from_ms, survey->to_ms, 0,
                         hour_add, reading);
    }
    for (size_t i = 0; i < reading->kits_n && r >= 0; i++)
        if (reading->kits[i].site[0] != '\0' && site_find(survey, reading->kits[i].site) != NULL)
            r = store->awake(store->ctx, reading->kits[i].id, survey->from_ms, survey->to_ms, 0,
                             awake_add, reading);
    return r < 0 ? r : store->sessions(store->ctx, &sessions, session_add, reading);
}

int survey_read(const struct store *store, const char *id, int64_t from_ms, int64_t to_ms,
                struct survey *ret_survey) {
    struct survey survey = {.from_ms = from_ms, .to_ms = to_ms};
    struct reading reading = {.survey = &survey, .only = id};
    int r = store->sites(store->ctx, site_add, &reading);
    if (r >= 0 && id != NULL && survey.count == 0)
        r = ERR_NOENT;
    if (r >= 0)
        r = fill(store, &reading);
    free(reading.kits);
    if (r < 0) {
        survey_free(&survey);
        return r;
    }
    *ret_survey = survey;
    return 0;
}

void survey_free(struct survey *survey) {
    free(survey->sites);
    *survey = (struct survey){0};
}
