#include "i2c.h"

int i2c_read(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t *bytes,
             size_t count) {
    return bus->read(bus->ctx, address, reg, bytes, count);
}

int i2c_read_8(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t *ret_value) {
    return bus->read(bus->ctx, address, reg, ret_value, 1);
}

int i2c_write_8(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint8_t value) {
    return bus->write(bus->ctx, address, reg, &value, 1);
}

int i2c_read_16(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint16_t *ret_value) {
    uint8_t bytes[2];
    int err = bus->read(bus->ctx, address, reg, bytes, sizeof bytes);
    if (err == 0)
        *ret_value = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return err;
}

int i2c_write_16(const struct i2c_bus *bus, uint8_t address, uint8_t reg, uint16_t value) {
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    return bus->write(bus->ctx, address, reg, bytes, sizeof bytes);
}
