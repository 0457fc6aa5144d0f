#include "gpio_chip.h"
#include "log.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char MODULE[] = "gpio";
static const int64_t WALL_AGE_MAX_NS = INT64_C(60) * 1000000000;

int gpio_chip_accepts(const char *names, const char *name) {
    if (names == NULL || names[0] == '\0' || name == NULL || name[0] == '\0')
        return 1;
    size_t len = strlen(name);
    for (const char *p = names;;) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, name, n) == 0)
            return 1;
        if (p[n] == '\0')
            return 0;
        p += n + 1;
    }
}

bool gpio_chip_strange(const struct gpio_line *line, const char *name) {
    if (gpio_chip_accepts(line->names, name))
        return false;
    log_warn(MODULE,
             "%s: line %u of %s is named \"%s\", the board file expects %s: used all the same; is "
             "[unit] board right?",
             line->role, line->offset, line->chip, name, line->names);
    return true;
}

/* --- finding -------------------------------------------------------------------------------- */

struct search {
    unsigned same;
    bool refused;
    char labels[96]; /* of the others, for people */
};

static void note_label(struct search *s, const char *label) {
    size_t used = strlen(s->labels);
    snprintf(s->labels + used, sizeof s->labels - used, "%s%s", used > 0 ? ", " : "", label);
}

static void look_at(struct search *s, const char *path, const char *wanted, gpio_label_of *label_of,
                    char *ret_path) {
    char label[GPIO_LABEL_MAX + 1];
    struct stat st;
    /* Some systems keep old chip numbers alive as links. */
    if (lstat(path, &st) != 0 || !S_ISCHR(st.st_mode))
        return;
    int err = label_of(path, label);
    if (err < 0)
        s->refused = s->refused || err == ERR_ACCESS || err == ERR_PERM;
    else if (strcmp(label, wanted) != 0)
        note_label(s, label);
    else if (s->same++ == 0)
        snprintf(ret_path, GPIO_PATH_BYTES, "%s", path);
}

static int tell_search(const struct search *s, const struct gpio_line *line, char *why) {
    if (s->same == 1)
        return 0;
    if (s->same > 1) {
        snprintf(why, GPIO_WHY_BYTES,
                 "%s: %u GPIO chips are labelled \"%s\": unplug all but the one that is meant",
                 line->role, s->same, line->chip);
        return ERR_EXIST;
    }
    if (s->refused) {
        snprintf(why, GPIO_WHY_BYTES,
                 "%s: no GPIO chip labelled \"%s\" may be opened: is this user in the group gpio?",
                 line->role, line->chip);
        return ERR_ACCESS;
    }
    snprintf(why, GPIO_WHY_BYTES,
             "%s: no GPIO chip labelled \"%s\" (there is: %s): is [unit] board right?", line->role,
             line->chip, s->labels[0] != '\0' ? s->labels : "none");
    return ERR_NODEV;
}

int gpio_chip_find(const struct gpio_line *line, gpio_label_of *label_of, char why[GPIO_WHY_BYTES],
                   char ret_path[GPIO_PATH_BYTES]) {
    struct search s = {0};
    char path[GPIO_PATH_BYTES], found[GPIO_PATH_BYTES] = "";
    DIR *dev = opendir("/dev");
    for (const struct dirent *e; dev != NULL && (e = readdir(dev)) != NULL;) {
        if (strncmp(e->d_name, "gpiochip", 8) != 0)
            continue;
        snprintf(path, sizeof path, "/dev/%s", e->d_name);
        look_at(&s, path, line->chip, label_of, found);
    }
    if (dev != NULL)
        closedir(dev);
    int err = tell_search(&s, line, why);
    if (err == 0)
        memcpy(ret_path, found, sizeof found);
    return err;
}

int gpio_chip_fits(const struct gpio_line *line, unsigned chip_lines, char why[GPIO_WHY_BYTES]) {
    if (chip_lines < line->chip_lines) {
        snprintf(
            why, GPIO_WHY_BYTES,
            "%s: chip %s has %u lines, the board file wants at least %u: is [unit] board right?",
            line->role, line->chip, chip_lines, line->chip_lines);
        return ERR_NODEV;
    }
    if (line->offset >= chip_lines) {
        snprintf(why, GPIO_WHY_BYTES, "%s: chip %s has no line %u", line->role, line->chip,
                 line->offset);
        return ERR_RANGE;
    }
    return 0;
}

int gpio_chip_busy(const struct gpio_line *line, const char *holder, char why[GPIO_WHY_BYTES]) {
    snprintf(why, GPIO_WHY_BYTES, "%s: line %u of %s: %s: held by %s", line->role, line->offset,
             line->chip, err_text(ERR_BUSY),
             holder != NULL && holder[0] != '\0' ? holder : "the kernel");
    return ERR_BUSY;
}

/* --- time ----------------------------------------------------------------------------------- */

int64_t gpio_chip_time_ns(int64_t stamp_ns, int64_t monotonic_ns, int64_t wall_ns) {
    if (stamp_ns <= monotonic_ns)
        return stamp_ns;
    int64_t age_ns = wall_ns - stamp_ns;
    /* A wall clock that was set in between says nothing. */
    return age_ns < 0 || age_ns > WALL_AGE_MAX_NS || age_ns > monotonic_ns ? monotonic_ns
                                                                           : monotonic_ns - age_ns;
}

static int64_t clock_ns(clockid_t id) {
    struct timespec ts = {0};
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void gpio_chip_clocks(int64_t *ret_monotonic_ns, int64_t *ret_wall_ns) {
    *ret_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
    *ret_wall_ns = clock_ns(CLOCK_REALTIME);
}

void gpio_chip_sort(struct gpio_edge *edges, unsigned count) {
    for (unsigned i = 1; i < count; i++) {
        struct gpio_edge e = edges[i];
        unsigned at = i;
        for (; at > 0 && edges[at - 1].t_ns > e.t_ns; at--)
            edges[at] = edges[at - 1];
        edges[at] = e;
    }
}
