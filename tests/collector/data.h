/* data: opens a file of the shared data pack, for tests that use real data where it is at hand. */
#ifndef MOORWATCH_TEST_DATA_H
#define MOORWATCH_TEST_DATA_H

#include <stdio.h>
#include <stdlib.h>

static inline FILE *data_open(const char *name, const char *command) {
    const char *dir = getenv("MOORWATCH_DATA");
    char path[1024], line[1200];
    snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : SOURCE_DIR "/../shared/data", name);
    FILE *there = fopen(path, "r");
    if (there == NULL) {
        print_message("skipped: %s is not here (set MOORWATCH_DATA)\n", path);
        return NULL;
    }
    if (command == NULL)
        return there;
    fclose(there);
    snprintf(line, sizeof line, "%s '%s'", command, path);
    return popen(line, "r");
}

#endif
