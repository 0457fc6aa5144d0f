/* moorwatch: one program for people and scripts. */
#include "command.h"
#include "commands.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct command *const COMMANDS[] = {
    &COMMAND_PASSAGES, &COMMAND_SPEEDS,   &COMMAND_ENCODE, &COMMAND_DECODE,
    &COMMAND_USER,     &COMMAND_REGISTER, &COMMAND_SITE,   &COMMAND_IMPORT,
    &COMMAND_VERIFY,   &COMMAND_REBUILD,  &COMMAND_SPOOL,  NULL,
};

static const struct command *command_find(const char *name) {
    for (unsigned i = 0; COMMANDS[i] != NULL; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0)
            return COMMANDS[i];
    return NULL;
}

static int help_all(FILE *to) {
    fprintf(to, "usage: moorwatch COMMAND [ARGUMENTS]\n\n");
    for (unsigned i = 0; COMMANDS[i] != NULL; i++)
        fprintf(to, "  %-10s %s\n", COMMANDS[i]->name, COMMANDS[i]->summary);
    fprintf(to, "\n`moorwatch help COMMAND` says more about one; man moorwatch says it all.\n");
    return to == stdout ? 0 : 2;
}

static int help_one(const struct command *c) {
    printf("usage: moorwatch %s %s\n\n%s\n", c->name, c->usage, c->help);
    return 0;
}

static int unknown(const char *name) {
    fprintf(stderr, "moorwatch: no command '%s'; `moorwatch help` lists them\n", name);
    return 2;
}

static bool wants_help(int argc, char **argv) {
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

int main(int argc, char **argv) {
    if (argc < 2)
        return help_all(stderr);
    if (strcmp(argv[1], "--version") == 0)
        return printf("moorwatch %s\n", MOORWATCH_VERSION) < 0;
    bool help = strcmp(argv[1], "help") == 0 || wants_help(argc, argv);
    if (help && (argc == 2 || argv[1][0] == '-'))
        return help_all(stdout);
    const char *name = help ? argv[2] : argv[1];
    const struct command *c = command_find(name);
    if (c == NULL)
        return unknown(name);
    if (help || wants_help(argc - 1, argv + 1))
        return help_one(c);
    char says[64]; /* getopt_long names the program by argv[0] */
    (void)snprintf(says, sizeof says, "moorwatch %s", c->name);
    argv[1] = says;
    return c->run(argc - 1, argv + 1);
}
