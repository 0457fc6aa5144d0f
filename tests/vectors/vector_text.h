/* vector_text: a decoded payload as text, in the words and units of moorwatch.proto: one line for
 * the header, one for each event.  tests/vectors/read.py writes the same lines on its own. */
#ifndef MOORWATCH_VECTOR_TEXT_H
#define MOORWATCH_VECTOR_TEXT_H

#include "batch.h"
#include <stdio.h>

void vector_text_header(FILE *to, const struct batch_header *header);
void vector_text_event(FILE *to, const struct event *event);

#endif
