/* Segmentation: what it promises whatever the scene, and single scenes by hand. */
#include "passage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

enum { FRAMES_MAX = 4096, VEHICLES_MAX = 256 };

struct tape {
    unsigned n;
    struct radar_frame frame[FRAMES_MAX];
};

struct result {
    unsigned n;
    struct passage_vehicle at[VEHICLES_MAX];
};

static struct tape tape, other;
static unsigned seed = 1;

/* A vehicle by the textbook: radial speed v x / R, magnitude 1 / R^2, lane d, 20 frames a second;
 * from 60 m to 10 m or back.  Added to what the tape holds. */
static void pass_by(struct tape *t, double from_s, double v, int sign, double d, bool weighed) {
    for (unsigned i = 0; i < t->n; i++) {
        double s = (double)t->frame[i].t_ns / 1e9 - from_s;
        double x = sign > 0 ? 60 - v * s : 10 + v * s, r = sqrt(x * x + d * d);
        struct radar_frame *f = &t->frame[i];
        if (s < 0 || x < 10 || x > 60 || f->count == RADAR_TARGETS_MAX)
            continue;
        double radial = v * x / r + (rand() % 201 - 100) * 0.001;
        f->targets[f->count].speed_mm_s = sign * (int32_t)lround(radial * 1000);
        f->targets[f->count++].magnitude = weighed ? (uint32_t)lround(600 * 400 / (r * r)) : 0;
    }
}

static void blank_tape(struct tape *t, double seconds) {
    t->n = (unsigned)(seconds * 20);
    for (unsigned i = 0; i < t->n; i++)
        t->frame[i] = (struct radar_frame){.t_ns = 1000 * S + i * 50 * MS, .count = 0};
}

/* Something of everything, different every seed: traffic, noise, drops. */
static void random_tape(struct tape *t) {
    blank_tape(t, 120);
    srand(seed);
    /* One after the other: the order within a call is the compiler's. */
    for (int k = 0; k < 25; k++) {
        int from_s = rand() % 110, v = 5 + rand() % 25, sign = rand() % 2 ? 1 : -1;
        int d = 3 + rand() % 5;
        pass_by(t, 1000 + from_s, v, sign, d, rand() % 5 > 0);
    }
    for (unsigned i = 0; i < t->n; i++) {
        struct radar_frame *f = &t->frame[i];
        f->t_ns += (rand() % 10) * MS;
        if (rand() % 5 == 0)
            f->count = 0;
        for (int n = rand() % 4; n > 0 && f->count < RADAR_TARGETS_MAX; n--) {
            int32_t mm_s = rand() % 20000;
            f->targets[f->count].speed_mm_s = (rand() % 2 ? mm_s : -mm_s) + 1;
            f->targets[f->count++].magnitude = (uint32_t)(rand() % 80);
        }
    }
}

static void gather(struct result *r, const struct passage_vehicle *v, unsigned n) {
    assert_in_range(n, 0, PASSAGE_TRACKS);
    for (unsigned i = 0; i < n; i++)
        r->at[r->n++] = v[i];
}

static void run(const struct tape *t, unsigned ticks, struct result *ret_result) {
    static struct passage p;
    struct passage_vehicle v[PASSAGE_TRACKS];
    memset(ret_result, 0, sizeof *ret_result);
    passage_init(&p, &PASSAGE_DEFAULTS);
    for (unsigned i = 0; i < t->n; i++) {
        gather(ret_result, v, passage_frame(&p, &t->frame[i], v));
        int64_t gap = i + 1 < t->n ? t->frame[i + 1].t_ns - t->frame[i].t_ns : 0;
        for (unsigned k = 1; k <= ticks; k++)
            gather(ret_result, v, passage_tick(&p, t->frame[i].t_ns + gap * k / (ticks + 1), v));
    }
    gather(ret_result, v, passage_flush(&p, v));
    assert_int_equal(passage_flush(&p, v), 0);
}

static int by_time(const void *a, const void *b) {
    const struct passage_vehicle *v = a, *w = b;
    if (v->first_ns != w->first_ns)
        return v->first_ns < w->first_ns ? -1 : 1;
    return (int)v->direction - (int)w->direction;
}

