/* register: sites, devices and locks from a file into the collector's data base. */
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "conf.h"
#include "seal.h"
#include "store_sqlite.h"
#include "topic.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum section_kind { SECTION_NONE, SECTION_SITE, SECTION_DEVICE, SECTION_LOCK, SECTION_WRONG };

enum { KEY_PATH_MAX = 511, DATE_MAX = 15, SECTIONS_MAX = 100000 };

/* What a section's keys fill in; one at a time. */
struct fields {
    char name[STORE_NAME_MAX + 1], road[STORE_NAME_MAX + 1], lpa[STORE_NAME_MAX + 1];
    char ward[STORE_ID_MAX + 1], site[STORE_ID_MAX + 1], plot[STORE_NAME_MAX + 1];
    char allotment[STORE_NAME_MAX + 1], key[KEY_PATH_MAX + 1], approved_until[DATE_MAX + 1];
    uint16_t limit_mph;
    int32_t easting, northing;
    unsigned kind;
    int64_t period_ns;
    bool revoked;
};

#define TEXT(member, def, help)                                                                    \
    { NULL, #member, CONF_STR, CONF_AT(struct fields, member), 0, 0, def, NULL, NULL, help }
#define METRES(member, most)                                                                       \
    {                                                                                              \
        NULL, #member, CONF_I32, CONF_AT(struct fields, member), 0, most, "0", NULL, "m",          \
            "National Grid."                                                                       \
    }
#define PLACE METRES(easting, 700000), METRES(northing, 1300000)

static const struct conf_key SITE_KEYS[] = {
    TEXT(name, NULL, "For people."),
    TEXT(road, "", "Name or number."),
    TEXT(lpa, "", "Local Policing Area."),
    TEXT(ward, "", "Ward code."),
    {NULL, "limit", CONF_U16, CONF_AT(struct fields, limit_mph), 5, 70, NULL, NULL, "mph",
     "Speed limit."},
    PLACE,
    TEXT(approved_until, "", "YYYY-MM-DD; empty: without end."),
};

static const struct conf_key DEVICE_KEYS[] = {
    {NULL, "kind", CONF_CHOICE, CONF_AT(struct fields, kind), 0, 0, NULL, "speedwatch|padlock",
     NULL, "What it is."},
    {NULL, "key", CONF_PATH, CONF_AT(struct fields, key), 0, 0, NULL, NULL, NULL,
     "Its certificate or public key (PEM)."},
    TEXT(name, "", "For people."),
    TEXT(lpa, "", "Local Policing Area."),
    TEXT(site, "", "Of a kit that stays put."),
    PLACE,
    {NULL, "period", CONF_DURATION, CONF_AT(struct fields, period_ns), 1000, 604800000, "1 h", NULL,
     NULL, "It is heard of at least this often."},
    {NULL, "revoked", CONF_BOOL, CONF_AT(struct fields, revoked), 0, 0, "no", NULL, NULL,
     "Its key is no longer believed."},
};

static const struct conf_key LOCK_KEYS[] = {
    TEXT(plot, NULL, "Which plot, gate or barn."),
    TEXT(allotment, "", "The site that it is on."),
    PLACE,
};

static const struct kind {
    const char *word;
    const struct conf_key *keys;
    size_t count;
} KINDS[] = {
    [SECTION_SITE] = {"site", SITE_KEYS, sizeof SITE_KEYS / sizeof SITE_KEYS[0]},
    [SECTION_DEVICE] = {"device", DEVICE_KEYS, sizeof DEVICE_KEYS / sizeof DEVICE_KEYS[0]},
    [SECTION_LOCK] = {"lock", LOCK_KEYS, sizeof LOCK_KEYS / sizeof LOCK_KEYS[0]},
};

/* The file on its way into the store. */
struct reading {
    const struct store *store;
    int64_t now_ms;
    enum section_kind kind;
    char section[CONF_NAME_MAX + 1];
    char id[CONF_NAME_MAX + 1]; /* after the kind's word */
    unsigned lock;
    int line; /* of the section's first key */
    struct fields fields;
    struct conf_seen seen;
    unsigned count[SECTION_WRONG];
    int err; /* of the store: nothing more is tried */
};

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

/* -- one section, complete ------------------------------------------------------------------- */

static void stored(struct reading *r, int err) {
    if (err < 0)
        r->err = err;
    else
        r->count[r->kind]++;
}

static bool date_read(const char *text, int64_t *ret_ms) {
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end == NULL || *end != '\0')
        return false;
    /* To the end of that day. */
    *ret_ms = ((int64_t)timegm(&tm) + 24 * 3600) * 1000;
    return true;
}

