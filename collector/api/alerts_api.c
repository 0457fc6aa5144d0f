/* Alerts: what is wrong now, gravest first, and what people did about it. */
#include "alert_place.h"
#include "alerts.h"
#include "call.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned states;
} STATES[] = {
    {"active", 1U << ALERT_OPEN | 1U << ALERT_ACKNOWLEDGED},
    {"open", 1U << ALERT_OPEN},
    {"acknowledged", 1U << ALERT_ACKNOWLEDGED},
    {"closed", 1U << ALERT_CLOSED},
    {"all", 1U << ALERT_OPEN | 1U << ALERT_ACKNOWLEDGED | 1U << ALERT_CLOSED},
};

/* Why an alert is closed: codes for scripts, words for people and the record. */
static const char *const CAUSES[][2] = {
    {"keyholder", "Keyholder: it was me"},
    {"confirmed", "Confirmed: damage, theft or an attempt"},
    {"weather", "False alarm: wind or rain"},
    {"animal", "False alarm: animal"},
    {"false-alarm", "False alarm: nothing found"},
    {"fault", "Fault of the device, repaired or reported"},
    {"test", "Test"},
    {"other", "Other"},
};

static json_t *json_person(int64_t at_ms, const char *who) {
    return at_ms == STORE_NEVER ? json_null()
                                : json_pack("{s:o,s:s}", "at", json_time(at_ms), "by", who);
}

json_t *json_alert(const struct store_alert *a) {
    json_t *json = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:b,s:i}", "id", (json_int_t)a->id, "kind",
                             alert_kind_name(a->kind), "state", alert_state_name(a->state),
                             "severity", alert_severity_name(a->severity), "title", a->title,
                             "device", a->device, "late", a->late, "events", (int)a->events);
    if (json == NULL)
        return NULL;
    json_object_set_new(json, "lock",
                        a->lock == STORE_NO_LOCK ? json_null() : json_integer(a->lock));
    json_object_set_new(json, "raised", json_time(a->raised_ms));
    json_object_set_new(json, "occurred", json_time(a->occurred_ms));
    json_object_set_new(json, "last", json_time(a->last_ms));
    json_object_set_new(json, "restored", json_time(a->restored_ms));
    json_object_set_new(json, "acknowledged", json_person(a->acknowledged_ms, a->acknowledged_by));
    json_object_set_new(json, "closed", json_person(a->closed_ms, a->closed_by));
    json_object_set_new(json, "cause", a->cause[0] == '\0' ? json_null() : json_string(a->cause));
    return json;
}

/* ---- lists --------------------------------------------------------------------------------- */

struct page {
    struct store_alert rows[CALL_LIMIT_MAX + 1];
    size_t count;
};

static int page_add(void *arg, const struct store_alert *row) {
    struct page *page = arg;
    page->rows[page->count++] = *row;
    return page->count == CALL_LIMIT_MAX + 1;
}

static int gravity(const struct store_alert *a) {
    return (a->state == ALERT_OPEN ? 8 : 0) + (a->late ? 0 : 4) + (int)a->severity;
}

static int by_gravity(const void *pa, const void *pb) {
    const struct store_alert *a = pa, *b = pb;
    int order = gravity(b) - gravity(a);
    return order != 0 ? order : (a->raised_ms < b->raised_ms) - (a->raised_ms > b->raised_ms);
}

static int states_read(struct call *call, unsigned *ret_states) {
    const char *text = call_query(call, "state");
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
        if (strcmp(text == NULL ? "active" : text, STATES[i].name) == 0) {
            *ret_states = STATES[i].states;
            return 0;
        }
    int r = call_refuse(call, 400, "bad-query",
                        "'state' is one of active, open, acknowledged, closed, all.");
    return r < 0 ? r : ERR_INVAL;
}

static int page_answer(struct call *call, struct page *page, size_t limit) {
    bool more = page->count > limit;
    page->count = more ? limit : page->count;
    int64_t next = more ? page->rows[limit - 1].id : 0;
    qsort(page->rows, page->count, sizeof *page->rows, by_gravity);
    int open = call->store->alert_count(call->store->ctx, 1U << ALERT_OPEN);
    if (open < 0)
        return open;
    json_t *list = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(list, json_alert(&page->rows[i]));
    return call_json(call, 200,
                     json_pack("{s:o,s:i,s:o}", "alerts", list, "open", open, "next",
                               more ? json_integer(next) : json_null()));
}

int handle_alerts(struct call *call) {
    struct store_alert_filter filter = {.lock = -1};
    int64_t limit;
    if (states_read(call, &filter.states) < 0 ||
        call_number(call, "limit", 1, CALL_LIMIT_MAX, CALL_LIMIT_DEFAULT, &limit) < 0 ||
        call_number(call, "before", 1, INT64_MAX, 0, &filter.before) < 0)
        return 0;
    struct page *page = calloc(1, sizeof *page);
    if (page == NULL)
        return ERR_NOMEM;
    filter.limit = (size_t)limit + 1;
    int r = call->store->alerts(call->store->ctx, &filter, page_add, page);
    if (r >= 0)
        r = page_answer(call, page, (size_t)limit);
    free(page);
    return r;
}

