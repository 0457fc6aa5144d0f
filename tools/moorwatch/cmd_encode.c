/* encode: passages from CSV into signed batches, as a device would send them. */
#include "commands.h"
#include "mwb.h"
#include "passage_csv.h"
#include "topic.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct request {
    size_t batch;
    const char *device;
    const char *key_path; /* NULL: a key that is made now and forgotten */
};

struct encoder {
    struct seal_signer signer;
    struct batch_header header; /* of the next batch */
    struct event events[WIRE_EVENTS_MAX];
    uint8_t payload[WIRE_PAYLOAD_MAX];
    size_t filled;
    uint64_t total, bytes;
};

static int say(const char *what, const char *detail) {
    fprintf(stderr, "moorwatch encode: %s%s\n", what, detail);
    return 1;
}

static int wrong(const char *what, const char *detail) {
    (void)say(what, detail);
    return 2;
}

static int request_of(int argc, char **argv, struct request *ret_request) {
    static const struct option OPTIONS[] = {{"batch", required_argument, NULL, 'b'},
                                            {"device", required_argument, NULL, 'd'},
                                            {"key", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    struct request r = {.batch = 250, .device = "csv"};
    char *end;
    int c;
    while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        if (c == 'b') {
            r.batch = strtoul(optarg, &end, 10);
            if (*end != '\0' || *optarg == '-' || r.batch < 1 || r.batch > WIRE_EVENTS_MAX)
                return wrong("--batch must be 1 to 768, not ", optarg);
        } else if (c == 'd') {
            r.device = optarg;
            if (!topic_device_valid(optarg))
                return wrong("--device must be 1 to 31 of a-z, 0-9 and '-', a letter first, not ",
                             optarg);
        } else if (c == 'k') {
            r.key_path = optarg;
        } else {
            return 2;
        }
    if (optind < argc)
        return wrong("reads standard input; give the file as `< ", argv[optind]);
    *ret_request = r;
    return 0;
}

static int start(struct encoder *e, const struct request *r) {
    int err = r->key_path != NULL ? seal_signer_load(r->key_path, &e->signer)
                                  : seal_signer_make(&e->signer);
    if (err < 0) {
        fprintf(stderr,
                "moorwatch encode: %s: %s (wanted: a P-256 private key without pass phrase, PEM)\n",
                r->key_path != NULL ? r->key_path : "making a key", err_text(err));
        return 1;
    }
    e->header = (struct batch_header){.schema = WIRE_SCHEMA, .cls = CLASS_EVENT};
    (void)snprintf(e->header.device, sizeof e->header.device, "%s", r->device);
    if (seal_random(&e->header.spool_id, sizeof e->header.spool_id) < 0 ||
        seal_random(&e->header.boot_id, sizeof e->header.boot_id) < 0)
        return say("no random numbers from the system", "");
    return 0;
}

static int flush(struct encoder *e) {
    if (e->filled == 0)
        return 0;
    int len =
        batch_encode(&e->header, e->events, e->filled, &e->signer, e->payload, sizeof e->payload);
    if (len < 0)
        return say("a batch could not be encoded: ", err_text(len));
    if (mwb_write(stdout, e->payload, (size_t)len) < 0)
        return say("standard output: ", err_text(ERR_IO));
    batch_hash(e->payload, (size_t)len, e->header.previous);
    e->header.has_previous = true;
    e->header.seq++;
    e->total += e->filled;
    e->bytes += (uint64_t)len;
    e->filled = 0;
    return 0;
}

static int complain(long line, const char *what) {
    fprintf(stderr, "moorwatch encode: line %ld: %s\n", line, what);
    return 1;
}

static int encode_lines(struct encoder *e, size_t batch, struct csv *csv) {
    struct passage_csv columns;
    int got = csv_next(csv);
    if (got < 0)
        return complain(csv->number, csv_words(got));
    if (got == 0)
        return complain(1, "nothing comes in; the first line must name the columns "
                           "t_ms,direction,speed_mph,duration_ms,magnitude_db");
    if (passage_csv_header(&columns, csv) < 0)
        return complain(csv->number, columns.says);
    while ((got = csv_next(csv)) > 0) {
        if (passage_csv_read(&columns, csv, &e->events[e->filled]) < 0)
            return complain(csv->number, columns.says);
        if (++e->filled == batch && flush(e) != 0)
            return 1;
    }
    return got < 0 ? complain(csv->number, csv_words(got)) : flush(e);
}

static int finish(const struct encoder *e) {
    if (fflush(stdout) != 0)
        return say("standard output: ", err_text(ERR_IO));
    fprintf(stderr,
            "events=%" PRIu64 " batches=%" PRIu64 " bytes=%" PRIu64 " bytes_per_event=%.2f\n",
            e->total, e->header.seq, e->bytes,
            e->total > 0 ? (double)e->bytes / (double)e->total : 0.0);
    return 0;
}

static int run(int argc, char **argv) {
    static struct encoder e;
    struct request r;
    int code = request_of(argc, argv, &r);
    if (code == 0)
        code = start(&e, &r);
    if (code != 0)
        return code;
    struct csv csv = {.from = stdin};
    code = encode_lines(&e, r.batch, &csv);
    csv_close(&csv);
    seal_signer_free(&e.signer);
    return code == 0 ? finish(&e) : code;
}

const struct command COMMAND_ENCODE = {
    .name = "encode",
    .usage = "[--batch N] [--device NAME] [--key FILE] < passages.csv > batches.mwb",
    .summary = "passages from CSV into signed batches, as a device sends them",
    .help = "Reads t_ms,direction,speed_mph,duration_ms,magnitude_db and writes each MQTT payload\n"
            "after its length (4 bytes, little endian).  t_ms goes in steps of 10, direction is\n"
            "in or out, speed has one decimal, duration goes in steps of 100, magnitude is in\n"
            "whole decibels.  Nothing is rounded: what does not fit is an error with its line.\n"
            "\n"
            "  --batch N      events in a batch, 1 to 768 (250)\n"
            "  --device NAME  the device's name in the header (csv)\n"
            "  --key FILE     sign with this P-256 private key (PEM); without it with a key that\n"
            "                 is made now and forgotten\n"
            "\n"
            "Ends with one line on standard error:\n"
            "  events=... batches=... bytes=... bytes_per_event=...   (bytes: of the payloads)",
    .run = run,
};
