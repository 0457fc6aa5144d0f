#include "board_explain.h"
#include <inttypes.h>

static const char *const SECONDS_UNITS[] = {"s", "min", "h"};

static void print_limit(int64_t ns, FILE *out) {
    int64_t n = ns / 1000000000;
    unsigned unit = 0;
    while (unit < 2 && n >= 60 && n % 60 == 0) {
        n /= 60;
        unit++;
    }
    if (ns > 0)
        fprintf(out, ", at most %" PRId64 " %s at a time", n, SECONDS_UNITS[unit]);
}

static void print_lines(const struct kit *kit, const struct gpio_line *lines, unsigned count,
                        FILE *out) {
    static const char *const BIAS[] = {"as is", "pull-up", "pull-down", "none"};
    fprintf(out, "%-4s %-16s %-4s %-18s %-5s %-12s %-5s %s\n", "pin", "role", "dir", "chip", "line",
            "names", "when", "bias");
    for (unsigned i = 0; i < count; i++) {
        const struct gpio_line *l = &lines[i];
        fprintf(out, "%-4" PRIu32 " %-16s %-4s %-18s %-5u %-12s %-5s %s\n", kit->lines[i].pin,
                l->role, l->output ? "out" : "in", l->chip, l->offset, l->names,
                l->active_low ? "low" : "high", BIAS[l->bias]);
    }
}

static void print_pulls(const struct board *board, const struct gpio_line *lines, unsigned count,
                        FILE *out) {
    unsigned said = 0;
    for (unsigned i = 0; i < count && !board->pulls; i++) {
        bool up = lines[i].bias == GPIO_BIAS_PULL_UP;
        if (!up && lines[i].bias != GPIO_BIAS_PULL_DOWN)
            continue;
        if (said++ == 0)
            fputs("\nLinux cannot set this chip's own resistors; fit 10 kOhm:\n", out);
        fprintf(out, "  %-16s to %s\n", lines[i].role, up ? "3.3 V" : "ground");
    }
}

static void print_outputs(const struct board *board, const struct kit *kit,
                          const struct gpio_line *lines, unsigned count, FILE *out) {
    static const char *const PULL[] = {"none", "pull-down", "pull-up"};
    static const char *const RELEASE[] = {
        "an output becomes an input when its daemon dies",
        "an output keeps its level when its daemon dies unless dtparam=strict_gpiod is set",
        "what an output does when its daemon dies is not known: fit the resistors"};
    unsigned outputs = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!lines[i].output)
            continue;
        if (outputs++ == 0)
            fputs("\noutputs when nobody drives them:\n", out);
        fprintf(out, "  %-16s %s, held by a %s resistor on the kit", lines[i].role,
                lines[i].safe_active ? "on" : "off", PULL[kit->lines[i].external_pull]);
        print_limit(kit->lines[i].max_on_ns, out);
        fputc('\n', out);
    }
    if (outputs > 0)
        fprintf(out, "  %s\n", RELEASE[board->release]);
}

static void print_needs(const struct board_bus *bus, FILE *out) {
    fprintf(out, "%s%s\n", bus->needs[0] != '\0' ? "; " : "", bus->needs);
}

static void print_devices(const struct board *board, const struct kit *kit,
                          const struct board_connector *c, FILE *out) {
    static const char *const RADAR[] = {"OPS243-A", "I/Q"};
    struct kit_device devices[KIT_DEVICES_MAX];
    unsigned n = kit_devices(kit, devices);
    const char *radar = board_radar_device(board, kit);
    if (radar[0] != '\0' || n > 0 || kit->gnss != KIT_GNSS_NONE)
        fputs("\ndevices:\n", out);
    if (radar[0] != '\0' && kit->radar.connect == KIT_RADAR_UART) {
        fprintf(out, "  radar (%s) on %s", RADAR[kit->radar.driver], radar);
        print_needs(&c->uart, out);
    } else if (radar[0] != '\0') {
        fprintf(out, "  radar (%s) on %s\n", RADAR[kit->radar.driver], radar);
    }
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "  %s (%s) at 0x%02x on %s\n", devices[i].what, devices[i].driver,
                devices[i].address, c->i2c.device);
    if (n > 0 && c->i2c.needs[0] != '\0')
        fprintf(out, "  the I2C bus needs: %s\n", c->i2c.needs);
    if (kit->gnss == KIT_GNSS_GPSD)
        fputs("  positions from gpsd on this machine\n", out);
}

static void print_boot(const struct board *board, const struct kit *kit, FILE *out) {
    static const char *const KIND[] = {"config", "command line", "command line, not", "run once"};
    unsigned uses = kit_uses(kit), said = 0;
    for (unsigned i = 0; i < board->boot_count; i++) {
        const struct board_boot *b = &board->boot[i];
        if ((uses >> b->use & 1) == 0)
            continue;
        if (said++ == 0)
            fprintf(out, "\nthe boot configuration must contain (%s):\n",
                    board->boot_config[0] != '\0' ? board->boot_config : "no file of its own");
        fprintf(out, "  %-18s %s\n", KIND[b->kind], b->text);
    }
    if (board->watchdog_max_s > 0)
        fprintf(out, "\nwatchdog %s: RuntimeWatchdogSec at most %" PRIu32 " s\n", board->watchdog,
                board->watchdog_max_s);
}

void board_explain(const struct board *board, const struct kit *kit, const struct gpio_line *lines,
                   unsigned count, FILE *out) {
    const struct board_connector *c = board_connector_for(board, kit);
    if (c == NULL)
        return;
    fprintf(out, "board %s (%s), kit %s (%s) on connector %s\n", board->id, board->name, kit->id,
            kit->name, c->name);
    if (count > 0)
        print_lines(kit, lines, count, out);
    print_pulls(board, lines, count, out);
    print_outputs(board, kit, lines, count, out);
    print_devices(board, kit, c, out);
    print_boot(board, kit, out);
}
