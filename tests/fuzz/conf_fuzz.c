/* conf: any bytes are a configuration or a list of errors, and what is stored keeps its limits. */
#include "conf.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
    char name[16];
    bool loud;
    uint16_t limit;
    int32_t offset;
    double east;
    int64_t delay_ns;
    unsigned form;
};

static const struct conf_key KEYS[] = {
    {"a", "name", CONF_STR, CONF_AT(struct sample, name), 1, 10, "x", NULL, NULL, "Name."},
    {"a", "loud", CONF_BOOL, CONF_AT(struct sample, loud), 0, 0, "yes", NULL, NULL, "Noise."},
    {"a", "limit", CONF_U16, CONF_AT(struct sample, limit), 20, 70, "30", NULL, NULL, "Limit."},
    {"b", "offset", CONF_I32, CONF_AT(struct sample, offset), -5, 5, "0", NULL, NULL, "Offset."},
    {"b", "east", CONF_F64, CONF_AT(struct sample, east), -180, 180, "0", NULL, NULL, "East."},
    {"b", "delay", CONF_DURATION, CONF_AT(struct sample, delay_ns), 50, 60000, "1 s", NULL, NULL,
     "Wait."},
    {NULL, "form", CONF_CHOICE, CONF_AT(struct sample, form), 0, 0, "p", "p|json", NULL, "Form."},
};

static void require(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sample s;
    struct conf_errors e;
    conf_errors_init(&e, "x");
    int r = conf_load_text(KEYS, sizeof KEYS / sizeof KEYS[0], &s, (const char *)data, size, &e);
    require((r == 0) == (e.count == 0));
    require(strlen(s.name) <= 10 && s.limit >= 20 && s.limit <= 70 && s.form <= 1);
    require(s.offset >= -5 && s.offset <= 5 && s.east >= -180 && s.east <= 180);
    require(s.delay_ns >= 50000000 && s.delay_ns <= INT64_C(60000000000));
    return 0;
}
