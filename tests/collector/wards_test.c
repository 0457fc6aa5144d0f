/* Wards: inside, in a hole, on a border, near and far; and the 79 real ones where they are here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data.h"
#include "wards.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

static struct grid grid;

/* A GeoJSON polygon of boxes in grid metres: the outline and, if any, a hole. */
static const char *boxes(const double *box, size_t n) {
    static char text[2048];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"type\":\"Polygon\",\"coordinates\":[");
    for (size_t i = 0; i < n; i++) {
        const double *b = box + 4 * i;
        const double corner[5][2] = {
            {b[0], b[1]}, {b[2], b[1]}, {b[2], b[3]}, {b[0], b[3]}, {b[0], b[1]}};
        len += (size_t)snprintf(text + len, sizeof text - len, "%s[", i > 0 ? "," : "");
        for (int c = 0; c < 5; c++) {
            double lat, lon;
            assert_int_equal(grid_to_wgs84(&grid, corner[c][0], corner[c][1], &lat, &lon), 0);
            len += (size_t)snprintf(text + len, sizeof text - len, "%s[%.9f,%.9f]",
                                    c > 0 ? "," : "", lon, lat);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "]");
    }
    snprintf(text + len, sizeof text - len, "]}");
    return text;
}

static void inside_near_and_far(void **state) {
    (void)state;
    const double ring[] = {450000, 515000, 454000, 519000, 451000, 516000, 453000, 518000};
    const double heart[] = {451000, 516000, 453000, 518000};
    const struct ward outer = {"E1", "Outer & Co", "Stockton"},
                      inner = {"E0", "St Inner's", "Stockton"};
    struct wards wards;
    struct wards_answer got;
    assert_int_equal(wards_open(&grid, &wards), 0);
    assert_int_equal(wards_find(&wards, 1, 1, &got), ERR_NOENT);
    wards_close(&wards);
    assert_int_equal(wards_open(&grid, &wards), 0);
    assert_int_equal(wards_add(&wards, &outer, boxes(ring, 2)), 0);
    assert_int_equal(wards_add(&wards, &inner, boxes(heart, 1)), 0);
    assert_int_equal(wards_find(&wards, 450500, 515500, &got), 0);
    assert_string_equal(got.ward->code, "E1");
    assert_true(got.distance_m == 0);
    assert_int_equal(wards_find(&wards, 452000, 517000, &got), 0);
    assert_string_equal(got.ward->name, "St Inner's");
    /* Off the coast: 499 m is near, 501 m is not. */
    assert_int_equal(wards_find(&wards, 454499, 517000, &got), 0);
    assert_string_equal(got.ward->code, "E1");
    assert_true(fabs(got.distance_m - 499) < .01);
    assert_int_equal(wards_find(&wards, 454501, 517000, &got), ERR_NOENT);
    /* Off a corner, 400 m east and north are 566 m. */
    assert_int_equal(wards_find(&wards, 454400, 519400, &got), ERR_NOENT);
    assert_int_equal(wards_add(&wards, &inner, boxes(heart, 1)), ERR_BUSY);
    wards_close(&wards);
    wards_close(&wards);
}

static void wrong_polygons_are_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {
        "",
        "{",
        "[]",
        "{\"type\":\"Point\",\"coordinates\":[-1.2,54.5]}",
        "{\"type\":\"Polygon\",\"coordinates\":[]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[-1.2,54.5],[-1.1,54.5]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[-1,54.5],[-1.1,54.5],[-1.1,54.6],[-1,54.6]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[2,48],[3,48],[3,49],[2,48]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[\"a\",48],[3,48],[3,49],[2,48]]]}",
    };
    const struct ward ward = {"E1", "name", "authority"};
    struct wards wards;
    assert_int_equal(wards_open(&grid, &wards), 0);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(wards_add(&wards, &ward, BAD[i]), ERR_BADMSG);
    wards_close(&wards);
}

static void text_of(const json_t *properties, const char *name, char *to, size_t cap) {
    snprintf(to, cap, "%s", json_string_value(json_object_get(properties, name)));
}

static void load(FILE *in, struct wards *wards) {
    json_t *root = json_loadf(in, 0, NULL), *feature;
    size_t i;
    fclose(in);
    json_array_foreach(json_object_get(root, "features"), i, feature) {
        struct ward ward = {0};
        const json_t *properties = json_object_get(feature, "properties");
        text_of(properties, "ward_code", ward.code, sizeof ward.code);
        text_of(properties, "ward_name", ward.name, sizeof ward.name);
        text_of(properties, "lad_name", ward.authority, sizeof ward.authority);
        char *geometry = json_dumps(json_object_get(feature, "geometry"), 0);
        assert_int_equal(wards_add(wards, &ward, geometry), 0);
        free(geometry);
    }
    assert_int_equal(i, 79);
    json_decref(root);
}

/* The wards of the data pack's places were found by another implementation.  Hotspots ignore ward
 * lines: Eston Nab lies in Guisborough ward.  One place on the dunes has none. */
static int check_places(const struct wards *wards) {
    FILE *in = data_open("wards/tees_places.csv", NULL);
    char line[1024], code[WARDS_CODE_MAX];
    int places = 0;
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        double lat, lon, e, n;
        const char *from = strstr(line, ",54.");
        if (from == NULL || sscanf(from, ",%lf,%lf,%*c,%11[^,]", &lat, &lon, code) != 3)
            continue;
        struct wards_answer got;
        assert_int_equal(grid_from_wgs84(&grid, lat, lon, &e, &n), 0);
        assert_int_equal(wards_find(wards, e, n, &got), 0);
        assert_string_equal(got.ward->code, code);
        places++;
    }
    if (in != NULL)
        fclose(in);
    return places;
}

static void the_79_wards(void **state) {
    (void)state;
    FILE *in = data_open("wards/tees_wards_2017.geojson", NULL);
    if (in == NULL)
        skip();
    struct wards wards;
    struct wards_answer got;
    assert_int_equal(wards_open(&grid, &wards), 0);
    load(in, &wards);
    assert_int_equal(check_places(&wards), 27);
    assert_int_equal(wards_find(&wards, 500000, 530000, &got), ERR_NOENT); /* at sea */
    wards_close(&wards);
}

static int setup(void **state) {
    (void)state;
    return grid_open(&grid);
}

static int teardown(void **state) {
    (void)state;
    grid_close(&grid);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_near_and_far),
        cmocka_unit_test(wrong_polygons_are_refused),
        cmocka_unit_test(the_79_wards),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
