/* rebuild: everything that is derived, made anew from the record. */
#include "command.h"
#include "commands.h"
#include "derive.h"
#include "store_sqlite.h"
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv) {
    struct store store;
    if (argc != 3 || strcmp(argv[1], "--db") != 0)
        return fprintf(stderr, "usage: moorwatch rebuild --db DB\n"), 2;
    int r = store_sqlite_open(argv[2], STORE_SQLITE_WRITE, &store);
    if (r < 0)
        return fprintf(stderr, "moorwatch rebuild: %s: %s\n", argv[2], err_text(r)), 1;
    r = derive_rebuild(&store);
    if (r < 0)
        fprintf(stderr, "moorwatch rebuild: %s (%s); nothing was changed\n", err_text(r),
                store_sqlite_error(&store));
    else
        fprintf(stderr, "moorwatch rebuild: rows made anew from %d batches\n", r);
    store.close(store.ctx);
    return r < 0 ? 1 : 0;
}

const struct command COMMAND_REBUILD = {
    .name = "rebuild",
    .usage = "--db DB",
    .summary = "make every derived row anew from the stored batches",
    .help = "Forgets passages, hours, sessions, lock events, heartbeats, awake time, gaps and\n"
            "faults, and derives them again from the batches as they came, in one transaction.\n"
            "The batches, the register, alerts and users stay as they are. The collector waits\n"
            "meanwhile, and so do the devices.",
    .run = run,
};
