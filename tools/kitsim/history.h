/* history: plays a story into a device's spools, as its daemon would have done while it had no
 * signal: through the real sender, journalled, sealed and signed with the device's key, and never
 * sent.  The daemon that starts on these spools delivers them as the backlog that they are.
 *
 * Guarded by tests/tools/history_test.c.  Memory: three spools and a sender, from the heap, freed
 * on return.  Threads: one.  Disk: nothing is synced. */
#ifndef KITSIM_HISTORY_H
#define KITSIM_HISTORY_H

#include "story.h"

struct history_conf {
    const char *device, *spool_dir, *key_path;
    uint64_t seed;
};

struct history_result {
    uint64_t events, batches;
};

MUST int history_play(const struct history_conf *conf, const struct story *story,
                      struct history_result *ret_result);

#endif