/* ---- one ----------------------------------------------------------------------------------- */

static int entry_add(void *arg, const struct store_alert_entry *row) {
    json_array_append_new(arg, json_pack("{s:o,s:o,s:s,s:s}", "at", json_time(row->at_ms),
                                         "occurred", json_time(row->occurred_ms), "who", row->who,
                                         "text", row->text));
    return 0;
}

static int earlier_add(void *arg, const struct store_alert *row) {
    json_array_append_new(arg, json_alert(row));
    return 0;
}

static int alert_answer(struct call *call, const struct store_alert *alert) {
    const struct store *store = call->store;
    struct store_alert_filter filter = {
        .device = alert->device,
        .lock = alert->lock == STORE_NO_LOCK ? -1 : alert->lock,
        .before = alert->id,
        .limit = 10,
    };
    json_t *timeline = json_array(), *earlier = json_array(), *causes = json_array();
    json_t *nearby = NULL;
    int r = store->entries(store->ctx, alert->id, CALL_LIMIT_MAX, entry_add, timeline);
    if (r >= 0)
        r = store->alerts(store->ctx, &filter, earlier_add, earlier);
    if (r >= 0)
        r = alert_place_nearby(call, alert, &nearby);
    for (size_t i = 0; i < sizeof CAUSES / sizeof *CAUSES; i++)
        json_array_append_new(causes,
                              json_pack("{s:s,s:s}", "code", CAUSES[i][0], "words", CAUSES[i][1]));
    json_t *json =
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "alert", json_alert(alert), "place",
                  alert_place_json(call, alert), "timeline", timeline, "earlier", earlier, "nearby",
                  nearby == NULL ? json_array() : nearby, "causes", causes);
    if (r >= 0)
        return call_json(call, 200, json);
    json_decref(json);
    return r;
}

int handle_alert(struct call *call) {
    struct store_alert alert;
    int64_t id;
    if (call_id(call, &id) < 0)
        return 0;
    int r = call->store->alert_get(call->store->ctx, id, &alert);
    return r < 0 ? r : alert_answer(call, &alert);
}

/* ---- what people do ------------------------------------------------------------------------ */

static int changed(struct call *call, const struct store_alert *alert) {
    api_alert_changed(call->api, alert, false);
    return alert_answer(call, alert);
}

int handle_alert_acknowledge(struct call *call) {
    struct store_alert alert;
    int64_t id;
    if (call_id(call, &id) < 0)
        return 0;
    int r = alerts_acknowledge(call->store, id, call->who.name, call->request->now_ms, &alert);
    return r < 0 ? r : changed(call, &alert);
}

static const char *cause_words(const char *code) {
    for (size_t i = 0; code != NULL && i < sizeof CAUSES / sizeof *CAUSES; i++)
        if (strcmp(CAUSES[i][0], code) == 0)
            return CAUSES[i][1];
    return NULL;
}

int handle_alert_close(struct call *call) {
    struct store_alert alert;
    const char *code, *note;
    char cause[STORE_TEXT_MAX + 1];
    int64_t id;
    if (call_id(call, &id) < 0 || call_text(call, "cause", CALL_NOTE_MAX, &code) < 0 ||
        call_text(call, "note", CALL_NOTE_MAX, &note) < 0)
        return 0;
    const char *words = cause_words(code);
    if (words == NULL)
        return call_refuse(call, 400, "cause-needed",
                           "Say why in 'cause': keyholder, confirmed, weather, animal, "
                           "false-alarm, fault, test or other.");
    bool noted = note != NULL && note[0] != '\0';
    snprintf(cause, sizeof cause, "%s%s%s", words, noted ? ". " : "", noted ? note : "");
    int r = alerts_close(call->store, id, call->who.name, cause, call->request->now_ms, &alert);
    return r < 0 ? r : changed(call, &alert);
}

int handle_alert_note(struct call *call) {
    struct store_alert alert;
    const char *text;
    int64_t id;
    if (call_id(call, &id) < 0 || call_text(call, "text", CALL_NOTE_MAX, &text) < 0)
        return 0;
    if (text == NULL || text[strspn(text, " ")] == '\0')
        return call_refuse(call, 400, "bad-body", "Send the note as 'text'.");
    int r = alerts_note(call->store, id, call->who.name, text, call->request->now_ms);
    if (r >= 0)
        r = call->store->alert_get(call->store->ctx, id, &alert);
    return r < 0 ? r : changed(call, &alert);
}