/* In the order in which they were told. */
static void assert_told_alike(const struct result *a, const struct result *b) {
    assert_int_equal(a->n, b->n);
    for (unsigned i = 0; i < a->n; i++) {
        assert_int_equal(a->at[i].first_ns, b->at[i].first_ns);
        assert_int_equal(a->at[i].last_ns, b->at[i].last_ns);
        assert_int_equal(a->at[i].direction, b->at[i].direction);
        assert_int_equal(a->at[i].speed_mm_s, b->at[i].speed_mm_s);
        assert_int_equal(a->at[i].hits, b->at[i].hits);
        assert_int_equal(a->at[i].flags, b->at[i].flags);
    }
}

static void assert_same(struct result *a, struct result *b) {
    qsort(a->at, a->n, sizeof *a->at, by_time);
    qsort(b->at, b->n, sizeof *b->at, by_time);
    assert_told_alike(a, b);
}

static struct result a, b;

static void test_ticks_change_nothing(void **state) {
    (void)state;
    for (seed = 1; seed <= 60; seed++) {
        random_tape(&tape);
        run(&tape, 0, &a);
        run(&tape, 3, &b);
        assert_true(a.n > 5);
        assert_told_alike(&a, &b);
    }
}

static void test_shift_in_time(void **state) {
    (void)state;
    for (seed = 1; seed <= 20; seed++) {
        random_tape(&tape);
        other = tape;
        for (unsigned i = 0; i < other.n; i++)
            other.frame[i].t_ns += 86400 * S + 123456789;
        run(&tape, 0, &a);
        run(&other, 0, &b);
        for (unsigned i = 0; i < b.n; i++) {
            b.at[i].first_ns -= 86400 * S + 123456789;
            b.at[i].last_ns -= 86400 * S + 123456789;
        }
        assert_same(&a, &b);
    }
}

/* Mirrored in sign *and* time an approach is a departure; in sign alone only the direction of what
 * is decided by speed alone turns, which is what this tape without magnitudes holds. */
static void test_mirrored_signs(void **state) {
    (void)state;
    blank_tape(&tape, 60);
    for (int k = 0; k < 6; k++)
        pass_by(&tape, 1002 + k * 9, 12 + k, k % 2 ? 1 : -1, 5, false);
    other = tape;
    for (unsigned i = 0; i < other.n; i++)
        for (unsigned j = 0; j < other.frame[i].count; j++)
            other.frame[i].targets[j].speed_mm_s *= -1;
    run(&tape, 0, &a);
    run(&other, 0, &b);
    assert_int_equal(a.n, 6);
    for (unsigned i = 0; i < b.n; i++)
        b.at[i].direction = b.at[i].direction == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
    assert_same(&a, &b);
}

static void test_p90_and_event(void **state) {
    (void)state;
    blank_tape(&tape, 20);
    pass_by(&tape, 1005, 13.4, 1, 4, true);
    run(&tape, 0, &a);
    assert_int_equal(a.n, 1);
    const struct passage_vehicle *v = &a.at[0];
    assert_int_equal(v->direction, DIRECTION_IN);
    assert_int_equal(v->quality, QUALITY_A);
    assert_int_equal(v->flags, 0);
    assert_in_range(v->speed_mm_s, 13300, 13500);
    /* the oracle: sort the radial speeds of the tape, interpolate at 90 % (type 8) */
    int32_t speeds[FRAMES_MAX], n = 0;
    for (unsigned i = 0; i < tape.n; i++)
        if (tape.frame[i].count > 0) {
            int32_t x = tape.frame[i].targets[0].speed_mm_s, k = n++;
            for (; k > 0 && speeds[k - 1] > x; k--)
                speeds[k] = speeds[k - 1];
            speeds[k] = x;
        }
    double at = (n + 1.0 / 3) * 0.9 + 1.0 / 3 - 1;
    double want = speeds[(int)at] + (at - floor(at)) * (speeds[(int)at + 1] - speeds[(int)at]);
    assert_in_range(v->speed_mm_s, (int32_t)want - 1, (int32_t)want + 1);
    struct event e;
    struct passage_vehicle w = {.first_ns = 12345678901,
                                .last_ns = 12345678901 + 1249 * MS,
                                .direction = DIRECTION_OUT,
                                .speed_mm_s = 13411,
                                .magnitude = 1000};
    passage_event(&w, &e);
    assert_int_equal(e.t_ms, 12340);
    assert_int_equal(e.passage.speed_mph10, 299); /* 29.9995 mph is not yet 30 */
    assert_int_equal(e.passage.duration_ms, 1200);
    assert_int_equal(e.passage.magnitude_db, 60);
    assert_true(event_valid(&e));
    w.speed_mm_s = 13412;
    passage_event(&w, &e);
    assert_int_equal(e.passage.speed_mph10, 300);
}

