/* scene_log: a scene of known truth as a log of a sensor, for `moorwatch passages` and other
 * readers.
 *
 * Each record is SECONDS<TAB>LINE in one of the sensor's shapes; the truth is a CSV of what was on
 * the road.  Same seed, same bytes.  Guarded by tests/tools/scene_log_test.sh.  Memory: static. */
#ifndef RADARBENCH_SCENE_LOG_H
#define RADARBENCH_SCENE_LOG_H

#include "physics_scene.h"
#include "sensor_text.h"
#include <stdio.h>

/* PHYSICS_SCENES if there is none of that name. */
enum physics_scene scene_named(const char *name);
/* truth may be NULL.  ERR_IO if it could not be written. */
MUST int scene_log(enum physics_scene scene, uint64_t seed, double seconds,
                   const struct sensor_text *shape, FILE *log, FILE *truth);

#endif
