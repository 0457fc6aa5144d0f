#include "ina219.h"

enum { CONFIG = 0, SHUNT = 1, BUS = 2 };

/* 32 V, 320 mV over the shunt, both averaged over 128 samples, continuously. */
enum { SETTINGS = 1 << 13 | 3 << 11 | 0xf << 7 | 0xf << 3 | 7 };
enum { OVERFLOW = 1 << 0, SHUNT_MOST = 32000, SHUNT_UV = 10, BUS_MV = 4, BUS_SHIFT = 3 };

static int set_up(const struct ina219 *g) {
    uint16_t back = 0;
    int err = i2c_write_16(g->bus, g->address, CONFIG, SETTINGS);
    if (err >= 0)
        err = i2c_read_16(g->bus, g->address, CONFIG, &back);
    if (err < 0)
        return err;
    return back == SETTINGS ? ERR_AGAIN : ERR_PROTO;
}

int ina219_read(const struct ina219 *gauge, uint16_t *ret_mv, int32_t *ret_ma) {
    uint16_t settings = 0, bus = 0, shunt = 0;
    int err = i2c_read_16(gauge->bus, gauge->address, CONFIG, &settings);
    if (err >= 0 && settings != SETTINGS)
        return set_up(gauge);
    if (err >= 0)
        err = i2c_read_16(gauge->bus, gauge->address, BUS, &bus);
    if (err >= 0)
        err = i2c_read_16(gauge->bus, gauge->address, SHUNT, &shunt);
    if (err < 0)
        return err;
    int32_t steps = (int16_t)shunt;
    if ((bus & OVERFLOW) != 0 || steps > SHUNT_MOST || steps < -SHUNT_MOST)
        return ERR_RANGE;
    *ret_mv = (uint16_t)((bus >> BUS_SHIFT) * BUS_MV);
    *ret_ma = steps * SHUNT_UV / (int32_t)gauge->shunt_mohm; /* uV / mohm = mA */
    return 0;
}
