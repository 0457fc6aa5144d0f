/* Any file is read to its end or to an error that has words, within the bounds. */
#include "csv.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct csv csv = {.from = fmemopen((void *)(uintptr_t)data, size, "r")};
    assert(csv.from != NULL);
    int more;
    while ((more = csv_next(&csv)) == 1) {
        assert(csv.cells >= 1 && csv.cells <= CSV_CELLS_MAX);
        for (size_t i = 0; i < csv.cells; i++)
            assert(strlen(csv.cell[i]) < size + 1);
        (void)csv_column(&csv, "speed");
    }
    assert(more == 0 || strlen(csv_words(more)) > 0);
    csv_close(&csv);
    return 0;
}
