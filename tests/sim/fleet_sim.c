/* The whole system on a virtual clock: devices (real spools on disks that lose power, real senders,
 * real batches and signatures), a broker that loses, doubles, reorders and forgets, and the real
 * ingest on SQLite; devices, daemons, broker and collector crash at random.  Then the weather
 * clears, and: every event that was durable is stored exactly once, in nobody's place; nothing is
 * stored that never was; no alarm waited behind a backlog.
 *
 *   fleet_sim [--seed N] [--seeds K] [--minutes M] */
#include "ingest.h"
#include "random.h"
#include "sender.h"
#include "sim_broker.h"
#include "sim_disk.h"
#include "store_sqlite.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

enum { TICK_MS = 250, EVENTS_MAX = 6000, GROUP = 32, CLEAR_MINUTES = 60, BOOT_FIRST = 5000 };

static const int64_t WALL_MS = INT64_C(1790000000000);

/* What the world knows of one event that a device accepted. */
struct known {
    uint64_t boot_id;
    int64_t t_ms;
    uint8_t kind;
    bool durable;
    unsigned stored;
};

struct device {
    char name[WIRE_DEVICE_MAX + 1];
    struct sim_disk disk;
    struct spool spools[CLASS_COUNT];
    struct sender sender;
    struct seal_signer signer;
    struct uplink link;
    bool running;
    uint64_t boot_id;
    int64_t boot_ns, start_ns; /* virtual time of the boot; of the next start of the daemon */
    int64_t last_t_ms;
    unsigned count;
    unsigned fresh[CLASS_COUNT]; /* events before this one in `known` are durable or gone */
    struct known known[EVENTS_MAX];
};

static struct fleet_world {
    uint64_t random, seed, boots;
    int64_t now_ns;
    int device_count;
    bool stormy;
    const char *violation;
    struct sim_broker broker;
    struct seal_signer collector_signer;
    struct seal_key collector_key;
    struct store store;
    struct ingest ingest;
    int64_t collector_ns, broker_ns; /* down until then */
    unsigned long crashes, cuts, outages, restarts;
} w;

static struct device devices[SIM_DEVICES_MAX];

static void violate(const char *what) {
    if (w.violation == NULL)
        w.violation = what;
}

/* ---- devices ---- */

static struct sender_conf sender_conf_of(const struct device *d) {
    struct sender_conf conf = SENDER_DEFAULTS;
    memcpy(conf.device, d->name, sizeof conf.device);
    conf.backoff_max_ns = 20 * SECOND;
    return conf;
}

static void device_start(struct device *d) {
    const struct disk disk = sim_disk_seam(&d->disk);
    struct spool *spools[CLASS_COUNT];
    for (int c = 0; c < CLASS_COUNT; c++) {
        const struct spool_conf conf = {
            .cls = (enum event_class)c, .segment_bytes = 16384, .quota_bytes = 64 * 16384};
        if (spool_open(&d->spools[c], &disk, &conf, d->boot_id, random_next(&w.random) | 1) < 0)
            violate("a spool does not open");
        spools[c] = &d->spools[c];
    }
    const struct sender_conf conf = sender_conf_of(d);
    sender_init(&d->sender, &conf, spools, &d->signer, &w.collector_key, d->boot_id,
                random_next(&w.random));
    d->running = true;
}

static void device_boot(struct device *d) {
    d->boot_id = BOOT_FIRST + ++w.boots;
    d->boot_ns = w.now_ns;
    d->last_t_ms = 0;
}

/* What was not durable may be gone or not: both are right. */
static void device_down(struct device *d, int64_t for_ns) {
    d->running = false;
    d->start_ns = w.now_ns + for_ns;
    for (int c = 0; c < CLASS_COUNT; c++)
        d->fresh[c] = d->count;
    sim_broker_cut(&w.broker, (int)(d - devices));
}

static void power_cut(struct device *d) {
    w.cuts++;
    device_down(d, (int64_t)(1 + random_below(&w.random, 20)) * SECOND);
    sim_disk_reboot(&d->disk, SIM_FATES_FIXED, &w.random);
    device_boot(d);
}

static void daemon_killed(struct device *d) {
    w.restarts++;
    device_down(d, 2 * SECOND);
    sim_disk_kill(&d->disk);
}

