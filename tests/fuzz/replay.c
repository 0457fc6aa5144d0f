/* replay: a main for fuzz targets where libFuzzer is not: plays every file named on the command
 * line (and in the folders named), whole, cut at up to 64 places, and with up to 256 bits changed.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 200000, CUTS = 64, FLIPS = 256 };

/* In memory of exactly its size, so that the sanitizer sees a byte too far. */
static void play(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void play_changed(uint8_t *data, size_t size) {
    play(data, size);
    for (size_t i = 0; i < CUTS && i < size; i++)
        play(data, size * i / (size < CUTS ? size : CUTS));
    size_t bits = size * 8, step = bits / FLIPS + 1;
    for (size_t bit = 0; bit < bits; bit += step) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        play(data, size);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static int play_file(const char *path) {
    static uint8_t data[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    size_t size = fread(data, 1, sizeof data, f);
    (void)fclose(f);
    play_changed(data, size);
    return 1;
}

static int play_folder(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL)
        return play_file(path);
    int played = 0;
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        char name[1024];
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            played += play_file(name);
    }
    (void)closedir(folder);
    return played;
}

int main(int argc, char **argv) {
    int played = 0;
    for (int i = 1; i < argc; i++)
        played += play_folder(argv[i]);
    printf("%d inputs\n", played);
    return played == 0;
}
