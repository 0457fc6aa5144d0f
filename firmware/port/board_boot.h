/* board_boot: what a board's boot configuration must contain, written as a fragment, and looked for
 * on a running machine.
 *
 * One truth: the [boot ...] sections of the board files.  The fragments under boards/boot are
 * written from them (tools/boardlint --boot), --explain-board prints and checks them.
 *
 * The check knows config.txt: comments, [filters] (only [all], none, and those that the board file
 * names count), include, several parameters in one dtparam, and that the last word counts.
 *
 * Guarded by tests/port/board_boot_test.c.  Memory: none kept.  Threads: any. */
#ifndef MOORWATCH_BOARD_BOOT_H
#define MOORWATCH_BOARD_BOOT_H

#include "board.h"
#include <stdio.h>

/* The lines for what `uses` (bits of enum kit_use) says, as a file to be included.  dtparam lines
 * come first, after the end of whatever overlay was loaded before: an overlay that has a parameter
 * of the same name would take it. */
void board_boot_write(const struct board *board, unsigned uses, FILE *out);

/* Looks below `root` ("" on a real machine) for what is missing.  Prints one line for each finding
 * and one for what cannot be seen.  Returns the number of things that are missing; 0 too if the
 * machine is another than the board. */
unsigned board_boot_check(const struct board *board, unsigned uses, const char *root, FILE *out);

/* True if the text of a boot configuration file contains the item ("dtparam=watchdog=on");
 * `filters`: the sections that count beside [all], separated by spaces. */
bool board_boot_has(const char *text, const char *filters, const char *item);
/* True if the kernel's command line contains the word, up to its first comma. */
bool board_boot_cmdline_has(const char *text, const char *word);

#endif
