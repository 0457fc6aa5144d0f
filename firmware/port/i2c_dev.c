#include "i2c_dev.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/i2c-dev.h>
#include <linux/i2c.h>

struct dev {
    int fd;
};

static int failed(void) {
    switch (errno) {
    case ENXIO:
    case EREMOTEIO:
    case ENODEV:
        return ERR_NODEV;
    case ETIMEDOUT:
    case EAGAIN:
    case EBUSY:
        return ERR_TIMEDOUT;
    default:
        return -errno;
    }
}

/* --- plain I2C ------------------------------------------------------------------------------ */

static int message_read(void *ctx, uint8_t address, uint8_t reg, uint8_t *bytes, size_t count) {
    const struct dev *d = ctx;
    struct i2c_msg messages[] = {
        {.addr = address, .flags = 0, .len = 1, .buf = &reg},
        {.addr = address, .flags = I2C_M_RD, .len = (uint16_t)count, .buf = bytes},
    };
    struct i2c_rdwr_ioctl_data both = {.msgs = messages, .nmsgs = 2};
    return ioctl(d->fd, I2C_RDWR, &both) < 0 ? failed() : 0;
}

static int message_write(void *ctx, uint8_t address, uint8_t reg, const uint8_t *bytes,
                         size_t count) {
    const struct dev *d = ctx;
    uint8_t text[1 + I2C_TRANSFER_MAX];
    if (count > I2C_TRANSFER_MAX)
        return ERR_INVAL;
    text[0] = reg;
    memcpy(text + 1, bytes, count);
    struct i2c_msg message = {.addr = address, .len = (uint16_t)(count + 1), .buf = text};
    struct i2c_rdwr_ioctl_data one = {.msgs = &message, .nmsgs = 1};
    return ioctl(d->fd, I2C_RDWR, &one) < 0 ? failed() : 0;
}

/* --- SMBus ---------------------------------------------------------------------------------- */

static int smbus(const struct dev *d, uint8_t address, uint8_t direction, uint8_t reg,
                 uint32_t size, union i2c_smbus_data *data) {
    struct i2c_smbus_ioctl_data call = {
        .read_write = direction, .command = reg, .size = size, .data = data};
    if (ioctl(d->fd, I2C_SLAVE, (unsigned long)address) < 0 || ioctl(d->fd, I2C_SMBUS, &call) < 0)
        return failed();
    return 0;
}

static int block_read(void *ctx, uint8_t address, uint8_t reg, uint8_t *bytes, size_t count) {
    union i2c_smbus_data data = {0};
    if (count > I2C_SMBUS_BLOCK_MAX)
        return ERR_INVAL;
    data.block[0] = (uint8_t)count;
    int err = smbus(ctx, address, I2C_SMBUS_READ, reg, I2C_SMBUS_I2C_BLOCK_DATA, &data);
    if (err == 0 && data.block[0] != count)
        err = ERR_IO;
    if (err == 0)
        memcpy(bytes, data.block + 1, count);
    return err;
}

static int block_write(void *ctx, uint8_t address, uint8_t reg, const uint8_t *bytes,
                       size_t count) {
    union i2c_smbus_data data = {0};
    if (count > I2C_SMBUS_BLOCK_MAX)
        return ERR_INVAL;
    data.block[0] = (uint8_t)count;
    memcpy(data.block + 1, bytes, count);
    return smbus(ctx, address, I2C_SMBUS_WRITE, reg, I2C_SMBUS_I2C_BLOCK_DATA, &data);
}

/* --- opening -------------------------------------------------------------------------------- */

static void dev_close(void *ctx) {
    struct dev *d = ctx;
    close(d->fd);
    free(d);
}

int i2c_dev_open(const char *path, struct i2c_bus *ret_bus) {
    unsigned long can = 0;
    struct dev *d = calloc(1, sizeof *d);
    if (d == NULL)
        return ERR_NOMEM;
    d->fd = open(path, O_RDWR | O_CLOEXEC);
    int err = d->fd < 0 || ioctl(d->fd, I2C_FUNCS, &can) < 0 ? -errno : 0;
    bool plain = (can & I2C_FUNC_I2C) != 0;
    if (err == 0 && !plain && (can & I2C_FUNC_SMBUS_I2C_BLOCK) != I2C_FUNC_SMBUS_I2C_BLOCK)
        err = ERR_VERSION;
    if (err < 0) {
        if (d->fd >= 0)
            close(d->fd);
        free(d);
        return err;
    }
    /* In steps of 10 ms.  An adapter that cannot be told keeps its own patience. */
    if (ioctl(d->fd, I2C_TIMEOUT, I2C_PATIENCE_MS / 10UL) < 0 || ioctl(d->fd, I2C_RETRIES, 0UL) < 0)
        errno = 0;
    *ret_bus = (struct i2c_bus){.ctx = d,
                                .transfer_max = plain ? I2C_TRANSFER_MAX : I2C_SMBUS_BLOCK_MAX,
                                .read = plain ? message_read : block_read,
                                .write = plain ? message_write : block_write,
                                .close = dev_close};
    return 0;
}
