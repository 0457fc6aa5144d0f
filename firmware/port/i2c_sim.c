#include "i2c_sim.h"
#include "log.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char MODULE[] = "i2c";

enum { DATAGRAM_MAX = 4096, FIFO = 32, CHANNELS = 4, STUCK_MAX_MS = 60000 };

enum lis3dh_register {
    LIS_WHO = 0x0f,
    LIS_CTRL4 = 0x23,
    LIS_OUT = 0x28,
    LIS_FIFO_CTRL = 0x2e,
    LIS_FIFO_SRC = 0x2f,
};
enum adxl345_register { ADXL_ID = 0x00, ADXL_DATA = 0x32, ADXL_FIFO_STATUS = 0x39 };
enum ads1115_register { ADS_CONVERSION = 0, ADS_CONFIG = 1 };

enum mood { MOOD_ANSWER, MOOD_SILENT, MOOD_HANG, MOOD_STUCK, MOOD_STRANGER };

struct chip {
    uint8_t address;
    enum i2c_sim_chip kind;
    enum mood mood;
    long stuck_ms;
    uint8_t bytes[128];
    uint16_t words[256];
    int16_t mg[FIFO][3]; /* oldest first */
    unsigned samples;
    bool lost;
    int32_t mv[CHANNELS];
};

struct i2c_sim {
    struct chip chips[I2C_SIM_CHIPS_MAX];
    unsigned count;
    int socket;
    char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static struct chip *chip_at(struct i2c_sim *s, unsigned long address) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->chips[i].address == address)
            return &s->chips[i];
    return NULL;
}

/* --- accelerometers ------------------------------------------------------------------------- */

static void push(struct chip *c, const int16_t mg[3]) {
    if (c->samples == FIFO) {
        memmove(c->mg, c->mg + 1, (FIFO - 1) * sizeof c->mg[0]);
        c->samples--;
        c->lost = true;
    }
    memcpy(c->mg[c->samples++], mg, sizeof c->mg[0]);
}

static void pop(struct chip *c) {
    if (c->samples == 0)
        return;
    c->samples--;
    memmove(c->mg, c->mg + 1, c->samples * sizeof c->mg[0]);
    c->lost = false;
}

static int16_t clipped(int32_t value, int32_t limit) {
    return (int16_t)(value > limit ? limit : value < -limit - 1 ? -limit - 1 : value);
}

/* Twelve bits at the top of sixteen; the full scale is CTRL4's. */
static int16_t lis3dh_raw(const struct chip *c, unsigned axis) {
    static const int32_t MG_PER_DIGIT[] = {1, 2, 4, 12};
    int32_t digit = MG_PER_DIGIT[c->bytes[LIS_CTRL4] >> 4 & 3];
    return (int16_t)(clipped(c->mg[0][axis] / digit, 2047) * 16);
}

/* Full resolution: 256 digits a g, whatever the range. */
static int16_t adxl345_raw(const struct chip *c, unsigned axis) {
    return clipped(c->mg[0][axis] * 256 / 1000, 4095);
}

static uint8_t half(int16_t raw, unsigned which) {
    return (uint8_t)((uint16_t)raw >> (8 * which));
}

static uint8_t lis3dh_read(struct chip *c, uint8_t reg) {
    if (reg == LIS_WHO)
        return c->mood == MOOD_STRANGER ? 0x11 : 0x33;
    if (reg == LIS_FIFO_SRC)
        return (uint8_t)((c->lost ? 0x40 : 0) | (c->samples == 0 ? 0x20 : 0) |
                         (c->samples == FIFO ? 31 : c->samples));
    if (reg < LIS_OUT || reg >= LIS_OUT + 6)
        return c->bytes[reg & 127];
    uint8_t value = half(lis3dh_raw(c, (reg - LIS_OUT) / 2U), reg & 1);
    if (reg == LIS_OUT + 5)
        pop(c);
    return value;
}

