#include "motion.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define G_M_S2 9.81
#define DEGREES (180 / 3.14159265358979323846)

/* Why these figures: MOTION.md.  Those with a * grow with conf.factor. */
static const double GRAVITY_S = 0.5; /* time constant of what is taken for gravity */
static const double SPEED_S = 0.05;  /* and of the leaky sum that is a change of speed */
static const double BUZZ_S = 0.0064; /* and of what is slower than a buzz: 25 Hz */
static const double STIR_G = 0.03, STIR_DEG = 1.5;
static const double BLOW_M_S = 0.26;          /* * a hammer's, a kick's; no gale's */
static const double GRIND_G = 0.4;            /* * buzz of what cuts steel */
static const double SAW_G = 0.07;             /* * buzz, kept up for long */
static const double TONE = 2.35, CLATTER = 5; /* kurtosis: a tone 1.5, noise 3 */
static const double QUICK = 0.4; /* share of a tool's motion that is buzz; a gate sways */
static const double MOVED_DEG = 12, HANDLED_G = 0.4;  /* turned by a hand, not shaken */
static const double LEVER_DEG = 3.5, LEVER_M_S = 0.1; /* * strain, then a slip */
static const double SNAP_M_S = 0.28;                  /* * after strain */
static const double OUTSTANDING = 3;                  /* times what has been usual lately */

enum {
    STILL_FRAMES = 16, /* two seconds: an episode is over */
    BLOWS_WITHIN = 80, /* ten seconds */
    GRIND_WITHIN = 24,
    GRIND_FRAMES = 15,
    SAW_WITHIN = 48,
    SAW_FRAMES = 34,
    MOVED_WITHIN = 16,
    MOVED_FRAMES = 10,
    LEVERS_WITHIN = 120,
    LEVER_WITHIN = 8,
    LEVER_FRAMES = 3,
    STRAIN_WITHIN = 24,
    STRAIN_FRAMES = 8,
    SETTLE_FRAMES = 40,
    SAGGED_FRAMES = 480,
    USUAL_WITHIN = 64,
    KURTOSIS_FRAMES = 4,
    AWAKE_FRAMES = 6,
    USUAL_HZ = 200,
};

void motion_init(struct motion *m, const struct motion_conf *conf) {
    assert(conf->rate_hz >= MOTION_FRAMES_HZ && conf->factor > 0);
    memset(m, 0, sizeof *m);
    m->conf = *conf;
}

void motion_set_factor(struct motion *m, double factor) {
    assert(factor > 0);
    m->conf.factor = factor;
}

bool motion_busy(const struct motion *m) {
    return m->busy || m->awake > 0;
}

double motion_share(const struct motion *m) {
    return m->share;
}

void motion_rest(struct motion *m) {
    memcpy(m->rest, m->gravity, sizeof m->rest);
    m->calm = 0;
}

/* The frame that was `back` frames before the newest; an empty one if there was none. */
static const struct motion_frame *before(const struct motion *m, unsigned back) {
    static const struct motion_frame NONE;
    return back < m->frame && back < MOTION_FRAMES
               ? &m->frames[(m->frame - 1 - back) % MOTION_FRAMES]
               : &NONE;
}

/* --- features ------------------------------------------------------------------------------- */

