/* kitsim: plays speedwatch kits and yards of locks to the real daemons, or gives devices a past. */
#include "history.h"
#include "iq_file.h"
#include "roadside.h"
#include "yard.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KITS_MAX = 32, HUBS_MAX = 64, POLL_MAX_MS = 20, NS_PER_MS = 1000000 };
#define NS_PER_S INT64_C(1000000000)

static const char USAGE[] =
    "usage: kitsim play [--kit KEY=VALUE,...]... [--hub KEY=VALUE,...]... --speeds CSV\n"
    "              --hours CSV [--seed N] [--truth FILE]\n"
    "       kitsim history --device NAME --spool DIR --key PEM --speeds CSV --hours CSV\n"
    "              [--site KEY=VALUE,...]... [--locks N] [--incidents N] [--weeks N]\n"
    "              [--sessions N] [--seed N] [--until UNIX_SECONDS]\n"
    "       kitsim iq --out WAV [--truth CSV] [--scene NAME] [--seconds N] [--seed N]\n"
    "              [--snr DB] [--hum LEVEL] [--gain DB] [--phase DEGREES] [--level LEVEL]\n"
    "              [--beam DEGREES] [--rate HZ] [--swapped] [--mono]\n"
    "\n"
    "play makes a pty for each kit's radar, connects to the simulated GPIO of each daemon and\n"
    "goes on until SIGTERM or SIGINT; then it prints a summary.  SIGUSR1 ends the traffic: "
    "sessions\n"
    "are ended with the button, scenes play to their end, the radars go on listening.\n"
    "  --kit  name=NAME,radar=LINK,wires=SOCKET,per-day=N,pair=N,flow-scale=X,\n"
    "         session=SECONDS,rest=SECONDS\n"
    "  --hub  name=NAME,wires=SOCKET,state=FILE,locks=N,first=SECONDS,between=SECONDS,\n"
    "         quiet=SECONDS\n"
    "history fills the spools of a device that has not started yet with what it would have told\n"
    "in the past weeks; a device with sites is a kit, one with locks a hub.\n"
    "  --site id=ID,limit=MPH,per-day=N,pair=N\n"
    "iq writes what a low-cost radar puts on a stereo line while a scene goes by (\"free flow\",\n"
    "\"rain\"; an unknown NAME lists them), and the vehicles in it.  LEVEL: 1 is full scale.\n";

struct options {
    unsigned kits_count, hubs_count, sites_count;
    struct roadside_conf kits[KITS_MAX];
    struct yard_conf hubs[HUBS_MAX];
    struct story_site sites[STORY_SITES_MAX];
    unsigned site_pairs[STORY_SITES_MAX];
    const char *speeds, *hours, *truth, *device, *spool, *key;
    uint64_t seed;
    unsigned locks, incidents, weeks;
    double sessions;
    int64_t until_s;
};

static volatile sig_atomic_t wants_end, wants_stop;

static void on_signal(int signal) {
    if (signal == SIGUSR1)
        wants_end = 1;
    else
        wants_stop = 1;
}

static int64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t unix_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

/* ---- options --------------------------------------------------------------------------------- */

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "kitsim: %s '%s'; kitsim --help says what there is\n", what, value);
    return ERR_INVAL;
}

static void copy(char *to, size_t cap, const char *from) {
    snprintf(to, cap, "%s", from);
}

/* One KEY=VALUE of a list: 0, or ERR_INVAL if there is no such key. */
static int kit_item(void *to, const char *key, const char *value) {
    struct roadside_conf *k = to;
    if (strcmp(key, "name") == 0)
        copy(k->name, sizeof k->name, value);
    else if (strcmp(key, "radar") == 0)
        copy(k->radar, sizeof k->radar, value);
    else if (strcmp(key, "wires") == 0)
        copy(k->wires, sizeof k->wires, value);
    else if (strcmp(key, "per-day") == 0)
        k->per_day = strtod(value, NULL);
    else if (strcmp(key, "flow-scale") == 0)
        k->flow_scale = strtod(value, NULL);
    else if (strcmp(key, "pair") == 0)
        k->pair = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(key, "session") == 0)
        k->session_ns = strtol(value, NULL, 10) * NS_PER_S;
    else if (strcmp(key, "rest") == 0)
        k->rest_ns = strtol(value, NULL, 10) * NS_PER_S;
    else
        return wrong("a kit has no", key);
    return 0;
}