static int64_t device_now(const struct device *d) {
    return w.now_ns - d->boot_ns + 1 * SECOND;
}

static void mark_durable(struct device *d, enum event_class cls) {
    if (!d->running || !spool_durable(&d->spools[cls]))
        return;
    for (unsigned i = d->fresh[cls]; i < d->count; i++)
        if (event_class_of(d->known[i].kind) == cls)
            d->known[i].durable = true;
    d->fresh[cls] = d->count;
}

static struct event event_make(struct device *d) {
    uint32_t what = random_below(&w.random, 100);
    int64_t t_ms = device_now(d) / MS / 10 * 10;
    d->last_t_ms = t_ms > d->last_t_ms ? t_ms : d->last_t_ms + 10;
    struct event e = {.t_ms = d->last_t_ms};
    if (what < 80) {
        e.kind = EVENT_PASSAGE;
        e.passage =
            (struct event_passage){.direction = (uint8_t)random_below(&w.random, 2),
                                   .speed_mph10 = (uint16_t)(200 + random_below(&w.random, 300)),
                                   .duration_ms = 1500,
                                   .magnitude_db = 40,
                                   .quality = QUALITY_A};
    } else if (what < 92) {
        e.kind = EVENT_LOCK;
        e.lock = (struct event_lock){.what = (uint8_t)(1 + random_below(&w.random, LOCK_UNSET))};
    } else {
        e.kind = EVENT_HEALTH;
        e.health = (struct event_health){.uptime_s = 10, .period_s = 300};
    }
    return e;
}

static void device_events(struct device *d) {
    uint32_t n = random_below(&w.random, 100) < 25 ? 1 + random_below(&w.random, 3) : 0;
    for (uint32_t i = 0; i < n && d->count < EVENTS_MAX; i++) {
        struct event e = event_make(d);
        enum event_class cls = event_class_of(e.kind);
        int r = sender_accept(&d->sender, &e, device_now(d));
        if (r != 0) {
            violate("an event was refused");
            return;
        }
        d->known[d->count++] =
            (struct known){.boot_id = d->boot_id, .t_ms = e.t_ms, .kind = e.kind};
        mark_durable(d, cls);
        if (cls == CLASS_ALARM && !d->known[d->count - 1].durable)
            violate("an alarm was accepted and is not durable");
    }
}

static void device_step(struct device *d) {
    struct uplink_event e;
    int64_t next_ns = 0;
    while (d->link.next(d->link.ctx, &e) > 0)
        sender_heard(&d->sender, &e, device_now(d));
    if (w.stormy)
        device_events(d);
    if (random_permille(&w.random, 2)) {
        const struct event_anchor anchor = {.unix_ms = WALL_MS + w.now_ns / MS,
                                            .quality = CLOCK_NTP};
        sender_anchor(&d->sender, &anchor, device_now(d) / MS);
    }
    if (sender_step(&d->sender, &d->link, device_now(d), &next_ns) < 0)
        violate("a healthy disk failed");
    for (int c = 0; c < CLASS_COUNT; c++)
        mark_durable(d, (enum event_class)c);
}

/* While anything else is published no alarm may wait that has room in its window. */
static void watch(int device, enum event_class cls) {
    struct sender *s = &devices[device].sender;
    const struct sender_open *alarms = &s->open[CLASS_ALARM];
    struct spool_pending next;
    unsigned flying = 0;
    if (cls == CLASS_ALARM)
        return;
    for (unsigned i = 0; i < s->flight_count; i++)
        flying += s->flights[i].cls == CLASS_ALARM;
    if (flying < s->conf.window &&
        spool_next_batch(s->spools[CLASS_ALARM], alarms->has_last ? &alarms->last : NULL, &next) ==
            0)
        violate("an alarm waited behind other batches");
}

/* ---- the collector ---- */

static int device_named(const char *topic) {
    struct topic t;
    if (topic_parse(topic, strlen(topic), &t) < 0)
        return -1;
    for (int i = 0; i < w.device_count; i++)
        if (strcmp(devices[i].name, t.device) == 0)
            return i;
    return -1;
}

static void heard_ack(void *ctx, const char *topic, const uint8_t *payload, size_t len) {
    (void)ctx;
    int device = device_named(topic);
    assert(device >= 0);
    sim_broker_publish(&w.broker, device, topic, payload, len);
}

