#include "scene_log.h"
#include "err.h"
#include <string.h>

enum { LINES_MAX = 1024 };

enum physics_scene scene_named(const char *name) {
    enum physics_scene scene = 0;
    while (scene < PHYSICS_SCENES && strcmp(physics_scene_name(scene), name) != 0)
        scene++;
    return scene;
}

/* One record a line: a frame told line by line is several of one moment. */
static void put_lines(double t_s, char *lines, FILE *log) {
    for (char *line = lines, *end; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
        fprintf(log, "%.6f\t%.*s\n", t_s, (int)(end - line), line);
}

static void put_truth(const struct physics_drive *d, FILE *truth) {
    fprintf(truth, "from_s,to_s,direction,speed_mph\n");
    for (unsigned i = 0; i < d->truths; i++)
        fprintf(truth, "%.2f,%.2f,%s,%.2f\n", d->truth[i].from_s, d->truth[i].to_s,
                d->truth[i].inbound ? "in" : "out", d->truth[i].m_s / 0.44704);
}

int scene_log(enum physics_scene scene, uint64_t seed, double seconds,
              const struct sensor_text *shape, FILE *log, FILE *truth) {
    static struct physics_drive d;
    struct radar_frame f;
    char lines[LINES_MAX];
    physics_drive_init(&d, scene, seed, seconds);
    fprintf(log, "0.000000\t{\"Units\":\"%s\"}\n", sensor_unit_name(shape->unit));
    while (physics_drive_next(&d, &f)) {
        double t_s = (double)f.t_ns / 1e9;
        if (sensor_text(shape, f.targets, f.count, t_s, lines, sizeof lines) > 0)
            put_lines(t_s, lines, log);
    }
    if (truth != NULL)
        put_truth(&d, truth);
    return ferror(log) || (truth != NULL && ferror(truth)) ? ERR_IO : 0;
}