static int hub_item(void *to, const char *key, const char *value) {
    struct yard_conf *h = to;
    if (strcmp(key, "name") == 0)
        copy(h->name, sizeof h->name, value);
    else if (strcmp(key, "wires") == 0)
        copy(h->wires, sizeof h->wires, value);
    else if (strcmp(key, "state") == 0)
        copy(h->state, sizeof h->state, value);
    else if (strcmp(key, "locks") == 0)
        h->locks = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(key, "first") == 0)
        h->first_s = strtod(value, NULL);
    else if (strcmp(key, "between") == 0)
        h->between_s = strtod(value, NULL);
    else if (strcmp(key, "quiet") == 0)
        h->quiet_s = strtod(value, NULL);
    else
        return wrong("a hub has no", key);
    return h->locks <= YARD_LOCKS_MAX ? 0 : wrong("too many locks at a hub:", value);
}

struct site_parsed {
    struct story_site *site;
    unsigned *pair;
};

static int site_item(void *to, const char *key, const char *value) {
    struct site_parsed *s = to;
    if (strcmp(key, "id") == 0)
        copy(s->site->id, sizeof s->site->id, value);
    else if (strcmp(key, "limit") == 0)
        s->site->limit_mph = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(key, "per-day") == 0)
        s->site->traffic.per_day = strtod(value, NULL);
    else if (strcmp(key, "pair") == 0)
        *s->pair = (unsigned)strtoul(value, NULL, 10);
    else
        return wrong("a site has no", key);
    return 0;
}

