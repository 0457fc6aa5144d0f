/* mwb: MQTT payloads in a file, each after its length as 4 bytes, little endian.
 *
 * Guarded by tests/tools/codec_cli_test.sh.  Memory: the caller's.  Threads: the owner's. */
#ifndef MOORWATCH_MWB_H
#define MOORWATCH_MWB_H

#include "batch.h"
#include <stdio.h>

/* 0 or ERR_IO. */
MUST int mwb_write(FILE *to, const uint8_t *payload, size_t len);
/* The next payload's length; 0 at the end of the file; ERR_BADMSG (cut short), ERR_OVERFLOW (a
 * length of 0 or beyond WIRE_PAYLOAD_MAX: this is no .mwb file, or it is damaged), ERR_IO. */
MUST int mwb_read(FILE *from, uint8_t payload[WIRE_PAYLOAD_MAX]);

#endif
