#include "passage.h"
#include "passage_body.h"
#include "passage_judge.h"
#include "passage_jump.h"
#include "passage_track.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_YOUNG_MM_S2 =
        6000, /* a young track does not know its rate: the gate is wider by so much */
    YOUNG_HITS = 3,
    STALE_MM_S = 500,   /* the cost of a second's silence */
    TIE_MM_S = 200,     /* what a factor of two in magnitude is worth when tracks compete */
    HIDES_LOG = 128,    /* scatter allowed in being stronger */
    TAKEOVER_LOG = 512, /* four times */
    TWIN_MM_S = 400,    /* an echo is so near the speed of its stronger twin */
    BESIDE_MM_S = 1500, /* ... and other parts of a long body so near */
    IMAGE_MM_S = 100,   /* an image is as fast, scatter aside, */
    IMAGE_LOG = 128,    /* and weaker by so much */
};
#define IMAGE_NS (2 * PASSAGE_S / 5)
#define MASKED_MAX_NS (3 * PASSAGE_S / 2)
#define SILENCE_MAX_NS (9 * PASSAGE_S / 5)

const struct passage_conf PASSAGE_DEFAULTS = {
    .min_speed_mm_s = 4000,
    .max_speed_mm_s = 62200,
    .min_magnitude = 20,
    .gate_mm_s = 1000,
    .gate_mm_s2 = 1000,
    .silence_ns = 800000000,
    .min_hits = 4,
    .min_duration_ns = 250000000,
    .min_travel_mm = 6000,
    .max_noise_mm_s = 320,
    .long_ns = 8 * PASSAGE_S,
};

void passage_init(struct passage *p, const struct passage_conf *conf) {
    memset(p, 0, sizeof *p);
    p->conf = *conf;
    p->capacity = 1;
}

/* ---- frames ---- */

static bool usable(const struct passage_conf *conf, const struct radar_target *target) {
    int32_t v = target->speed_mm_s < 0 ? -target->speed_mm_s : target->speed_mm_s;
    return v >= conf->min_speed_mm_s && v < conf->max_speed_mm_s &&
           (target->magnitude == 0 || target->magnitude >= conf->min_magnitude);
}

static struct passage_hit hit_of(const struct radar_frame *f, unsigned i) {
    int32_t v = f->targets[i].speed_mm_s;
    return (struct passage_hit){f->t_ns, v < 0 ? -v : v, passage_log(f->targets[i].magnitude)};
}

static bool live(const struct passage_track *t) {
    return t->used && !t->ended;
}

static int sign_of(const struct radar_target *target) {
    return target->speed_mm_s > 0 ? 1 : -1;
}

static int32_t at_least(int32_t value, int32_t floor) {
    return value > floor ? value : floor;
}

/* An approaching vehicle does not suddenly lose three quarters of its strength, nor a receding one
 * gain them: that is the next one. */
static bool taken_over(const struct passage_track *t, const struct passage_hit *hit) {
    int32_t weaker = t->sign * (t->log_mag - hit->log_mag);
    return t->age >= YOUNG_HITS && weaker > at_least(t->noise_log * 6, TAKEOVER_LOG);
}

/* Cost of a target for a track, or -1: outside the gate. */
static int32_t cost(const struct passage_conf *conf, const struct passage_track *t,
                    const struct passage_hit *hit) {
    int64_t dt = hit->t_ns - t->last_ns;
    if (dt > PASSAGE_PREDICT_MAX_MS * INT64_C(1000000))
        dt = PASSAGE_PREDICT_MAX_MS * INT64_C(1000000);
    int32_t off = abs(hit->mm_s - passage_track_predict(t, hit->t_ns));
    int32_t gate = conf->gate_mm_s + passage_grown(conf->gate_mm_s2, dt);
    if (t->age < YOUNG_HITS)
        gate += passage_grown(RATE_YOUNG_MM_S2, dt);
    if (off > gate)
        return -1;
    /* A track just hit knows better where it is than one that has been hidden. */
    off += (int32_t)(dt / 1000000) * STALE_MM_S / 1000;
    if (hit->log_mag == 0 || t->log_mag == 0)
        return off;
    if (taken_over(t, hit))
        return -1;
    int32_t usual = at_least(t->noise_log, PASSAGE_NOISE_LOG_BEGIN);
    return off + abs(hit->log_mag - t->log_mag) * TIE_MM_S / 256 * PASSAGE_NOISE_LOG_BEGIN / usual;
}

