#include "gpio_sim.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 256 };

static void die(const char *what, const char *path) {
    fprintf(stderr, "gpio_sim: %s ", what);
    perror(path);
    abort();
}

static void put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die("write", path);
    close(fd);
}

static void get(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (n < 0)
        die("read", path);
    close(fd);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static void folder(const char *path) {
    if (mkdir(path, 0755) != 0)
        die("mkdir", path);
}

const char *gpio_sim_root(void) {
    return getenv("MOORWATCH_GPIO_SIM");
}

void gpio_sim_make(struct gpio_sim *s, const char *name, const char *label, unsigned lines,
                   const char *const *names) {
    char top[64], path[PATH_BYTES], text[32], device[48], chip[48];
    *s = (struct gpio_sim){.lines = lines};
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(top, sizeof top, "%.30s/%s", gpio_sim_root(), s->name);
    folder(top);
    snprintf(path, sizeof path, "%s/bank", top);
    folder(path);
    snprintf(path, sizeof path, "%s/bank/num_lines", top);
    snprintf(text, sizeof text, "%u", lines);
    put(path, text);
    snprintf(path, sizeof path, "%s/bank/label", top);
    put(path, label);
    for (unsigned i = 0; names != NULL && i < lines; i++) {
        if (names[i] == NULL)
            continue;
        snprintf(path, sizeof path, "%s/bank/line%u", top, i);
        folder(path);
        snprintf(path, sizeof path, "%s/bank/line%u/name", top, i);
        put(path, names[i]);
    }
    snprintf(path, sizeof path, "%s/live", top);
    put(path, "1");
    snprintf(path, sizeof path, "%s/dev_name", top);
    get(path, device, sizeof device);
    snprintf(path, sizeof path, "%s/bank/chip_name", top);
    get(path, chip, sizeof chip);
    snprintf(s->folder, sizeof s->folder, "/sys/devices/platform/%s/%s", device, chip);
}

void gpio_sim_pull(const struct gpio_sim *s, unsigned line, bool up) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sim_gpio%u/pull", s->folder, line);
    put(path, up ? "pull-up" : "pull-down");
}

int gpio_sim_value(const struct gpio_sim *s, unsigned line) {
    char path[PATH_BYTES], text[8];
    snprintf(path, sizeof path, "%s/sim_gpio%u/value", s->folder, line);
    get(path, text, sizeof text);
    return text[0] == '1';
}

void gpio_sim_drop(const struct gpio_sim *s) {
    char path[PATH_BYTES];
    const char *root = gpio_sim_root();
    snprintf(path, sizeof path, "%s/%s/live", root, s->name);
    put(path, "0");
    for (unsigned i = 0; i < s->lines; i++) {
        snprintf(path, sizeof path, "%s/%s/bank/line%u", root, s->name, i);
        rmdir(path); /* there only if it was named */
    }
    snprintf(path, sizeof path, "%s/%s/bank", root, s->name);
    if (rmdir(path) != 0)
        die("rmdir", path);
    snprintf(path, sizeof path, "%s/%s", root, s->name);
    if (rmdir(path) != 0)
        die("rmdir", path);
}
