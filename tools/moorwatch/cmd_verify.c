/* verify: is what is stored unaltered and whole, and is it what the devices say they sent? */
#include "command.h"
#include "commands.h"
#include "verify_records.h"
#include "verify_spools.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPOOLS_MAX = 1024 };

struct request {
    const char *db;
    const char *spool[SPOOLS_MAX];
    size_t spools;
    bool json;
};

/* Of one device or of all. */
struct figures {
    uint64_t sent, stored, lost, duplicated, pending, dropped, faults;
};

/* A device whose spools were read is taken at its word; of others only the holes are known. */
static struct figures figures_of(const struct verify_device *d) {
    struct figures f = {.stored = d->events, .dropped = d->events_dropped};
    f.faults = d->bad_signature + d->bad_body + d->broken_chain + d->rows_wrong;
    if (!d->spool_read) {
        f.sent = d->events;
        f.lost = d->missing;
        return f;
    }
    for (int c = 0; c < CLASS_COUNT; c++) {
        const struct verify_spool *s = &d->spool[c];
        uint64_t out = s->accepted - s->dropped - s->unsealed; /* that has left the journal */
        uint64_t least = out - (s->unacked < out ? s->unacked : out);
        uint64_t stored = d->events_of[c];
        f.sent += out;
        f.pending += s->unsealed + s->unacked;
        f.lost += stored < least ? least - stored : 0;
        f.duplicated += stored > out ? stored - out : 0;
        f.dropped += s->dropped;
    }
    return f;
}

static void add(struct figures *sum, const struct figures *f) {
    sum->sent += f->sent;
    sum->stored += f->stored;
    sum->lost += f->lost;
    sum->duplicated += f->duplicated;
    sum->pending += f->pending;
    sum->dropped += f->dropped;
    sum->faults += f->faults;
}

static void faults_print(const struct verify_device *d) {
    const struct {
        uint64_t n;
        const char *words;
    } rows[] = {{d->bad_signature, "batches whose signature does not hold"},
                {d->bad_body, "batches that do not decode, or not to what the header says"},
                {d->broken_chain, "batches that do not follow the one before (hash chain)"},
                {d->rows_wrong, "derived rows too many or too few: rebuild them"},
                {d->missing, "batches missing, neither stored nor declared lost"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].n > 0)
            fprintf(stderr, "moorwatch verify: %s: %" PRIu64 " %s\n", d->id, rows[i].n,
                    rows[i].words);
}

static void table_print(const struct verify *v) {
    printf("%-24s %10s %10s %8s %10s %8s %8s %8s\n", "device", "sent", "stored", "lost",
           "duplicated", "pending", "dropped", "batches");
    for (size_t i = 0; i < v->count; i++) {
        struct figures f = figures_of(&v->device[i]);
        printf("%-24s %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64
               " %8" PRIu64 "%s\n",
               v->device[i].id, f.sent, f.stored, f.lost, f.duplicated, f.pending, f.dropped,
               v->device[i].batches, f.faults > 0 ? "  WRONG" : "");
    }
}

static void json_print(const struct verify *v, const struct figures *f, bool good) {
    uint64_t batches = 0, signature = 0, body = 0, chain = 0, rows = 0, missing = 0;
    for (size_t i = 0; i < v->count; i++) {
        batches += v->device[i].batches;
        signature += v->device[i].bad_signature;
        body += v->device[i].bad_body;
        chain += v->device[i].broken_chain;
        rows += v->device[i].rows_wrong;
        missing += v->device[i].missing;
    }
    printf("{\"events_sent\":%" PRIu64 ",\"events_stored\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"duplicated\":%" PRIu64 ",\"pending\":%" PRIu64 ",\"dropped\":%" PRIu64
           ",\"devices\":%zu,\"batches\":%" PRIu64 ",\"missing_batches\":%" PRIu64
           ",\"bad_signatures\":%" PRIu64 ",\"bad_bodies\":%" PRIu64 ",\"broken_chains\":%" PRIu64
           ",\"wrong_rows\":%" PRIu64 ",\"spools\":%s,\"good\":%s}\n",
           f->sent, f->stored, f->lost, f->duplicated, f->pending, f->dropped, v->count, batches,
           missing, signature, body, chain, rows, v->spools_read ? "true" : "false",
           good ? "true" : "false");
}

