#include "wires.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const int64_t LOOK_NS = 200000000;

void wires_init(struct wires *w, const char *path, const char *state) {
    memset(w, 0, sizeof *w);
    snprintf(w->path, sizeof w->path, "%s", path);
    snprintf(w->state, sizeof w->state, "%s", state);
    w->fd = -1;
}

void wires_close(struct wires *w) {
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static bool reach(struct wires *w) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, w->path, sizeof to.sun_path);
    w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd >= 0 && connect(w->fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return true;
    wires_close(w);
    return false;
}

static struct wires_output *output_of(struct wires *w, const char *role) {
    for (unsigned i = 0; i < w->outputs_count; i++)
        if (strcmp(w->outputs[i].role, role) == 0)
            return &w->outputs[i];
    if (w->outputs_count == WIRES_OUTPUTS_MAX)
        return NULL;
    struct wires_output *o = &w->outputs[w->outputs_count++];
    snprintf(o->role, sizeof o->role, "%s", role);
    return o;
}

static void look(struct wires *w, void (*each)(void *arg, const char *role, bool active),
                 void *arg) {
    char role[WIRES_ROLE_MAX + 1];
    int level;
    FILE *state = w->state[0] != '\0' ? fopen(w->state, "re") : NULL;
    if (state == NULL)
        return;
    while (fscanf(state, "%31s %d", role, &level) == 2) {
        struct wires_output *o = output_of(w, role);
        if (o == NULL || o->active == (level != 0))
            continue;
        o->active = level != 0;
        if (each != NULL)
            each(arg, role, o->active);
    }
    fclose(state);
}

static bool same(const struct wires *w, const struct stat *st) {
    return st->st_ino == w->inode && st->st_ctim.tv_sec == w->made.tv_sec &&
           st->st_ctim.tv_nsec == w->made.tv_nsec;
}

enum wires_change wires_step(struct wires *w, int64_t now_ns,
                             void (*each)(void *arg, const char *role, bool active), void *arg) {
    struct stat st;
    if (now_ns < w->look_ns)
        return WIRES_SAME;
    w->look_ns = now_ns + LOOK_NS;
    look(w, each, arg);
    bool there = stat(w->path, &st) == 0;
    if (there && w->fd >= 0 && same(w, &st))
        return WIRES_SAME;
    bool was = w->fd >= 0;
    wires_close(w);
    if (!there || !reach(w))
        return was ? WIRES_DOWN : WIRES_SAME;
    w->inode = st.st_ino;
    w->made = st.st_ctim;
    return WIRES_UP;
}

void wires_set(struct wires *w, const char *role, bool active) {
    char line[64];
    int n = snprintf(line, sizeof line, "%s %d\n", role, active);
    /* Refused: the daemon has died; its successor will make a new socket. */
    if (w->fd >= 0 && send(w->fd, line, (size_t)n, MSG_NOSIGNAL) != n)
        wires_close(w);
}
