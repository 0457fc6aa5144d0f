#include "debounce.h"

void debounce_init(struct debounce *d, enum debounce_mode mode, int64_t period_ns, bool level) {
    *d = (struct debounce){
        .mode = mode,
        .period_ns = period_ns,
        .level = level,
        .raw = level,
        .quiet_ns = INT64_MIN,
    };
}

int64_t debounce_next(const struct debounce *d) {
    if (d->raw == d->level)
        return INT64_MAX;
    return d->mode == DEBOUNCE_STABLE ? d->raw_ns + d->period_ns : d->quiet_ns;
}

bool debounce_tick(struct debounce *d, int64_t now_ns, int64_t *ret_ns) {
    int64_t due = debounce_next(d);
    if (due > now_ns)
        return false;
    d->level = d->raw;
    *ret_ns = d->raw_ns;
    if (d->mode == DEBOUNCE_FIRST)
        d->quiet_ns = (due > d->raw_ns ? due : d->raw_ns) + d->period_ns;
    return true;
}

/* What was due before this edge comes first; an edge that then also counts has its own turn at the
 * next tick, so that one call reports at most one change. */
bool debounce_edge(struct debounce *d, bool raw, int64_t now_ns, int64_t *ret_ns) {
    bool told = debounce_tick(d, now_ns, ret_ns);
    if (raw != d->raw) {
        d->raw = raw;
        d->raw_ns = now_ns;
    }
    return told || debounce_tick(d, now_ns, ret_ns);
}