static void site_done(struct reading *r, struct conf_errors *errors) {
    const struct fields *f = &r->fields;
    struct store_site row = {.limit_mph = f->limit_mph,
                             .easting = f->easting,
                             .northing = f->northing,
                             .approved_until_ms = STORE_NEVER};
    if (strlen(r->id) > STORE_ID_MAX || strchr(r->id, ' ') != NULL)
        conf_error(errors, r->line, r->section, "a site's id is one word of at most %d characters",
                   STORE_ID_MAX);
    if (f->approved_until[0] != '\0' && !date_read(f->approved_until, &row.approved_until_ms))
        conf_error(errors, r->line, "approved_until", "'%s' is not a date; write YYYY-MM-DD",
                   f->approved_until);
    snprintf(row.id, sizeof row.id, "%.*s", STORE_ID_MAX, r->id);
    COPY(row.name, f->name);
    COPY(row.road, f->road);
    COPY(row.lpa, f->lpa);
    COPY(row.ward, f->ward);
    if (errors->count == 0)
        stored(r, r->store->site_put(r->store->ctx, &row));
}

static void device_key(struct reading *r, struct conf_errors *errors, uint8_t *ret_point) {
    struct seal_key key;
    int e = seal_key_load(r->fields.key, &key);
    if (e < 0) {
        conf_error(errors, r->line, "key", "%s: %s; it must be a P-256 certificate or public key",
                   r->fields.key, err_text(e));
        return;
    }
    e = seal_key_bytes(&key, ret_point);
    seal_key_free(&key);
    if (e < 0)
        conf_error(errors, r->line, "key", "%s: %s", r->fields.key, err_text(e));
}

static void device_done(struct reading *r, struct conf_errors *errors) {
    const struct fields *f = &r->fields;
    struct store_device row = {.kind = f->kind == 0 ? DEVICE_SPEEDWATCH : DEVICE_PADLOCK,
                               .easting = f->easting,
                               .northing = f->northing,
                               .period_s = (uint32_t)(f->period_ns / 1000000000),
                               .revoked = f->revoked};
    if (!topic_device_valid(r->id))
        conf_error(errors, r->line, r->section,
                   "a device's name is 1 to %d of a-z, 0-9 and '-', beginning with a letter",
                   WIRE_DEVICE_MAX);
    if (f->key[0] != '\0')
        device_key(r, errors, row.key);
    snprintf(row.id, sizeof row.id, "%.*s", STORE_ID_MAX, r->id);
    COPY(row.name, f->name[0] != '\0' ? f->name : row.id);
    COPY(row.lpa, f->lpa);
    COPY(row.site, f->site);
    if (errors->count == 0)
        stored(r, r->store->device_put(r->store->ctx, &row, r->now_ms));
}

static void lock_done(struct reading *r, struct conf_errors *errors) {
    const struct fields *f = &r->fields;
    struct store_device device;
    struct store_lock row = {
        .lock = (uint8_t)r->lock, .easting = f->easting, .northing = f->northing};
    snprintf(row.device, sizeof row.device, "%.*s", STORE_ID_MAX, r->id);
    COPY(row.plot, f->plot);
    COPY(row.allotment, f->allotment);
    if (errors->count > 0)
        return;
    int e = r->store->device_get(r->store->ctx, row.device, &device);
    if (e == ERR_NOENT)
        conf_error(errors, r->line, r->section,
                   "there is no device '%s'; register it first, or above in this file", row.device);
    else
        stored(r, e < 0 ? e : r->store->lock_put(r->store->ctx, &row));
}

static void section_done(struct reading *r, struct conf_errors *errors) {
    static void (*const DONE[])(struct reading * r, struct conf_errors * errors) = {
        [SECTION_SITE] = site_done, [SECTION_DEVICE] = device_done, [SECTION_LOCK] = lock_done};
    if (r->kind == SECTION_NONE || r->kind == SECTION_WRONG || r->err < 0)
        return;
    conf_missing(KINDS[r->kind].keys, KINDS[r->kind].count, &r->seen, r->section, errors);
    DONE[r->kind](r, errors);
}

/* -- the file -------------------------------------------------------------------------------- */