/* 0 all is well, 1 something is wrong. */
static int report(const struct verify *v, bool json) {
    struct figures sum = {0};
    for (size_t i = 0; i < v->count; i++) {
        struct figures f = figures_of(&v->device[i]);
        add(&sum, &f);
        faults_print(&v->device[i]);
    }
    bool good = sum.lost == 0 && sum.duplicated == 0 && sum.faults == 0;
    for (size_t i = 0; i < v->count; i++)
        good = good && v->device[i].missing == 0;
    if (json)
        json_print(v, &sum, good);
    else
        table_print(v);
    uint64_t batches = 0;
    for (size_t i = 0; i < v->count; i++)
        batches += v->device[i].batches;
    fprintf(stderr, "moorwatch verify: %" PRIu64 " batches: %s\n", batches,
            good ? "every signature holds, every chain is whole, nothing is lost or stored twice"
                 : "NOT in order");
    return good ? 0 : 1;
}

static int check(struct verify *v, const struct request *q) {
    int r = verify_records(v);
    if (r < 0) {
        fprintf(stderr, "moorwatch verify: %s: %s\n", q->db, err_text(r));
        return 1;
    }
    for (size_t i = 0; i < q->spools; i++) {
        r = verify_spool(v, q->spool[i]);
        if (r == ERR_NODEV)
            fprintf(stderr,
                    "moorwatch verify: %s: holds records, and none of its queues has ever "
                    "reached this store\n",
                    q->spool[i]);
        else if (r < 0)
            fprintf(stderr, "moorwatch verify: %s: %s\n", q->spool[i], err_text(r));
        if (r < 0)
            return 1;
    }
    return report(v, q->json);
}

static int arguments(int argc, char **argv, struct request *q) {
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--db") == 0 && value)
            q->db = argv[++i];
        else if (strcmp(argv[i], "--spool") == 0 && value && q->spools < SPOOLS_MAX)
            q->spool[q->spools++] = argv[++i];
        else if (strcmp(argv[i], "--json") == 0)
            q->json = true;
        else
            return fprintf(stderr, "moorwatch verify: '%s' is not understood\n", argv[i]), 2;
    }
    if (q->db == NULL)
        return fprintf(stderr, "usage: moorwatch verify --db DB [--spool DIR ...] [--json]\n"), 2;
    return 0;
}

static int run(int argc, char **argv) {
    static struct request q;
    static struct verify v;
    struct store store;
    q = (struct request){0};
    int status = arguments(argc, argv, &q);
    if (status != 0)
        return status;
    int r = store_sqlite_open(q.db, STORE_SQLITE_READ, &store);
    if (r < 0) {
        fprintf(stderr, "moorwatch verify: %s: %s\n", q.db, err_text(r));
        return 1;
    }
    v = (struct verify){.store = &store};
    status = check(&v, &q);
    verify_free(&v);
    store.close(store.ctx);
    return status;
}

const struct command COMMAND_VERIFY = {
    .name = "verify",
    .usage = "--db DB [--spool DIR ...] [--json]",
    .summary = "check signatures, hash chains and completeness of what is stored",
    .help = "Reads every stored batch again: the signature by the key in the register, the body,\n"
            "the hash that each batch gives of the one before, the numbers that are missing, and\n"
            "that the derived rows are as many as the events. With the spool directories of the\n"
            "devices (--spool, repeated) it also compares how many events each device says it\n"
            "has handed over with how many are stored.\n"
            "\n"
            "Prints a table of the devices, or with --json the totals as one JSON object. Ends\n"
            "with 1 if anything is wrong: a signature, a chain, a missing, lost or doubled event.\n"
            "What still waits in a spool (pending) and what a device says it had to drop\n"
            "(dropped) is shown and is not an error.",
    .run = run,
};
