#include "gpio_chip.h"
#include <stddef.h>
#include <string.h>

int gpio_name_accepted(const char *names, const char *name) {
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