/* The median change of speed of the last eight seconds, by halving: what is usual here and now. */
static double usual_m_s(const struct motion *m) {
    double low = 0, high = 2;
    for (int n = 0; n < 10; n++) {
        double middle = (low + high) / 2;
        unsigned under = 0;
        for (unsigned i = 0; i < USUAL_WITHIN; i++)
            under += before(m, i)->speed_m_s < middle;
        if (under * 2 > USUAL_WITHIN)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Peaks of speed over a threshold, at least a quarter of a second apart. */
static unsigned blows(const struct motion *m, double least_m_s, unsigned within) {
    unsigned count = 0;
    for (unsigned i = 0; i < within; i++) {
        double v = before(m, i)->speed_m_s;
        if (v >= least_m_s && v >= before(m, i + 1)->speed_m_s &&
            (i == 0 || v > before(m, i - 1)->speed_m_s)) {
            count++;
            i++;
        }
    }
    return count;
}

/* Of half a second up to the frame `back`. */
static double kurtosis(const struct motion *m, unsigned back) {
    double square = 0, fourth = 0;
    for (unsigned i = 0; i < KURTOSIS_FRAMES; i++) {
        square += (double)before(m, back + i)->square;
        fourth += (double)before(m, back + i)->fourth;
    }
    return square > 0 ? KURTOSIS_FRAMES * fourth / (square * square) : 0;
}

/* A tool at work: frames that buzz, most of them no tone (an engine), no clatter (hail, a loose
 * latch) and no sway (a gate in the wind). */
static bool buzzes(const struct motion *m, double least_g, unsigned within, unsigned least_frames) {
    unsigned frames = 0, tools = 0;
    for (unsigned i = 0; i < within; i++) {
        const struct motion_frame *f = before(m, i);
        if (f->buzz_g < least_g)
            continue;
        double k = kurtosis(m, i);
        frames++;
        tools += k > TONE && k < CLATTER && f->buzz_g > QUICK * f->rms_g;
    }
    return frames >= least_frames && tools * 10 > frames * 7;
}

static bool moved(const struct motion *m) {
    unsigned frames = 0;
    for (unsigned i = 0; i < MOVED_WITHIN; i++)
        frames += before(m, i)->tilt_deg >= MOVED_DEG && before(m, i)->rms_g < HANDLED_G;
    return frames >= MOVED_FRAMES && before(m, 0)->tilt_deg >= MOVED_DEG;
}

static bool strained(const struct motion *m) {
    unsigned frames = 0;
    for (unsigned i = 1; i <= STRAIN_WITHIN; i++)
        frames += before(m, i)->rms_g >= STIR_G || before(m, i)->tilt_deg >= LEVER_DEG;
    return frames >= STRAIN_FRAMES;
}

static bool leans(const struct motion *m, unsigned back) {
    unsigned frames = 0;
    for (unsigned i = back; i < back + LEVER_WITHIN; i++)
        frames += before(m, i)->tilt_deg >= LEVER_DEG && before(m, i)->rms_g < HANDLED_G;
    return frames >= LEVER_FRAMES;
}

/* Gravity leans, then something gives way: a bar, heaved. */
static unsigned levers(const struct motion *m, double least_m_s) {
    unsigned count = 0;
    for (unsigned i = 0; i < LEVERS_WITHIN; i++)
        if (before(m, i)->speed_m_s >= least_m_s && leans(m, i + 1)) {
            count++;
            i += 3;
        }
    return count;
}

/* --- judgement ------------------------------------------------------------------------------ */

/* A sensor passes half its rate: of a noise that goes on beyond, a slow one feels less. */
static double bandwidth(const struct motion *m) {
    double times = (double)m->conf.rate_hz / USUAL_HZ;
    return times < 1 ? times : sqrt(times);
}

static enum motion_verdict judged(const struct motion *m) {
    double k = m->conf.factor, v = before(m, 0)->speed_m_s;
    double outstanding = OUTSTANDING * usual_m_s(m), buzz = k * bandwidth(m);
    if (moved(m))
        return MOTION_MOVED;
    if (blows(m, fmax(BLOW_M_S * k, outstanding), BLOWS_WITHIN) >= 2 ||
        buzzes(m, GRIND_G * buzz, GRIND_WITHIN, GRIND_FRAMES) ||
        buzzes(m, SAW_G * buzz, SAW_WITHIN, SAW_FRAMES) ||
        levers(m, fmax(LEVER_M_S * k, outstanding / 2)) >= 2 ||
        (v >= fmax(SNAP_M_S * k, outstanding) && strained(m)))
        return MOTION_ATTACK;
    return v >= BLOW_M_S * k ? MOTION_DOUBT : MOTION_QUIET;
}

static void note_share(struct motion *m) {
    double share = fmax(before(m, 0)->speed_m_s / BLOW_M_S, before(m, 0)->buzz_g / GRIND_G);
    if (share > m->share)
        m->share = share;
}

/* A new rest: slowly while all is still; at once where it has stayed for a minute after it was
 * turned, or a gate has sagged.  A hand that turns it is noticed long before. */
static void settle(struct motion *m) {
    if (m->calm >= SAGGED_FRAMES)
        motion_rest(m);
    if (m->still < SETTLE_FRAMES)
        return;
    for (int i = 0; i < 3; i++)
        m->rest[i] += 0.02 * (m->gravity[i] - m->rest[i]);
}

static enum motion_verdict end_episode(struct motion *m) {
    enum motion_verdict told = m->told;
    m->busy = false;
    m->told = MOTION_QUIET;
    return told == MOTION_QUIET ? MOTION_NUISANCE : MOTION_QUIET;
}

static enum motion_verdict judge(struct motion *m) {
    const struct motion_frame *f = before(m, 0);
    m->awake -= m->awake > 0;
    bool stirs = f->rms_g >= STIR_G || f->tilt_deg >= STIR_DEG;
    m->still = stirs ? 0 : m->still + 1;
    m->calm = f->rms_g >= STIR_G ? 0 : m->calm + 1;
    settle(m);
    if (!m->busy && !stirs)
        return MOTION_QUIET;
    if (!m->busy)
        m->share = 0;
    m->busy = true;
    note_share(m);
    enum motion_verdict now = judged(m);
    if (now > m->told) {
        m->told = now;
        return now;
    }
    return m->still >= STILL_FRAMES ? end_episode(m) : MOTION_QUIET;
}

/* --- frames --------------------------------------------------------------------------------- */

static double tilt_deg(const struct motion *m) {
    double dot = 0, a = 0, b = 0;
    for (int i = 0; i < 3; i++) {
        dot += m->rest[i] * m->gravity[i];
        a += m->rest[i] * m->rest[i];
        b += m->gravity[i] * m->gravity[i];
    }
    if (a <= 0 || b <= 0)
        return 0;
    double c = dot / sqrt(a * b);
    return acos(c > 1 ? 1 : c < -1 ? -1 : c) * DEGREES;
}

static void forget_frame(struct motion *m) {
    m->in_frame = 0;
    m->sum = m->peak_speed = 0;
    memset(m->square, 0, sizeof m->square);
    memset(m->fourth, 0, sizeof m->fourth);
}

static enum motion_verdict end_frame(struct motion *m) {
    int axis = m->square[1] > m->square[0] ? 1 : 0;
    axis = m->square[2] > m->square[axis] ? 2 : axis;
    double n = m->in_frame;
    m->frames[m->frame % MOTION_FRAMES] = (struct motion_frame){
        .rms_g = (float)sqrt(m->sum / n),
        .buzz_g = (float)sqrt((m->square[0] + m->square[1] + m->square[2]) / n),
        .speed_m_s = (float)(m->peak_speed * G_M_S2),
        .tilt_deg = (float)tilt_deg(m),
        .square = (float)(m->square[axis] / n),
        .fourth = (float)(m->fourth[axis] / n),
    };
    m->frame++;
    forget_frame(m);
    return judge(m);
}

/* Part of the way to a new value in one sample, for a time constant. */
static double step(const struct motion *m, double constant_s) {
    double dt = 1.0 / m->conf.rate_hz;
    return dt / (dt + constant_s);
}

enum motion_verdict motion_feed(struct motion *m, const struct motion_sample *sample) {
    double dt = 1.0 / m->conf.rate_hz, speed = 0;
    for (int i = 0; i < 3; i++) {
        double g = sample->mg[i] / 1000.0;
        if (!m->begun)
            m->rest[i] = m->gravity[i] = g;
        m->gravity[i] += step(m, GRAVITY_S) * (g - m->gravity[i]);
        double a = g - m->gravity[i];
        m->speed[i] += a * dt - m->speed[i] * dt / SPEED_S;
        m->slow[i] += step(m, BUZZ_S) * (a - m->slow[i]);
        double buzz = a - m->slow[i];
        m->sum += a * a;
        m->square[i] += buzz * buzz;
        m->fourth[i] += buzz * buzz * buzz * buzz;
        speed += m->speed[i] * m->speed[i];
    }
    m->begun = true;
    m->peak_speed = fmax(m->peak_speed, sqrt(speed));
    if (++m->in_frame < m->conf.rate_hz / MOTION_FRAMES_HZ)
        return MOTION_QUIET;
    return end_frame(m);
}

void motion_skip(struct motion *m) {
    memset(m->speed, 0, sizeof m->speed);
    memset(m->slow, 0, sizeof m->slow);
    m->awake = AWAKE_FRAMES;
    forget_frame(m);
}