/* "site yarm-1", "device kit-1", "lock hub-1 2" */
static enum section_kind section_parse(struct reading *r, const char *section) {
    char word[CONF_NAME_MAX + 1] = "", tail[CONF_NAME_MAX + 1] = "";
    int end = 0, n = sscanf(section, "%47s %47s %n", word, r->id, &end);
    for (enum section_kind k = SECTION_SITE; n == 2 && k <= SECTION_LOCK; k++)
        if (strcmp(word, KINDS[k].word) == 0) {
            COPY(tail, section + end);
            if (k != SECTION_LOCK)
                return tail[0] == '\0' ? k : SECTION_WRONG;
            char *stop = NULL;
            r->lock = (unsigned)strtoul(tail, &stop, 10);
            bool number = tail[0] >= '0' && tail[0] <= '9' && *stop == '\0';
            return number && r->lock < EVENT_LOCKS_MAX ? k : SECTION_WRONG;
        }
    return SECTION_WRONG;
}

static void section_begin(struct reading *r, const struct conf_item *item,
                          struct conf_errors *errors) {
    COPY(r->section, item->section);
    r->line = item->line;
    r->kind = section_parse(r, item->section);
    r->seen = (struct conf_seen){0};
    r->fields = (struct fields){0};
    if (r->kind == SECTION_WRONG)
        conf_error(errors, item->line, item->section,
                   "a section is [site ID], [device ID] or [lock DEVICE N], N from 0 to %d",
                   EVENT_LOCKS_MAX - 1);
    else
        conf_defaults(KINDS[r->kind].keys, KINDS[r->kind].count, &r->fields);
}

static void on_item(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct reading *r = arg;
    if (r->kind == SECTION_NONE || strcmp(r->section, item->section) != 0) {
        section_done(r, errors);
        section_begin(r, item, errors);
    }
    if (r->kind != SECTION_WRONG)
        conf_set(KINDS[r->kind].keys, KINDS[r->kind].count, &r->fields, &r->seen, item, errors);
}

static int read_into(const struct store *store, const char *path, int64_t now_ms) {
    static struct conf_errors errors;
    struct reading r = {.store = store, .now_ms = now_ms};
    conf_errors_init(&errors, path);
    int e = store->begin(store->ctx);
    if (e >= 0)
        e = conf_each(path, on_item, &r, &errors);
    if (e >= 0)
        section_done(&r, &errors);
    if (errors.count > 0) {
        store->rollback(store->ctx);
        conf_errors_print(&errors, stderr);
        fprintf(stderr, "moorwatch register: nothing was registered\n");
        return 1;
    }
    if (e >= 0)
        e = r.err < 0 ? r.err : store->commit(store->ctx);
    if (e < 0) {
        store->rollback(store->ctx);
        fprintf(stderr, "moorwatch register: %s; nothing was registered\n", err_text(e));
        return 1;
    }
    fprintf(stderr, "moorwatch register: %u sites, %u devices, %u locks\n", r.count[SECTION_SITE],
            r.count[SECTION_DEVICE], r.count[SECTION_LOCK]);
    return 0;
}

static int run(int argc, char **argv) {
    const char *db = NULL, *file = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--db") == 0 && i + 1 < argc)
            db = argv[++i];
        else if (argv[i][0] != '-' && file == NULL)
            file = argv[i];
        else
            return fprintf(stderr, "moorwatch register: '%s' is not understood\n", argv[i]), 2;
    }
    if (db == NULL || file == NULL)
        return fprintf(stderr, "usage: moorwatch register --db DB FILE.ini\n"), 2;
    struct store store;
    int e = store_sqlite_open(db, STORE_SQLITE_CREATE, &store);
    if (e < 0)
        return fprintf(stderr, "moorwatch register: %s: %s\n", db, err_text(e)), 1;
    struct clock clock = clock_system();
    int status = read_into(&store, file, clock.wall_ms(clock.ctx));
    store.close(store.ctx);
    return status;
}

const struct command COMMAND_REGISTER = {
    .name = "register",
    .usage = "--db DB FILE.ini",
    .summary = "enter sites, devices and locks into the collector's register",
    .help = "Reads sections [site ID], [device ID] and [lock DEVICE N] and enters them into DB,\n"
            "which is made if it is missing. What is registered already is replaced; nothing is\n"
            "removed. If one line is wrong nothing at all is entered, and every error is shown\n"
            "with its line.\n"
            "\n"
            "  [site yarm-1]            name, limit (mph); road, lpa, ward, easting, northing,\n"
            "                           approved_until (YYYY-MM-DD)\n"
            "  [device kit-1]           kind (speedwatch or padlock), key (its certificate or\n"
            "                           public key, a PEM file); name, lpa, site, easting,\n"
            "                           northing, period (5 min), revoked (yes or no)\n"
            "  [lock hub-1 0]           plot; allotment, easting, northing",
    .run = run,
};
