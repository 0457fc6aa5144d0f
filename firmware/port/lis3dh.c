#include "lis3dh.h"

enum {
    WHO_AM_I = 0x0f,
    CTRL_1 = 0x20,
    CTRL_2 = 0x21,
    CTRL_3 = 0x22,
    CTRL_4 = 0x23,
    CTRL_5 = 0x24,
    REFERENCE = 0x26,
    OUT_X_L = 0x28,
    FIFO_CTRL = 0x2e,
    FIFO_SRC = 0x2f,
    INT1_CFG = 0x30,
    INT1_SRC = 0x31,
    INT1_THS = 0x32,
    INT1_DURATION = 0x33,
    COUNT_UP = 0x80, /* in a register's number */

    IDENTITY = 0x33,
    FIFO_OVERRUN = 0x40,
    FIFO_COUNT = 0x1f,
    THRESHOLD_MG = 62, /* a step of INT1_THS at 8 g */
    BYTES = 6,
};

static uint8_t control_1(const struct lis3dh *c) {
    unsigned rate = c->rate_hz >= 400 ? 7 : c->rate_hz >= 200 ? 6 : 5;
    return (uint8_t)(rate << 4 | 7); /* all axes */
}

static int identify(const struct lis3dh *c) {
    uint8_t who = 0;
    int err = i2c_read_8(c->bus, c->address, WHO_AM_I, &who);
    return err < 0 ? err : who == IDENTITY ? 0 : ERR_PROTO;
}

static int start(void *ctx) {
    const struct lis3dh *c = ctx;
    unsigned steps = c->wake_mg / THRESHOLD_MG;
    const uint8_t settings[][2] = {
        {CTRL_1, control_1(c)},
        {CTRL_2, 0x01},    /* high-pass for interrupt 1 alone */
        {CTRL_3, 0x40},    /* its first generator on the pin */
        {CTRL_4, 0xa0},    /* block update, 8 g, normal */
        {CTRL_5, 0x48},    /* FIFO, interrupt 1 latched */
        {FIFO_CTRL, 0},    /* emptied ... */
        {FIFO_CTRL, 0x80}, /* ... and streaming */
        {INT1_THS, (uint8_t)(steps > 0 ? steps : 1)},
        {INT1_DURATION, 0},
        {INT1_CFG, 0x2a}, /* any axis high */
    };
    uint8_t ignored = 0;
    int err = identify(c);
    for (size_t i = 0; err == 0 && i < sizeof settings / sizeof settings[0]; i++)
        err = i2c_write_8(c->bus, c->address, settings[i][0], settings[i][1]);
    /* Reading it makes the present value the high-pass filter's rest. */
    return err < 0 ? err : i2c_read_8(c->bus, c->address, REFERENCE, &ignored);
}

/* Left-justified: at 8 g a quarter of a mg per step of the 16 bits. */
static int16_t mg_of(const uint8_t *bytes) {
    return (int16_t)((int16_t)(uint16_t)(bytes[0] | bytes[1] << 8) / 4);
}

static int drain(const struct lis3dh *c, struct motion_sample *samples, unsigned count) {
    uint8_t bytes[I2C_TRANSFER_MAX];
    unsigned at_once = (unsigned)(c->bus->transfer_max / BYTES);
    if (at_once > sizeof bytes / BYTES)
        at_once = sizeof bytes / BYTES;
    for (unsigned done = 0; done < count;) {
        unsigned n = count - done < at_once ? count - done : at_once;
        int err = i2c_read(c->bus, c->address, OUT_X_L | COUNT_UP, bytes, (size_t)n * BYTES);
        if (err < 0)
            return err;
        for (unsigned i = 0; i < n; i++)
            for (unsigned axis = 0; axis < 3; axis++)
                samples[done + i].mg[axis] = mg_of(bytes + i * BYTES + axis * 2);
        done += n;
    }
    return (int)count;
}

static int read_fifo(void *ctx, struct motion_sample samples[MOTION_SENSOR_FIFO], bool *ret_lost) {
    const struct lis3dh *c = ctx;
    uint8_t control = 0, source = 0, fifo = 0;
    int err = i2c_read_8(c->bus, c->address, CTRL_1, &control);
    if (err == 0 && control != control_1(c))
        err = ERR_STALE;
    if (err == 0)
        err = i2c_read_8(c->bus, c->address, INT1_SRC, &source);
    if (err == 0)
        err = i2c_read_8(c->bus, c->address, FIFO_SRC, &fifo);
    if (err < 0)
        return err;
    bool full = (fifo & FIFO_OVERRUN) != 0;
    unsigned count = full ? MOTION_SENSOR_FIFO : fifo & FIFO_COUNT;
    err = drain(c, samples, count);
    if (err >= 0)
        *ret_lost = full;
    return err;
}

struct motion_sensor lis3dh_sensor(struct lis3dh *chip) {
    return (struct motion_sensor){.ctx = chip, .start = start, .read = read_fifo};
}