/* Two that pass one another at the same speed are two, each its own way. */
static void test_opposite_at_once(void **state) {
    (void)state;
    blank_tape(&tape, 20);
    pass_by(&tape, 1005, 13.4, 1, 4, true);
    pass_by(&tape, 1005, 13.4, -1, 7.5, true);
    run(&tape, 0, &a);
    assert_int_equal(a.n, 2);
    assert_int_not_equal(a.at[0].direction, a.at[1].direction);
}

/* Only the strongest is told: the second of a platoon shows when the first has left. */
static void test_platoon_strongest_only(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        blank_tape(&tape, 30);
        for (int k = 0; k < 5; k++)
            pass_by(&tape, 1005 + 2.0 * k, 13.4, sign, 4, true);
        for (unsigned i = 0; i < tape.n; i++) {
            struct radar_frame *f = &tape.frame[i];
            for (unsigned j = 1; j < f->count; j++)
                if (f->targets[j].magnitude > f->targets[0].magnitude)
                    f->targets[0] = f->targets[j];
            f->count = f->count > 0;
        }
        run(&tape, 0, &a);
        assert_int_equal(a.n, 5);
    }
}

static void test_limits_and_flags(void **state) {
    (void)state;
    blank_tape(&tape, 20);
    pass_by(&tape, 1005, 61, 1, 4, true);
    run(&tape, 0, &a);
    assert_int_equal(a.n, 1);
    assert_true(a.at[0].flags & PASSAGE_SATURATED);
    blank_tape(&tape, 20);
    pass_by(&tape, 998, 13.4, -1, 4, true); /* in view when we began */
    pass_by(&tape, 1018, 13.4, 1, 4, true); /* and when we stopped */
    run(&tape, 0, &a);
    assert_int_equal(a.n, 2);
    assert_true((a.at[0].flags & PASSAGE_TRUNCATED) && (a.at[1].flags & PASSAGE_TRUNCATED));
    blank_tape(&tape, 30);
    pass_by(&tape, 1005, 5, 1, 4, true);
    run(&tape, 0, &a);
    assert_int_equal(a.n, 1);
    assert_true(a.at[0].flags & PASSAGE_LONG);
}

/* What one frame holds, strongest first, and of that only so many. */
static void strongest(struct tape *t, unsigned most) {
    for (unsigned i = 0; i < t->n; i++) {
        struct radar_frame *f = &t->frame[i];
        for (unsigned j = 0; j < f->count; j++)
            for (unsigned k = j + 1; k < f->count; k++)
                if (f->targets[k].magnitude > f->targets[j].magnitude) {
                    struct radar_target swap = f->targets[j];
                    f->targets[j] = f->targets[k];
                    f->targets[k] = swap;
                }
        f->count = f->count > most ? most : f->count;
    }
}

static void untold(struct tape *t) {
    for (unsigned i = 0; i < t->n; i++)
        for (unsigned j = 0; j < t->frame[i].count; j++)
            t->frame[i].targets[j].magnitude = 0;
}

/* Four reflections of 15 m of lorry, either way, all told or the strongest only, with magnitudes
 * and without: one vehicle.  Two cars as fast, 1.6 s apart: two. */
static void test_one_body(void **state) {
    (void)state;
    for (int k = 0; k < 16; k++) {
        int sign = k & 1 ? 1 : -1;
        bool lorry = k & 2;
        blank_tape(&tape, 20);
        srand((unsigned)k + 1);
        for (int i = 0; i < (lorry ? 4 : 2); i++)
            pass_by(&tape, 1005 + i * (lorry ? 5.0 / 15.6 : 1.6), 15.6, sign, 4, true);
        strongest(&tape, k & 4 ? 1 : 4);
        if (k & 8 && !(k & 4))
            untold(&tape);
        run(&tape, 0, &a);
        print_message("  %s %s, %s\n", lorry ? "lorry" : "two cars", sign > 0 ? "in" : "out",
                      k & 4   ? "strongest only"
                      : k & 8 ? "no magnitudes"
                              : "all told");
        assert_int_equal(a.n, lorry ? 1 : 2);
        assert_in_range(a.at[0].speed_mm_s, 15300, 15750);
        /* nobody else was there; two cars were */
        assert_int_equal(a.at[0].flags, lorry ? 0 : PASSAGE_OVERLAP);
    }
}

