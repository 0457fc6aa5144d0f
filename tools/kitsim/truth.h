/* truth: what the simulator did, one JSON object per line, for those who check what became of it.
 *
 * Lines are written whole and at once.  Guarded by tests/system/run_check.
 * Memory: stdio's.  Threads: one.  Times: Unix milliseconds. */
#ifndef KITSIM_TRUTH_H
#define KITSIM_TRUTH_H

#include "err.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct truth {
    FILE *file; /* NULL: nothing is written */
    uint64_t vehicles, scenes, sirens, presses;
};

/* path NULL: none is kept, only the counts. */
MUST int truth_open(struct truth *t, const char *path);
void truth_close(struct truth *t);
void truth_vehicle(struct truth *t, int64_t unix_ms, const char *kit, double mph, bool inbound);
void truth_scene(struct truth *t, int64_t unix_ms, const char *hub, unsigned lock,
                 const char *scene);
void truth_siren(struct truth *t, int64_t unix_ms, const char *hub, const char *line, bool on);
void truth_press(struct truth *t, int64_t unix_ms, const char *kit, bool begins);

#endif
