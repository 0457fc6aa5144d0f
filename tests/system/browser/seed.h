/* seed: a small made-up fleet with a past, the same at every run.
 *
 * Not measurements: speeds are drawn from a triangle around each site's usual speed. */
#ifndef MOORWATCH_SEED_H
#define MOORWATCH_SEED_H

#include "store.h"

/* wards_path: a GeoJSON of wards, or NULL. */
MUST int seed_all(const struct store *store, const char *wards_path, int64_t now_ms);

#endif
