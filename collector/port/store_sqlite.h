/* store_sqlite: the store seam on SQLite 3 (WAL, synchronous=FULL).
 *
 * The only user of sqlite3.h (this folder's store_sqlite*.c).  A store belongs to the thread that
 * opened it; each thread opens its own on the same file.  A writer waits up to 5 s for another.
 * The schema carries a version (PRAGMA user_version); a file of an earlier one is brought up to
 * date when it is opened for writing, in one transaction, and read as it is without being changed;
 * one of a later version is refused.
 * Guarded by tests/collector/store_contract.h and store_sqlite_test.c. */
#ifndef MOORWATCH_STORE_SQLITE_H
#define MOORWATCH_STORE_SQLITE_H

#include "store.h"

enum store_sqlite_mode {
    STORE_SQLITE_CREATE, /* read and write; made if missing */
    STORE_SQLITE_WRITE,  /* read and write; ERR_NOENT if missing */
    STORE_SQLITE_READ,   /* ERR_NOENT if missing */
};

/* `path` ":memory:" is a data base of its own that dies with the store.
 * ERR_VERSION: made by a later Moorwatch.  ERR_BADMSG: not
 * a data base of ours. */
MUST int store_sqlite_open(const char *path, enum store_sqlite_mode mode, struct store *ret_store);
/* SQLite's words for the last failure; valid until the next call. */
const char *store_sqlite_error(const struct store *store);

#endif
