/* unit_battery: the kit's battery gauge read once a minute, and what core/battery makes of it.
 *
 * Private to unit.c.  A thread of its own waits for the bus, which may hang for as long as it
 * likes. A gauge that is silent, hangs or is no gauge is told once (the caller's fault), counted,
 * and asked again every five minutes; everything else goes on.  The estimate is kept in the state
 * directory every hour and at the stop, so that a restart costs nothing. A kit without gauge may
 * have a file that shows millivolts: then days are not known. Guarded by
 * tests/system/power_test.py, the parts by tests/core/battery_test.c and tests/port/ina219_test.c.
 * Memory: the struct; the bus's and the thread's, taken at the start. Threads: the loop's; what
 * stands in `reading` is the worker's while it is asked. */
#ifndef MOORWATCH_UNIT_BATTERY_H
#define MOORWATCH_UNIT_BATTERY_H

#include "battery.h"
#include "clock.h"
#include "i2c_worker.h"
#include "ina219.h"
#include "unit_store.h"

struct unit_battery {
    const struct unit_conf *conf;
    bool fitted, loaded, said;
    struct i2c_worker *worker; /* NULL: none to be had */
    struct i2c_job job;
    struct {
        bool bus_open;
        uint16_t mv;
        int32_t ma;
    } reading;
    int64_t asked_ns;
    char bus_path[UNIT_PATH_MAX + 1];
    struct i2c_bus bus;
    struct ina219 gauge;
    struct battery battery;
    struct battery_view view;
    uint16_t mv; /* 0: not measured */
    int32_t ma;
    uint32_t errors;
    bool fault;
    int64_t next_ns, save_ns;
};

void unit_battery_init(struct unit_battery *b, const struct unit_conf *conf,
                       const struct unit_board *board);
/* Reads and keeps if it is time.  Returns when to be called again; INT64_MAX: never. */
int64_t unit_battery_step(struct unit_battery *b, struct unit_store *store,
                          const struct clock *clock);
/* Readable when the gauge has answered; < 0: none. */
int unit_battery_fd(const struct unit_battery *b);
void unit_battery_close(struct unit_battery *b, struct unit_store *store,
                        const struct clock *clock);

#endif
