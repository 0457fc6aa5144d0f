/* unit_store: the unit's spools, keys, sender and link, opened and opened again.
 *
 * Private to unit.c.  Guarded by tests/system/daemon_test.py.  Memory: the struct (about 1 MiB,
 * static), the link's own.  Only one daemon may use a state directory: it is locked. */
#ifndef MOORWATCH_UNIT_STORE_H
#define MOORWATCH_UNIT_STORE_H

#include "clock.h"
#include "sender.h"
#include "unit_conf.h"

struct unit_store {
    const struct unit_conf *conf;
    struct seal_signer signer;
    struct seal_key collector;
    struct disk disk;
    bool disk_open, open, said;
    int lock_fd;
    int64_t retry_ns;
    struct spool spools[CLASS_COUNT];
    struct sender sender;
    struct uplink link;
    bool link_open, link_said;
    int64_t link_retry_ns;
    int up; /* of the link: 1, 0; -1: nothing heard yet */
    char why[160];
    uint32_t events_lost; /* told while there was no spool */
};

/* Loads the keys; says why not on standard error.  0, ERR_INVAL. */
MUST int unit_store_init(struct unit_store *s, const struct unit_conf *conf);
/* Opens the spools if they are not and it is time.  True if they are open. */
bool unit_store_open(struct unit_store *s, uint64_t boot_id, int64_t now_ns);
/* Link and sender: hears, does what is due.  Returns when to be called again. */
int64_t unit_store_step(struct unit_store *s, int64_t now_ns);
/* Seals, syncs, says "offline". */
void unit_store_close(struct unit_store *s, int64_t now_ns);

/* Messages that the link's bounded queue had to refuse. */
uint32_t unit_store_refused(const struct unit_store *s);
uint64_t unit_store_recall(struct unit_store *s, const char *name, uint64_t def);
void unit_store_remember(struct unit_store *s, const char *name, uint64_t value);
/* The same for a short text: its length, or an error. */
MUST int unit_store_recall_text(struct unit_store *s, const char *name, char *buf, size_t cap);
void unit_store_remember_text(struct unit_store *s, const char *name, const char *text);

#endif