static int read_list(char *list, int (*item)(void *to, const char *key, const char *value),
                     void *to) {
    char *rest = NULL;
    for (char *at = strtok_r(list, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(at, '=');
        if (value == NULL)
            return wrong("not KEY=VALUE:", at);
        *value++ = '\0';
        int r = item(to, at, value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_kit(struct options *o, char *list) {
    if (o->kits_count == KITS_MAX)
        return wrong("too many kits:", list);
    struct roadside_conf *k = &o->kits[o->kits_count++];
    *k = (struct roadside_conf){
        .per_day = 3000, .flow_scale = 1, .session_ns = 600 * NS_PER_S, .rest_ns = 20 * NS_PER_S};
    return read_list(list, kit_item, k);
}

static int add_hub(struct options *o, char *list) {
    if (o->hubs_count == HUBS_MAX)
        return wrong("too many hubs:", list);
    struct yard_conf *h = &o->hubs[o->hubs_count++];
    *h = (struct yard_conf){.locks = 1, .first_s = 10, .between_s = 120, .quiet_s = 15};
    return read_list(list, hub_item, h);
}

static int add_site(struct options *o, char *list) {
    if (o->sites_count == STORY_SITES_MAX)
        return wrong("too many sites:", list);
    struct site_parsed s = {&o->sites[o->sites_count], &o->site_pairs[o->sites_count]};
    s.site->limit_mph = 30;
    s.site->traffic.per_day = 3000;
    o->sites_count++;
    return read_list(list, site_item, &s);
}

static const struct option LONG[] = {
    {"kit", 1, NULL, 'k'},
    {"hub", 1, NULL, 'h'},
    {"site", 1, NULL, 's'},
    {"speeds", 1, NULL, 'S'},
    {"hours", 1, NULL, 'H'},
    {"truth", 1, NULL, 't'},
    {"device", 1, NULL, 'd'},
    {"spool", 1, NULL, 'D'},
    {"key", 1, NULL, 'K'},
    {"seed", 1, NULL, 'r'},
    {"locks", 1, NULL, 'l'},
    {"incidents", 1, NULL, 'i'},
    {"weeks", 1, NULL, 'w'},
    {"sessions", 1, NULL, 'n'},
    {"until", 1, NULL, 'u'},
    {"help", 0, NULL, '?'},
    {0},
};

static int set_text(struct options *o, int option, const char *value) {
    const char **const TEXTS[] = {['S'] = &o->speeds, ['H'] = &o->hours, ['t'] = &o->truth,
                                  ['d'] = &o->device, ['D'] = &o->spool, ['K'] = &o->key};
    if (option >= (int)(sizeof TEXTS / sizeof *TEXTS) || TEXTS[option] == NULL)
        return ERR_NOENT;
    *TEXTS[option] = value;
    return 0;
}

static int set_number(struct options *o, int option, const char *value) {
    unsigned *const NUMBERS[] = {['l'] = &o->locks, ['i'] = &o->incidents, ['w'] = &o->weeks};
    if (option == 'r')
        o->seed = strtoull(value, NULL, 0);
    else if (option == 'n')
        o->sessions = strtod(value, NULL);
    else if (option == 'u')
        o->until_s = strtoll(value, NULL, 10);
    else if (option < (int)(sizeof NUMBERS / sizeof *NUMBERS) && NUMBERS[option] != NULL)
        *NUMBERS[option] = (unsigned)strtoul(value, NULL, 10);
    else
        return ERR_INVAL;
    return 0;
}

static int set_option(struct options *o, int option, char *value) {
    if (option == 'k')
        return add_kit(o, value);
    if (option == 'h')
        return add_hub(o, value);
    if (option == 's')
        return add_site(o, value);
    if (option == '?')
        return ERR_INVAL;
    return set_text(o, option, value) == 0 ? 0 : set_number(o, option, value);
}

static int read_options(int argc, char **argv, struct options *o) {
    *o = (struct options){.seed = 1, .weeks = 4, .sessions = 4, .until_s = unix_ms() / 1000};
    int option, r = 0;
    while (r == 0 && (option = getopt_long(argc, argv, "", LONG, NULL)) != -1)
        r = set_option(o, option, optarg);
    if (r == 0 && optind < argc)
        r = wrong("what is", argv[optind]);
    if (r == 0 && (o->speeds == NULL || o->hours == NULL))
        r = wrong("--speeds and --hours are needed for", argv[0]);
    return r;
}

static int load_traffic(const struct options *o, unsigned pair, struct traffic *to) {
    int r = traffic_load_speeds(to, o->speeds, pair);
    const char *path = o->speeds;
    if (r == 0) {
        path = o->hours;
        r = traffic_load_hours(to, path);
    }
    if (r < 0)
        fprintf(stderr, "kitsim: %s: %s\n", path, err_text(r));
    return r;
}

/* ---- play ------------------------------------------------------------------------------------ */

struct world {
    unsigned kits_count, hubs_count;
    struct roadside *kits;
    struct yard *hubs;
    struct truth truth;
};

static int open_world(struct world *w, const struct options *o) {
    int64_t now_ns = monotonic_ns();
    int r = truth_open(&w->truth, o->truth);
    w->kits = calloc(o->kits_count + 1, sizeof *w->kits);
    w->hubs = calloc(o->hubs_count + 1, sizeof *w->hubs);
    if (w->kits == NULL || w->hubs == NULL)
        return ERR_NOMEM;
    static struct traffic traffic;
    for (unsigned i = 0; r == 0 && i < o->kits_count; i++) {
        r = load_traffic(o, o->kits[i].pair, &traffic);
        if (r == 0)
            r = roadside_open(&w->kits[i], &o->kits[i], &traffic, o->seed * 1000 + i, &w->truth,
                              now_ns);
        w->kits_count += r == 0;
    }
    for (unsigned i = 0; r == 0 && i < o->hubs_count; i++, w->hubs_count++)
        yard_open(&w->hubs[i], &o->hubs[i], o->seed * 1000 + 500 + i, &w->truth, now_ns);
    return r;
}

static void close_world(struct world *w) {
    for (unsigned i = 0; i < w->kits_count; i++)
        roadside_close(&w->kits[i]);
    for (unsigned i = 0; i < w->hubs_count; i++)
        yard_close(&w->hubs[i]);
    free(w->kits);
    free(w->hubs);
    truth_close(&w->truth);
}

static int64_t step_world(struct world *w) {
    int64_t now_ns = monotonic_ns(), wall_ms = unix_ms(), next = INT64_MAX;
    for (unsigned i = 0; i < w->kits_count; i++) {
        int64_t due = roadside_step(&w->kits[i], now_ns, wall_ms);
        next = due < next ? due : next;
    }
    for (unsigned i = 0; i < w->hubs_count; i++) {
        int64_t due = yard_step(&w->hubs[i], now_ns, wall_ms);
        next = due < next ? due : next;
    }
    return next;
}

static void end_world(struct world *w) {
    for (unsigned i = 0; i < w->kits_count; i++)
        roadside_end(&w->kits[i], monotonic_ns());
    for (unsigned i = 0; i < w->hubs_count; i++)
        yard_end(&w->hubs[i]);
}

static void run_world(struct world *w) {
    bool ended = false;
    while (!wants_stop) {
        if (wants_end && !ended) {
            end_world(w);
            ended = true;
        }
        int64_t wait_ms = (step_world(w) - monotonic_ns()) / NS_PER_MS;
        wait_ms = wait_ms < 1 ? 1 : wait_ms > POLL_MAX_MS ? POLL_MAX_MS : wait_ms;
        poll(NULL, 0, (int)wait_ms);
    }
}

static int play(const struct options *o) {
    struct world w = {0};
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    int r = open_world(&w, o);
    if (r == 0)
        run_world(&w);
    else
        fprintf(stderr, "kitsim: cannot start: %s\n", err_text(r));
    uint32_t told = 0, choked = 0;
    for (unsigned i = 0; i < w.kits_count; i++) {
        told += w.kits[i].told;
        choked += w.kits[i].choked;
    }
    printf("vehicles=%" PRIu64 " scenes=%" PRIu64 " sirens=%" PRIu64 " presses=%" PRIu64
           " lines=%u refused=%u\n",
           w.truth.vehicles, w.truth.scenes, w.truth.sirens, w.truth.presses, told, choked);
    close_world(&w);
    return r < 0;
}

/* ---- history --------------------------------------------------------------------------------- */

static int tell_story(struct options *o, struct story *story) {
    struct chance chance;
    /* Whole weeks, ending at the last midnight. */
    int64_t midnight = o->until_s / 86400 * 86400;
    struct story_span span = {
        .from_unix_s = midnight - 7 * 86400 * (int64_t)o->weeks,
        .weeks = o->weeks,
        .until_unix_s = midnight,
    };
    chance_init(&chance, o->seed);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < o->sites_count; i++) {
        o->sites[i].traffic.scale = 1;
        r = load_traffic(o, o->site_pairs[i], &o->sites[i].traffic);
    }
    if (r == 0 && o->sites_count > 0)
        r = story_kit(story, &chance, &span, o->sites, o->sites_count, o->sessions);
    if (r == 0 && o->locks > 0)
        r = story_hub(story, &chance, &span, o->locks, o->incidents);
    return r;
}

static int history(struct options *o) {
    if (o->device == NULL || o->spool == NULL || o->key == NULL) {
        wrong("--device, --spool and --key are needed for", "history");
        return 2;
    }
    struct story story = {0};
    struct history_conf conf = {o->device, o->spool, o->key, o->seed};
    struct history_result result = {0};
    int r = tell_story(o, &story);
    if (r == 0)
        r = history_play(&conf, &story, &result);
    story_free(&story);
    if (r < 0)
        fprintf(stderr, "kitsim: %s: %s\n", o->spool, err_text(r));
    else
        printf("events=%" PRIu64 " batches=%" PRIu64 "\n", result.events, result.batches);
    return r < 0;
}

int main(int argc, char **argv) {
    static struct options o;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0))
        return fputs(USAGE, stdout) < 0;
    if (argc > 1 && strcmp(argv[1], "iq") == 0)
        return iq_file_main(argc - 1, argv + 1);
    bool plays = argc > 1 && strcmp(argv[1], "play") == 0;
    if (!plays && (argc < 2 || strcmp(argv[1], "history") != 0)) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (read_options(argc - 1, argv + 1, &o) < 0)
        return 2;
    return plays ? play(&o) : history(&o);
}
