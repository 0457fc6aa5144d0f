/* What decodes as a histogram is the one blob of that histogram, and merges and counts alike. */
#include "histogram.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct histogram h, merged;
    static uint8_t blob[HISTOGRAM_BLOB_MAX];
    uint64_t n = 0;
    memset(&merged, 0, sizeof merged);
    int decoded = histogram_decode(data, size, &h);
    assert(histogram_merge_blob(&merged, data, size) == decoded);
    assert(histogram_blob_at_or_over(data, size, 0, &n) == decoded);
    if (decoded < 0)
        return 0;
    int len = histogram_encode(&h, blob, sizeof blob);
    assert(len == (int)size && memcmp(blob, data, size) == 0);
    assert(memcmp(h.count, merged.count, sizeof h.count) == 0 && merged.n == h.n && n == h.n);
    struct speeds_stats stats;
    assert(histogram_describe(&h, 30, 35, &stats) == (h.n > 0 ? 0 : ERR_INVAL));
    return 0;
}
