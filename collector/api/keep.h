/* keep: answers that cost much and may be a few seconds old.
 *
 * Bounded: KEEP_ROWS answers, the one used longest ago makes room.
 * Guarded by tests/collector/api_test.c.  Memory: copies.  Threads: any; `computing` is held by who
 * computes an answer, so that many pages asking at once cost one computation. */
#ifndef MOORWATCH_KEEP_H
#define MOORWATCH_KEEP_H

#include "api.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { KEEP_ROWS = 64, KEEP_KEY_MAX = 255 };

struct keep_row {
    char key[KEEP_KEY_MAX + 1];
    int64_t at_ms;
    char *body;
    size_t len;
};

struct keep {
    pthread_mutex_t lock, computing;
    struct keep_row rows[KEEP_ROWS];
};

struct call;

void keep_init(struct keep *keep);
void keep_free(struct keep *keep);
/* What tells answers apart: the path and the values of the query that any route reads. */
void keep_key(const struct call *call, char ret_key[KEEP_KEY_MAX + 1]);
bool keep_get(struct keep *keep, const char *key, int64_t age_ms, int64_t now_ms,
              struct api_reply *ret_reply);
/* Takes a copy of a reply of status 200, and of no other. */
void keep_put(struct keep *keep, const char *key, int64_t now_ms, const struct api_reply *reply);

#endif
