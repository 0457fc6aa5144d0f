#include "history.h"
#include "clock.h"
#include "sender.h"
#include <stdio.h>
#include <stdlib.h>

enum { NS_PER_MS = 1000000 };

static const struct spool_conf SPOOLS[CLASS_COUNT] = {
    {.cls = CLASS_ALARM, .segment_bytes = 64 << 10, .quota_bytes = 16 << 20},
    {.cls = CLASS_EVENT, .segment_bytes = 256 << 10, .quota_bytes = 64 << 20},
    {.cls = CLASS_TELEMETRY, .segment_bytes = 64 << 10, .quota_bytes = 16 << 20},
};

struct player {
    const struct history_conf *conf;
    struct disk disk;
    struct seal_signer signer;
    struct seal_key key; /* stands for the collector's: nothing is received here */
    struct chance chance;
    struct spool spools[CLASS_COUNT];
    struct sender sender;
    struct history_result result;
};

/* A made-up past is not at risk: nothing is synced. */
static int no_sync(void *ctx, int file) {
    (void)ctx;
    (void)file;
    return 0;
}
static int no_sync_dir(void *ctx) {
    (void)ctx;
    return 0;
}

/* ---- boots ----------------------------------------------------------------------------------- */

static int open_boot(struct player *p, uint64_t boot_id, const struct event_anchor *anchor) {
    struct spool *spools[CLASS_COUNT];
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        uint64_t fresh_id = 0;
        int r = seal_random(&fresh_id, sizeof fresh_id);
        if (r == 0)
            r = spool_open(&p->spools[c], &p->disk, &SPOOLS[c], boot_id, fresh_id | 1);
        if (r < 0)
            return r;
        spools[c] = &p->spools[c];
    }
    struct sender_conf conf = SENDER_DEFAULTS;
    snprintf(conf.device, sizeof conf.device, "%s", p->conf->device);
    sender_init(&p->sender, &conf, spools, &p->signer, &p->key, boot_id, chance_u64(&p->chance));
    sender_anchor(&p->sender, anchor, 0);
    return 0;
}

static void close_boot(struct player *p) {
    for (unsigned c = 0; c < CLASS_COUNT; c++)
        spool_close(&p->spools[c]);
}

static int play_event(struct player *p, const struct event *event) {
    struct uplink none = uplink_none();
    int64_t now_ns = event->t_ms * NS_PER_MS, next_ns;
    /* What has become due since the event before, then the event. */
    int r = sender_step(&p->sender, &none, now_ns, &next_ns);
    if (r == 0)
        r = sender_accept(&p->sender, event, now_ns);
    return r < 0 ? r : sender_step(&p->sender, &none, now_ns, &next_ns);
}

static int play_boot(struct player *p, const struct story_event *events, size_t count) {
    struct event_anchor anchor = {.unix_ms = events->unix_ms - events->event.t_ms,
                                  .quality = CLOCK_NTP};
    int r = open_boot(p, chance_u64(&p->chance) | 1, &anchor);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = play_event(p, &events[i].event);
    if (r == 0)
        r = sender_finish(&p->sender, events[count - 1].event.t_ms * NS_PER_MS);
    p->result.events += count;
    p->result.batches = 0;
    for (unsigned c = 0; c < CLASS_COUNT; c++)
        p->result.batches += spool_unacked(&p->spools[c]);
    close_boot(p);
    return r;
}

static int play_all(struct player *p, const struct story *story) {
    int r = 0;
    for (size_t from = 0, to; r == 0 && from < story->count; from = to) {
        for (to = from + 1; to < story->count; to++)
            if (story->events[to].boot != story->events[from].boot)
                break;
        r = play_boot(p, story->events + from, to - from);
    }
    return r;
}

/* The daemon counts its sessions on from here (firmware/port/unit.h: number * 2 + running). */
static int remember_sessions(const struct disk *disk, uint32_t sessions) {
    char text[24];
    int len = snprintf(text, sizeof text, "%u\n", 2 * sessions);
    int file = disk->open(disk->ctx, "unit.session", 1);
    if (file < 0)
        return file;
    int r = disk->write(disk->ctx, file, 0, text, (size_t)len);
    disk->close(disk->ctx, file);
    return r;
}

static int load_keys(struct player *p) {
    uint8_t point[SEAL_KEY_BYTES];
    int r = seal_signer_load(p->conf->key_path, &p->signer);
    if (r == 0)
        r = seal_signer_public(&p->signer, point);
    return r < 0 ? r : seal_key_from_bytes(point, &p->key);
}

int history_play(const struct history_conf *conf, const struct story *story,
                 struct history_result *ret_result) {
    struct player *p = calloc(1, sizeof *p);
    if (p == NULL)
        return ERR_NOMEM;
    p->conf = conf;
    chance_init(&p->chance, conf->seed);
    int r = load_keys(p);
    if (r == 0)
        r = disk_posix(conf->spool_dir, &p->disk);
    if (r == 0) {
        struct disk real = p->disk;
        p->disk.sync = no_sync;
        p->disk.sync_dir = no_sync_dir;
        r = play_all(p, story);
        if (r >= 0 && story->sessions > 0)
            r = remember_sessions(&p->disk, story->sessions);
        disk_posix_free(&real);
    }
    if (r >= 0)
        *ret_result = p->result;
    seal_key_free(&p->key);
    seal_signer_free(&p->signer);
    free(p);
    return r < 0 ? r : 0;
}
