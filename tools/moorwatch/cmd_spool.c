/* spool: what a device still has to tell.  Only looks: the daemon may be at work meanwhile. */
#include "commands.h"
#include "record.h"
#include "spool.h"
#include "spool_log.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct request {
    const char *dir;
    bool json, events;
};

/* Large, and one at a time. */
static struct spool spool;
static uint8_t payload[WIRE_PAYLOAD_MAX];
static struct event events[WIRE_EVENTS_MAX];

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "moorwatch spool: %s%s%s; `moorwatch help spool` says how\n", what,
            value[0] != '\0' ? ": " : "", value);
    return 2;
}

static int request_of(int argc, char **argv, struct request *ret_request) {
    static const struct option OPTIONS[] = {
        {"json", no_argument, NULL, 'j'}, {"events", no_argument, NULL, 'e'}, {NULL, 0, NULL, 0}};
    struct request r = {0};
    int c;
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c == '?')
            return wrong("unknown option", argv[optind - 1]);
        r.json = r.json || c == 'j';
        r.events = r.events || c == 'e';
    }
    if (argc - optind != 1)
        return wrong(argc == optind ? "which directory?" : "one directory only", "");
    r.dir = argv[optind];
    *ret_request = r;
    return 0;
}

/* ---- events ---- */

/* A site's name may hold any printable character; these two would end a JSON string. */
static void plain(char *words) {
    for (; *words != '\0'; words++)
        if (*words == '"' || *words == '\\')
            *words = '\'';
}

static void session_words(const struct event_session *e, char *buf, size_t cap) {
    static const char *const WORDS[] = {"", "started", "stopped", "checked"};
    int n = snprintf(buf, cap, "session %" PRIu32 " at %s %s", e->session, e->site,
                     e->what <= SESSION_CHECK ? WORDS[e->what] : "");
    if (e->position_error_m > 0 && n >= 0 && (size_t)n < cap)
        snprintf(buf + n, cap - (size_t)n, ", %.5f %.5f +-%u m", e->latitude_e7 / 1e7,
                 e->longitude_e7 / 1e7, e->position_error_m);
}

static void health_words(const struct event_health *h, char *buf, size_t cap) {
    int n = snprintf(buf, cap,
                     "health battery %u mV %d mA %u days, disk %" PRIu32
                     " MiB, spool %u days, power %02x, clock %u",
                     h->battery_mv, h->battery_ma, h->battery_days, h->disk_free_mib, h->spool_days,
                     h->power_flags, h->clock_quality);
    if (h->temperature_c10 != INT16_MIN && n >= 0 && (size_t)n < cap)
        snprintf(buf + n, cap - (size_t)n, ", %.1f C", h->temperature_c10 / 10.0);
}

/* What a person would ask next: which lock and what, how fast, which session, which fault. */
static void words_of(const struct event *e, char *buf, size_t cap) {
    const char *kind = event_kind_name(e->kind);
    if (e->kind == EVENT_LOCK)
        snprintf(buf, cap, "%s %u %s", kind, e->lock.lock + 1u, lock_what_name(e->lock.what));
    else if (e->kind == EVENT_PASSAGE)
        snprintf(buf, cap, "%s %s %u.%u mph", kind, e->passage.direction == 0 ? "in" : "out",
                 e->passage.speed_mph10 / 10u, e->passage.speed_mph10 % 10u);
    else if (e->kind == EVENT_SESSION)
        session_words(&e->session, buf, cap);
    else if (e->kind == EVENT_HEALTH)
        health_words(&e->health, buf, cap);
    else if (e->kind == EVENT_ANCHOR)
        snprintf(buf, cap, "%s %" PRId64 " ms quality %u +-%" PRIu32 " ms", kind, e->anchor.unix_ms,
                 e->anchor.quality, e->anchor.error_ms);
    else if (e->kind == EVENT_FAULT)
        snprintf(buf, cap, "%s %s %s (%" PRId32 ")", kind, fault_code_name(e->fault.code),
                 e->fault.active ? "began" : "cleared", e->fault.detail);
    else
        snprintf(buf, cap, "%s", kind);
}

static void print_event(const struct request *r, const char *where, uint64_t boot_id,
                        const struct event *e, bool *first) {
    char words[128];
    words_of(e, words, sizeof words);
    plain(words);
    if (r->json)
        printf("%s\n        {\"in\": \"%s\", \"boot\": \"%016" PRIx64 "\", \"t_ms\": %" PRId64
               ", \"kind\": \"%s\", \"words\": \"%s\"}",
               *first ? "" : ",", where, boot_id, e->t_ms, event_kind_name(e->kind), words);
    else
        printf("    %-14s boot %016" PRIx64 "  %12" PRId64 " ms  %s\n", where, boot_id, e->t_ms,
               words);
    *first = false;
}

static void print_batch(const struct request *r, const struct spool_pending *p, bool *first) {
    struct batch_view view;
    char where[32];
    snprintf(where, sizeof where, "batch %" PRIu64, p->seq);
    int len = spool_read_batch(&spool, p, payload, sizeof payload);
    int n = len < 0 ? len : batch_peek(payload, (size_t)len, &view);
    if (n >= 0)
        n = batch_decode(&view, events, WIRE_EVENTS_MAX);
    if (n < 0)
        fprintf(stderr, "moorwatch spool: %s cannot be read: %s\n", where, err_text(n));
    for (int i = 0; i < n; i++)
        print_event(r, where, view.header.boot_id, &events[i], first);
}

