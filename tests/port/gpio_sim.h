/* gpio_sim: simulated chips of a real kernel (gpio-sim), made through configfs by root: for
 * tests inside a machine that may be broken (tools/vm-test).  Every failure ends the test. */
#ifndef MOORWATCH_GPIO_SIM_H
#define MOORWATCH_GPIO_SIM_H

#include <stdbool.h>

struct gpio_sim {
    char name[32];
    char folder[160]; /* with sim_gpioN/pull and value */
    unsigned lines;
};

/* The folder of configfs, from MOORWATCH_GPIO_SIM ("/sys/kernel/config/gpio-sim"); NULL: there is
 * no simulator here. */
const char *gpio_sim_root(void);
/* A chip; names[i] is the name of line i, names NULL or names[i] NULL: none. */
void gpio_sim_make(struct gpio_sim *s, const char *name, const char *label, unsigned lines,
                   const char *const *names);
void gpio_sim_pull(const struct gpio_sim *s, unsigned line, bool up);
int gpio_sim_value(const struct gpio_sim *s, unsigned line);
void gpio_sim_drop(const struct gpio_sim *s);

#endif
