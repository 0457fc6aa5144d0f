#include "histogram.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum { BLOB_VERSION = 1 };

static int dmph_ok(int dmph) {
    return dmph >= 0 && dmph <= HISTOGRAM_DMPH_MAX;
}

int histogram_add(struct histogram *h, int dmph) {
    if (!dmph_ok(dmph))
        return ERR_RANGE;
    if (h->count[dmph] == UINT32_MAX)
        return ERR_OVERFLOW;
    h->count[dmph]++;
    h->n++;
    return 0;
}

int histogram_remove(struct histogram *h, int dmph) {
    if (!dmph_ok(dmph))
        return ERR_RANGE;
    if (h->count[dmph] == 0)
        return ERR_NOENT;
    h->count[dmph]--;
    h->n--;
    return 0;
}

int histogram_merge(struct histogram *h, const struct histogram *from) {
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        if (h->count[i] > UINT32_MAX - from->count[i])
            return ERR_OVERFLOW;
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        h->count[i] += from->count[i];
    h->n += from->n;
    return 0;
}

struct bytes {
    uint8_t *to;
    size_t cap;
    size_t len; /* may pass cap: what it would have taken */
};

static void put_varint(struct bytes *b, uint32_t v) {
    do {
        uint8_t byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        if (b->len < b->cap)
            b->to[b->len] = byte;
        b->len++;
        v >>= 7;
    } while (v > 0);
}

static uint32_t different(const struct histogram *h) {
    uint32_t n = 0;
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        n += h->count[i] > 0;
    return n;
}

int histogram_encode(const struct histogram *h, uint8_t *buf, size_t cap) {
    struct bytes b = {.to = buf, .cap = cap};
    put_varint(&b, BLOB_VERSION);
    put_varint(&b, different(h));
    int last = -1;
    for (int i = 0; i < HISTOGRAM_BINS; i++) {
        if (h->count[i] == 0)
            continue;
        put_varint(&b, (uint32_t)(i - last));
        put_varint(&b, h->count[i]);
        last = i;
    }
    return b.len <= cap ? (int)b.len : ERR_OVERFLOW;
}

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Shortest form only, so that one histogram has one blob. */
static int get_varint(struct reader *r, uint32_t *ret_v) {
    uint64_t v = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (r->at == r->end)
            return ERR_BADMSG;
        uint8_t byte = *r->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (v > UINT32_MAX || (byte == 0 && shift > 0))
            return ERR_BADMSG;
        *ret_v = (uint32_t)v;
        return 0;
    }
    return ERR_BADMSG;
}

typedef int bin_fn(void *arg, int dmph, uint32_t count);

static int get_bin(struct reader *r, int64_t *last, bin_fn *each, void *arg) {
    uint32_t gap, count;
    if (get_varint(r, &gap) < 0 || get_varint(r, &count) < 0)
        return ERR_BADMSG;
    int64_t bin = *last + gap;
    if (gap == 0 || count == 0 || bin >= HISTOGRAM_BINS)
        return ERR_BADMSG;
    *last = bin;
    return each(arg, (int)bin, count);
}

/* Each different speed in turn; what came before an error has been given. */
static int walk(const uint8_t *buf, size_t len, bin_fn *each, void *arg) {
    struct reader r = {buf, buf + len};
    uint32_t version, bins;
    if (get_varint(&r, &version) < 0)
        return ERR_BADMSG;
    if (version != BLOB_VERSION)
        return ERR_VERSION;
    if (get_varint(&r, &bins) < 0 || bins > HISTOGRAM_BINS)
        return ERR_BADMSG;
    int64_t last = -1;
    int err = 0;
    for (uint32_t i = 0; i < bins && err == 0; i++)
        err = get_bin(&r, &last, each, arg);
    return err == 0 && r.at != r.end ? ERR_BADMSG : err;
}

static int put_bin(void *arg, int dmph, uint32_t count) {
    struct histogram *h = arg;
    h->count[dmph] += count;
    h->n += count;
    return 0;
}

int histogram_decode(const uint8_t *buf, size_t len, struct histogram *ret_h) {
    struct histogram h = {0};
    int err = walk(buf, len, put_bin, &h);
    if (err == 0)
        *ret_h = h;
    return err;
}

static int fits(void *arg, int dmph, uint32_t count) {
    const struct histogram *h = arg;
    return h->count[dmph] > UINT32_MAX - count ? ERR_OVERFLOW : 0;
}

int histogram_merge_blob(struct histogram *h, const uint8_t *buf, size_t len) {
    int err = walk(buf, len, fits, h);
    return err < 0 ? err : walk(buf, len, put_bin, h);
}

struct scaling {
    struct histogram scaled;
    double factor;
};

static int scale_bin(void *arg, int dmph, uint32_t count) {
    struct scaling *s = arg;
    /* A product such as 10 * 1.1 must not fall below its whole number. */
    double to = floor(dmph * s->factor + 1e-9);
    int at = to > HISTOGRAM_DMPH_MAX ? HISTOGRAM_DMPH_MAX : (int)to;
    if (s->scaled.count[at] > UINT32_MAX - count)
        return ERR_OVERFLOW;
    return put_bin(&s->scaled, at, count);
}

int histogram_merge_blob_scaled(struct histogram *h, const uint8_t *buf, size_t len,
                                double factor) {
    struct scaling s = {.factor = factor};
    if (!(factor > 0))
        return ERR_RANGE;
    int err = walk(buf, len, scale_bin, &s);
    return err < 0 ? err : histogram_merge(h, &s.scaled);
}

struct counting {
    int from_dmph;
    uint64_t n;
};

static int count_bin(void *arg, int dmph, uint32_t count) {
    struct counting *c = arg;
    c->n += dmph >= c->from_dmph ? count : 0;
    return 0;
}

int histogram_blob_at_or_over(const uint8_t *buf, size_t len, int dmph, uint64_t *ret_n) {
    struct counting c = {.from_dmph = dmph};
    int err = walk(buf, len, count_bin, &c);
    if (err == 0)
        *ret_n = c.n;
    return err;
}

uint64_t histogram_at_or_over(const struct histogram *h, int dmph) {
    uint64_t n = 0;
    for (int i = dmph < 0 ? 0 : dmph; i < HISTOGRAM_BINS; i++)
        n += h->count[i];
    return n;
}

uint64_t histogram_over(const struct histogram *h, int dmph) {
    return histogram_at_or_over(h, dmph + 1);
}

int histogram_rank(const struct histogram *h, uint64_t k) {
    assert(k < h->n);
    int i = 0;
    for (uint64_t seen = h->count[0]; seen <= k; seen += h->count[i])
        i++;
    return i;
}

static double rank_mph(const void *ctx, uint64_t k) {
    return histogram_rank(ctx, k) / 10.0;
}

static double mean_mph(const struct histogram *h) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < HISTOGRAM_BINS; i++)
        sum += i * h->count[i];
    return h->n > 0 ? (double)sum / (10.0 * (double)h->n) : 0;
}

int histogram_describe(const struct histogram *h, int limit_mph, int threshold_mph,
                       struct speeds_stats *ret_stats) {
    struct speeds_sample sample = {
        .ctx = h,
        .at = rank_mph,
        .n = h->n,
        .mean = mean_mph(h),
        .over_limit = histogram_over(h, 10 * limit_mph),
        .at_or_over_threshold = histogram_at_or_over(h, 10 * threshold_mph),
    };
    return speeds_describe(&sample, ret_stats);
}
