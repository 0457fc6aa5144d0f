/* Any bytes: split, read, joined, segmented; nothing crashes and no target is absurd. */
#include "ops243_join.h"
#include "ops243_rawlog.h"
#include "ops243_split.h"
#include "passage.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void segment(struct passage *p, const struct radar_frame *f) {
    struct passage_vehicle v[PASSAGE_TRACKS];
    unsigned n = passage_frame(p, f, v);
    assert(n <= PASSAGE_TRACKS);
    for (unsigned i = 0; i < n; i++)
        assert(v[i].last_ns >= v[i].first_ns && v[i].speed_mm_s <= v[i].max_mm_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct passage p;
    struct ops243_splitter s = {.len = 0};
    struct ops243_context c = {OPS243_UNIT_NONE, false};
    struct ops243_join j = {.open = false};
    int64_t now_ns = 0;
    struct ops243_note note = ops243_rawlog_note((const char *)data, size);
    assert(note.kind <= OPS243_NOTE_MAX_SPEED && note.number >= 0 && note.t_ns >= 0);
    (void)ops243_line_foreign((const char *)data, size);
    passage_init(&p, &PASSAGE_DEFAULTS);
    for (size_t at = 0; at < size;) {
        int n;
        struct ops243_line line;
        struct radar_frame frame;
        at += ops243_split(&s, (const char *)data + at, size - at, &n);
        if (n < 0 || ops243_line_read(s.line, (size_t)n, &c, &line) < 0)
            continue;
        assert(line.count <= RADAR_TARGETS_MAX);
        for (unsigned i = 0; i < line.count; i++)
            assert(line.targets[i].speed_mm_s != 0 && abs(line.targets[i].speed_mm_s) <= 1000000);
        now_ns += 50000000;
        if (ops243_join_line(&j, &line, now_ns, &frame))
            segment(&p, &frame);
    }
    return 0;
}