struct pair {
    unsigned track, target;
};

/* The cheapest pair of a free track and a free target; false when none is left. */
static bool cheapest(const struct passage *p, const struct radar_frame *f, uint32_t tracks_taken,
                     const int *owner, struct pair *ret_pair) {
    int32_t best = -1;
    for (unsigned k = 0; k < PASSAGE_TRACKS * RADAR_TARGETS_MAX; k++) {
        unsigned i = k / RADAR_TARGETS_MAX, j = k % RADAR_TARGETS_MAX;
        const struct passage_track *t = &p->tracks[i];
        if (!live(t) || j >= f->count || (tracks_taken >> i & 1) || owner[j] >= 0 ||
            t->sign != sign_of(&f->targets[j]))
            continue;
        struct passage_hit hit = hit_of(f, j);
        int32_t c = cost(&p->conf, t, &hit);
        if (c >= 0 && (best < 0 || c < best)) {
            best = c;
            *ret_pair = (struct pair){i, j};
        }
    }
    return best >= 0;
}

/* ---- what stands beside what ---- */

/* Of two targets of one frame: < 0: the second is the weaker.  Where the sensor does not say, the
 * track that was seen less often; it lists the strongest first. */
static int32_t weaker(const struct passage_track *a, const struct passage_track *b,
                      const struct passage_hit *x, const struct passage_hit *y) {
    if (x->log_mag > 0 && y->log_mag > 0 && x->log_mag != y->log_mag)
        return y->log_mag - x->log_mag;
    return b->hits > a->hits ? 1 : -1;
}

/* A side lobe or another part of the same body. */
static void mark_beside(struct passage_track *weak, int32_t off_mm_s) {
    weak->shadowed += off_mm_s <= TWIN_MM_S;
    weak->beside += off_mm_s <= BESIDE_MM_S;
}

static void mark_pair(struct passage *p, const struct radar_frame *f, const int *owner, unsigned i,
                      unsigned j) {
    struct passage_track *a = &p->tracks[owner[i]], *b = &p->tracks[owner[j]];
    struct passage_hit x = hit_of(f, i), y = hit_of(f, j);
    if (a->sign == b->sign)
        mark_beside(weaker(a, b, &x, &y) < 0 ? b : a, abs(x.mm_s - y.mm_s));
}

/* The image of imperfect I/Q: as fast as another the other way, and weaker all along.  The filter
 * smooths scatter and lags where the angle changes fast: the better of both counts. */
static bool is_mirrored(const struct passage *p, const struct passage_track *t,
                        const struct passage_hit *hit) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        const struct passage_track *o = &p->tracks[i];
        if (!live(o) || o->sign == t->sign || hit->t_ns - o->last_ns > IMAGE_NS)
            continue;
        const struct passage_hit *same = &o->hit[o->kept - 1];
        int32_t other = same->t_ns == hit->t_ns ? same->mm_s : passage_track_predict(o, hit->t_ns);
        int32_t smooth = abs(other - t->level_mm_s), raw = abs(other - hit->mm_s);
        int32_t off = raw < smooth ? raw : smooth;
        bool told = o->log_mag > 0 && t->log_mag > 0;
        bool less = told ? o->log_mag - t->log_mag >= IMAGE_LOG : o->hits > t->hits;
        if (less && off <= IMAGE_MM_S + 2 * t->noise_mm_s)
            return true;
    }
    return false;
}