static uint8_t adxl345_read(struct chip *c, uint8_t reg) {
    if (reg == ADXL_ID)
        return c->mood == MOOD_STRANGER ? 0x12 : 0xe5;
    if (reg == ADXL_FIFO_STATUS)
        return (uint8_t)c->samples;
    if (reg < ADXL_DATA || reg >= ADXL_DATA + 6)
        return c->bytes[reg & 127];
    return half(adxl345_raw(c, (reg - ADXL_DATA) / 2U), reg & 1);
}

static void read_bytes(struct chip *c, uint8_t reg, uint8_t *bytes, size_t count) {
    bool lis3dh = c->kind == I2C_SIM_LIS3DH;
    bool up = !lis3dh || (reg & 0x80) != 0;
    uint8_t at = lis3dh ? reg & 0x7f : reg;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = lis3dh ? lis3dh_read(c, at) : adxl345_read(c, at);
        if (up)
            at = lis3dh && at == LIS_OUT + 5 ? LIS_OUT : (uint8_t)(at + 1);
    }
    if (!lis3dh && reg == ADXL_DATA)
        pop(c);
}

/* --- ADC and plain words -------------------------------------------------------------------- */

static uint16_t word(const struct chip *c, uint8_t reg) {
    static const int32_t FULL_MV[] = {6144, 4096, 2048, 1024, 512, 256, 256, 256};
    uint16_t config = c->words[ADS_CONFIG];
    if (c->kind != I2C_SIM_ADS1115)
        return c->words[reg];
    if (reg == ADS_CONFIG)
        return config | 0x8000; /* always done */
    int32_t mv = c->mv[config >> 12 & 3];
    return (uint16_t)clipped(mv * 32768 / FULL_MV[config >> 9 & 7], 32767);
}

/* --- the seam ------------------------------------------------------------------------------- */

