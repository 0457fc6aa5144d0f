#include "wards_file.h"
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "WD17CD" fits "WD##CD". */
static bool key_fits(const char *key, const char *pattern) {
    for (; *key != '\0' && *pattern != '\0'; key++, pattern++)
        if (*pattern == '#' ? !isdigit((unsigned char)*key)
                            : toupper((unsigned char)*key) != *pattern)
            return false;
    return *key == *pattern;
}

static const char *property(json_t *properties, const char *plain, const char *pattern) {
    const char *key;
    json_t *value;
    const char *text = json_string_value(json_object_get(properties, plain));
    if (text != NULL)
        return text;
    json_object_foreach(properties, key,
                        value) if (key_fits(key, pattern) &&
                                   json_is_string(value)) return json_string_value(value);
    return "";
}

static bool polygon(const json_t *geometry) {
    const char *type = json_string_value(json_object_get(geometry, "type"));
    return type != NULL && json_is_array(json_object_get(geometry, "coordinates")) &&
           (strcmp(type, "Polygon") == 0 || strcmp(type, "MultiPolygon") == 0);
}

static int ward_read(json_t *feature, int (*each)(void *arg, const struct store_ward *row),
                     void *arg, const char **ret_why) {
    json_t *properties = json_object_get(feature, "properties");
    json_t *geometry = json_object_get(feature, "geometry");
    struct store_ward row = {0};
    const char *code = property(properties, "ward_code", "WD##CD");
    snprintf(row.code, sizeof row.code, "%s", code);
    snprintf(row.name, sizeof row.name, "%s", property(properties, "ward_name", "WD##NM"));
    snprintf(row.district, sizeof row.district, "%s", property(properties, "lad_name", "LAD##NM"));
    *ret_why = "no ward code (property ward_code or WDnnCD)";
    if (code[0] == '\0')
        return ERR_BADMSG;
    *ret_why = "no Polygon or MultiPolygon";
    if (!polygon(geometry))
        return ERR_BADMSG;
    char *text = json_dumps(geometry, JSON_COMPACT | JSON_REAL_PRECISION(9));
    *ret_why = "";
    if (text == NULL)
        return ERR_NOMEM;
    row.geojson = text;
    row.geojson_len = strlen(text);
    int r = each(arg, &row);
    free(text);
    return r;
}

static int wards_read(json_t *root, int (*each)(void *arg, const struct store_ward *row), void *arg,
                      char *why, size_t why_cap) {
    json_t *features = json_object_get(root, "features");
    if (!json_is_array(features) || json_array_size(features) == 0) {
        snprintf(why, why_cap, "not a GeoJSON FeatureCollection with features");
        return ERR_BADMSG;
    }
    for (size_t i = 0; i < json_array_size(features); i++) {
        const char *fault = "";
        int r = ward_read(json_array_get(features, i), each, arg, &fault);
        if (r < 0) {
            if (fault[0] != '\0')
                snprintf(why, why_cap, "feature %zu: %s", i + 1, fault);
            return r;
        }
    }
    return (int)json_array_size(features);
}

int wards_file_read(const char *path, int (*each)(void *arg, const struct store_ward *row),
                    void *arg, char *why, size_t why_cap) {
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        if (error.line > 0)
            snprintf(why, why_cap, "line %d: %s", error.line, error.text);
        else
            snprintf(why, why_cap, "%s", error.text);
        return ERR_BADMSG;
    }
    int r = wards_read(root, each, arg, why, why_cap);
    json_decref(root);
    return r;
}
