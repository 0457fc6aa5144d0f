#include "keep.h"
#include "call.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every name that a kept route reads from the query. */
static const char *const NAMES[] = {"days", "layer", "week"};

void keep_init(struct keep *keep) {
    int r = pthread_mutex_init(&keep->lock, NULL);
    r |= pthread_mutex_init(&keep->computing, NULL);
    assert(r == 0);
}

void keep_free(struct keep *keep) {
    for (size_t i = 0; i < KEEP_ROWS; i++)
        free(keep->rows[i].body);
    pthread_mutex_destroy(&keep->lock);
    pthread_mutex_destroy(&keep->computing);
}

void keep_key(const struct call *call, char ret_key[KEEP_KEY_MAX + 1]) {
    size_t len = (size_t)snprintf(ret_key, KEEP_KEY_MAX + 1, "%.100s", call->request->path);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *value = call_query(call, NAMES[i]);
        if (value != NULL)
            len += (size_t)snprintf(ret_key + len, KEEP_KEY_MAX + 1 - len, "&%s=%.30s", NAMES[i],
                                    value);
    }
}

static struct keep_row *row_find(struct keep *keep, const char *key) {
    for (size_t i = 0; i < KEEP_ROWS; i++)
        if (keep->rows[i].body != NULL && strcmp(keep->rows[i].key, key) == 0)
            return &keep->rows[i];
    return NULL;
}

bool keep_get(struct keep *keep, const char *key, int64_t age_ms, int64_t now_ms,
              struct api_reply *ret_reply) {
    pthread_mutex_lock(&keep->lock);
    const struct keep_row *row = row_find(keep, key);
    bool fresh = row != NULL && now_ms >= row->at_ms && now_ms - row->at_ms < age_ms;
    char *copy = fresh ? malloc(row->len) : NULL;
    if (copy != NULL) {
        memcpy(copy, row->body, row->len);
        ret_reply->status = 200;
        ret_reply->body = copy;
        ret_reply->body_len = row->len;
    }
    pthread_mutex_unlock(&keep->lock);
    return copy != NULL;
}

static struct keep_row *row_oldest(struct keep *keep) {
    struct keep_row *oldest = &keep->rows[0];
    for (size_t i = 1; i < KEEP_ROWS; i++)
        if (keep->rows[i].body == NULL || keep->rows[i].at_ms < oldest->at_ms)
            oldest = &keep->rows[i];
    return oldest;
}

void keep_put(struct keep *keep, const char *key, int64_t now_ms, const struct api_reply *reply) {
    char *copy = reply->status == 200 ? malloc(reply->body_len) : NULL;
    if (copy == NULL)
        return;
    memcpy(copy, reply->body, reply->body_len);
    pthread_mutex_lock(&keep->lock);
    struct keep_row *row = row_find(keep, key);
    if (row == NULL)
        row = row_oldest(keep);
    free(row->body);
    *row = (struct keep_row){.at_ms = now_ms, .body = copy, .len = reply->body_len};
    snprintf(row->key, sizeof row->key, "%s", key);
    pthread_mutex_unlock(&keep->lock);
}
