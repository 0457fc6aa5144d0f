/* topic_fuzz: any bytes as a topic's name; what parses is written again as it was. */
#include "topic.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct topic topic;
    char name[TOPIC_MAX];
    if (topic_parse((const char *)data, size, &topic) < 0)
        return 0;
    int len = topic.kind == TOPIC_BATCH ? topic_batch(name, sizeof name, topic.device, topic.cls)
              : topic.kind == TOPIC_ACK ? topic_ack(name, sizeof name, topic.device)
                                        : topic_status(name, sizeof name, topic.device);
    if (len != (int)size || memcmp(name, data, size) != 0)
        abort();
    return 0;
}
