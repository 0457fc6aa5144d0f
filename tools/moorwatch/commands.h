/* commands: the rows of main.c's table, one per cmd_NAME.c.
 * Guarded by the tests of the commands (tests/tools/speeds_cli_test.sh and its neighbours). */
#ifndef MOORWATCH_COMMANDS_H
#define MOORWATCH_COMMANDS_H

#include "command.h"

extern const struct command COMMAND_PASSAGES;
extern const struct command COMMAND_SPEEDS;
extern const struct command COMMAND_ENCODE;
extern const struct command COMMAND_DECODE;
extern const struct command COMMAND_USER;
extern const struct command COMMAND_REGISTER;
extern const struct command COMMAND_IMPORT;
extern const struct command COMMAND_VERIFY;
extern const struct command COMMAND_REBUILD;
extern const struct command COMMAND_SPOOL;
extern const struct command COMMAND_SITE;

#endif
