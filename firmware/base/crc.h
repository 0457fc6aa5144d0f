/* crc: CRC-32C (Castagnoli, reflected 0x82F63B78; RFC 3720 appendix B.4), in software.
 *
 * Finds every burst of up to 32 bits and the torn writes of a spool; no protection against intent.
 * Guarded by tests/base/crc_test.c (published vectors, a bitwise oracle).
 * Memory: 4 KiB of static tables.  Threads: call crc32c once before there are several. */
#ifndef MOORWATCH_CRC_H
#define MOORWATCH_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin) over len bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
