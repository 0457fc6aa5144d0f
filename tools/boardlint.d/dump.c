#include "dump.h"
#include <inttypes.h>
#include <string.h>

static const char *on_off(bool on) {
    return on ? "on" : "off";
}

void dump_chips(const struct board *board, FILE *out) {
    for (unsigned c = 0; c < board->chip_count; c++) {
        const struct board_chip *chip = &board->chips[c];
        fprintf(out, "chip\t%s\t%" PRIu32 "\n", chip->label, chip->min_lines);
        for (unsigned i = 0; i < board->pin_count; i++) {
            const struct board_pin *p = &board->pins[i];
            size_t n = strcspn(p->names, "|");
            if (p->chip == c)
                fprintf(out, "line\t%s\t%u\t%.*s\n", chip->label, p->offset, n > 0 ? (int)n : 1,
                        n > 0 ? p->names : "-");
        }
    }
}

void dump_lines(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                unsigned count, FILE *out) {
    static const char *const BIAS[] = {"as-is", "pull-up", "pull-down", "none"};
    static const char *const DRIVER[] = {"ops243a", "iq"};
    static const char *const CONNECT[] = {"none", "usb", "uart", "audio"};
    struct kit_device devices[KIT_DEVICES_MAX];
    for (unsigned i = 0; i < count; i++) {
        const struct gpio_line *l = &lines[i];
        const struct kit_line *k = &kit->lines[i];
        fprintf(out, "line\t%s\t%s\t%s\t%u\t%" PRIu32 "\t%s\t%s\t%" PRId64 "\t%s\t%" PRId64 "\n",
                l->role, l->output ? "out" : "in", l->chip, l->offset, k->pin,
                l->active_low ? "low" : "high", BIAS[l->bias], k->debounce_ns / 1000,
                on_off(l->output ? l->safe_active : l->rest_active), k->max_on_ns / 1000000);
    }
    unsigned n = kit_devices(kit, devices);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "device\t%s\t%s\t0x%02x\t%s\n", devices[i].what, devices[i].driver,
                devices[i].address, board_i2c_device(board, kit));
    if (kit->radar.connect != KIT_RADAR_NONE)
        fprintf(out, "radar\t%s\t%s\t%s\n", DRIVER[kit->radar.driver], CONNECT[kit->radar.connect],
                board_radar_device(board, kit));
}

void dump_pairs(const struct lint *lint, FILE *out) {
    for (unsigned b = 0; b < lint->board_count; b++)
        for (unsigned k = 0; k < lint->kit_count; k++)
            if (board_connector_for(&lint->boards[b], &lint->kits[k]) != NULL)
                fprintf(out, "pair\t%s\t%s\n", lint->boards[b].id, lint->kits[k].id);
}