static void mark_beside_all(struct passage *p, const struct radar_frame *f, const int *owner) {
    for (unsigned i = 0; i < f->count; i++) {
        struct passage_hit hit = hit_of(f, i);
        if (owner[i] >= 0)
            p->tracks[owner[i]].mirrored += is_mirrored(p, &p->tracks[owner[i]], &hit);
        for (unsigned j = i + 1; j < f->count; j++)
            if (owner[i] >= 0 && owner[j] >= 0)
                mark_pair(p, f, owner, i, j);
    }
}

/* ---- from the first hit to the last ---- */

static void company(struct passage *p, unsigned a, unsigned b) {
    p->tracks[a].company |= 1u << b;
    p->tracks[b].company |= 1u << a;
}

static void give(struct passage *p, unsigned at, const struct radar_frame *f, unsigned target) {
    struct passage_track *t = &p->tracks[at];
    struct passage_hit hit = hit_of(f, target);
    passage_track_hit(t, &hit, f->targets[target].magnitude);
    for (unsigned i = 0; i < PASSAGE_TRACKS && t->hits == p->conf.min_hits; i++) {
        const struct passage_track *o = &p->tracks[i];
        if (i != at && live(o) && o->sign == t->sign && o->hits >= p->conf.min_hits)
            company(p, at, i);
    }
}

/* An unused track; < 0: none. */
static int unused(const struct passage *p) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (!p->tracks[i].used)
            return (int)i;
    return -1;
}

/* The track that the target begins; < 0: there is no room. */
static int open_track(struct passage *p, const struct radar_frame *f, unsigned target) {
    int at = unused(p);
    if (at < 0) {
        p->refused_targets++;
        return at;
    }
    struct passage_hit hit = hit_of(f, target);
    passage_track_begin(&p->tracks[at], sign_of(&f->targets[target]), &hit);
    if (f->t_ns - p->first_ns < p->conf.silence_ns / 4)
        p->tracks[at].flags |= PASSAGE_TRUNCATED;
    give(p, (unsigned)at, f, target);
    return at;
}

static void drop(struct passage *p, unsigned at) {
    p->tracks[at].used = false;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        p->tracks[i].company &= ~(1u << at);
}

static void end_track(struct passage *p, unsigned at) {
    struct passage_track *t = &p->tracks[at];
    t->ended = passage_judge(p, t, &t->vehicle);
    if (!t->ended)
        drop(p, at);
}

/* A track that is sure to be one: does it go on where another was lost? */
static void resume(struct passage *p, unsigned at) {
    struct passage_track *t = &p->tracks[at];
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *o = &p->tracks[i];
        if (!o->used || !o->ended || (o->flags | t->flags) & PASSAGE_OVERLAP ||
            (o->company | t->company) != 0 || !passage_body_resumes(o, t))
            continue;
        o->ended = false;
        for (unsigned k = 0; k < t->kept; k++)
            passage_track_hit(o, &t->hit[k], passage_magnitude(t->hit[k].log_mag));
        o->flags |= t->flags;
        drop(p, at);
        return;
    }
}

/* Another vehicle took over a track: what follows the change becomes a track of its own. */
static void part(struct passage *p, unsigned at) {
    unsigned from = passage_jump(&p->tracks[at]);
    int next = from > 0 ? unused(p) : -1;
    if (next < 0)
        return;
    passage_track_split(&p->tracks[at], from, &p->tracks[next]);
    company(p, at, (unsigned)next);
    end_track(p, at);
}

/* ---- one body, one vehicle ---- */

static void absorb(struct passage *p, unsigned into, unsigned at) {
    struct passage_vehicle *v = &p->tracks[into].vehicle, *w = &p->tracks[at].vehicle;
    v->first_ns = w->first_ns < v->first_ns ? w->first_ns : v->first_ns;
    v->last_ns = w->last_ns > v->last_ns ? w->last_ns : v->last_ns;
    v->magnitude = w->magnitude > v->magnitude ? w->magnitude : v->magnitude;
    v->max_mm_s = w->max_mm_s > v->max_mm_s ? w->max_mm_s : v->max_mm_s;
    v->flags |= w->flags;
    if (v->last_ns - v->first_ns >= p->conf.long_ns)
        v->flags |= PASSAGE_LONG;
    drop(p, at);
}

