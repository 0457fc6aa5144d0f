#include "adxl345.h"

enum {
    DEVID = 0x00,
    THRESH_ACT = 0x24,
    ACT_INACT_CTL = 0x27,
    BW_RATE = 0x2c,
    POWER_CTL = 0x2d,
    INT_ENABLE = 0x2e,
    INT_MAP = 0x2f,
    INT_SOURCE = 0x30,
    DATA_FORMAT = 0x31,
    DATAX0 = 0x32,
    FIFO_CTL = 0x38,
    FIFO_STATUS = 0x39,

    IDENTITY = 0xe5,
    MEASURE = 0x08,
    FIFO_COUNT = 0x3f,
    STEPS_PER_G = 256,
    BYTES = 6,
};

static int start(void *ctx) {
    const struct adxl345 *c = ctx;
    unsigned steps = c->wake_mg * 10 / 625; /* of 62.5 mg */
    uint8_t rate = c->rate_hz >= 400 ? 0x0c : c->rate_hz >= 200 ? 0x0b : 0x0a, who = 0;
    const uint8_t settings[][2] = {
        {POWER_CTL, 0}, /* standby while it is set up */
        {THRESH_ACT, (uint8_t)(steps > 0 ? steps : 1)},
        {ACT_INACT_CTL, 0xf0}, /* against where it was, all axes */
        {BW_RATE, rate},
        {DATA_FORMAT, 0x0b}, /* full resolution, 16 g, interrupt active high */
        {INT_MAP, 0},        /* all on INT1 */
        {FIFO_CTL, 0},       /* emptied ... */
        {FIFO_CTL, 0x80},    /* ... and streaming */
        {INT_ENABLE, 0x10},  /* activity */
        {POWER_CTL, MEASURE},
    };
    int err = i2c_read_8(c->bus, c->address, DEVID, &who);
    if (err == 0 && who != IDENTITY)
        err = ERR_PROTO;
    for (size_t i = 0; err == 0 && i < sizeof settings / sizeof settings[0]; i++)
        err = i2c_write_8(c->bus, c->address, settings[i][0], settings[i][1]);
    return err;
}

static int16_t mg_of(const uint8_t *bytes) {
    int raw = (int16_t)(uint16_t)(bytes[0] | bytes[1] << 8);
    return (int16_t)(raw * 1000 / STEPS_PER_G);
}

/* Each sample is a read of its own: the next comes up when the six bytes have been read. */
static int read_fifo(void *ctx, struct motion_sample samples[MOTION_SENSOR_FIFO], bool *ret_lost) {
    const struct adxl345 *c = ctx;
    uint8_t power = 0, status = 0, source = 0, bytes[BYTES];
    int err = i2c_read_8(c->bus, c->address, POWER_CTL, &power);
    if (err == 0 && power != MEASURE)
        err = ERR_STALE;
    if (err == 0)
        err = i2c_read_8(c->bus, c->address, INT_SOURCE, &source); /* lets it go */
    if (err == 0)
        err = i2c_read_8(c->bus, c->address, FIFO_STATUS, &status);
    if (err < 0)
        return err;
    unsigned count = status & FIFO_COUNT;
    if (count > MOTION_SENSOR_FIFO)
        count = MOTION_SENSOR_FIFO;
    for (unsigned i = 0; i < count; i++) {
        err = i2c_read(c->bus, c->address, DATAX0, bytes, sizeof bytes);
        if (err < 0)
            return err;
        for (unsigned axis = 0; axis < 3; axis++)
            samples[i].mg[axis] = mg_of(bytes + axis * 2);
    }
    *ret_lost = count == MOTION_SENSOR_FIFO;
    return (int)count;
}

struct motion_sensor adxl345_sensor(struct adxl345 *chip) {
    return (struct motion_sensor){.ctx = chip, .start = start, .read = read_fifo};
}
