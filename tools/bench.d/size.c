/* bench-size: bytes per passage on the wire by batch size, ours against two common ways, on the
 * same stream: Poisson, 200 vehicles an hour, lognormal speeds (median 30 mph, sigma 0.15), 55 %
 * inbound, durations of 35 m at 10 Hz, magnitudes Normal(38, 5) dB, all at the wire's resolution.
 * Ours counts the whole MQTT payload, signature included; the others carry no signature. */
#include "batch.h"
#include "chance.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SEED = 2, EVENTS = 20000, TEXT_MAX = 1 << 17 };

static struct event events[EVENTS];
static uint8_t payload[WIRE_PAYLOAD_MAX];
static uint8_t packed[TEXT_MAX];
static char text[TEXT_MAX];

static void make_stream(void) {
    struct chance c;
    double t_ms = 60000;
    chance_init(&c, SEED);
    for (unsigned i = 0; i < EVENTS; i++) {
        double mph = 30.0 * exp(chance_normal(&c, 0, 0.15));
        double seconds = 35.0 * exp(chance_normal(&c, 0, 0.25)) / (mph * 0.44704);
        t_ms += 1000 * chance_gap(&c, 18.0);
        events[i] = (struct event){.kind = EVENT_PASSAGE, .t_ms = (int64_t)t_ms / 10 * 10};
        events[i].passage = (struct event_passage){
            .direction = chance_unit(&c) < 0.55 ? DIRECTION_IN : DIRECTION_OUT,
            .speed_mph10 = (uint16_t)(mph * 10),
            .duration_ms = 100 * (uint32_t)ceil(10 * seconds),
            .magnitude_db = (int16_t)lround(chance_normal(&c, 38, 5)),
            .quality = QUALITY_A,
        };
    }
}

/* ---- ours ------------------------------------------------------------------------------------ */

static size_t size_ours(const struct event *from, size_t n, uint64_t seq) {
    static struct seal_signer signer;
    if (signer.key == NULL && seal_signer_make(&signer) < 0)
        abort();
    struct batch_header header = {
        .schema = WIRE_SCHEMA,
        .device = "hartlepool-1",
        .spool_id = 0x0123456789abcdef,
        .cls = CLASS_EVENT,
        .seq = seq,
        .boot_id = 0xfedcba9876543210,
        .anchor_boot_ms = 52000,
        .anchor_unix_ms = 1763740800000,
        .anchor_quality = 2,
        .has_previous = true,
    };
    int len = batch_encode(&header, from, n, &signer, payload, sizeof payload);
    if (len < 0)
        abort();
    return (size_t)len;
}

/* ---- JSON rows, gzip -9 -----------------------------------------------------------------------
 */

static size_t size_deflated(const void *bytes, size_t len, int window_bits) {
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (z_const Bytef *)bytes;
    z.avail_in = (uInt)len;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    size_t size = z.total_out;
    deflateEnd(&z);
    return size;
}

static size_t size_json_gzip(const struct event *from, size_t n, uint64_t seq) {
    int len = snprintf(text, sizeof text,
                       "{\"device\":\"hartlepool-1\",\"boot\":\"fedcba9876543210\",\"seq\":%llu,"
                       "\"events\":[",
                       (unsigned long long)seq);
    for (size_t i = 0; i < n; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "%s{\"t\":%lld,\"dir\":\"%s\",\"mph\":%u.%u,\"s\":%u.%u,\"db\":%d}",
                        i > 0 ? "," : "", 1763740748000LL + (long long)from[i].t_ms,
                        from[i].passage.direction == DIRECTION_IN ? "in" : "out",
                        from[i].passage.speed_mph10 / 10U, from[i].passage.speed_mph10 % 10U,
                        from[i].passage.duration_ms / 1000, from[i].passage.duration_ms / 100 % 10,
                        from[i].passage.magnitude_db);
    len += snprintf(text + len, sizeof text - (size_t)len, "]}");
    return size_deflated(text, (size_t)len, 15 + 16);
}

/* ---- protobuf rows, zlib ----------------------------------------------------------------------
 */

struct bytes {
    size_t len;
    uint8_t at[TEXT_MAX];
};

static void put_varint(struct bytes *b, uint64_t value) {
    for (; value >= 128; value >>= 7)
        b->at[b->len++] = (uint8_t)(value | 128);
    b->at[b->len++] = (uint8_t)value;
}

static void put_field(struct bytes *b, unsigned number, uint64_t value) {
    if (value == 0)
        return;
    put_varint(b, number << 3);
    put_varint(b, value);
}

static void put_block(struct bytes *b, unsigned number, const void *bytes, size_t len) {
    put_varint(b, number << 3 | 2);
    put_varint(b, len);
    memcpy(b->at + b->len, bytes, len);
    b->len += len;
}

/* message Row { int64 t_ms=1; uint32 direction=2; uint32 mph10=3; uint32 ds=4; uint32 db=5; } */
static size_t size_protobuf_zlib(const struct event *from, size_t n, uint64_t seq) {
    static struct bytes all, row;
    all.len = 0;
    put_block(&all, 1, "hartlepool-1", 12);
    put_field(&all, 2, 0xfedcba9876543210);
    put_field(&all, 3, seq);
    for (size_t i = 0; i < n; i++) {
        row.len = 0;
        put_field(&row, 1, 1763740748000U + (uint64_t)from[i].t_ms);
        put_field(&row, 2, from[i].passage.direction);
        put_field(&row, 3, from[i].passage.speed_mph10);
        put_field(&row, 4, from[i].passage.duration_ms / 100);
        put_field(&row, 5, (uint64_t)from[i].passage.magnitude_db);
        put_block(&all, 4, row.at, row.len);
    }
    return size_deflated(all.at, all.len, 15);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static double per_event(size_t (*size)(const struct event *from, size_t n, uint64_t seq),
                        size_t n) {
    size_t total = 0, count = 0, most = n == 1 ? 5000 : EVENTS;
    for (size_t at = 0; at + n <= most; at += n, count += n)
        total += size(events + at, n, at / n);
    return (double)total / (double)count;
}

int main(void) {
    static const size_t SIZES[] = {1, 10, 60, 250};
    static const struct {
        const char *name;
        size_t (*size)(const struct event *from, size_t n, uint64_t seq);
    } WAYS[] = {{"ours, signed", size_ours},
                {"JSON rows, gzip -9", size_json_gzip},
                {"protobuf rows, zlib -9", size_protobuf_zlib}};
    make_stream();
    printf("bytes per passage, by passages per batch\n%-24s", "");
    for (unsigned i = 0; i < 4; i++)
        printf("%9zu", SIZES[i]);
    printf("\n");
    for (unsigned w = 0; w < sizeof WAYS / sizeof *WAYS; w++) {
        printf("%-24s", WAYS[w].name);
        for (unsigned i = 0; i < 4; i++)
            printf("%9.2f", per_event(WAYS[w].size, SIZES[i]));
        printf("\n");
    }
    return 0;
}