static void collector_start(void) {
    const struct ingest_out out = {.ack = heard_ack};
    if (ingest_open(&w.ingest, &w.store, &w.collector_signer, &INGEST_DEFAULTS, &out) < 0)
        violate("ingest does not open");
}

static void collector_step(void) {
    struct ingest_message group[GROUP];
    struct sim_message taken[GROUP];
    enum ingest_outcome outcomes[GROUP];
    size_t n = 0;
    while (n < GROUP && sim_broker_take(&w.broker, &taken[n])) {
        group[n] = (struct ingest_message){.topic = taken[n].topic,
                                           .payload = taken[n].payload,
                                           .len = taken[n].len,
                                           .received_ms = WALL_MS + w.now_ns / MS};
        n++;
    }
    bool dies = w.stormy && n > 0 && random_permille(&w.random, 10);
    if (n > 0 && !dies && ingest_messages(&w.ingest, group, n, outcomes) < 0)
        violate("ingest failed");
    for (size_t i = 0; i < n; i++) {
        if (!dies && outcomes[i] != INGEST_STORED && outcomes[i] != INGEST_DUPLICATE)
            violate("a true batch was refused");
        free(taken[i].payload);
    }
    if (dies) {
        w.crashes++;
        ingest_close(&w.ingest);
        w.collector_ns = w.now_ns + (int64_t)random_below(&w.random, 60) * SECOND;
        collector_start();
    }
}

/* ---- the weather ---- */

static void weather(void) {
    if (w.broker.up && random_permille(&w.random, 2)) {
        w.outages++;
        sim_broker_stop(&w.broker);
        w.broker_ns = w.now_ns + (int64_t)random_below(&w.random, 90) * SECOND;
    }
    for (int i = 0; i < w.device_count; i++) {
        if (devices[i].running && random_permille(&w.random, 2))
            power_cut(&devices[i]);
        else if (devices[i].running && random_permille(&w.random, 1))
            daemon_killed(&devices[i]);
    }
}

static void tick(void) {
    w.now_ns += TICK_MS * MS;
    if (w.stormy)
        weather();
    if (!w.broker.up && w.now_ns >= w.broker_ns)
        w.broker.up = true;
    sim_broker_step(&w.broker, w.now_ns);
    for (int i = 0; i < w.device_count && w.violation == NULL; i++) {
        struct device *d = &devices[i];
        if (!d->running && w.now_ns >= d->start_ns)
            device_start(d);
        if (d->running)
            device_step(d);
    }
    if (w.now_ns >= w.collector_ns)
        collector_step();
}

/* ---- the account ---- */

static void count_event(struct device *d, uint64_t boot_id, const struct event *e) {
    if (e->kind == EVENT_GAP || e->kind == EVENT_FAULT)
        return; /* the sender's own */
    for (unsigned i = 0; i < d->count; i++) {
        struct known *k = &d->known[i];
        if (k->boot_id != boot_id || k->t_ms != e->t_ms || k->kind != e->kind)
            continue;
        if (++k->stored > 1)
            violate("an event is stored twice");
        return;
    }
    violate("an event is stored that never was");
}

static int count_batch(void *arg, const struct store_batch *row) {
    static struct event events[WIRE_EVENTS_MAX];
    struct batch_view view;
    int n = batch_peek(row->payload, row->len, &view);
    (void)arg;
    if (n >= 0)
        n = batch_decode(&view, events, WIRE_EVENTS_MAX);
    if (n < 0) {
        violate("a stored batch does not decode");
        return 0;
    }
    for (int i = 0; i < w.device_count; i++)
        for (int k = 0; k < n && strcmp(devices[i].name, view.header.device) == 0; k++)
            count_event(&devices[i], view.header.boot_id, &events[k]);
    return 0;
}

static unsigned long account(void) {
    unsigned long durable = 0;
    if (w.store.batches(w.store.ctx, 0, 0, count_batch, NULL) < 0)
        violate("the store cannot be read");
    for (int i = 0; i < w.device_count; i++)
        for (unsigned k = 0; k < devices[i].count; k++) {
            durable += devices[i].known[k].durable;
            if (devices[i].known[k].durable && devices[i].known[k].stored == 0)
                violate("a durable event is lost");
        }
    return durable;
}

