#include "column.h"
#include <stdbool.h>
#include <string.h>

/* Spans from here on are written in a fixed width: sums of quotients stay within 64 bits. */
static const uint64_t RICE_SPAN_MAX = UINT64_C(1) << 32;
enum { K_MAX = 63 };

static uint64_t offset(int64_t value, int64_t base) {
    return (uint64_t)value - (uint64_t)base;
}

static uint64_t zigzag(int64_t value, int64_t base) {
    int64_t d = (int64_t)offset(value, base);
    return d < 0 ? ~((uint64_t)d << 1) : (uint64_t)d << 1;
}

static uint64_t symbol(uint32_t code, int64_t value, int64_t base) {
    return (code & 3) == COLUMN_ZIGZAG ? zigzag(value, base) : offset(value, base);
}

static unsigned width_of(uint64_t span) {
    unsigned width = 0;
    while (width < 64 && span >> width != 0)
        width++;
    return width;
}

static uint64_t rice_bits(uint32_t code, int64_t base, const int64_t *values, size_t count) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits += (symbol(code, values[i], base) >> (code >> 2)) + 1 + (code >> 2);
    return bits;
}

struct choice {
    int64_t base;
    uint32_t code;
    uint64_t bits;
};

static void consider_rice(struct choice *best, enum column_code code, int64_t base, unsigned width,
                          const int64_t *values, size_t count) {
    for (uint32_t k = 0; k <= width; k++) {
        uint32_t with_k = (uint32_t)code | k << 2;
        uint64_t bits = rice_bits(with_k, base, values, count);
        if (bits < best->bits)
            *best = (struct choice){base, with_k, bits};
    }
}

static int64_t mean_of(const int64_t *values, size_t count, int64_t low) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += offset(values[i], low);
    return low + (int64_t)((sum + count / 2) / count);
}

struct column_plan column_plan(const int64_t *values, size_t count) {
    if (count == 0)
        return (struct column_plan){0};
    int64_t low = values[0], high = values[0];
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (low == high)
        return (struct column_plan){.base = low};
    unsigned width = width_of(offset(high, low));
    struct choice best = {low, (uint32_t)COLUMN_FIXED | width << 2, (uint64_t)count * width};
    if (offset(high, low) < RICE_SPAN_MAX) {
        consider_rice(&best, COLUMN_UNSIGNED, low, width, values, count);
        consider_rice(&best, COLUMN_ZIGZAG, mean_of(values, count, low), width, values, count);
    }
    return (struct column_plan){best.base, best.code, (size_t)((best.bits + 7) / 8)};
}

struct bit_writer {
    uint8_t *bits;
    size_t at; /* in bits */
};

static void put(struct bit_writer *w, bool bit) {
    if (bit)
        w->bits[w->at / 8] |= (uint8_t)(0x80u >> w->at % 8);
    w->at++;
}

void column_write(const struct column_plan *plan, const int64_t *values, size_t count,
                  uint8_t *bits) {
    if (plan->bytes == 0)
        return;
    memset(bits, 0, plan->bytes);
    struct bit_writer w = {bits, 0};
    uint32_t k = plan->code >> 2;
    bool fixed = (plan->code & 3) == COLUMN_FIXED;
    for (size_t i = 0; i < count; i++) {
        uint64_t s = symbol(plan->code, values[i], plan->base);
        if (!fixed) {
            for (uint64_t q = s >> k; q > 0; q--)
                put(&w, true);
            put(&w, false);
        }
        for (uint32_t b = k; b > 0; b--)
            put(&w, s >> (b - 1) & 1);
    }
}

struct bit_reader {
    const uint8_t *bits;
    size_t at, end; /* in bits */
};

/* Takes `count` bits; false if there are not so many. */
static bool take(struct bit_reader *r, uint32_t count, uint64_t *ret_value) {
    if (r->end - r->at < count)
        return false;
    uint64_t value = 0;
    for (; count > 0; count--, r->at++)
        value = value << 1 | (r->bits[r->at / 8] >> (7 - r->at % 8) & 1);
    *ret_value = value;
    return true;
}

static bool take_symbol(struct bit_reader *r, bool fixed, uint32_t k, uint64_t *ret_symbol) {
    uint64_t quotient = 0, bit = 1, rest = 0;
    while (!fixed) {
        if (!take(r, 1, &bit))
            return false;
        if (bit == 0)
            break;
        quotient++;
    }
    if (quotient > (uint64_t)INT64_MAX >> k || !take(r, k, &rest))
        return false;
    *ret_symbol = quotient << k | rest;
    return true;
}

static bool value_of(bool zigzagged, uint64_t s, int64_t base, int64_t *ret_value) {
    if (s > INT64_MAX)
        return false;
    int64_t d = (int64_t)s;
    if (zigzagged)
        d = s & 1 ? -(int64_t)(s >> 1) - 1 : (int64_t)(s >> 1);
    return !__builtin_add_overflow(base, d, ret_value);
}

/* What is left must be less than a byte, and zero: no room for a stowaway. */
static bool spent(const struct bit_reader *r) {
    if (r->end - r->at >= 8)
        return false;
    struct bit_reader rest = *r;
    uint64_t padding = 0;
    return take(&rest, (uint32_t)(r->end - r->at), &padding) && padding == 0;
}

static int read_same(const struct column *column, size_t count, int64_t *ret_values) {
    if (column->code != 0)
        return ERR_BADMSG;
    for (size_t i = 0; i < count; i++)
        ret_values[i] = column->base;
    return 0;
}

int column_read(const struct column *column, size_t count, int64_t *ret_values) {
    if (column->len == 0)
        return read_same(column, count, ret_values);
    uint32_t k = column->code >> 2, code = column->code & 3;
    if (code > COLUMN_FIXED || k > K_MAX || count == 0)
        return ERR_BADMSG;
    struct bit_reader r = {column->bits, 0, column->len * 8};
    for (size_t i = 0; i < count; i++) {
        uint64_t s;
        if (!take_symbol(&r, code == COLUMN_FIXED, k, &s) ||
            !value_of(code == COLUMN_ZIGZAG, s, column->base, &ret_values[i]))
            return ERR_BADMSG;
    }
    return spent(&r) ? 0 : ERR_BADMSG;
}
