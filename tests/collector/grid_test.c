/* The National Grid against published points and another implementation; references; squares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data.h"
#include "grid.h"
#include "random.h"
#include <math.h>
#include <string.h>

static struct grid grid;

static int setup(void **state) {
    (void)state;
    return grid_open(&grid);
}

static int teardown(void **state) {
    (void)state;
    grid_close(&grid);
    grid_close(&grid);
    return 0;
}

static void published_points(void **state) {
    (void)state;
    /* Lat, lon, easting, northing, tolerance: Caister water tower (Ordnance Survey, by OSTN15, so
     * Helmert's 5 m apply), Eston Nab (Historic England, degrees rounded to 4 places). */
    static const double WANT[][5] = {
        {52 + 39 / 60. + 28.8282 / 3600, 1 + 42 / 60. + 57.8663 / 3600, 651409.804, 313177.450, 5},
        {54.5565, -1.1236, 456778.4, 518272.8, 6},
    };
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        double e, n, lat, lon;
        assert_int_equal(grid_from_wgs84(&grid, WANT[i][0], WANT[i][1], &e, &n), 0);
        print_message("off by %.2f m, %.2f m\n", e - WANT[i][2], n - WANT[i][3]);
        assert_true(hypot(e - WANT[i][2], n - WANT[i][3]) < WANT[i][4]);
        assert_int_equal(grid_to_wgs84(&grid, e, n, &lat, &lon), 0);
        assert_true(fabs(lat - WANT[i][0]) < 1e-7 && fabs(lon - WANT[i][1]) < 1e-7); /* 1 cm */
    }
}

/* The ward centres of the data pack were projected by a separate pure-Python implementation. */
static void ward_centres(void **state) {
    (void)state;
    FILE *in = data_open("wards/tees_wards_2017.csv", NULL);
    if (in == NULL)
        skip();
    char line[4096];
    int wards = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        double lat, lon, e, n, want_e, want_n;
        /* code, name, code, name, area: the names hold no commas outside quotes here */
        if (sscanf(line, "%*[^,],%*[^,],%*[^,],%*[^,],%*[^,],%lf,%lf,%lf,%lf", &lat, &lon, &want_e,
                   &want_n) != 4)
            continue;
        assert_int_equal(grid_from_wgs84(&grid, lat, lon, &e, &n), 0);
        assert_true(hypot(e - want_e, n - want_n) < 1.5); /* degrees are rounded to 5 places */
        wards++;
    }
    fclose(in);
    print_message("%d ward centres agree\n", wards);
    assert_int_equal(wards, 79);
}

static void outside_is_refused(void **state) {
    (void)state;
    double a, b;
    assert_int_equal(grid_from_wgs84(&grid, 48.85, 2.35, &a, &b), ERR_RANGE); /* Paris */
    assert_int_equal(grid_from_wgs84(&grid, NAN, 0, &a, &b), ERR_RANGE);
    assert_int_equal(grid_from_wgs84(&grid, 91, 0, &a, &b), ERR_RANGE);
    assert_int_equal(grid_to_wgs84(&grid, -1, 0, &a, &b), ERR_RANGE);
    assert_int_equal(grid_to_wgs84(&grid, INFINITY, 0, &a, &b), ERR_RANGE);
}

static void references_are_formatted(void **state) {
    (void)state;
    char text[GRID_REFERENCE_MAX];
    assert_int_equal(grid_format(456800, 518300, 6, text, sizeof text), 0);
    assert_string_equal(text, "NZ 568 183");
    assert_int_equal(grid_format(456809.9, 518307.2, 8, text, sizeof text), 0);
    assert_string_equal(text, "NZ 5680 1830");
    assert_int_equal(grid_format(651409.9, 313177.3, 10, text, sizeof text), 0);
    assert_string_equal(text, "TG 51409 13177");
    assert_int_equal(grid_format(0, 0, 8, text, sizeof text), 0);
    assert_string_equal(text, "SV 0000 0000");
    assert_int_equal(grid_format(699999, 1299999, 4, text, sizeof text), 0);
    assert_string_equal(text, "JM 99 99");
    assert_int_equal(grid_format(-1, 0, 8, text, sizeof text), ERR_RANGE);
    assert_int_equal(grid_format(1, 1, 7, text, sizeof text), ERR_INVAL);
    assert_int_equal(grid_format(1, 1, 8, text, 8), ERR_TOOLONG);
}

static void references_are_parsed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t e, n, size;
    } GOOD[] = {
        {"NZ 568 183", 456800, 518300, 100},    {"nz568183", 456800, 518300, 100},
        {"NZ5680018300", 456800, 518300, 1},    {"568 183", 456800, 518300, 100},
        {" NZ 5680 1830 ", 456800, 518300, 10}, {"TG 51409 13177", 651409, 313177, 1},
        {"NZ 56 18", 456000, 518000, 1000},     {"SV 0000 0000", 0, 0, 10},
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct grid_square got;
        assert_int_equal(grid_parse(GOOD[i].text, &got), 0);
        assert_true(got.easting_m == GOOD[i].e && got.northing_m == GOOD[i].n);
        assert_int_equal(got.size_m, GOOD[i].size);
    }
    static const char *const BAD[] = {
        "",         "NZ",          "NZ 56",           "NZ 568 18",  "NZ 56 818", "NZ 5680183",
        "NI 56 18", "ZZ 56 18",    "N 56 18",         "NZ 568-183", "AA 56 18",  "NZ 568001 183001",
        "N",        "NZ 56 18 34", "what three words"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct grid_square got = {7, 7, 7};
        assert_int_equal(grid_parse(BAD[i], &got), ERR_INVAL);
        assert_int_equal(got.size_m, 7);
    }
}

static void there_and_back(void **state) {
    (void)state;
    random_seed(20261131);
    for (int i = 0; i < 20000; i++) {
        int32_t e = random_below(700000), n = random_below(1300000), size = 1000;
        for (int figures = 4; figures <= 10; figures += 2, size /= 10) {
            char text[GRID_REFERENCE_MAX];
            struct grid_square got;
            assert_int_equal(grid_format(e, n, figures, text, sizeof text), 0);
            assert_int_equal(grid_parse(text, &got), 0);
            assert_int_equal(got.easting_m, e - e % size);
            assert_int_equal(got.northing_m, n - n % size);
            assert_int_equal(got.size_m, size);
        }
    }
}

static void squares_floor(void **state) {
    (void)state;
    struct grid_square c = grid_cell(456799.9, 518250, 250);
    assert_true(c.easting_m == 456750 && c.northing_m == 518250);
    c = grid_cell(-.1, -250, 250);
    assert_true(c.easting_m == -250 && c.northing_m == -250);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_points),      cmocka_unit_test(ward_centres),
        cmocka_unit_test(outside_is_refused),    cmocka_unit_test(references_are_formatted),
        cmocka_unit_test(references_are_parsed), cmocka_unit_test(there_and_back),
        cmocka_unit_test(squares_floor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
