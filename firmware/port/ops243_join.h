/* ops243_join: lines to frames.
 *
 * A sensor in plain mode tells the targets of one capture line by line; they belong to one frame
 * if they come together (OPS243_JOIN_NS) and their own time, where told, is the same.  A JSON array
 * is a frame by itself.  A blank report is an empty frame.  Frames never go back in time.
 *
 * Guarded by tests/port/ops243_join_test.c.  Pure.  Memory: the struct.  Threads: any. */
#ifndef MOORWATCH_OPS243_JOIN_H
#define MOORWATCH_OPS243_JOIN_H

#include "ops243_line.h"

/* Captures are at least 25 ms apart; a line of 90 bytes takes 8 ms at 115200 baud. */
#define OPS243_JOIN_NS INT64_C(12000000)

struct ops243_join {
    bool open, whole; /* whole: takes no more lines */
    bool has_time;
    int64_t sensor_ms;
    int64_t last_line_ns;
    int64_t last_frame_ns; /* given out; 0: none */
    struct radar_frame frame;
};

/* Takes a line that came at t_ns.  True if an earlier frame is now complete: *ret_frame. */
bool ops243_join_line(struct ops243_join *j, const struct ops243_line *line, int64_t t_ns,
                      struct radar_frame *ret_frame);
/* True if the frame in hand is complete by now_ns (INT64_MAX: whatever the time). */
bool ops243_join_end(struct ops243_join *j, int64_t now_ns, struct radar_frame *ret_frame);

#endif
