/* Whatever parses as a grid reference is a square of the grid and comes back from its own text. */
#include "grid.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[64], back[GRID_REFERENCE_MAX];
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    struct grid_square square, again;
    if (grid_parse(text, &square) < 0)
        return 0;
    int figures = 10;
    for (int unit = 1; unit < square.size_m; unit *= 10)
        figures -= 2;
    assert(grid_format(square.easting_m, square.northing_m, figures, back, sizeof back) == 0);
    assert(grid_parse(back, &again) == 0);
    assert(memcmp(&square, &again, sizeof square) == 0);
    return 0;
}
