/* verify_records: every stored batch read again, device by device; for `moorwatch verify`.
 *
 * Guarded by tests/tools/verify_test.c.  Memory: one entry per device, freed by verify_free.
 */
#ifndef MOORWATCH_VERIFY_RECORDS_H
#define MOORWATCH_VERIFY_RECORDS_H

#include "seal.h"
#include "store_sqlite.h"

/* What a device's spool of one class says: events. */
struct verify_spool {
    uint64_t accepted, dropped, unsealed, unacked;
};

struct verify_device {
    char id[STORE_ID_MAX + 1];
    struct seal_key key;
    bool has_key;
    uint64_t batches, events, events_of[CLASS_COUNT];
    uint64_t passages, lock_events; /* decoded, then compared with the rows */
    uint64_t missing;               /* batches */
    uint64_t events_dropped;        /* told by gaps, while no spool was read */
    uint64_t bad_signature, bad_body, broken_chain, rows_wrong;
    bool spool_read;
    struct verify_spool spool[CLASS_COUNT];
};

struct verify {
    const struct store *store;
    struct verify_device *device;
    size_t count, cap;
    bool spools_read;
};

/* Fills in the devices: registered ones, and any other that something is stored of. */
MUST int verify_records(struct verify *verify);
/* NULL if nothing is known of it. */
struct verify_device *verify_find(struct verify *verify, const char *id);
void verify_free(struct verify *verify);

#endif
