/* serial: a tty for a sensor: exclusive, raw, never blocking.
 *
 * The only user of termios.  USB and pseudo-terminals take any baud rate and do not mind it.
 * Guarded by tests/port/ops243_test.c.  Memory: none.  Threads: the owner's. */
#ifndef MOORWATCH_SERIAL_H
#define MOORWATCH_SERIAL_H

#include "err.h"
#include <stddef.h>

/* True for 9600, 19200, 57600, 115200, 230400. */
int serial_baud_known(unsigned baud);
/* Returns a descriptor.  ERR_NOENT, ERR_BUSY (another program holds it), ERR_ACCESS, ERR_NODEV (not
 * a tty), or the system's own. */
MUST int serial_open(const char *path, unsigned baud);
MUST int serial_set_baud(int fd, unsigned baud);
/* Bytes read, ERR_AGAIN: none now, ERR_NODEV: it is unplugged. */
MUST int serial_read(int fd, char *buf, size_t cap);
/* All or ERR_AGAIN (nothing was written), ERR_NODEV. */
MUST int serial_write(int fd, const char *text, size_t len);
/* Throws away what has come and not been read. */
void serial_drop_input(int fd);
void serial_close(int fd);

#endif
