/* wards_file: ward boundaries from a GeoJSON file as the Office for National Statistics gives them.
 *
 * A FeatureCollection of Polygons or MultiPolygons in longitude and latitude; the code in a
 * property ward_code or WDnnCD, the name in ward_name or WDnnNM, the district in lad_name or
 * LADnnNM.  The only user of jansson in this folder.  Guarded by tests/tools/register_cli_test.sh.
 */
#ifndef MOORWATCH_WARDS_FILE_H
#define MOORWATCH_WARDS_FILE_H

#include "store.h"

/* Calls each for every ward; a negative return ends it.  Returns how many, or ERR_BADMSG and the
 * like with a sentence in `why`. */
MUST int wards_file_read(const char *path, int (*each)(void *arg, const struct store_ward *row),
                         void *arg, char *why, size_t why_cap);

#endif