/* Sealed ones first: they are the older. */
static void print_events(const struct request *r) {
    struct spool_pending pending, before;
    bool first = true, have = false;
    if (r->json)
        printf(",\n      \"pending\": [");
    while (spool_next_batch(&spool, have ? &before : NULL, &pending) == 0) {
        print_batch(r, &pending, &first);
        before = pending;
        have = true;
    }
    struct spool_pos pos = spool.unsealed, at;
    struct record record;
    struct record_event about;
    struct event event;
    while (spool_log_next(&spool, &pos, &record, &at) > 0)
        if (record_get_event(&record, &about, &event) == 0 && about.ordinal >= spool.now.sealed)
            print_event(r, "not sealed", about.boot_id, &event, &first);
    if (r->json)
        printf("]");
}

/* ---- figures ---- */

static void print_class(const struct request *r, const char *name, const struct spool_stats *x) {
    printf("%s: spool %016" PRIx64 "\n", name, x->spool_id);
    printf("  next batch %" PRIu64 ", acknowledged below %" PRIu64 ", waiting %" PRIu32
           " with %" PRIu32 " events, not sealed yet %" PRIu32 " events\n",
           x->next_seq, x->acked_seq, x->unacked, x->unacked_events, x->unsealed);
    printf("  accepted %" PRIu64 ", dropped %" PRIu64 ", damaged records %" PRIu32
           ", segments %" PRIu32 " (%" PRId64 " bytes), set aside %" PRIu32 "\n",
           x->accepted, x->dropped, x->records_lost, x->segments, x->bytes, x->set_aside);
    if (r->events)
        print_events(r);
}

static void print_class_json(const struct request *r, const char *name, const struct spool_stats *x,
                             bool first) {
    printf("%s\n    {\"class\": \"%s\", \"spool_id\": \"%016" PRIx64 "\", \"next_seq\": %" PRIu64
           ", \"acked_seq\": %" PRIu64 ",\n",
           first ? "" : ",", name, x->spool_id, x->next_seq, x->acked_seq);
    printf("     \"unacked\": %" PRIu32 ", \"unacked_events\": %" PRIu32 ", \"unsealed\": %" PRIu32
           ", \"accepted\": %" PRIu64 ", \"dropped\": %" PRIu64 ",\n",
           x->unacked, x->unacked_events, x->unsealed, x->accepted, x->dropped);
    printf("     \"records_lost\": %" PRIu32 ", \"segments\": %" PRIu32 ", \"bytes\": %" PRId64
           ", \"set_aside\": %" PRIu32,
           x->records_lost, x->segments, x->bytes, x->set_aside);
    if (r->events)
        print_events(r);
    printf("}");
}

static int look(const struct request *r, const struct disk *disk, enum event_class cls,
                bool *first) {
    struct spool_stats stats;
    int err = spool_inspect(&spool, disk, cls);
    if (err < 0)
        return err;
    spool_stats(&spool, &stats);
    if (r->json)
        print_class_json(r, event_class_name(cls), &stats, *first);
    else
        print_class(r, event_class_name(cls), &stats);
    *first = false;
    spool_close(&spool);
    return 0;
}

static int look_all(const struct request *r, const struct disk *disk) {
    bool first = true;
    int failed = 0;
    if (r->json)
        printf("{\"spools\": [");
    for (int c = 0; c < CLASS_COUNT; c++) {
        int err = look(r, disk, (enum event_class)c, &first);
        if (err < 0 && err != ERR_NOENT) {
            fprintf(stderr, "moorwatch spool: %s: the %s spool cannot be read: %s\n", r->dir,
                    event_class_name((enum event_class)c), err_text(err));
            failed = 1;
        }
    }
    if (r->json)
        printf("\n]}\n");
    if (first && !failed) {
        fprintf(stderr,
                "moorwatch spool: %s: no spool here; a daemon keeps its own where `state =` in its "
                "configuration says\n",
                r->dir);
        return 1;
    }
    return failed;
}

static int run(int argc, char **argv) {
    struct request r;
    struct disk disk;
    struct stat st;
    int code = request_of(argc, argv, &r);
    if (code != 0)
        return code;
    /* disk_posix would make it. */
    int err = stat(r.dir, &st) != 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : ERR_NOENT;
    if (err == 0)
        err = disk_posix(r.dir, &disk);
    if (err < 0) {
        fprintf(stderr, "moorwatch spool: %s: %s; name the directory that holds the .seg files\n",
                r.dir, err_text(err));
        return 1;
    }
    code = look_all(&r, &disk);
    disk_posix_free(&disk);
    return code;
}

const struct command COMMAND_SPOOL = {
    .name = "spool",
    .usage = "[--json] [--events] DIR",
    .summary = "print what a device's spool holds",
    .help =
        "DIR is the spool of a daemon, which may be running: nothing is written.  For each class "
        "(alarm, event, telemetry): the identity of the spool, the number of the next batch, "
        "what is acknowledged, what waits for the collector, what is not sealed into a batch "
        "yet, and what was accepted, dropped or damaged in the life of the directory.\n\n"
        "--events  list every event that waits, oldest first\n"
        "--json    for programs",
    .run = run,
};