static bool all_quiet(void) {
    for (int i = 0; i < w.device_count; i++)
        for (int c = 0; c < CLASS_COUNT; c++) {
            const struct spool *s = &devices[i].spools[c];
            if (!devices[i].running || spool_unacked(s) > 0 || spool_unsealed(s) > 0)
                return false;
        }
    return true;
}

/* ---- one life of a fleet ---- */

static void device_make(struct device *d, int i) {
    sim_disk_free(&d->disk);
    memset(d, 0, offsetof(struct device, known));
    snprintf(d->name, sizeof d->name, "dev-%d", i);
    d->link = sim_broker_link(&w.broker, i);
    struct store_device row = {.kind = i % 2 == 0 ? DEVICE_SPEEDWATCH : DEVICE_PADLOCK,
                               .period_s = 300};
    snprintf(row.id, sizeof row.id, "%s", d->name);
    snprintf(row.name, sizeof row.name, "%s", d->name);
    if (seal_signer_make(&d->signer) < 0 || seal_signer_public(&d->signer, row.key) < 0 ||
        w.store.device_put(w.store.ctx, &row, WALL_MS) < 0)
        violate("a device cannot be made");
    device_boot(d);
    device_start(d);
}

static void world_make(uint64_t seed) {
    uint8_t point[SEAL_KEY_BYTES];
    memset(&w, 0, sizeof w);
    w.seed = w.random = seed;
    w.now_ns = 10 * SECOND;
    sim_broker_init(&w.broker, seed + 77);
    w.broker.watch = watch;
    w.broker.loss_permille = random_below(&w.random, 150);
    w.broker.double_permille = random_below(&w.random, 150);
    w.broker.full_permille = random_below(&w.random, 50);
    w.broker.delay_ns = (1 + (int64_t)random_below(&w.random, 3000)) * MS;
    if (store_sqlite_open(":memory:", STORE_SQLITE_CREATE, &w.store) < 0 ||
        seal_signer_make(&w.collector_signer) < 0 ||
        seal_signer_public(&w.collector_signer, point) < 0 ||
        seal_key_from_bytes(point, &w.collector_key) < 0)
        violate("the collector cannot be made");
    w.device_count = 1 + (int)random_below(&w.random, 6);
    w.stormy = true;
    for (int i = 0; i < w.device_count; i++)
        device_make(&devices[i], i);
    collector_start();
}

static void world_free(void) {
    for (int i = 0; i < w.device_count; i++) {
        seal_signer_free(&devices[i].signer);
        sim_disk_free(&devices[i].disk);
    }
    ingest_close(&w.ingest);
    w.store.close(w.store.ctx);
    seal_signer_free(&w.collector_signer);
    seal_key_free(&w.collector_key);
    sim_broker_free(&w.broker);
}

static int one_seed(uint64_t seed, long minutes) {
    world_make(seed);
    int64_t end_ns = w.now_ns + minutes * 60 * SECOND;
    while (w.now_ns < end_ns && w.violation == NULL)
        tick();
    w.stormy = false;
    w.broker.loss_permille = w.broker.double_permille = w.broker.full_permille = 0;
    end_ns = w.now_ns + CLEAR_MINUTES * 60 * SECOND;
    while (w.now_ns < end_ns && w.violation == NULL && !all_quiet())
        tick();
    if (!all_quiet())
        violate("the queues do not run dry");
    unsigned long durable = account();
    printf("seed %llu: %d devices, %lu durable events, %lu published (%lu lost, %lu doubled), "
           "%lu power cuts, %lu restarts, %lu broker and %lu collector crashes\n",
           (unsigned long long)seed, w.device_count, durable, w.broker.published, w.broker.lost,
           w.broker.doubled, w.cuts, w.restarts, w.outages, w.crashes);
    if (w.violation != NULL)
        printf("FAIL: %s; again: fleet_sim --seed %llu --seeds 1 --minutes %ld\n", w.violation,
               (unsigned long long)seed, minutes);
    int failed = w.violation != NULL;
    world_free();
    return failed;
}

int main(int argc, char **argv) {
    uint64_t seed = 1;
    long seeds = 5, minutes = 10;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--minutes") == 0)
            minutes = strtol(argv[i + 1], NULL, 10);
    }
    for (uint64_t i = seed; i < seed + (uint64_t)seeds; i++)
        if (one_seed(i, minutes) != 0)
            return 1;
    return 0;
}