/* Where the sensor tells no magnitude the jump in speed alone gives the next one away. */
static void test_platoon_untold(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        blank_tape(&tape, 30);
        srand(11);
        for (int k = 0; k < 5; k++)
            pass_by(&tape, 1005 + 2.2 * k, 15.6, sign, 3.4, true);
        strongest(&tape, 1);
        untold(&tape);
        run(&tape, 0, &a);
        assert_int_equal(a.n, 5);
    }
}

/* One goes, half a second later another comes the other way, as fast: two, whatever is nearer. */
static void test_other_way(void **state) {
    (void)state;
    blank_tape(&tape, 30);
    srand(13);
    pass_by(&tape, 1005, 12.4, 1, 3, true);
    pass_by(&tape, 1009.4, 12.4, -1, 3, true);
    pass_by(&tape, 1013.9, 12.4, 1, 3, true);
    run(&tape, 0, &a);
    assert_int_equal(a.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(a.at[i].direction, i == 1 ? DIRECTION_OUT : DIRECTION_IN);
        assert_int_equal(a.at[i].flags, 0);
        assert_in_range(a.at[i].last_ns - a.at[i].first_ns, 3900 * MS, 4100 * MS);
    }
}

/* The image of imperfect I/Q: as fast the other way, a twentieth as strong or not told. */
static void test_image(void **state) {
    (void)state;
    for (int told = 0; told < 2; told++) {
        blank_tape(&tape, 20);
        srand(3);
        pass_by(&tape, 1005, 13.4, 1, 4, true);
        for (unsigned i = 0; i < tape.n; i++) {
            struct radar_frame *f = &tape.frame[i];
            if (f->count == 0 || i % 3 == 0)
                continue;
            f->targets[1].speed_mm_s = -f->targets[0].speed_mm_s + rand() % 200 - 100;
            f->targets[1].magnitude = 20 + f->targets[0].magnitude / 20;
            f->count = 2;
        }
        if (told == 0)
            untold(&tape);
        run(&tape, 0, &a);
        assert_int_equal(a.n, 1);
        assert_int_equal(a.at[0].direction, DIRECTION_IN);
    }
}

/* It faded out far away for a second and a half: still one. */
static void test_fades(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        blank_tape(&tape, 25);
        pass_by(&tape, 1005, 9, sign, 3, true);
        for (unsigned i = 0; i < tape.n; i++) {
            int64_t s = tape.frame[i].t_ns - 1005 * S;
            int64_t from = sign > 0 ? 1200 * MS : 2800 * MS;
            if (s > from && s < from + 1500 * MS)
                tape.frame[i].count = 0;
        }
        run(&tape, 0, &a);
        assert_int_equal(a.n, 1);
        assert_true(a.at[0].last_ns - a.at[0].first_ns > 5 * S);
    }
}

/* The angle hides a twelfth of the speed near the sensor: the radial speed of every tenth hit is
 * above what is told, whatever the order of the targets and the rate of the frames. */
static void test_order_and_rate(void **state) {
    (void)state;
    for (unsigned every = 1; every <= 4; every++) {
        blank_tape(&tape, 30);
        srand(5);
        pass_by(&tape, 1005, 13.4, 1, 4, true);
        pass_by(&tape, 1006, 17, -1, 7, true);
        pass_by(&tape, 1014, 13.4, 1, 4, true);
        unsigned n = 0;
        for (unsigned i = 0; i < tape.n; i += every)
            tape.frame[n++] = tape.frame[i];
        tape.n = n;
        other = tape;
        for (unsigned i = 0; i < n; i++)
            if (other.frame[i].count == 2) {
                other.frame[i].targets[0] = tape.frame[i].targets[1];
                other.frame[i].targets[1] = tape.frame[i].targets[0];
            }
        run(&tape, 0, &a);
        run(&other, 0, &b);
        assert_int_equal(a.n, 3);
        assert_same(&a, &b);
        for (unsigned i = 0; i < a.n; i++)
            assert_in_range(a.at[i].speed_mm_s, a.at[i].direction == DIRECTION_IN ? 13250 : 16500,
                            a.at[i].direction == DIRECTION_IN ? 13550 : 17150);
    }
}

