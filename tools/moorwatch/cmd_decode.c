/* decode: batches back into CSV, checking what can be checked. */
#include "commands.h"
#include "mwb.h"
#include "passage_csv.h"
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

struct decoder {
    struct seal_key key; /* zeroed: none given */
    uint8_t payload[WIRE_PAYLOAD_MAX];
    struct event events[WIRE_EVENTS_MAX];
    uint64_t offset; /* of the payload at hand, in the file */
    uint64_t batches, written, other, unknown, breaks;
    struct batch_header last;
    uint8_t last_hash[WIRE_HASH_BYTES];
};

static int broken(const struct decoder *d, const char *what) {
    fprintf(stderr,
            "moorwatch decode: batch %" PRIu64 " at offset %" PRIu64 ": %s; what stood before it "
            "has been written\n",
            d->batches + 1, d->offset, what);
    return 1;
}

/* Does this batch name the one before it, if that is its predecessor? */
static void check_chain(struct decoder *d, const struct batch_header *h, size_t len) {
    bool follows = d->batches > 0 && h->spool_id == d->last.spool_id && h->cls == d->last.cls &&
                   h->seq == d->last.seq + 1;
    if (follows && (!h->has_previous || memcmp(h->previous, d->last_hash, WIRE_HASH_BYTES) != 0))
        d->breaks++;
    d->last = *h;
    batch_hash(d->payload, len, d->last_hash);
}

static int decode_batch(struct decoder *d, size_t len) {
    struct batch_view view;
    int n = batch_peek(d->payload, len, &view);
    if (n >= 0 && d->key.key != NULL && batch_verify(d->payload, len, &d->key) < 0)
        return broken(d, "the signature does not hold with this key");
    if (n >= 0)
        n = batch_decode(&view, d->events, WIRE_EVENTS_MAX);
    if (n < 0)
        return broken(d, err_text(n));
    for (int i = 0; i < n; i++)
        if (d->events[i].kind == EVENT_PASSAGE) {
            passage_csv_write(stdout, &d->events[i]);
            d->written++;
        } else {
            d->other++;
        }
    d->unknown += view.header.events - (uint64_t)n;
    check_chain(d, &view.header, len);
    d->batches++;
    return 0;
}

static int decode_all(struct decoder *d) {
    passage_csv_write_header(stdout);
    for (;;) {
        int len = mwb_read(stdin, d->payload);
        if (len == 0)
            return 0;
        if (len == ERR_BADMSG)
            return broken(d, "the file ends within it");
        if (len == ERR_OVERFLOW)
            return broken(d, "its length is not that of a batch: not a .mwb file, or damaged");
        if (len < 0)
            return broken(d, err_text(len));
        if (decode_batch(d, (size_t)len) != 0)
            return 1;
        d->offset += 4 + (uint64_t)len;
    }
}

static int report(const struct decoder *d, int code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "moorwatch decode: standard output: %s\n", err_text(ERR_IO));
        return 1;
    }
    bool verified = d->key.key != NULL;
    fprintf(stderr,
            "events=%" PRIu64 " batches=%" PRIu64 " verified=%" PRIu64 " unverified=%" PRIu64,
            d->written, d->batches, verified ? d->batches : 0, verified ? 0 : d->batches);
    if (d->other + d->unknown > 0)
        fprintf(stderr, " not_passages=%" PRIu64 " unknown=%" PRIu64, d->other, d->unknown);
    if (d->breaks > 0)
        fprintf(stderr, " chain_breaks=%" PRIu64, d->breaks);
    fputc('\n', stderr);
    return d->breaks > 0 ? 1 : code;
}

static int run(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"key", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    static struct decoder d;
    const char *key_path = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (c != 'k')
            return 2;
        key_path = optarg;
    }
    if (optind < argc) {
        fprintf(stderr, "moorwatch decode: reads standard input; give the file as `< %s`\n",
                argv[optind]);
        return 2;
    }
    int e = key_path == NULL ? 0 : seal_key_load(key_path, &d.key);
    if (e < 0) {
        fprintf(stderr,
                "moorwatch decode: %s: %s (wanted: a P-256 public key or a certificate, PEM)\n",
                key_path, err_text(e));
        return 1;
    }
    int code = report(&d, decode_all(&d));
    seal_key_free(&d.key);
    return code;
}

const struct command COMMAND_DECODE = {
    .name = "decode",
    .usage = "[--key FILE] < batches.mwb > passages.csv",
    .summary = "batches back into CSV, checking signatures and the chain",
    .help = "Reads what `moorwatch encode` writes and what a collector keeps: each MQTT payload\n"
            "after its length (4 bytes, little endian).  Passages go to standard output as CSV;\n"
            "events of other kinds are counted.\n"
            "\n"
            "  --key FILE  check every signature with this public key or certificate (PEM);\n"
            "              without it batches are counted as unverified\n"
            "\n"
            "Ends with one line on standard error.  At a damaged or forged batch it stops, says\n"
            "where, and exits 1; what stood before has been written.  A batch whose chain hash\n"
            "does not name its predecessor counts as a chain break, exit 1.",
    .run = run,
};
