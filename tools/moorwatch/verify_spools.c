#include "verify_spools.h"
#include "disk.h"
#include "spool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct owner {
    uint64_t spool_id;
    char device[STORE_ID_MAX + 1];
};

static int on_stream(void *arg, const struct store_stream *row) {
    struct owner *o = arg;
    if (row->spool_id != o->spool_id)
        return 0;
    memcpy(o->device, row->device, sizeof o->device);
    return 1;
}

/* 1 if this class has a queue here. */
static int class_read(struct spool *s, const struct disk *disk, enum event_class cls,
                      struct spool_stats *ret_stats) {
    int r = spool_inspect(s, disk, cls);
    if (r == ERR_NOENT)
        return 0;
    if (r < 0)
        return r;
    spool_stats(s, ret_stats);
    spool_close(s);
    return 1;
}

static int dir_read(struct verify *v, const struct disk *disk, struct spool *s) {
    struct spool_stats stats[CLASS_COUNT] = {0};
    struct owner owner = {0};
    uint64_t accepted = 0;
    for (enum event_class c = CLASS_ALARM; c < CLASS_COUNT; c++) {
        int r = class_read(s, disk, c, &stats[c]);
        owner.spool_id = stats[c].spool_id;
        if (r > 0 && owner.device[0] == '\0')
            r = v->store->streams(v->store->ctx, NULL, on_stream, &owner);
        if (r < 0)
            return r;
        accepted += stats[c].accepted;
    }
    struct verify_device *d = verify_find(v, owner.device);
    if (d == NULL)
        return accepted > 0 ? ERR_NODEV : 0;
    d->spool_read = v->spools_read = true;
    d->events_dropped = 0; /* the spool says it better than the gaps did */
    for (int c = 0; c < CLASS_COUNT; c++)
        d->spool[c] = (struct verify_spool){.accepted = stats[c].accepted,
                                            .dropped = stats[c].dropped,
                                            .unsealed = stats[c].unsealed,
                                            .unacked = stats[c].unacked_events};
    return 0;
}

int verify_spool(struct verify *v, const char *dir) {
    struct disk disk;
    if (access(dir, R_OK | X_OK) != 0)
        return ERR_NOENT;
    int r = disk_posix(dir, &disk);
    if (r < 0)
        return r;
    struct spool *s = calloc(1, sizeof *s);
    r = s == NULL ? ERR_NOMEM : dir_read(v, &disk, s);
    free(s);
    disk_posix_free(&disk);
    return r;
}
