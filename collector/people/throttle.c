#include "throttle.h"
#include <stddef.h>

/* What is counted, and how many failures are free of a wait. */
static const struct {
    char tag;
    int by_name, by_peer;
    uint32_t free;
} COUNTS[] = {
    {'b', 1, 1, 5},
    {'p', 0, 1, 30},
    {'n', 1, 0, 100},
};
enum { COUNTS_N = sizeof COUNTS / sizeof *COUNTS };

static uint64_t fnv(uint64_t h, const char *s) {
    do
        h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
    while (*s++ != '\0');
    return h;
}

static uint64_t key_of(unsigned count, const char *name, const char *peer) {
    const char tag[] = {COUNTS[count].tag, '\0'};
    uint64_t h = fnv(0xcbf29ce484222325ULL, tag);
    if (COUNTS[count].by_name)
        h = fnv(h, name);
    if (COUNTS[count].by_peer)
        h = fnv(h, peer);
    return h == 0 ? 1 : h;
}

static const struct throttle_row *row_find(const struct throttle *throttle, uint64_t key) {
    for (size_t i = 0; i < THROTTLE_ROWS; i++)
        if (throttle->rows[i].key == key)
            return &throttle->rows[i];
    return NULL;
}

static struct throttle_row *row_take(struct throttle *throttle, uint64_t key, int64_t now_ms) {
    struct throttle_row *oldest = &throttle->rows[0];
    for (size_t i = 0; i < THROTTLE_ROWS; i++) {
        struct throttle_row *r = &throttle->rows[i];
        if (r->key == key) {
            if (now_ms - r->last_ms > THROTTLE_FORGET_MS)
                r->failures = 0;
            return r;
        }
        if (r->last_ms < oldest->last_ms) /* a free row's is 0 */
            oldest = r;
    }
    *oldest = (struct throttle_row){.key = key};
    return oldest;
}

int64_t throttle_wait(const struct throttle *throttle, const char *name, const char *peer,
                      int64_t now_ms) {
    int64_t wait = 0;
    for (unsigned i = 0; i < COUNTS_N; i++) {
        const struct throttle_row *r = row_find(throttle, key_of(i, name, peer));
        if (r != NULL && r->until_ms - now_ms > wait)
            wait = r->until_ms - now_ms;
    }
    return wait > THROTTLE_WAIT_MAX_MS ? THROTTLE_WAIT_MAX_MS : wait;
}

static int64_t wait_after(uint32_t over) {
    return over > 10 || 1000 << over > THROTTLE_WAIT_MAX_MS ? THROTTLE_WAIT_MAX_MS : 1000 << over;
}

void throttle_failure(struct throttle *throttle, const char *name, const char *peer,
                      int64_t now_ms) {
    for (unsigned i = 0; i < COUNTS_N; i++) {
        struct throttle_row *r = row_take(throttle, key_of(i, name, peer), now_ms);
        r->failures++;
        r->last_ms = now_ms;
        if (r->failures >= COUNTS[i].free)
            r->until_ms = now_ms + wait_after(r->failures - COUNTS[i].free);
    }
}

void throttle_success(struct throttle *throttle, const char *name, const char *peer) {
    uint64_t key = key_of(0, name, peer);
    for (size_t i = 0; i < THROTTLE_ROWS; i++)
        if (throttle->rows[i].key == key)
            throttle->rows[i] = (struct throttle_row){0};
}
