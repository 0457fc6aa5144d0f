#include "ads1115.h"
#include <time.h>

enum {
    CONVERSION = 0,
    CONFIG = 1,
    CHANNELS = 4,
    START = 0x8000, /* read: it is done */
    SINGLE_ENDED = 0x4000,
    /* 4.096 V, single shot, 128 a second, comparator off */
    SETTINGS = 0x0200 | 0x0100 | 0x0080 | 0x0003,
    FULL_MV = 4096,
    TRIES = 5,
    TRY_NS = 9000000,
};

int ads1115_read_mv(const struct i2c_bus *bus, uint8_t address, unsigned channel, int32_t *ret_mv) {
    uint16_t word = 0;
    if (channel >= CHANNELS)
        return ERR_INVAL;
    uint16_t config = (uint16_t)(START | SINGLE_ENDED | channel << 12 | SETTINGS);
    int err = i2c_write_16(bus, address, CONFIG, config);
    for (unsigned i = 0; err == 0 && i < TRIES && (word & START) == 0; i++) {
        const struct timespec wait = {.tv_nsec = TRY_NS};
        nanosleep(&wait, NULL);
        err = i2c_read_16(bus, address, CONFIG, &word);
    }
    if (err == 0 && (word & START) == 0)
        err = ERR_TIMEDOUT;
    if (err == 0)
        err = i2c_read_16(bus, address, CONVERSION, &word);
    if (err == 0)
        *ret_mv = (int32_t)(int16_t)word * FULL_MV / 32768;
    return err;
}
