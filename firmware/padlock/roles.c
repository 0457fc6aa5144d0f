#include "roles.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool input_means(const char *text, struct role *ret) {
    static const char *const WORDS[LOCK_INPUTS] = {
        [LOCK_INPUT_SHACKLE] = "shackle", [LOCK_INPUT_LOOP] = "loop", [LOCK_INPUT_TILT] = "tilt",
        [LOCK_INPUT_IMPACT] = "impact",   [LOCK_INPUT_KEY] = "key",   [LOCK_INPUT_SHORT] = "",
    };
    for (int i = 0; i < LOCK_INPUTS; i++) {
        size_t n = strlen(WORDS[i]);
        char *end;
        if (n == 0 || strncmp(text, WORDS[i], n) != 0)
            continue;
        long number = text[n] == '-' ? strtol(text + n + 1, &end, 10) : 0;
        if (text[n] == '-' && (*end != '\0' || number < 1 || number > EVENT_LOCKS_MAX))
            continue;
        if (text[n] != '-' && text[n] != '\0')
            continue;
        *ret = (struct role){true, (int)number - 1, (enum lock_input)i, -1};
        return true;
    }
    return false;
}

static bool role_means(const struct kit *kit, const char *text, struct role *ret) {
    for (unsigned i = 0; i < kit->motion_count; i++)
        if (strcmp(kit->motions[i].interrupt, text) == 0) {
            *ret = (struct role){.used = false, .lock = -1, .motion = (int)i};
            return true;
        }
    return input_means(text, ret);
}

static unsigned most(unsigned locks, int lock) {
    return lock >= (int)locks ? (unsigned)lock + 1 : locks;
}

/* A sensor of a lock that a hub cannot have. */
static int check_sensors(const struct kit *kit) {
    int wrong = 0;
    for (unsigned i = 0; i < kit->motion_count; i++)
        wrong += kit->motions[i].lock > EVENT_LOCKS_MAX;
    for (unsigned i = 0; i < kit->loop_count; i++)
        wrong += kit->loops[i].lock > EVENT_LOCKS_MAX;
    if (wrong > 0)
        fprintf(stderr, "kit %s: a sensor's lock is above %d\n", kit->id, EVENT_LOCKS_MAX);
    return wrong;
}

int roles_read(const struct unit_board *board, struct role roles[GPIO_LINES_MAX]) {
    const struct kit *kit = &board->kit;
    int wrong = check_sensors(kit);
    unsigned locks = 0;
    for (unsigned i = 0; i < board->count; i++) {
        const struct gpio_line *l = &board->lines[i];
        roles[i] = (struct role){.motion = -1};
        if (!l->output && !role_means(kit, l->role, &roles[i])) {
            fprintf(stderr,
                    "kit %s: %s: a padlock hub has no such input (shackle, loop, tilt, "
                    "impact, key, with -1 to -%d; or the interrupt of a [motion])\n",
                    kit->id, l->role, EVENT_LOCKS_MAX);
            wrong++;
        }
        if (roles[i].used)
            locks = most(locks, roles[i].lock);
    }
    for (unsigned i = 0; wrong == 0 && i < kit->motion_count; i++)
        locks = most(locks, (int)kit->motions[i].lock - 1);
    for (unsigned i = 0; wrong == 0 && i < kit->loop_count; i++)
        locks = most(locks, (int)kit->loops[i].lock - 1);
    if (locks == 0 && wrong++ == 0)
        fprintf(stderr, "kit %s: it has no lock (inputs such as loop-1)\n", kit->id);
    return wrong > 0 ? ERR_INVAL : (int)locks;
}

bool role_concerns(const struct role *role, unsigned lock) {
    return role->used && (role->lock < 0 || role->lock == (int)lock);
}
