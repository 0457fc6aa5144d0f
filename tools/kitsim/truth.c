#include "truth.h"
#include <errno.h>
#include <inttypes.h>

int truth_open(struct truth *t, const char *path) {
    *t = (struct truth){0};
    if (path == NULL)
        return 0;
    t->file = fopen(path, "ae");
    if (t->file == NULL)
        return -errno;
    setvbuf(t->file, NULL, _IOLBF, 0);
    return 0;
}

void truth_close(struct truth *t) {
    if (t->file != NULL)
        fclose(t->file);
    t->file = NULL;
}

void truth_vehicle(struct truth *t, int64_t unix_ms, const char *kit, double mph, bool inbound) {
    t->vehicles++;
    if (t->file != NULL)
        fprintf(t->file,
                "{\"t\":%" PRId64 ",\"kit\":\"%s\",\"what\":\"vehicle\",\"mph\":%.2f,"
                "\"inbound\":%s}\n",
                unix_ms, kit, mph, inbound ? "true" : "false");
}

void truth_scene(struct truth *t, int64_t unix_ms, const char *hub, unsigned lock,
                 const char *scene) {
    t->scenes++;
    if (t->file != NULL)
        fprintf(t->file,
                "{\"t\":%" PRId64 ",\"hub\":\"%s\",\"lock\":%u,\"what\":\"scene\","
                "\"scene\":\"%s\"}\n",
                unix_ms, hub, lock, scene);
}

void truth_siren(struct truth *t, int64_t unix_ms, const char *hub, const char *line, bool on) {
    t->sirens += on;
    if (t->file != NULL)
        fprintf(t->file,
                "{\"t\":%" PRId64 ",\"hub\":\"%s\",\"what\":\"siren\",\"line\":\"%s\","
                "\"on\":%s}\n",
                unix_ms, hub, line, on ? "true" : "false");
}

void truth_press(struct truth *t, int64_t unix_ms, const char *kit, bool begins) {
    t->presses++;
    if (t->file != NULL)
        fprintf(t->file, "{\"t\":%" PRId64 ",\"kit\":\"%s\",\"what\":\"press\",\"begins\":%s}\n",
                unix_ms, kit, begins ? "true" : "false");
}
