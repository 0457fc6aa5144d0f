/* fault_words: what a fault's detail means, in words for a person.
 *
 * The meanings are those of firmware/wire/event.h; guarded by tests/collector/alerts_test.c, which
 * goes through every code.  Pure.  Memory: the caller's. */
#ifndef MOORWATCH_FAULT_WORDS_H
#define MOORWATCH_FAULT_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* "sensor at 0x18", "stepped by 42.0 s"; "" if the detail says nothing that is known. */
void fault_words(uint8_t code, int32_t detail, char *buf, size_t cap);

#endif
