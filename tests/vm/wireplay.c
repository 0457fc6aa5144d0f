/* wireplay: moves the lines of a gpio-sim chip inside a virtual machine, and watches its outputs.
 *
 * usage: wireplay SIM play FILE [watch LINE PERIOD_MS]
 *        wireplay SIM random SEED GAP_MS LINE...
 *
 * SIM is the chip's folder in /sys/devices/platform.  A line of FILE is "MS LINE LEVEL": so many
 * milliseconds after the start the line is pulled up (1) or down (0).  `random` moves one line of
 * the list after another, for ever.  One move a line needs 20 ms before the next on the same line:
 * gpio-sim tells what happened in between as one edge.
 * Says on standard output: "start MS" and for each change of the watched line "watched LINE LEVEL
 * MS"; MS is CLOCK_MONOTONIC, the clock of the edges.  Memory: none.  One thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)

enum { LINES_MAX = 64 };

struct watch {
    int line; /* < 0: none */
    int64_t period_ms, next_ms;
    int level;
};

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

static void sleep_until(int64_t ms) {
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * NS_PER_MS)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

static int attribute(const char *sim, int line, const char *name, int flags) {
    char path[256];
    snprintf(path, sizeof path, "%s/sim_gpio%d/%s", sim, line, name);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "wireplay: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return fd;
}

static void pull(const char *sim, int line, int level) {
    static const char *const WORDS[] = {"pull-down", "pull-up"};
    const char *word = WORDS[level != 0];
    int fd = attribute(sim, line, "pull", O_WRONLY);
    if (write(fd, word, strlen(word)) < 0)
        fprintf(stderr, "wireplay: line %d: %s\n", line, strerror(errno));
    close(fd);
}

static void look(const char *sim, struct watch *w) {
    char value = 0;
    int fd = attribute(sim, w->line, "value", O_RDONLY);
    if (read(fd, &value, 1) != 1)
        value = '0';
    close(fd);
    if (value - '0' != w->level) {
        w->level = value - '0';
        printf("watched %d %d %" PRId64 "\n", w->line, w->level, now_ms());
        fflush(stdout);
    }
}

static void wait_watching(const char *sim, struct watch *w, int64_t until_ms) {
    while (w->line >= 0 && w->next_ms < until_ms) {
        sleep_until(w->next_ms);
        look(sim, w);
        w->next_ms += w->period_ms;
    }
    sleep_until(until_ms);
}

static int play(const char *sim, FILE *script, struct watch *w) {
    const int64_t start_ms = now_ms();
    int64_t ms;
    int line, level;
    char text[128];
    w->next_ms = start_ms;
    printf("start %" PRId64 "\n", start_ms);
    fflush(stdout);
    while (fgets(text, sizeof text, script) != NULL) {
        if (sscanf(text, "%" SCNd64 " %d %d", &ms, &line, &level) != 3) {
            fprintf(stderr, "wireplay: not a move: %s", text);
            return 1;
        }
        wait_watching(sim, w, start_ms + ms);
        pull(sim, line, level);
    }
    return 0;
}

/* splitmix64 */
static uint64_t random_next(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void play_random(const char *sim, uint64_t seed, int64_t gap_ms, int count, char **lines) {
    bool low[LINES_MAX] = {0};
    int64_t next_ms = now_ms();
    for (;;) {
        const unsigned i = (unsigned)(random_next(&seed) % (unsigned)count);
        low[i] = !low[i];
        pull(sim, atoi(lines[i]), !low[i]);
        next_ms += gap_ms;
        sleep_until(next_ms);
    }
}

int main(int argc, char **argv) {
    struct watch w = {.line = -1};
    if (argc >= 6 && strcmp(argv[2], "random") == 0 && argc - 5 <= LINES_MAX) {
        play_random(argv[1], strtoull(argv[3], NULL, 10), strtol(argv[4], NULL, 10), argc - 5,
                    argv + 5);
        return 0;
    }
    FILE *script = argc >= 4 && strcmp(argv[2], "play") == 0 ? fopen(argv[3], "re") : NULL;
    if (script == NULL) {
        fprintf(stderr, "usage: wireplay SIM play FILE [watch LINE PERIOD_MS]\n"
                        "       wireplay SIM random SEED GAP_MS LINE...\n");
        return 2;
    }
    if (argc == 7 && strcmp(argv[4], "watch") == 0) {
        w.line = atoi(argv[5]);
        w.period_ms = strtol(argv[6], NULL, 10);
    }
    int status = play(argv[1], script, &w);
    fclose(script);
    return status;
}
