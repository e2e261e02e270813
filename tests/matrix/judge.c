/* SPDX-License-Identifier: MIT */
#include "matrix/judge.h"

#include "matrix/run.h"

#define FULL       0.92  /* of the limit, once it is found */
#define LEAST      0.4   /* of the limit, however short the time is to find it */
#define FIND       6     /* round trips */
#define FIND_AGAIN 3     /* the same where the path had it before */
#define SHORT_MS   10    /* of buffer, with which a TCP that fills buffers gets nowhere */
#define LOSSY      0.001 /* losses from which a TCP is held up by them */

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double loss_of(const struct matrix_link *l)
{
    return l->loss / 10000.0;
}

static double rtt_ms(const struct matrix_link *l)
{
    return (2 * l->delay_us + l->jitter_us) / 1000.0;
}

static double buffer_ms(const struct matrix_link *l)
{
    return l->kbit ? l->buffer * 8.0 / l->kbit : 1e9;
}

/* By the millisecond. */
static bool changes(const struct matrix_link *l)
{
    return l->shape == MATRIX_RECORDED || l->shape == MATRIX_WANDER;
}

static bool is_shared(const struct matrix_cell *c)
{
    return c->history == MATRIX_TWO || c->history == MATRIX_BESIDE_CUBIC || c->history == MATRIX_BESIDE_BBR;
}

/* The part of the time that counts in which the rate is looked for. */
static double finding(const struct matrix_cell *c, const struct matrix_course *course)
{
    double time = 0, rtt = rtt_ms(c->link), find = is_shared(c) ? 0 : FIND * rtt;
    for (unsigned i = course->counted; i < course->on_count; i++) {
        time += (double)(course->on[i].to - course->on[i].from - course->settle) / 1000;
        find += i > course->counted ? FIND_AGAIN * rtt : 0;
    }
    if (c->history == MATRIX_MOVED)
        find += FIND * (2 * rtt + 20);
    return find / time;
}

static double goodput_of(const struct matrix_cell *c, const struct matrix_result *r,
                         const struct matrix_result *bbr)
{
    const struct matrix_course course = matrix_course_of(c);
    double p = loss_of(c->link), share = most(FULL * (1 - finding(c, &course)), LEAST);
    if (c->mode == MATRIX_TUN)
        share *= 1 - p;
    if (c->normal)
        share *= p >= LOSSY ? 0.27 / FULL : 0.9;
    if (changes(c->link) && bbr->goodput > 0)
        return least(bbr->goodput * (c->normal ? 0.9 : 1), 0.97 * r->limit);
    return share * r->limit;
}

static void set_delay(struct matrix_target *t, const struct matrix_cell *c, const struct matrix_result *bbr)
{
    const struct matrix_link *l = c->link;
    if (c->normal || c->history == MATRIX_BESIDE_CUBIC || c->history == MATRIX_BESIDE_BBR)
        return;
    if (changes(l)) {
        bool thin = c->history == MATRIX_BESIDE_THIN;
        t->delay = 0.6 * (thin ? bbr->thin_mean : bbr->queue_mean);
        t->delay_p99 = 0.8 * (thin ? bbr->thin_p99 : bbr->queue_p99);
        return;
    }
    double rtt = rtt_ms(l) * (c->history == MATRIX_MOVED ? 2 : 1), packet = l->kbit ? 12000.0 / l->kbit : 0;
    t->delay = most(5, most(rtt / 5, 3 * packet)) * (c->history == MATRIX_TWO ? 2 : 1);
    if (l->shape == MATRIX_WIFI)
        t->delay += 10; /* a few accesses to the medium, with retries */
    t->delay_p99 = 3 * t->delay + (loss_of(l) >= LOSSY ? 1.25 * rtt : 0) + l->jitter_us / 1000.0;
    if (l->shape == MATRIX_LEO) /* half the rate at once is a queue at first, whoever sends */
        t->delay_p99 =
            most(t->delay_p99, 0.8 * (c->history == MATRIX_BESIDE_THIN ? bbr->thin_p99 : bbr->queue_p99));
}

static void set_shares(struct matrix_target *t, const struct matrix_cell *c)
{
    if (c->history == MATRIX_TWO)
        t->share = t->theirs = 0.35;
    else if (is_shared(c)) {
        t->share = 0.25;
        bool held_up =
            loss_of(c->link) >= LOSSY || buffer_ms(c->link) < SHORT_MS || c->link->shape == MATRIX_CROSS;
        t->theirs = held_up ? 0 : c->normal && c->history == MATRIX_BESIDE_CUBIC ? 0.45 : 0.25;
    }
}

struct matrix_target matrix_target_of(const struct matrix_cell *c, const struct matrix_result *r,
                                      const struct matrix_result *bbr, const struct matrix_result *cubic)
{
    (void)cubic;
    struct matrix_target t = {.goodput = goodput_of(c, r, bbr)};
    double unavoidable = 1 / (r->payload_share * (1 - loss_of(c->link)));
    t.bytes = c->mode == MATRIX_TUN ? 1.2 * unavoidable : 1.07 * unavoidable;
    if (changes(c->link) && c->mode == MATRIX_TCP)
        t.bytes = 1.10;
    set_delay(&t, c, bbr);
    set_shares(&t, c);
    return t;
}

static void consider(double *score, const char **what, double ratio, const char *name)
{
    if (ratio >= *score)
        return;
    *score = ratio;
    *what = name;
}

double matrix_score(const struct matrix_cell *c, const struct matrix_target *t, const struct matrix_result *r,
                    const char **what)
{
    double score = 1e9, got = is_shared(c) ? r->both * r->limit : r->goodput;
    bool thin = r->thin_count > 0 && c->link->shape != MATRIX_CROSS; /* that waits behind others' data, too */
    double mean = thin ? r->thin_mean : r->queue_mean, p99 = thin ? r->thin_p99 : r->queue_p99;
    *what = "payload";
    if (r->cut)
        return 0;
    consider(&score, what, got / t->goodput, "payload");
    if (t->delay > 0) {
        consider(&score, what, t->delay / most(mean, 0.1), "delay");
        consider(&score, what, t->delay_p99 / most(p99, 0.1), "p99");
    }
    consider(&score, what, (t->bytes * t->bytes) / (r->bytes * r->bytes), "bytes");
    if (t->share > 0)
        consider(&score, what, r->share / t->share, "share");
    if (t->theirs > 0)
        consider(&score, what, (1 - r->share) / t->theirs, "theirs");
    return score;
}