/* Drops, blown leaves, runners: seen in some frames, or scattered, or never near.  Each by itself
 * is refused for its own reason. */
static void test_each_refusal(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int32_t mm_s, spread_mm_s;
        int every;      /* frames per hit */
        int hits, rise; /* of the magnitude, per hit */
    } NONE[] = {
        {"a runner with arms", 4200, 900, 1, 80, 3}, {"rain that lasts", 6000, 300, 3, 40, 20},
        {"a short glimpse", 7000, 100, 1, 10, 40},   {"three hits", 20000, 100, 1, 3, 200},
        {"a slow fan", 6000, 60, 1, 100, 0},         {"a walker", 3500, 200, 1, 200, 10},

    };
    for (size_t k = 0; k < sizeof NONE / sizeof *NONE; k++) {
        blank_tape(&tape, 30);
        srand(7);
        for (int i = 0; i < NONE[k].hits; i++) {
            struct radar_frame *f = &tape.frame[100 + i * NONE[k].every];
            int32_t spread = NONE[k].spread_mm_s;
            f->targets[0].speed_mm_s = NONE[k].mm_s + rand() % (2 * spread) - spread;
            f->targets[0].magnitude = (uint32_t)(100 + i * NONE[k].rise);
            f->count = 1;
        }
        run(&tape, 0, &a);
        print_message("  %s: %u\n", NONE[k].what, a.n);
        assert_int_equal(a.n, 0);
    }
}

/* Longer than what is kept, and far more at once than there are tracks: counted, not a crash. */
static void test_overload(void **state) {
    (void)state;
    static struct passage p;
    struct passage_vehicle v[PASSAGE_TRACKS];
    struct radar_frame f = {.count = 16};
    unsigned n = 0;
    passage_init(&p, &PASSAGE_DEFAULTS);
    for (int i = 0; i < 3000; i++) {
        f.t_ns = i * 50 * MS;
        for (int j = 0; j < 16; j++) {
            f.targets[j].speed_mm_s = 5000 + j * 3500 + i % 2 * 1750 + i % 7;
            f.targets[j].magnitude = (uint32_t)(100 + i / 4);
        }
        n += passage_frame(&p, &f, v);
    }
    assert_int_equal(n, 0);
    assert_int_equal(p.refused_targets, 1500 * 16);
    f.t_ns = 0;
    assert_int_equal(passage_frame(&p, &f, v), 0);
    assert_int_equal(p.refused_frames, 1);
    assert_in_range(passage_flush(&p, v), 0, PASSAGE_TRACKS);
}

/* A fan, and rain: nothing. */
static void test_no_vehicles(void **state) {
    (void)state;
    for (seed = 1; seed <= 10; seed++) {
        blank_tape(&tape, 200);
        srand(seed);
        for (unsigned i = 0; i < tape.n; i++) {
            struct radar_frame *f = &tape.frame[i];
            f->targets[0].speed_mm_s = 5200 + rand() % 200;
            f->targets[0].magnitude = (uint32_t)(60 + rand() % 30);
            f->targets[1].speed_mm_s = rand() % 9000 - 4500;
            f->targets[1].magnitude = (uint32_t)(15 + rand() % 25);
            f->count = 1 + (unsigned)rand() % 2;
        }
        run(&tape, 0, &a);
        assert_int_equal(a.n, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_change_nothing),
        cmocka_unit_test(test_shift_in_time),
        cmocka_unit_test(test_mirrored_signs),
        cmocka_unit_test(test_p90_and_event),
        cmocka_unit_test(test_opposite_at_once),
        cmocka_unit_test(test_platoon_strongest_only),
        cmocka_unit_test(test_limits_and_flags),
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_no_vehicles),
        cmocka_unit_test(test_platoon_untold),
        cmocka_unit_test(test_other_way),
        cmocka_unit_test(test_one_body),
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_fades),
        cmocka_unit_test(test_order_and_rate),
        cmocka_unit_test(test_each_refusal),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    if (r != 0)
        print_message("last seed %u\n", seed);
    return r;
}