static void overlap(struct passage *p, unsigned at) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (p->tracks[i].used && p->tracks[i].company >> at & 1) {
            p->tracks[i].flags |= PASSAGE_OVERLAP;
            p->tracks[i].vehicle.flags |= PASSAGE_OVERLAP;
        }
    if (p->tracks[at].company != 0)
        p->tracks[at].vehicle.flags |= PASSAGE_OVERLAP;
}

/* Its whole body has ended: 1 if it is the part that stands for it. */
static unsigned release(struct passage *p, unsigned at, struct passage_vehicle *ret_vehicle) {
    uint32_t body = 0;
    unsigned main = at;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        const struct passage_track *o = &p->tracks[i];
        if (i == at || !o->used || !o->ended || !passage_body_same(&p->tracks[at], o))
            continue;
        body |= 1u << i;
        main = passage_body_main(o, &p->tracks[main]) ? i : main;
    }
    if (main != at) {
        absorb(p, main, at);
        return 0;
    }
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (body >> i & 1)
            absorb(p, at, i);
    overlap(p, at);
    *ret_vehicle = p->tracks[at].vehicle;
    if (ret_vehicle->quality == QUALITY_A &&
        ret_vehicle->flags & (PASSAGE_OVERLAP | PASSAGE_TRUNCATED | PASSAGE_LONG))
        ret_vehicle->quality = QUALITY_B;
    drop(p, at);
    return 1;
}

/* ---- time ---- */

/* Far away and weak, or seen by a slow sensor, a vehicle is silent for longer. */
static int64_t silence_of(const struct passage_conf *conf, const struct passage_track *t) {
    int64_t ns = 4 * t->interval_ns;
    ns = ns > SILENCE_MAX_NS ? SILENCE_MAX_NS : ns;
    return (ns > conf->silence_ns ? ns : conf->silence_ns) + t->masked_ns;
}

/* When something happens to a track if nothing more is seen of it. */
static int64_t due_ns(const struct passage *p, const struct passage_track *t) {
    if (live(t))
        return t->last_ns + silence_of(&p->conf, t);
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (live(&p->tracks[i]) && passage_body_waits(t, &p->tracks[i]))
            return INT64_MAX;
    return passage_body_until_ns(t);
}

/* One after the other in order of their times, so that it does not matter how often we are asked.
 */
static unsigned pass_time(struct passage *p, int64_t now_ns, struct passage_vehicle *ret) {
    unsigned n = 0;
    for (;;) {
        int64_t soonest = now_ns;
        int at = -1;
        for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
            int64_t due = p->tracks[i].used ? due_ns(p, &p->tracks[i]) : INT64_MAX;
            if (due < soonest) {
                soonest = due;
                at = (int)i;
            }
        }
        if (at < 0)
            return n;
        if (p->tracks[at].ended)
            n += release(p, (unsigned)at, &ret[n]);
        else
            end_track(p, (unsigned)at);
    }
}

/* A full frame of stronger targets says nothing about the silence of a weaker one. */
static bool hides(const struct radar_frame *f, const struct passage_track *t) {
    for (unsigned j = 0; j < f->count; j++) {
        int32_t log_mag = passage_log(f->targets[j].magnitude);
        bool other = sign_of(&f->targets[j]) != t->sign;
        bool stronger = log_mag > 0 && t->log_mag > 0 && log_mag > t->log_mag - HIDES_LOG;
        if (!stronger && !(other && log_mag == 0))
            return false;
    }
    return t->hits >= YOUNG_HITS && t->last_ns < f->t_ns;
}

static void mask(struct passage *p, const struct radar_frame *f, int64_t dt_ns) {
    if (f->count < p->capacity)
        return;
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *t = &p->tracks[i];
        bool hidden = live(t) && hides(f, t);
        if (hidden && t->masked_ns + dt_ns <= MASKED_MAX_NS)
            t->masked_ns += dt_ns;
    }
}

