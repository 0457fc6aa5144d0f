/* board_find: which board file describes this machine ("board = auto").
 *
 * Guarded by tests/port/board_boot_test.c.  Memory: none kept.  Threads: any. */
#ifndef MOORWATCH_BOARD_FIND_H
#define MOORWATCH_BOARD_FIND_H

#include "board.h"

/* /proc/device-tree is a link to where this reads; a hardened daemon sees no such /proc.
 *
 * Reads root/sys/firmware/devicetree/base/compatible (root "" on a real machine) and the board
 * files of dir. 0 with the file's path in ret_path; ERR_NOENT if none describes this machine, with
 * the machine's own word in ret_path (empty: it has no device tree). */
MUST int board_find(const char *dir, const char *root, char *ret_path, size_t cap);

#endif
