#include "unit_clock.h"
#include "log.h"
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const char MODULE[] = "clock";
static const int64_t REFRESH_NS = INT64_C(60) * 1000000000;
static const int64_t STEP_MS = 1000; /* smaller ones are the clock's own discipline */

static void arm(const struct unit_clock *c) {
    /* Far ahead, as far as a 32-bit time_t goes: it never expires, it is only cancelled. */
    const struct itimerspec far = {.it_value.tv_sec =
                                       (time_t)(sizeof(time_t) > 4 ? INT64_C(1) << 33 : INT32_MAX)};
    if (c->fd >= 0)
        timerfd_settime(c->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

void unit_clock_init(struct unit_clock *c) {
    *c = (struct unit_clock){.clock = clock_system()};
    c->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    arm(c);
}

static bool was_set(const struct unit_clock *c) {
    uint64_t expired;
    if (c->fd < 0 || read(c->fd, &expired, sizeof expired) >= 0 || errno != ECANCELED)
        return false;
    arm(c);
    return true;
}

static void say(const struct unit_clock *c, enum clock_quality quality, int64_t step_ms) {
    static const char *const WORDS[] = {"not set; records carry the time since start only",
                                        "restored, not synchronised", "synchronised",
                                        "set by satellites"};
    if (!c->told || quality != c->quality)
        log_info(MODULE, "the clock is %s", WORDS[quality]);
    else
        log_info(MODULE, "the clock was set by %+lld ms", (long long)step_ms);
}

void unit_clock_offer(struct unit_clock *c, int64_t now_ns, int64_t unix_ms, uint32_t error_ms,
                      int64_t until_ns) {
    bool better = c->quality != CLOCK_GNSS;
    c->offer = (struct unit_clock_offer){unix_ms - now_ns / 1000000, error_ms, until_ns};
    if (better)
        c->next_ns = now_ns; /* news: not to be kept for a minute */
}

/* The system's own clock, and by how much it jumped since the last look. */
static void look(struct unit_clock *c, int64_t now_ns) {
    int64_t offset_ms = c->clock.wall_ms(c->clock.ctx) - now_ns / 1000000;
    enum clock_quality quality = c->clock.quality(c->clock.ctx);
    int64_t jump = offset_ms - c->own_offset_ms;
    bool jumped = jump >= UNIT_CLOCK_STEP_MS || jump <= -UNIT_CLOCK_STEP_MS;
    c->jump_ms = c->told && jumped && quality <= c->own_quality ? jump : 0;
    c->own_offset_ms = offset_ms;
    c->own_quality = quality;
}

bool unit_clock_step(struct unit_clock *c, int64_t now_ns, struct event_anchor *ret_anchor,
                     bool *ret_refresh) {
    *ret_refresh = false;
    bool set = was_set(c);
    if (!set && now_ns < c->next_ns)
        return false;
    c->next_ns = now_ns + REFRESH_NS;
    look(c, now_ns);
    bool gnss = now_ns < c->offer.until_ns;
    enum clock_quality quality = gnss ? CLOCK_GNSS : c->own_quality;
    int64_t offset_ms = gnss ? c->offer.offset_ms : c->own_offset_ms;
    int64_t step_ms = offset_ms - c->offset_ms;
    bool news = !c->told || quality != c->quality || step_ms > STEP_MS || step_ms < -STEP_MS;
    if (news) {
        say(c, quality, step_ms);
        c->told = true;
        c->quality = quality;
        c->offset_ms = offset_ms;
    }
    *ret_anchor = (struct event_anchor){.unix_ms = offset_ms + now_ns / 1000000,
                                        .quality = (uint8_t)quality,
                                        .error_ms = gnss ? c->offer.error_ms : 0};
    *ret_refresh = true;
    return news;
}

void unit_clock_close(struct unit_clock *c) {
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