static void pause_ms(long ms) {
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void drain(struct i2c_sim *s);

static int find(struct i2c_sim *s, uint8_t address, struct chip **ret_chip) {
    drain(s);
    struct chip *c = chip_at(s, address);
    if (c == NULL || c->mood == MOOD_SILENT)
        return ERR_NODEV;
    if (c->mood == MOOD_HANG || c->mood == MOOD_STUCK) {
        pause_ms(c->mood == MOOD_HANG ? I2C_PATIENCE_MS : c->stuck_ms);
        return ERR_TIMEDOUT;
    }
    *ret_chip = c;
    return 0;
}

static int sim_read(void *ctx, uint8_t address, uint8_t reg, uint8_t *bytes, size_t count) {
    struct chip *c;
    int err = find(ctx, address, &c);
    if (err < 0)
        return err;
    if (c->kind == I2C_SIM_LIS3DH || c->kind == I2C_SIM_ADXL345)
        read_bytes(c, reg, bytes, count);
    else
        for (size_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(word(c, (uint8_t)(reg + i / 2)) >> (i % 2 == 0 ? 8 : 0));
    return 0;
}

static int sim_write(void *ctx, uint8_t address, uint8_t reg, const uint8_t *bytes, size_t count) {
    struct chip *c;
    int err = find(ctx, address, &c);
    if (err < 0)
        return err;
    if (c->kind == I2C_SIM_LIS3DH || c->kind == I2C_SIM_ADXL345)
        for (size_t i = 0; i < count; i++)
            c->bytes[(reg + i) & 127] = bytes[i];
    else if (count == 2)
        c->words[reg] = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return 0;
}

static void sim_close(void *ctx) {
    struct i2c_sim *s = ctx;
    if (s->socket >= 0)
        close(s->socket);
    if (s->socket_path[0] != '\0')
        unlink(s->socket_path);
    free(s);
}

/* --- commands ------------------------------------------------------------------------------- */

static int take_samples(struct chip *c, const char *text) {
    long axis[3];
    int n = 0, used = 0;
    while (sscanf(text, "%ld %ld %ld%n", &axis[0], &axis[1], &axis[2], &used) == 3) {
        const int16_t mg[3] = {clipped((int32_t)axis[0], 32767), clipped((int32_t)axis[1], 32767),
                               clipped((int32_t)axis[2], 32767)};
        push(c, mg);
        text += used;
        n++;
    }
    return n > 0 ? 0 : ERR_INVAL;
}

static int take_mood(struct chip *c, const char *word_given, const char *rest) {
    static const char *const MOODS[] = {"answer", "silent", "hang", "stuck", "stranger"};
    long ms = 0;
    for (unsigned i = 0; i < sizeof MOODS / sizeof MOODS[0]; i++)
        if (strcmp(word_given, MOODS[i]) == 0) {
            if (i == MOOD_STUCK && (sscanf(rest, "%ld", &ms) != 1 || ms < 0 || ms > STUCK_MAX_MS))
                return ERR_INVAL;
            c->mood = (enum mood)i;
            c->stuck_ms = ms;
            return 0;
        }
    return ERR_INVAL;
}

int i2c_sim_command(struct i2c_sim *sim, const char *line) {
    char given[16] = "";
    unsigned long address = 0;
    long a, b;
    int used = 0;
    if (sscanf(line, "%lx %15s%n", &address, given, &used) != 2)
        return ERR_INVAL;
    struct chip *c = chip_at(sim, address);
    const char *rest = line + used;
    if (c == NULL)
        return ERR_INVAL;
    if (strcmp(given, "sample") == 0)
        return take_samples(c, rest);
    if (strcmp(given, "mv") != 0 && strcmp(given, "word") != 0)
        return take_mood(c, given, rest);
    if (sscanf(rest, "%ld %ld", &a, &b) != 2 || a < 0 || a > 255)
        return ERR_INVAL;
    if (strcmp(given, "word") == 0)
        c->words[a] = (uint16_t)b;
    else if (a < CHANNELS && b >= -6144 && b <= 6144)
        c->mv[a] = (int32_t)b;
    else
        return ERR_INVAL;
    return 0;
}

static void drain(struct i2c_sim *s) {
    char text[DATAGRAM_MAX + 1];
    ssize_t n;
    while (s->socket >= 0 && (n = recv(s->socket, text, DATAGRAM_MAX, MSG_DONTWAIT)) >= 0) {
        text[n] = '\0';
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            if (i2c_sim_command(s, line) < 0)
                log_warn(MODULE, "simulated bus: not understood, ignoring: %.60s", line);
    }
}

/* --- opening -------------------------------------------------------------------------------- */

static int open_socket(struct i2c_sim *s, const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof name.sun_path)
        return ERR_TOOLONG;
    memcpy(name.sun_path, path, strlen(path));
    s->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->socket < 0)
        return -errno;
    unlink(path);
    if (bind(s->socket, (const struct sockaddr *)&name, sizeof name) != 0)
        return -errno;
    memcpy(s->socket_path, name.sun_path, sizeof s->socket_path);
    return 0;
}

int i2c_sim_add(struct i2c_sim *sim, uint8_t address, enum i2c_sim_chip chip) {
    if (chip_at(sim, address) != NULL)
        return ERR_EXIST;
    if (sim->count == I2C_SIM_CHIPS_MAX)
        return ERR_OVERFLOW;
    sim->chips[sim->count++] = (struct chip){.address = address, .kind = chip};
    return 0;
}

int i2c_sim_open(const char *socket_path, struct i2c_sim **ret_sim, struct i2c_bus *ret_bus) {
    struct i2c_sim *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->socket = -1;
    int err = socket_path != NULL && socket_path[0] != '\0' ? open_socket(s, socket_path) : 0;
    if (err < 0) {
        sim_close(s);
        return err;
    }
    *ret_sim = s;
    *ret_bus = (struct i2c_bus){.ctx = s,
                                .transfer_max = I2C_TRANSFER_MAX,
                                .read = sim_read,
                                .write = sim_write,
                                .close = sim_close};
    return 0;
}
