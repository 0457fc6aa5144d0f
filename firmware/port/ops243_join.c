#include "ops243_join.h"

static bool is_report(const struct ops243_line *line) {
    return line->kind == OPS243_SPEEDS || line->kind == OPS243_BLANK;
}

static bool belongs(const struct ops243_join *j, const struct ops243_line *line, int64_t t_ns) {
    if (!j->open || j->whole || t_ns < j->last_line_ns || t_ns - j->frame.t_ns > OPS243_JOIN_NS)
        return false;
    if (line->count > 1 || j->frame.count + line->count > RADAR_TARGETS_MAX)
        return false;
    return !(j->has_time && line->has_time && j->sensor_ms != line->sensor_ms);
}

static bool give(struct ops243_join *j, struct radar_frame *ret_frame) {
    if (j->last_frame_ns != 0 && j->frame.t_ns < j->last_frame_ns)
        j->frame.t_ns = j->last_frame_ns;
    j->last_frame_ns = j->frame.t_ns;
    *ret_frame = j->frame;
    return true;
}

bool ops243_join_end(struct ops243_join *j, int64_t now_ns, struct radar_frame *ret_frame) {
    if (!j->open || (!j->whole && now_ns - j->frame.t_ns <= OPS243_JOIN_NS))
        return false;
    j->open = false;
    return give(j, ret_frame);
}

/* Lines read in one go bear one time; the sensor's own clock tells their frames apart. */
static int64_t moment(const struct ops243_join *j, const struct ops243_line *line, int64_t t_ns) {
    if (!j->has_time || !line->has_time || t_ns != j->last_line_ns)
        return t_ns;
    int64_t since_ms = line->sensor_ms - j->sensor_ms;
    if (since_ms <= 0 || since_ms > 1000)
        return t_ns;
    return j->frame.t_ns + since_ms * 1000000;
}

bool ops243_join_line(struct ops243_join *j, const struct ops243_line *line, int64_t t_ns,
                      struct radar_frame *ret_frame) {
    if (!is_report(line))
        return false;
    if (belongs(j, line, t_ns)) {
        for (unsigned i = 0; i < line->count; i++)
            j->frame.targets[j->frame.count++] = line->targets[i];
        j->last_line_ns = t_ns;
        return false;
    }
    bool done = j->open && give(j, ret_frame);
    j->frame.t_ns = moment(j, line, t_ns);
    j->frame.count = line->count;
    for (unsigned i = 0; i < line->count; i++)
        j->frame.targets[i] = line->targets[i];
    j->open = true;
    j->whole = line->count > 1;
    j->has_time = line->has_time;
    j->sensor_ms = line->sensor_ms;
    j->last_line_ns = t_ns;
    return done;
}
