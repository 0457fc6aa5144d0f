/* command: one subcommand of `moorwatch`, a row of the table in main.c.
 *
 * run(argc, argv) gets its own arguments (argv[0] is the subcommand's name) and returns the exit
 * code: 0 good, 1 the data or the system failed, 2 the call was wrong.  Results go to standard
 * output, everything for people to standard error.  Guarded by tests/tools/man_test.sh. */
#ifndef MOORWATCH_COMMAND_H
#define MOORWATCH_COMMAND_H

struct command {
    const char *name;
    const char *usage;   /* after the name: "LOG > passages.csv" */
    const char *summary; /* one line for `moorwatch help` */
    const char *help;    /* the long text of `moorwatch help NAME` and `moorwatch NAME --help` */
    int (*run)(int argc, char **argv);
};

#endif