/* What of a frame can be a vehicle. */
static struct radar_frame sifted(struct passage *p, const struct radar_frame *f) {
    struct radar_frame out = {.t_ns = f->t_ns, .count = 0};
    unsigned count = f->count < RADAR_TARGETS_MAX ? f->count : RADAR_TARGETS_MAX;
    for (unsigned i = 0; i < count; i++)
        if (usable(&p->conf, &f->targets[i]))
            out.targets[out.count++] = f->targets[i];
        else
            p->refused_targets++;
    if (count > p->capacity)
        p->capacity = count;
    return out;
}

static void associate(struct passage *p, const struct radar_frame *f) {
    uint32_t taken = 0;
    int owner[RADAR_TARGETS_MAX];
    struct pair pair;
    memset(owner, -1, sizeof owner);
    while (cheapest(p, f, taken, owner, &pair)) {
        taken |= 1u << pair.track;
        owner[pair.target] = (int)pair.track;
        give(p, pair.track, f, pair.target);
    }
    for (unsigned j = 0; j < f->count; j++)
        if (owner[j] < 0)
            owner[j] = open_track(p, f, j);
    mark_beside_all(p, f, owner);
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++)
        if (taken >> i & 1 && p->tracks[i].hits == p->conf.min_hits)
            resume(p, i);
        else if (taken >> i & 1)
            part(p, i);
}

/* Follows the low end of the times between frames: a sensor may be silent when it sees nothing. */
static void learn_interval(struct passage *p, int64_t dt_ns) {
    if (dt_ns <= 0)
        return;
    if (p->frame_ns == 0 || dt_ns < p->frame_ns)
        p->frame_ns = p->frame_ns == 0 ? dt_ns : p->frame_ns - (p->frame_ns - dt_ns) / 4;
    else
        p->frame_ns += (dt_ns < 3 * p->frame_ns / 2 ? dt_ns - p->frame_ns : p->frame_ns / 2) / 32;
}

unsigned passage_frame(struct passage *p, const struct radar_frame *frame,
                       struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    if (p->begun && frame->t_ns < p->last_ns) {
        p->refused_frames++;
        return 0;
    }
    if (!p->begun)
        p->first_ns = p->last_ns = frame->t_ns;
    p->begun = true;
    unsigned n = pass_time(p, frame->t_ns, ret_vehicles);
    struct radar_frame f = sifted(p, frame);
    int64_t dt = frame->t_ns - p->last_ns;
    learn_interval(p, dt);
    associate(p, &f);
    mask(p, &f, dt);
    p->last_ns = frame->t_ns;
    return n;
}

unsigned passage_tick(struct passage *p, int64_t now_ns,
                      struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    return pass_time(p, now_ns, ret_vehicles);
}

unsigned passage_flush(struct passage *p, struct passage_vehicle ret_vehicles[PASSAGE_TRACKS]) {
    for (unsigned i = 0; i < PASSAGE_TRACKS; i++) {
        struct passage_track *t = &p->tracks[i];
        if (live(t) && p->last_ns - t->last_ns <= p->conf.silence_ns / 4)
            t->flags |= PASSAGE_TRUNCATED;
    }
    return pass_time(p, INT64_MAX, ret_vehicles);
}

void passage_event(const struct passage_vehicle *vehicle, struct event *ret_event) {
    int64_t steps = (vehicle->last_ns - vehicle->first_ns + 50000000) / 100000000;
    double db = vehicle->magnitude > 0 ? 20.0 * log10((double)vehicle->magnitude) : 0.0;
    int64_t t_ms = vehicle->first_ns / 1000000;
    *ret_event = (struct event){
        .t_ms = t_ms - ((t_ms % 10) + 10) % 10,
        .kind = EVENT_PASSAGE,
        .passage =
            {
                .direction = (uint8_t)vehicle->direction,
                .speed_mph10 = (uint16_t)((int64_t)vehicle->speed_mm_s * 1000 / 44704),
                .duration_ms = (uint32_t)(steps * 100),
                .magnitude_db = (int16_t)lround(db),
                .quality = (uint8_t)vehicle->quality,
                .flags = vehicle->flags,
            },
    };
}
