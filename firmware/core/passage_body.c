#include "passage_body.h"
#include "passage_track.h"
#include <assert.h>
#include <stdlib.h>

enum {
    LENGTH_MM = 17000,    /* the longest body on the road: 16.5 m, articulated */
    SAME_MM_S = 600,      /* speeds of one body, seen from two sides */
    RELATED_PERCENT = 25, /* ... when one was seen in part of the way only */
    ENDS = 4,             /* hits that an end of a track is judged by */
    STEADY_MM_S = 200,    /* far from the sensor the angle changes the speed by less */
    RESUME_MM_S = 250,    /* a speed that goes on ... */
    RESUME_MM_S2 = 100,   /* ... after so many seconds */
    RESUME_LOG = 256,     /* and a strength: twice */
};
#define RESUME_NS (2 * PASSAGE_S)
#define LENGTH_MAX_NS (PASSAGE_S * 21 / 20)

/* How long the longest body takes to pass. */
static int64_t length_ns(int32_t mm_s) {
    int64_t ns = LENGTH_MM * PASSAGE_S / (mm_s > 0 ? mm_s : 1);
    return ns < LENGTH_MAX_NS ? ns : LENGTH_MAX_NS;
}

/* When it was nearest. */
static int64_t near_ns(const struct passage_track *t) {
    return t->sign > 0 ? t->last_ns : t->first_ns;
}

bool passage_body_waits(const struct passage_track *ended, const struct passage_track *live) {
    int64_t off = near_ns(live) - near_ns(ended), most = length_ns(ended->vehicle.speed_mm_s);
    /* An inbound one may come nearer yet. */
    return live->sign == ended->sign && off <= most && (live->sign > 0 || off >= -most);
}

int64_t passage_body_until_ns(const struct passage_track *ended) {
    int64_t body_ns = near_ns(ended) + length_ns(ended->vehicle.speed_mm_s);
    int64_t resume_ns = ended->last_ns + RESUME_NS;
    return body_ns > resume_ns ? body_ns : resume_ns;
}

/* Mean of the hits at one end of a track. */
static int32_t end_mean(const struct passage_track *t, bool last, bool log) {
    unsigned n = t->kept < ENDS ? t->kept : ENDS;
    const struct passage_hit *h = last ? &t->hit[t->kept - n] : t->hit;
    int32_t sum = 0;
    assert(n > 0);
    for (unsigned i = 0; i < n; i++)
        sum += log ? h[i].log_mag : h[i].mm_s;
    return sum / (int32_t)n;
}

bool passage_body_resumes(const struct passage_track *ended, const struct passage_track *next) {
    int64_t gap = next->first_ns - ended->last_ns;
    if (next->sign != ended->sign || gap <= 0 || gap > RESUME_NS)
        return false;
    int32_t was = end_mean(ended, true, false), is = end_mean(next, false, false);
    if (abs(is - was) > RESUME_MM_S + passage_grown(RESUME_MM_S2, gap))
        return false;
    /* Whoever came near has passed: what follows is the next. */
    if (ended->sign > 0 && end_mean(ended, false, false) - was > STEADY_MM_S)
        return false;
    int32_t fades = ended->sign * (end_mean(ended, true, true) - end_mean(next, false, true));
    return ended->log_mag == 0 || next->log_mag == 0 || fades <= RESUME_LOG;
}

bool passage_body_main(const struct passage_track *a, const struct passage_track *b) {
    if (a->hits != b->hits)
        return a->hits > b->hits;
    return a->vehicle.magnitude != b->vehicle.magnitude
               ? a->vehicle.magnitude > b->vehicle.magnitude
               : a->first_ns < b->first_ns;
}

bool passage_body_same(const struct passage_track *a, const struct passage_track *b) {
    const struct passage_track *m = passage_body_main(a, b) ? a : b, *s = m == a ? b : a;
    int64_t most = length_ns(m->vehicle.speed_mm_s), off = near_ns(a) - near_ns(b);
    if (a->sign != b->sign || off > most || off < -most)
        return false;
    if (abs(m->vehicle.speed_mm_s - s->vehicle.speed_mm_s) <= SAME_MM_S)
        return true;
    bool partly = s->last_ns - s->first_ns <= most || s->beside * 2 >= s->hits;
    return partly && abs(m->vehicle.speed_mm_s - s->vehicle.median_mm_s) <=
                         m->vehicle.speed_mm_s / 100 * RELATED_PERCENT;
}
